"""What the questions are asked of: gradients, Hessians and third derivatives at sample points, free of units.

All derivatives are of ``f / spread`` in ``z = x / scale``, with the standard deviations of f and of the columns of x,
so that neither a change of units nor an offset changes an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from kanscience._errors import DataError
from kanscience._typing import Matrix, Vector

FEWEST_POINTS = 10
_CONSTANT = 100 * float(np.finfo(float).eps)  # of the size of f: a spread below is rounding

PerVariable = Float[np.ndarray, " variable"]
PerPair = Float[np.ndarray, "variable variable"]


@dataclass(frozen=True)
class Limits:
    """Below which ratio a test says zero.

    Args:
        dependence: of D(i, j, k).
        third: of the tests with third derivatives.
        additive: of mixed second derivatives.
        inactive: of mean gradients.
        uncoupled: of mean mixed second derivatives, in units of the gradients' geometric mean: they count as 0.
    """

    dependence: float
    third: float
    additive: float
    inactive: float
    uncoupled: float


EXACT = Limits(dependence=1e-7, third=1e-6, additive=1e-9, inactive=1e-12, uncoupled=1e-10)
DIFFERENCES = Limits(dependence=1e-4, third=2e-4, additive=1e-6, inactive=1e-9, uncoupled=1e-7)


@dataclass(frozen=True, eq=False)
class Noise:
    """Mean errors of the entries of derivatives: rounding, and what differences leave out."""

    gradient: PerVariable
    hessian: PerPair
    third: PerPair


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Derivatives of ``f / spread`` in ``z = x / scale`` at N points.

    Args:
        value: f / spread.
        gradient: (N, n).
        hessian: (N, n, n).
        third: (N, n, n), where ``[:, i, k]`` is differentiated twice in i and once in k.
        noise: their errors.
        limits: what counts as zero.
        points: (N, n) the points in the user's units.
        scale: standard deviations of the columns.
        spread: standard deviation of f.
    """

    value: Vector
    gradient: Float[np.ndarray, "row variable"]
    hessian: Float[np.ndarray, "row variable variable"]
    third: Float[np.ndarray, "row variable variable"]
    noise: Noise
    limits: Limits
    points: Matrix
    scale: PerVariable
    spread: float

    @property
    def strength(self) -> PerVariable:
        """Mean size of the gradient in every variable."""
        return np.abs(self.gradient).mean(axis=0)

    @property
    def active(self) -> list[int]:
        """The variables that f depends on."""
        least = np.maximum(self.limits.inactive, 3 * self.noise.gradient)
        return [int(i) for i in np.flatnonzero(self.strength > least)]

    def of(self, variables: list[int]) -> Derivatives:
        """Return the derivatives in some of the variables, in their order."""
        square = np.ix_(variables, variables)
        noise = Noise(self.noise.gradient[variables], self.noise.hessian[square], self.noise.third[square])
        return replace(
            self,
            gradient=self.gradient[:, variables],
            hessian=self.hessian[:, variables][:, :, variables],
            third=self.third[:, variables][:, :, variables],
            noise=noise,
            points=self.points[:, variables],
            scale=self.scale[variables],
        )

    def without_weak_couplings(self) -> Derivatives:
        """Return derivatives whose mixed second ones are zero where rounding is all they hold."""
        strength, mixed = self.strength, np.abs(self.hessian).mean(axis=0)
        least = np.maximum(self.limits.uncoupled * np.sqrt(np.outer(strength, strength)), 3 * self.noise.hessian)
        coupled = (mixed > least) | np.eye(len(strength), dtype=bool)
        return replace(self, hessian=self.hessian * coupled, third=self.third * coupled)


@dataclass(frozen=True, eq=False)
class Raw:
    """Derivatives with respect to ``x / scale``, not yet divided by the spread of f."""

    gradient: Float[np.ndarray, "row variable"]
    hessian: Float[np.ndarray, "row variable variable"]
    third: Float[np.ndarray, "row variable variable"]
    noise: Noise | None = None  # None: rounding alone


@runtime_checkable
class Function(Protocol):
    """One output of a callable, with its derivatives."""

    @property
    def limits(self) -> Limits:
        """What counts as zero."""
        ...

    @property
    def epsilon(self) -> float:
        """Relative rounding error of f."""
        ...

    def values(self, x: Matrix) -> Vector:
        """Return f at the rows of x."""
        ...

    def derivatives(self, x: Matrix, scale: PerVariable) -> Raw:
        """Return gradient, Hessian and third derivatives in ``x / scale``."""
        ...

    def gradient(self, x: Matrix, scale: PerVariable) -> Matrix:
        """Return the gradient in ``x / scale``."""
        ...

    def along(self, x: Matrix, step: Matrix) -> tuple[Vector, Vector, Vector]:
        """Return f and its first and second derivative along ``step``, each row its own."""
        ...


def derivatives(function: Function, x: Matrix, names: tuple[str, ...]) -> Derivatives | None:
    """Differentiate a function at the points where everything is finite; None where it is constant there.

    Raises:
        DataError: a column does not vary, or fewer than ten points are finite.
    """
    value = function.values(x)
    x = _finite_points(x, np.isfinite(value))
    scale = column_scales(x, names)
    raw = function.derivatives(x, scale)
    arrays = raw.gradient, raw.hessian, raw.third
    good = np.logical_and.reduce([np.isfinite(a).reshape(len(x), -1).all(axis=1) for a in arrays])
    x = _finite_points(x, good)
    value = function.values(x)
    spread = float(spread_of(value))
    if spread <= _CONSTANT * float(np.abs(value).max()):
        return None
    gradient, hessian, third = (array[good] / spread for array in arrays)
    noise = _scaled(raw.noise, spread) if raw.noise else _rounding(gradient, hessian, function.epsilon)
    return Derivatives(value / spread, gradient, hessian, third, noise, function.limits, x, scale, spread)


def spread_of(values: np.ndarray) -> Any:
    """Return the standard deviation over the rows, of numbers too whose squares are no floating-point numbers."""
    size = np.abs(values).max(axis=0)
    return size * np.std(np.divide(values, size, out=np.zeros_like(values), where=size > 0), axis=0)


def column_scales(x: Matrix, names: tuple[str, ...]) -> PerVariable:
    """Return the standard deviations of the columns, all above rounding."""
    scale = spread_of(x)
    for name, size, width in zip(names, np.abs(x).max(axis=0), scale, strict=True):
        if width <= _CONSTANT * size:
            raise DataError(
                f"column {name!r} of `x` does not vary (it is {size:g} in size): how f depends on it cannot be seen. "
                "Vary it, or fix it inside the function and leave the column out."
            )
    return scale


def _finite_points(x: Matrix, good: Bool[np.ndarray, " row"]) -> np.ndarray:
    if good.sum() < FEWEST_POINTS:
        raise DataError(
            f"the structure of a function needs at least {FEWEST_POINTS} points where it and its derivatives are "
            f"finite; here {int(good.sum())} of {len(x)} are. Pass more points inside its domain."
        )
    return x if good.all() else x[good]


def _rounding(gradient: np.ndarray, hessian: np.ndarray, epsilon: float) -> Noise:
    strength = np.abs(gradient).mean(axis=0)
    pairs = np.sqrt(np.outer(strength, strength))
    return Noise(
        gradient=epsilon * strength,
        hessian=50 * epsilon * (pairs + np.abs(hessian).mean(axis=0)),
        third=300 * epsilon * pairs,
    )


def _scaled(noise: Noise, spread: float) -> Noise:
    return Noise(noise.gradient / spread, noise.hessian / spread, noise.third / spread)
