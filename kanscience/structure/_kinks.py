"""Where a function is not smooth, structure read from its derivatives would be silently wrong: it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from kanscience._errors import DataError
from kanscience._typing import Matrix, Vector
from kanscience.structure._derivatives import spread_of

if TYPE_CHECKING:
    from kanscience.structure._derivatives import Function, PerVariable

Jumps = Float[np.ndarray, "two segment"]
Segments = Float[np.ndarray, "segment variable"]
PerSegment = Float[np.ndarray, " segment"]

_FEWEST_SEGMENTS = 500
_LENGTH = 0.1  # of a segment, in standard deviations of every variable
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(6)
_JUMP = 1e-3  # in units of the spread of f, and of the mean slope
_HALVINGS = 6
_MOST_SEGMENTS = 0.5  # a share: kinks in more of them than that are none
_STEP, _WRONG = 1e-4, 0.1  # of a segment; of the slope
_TINY = float(np.finfo(float).tiny)
_LENGTHS_COMPARED = 4
_STEADY = 0.6
_STEEPER = 30.0  # than where the segment starts: a pole


def check_smooth(function: Function, x: Matrix, scale: PerVariable, names: tuple[str, ...]) -> None:
    """Raise where f or its gradient jumps.

    A jump is what the integral of the next derivative along a short segment does not explain. Where there is one, the
    half of the segment that holds it is looked at, then its half, and so on: a real jump stays as it is, while what
    is merely steep fades away, and a pole grows.

    Raises:
        DataError: "not twice differentiable", and where; or derivatives that are not those of the values.
    """
    start, direction = _segments(x, scale)
    value, slope, _ = function.along(start, direction)
    if not np.isfinite(slope).any():
        return
    sizes = spread_of(value[np.isfinite(value)]), np.nanmean(np.abs(slope))
    least = np.maximum(_JUMP * np.array(sizes), _TINY)[:, None]
    steepest = _STEEPER * (np.abs(slope) + np.nanmean(np.abs(slope)))
    suspects = _Suspects(start, direction, steepest, 1.0, _jumps(function, start, direction, 1.0)[None])
    for _ in range(_HALVINGS):
        if not (suspects.jumps[-1] > least).any():
            return
        suspects = suspects.halved(function, least)
        if (suspects.jumps[-1, 0] > least[0]).sum() > _MOST_SEGMENTS * len(start):
            check_slopes(function, start, direction)
    kinks = np.flatnonzero(suspects.are_kinks(function, least))
    if len(kinks):
        in_value = bool(suspects.jumps[-1, 0, kinks[0]] > least[0, 0])
        raise _not_smooth(suspects.start[kinks[0]], in_value, names)


def check_slopes(function: Function, start: Segments, direction: Segments) -> None:
    """Raise where a function's derivative is not the rate at which its values change.

    Raises:
        DataError: what was computed without a gradient, or is rounded, is missing in the derivatives.
    """
    left, right = (function.values(start + side * _STEP * direction) for side in (-1, 1))
    rate, slope = (right - left) / (2 * _STEP), function.along(start, direction)[1]
    known = np.isfinite(rate) & np.isfinite(slope)
    if np.abs(rate - slope)[known].sum() > _WRONG * np.abs(rate)[known].sum():
        raise DataError(
            "the function's derivatives are not those of its values: a part of it is detached from the gradient, or "
            "rounded. Leave out `.detach()`, `.item()`, `no_grad` and `round`, or compute in numpy throughout."
        )


@dataclass(frozen=True, eq=False)
class _Suspects:
    """Segments of one length, a fraction of ``direction``, and the jumps in them and in the longer ones they are of."""

    start: Segments
    direction: Segments
    steepest: PerSegment
    length: float
    jumps: Float[np.ndarray, "length two segment"]

    def halved(self, function: Function, least: np.ndarray) -> _Suspects:
        """Return, of the segments that hold a jump, the halves that hold more of it."""
        kept = (self.jumps[-1] > least).any(axis=0)
        start, direction, length = self.start[kept], self.direction[kept], self.length / 2
        middle = start + length * direction
        first, second = (_jumps(function, begin, direction, length) for begin in (start, middle))
        with np.errstate(over="ignore"):  # where slopes are 0, any jump is infinitely larger than them
            later = (second / least).max(axis=0) > (first / least).max(axis=0)
        jump = np.where(later, second, first)
        start = np.where(later[:, None], middle, start)
        return _Suspects(
            start, direction, self.steepest[kept], length, np.append(self.jumps[:, :, kept], jump[None], 0)
        )

    def are_kinks(self, function: Function, least: np.ndarray) -> Bool[np.ndarray, " segment"]:
        """Return where the jump stayed the same while the segments shrank, and the slope is not that of a pole."""
        recent = self.jumps[-_LENGTHS_COMPARED:]
        steady = (self.jumps[-1] > least) & (recent.min(axis=0) > _STEADY * recent.max(axis=0))
        ends = (self.start + t * self.length * self.direction for t in (0.0, 1.0))
        slopes = [np.abs(function.along(end, self.direction)[1]) for end in ends]
        return steady.any(axis=0) & (np.fmax(*slopes) <= self.steepest)


def _segments(x: Matrix, scale: PerVariable) -> tuple[Segments, Segments]:
    """Return where segments start, and directions that stay in the range of the points."""
    rng = np.random.default_rng(0)
    start = x[np.arange(max(len(x), _FEWEST_SEGMENTS)) % len(x)]
    direction = _LENGTH * scale * rng.choice([-1.0, 1.0], start.shape) * rng.uniform(0.5, 1.0, start.shape)
    end = start + direction
    return start, np.where((end < x.min(axis=0)) | (end > x.max(axis=0)), -direction, direction)


def _jumps(function: Function, start: Segments, direction: Segments, length: float) -> Jumps:
    """Return what the integrals of slope and curvature leave of the changes of value and slope; 0 where unknown."""
    with np.errstate(all="ignore"):
        ends = [function.along(start + t * length * direction, direction) for t in (0.0, 1.0)]
        inside = [function.along(start + (t + 1) / 2 * length * direction, direction) for t in _NODES]
        found = []
        for order in (0, 1):
            slopes = np.array([derivatives[order + 1] for derivatives in inside])
            explained = length / 2 * _NODE_WEIGHTS @ slopes
            found.append(np.abs(ends[1][order] - ends[0][order] - explained))
    jumps = np.array(found)
    return np.where(np.isfinite(jumps), jumps, 0.0)


def _not_smooth(place: Vector, jumps_in_value: bool, names: tuple[str, ...]) -> DataError:
    where = ", ".join(f"{name} = {value:.4g}" for name, value in zip(names, place, strict=True))
    what = "jumps" if jumps_in_value else "has a kink"
    return DataError(
        f"the function is not twice differentiable: it {what} near {where}. Structure is read from derivatives, and "
        "max, abs, steps and rectifiers hide it; so do rounding and arithmetic in float32. Smooth the function, compute "
        "in float64, or pass points from one side only."
    )
