"""Sums of power laws and library functions come back, whatever the units and the order of the columns."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from kanscience.discovery._formula import evaluate
from kanscience.discovery._sum_fit import SumOfTerms
from kanscience.discovery._sums import sums
from kanscience.discovery._terms import CurveTerm, Inputs, PowerTerm
from kanscience.discovery._whole_numbers import with_lowest_frequencies
from kanscience.functions import as_library, default_library
from tests.helpers import assert_same_function

A, B, C = sympy.symbols("a b c")
NAMES = ("a", "b", "c")


def _columns(rows, low, high, columns, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (rows, columns))


def _found(X, y, **options):
    options = {"library": default_library(), **options}
    return [proposal.expression for proposal in sums(X, y, NAMES[: X.shape[1]], **options)]


@pytest.mark.parametrize(
    ("law", "low", "high"),
    [
        pytest.param(16 * (A + B) - A**2 / B ** sympy.Rational(1, 3), 1, 30, marks=pytest.mark.slow),
        (A * B**2 / C + sympy.exp(-A), 1, 3),
        (A * B - sympy.sin(3 * C), -2, 2),
        pytest.param(2 * sympy.log(A) + sympy.sqrt(B) * C, 0.5, 4, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_sums_come_back_exactly(law, low, high):
    X = _columns(100, low, high, columns=3)
    found = _found(X, evaluate(law, NAMES, X))
    assert_same_function(found[-1], law, ranges=dict.fromkeys(NAMES, (low, high)))


def test_exponents_are_found_through_noise():
    X = _columns(1000, 1, 20, columns=2)
    y = 3 * X[:, 0] ** 1.3 - X[:, 1] ** 0.7 * X[:, 0] ** 0.5
    noisy = y + 0.01 * np.std(y) * np.random.default_rng(1).normal(size=len(y))
    formula = _found(X, noisy)[-1]
    assert np.std(evaluate(formula, NAMES[:2], X) - y) < 0.003 * np.std(y)


@pytest.mark.parametrize("units", [pytest.param((1.0, 1.0), marks=pytest.mark.slow), (1e6, 1e-9)])
def test_units_and_order_of_columns_change_nothing_but_the_numbers(units):
    X = _columns(60, 1, 10, columns=2)
    y = X[:, 0] ** 1.5 - 3 * X[:, 1] / X[:, 0]
    plain, other = _found(X, y), _found((X * units)[:, ::-1], 1e20 * y)
    scaled = evaluate(other[-1], NAMES[:2], (X * units)[:, ::-1])
    np.testing.assert_allclose(scaled, 1e20 * evaluate(plain[-1], NAMES[:2], X), rtol=1e-9, atol=1e10 * np.ptp(y))
    terms = [formula.as_independent(A, B)[1].args for formula in (plain[-1], other[-1])]
    assert len(terms[0]) == len(terms[1]) == 2


def test_only_functions_of_the_library_are_used():
    X = _columns(200, 1, 4, columns=1)
    found = _found(X, X[:, 0] + np.sin(5 * X[:, 0]), library=as_library(["exp"]))
    assert found
    for formula in found:
        assert not formula.atoms(sympy.Function) - formula.atoms(sympy.exp)


@pytest.mark.parametrize("rows", [1, 2, 5, 12])
def test_few_rows_get_few_numbers(rows):
    X = _columns(rows, 1, 4, columns=2)
    for formula in _found(X, np.random.default_rng(1).normal(size=rows)):
        assert 3 * len(formula.atoms(sympy.Float)) <= rows


def test_constant_and_two_valued_columns_and_targets_do_no_harm():
    X = _columns(100, 1, 4, columns=3)
    X[:, 1], X[:, 2] = 2.0, X[:, 2] > 2
    assert _found(X, np.full(100, 3.0)) == []
    assert_same_function(_found(X, X[:, 0] ** 2 * (1 + X[:, 2]))[-1], A**2 * (1 + C), ranges={"c": (0.99, 1.0)})


def test_weights_decide_between_contradicting_rows():
    X = np.repeat(np.linspace(1.0, 2.0, 60), 2)[:, None]
    odd = np.arange(120) % 2 == 1
    y = np.where(odd, X[:, 0] ** 1.5, 3 * X[:, 0])
    found = _found(X, y, weights=np.where(odd, 1.0, 1e-18))
    np.testing.assert_allclose(evaluate(found[0], ("a",), X)[odd], y[odd], rtol=1e-6)


def test_a_deadline_in_the_past_ends_the_search():
    X = _columns(50, 1, 2, columns=2)
    assert _found(X, X[:, 0] + X[:, 1] ** 2, deadline=0.0) == []


@pytest.mark.parametrize("label", [f.label for f in default_library().candidates if f.n_constants > 2 and f.smooth])
def test_derivatives_of_curves_are_those_of_differences(label):
    function = default_library().resolve(label)
    term, inputs = CurveTerm(function, 0), Inputs(_columns(40, -1, 1, columns=1))
    numbers = term.start(0.3, 0.4 if np.isfinite(function.upper) else 1.7)
    for k, slope in enumerate(term.slopes(numbers, inputs).T):
        step = 1e-6 * np.eye(len(numbers))[k]
        change = term.values(numbers + step, inputs) - term.values(numbers - step, inputs)
        np.testing.assert_allclose(slope, change / 2e-6, rtol=1e-6, atol=1e-8)


def test_the_gradient_of_a_sum_is_that_of_differences():
    inputs = Inputs(_columns(50, 1, 3, columns=3))
    sine = default_library().resolve("sin")
    y = np.random.default_rng(1).normal(size=50)
    problem = SumOfTerms([PowerTerm((0, 2), ((1, 2),)), CurveTerm(sine, 1)], inputs, y, np.linspace(1, 2, 50))
    theta = np.array([1.2, -0.7, 2.0, 0.3])
    _, _, gradient = problem.normal_equations(theta)
    steps = 1e-6 * np.eye(4)
    differences = [(problem.loss(theta + step) - problem.loss(theta - step)) / 4e-6 for step in steps]
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-8)


def test_written_terms_are_the_terms():
    X = _columns(30, -3, 5, columns=2)
    X[:, 0] = np.abs(X[:, 0]) + 1
    inputs, symbols = Inputs(X), sympy.symbols("a b")
    sine = default_library().resolve("sin")
    for term, numbers in [(PowerTerm((0,), ((1, 3),)), [0.7]), (CurveTerm(sine, 1), [20.0, -50.0])]:
        written = term.written(np.array(numbers), inputs, symbols)
        values = written.factor * evaluate(written.expression, ("a", "b"), X) + written.offset
        np.testing.assert_allclose(values, term.values(np.array(numbers), inputs), rtol=1e-10, atol=1e-10)


def test_what_alternates_with_whole_numbers_is_written_with_pi():
    n, X = np.arange(2.0, 62.0), _columns(60, 1, 3, columns=2)
    X[:, 0] = n
    law = B + sympy.Rational(7, 10) * sympy.cos(sympy.pi * A)
    y = evaluate(law, ("a", "b"), X)
    assert law in _found(X, y)


@given(st.floats(-0.02, 0.02), st.floats(-7, 7), st.booleans(), st.integers(-3, 3))
def test_waves_that_drift_little_from_alternating_signs_stay_within_their_drift(off, shift, even, turns):
    n = np.arange(-20.0, 30.0)
    wave = (sympy.cos if even else sympy.sin)(((1 + 2 * turns) * np.pi + off) * A + shift)
    found = with_lowest_frequencies(wave, ("a",), n[:, None])
    drift = abs(off) * 25.5 if found.has(sympy.pi) else 0.0  # radians at the ends of the column
    values, expected = (evaluate(f, ("a",), n[:, None]) for f in (found, wave))
    np.testing.assert_allclose(values, expected, rtol=0, atol=drift + 1e-9)
