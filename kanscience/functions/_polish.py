"""Many curves f(slope*t + shift) at once, moved to where scale*f + offset follows the samples best.

Rows are trials. Each belongs to one function, and to two coordinates from which its line, slope*t + shift, is
made. Scale and offset never appear as unknowns: for a given line they are a linear regression (variable
projection, Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413, with Kaufman's simplification).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from kanscience.functions._library import Function

_LARGEST_BLOCK = 200_000  # numbers of one temporary array; memory stays linear in the samples
_FLATTEST = 1e-6  # spread of f over its size below which a curve is a straight line written with huge numbers
_EXACT = 1e-29  # residual over spread, squared: nothing left but rounding


@dataclass(frozen=True)
class Samples:
    """Samples in natural units: t fills [-1, 1] in ascending order, y has mean 0 and spread 1, weights sum to 1."""

    t: np.ndarray
    y: np.ndarray
    weights: np.ndarray

    def thinned(self, count: float) -> Samples:
        """Return about ``count`` of the samples, both ends among them, without a rhythm that could alias."""
        n = len(self.t)
        if n <= count:
            return self
        places = np.arange(int(count))
        jitter = places * 0.6180339887498949 % 1
        chosen = ((places + jitter) * (n / len(places))).astype(int)
        chosen[-1] = n - 1
        part = Samples(self.t[chosen], self.y[chosen], self.weights[chosen])
        total = part.weights.sum()
        weights = part.weights / total
        y = part.y - weights @ part.y
        spread = np.sqrt(weights @ y**2)
        return Samples(part.t, y / spread, weights) if spread > 0 else self


@dataclass(frozen=True)
class Trials:
    """Rows of trial curves, those of one function next to each other.

    Args:
        functions: the functions that the rows refer to.
        which: for each row, the index of its function, ascending.
        sign: for each row, the sign of its slope where the coordinates do not hold it.
        coordinates: two for each row, see ``lines``.
        misfit: for each row 1 - R², inf where the curve is not finite.
    """

    functions: tuple[Function, ...]
    which: np.ndarray
    sign: np.ndarray
    coordinates: np.ndarray
    misfit: np.ndarray

    @classmethod
    def of(cls, function: Function, slope: np.ndarray, shift: np.ndarray) -> Trials:
        """Return trials of one function with these lines, which keep [-1, 1] inside its branch."""
        slope, shift = np.broadcast_arrays(slope.astype(float), shift)
        lower, upper = branch(function)
        with np.errstate(divide="ignore"):
            left, right = np.log(shift - abs(slope) - lower), np.log(upper - shift - abs(slope))
            match math.isfinite(lower), math.isfinite(upper):
                case False, False:
                    coordinates = [slope, shift]
                case True, False:
                    coordinates = [np.log(abs(slope)), left]
                case False, True:
                    coordinates = [np.log(abs(slope)), right]
                case _:
                    coordinates = [left, right]
        rows = len(slope)
        return cls(
            (function,),
            np.zeros(rows, dtype=int),
            np.sign(slope),
            np.stack(coordinates, axis=1),
            np.full(rows, np.inf),
        )

    @classmethod
    def joined(cls, parts: Sequence[Trials]) -> Trials:
        """Return the rows of trials of one function each."""
        return cls(
            tuple(part.functions[0] for part in parts),
            np.repeat(np.arange(len(parts)), [len(part.which) for part in parts]),
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("sign", "coordinates", "misfit")
            ),
        )

    def rows(self, index: np.ndarray | slice) -> Trials:
        """Return some of the rows."""
        return replace(
            self,
            which=self.which[index],
            sign=self.sign[index],
            coordinates=self.coordinates[index],
            misfit=self.misfit[index],
        )

    def best(self, count: int, within: float = np.inf) -> Trials:
        """Return the ``count`` best rows of each function that differ, and whose misfit is within a factor."""
        kept = []
        for start, stop, _ in self._groups():
            order = start + np.argsort(self.misfit[start:stop], kind="stable")
            misfit = self.misfit[order]
            # Rows that arrived at one optimum agree in their misfit, never quite in their line.
            differs = np.r_[True, np.diff(misfit) > 1e-4 * misfit[1:]]
            close = misfit <= within * misfit[0] + _EXACT
            kept.append(np.sort(order[differs & close][:count]))
        return self.rows(np.concatenate(kept))

    def lines(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return slope and shift of each row, and their derivatives by the two coordinates, (row, 2, 2).

        Where the branch has no end the coordinates are slope and shift. Where it has one they are the logarithms
        of |slope| and of the distance from the samples to the end; where it has two, of both distances.
        So every value of the coordinates keeps the samples in the branch (NaN where both distances leave no room).
        """
        ends = np.array([branch(function) for function in self.functions])[self.which]
        slope, shift = self.coordinates.T.copy()
        by = np.zeros((len(slope), 2, 2))
        by[:, 0, 0] = by[:, 1, 1] = 1
        below, above = np.isfinite(ends).T
        for side, rows in ((1, below & ~above), (-1, above & ~below)):
            end = ends[rows, 0 if side == 1 else 1]
            size, gap = np.exp(self.coordinates[rows]).T
            slope[rows] = self.sign[rows] * size
            shift[rows] = end + side * (size + gap)
            by[rows] = _matrices(self.sign[rows] * size, 0 * size, side * size, side * gap)
        rows = below & above
        (lower, upper), (left, right) = ends[rows].T, np.exp(self.coordinates[rows]).T
        size = (upper - lower - left - right) / 2
        size = np.where(size > 0, size, np.nan)
        slope[rows] = self.sign[rows] * size
        shift[rows] = lower + left + size
        by[rows] = _matrices(-self.sign[rows] * left / 2, -self.sign[rows] * right / 2, left / 2, -right / 2)
        redundant = [
            [name in function.redundant for name in ("slope", "shift")] for function in self.functions
        ]
        # A redundant number is not moved. Between two ends both coordinates make the slope, and none is left out.
        by.transpose(0, 2, 1)[np.array(redundant)[self.which] & ~rows[:, None]] = 0
        return slope, shift, by

    def _groups(self) -> Iterator[tuple[int, int, Function]]:
        edges = np.searchsorted(self.which, np.arange(len(self.functions) + 1))
        for index, function in enumerate(self.functions):
            if edges[index] < edges[index + 1]:
                yield int(edges[index]), int(edges[index + 1]), function

    def blocks(self, n_samples: int) -> Iterator[slice]:
        """Yield slices of rows whose arrays stay small; a row is never cut."""
        size = max(1, _LARGEST_BLOCK // n_samples)
        for start in range(0, len(self.which), size):
            yield slice(start, start + size)

    def values(self, t: np.ndarray, *, derivative: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return f and, where asked, f' at slope*t + shift, both (row, sample)."""
        slope, shift, _ = self.lines()
        u = slope[:, None] * t + shift[:, None]
        f, slopes = np.empty_like(u), np.empty_like(u if derivative else u[:0])
        for start, stop, function in self._groups():
            lower, upper = branch(function)
            part = u[start:stop]
            if np.isfinite(lower) or np.isfinite(upper):
                np.clip(part, lower, upper, out=part)  # by rounding only
            arguments = torch.from_numpy(part)
            f[start:stop] = function.torch(arguments).numpy()
            if derivative:
                slopes[start:stop] = function.slope_at(arguments).numpy()
        return f, slopes


def branch(function: Function) -> tuple[float, float]:
    """Return the interval in which a fit keeps all its samples."""
    return function.branch or (function.lower, function.upper)


def scored(trials: Trials, samples: Samples) -> Trials:
    """Return the trials with their misfit at these samples."""
    misfit = np.empty(len(trials.which))
    for block in trials.blocks(len(samples.t)):
        f, _ = trials.rows(block).values(samples.t, derivative=False)
        misfit[block] = _regression(f, samples)[-1]
    return replace(trials, misfit=misfit)


def polished(trials: Trials, samples: Samples, *, steps: int, gain: float) -> Trials:
    """Return the trials moved to where their misfit is least, by Levenberg–Marquardt steps in the coordinates.

    Args:
        trials: where to begin.
        samples: what the misfit is measured with; the misfit of ``trials`` is not read.
        steps: at most so many trial steps.
        gain: a row rests when a step lowers its misfit by less than this fraction.
    """
    parts = [
        _polished_block(trials.rows(block), samples, steps, gain) for block in trials.blocks(len(samples.t))
    ]
    return replace(
        trials,
        coordinates=np.concatenate([part.coordinates for part in parts]),
        misfit=np.concatenate([part.misfit for part in parts]),
    )


def _polished_block(trials: Trials, samples: Samples, steps: int, gain: float) -> Trials:
    misfit, gradient, normal = _normal_equations(trials, samples)
    coordinates = trials.coordinates.copy()
    damping = np.full(len(misfit), 1e-3)
    active = np.flatnonzero(np.isfinite(misfit) & (misfit > _EXACT))
    for _ in range(steps):
        if not active.size:
            break
        step = _solution(normal[active], gradient[active], damping[active])
        moved = trials.rows(active)
        moved = replace(moved, coordinates=coordinates[active] + step)
        new_misfit, new_gradient, new_normal = _normal_equations(moved, samples)
        better = new_misfit < misfit[active]
        gained = np.where(better, 1 - new_misfit / misfit[active], 1)
        accepted = active[better]
        coordinates[accepted] = moved.coordinates[better]
        misfit[accepted], gradient[accepted] = new_misfit[better], new_gradient[better]
        normal[accepted] = new_normal[better]
        damping[active] *= np.where(better, 0.1, 8)
        active = active[(gained > gain) & (misfit[active] > _EXACT) & (damping[active] < 1e7)]
    return replace(trials, coordinates=coordinates, misfit=misfit)


def _regression(
    f: np.ndarray, samples: Samples
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    # centred f, its variance, scale, residual and misfit of y = scale*f + offset, for each row
    size = np.abs(f).max(axis=1)
    centred = f - (f @ samples.weights)[:, None]
    variance = centred**2 @ samples.weights
    scale = centred @ (samples.weights * samples.y) / variance
    residual = samples.y - scale[:, None] * centred
    misfit = residual**2 @ samples.weights
    flat = variance <= (_FLATTEST * size) ** 2
    misfit[flat | ~np.isfinite(misfit)] = np.inf
    return centred, variance, scale, residual, misfit


def _normal_equations(trials: Trials, samples: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the misfit, its gradient's right-hand side and the Gauss–Newton matrix in the coordinates."""
    t, weights = samples.t, samples.weights
    f, slopes = trials.values(t, derivative=True)
    centred, variance, scale, residual, misfit = _regression(f, samples)
    np.nan_to_num(slopes, copy=False, nan=0.0, posinf=0.0, neginf=0.0)  # at the very end of the domain
    once = np.stack([weights * t, weights], axis=1)  # moments of derivatives by slope and by shift
    twice = np.stack([weights * t * t, weights * t, weights], axis=1)
    products = slopes**2 @ twice
    mean, along = slopes @ once, (centred * slopes) @ once
    pull = scale[:, None] * ((residual * slopes) @ once)
    normal = products[:, [[0, 1], [1, 2]]] - _outer(mean) - _outer(along) / variance[:, None, None]
    normal *= scale[:, None, None] ** 2
    _, _, by = trials.lines()
    return misfit, np.einsum("rij,ri->rj", by, pull), np.einsum("rij,rik,rkl->rjl", by, normal, by)


def _solution(normal: np.ndarray, gradient: np.ndarray, damping: np.ndarray) -> np.ndarray:
    # Cramer's rule for (A + damping*diag(A)) step = gradient; a coordinate without effect stays where it is.
    diagonal = normal.diagonal(axis1=1, axis2=2)
    diagonal = np.where(diagonal > 0, diagonal * (1 + damping[:, None]), 1.0)
    a, d = diagonal.T
    b = normal[:, 0, 1]
    determinant = a * d - b * b
    step = np.stack(
        [d * gradient[:, 0] - b * gradient[:, 1], a * gradient[:, 1] - b * gradient[:, 0]], axis=1
    )
    return step / np.where(determinant > 0, determinant, np.inf)[:, None]


def _outer(vectors: np.ndarray) -> np.ndarray:
    return vectors[:, :, None] * vectors[:, None, :]


def _matrices(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    return np.stack([np.stack([a, b], axis=1), np.stack([c, d], axis=1)], axis=1)
