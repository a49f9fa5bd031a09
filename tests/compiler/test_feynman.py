"""All 120 equations of the Feynman benchmark, to the last digits."""

import numpy as np
import pandas as pd
import pytest
import sympy
import torch

import kanscience as ks
from tests.helpers_formulas import assert_network_is, feynman_cases, uniform

CASES = [pytest.param(*case, id=case[0]) for case in feynman_cases()]


def test_there_are_120():
    assert len(CASES) == 120


@pytest.mark.parametrize(("name", "formula", "variables", "ranges"), CASES)
def test_the_network_is_the_law_and_the_law_comes_back(name, formula, variables, ranges):
    network = ks.compile_formula(formula, variables)
    expression = ks.parse_formula(formula, variables=variables)
    assert network.input_names == tuple(variables)
    assert_network_is(expression, network, uniform(ranges, 1000))
    (found,) = ks.expression(network)
    assert not found.atoms(sympy.Float)
    assert sympy.simplify(found - expression) == 0


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, on its first jvp
@pytest.mark.parametrize(("name", "formula", "variables", "ranges"), CASES[::8])
def test_gradients_and_hessians_are_those_of_sympy(name, formula, variables, ranges):
    network = ks.compile_formula(formula, variables)
    expression = ks.parse_formula(formula, variables=variables)
    symbols = [sympy.Symbol(variable) for variable in variables]
    X = uniform(ranges, 5)
    slopes = [sympy.diff(expression, symbol) for symbol in symbols]
    bends = [[sympy.diff(slope, symbol) for symbol in symbols] for slope in slopes]
    oracle = sympy.lambdify(symbols, [slopes, bends])
    for point in torch.from_numpy(X):
        gradient, hessian = (np.array(part, dtype=float) for part in oracle(*point.tolist()))
        f = lambda x: network(x[None])[0, 0]  # noqa: E731
        found = [d(f)(point).detach().numpy() for d in (torch.func.grad, torch.func.hessian)]
        np.testing.assert_allclose(found[0], gradient, rtol=1e-10, atol=1e-11 * np.abs(gradient).max())
        np.testing.assert_allclose(found[1], hessian, rtol=1e-9, atol=1e-10 * np.abs(hessian).max())


def test_the_table_of_the_package_is_the_table_of_the_repository(repository):
    table = pd.read_csv(repository / "data" / "feynman_equations.csv")
    assert list(ks.load_table("feynman_equations").formula) == list(table.formula)
