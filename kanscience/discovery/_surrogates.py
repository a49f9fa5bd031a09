"""Smooth functions in place of noisy rows: they can be differentiated, and know their leave-one-out error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kanscience._typing import Vector
from kanscience.discovery._chebyshev import (
    Axes,
    Chain,
    Exponents,
    LeastSquares,
    PerTerm,
    chains,
    features,
    least_squares,
)
from kanscience.discovery._tables import Table

_STEPS = 2  # of Gauss-Newton
_TINY = 1e-9
_WRONG_SIGN = 0.02  # share of rows


@dataclass(frozen=True, eq=False)
class Transform:
    """A function T of a target above 0 (of any target: the identity), by its inverse and the inverse's slope."""

    name: str
    forward: Callable[[Any], Any]
    inverse: Callable[[Any], Any]
    slope: Callable[[Any], Any]


IDENTITY = Transform("y", lambda v: v, lambda t: t, lambda t: t * 0 + 1)
TRANSFORMS = (
    IDENTITY,
    Transform("log y", lambda v: np.log(v), lambda t: torch.exp(t) if isinstance(t, Tensor) else np.exp(t), np.exp),
    Transform("1/y", lambda v: 1 / v, lambda t: 1 / t, lambda t: -1 / t**2),
    Transform("y**2", lambda v: v**2, lambda t: t.clip(_TINY) ** 0.5, lambda t: 0.5 * t.clip(_TINY) ** -0.5),
    Transform("1/y**2", lambda v: v**-2, lambda t: t.clip(_TINY) ** -0.5, lambda t: -0.5 * t.clip(_TINY) ** -1.5),
)


@dataclass(frozen=True, eq=False)
class Kind:
    """How a polynomial is fitted: under which transform of the target, and on logarithms of positive columns or not."""

    transform: Transform
    logarithmic: bool


KINDS = tuple(Kind(transform, logarithmic) for logarithmic in (False, True) for transform in TRANSFORMS)
PLAIN = tuple(kind for kind in KINDS if kind.transform is IDENTITY)


@dataclass(frozen=True, eq=False)
class Surrogate:
    """``v = size * inverse(polynomial)``, with its error.

    Args:
        axes, terms, coefficients: of the polynomial.
        kind: its transform, and whether columns are logarithms.
        size: of the target, with its sign.
        left_out: (N,) predictions of v without the row itself.
        fitted: (N,) values of the polynomial.
        error: leave-one-out error of y in units of its spread.
    """

    axes: Axes
    terms: Exponents
    coefficients: PerTerm
    kind: Kind
    size: float
    left_out: Vector
    fitted: Vector
    error: float

    def leverage(self, target: Vector) -> Vector:
        """Return by how much the prediction of a row follows its own target, 0 to 1."""
        residual = target - self.size * self.kind.transform.inverse(self.fitted)
        without_it = target - self.left_out
        return 1 - np.divide(residual, without_it, out=np.ones_like(residual), where=without_it != 0)

    def __call__(self, columns: Tensor) -> Tensor:
        """Return v for a tensor (N, m)."""
        polynomial = features(self.axes(columns), self.terms) @ torch.from_numpy(self.coefficients)
        return self.size * self.kind.transform.inverse(polynomial)


def fit_surrogates(table: Table, kinds: Iterable[Kind] = KINDS) -> list[Surrogate]:
    """Return one surrogate of each kind that fits the table, the best first."""
    found = [surrogate for kind in kinds if (surrogate := _fit(table, kind)) is not None]
    return sorted(found, key=lambda surrogate: surrogate.error)


def _fit(table: Table, kind: Kind) -> Surrogate | None:
    found = [fit_chain(table, kind, chain) for chain in chains(*reversed(table.columns.shape))]
    fitted = [surrogate for surrogate in found if surrogate is not None]
    return min(fitted, key=lambda surrogate: surrogate.error) if fitted else None


def fit_chain(table: Table, kind: Kind, chain: Chain) -> Surrogate | None:
    """Return the best surrogate of a kind with as many terms of a chain as serve; None where there is none."""
    positive = (table.columns > 0).all(axis=0)
    sized = _sized(table.target, kind.transform)
    if sized is None or (kind.logarithmic and not positive.any()):
        return None
    size, start = sized
    axes = Axes.of(table.columns, positive & np.full_like(positive, kind.logarithmic))
    A = features(axes(table.columns), chain.terms)
    with np.errstate(all="ignore"):
        target = kind.transform.forward(start)
        fits = least_squares(A, target, _weights(kind.transform.slope(target), table), chain.sizes)
        found = [_surrogate(table, kind, size, axes, chain.terms, fit) for fit in fits]
        best = min(found, key=lambda surrogate: surrogate.error, default=None)
        if best is None or not np.isfinite(best.error):
            return None
        return best if kind.transform is IDENTITY else _refined(table, best, A)


def _sized(target: Vector, transform: Transform) -> tuple[float, Vector] | None:
    """Return the size and sign of the target, and it divided by them, so that the transform can be taken.

    None where too many rows have the other sign.
    """
    size = float(np.sqrt(np.mean(target**2))) or 1.0
    if transform is IDENTITY:
        return size, target / size
    size = size if np.median(target) > 0 else -size
    values = target / size
    wrong = values <= 0
    if wrong.mean() > _WRONG_SIGN:
        return None
    return size, np.maximum(values, np.quantile(values[~wrong], 0.02) / 2) if wrong.any() else values


def _weights(slope: Vector, table: Table) -> Vector:
    weights = np.abs(slope) * table.scale
    return np.maximum(weights / weights.max(), 1e-6)


def _surrogate(table: Table, kind: Kind, size: float, axes: Axes, terms: Exponents, fit: LeastSquares) -> Surrogate:
    left_out = size * kind.transform.inverse(fit.left_out)
    used = terms[: len(fit.coefficients)]
    return Surrogate(axes, used, fit.coefficients, kind, size, left_out, fit.fitted, table.error_of(left_out))


def _refined(table: Table, best: Surrogate, A: np.ndarray) -> Surrogate:
    """Fit v itself, not its transform, which is linearised about the smoothed values."""
    transform, v = best.kind.transform, table.target / best.size
    A = A[:, : len(best.terms)]
    for _ in range(_STEPS):
        slope = transform.slope(best.fitted)
        target = best.fitted + (v - transform.inverse(best.fitted)) / slope
        if not (np.isfinite(target).all() and np.isfinite(slope).all()):
            break
        for fit in least_squares(A, target, _weights(slope, table), (A.shape[1],)):
            found = _surrogate(table, best.kind, best.size, best.axes, best.terms, fit)
            if not found.error < best.error:
                return best
            best = found
    return best
