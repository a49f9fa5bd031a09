"""Splines become the functions that they follow, judged by the whole network."""

from __future__ import annotations

import pytest
import sympy
import torch

import kanscience as ks
from kanscience.functions import default_library
from kanscience.symbolic._search import Search, functions_of
from kanscience.training import Samples
from tests.helpers import assert_same_function, uniform_inputs

x1, x2 = sympy.symbols("x1 x2")


def snapped(f, width, *, columns=2, half=1.0, seed=0, noise=0.0, **options):
    x = half * uniform_inputs(200, columns, seed=3)
    y = f(x)
    y = y + noise * y.std() * torch.randn(len(y), dtype=y.dtype, generator=torch.Generator().manual_seed(5))
    network = ks.MultKAN(width, seed=seed)
    ks.fit(network, x, y, grids=(5, 10) if not noise else (5,), steps=30, restarts=2, seed=0, progress=False)
    return ks.snap(network, x, y, seed=0, **options)


@pytest.mark.parametrize(
    ("f", "width", "half", "expected"),
    [
        (lambda x: torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2, [2, 1], 1.0, sympy.sin(sympy.pi * x1) + x2**2),
        (lambda x: (x[:, 0] + x[:, 1]) / (1 + x[:, 0] * x[:, 1]), [2, 1, 1], 0.9, (x1 + x2) / (1 + x1 * x2)),
        (lambda x: x[:, 0] * x[:, 1], [2, (0, 1), 1], 1.0, x1 * x2),
        (lambda x: torch.exp(x[:, 0] + x[:, 1] ** 2), [2, 1, 1], 1.0, sympy.exp(x1 + x2**2)),
    ],
    ids=["additive", "velocities", "product", "composition"],
)
def test_exact_laws_come_out_exactly(f, width, half, expected):
    network, report = snapped(f, width, half=half)
    assert report.exact
    formula = ks.expression(network)[0]
    assert not formula.atoms(sympy.Float)
    assert_same_function(formula, expected, ranges={"x1": (-0.8, 0.8), "x2": (-0.8, 0.8)})


def test_noise_leaves_the_structure_and_the_front_keeps_simpler_formulas():
    network, report = snapped(lambda x: torch.sin(2 * x[:, 0]) + x[:, 1] ** 2, [2, 1], noise=0.02)
    assert not report.exact
    assert set(report.functions.values()) == {"sin", "x^2"}
    assert [c.complexity for c in report.front] == sorted(c.complexity for c in report.front)
    assert [c.loss for c in report.front] == sorted((c.loss for c in report.front), reverse=True)


def test_only_functions_of_the_library_are_chosen():
    _, report = snapped(lambda x: torch.sin(x[:, 0]) + x[:, 1], [2, 1], library=["x", "x^2", "x^3"])
    assert set(report.functions.values()) <= {"x", "x^2", "x^3"}


def test_the_given_network_is_left_as_it_is():
    x = uniform_inputs(100, 1, seed=0)
    network = ks.MultKAN([1, 1], seed=0)
    ks.fit(network, x, x[:, 0] ** 2, progress=False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    ks.snap(network, x, x[:, 0] ** 2, seed=0)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_a_dozen_rows_are_enough_for_one_curve():
    x = torch.linspace(0.5, 3, 12, dtype=torch.float64)[:, None]
    network = ks.MultKAN([1, 1], seed=0)
    ks.fit(network, x, x[:, 0] ** 1.5, steps=50, progress=False)
    formula, report = ks.snap(network, x, x[:, 0] ** 1.5)
    assert ks.expression(formula) == [x1 ** sympy.Rational(3, 2)]
    assert report.exact


def test_a_constant_column_has_no_curve():
    x = uniform_inputs(100, 2, seed=0)
    x[:, 1] = 3.0
    network = ks.MultKAN([2, 1], seed=0)
    ks.fit(network, x, torch.sin(x[:, 0]), grids=(5, 10, 20), progress=False)
    assert ks.expression(ks.snap(network, x, torch.sin(x[:, 0]), seed=0)[0]) == [sympy.sin(x1)]


def test_a_constant_target_is_that_constant():
    x = uniform_inputs(100, 2, seed=0)
    network = ks.MultKAN([2, 2, 1], seed=0)
    ks.fit(network, x, torch.ones(100, dtype=torch.float64), progress=False)
    found, report = ks.snap(network, x, torch.ones(100, dtype=torch.float64), seed=0)
    assert report.exact
    assert ks.expression(found) == [1]


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        (lambda x: torch.sin(x), "sin(x)"),  # in place of the law
        (lambda x: x + torch.sin(3 * x) / 10, "x + sin(3*x)/10"),  # beside it
        (lambda x: x, "x"),  # nothing was missing
    ],
)
def test_a_correction_replaces_a_fixed_law_or_stands_beside_it(truth, expected):
    x = 2 * uniform_inputs(200, 1, seed=3)
    opened = ks.perturb(ks.compile_formula("x"))
    ks.fit(opened, x, truth(x), grids=(5, 10, 20), progress=False)
    formula, report = ks.snap(opened, x, truth(x), seed=0)
    assert report.exact
    assert ks.expression(formula) == [sympy.sympify(expected)]


def test_of_functions_that_are_one_on_the_rows_the_simpler_is_chosen():
    x = 1.5 + uniform_inputs(50, 1, seed=3) / 2
    network = ks.set_function(ks.MultKAN([1, 1], seed=0), (0, 0, 0), "abs", shift=-0.5)
    search = Search(network, default_library(), *2 * [Samples(x, x - 0.5)])
    assert functions_of(network) == {(0, 0, 0): "abs"}
    assert functions_of(search.improved(network)) == {(0, 0, 0): "x"}


def test_constants_of_float32_networks_are_as_simple_as_those_of_float64():
    x = uniform_inputs(200, 1, seed=3)
    y = torch.sin(2 * x) + 1 / 3
    network = ks.MultKAN([1, 1], seed=0, dtype=torch.float32)
    ks.fit(network, x, y, grids=(5, 10, 20), progress=False)
    formula, report = ks.snap(network, x, y, seed=0)
    assert ks.expression(formula) == [sympy.sin(2 * x1) + sympy.Rational(1, 3)]
    assert {candidate.network.dtype for candidate in report.front} == {formula.dtype} == {torch.float32}


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_after_the_time_budget_only_numbers_known_to_many_digits_become_exact(noise):
    x = uniform_inputs(100, 1, seed=3)
    y = torch.sin(2 * x) + noise * torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    network = ks.MultKAN([1, 1], seed=0)
    ks.fit(network, x, y, grids=(5, 10), progress=False)
    formula, _ = ks.snap(network, x, y, library=["sin"], time_budget=0, seed=0)
    assert [t.slope.is_exact for *_, terms in ks.to_graph(formula).functions() for t in terms] == [noise == 0]


def test_a_function_of_ones_own_is_found_and_written_into_formulas():
    sinc = ks.Function("sinc", torch.special.sinc, lambda u: sympy.sinc(sympy.pi * u), parity="even")
    library = ks.default_library().with_functions(sinc)
    x = 2 * uniform_inputs(200, 1, seed=3)
    y = 3 * torch.special.sinc(x - 0.5)
    network = ks.MultKAN([1, 1], seed=0)
    ks.fit(network, x, y, grids=(5, 10, 20), progress=False)
    formula, report = ks.snap(network, x, y, library=library, seed=0)
    assert report.exact
    assert ks.expression(formula) == [3 * sympy.sinc(sympy.pi * (x1 - sympy.Rational(1, 2)))]
