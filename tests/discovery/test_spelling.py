"""Formulas survive the way into text, Python and a fitted function."""

import ast
import runpy

import numpy as np
import pytest
import sympy

from kanscience._errors import FormulaError
from kanscience.discovery._formula import Formula, evaluate, refitted
from kanscience.discovery._law_network import law_network
from kanscience.discovery._simple_numbers import with_simple_numbers
from kanscience.discovery._spelling import as_latex, as_mathml, as_python, as_text, python_names

A, B = sympy.symbols("a b")
FORMULAS = [
    sympy.Integer(3),
    A ** sympy.Rational(3, 2),
    sympy.Float(0.1) * A + sympy.exp(-B / 3),
    sympy.sqrt(1 - A * B / 10) * sympy.pi,
    sympy.sin(sympy.Float(2.5) * A) + sympy.Abs(B) + sympy.sign(A - 1),
    sympy.besselj(0, A) + sympy.erf(B),
    sympy.atan(A) / (1 + B**2),
]


def _points():
    return np.random.default_rng(0).uniform(0.2, 2.0, (40, 2))


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_python_text_computes_the_formula(formula, tmp_path):
    path = tmp_path / "formula.py"
    path.write_text(as_python([formula], ["a", "b"], ["y"], note="A note."), encoding="utf-8")
    function = runpy.run_path(str(path))["y"]
    X = _points()
    arguments = {name: X[:, k] for k, name in enumerate("ab") if sympy.Symbol(name) in formula.free_symbols}
    values = np.broadcast_to(function(**arguments), 40)
    np.testing.assert_allclose(values, evaluate(formula, ["a", "b"], X), rtol=1e-15)


def test_python_names_follow_awkward_columns(tmp_path):
    names, outputs = ["mass (kg)", "lambda", 'say "hi"'], ["y [m]", "2nd"]
    first, second, third = map(sympy.Symbol, names)
    text = as_python([first * second, third], names, outputs, note='Quotes """ and \\ in a note')
    path = tmp_path / "formula.py"
    path.write_text(text, encoding="utf-8")
    module = runpy.run_path(str(path))
    assert module["y_m"](mass_kg=2.0, lambda_=3.0) == 6.0
    assert module["x2nd"](4.0) == 4.0
    assert len(set(python_names(["a b", "a_b", "a-b"]))) == 3
    ast.parse(text)


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_text_with_all_digits_reads_back(formula):
    assert sympy.sympify(as_text(formula, None)) == formula


def test_latex_and_mathml_keep_names_apart():
    long = sympy.Symbol("semi_major_axis")
    assert as_latex(long**2) == r"\mathrm{semi\_major\_axis}^{2}"
    assert as_latex(sympy.Symbol("x1")) == "x_{1}"
    assert "<mi>semi_major_axis</mi>" in as_mathml(long**2)
    assert "<msub><mi>x</mi><mn>1</mn></msub>" in as_mathml(sympy.Symbol("x1"), "y")


def test_an_unknown_symbol_is_named():
    with pytest.raises(FormulaError, match=r"\['q'\]"):
        evaluate(sympy.Symbol("q"), ["a"], np.ones((1, 1)))


def test_values_outside_the_real_domain_are_nan():
    values = evaluate(sympy.log(A) + sympy.sqrt(A), ["a"], np.array([[-1.0], [1.0]]))
    np.testing.assert_array_equal(values, [np.nan, 1.0])


def test_constants_are_refitted_and_become_simple():
    X = _points()
    y = 2 * X[:, 0] ** 1.5 + np.pi
    rough = sympy.Float(1.7) * A ** sympy.Float(1.4) + sympy.Float(3.0)
    formula = Formula(rough, ("a", "b"))
    np.testing.assert_allclose(sorted(refitted(formula, X, y)), [1.5, 2.0, np.pi], rtol=1e-9)
    assert with_simple_numbers(rough, ["a", "b"], X, y) == 2 * A ** sympy.Rational(3, 2) + sympy.pi


def test_constants_that_are_not_simple_stay():
    X = _points()
    y = 2.7312 * X[:, 0] + 0.01 * np.random.default_rng(1).normal(size=40)
    (number,) = with_simple_numbers(sympy.Float(2.0) * A, ["a", "b"], X, y).atoms(sympy.Float)
    assert float(number) == pytest.approx(2.7312, abs=0.01)


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_network_of_a_law_computes_it(formula):
    network = law_network([formula], ["a", "b"], ["y"])
    assert network is not None
    assert network.input_names == ("a", "b")
    X = _points()
    np.testing.assert_allclose(network.predict(X), evaluate(formula, ["a", "b"], X), rtol=1e-13, atol=1e-13)
