"""Power laws come back with their exponents, whatever the signs, units and useless columns."""

import numpy as np
import pytest
import sympy

from kanscience.discovery._power_law import power_laws
from tests.helpers import assert_same_function

A, B, C = sympy.symbols("a b c")


def _columns(rows, low, high, columns=3, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (rows, columns))


def _laws(X, y):
    return [law.expression for law in power_laws(X, y, ("a", "b", "c")[: X.shape[1]])]


def _best(X, y):
    """The formula with the lowest mean square, the simplest of those within rounding of it."""
    laws = _laws(X, y)
    functions = [sympy.lambdify([A, B, C][: X.shape[1]], law, "numpy") for law in laws]
    with np.errstate(all="ignore"):
        losses = [np.mean((f(*X.T) - y) ** 2) for f in functions]
    limit = np.nanmin(losses) + 1e-24 * np.mean(y**2)
    return min((law for law, loss in zip(laws, losses, strict=True) if loss <= limit), key=lambda law: len(str(law)))


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize(
    ("law", "low", "high"),
    [
        (3 * A ** sympy.Rational(3, 2) / (B**2 * C ** sympy.Rational(1, 3)), 1, 5),
        (-A * B**2 * C**3, -2, 2),
        (A**3 / B, -5, -1),
        (sympy.pi * A**2, 0.5, 2),
        (A / C, 0.01, 100),
    ],
    ids=str,
)
def test_exponents_and_factor_come_back_exactly(law, low, high, noise):
    X = _columns(240, low, high)
    y = sympy.lambdify([A, B, C], law, "numpy")(*X.T)
    y = y * (1 + noise * np.random.default_rng(1).normal(size=len(y)))
    assert law in _laws(X, y)
    if not noise:
        assert _best(X, y) == law


@pytest.mark.parametrize(
    "law",
    [1 + 1 / (A * B**2), A**2 * B - 1, sympy.exp(-(A**2) / (2 * B)), sympy.log(A * B**3), sympy.sqrt(1 - A**2 * B)],
    ids=str,
)
def test_laws_of_a_transform_of_the_target_come_back(law):
    X = _columns(200, 0.1, 0.95, columns=2)
    y = sympy.lambdify([A, B], law, "numpy")(*X.T)
    assert_same_function(_best(X, y), law, ranges={"a": (0.1, 0.95), "b": (0.1, 0.95)})


def test_units_change_the_factor_only():
    X = _columns(100, 1, 3, columns=2)
    scaled = _best(X * [1e6, 1e-9], 2 * X[:, 0] ** 0.5 / X[:, 1] * 1e-20)
    (factor,) = scaled.atoms(sympy.Float)
    assert scaled == factor * sympy.sqrt(A) / B
    assert float(factor) == pytest.approx(2e-20 * 1e-3 * 1e-9, rel=1e-12)


def test_an_exponent_that_is_no_simple_fraction_stays_a_number():
    X = _columns(200, 1, 10, columns=1)
    law = _best(X, X[:, 0] ** 1.234)
    assert law.is_Pow
    assert [float(number) for number in law.atoms(sympy.Float)] == [pytest.approx(1.234, abs=1e-12)]


def test_columns_that_repeat_each_other_and_zeros_do_no_harm():
    X = _columns(100, 1, 3)
    X[:, 2] = 5 * X[:, 0]
    X[::10, 1] = 0.0
    assert _best(X, X[:, 0] * X[:, 1] ** 2) == A * B**2


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_too_few_rows_give_no_error(rows):
    power_laws(_columns(rows or 1, 1, 2), np.ones(rows or 1) * 2.0, ("a", "b", "c"))


def test_a_deadline_in_the_past_ends_the_search():
    X = _columns(50, 1, 2)
    assert power_laws(X, X[:, 0], ("a", "b", "c"), deadline=0.0) == []
