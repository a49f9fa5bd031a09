"""Derivatives of numpy functions by differences, and how wrong they are.

Each derivative is taken with three step widths and extrapolated to width zero (Richardson); what the third width
changes, and rounding, are the estimate of its error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kanscience._typing import Matrix, Vector
from kanscience.structure._derivatives import DIFFERENCES, Limits, Noise, PerVariable, Raw

_WIDTHS = 0.015 * np.array([1.0, 2.0, 4.0])[:, None]  # of the columns' standard deviations
_NARROW = 1e-4  # along a line: of its step, where no third derivative is taken
_NUMBERS_AT_ONCE = 4_000_000


def _extrapolation(widths: np.ndarray) -> np.ndarray:
    """Return the weights of estimates whose errors are even powers of their widths.

    Example:
        >>> _extrapolation(np.array([1.0, 2.0]))
        array([ 1.33333333, -0.33333333])
    """
    squares = widths.ravel() ** 2
    weights = [np.prod([other / (other - own) for other in squares if other != own]) for own in squares]
    return np.array(weights)


_WEIGHTS = _extrapolation(_WIDTHS)
_FEWER_WEIGHTS = np.append(_extrapolation(_WIDTHS[:2]), 0.0)


@dataclass(frozen=True, eq=False)
class ArrayFunction:
    """A function of an (N, n) float64 array with independent rows, returning (N,)."""

    call: Callable[[Matrix], Vector]
    epsilon: float = float(np.finfo(float).eps)
    limits: Limits = DIFFERENCES

    def values(self, x: Matrix) -> Vector:
        """Return f at the rows of x; NaN outside its domain."""
        with np.errstate(all="ignore"):
            return self.call(x)

    def gradient(self, x: Matrix, scale: PerVariable) -> Matrix:
        """Return the gradient in ``x / scale``."""
        with np.errstate(all="ignore"):
            slopes = [_slopes(*_Stencil(self.values, x, scale).axis(i)) for i in range(x.shape[1])]
        return np.stack([_WEIGHTS @ slope for slope in slopes], axis=1)

    def derivatives(self, x: Matrix, scale: PerVariable) -> Raw:
        """Return gradient, Hessian and third derivatives (but those in one variable alone), with their errors."""
        rows = max(1, _NUMBERS_AT_ONCE // (len(_WIDTHS) * 4 * x.shape[1] ** 2))
        with np.errstate(all="ignore"):
            parts = [_all_differences(_Stencil(self.values, part, scale)) for part in _split(x, rows)]
        by_width = [np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)]
        best = [np.tensordot(_WEIGHTS, array, 1) for array in by_width]
        worse = [np.tensordot(_FEWER_WEIGHTS, array, 1) for array in by_width]
        size = self.epsilon * float(np.abs(self.values(x)).mean())
        errors = [
            _mean_where_finite(np.abs(b - w)) + size / float(_WIDTHS[0, 0]) ** order
            for order, (b, w) in enumerate(zip(best, worse, strict=True), start=1)
        ]
        return Raw(*best, noise=Noise(*errors))

    def along(self, x: Matrix, step: Matrix) -> tuple[Vector, Vector, Vector]:
        """Return f and its first and second derivative along ``step``, each row its own."""
        left, centre, right = (self.values(x + side * _NARROW * step) for side in (-1, 0, 1))
        return centre, (right - left) / (2 * _NARROW), (right - 2 * centre + left) / _NARROW**2


@dataclass(frozen=True, eq=False)
class _Stencil:
    """Values at steps away from x, (width, row)."""

    values: Callable[[Matrix], Vector]
    x: Matrix
    scale: PerVariable

    def moved(self, sides: dict[int, int]) -> np.ndarray:
        """Return f where the variables in ``sides`` are moved by all widths to that side."""
        x = np.repeat(self.x[None], len(_WIDTHS), axis=0)
        for variable, side in sides.items():
            x[:, :, variable] += side * _WIDTHS * self.scale[variable]
        return self.values(x.reshape(-1, x.shape[2])).reshape(x.shape[:2])

    def axis(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return f to the left and to the right along an axis."""
        return self.moved({i: -1}), self.moved({i: 1})

    def corners(self, i: int, j: int) -> np.ndarray:
        """Return f at the four corners, (side of i, side of j, width, row)."""
        return np.array([[self.moved({i: a, j: b}) for b in (-1, 1)] for a in (-1, 1)])


def _all_differences(stencil: _Stencil) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gradient, Hessian and third derivatives for every width, the width first."""
    centre = stencil.values(stencil.x)
    axes = [stencil.axis(i) for i in range(stencil.x.shape[1])]
    first = np.stack([_slopes(*axis) for axis in axes], axis=2)
    second = np.zeros((*first.shape, len(axes)))
    third = np.zeros_like(second)
    for i, (left, right) in enumerate(axes):
        second[:, :, i, i] = (right - 2 * centre + left) / _WIDTHS**2
        for j in range(i):
            corners = stencil.corners(i, j)
            second[:, :, i, j] = second[:, :, j, i] = _mixed(corners)
            third[:, :, i, j] = _twice_then_once(corners, axes[j])
            third[:, :, j, i] = _twice_then_once(corners.swapaxes(0, 1), axes[i])
    return first, second, third


def _slopes(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (right - left) / (2 * _WIDTHS)


def _mixed(corners: np.ndarray) -> np.ndarray:
    return ((corners[1, 1] - corners[0, 1]) - (corners[1, 0] - corners[0, 0])) / (4 * _WIDTHS**2)


def _twice_then_once(corners: np.ndarray, axis: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the second difference along the corners' first variable, differenced along their second one."""
    low, high = (corners[0, side] - 2 * axis[side] + corners[1, side] for side in (0, 1))
    return (high - low) / (2 * _WIDTHS**3)


def _split(x: Matrix, rows: int) -> list[Matrix]:
    return [x[start : start + rows] for start in range(0, len(x), rows)]


def _mean_where_finite(array: np.ndarray) -> np.ndarray:
    finite = np.isfinite(array)
    return np.where(finite, array, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
