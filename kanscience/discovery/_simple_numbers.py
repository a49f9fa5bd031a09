"""Simple numbers for the fitted constants of an expression, one at a time, where the loss agrees."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kanscience._typing import Matrix, Vector
from kanscience.discovery._formula import Formula, Numbers, jacobian, refitted
from kanscience.symbolic import snap_constant

if TYPE_CHECKING:
    import sympy

_WORSE = 6.0  # nats that an exact number may cost: about what its digits would
_ERRORS = 4.0  # standard errors within which a simple number is proposed
_DIGITS = 1e-9  # relative accuracy that a fit's own convergence leaves open
_ROUNDING = 1e-26  # mean square, over that of y, that float64 arithmetic leaves of an exact law


def with_simple_numbers(
    expression: sympy.Expr,
    names: Sequence[str],
    X: Matrix,
    y: Vector,
    weights: Vector | None = None,
    deadline: float = math.inf,
) -> sympy.Expr:
    """Return the expression with exact numbers wherever the residuals do not mind, the others refitted.

    Every fitted constant is proposed the simplest value within four of its standard errors. It is set there, all
    others are refitted, and it stays if ``N/2 log(mean square)`` grows by less than its digits cost.

    Args:
        expression: fitted; its floats are the constants.
        names: of the columns of X.
        X, y, weights: what it was fitted to.
        deadline: on ``time.monotonic()``, after which no further number is tried.

    Example:
        >>> import sympy
        >>> x = np.linspace(1, 2, 50)
        >>> with_simple_numbers(sympy.Float(0.4999999999) * sympy.Symbol("x"), ["x"], x[:, None], x / 2)
        x/2
    """
    formula = Formula(expression, tuple(names))
    numbers: list[Any] = list(refitted(formula, X, y, weights))
    length = _description_length(formula, numbers, X, y, weights)
    if not math.isfinite(length):
        return expression
    refused: set[tuple[int, str]] = set()
    while time.monotonic() < deadline:
        proposals = [p for p in _proposals(formula, numbers, X, y, weights) if (p[1], str(p[2])) not in refused]
        if not proposals:
            break
        _, index, exact = min(proposals, key=lambda p: p[0])
        trial = _with_exact(formula, numbers, index, exact, X, y, weights)
        changed = _description_length(formula, trial, X, y, weights)
        if changed <= length + _WORSE:
            numbers, length = trial, changed
        else:
            refused.add((index, str(exact)))
    return formula.with_constants([float(n) if isinstance(n, float) else n for n in numbers])


def _with_exact(
    formula: Formula, numbers: list[Any], index: int, exact: Any, X: Matrix, y: Vector, weights: Vector | None
) -> list[Any]:
    trial = [*numbers[:index], exact, *numbers[index + 1 :]]
    free = [isinstance(n, float) for n in trial]
    fitted = refitted(formula, X, y, weights, start=_floats(trial), free=free)
    return [float(f) if is_free else n for f, n, is_free in zip(fitted, trial, free, strict=True)]


def _proposals(
    formula: Formula, numbers: list[Any], X: Matrix, y: Vector, weights: Vector | None
) -> list[tuple[float, int, Any]]:
    """Return (plainness, index, exact value) for each free constant that has a simple value nearby."""
    free = [k for k, number in enumerate(numbers) if isinstance(number, float)]
    errors = _standard_errors(formula, numbers, free, X, y, weights)
    found = []
    for k, error in zip(free, errors, strict=True):
        exact = snap_constant(numbers[k], _ERRORS * error + _DIGITS * abs(numbers[k]))
        if exact is not None:
            found.append((_plainness(exact), k, exact))
    return found


def _standard_errors(
    formula: Formula, numbers: list[Any], free: list[int], X: Matrix, y: Vector, weights: Vector | None
) -> Numbers:
    values = _floats(numbers)
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    residuals = root * (formula(X, values) - y)
    rows = root[:, None] * jacobian(formula, X, values)[:, free]
    finite = np.isfinite(residuals) & np.isfinite(rows).all(axis=1)
    residuals, rows = residuals[finite], rows[finite]
    length = np.linalg.norm(rows, axis=0)
    safe = np.where(length > 0, length, 1.0)
    _, singular, directions = np.linalg.svd(rows / safe, full_matrices=False)
    keep = singular > 1e-12 * singular.max(initial=1e-300)
    variance = float(residuals @ residuals) / max(len(residuals) - int(keep.sum()), 1)
    return np.sqrt(((directions[keep] / singular[keep, None]) ** 2).sum(axis=0) * variance) / safe


def _description_length(formula: Formula, numbers: list[Any], X: Matrix, y: Vector, weights: Vector | None) -> float:
    w = np.ones(len(y)) if weights is None else weights
    residuals = formula(X, _floats(numbers)) - y
    if not np.isfinite(residuals).all():
        return math.inf
    size = float(w @ y**2) or 1.0
    return 0.5 * len(y) * math.log(float(w @ residuals**2) / size + _ROUNDING)


def _plainness(exact: Any) -> float:
    """Return how much there is to write: 0 for 0, less for 1 than for 7/3 or pi."""
    import sympy

    exact = sympy.sympify(exact)
    if exact == 0:
        return 0.0
    size = sum(math.log1p(abs(int(n.p))) + math.log1p(int(n.q)) for n in exact.atoms(sympy.Rational))
    return size + 2.0 * len(exact.atoms(sympy.NumberSymbol)) + 0.5 * bool(exact.is_negative)


def _floats(numbers: Sequence[Any]) -> Numbers:
    return np.array([float(number) for number in numbers])
