"""Polynomials come back with their few terms."""

import numpy as np
import pytest
import sympy

from kanscience.discovery._polynomial import polynomials

A, B, C = sympy.symbols("a b c")


def _data(law, rows=200, seed=0, noise=0.0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (rows, 3))
    y = np.broadcast_to(sympy.lambdify([A, B, C], law, "numpy")(*X.T), (rows,))
    return X, y + noise * np.std(y) * rng.normal(size=rows)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize(
    "law", [3 * A**2 - A * B + sympy.Rational(1, 2), A**4 + A * B / 3 - 2 * C**3 - 1, A + B, A * B * C]
)
def test_terms_and_coefficients_come_back(law, noise):
    X, y = _data(law, noise=noise)
    found = [p.expression for p in polynomials(X, y, ("a", "b", "c"))]
    exact = [f for f in found if sympy.Poly(f, A, B, C).monoms() == sympy.Poly(law, A, B, C).monoms()]
    assert exact
    np.testing.assert_allclose(
        [float(c) for c in sympy.Poly(exact[-1], A, B, C).coeffs()],
        [float(c) for c in sympy.Poly(law, A, B, C).coeffs()],
        rtol=0.1 if noise else 1e-12,
    )
    if not noise:
        assert law in found


def test_the_degree_follows_the_number_of_rows():
    X, y = _data(A**4 + B**3, rows=12)
    for polynomial in polynomials(X, y, ("a", "b", "c")):
        assert sympy.Poly(polynomial.expression, A, B, C).total_degree() <= 1


def test_two_valued_and_repeated_columns_do_no_harm():
    X, _ = _data(A)
    X[:, 1] = (X[:, 1] > 0).astype(float)
    X[:, 2] = X[:, 0]
    found = [p.expression for p in polynomials(X, 2 * X[:, 0] * X[:, 1] + 1, ("a", "b", "c"))]
    assert 2 * A * B + 1 in found


def test_units_of_columns_and_target_change_nothing_but_the_coefficients():
    X, y = _data(3 * A**2 - A * B + 2)
    plain = {str(p.expression.as_independent(A, B)[1].args) for p in polynomials(X, y, ("a", "b", "c"))}
    powers = lambda found: [set(sympy.Poly(p.expression, A, B, C).monoms()) for p in found]  # noqa: E731
    scaled = polynomials(X * [1e5, 1e-7, 1.0], y * 1e12, ("a", "b", "c"))
    assert powers(scaled)[-1] == powers(polynomials(X, y, ("a", "b", "c")))[-1]
    assert plain


def test_weights_decide_between_contradicting_rows():
    X = np.repeat(np.linspace(1.0, 2.0, 30), 2)[:, None]
    y = np.where(np.arange(60) % 2, 2 * X[:, 0], 3 * X[:, 0])
    weights = np.where(np.arange(60) % 2, 1.0, 1e-12)
    found = [p.expression for p in polynomials(X, y, ("a",), weights=weights)]
    assert 2 * A in found
