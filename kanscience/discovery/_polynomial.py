"""Polynomials of low degree: least squares in all monomials, then the ones that say least leave."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float64

from kanscience._typing import Matrix, Vector
from kanscience.discovery._candidates import Proposal
from kanscience.discovery._formula import Numbers
from kanscience.discovery._simple_numbers import with_simple_numbers
from kanscience.discovery._spelling import as_text

if TYPE_CHECKING:
    import sympy

MOST_DEGREE = 4
_MOST_TERMS = 200
_MOST_SHOWN = 12  # terms of the polynomials handed in, beside the one of the shortest description
_INDEPENDENT = 1e-9  # part of a monomial that those before it do not explain, below which it is left out
_TOKEN = 2.0  # nats: one of some eight usual choices
_ROUNDING = 1e-26  # mean square, over that of y, that float64 arithmetic leaves of an exact law

Powers = tuple[int, ...]


def polynomials(
    X: Matrix,
    y: Vector,
    names: Sequence[str],
    *,
    weights: Vector | None = None,
    deadline: float = math.inf,
) -> list[Proposal]:
    """Return polynomials of degree 4 or less, with few terms and with more.

    The degree is the highest that leaves at least three rows for each monomial. From the least-squares fit in all
    monomials the one with the smallest coefficient, in its standard errors, is removed again and again. Handed in are
    the polynomials along this way that have few terms, and the one with the shortest description: ``N/2 log(mean
    square)`` and the price of its terms. Coefficients become simple numbers where the loss agrees.

    Args:
        X: (N, n) inputs.
        y: (N,) target.
        names: of the columns.
        weights: of the rows, one over the variance of y; None: all alike.
        deadline: on ``time.monotonic()``, after which no more numbers are made simple.

    Example:
        >>> x = np.linspace(-1, 1, 40)[:, None]
        >>> found = polynomials(x, 3 * x[:, 0] ** 2 - 0.5, ["x"])
        >>> "3*x**2 - 1/2" in [str(polynomial.expression) for polynomial in found]
        True
    """
    import sympy

    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    powers = _monomials(X, len(y))
    path = _eliminated(_values(X, powers) * root[:, None], y * root, powers)
    shortest = min(path, key=lambda step: step.length, default=None)
    symbols = [sympy.Symbol(name) for name in names]
    found: dict[str, Proposal] = {}
    for step in path:
        few = shortest is not None and len(step.powers) <= min(_MOST_SHOWN, len(shortest.powers))
        if step is not shortest and not few:
            continue
        expression = _expression(step, symbols)
        variants = [expression]
        if len(step.powers) <= _MOST_SHOWN and time.monotonic() < deadline:
            variants.append(with_simple_numbers(expression, names, X, y, weights, deadline))
        for variant in variants:
            found.setdefault(as_text(variant), Proposal(variant, _route(step)))
    return list(found.values())


class _Step(NamedTuple):
    powers: list[Powers]
    coefficients: Numbers
    length: float  # description length, nats


def _monomials(X: Matrix, rows: int) -> list[Powers]:
    """Return the powers of the monomials up to the highest degree that the rows can carry, 1 first."""
    n = X.shape[1]
    degree = MOST_DEGREE
    while degree > 0 and math.comb(n + degree, degree) > min(_MOST_TERMS, max(rows // 3, 1)):
        degree -= 1
    found = []
    for total in range(degree + 1):
        for factors in itertools.combinations_with_replacement(range(n), total):
            found.append(tuple(factors.count(k) for k in range(n)))
    return found


def _values(X: Matrix, powers: Sequence[Powers]) -> Float64[np.ndarray, "row monomial"]:
    columns = [np.prod([X[:, k] ** p for k, p in enumerate(its) if p], axis=0) for its in powers]
    return np.stack([np.broadcast_to(column, (len(X),)) for column in columns], axis=1).astype(np.float64)


def _eliminated(design: Matrix, y: Vector, powers: list[Powers]) -> list[_Step]:
    """Return the fits along backward elimination, the one with all terms first."""
    scale = np.linalg.norm(design, axis=0)
    usable = np.isfinite(scale) & (scale > 0)
    design, scale = design[:, usable] / scale[usable], scale[usable]
    powers = [its for its, use in zip(powers, usable, strict=True) if use]
    q, r = np.linalg.qr(design)
    independent = np.abs(np.diag(r)) > _INDEPENDENT
    if not independent.all():
        design, scale = design[:, independent], scale[independent]
        powers = [its for its, keep in zip(powers, independent, strict=True) if keep]
        q, r = np.linalg.qr(design)
    total, rest = float(y @ y) or 1.0, y - q @ (q.T @ y)
    # From here on only the triangle counts; what is outside its reach is one number.
    outside, aim = float(rest @ rest), q.T @ y
    q = np.eye(len(aim))
    path = []
    while powers:
        b = q.T @ aim
        k = len(powers)
        coefficients = scipy.linalg.solve_triangular(r[:k], b[:k])
        lost = outside + float(b[k:] @ b[k:])
        price = sum(_TOKEN * (1 + sum(p > 0 for p in its) + sum(p > 1 for p in its)) for its in powers)
        price += k * (0.5 * math.log(len(y)) + 3)
        path.append(_Step(powers, coefficients / scale, 0.5 * len(y) * math.log(lost / total + _ROUNDING) + price))
        inverse = scipy.linalg.solve_triangular(r[:k], np.eye(k))
        weakest = int(np.argmin(np.abs(coefficients) / np.linalg.norm(inverse, axis=1)))
        powers = powers[:weakest] + powers[weakest + 1 :]
        scale = np.delete(scale, weakest)
        q, r = scipy.linalg.qr_delete(q, r, weakest, which="col")  # pyright: ignore[reportAttributeAccessIssue]
    return path


def _expression(step: _Step, symbols: Sequence[sympy.Symbol]) -> sympy.Expr:
    import sympy

    terms = (
        sympy.Float(float(c), 17) * sympy.Mul(*(x**p for x, p in zip(symbols, its, strict=True)))
        for c, its in zip(step.coefficients, step.powers, strict=True)
    )
    return sympy.Add(*terms)


def _route(step: _Step) -> str:
    degree = max(sum(its) for its in step.powers)
    return "constant" if degree == 0 else f"polynomial of degree {degree}"
