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
_ROW_ARRAYS = ("which", "ends", "resting", "sign", "coordinates", "misfit")
_EXACT = 1e-29  # residual over spread, squared: nothing left but rounding


@dataclass(frozen=True)
class NaturalSamples:
    """Samples in natural units: t fills [-1, 1] in ascending order, y has mean 0 and spread 1, weights sum to 1."""

    t: np.ndarray
    y: np.ndarray
    weights: np.ndarray

    def thinned(self, count: float) -> NaturalSamples:
        """Return about ``count`` of the samples: half of them evenly, half of them where y changes, both ends.

        Weights make up for the choice, so that sums over the part estimate sums over all: near a pole a single
        sample can carry most of the variance.
        """
        n = len(self.t)
        if n <= count:
            return self
        change = np.abs(np.diff(self.y))
        change = np.r_[change, 0] + np.r_[0, change]
        chance = (count / 2 * (1 / n + change / change.sum())).clip(max=1)
        total = chance.cumsum()
        chosen = np.unique(np.r_[0, np.searchsorted(total, np.arange(0.5, total[-1])), n - 1])
        weights = self.weights[chosen] / chance[chosen]
        weights /= weights.sum()
        y = self.y[chosen] - weights @ self.y[chosen]
        return NaturalSamples(self.t[chosen], y / np.sqrt(weights @ y**2), weights)


@dataclass(frozen=True)
class Trials:
    """Rows of trial curves, those of one function next to each other.

    Args:
        functions: the functions that the rows refer to.
        which: for each row, the index of its function, ascending.
        ends: (row, 2) of the branch in which the samples stay.
        resting: (row, 2) which of the coordinates are not moved.
        sign: for each row, the sign of its slope where the coordinates do not hold it.
        coordinates: (row, 2), see ``lines``.
        misfit: for each row 1 - R², inf where the curve is not finite.
    """

    functions: tuple[Function, ...]
    which: np.ndarray
    ends: np.ndarray
    resting: np.ndarray
    sign: np.ndarray
    coordinates: np.ndarray
    misfit: np.ndarray

    @classmethod
    def of(cls, function: Function, slope: np.ndarray, shift: np.ndarray) -> Trials:
        """Return trials of one function with these lines, which keep [-1, 1] inside its branch."""
        lower, upper = branch(function)
        bounded = math.isfinite(lower) and math.isfinite(upper)
        # Between two ends both coordinates make the slope: none of them is redundant.
        resting = [name in function.redundant and not bounded for name in ("slope", "shift")]
        rows = len(slope)
        return cls(
            functions=(function,),
            which=np.zeros(rows, dtype=int),
            ends=np.full((rows, 2), (lower, upper)),
            resting=np.full((rows, 2), resting),
            sign=np.sign(slope),
            coordinates=np.stack(_coordinates(slope, shift, lower, upper), axis=1),
            misfit=np.full(rows, np.inf),
        )

    @classmethod
    def joined(cls, parts: Sequence[Trials]) -> Trials:
        """Return the rows of trials of one function each."""
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ROW_ARRAYS}
        arrays["which"] = np.repeat(np.arange(len(parts)), [len(part.which) for part in parts])
        return cls(functions=tuple(part.functions[0] for part in parts), **arrays)

    def rows(self, index: np.ndarray | slice) -> Trials:
        """Return some of the rows."""
        return Trials(self.functions, **{name: getattr(self, name)[index] for name in _ROW_ARRAYS})

    def best(self, count: int, within: float = np.inf) -> Trials:
        """Return the ``count`` best rows of each function that differ, and whose misfit is within a factor."""
        kept = []
        for start, stop, _ in self._groups():
            order = start + np.argsort(self.misfit[start:stop], kind="stable")
            misfit = self.misfit[order]
            # Rows that arrived at one optimum agree in their misfit, never quite in their line.
            differs = np.r_[True, np.diff(misfit) > 1e-4 * misfit[1:]]
            close = misfit <= within * misfit[0] + _EXACT
            close[0] = True
            kept.append(np.sort(order[differs & close][:count]))
        return self.rows(np.concatenate(kept))

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Return slope and shift of each row.

        Where the branch has no end the coordinates are slope and shift. Where it has one they are the
        logarithms of |slope| and of the gap between the samples and the end; where it has two, of both gaps.
        So the samples stay in the branch for any coordinates. NaN where two gaps leave no room for them.
        """
        slope, shift = self.coordinates.T.copy()
        for rows, (lower, upper) in self._bounded():
            first, second = np.exp(self.coordinates[rows]).T
            size = np.where(np.isfinite(lower + upper), (upper - lower - first - second) / 2, first)
            gap = np.where(np.isfinite(lower + upper), first, second)
            slope[rows] = self.sign[rows] * np.where(size > 0, size, np.nan)
            shift[rows] = np.where(np.isfinite(lower), lower + gap + size, upper - gap - size)
        return slope, shift

    def line_derivatives(self) -> np.ndarray:
        """Return the derivatives of slope and shift by the two coordinates, (row, 2, 2)."""
        by = np.zeros((len(self.which), 2, 2))
        by[:, 0, 0] = by[:, 1, 1] = 1
        for rows, (lower, upper) in self._bounded():
            sign, (first, second) = self.sign[rows], np.exp(self.coordinates[rows]).T
            both, side = np.isfinite(lower + upper), np.where(np.isfinite(lower), 1, -1)
            by[rows, 0, 0] = np.where(both, -sign * first / 2, sign * first)
            by[rows, 0, 1] = np.where(both, -sign * second / 2, 0)
            by[rows, 1, 0] = np.where(both, first / 2, side * first)
            by[rows, 1, 1] = np.where(both, -second / 2, side * second)
        by.transpose(0, 2, 1)[self.resting] = 0
        return by

    def _bounded(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        # the rows whose branch has an end, and its ends
        rows = np.flatnonzero(np.isfinite(self.ends).sum(axis=1))
        if rows.size:
            yield rows, self.ends[rows].T

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

    def values(
        self, slope: np.ndarray, shift: np.ndarray, t: np.ndarray, *, derivative: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return f and, where asked, f' at slope*t + shift, both (row, sample)."""
        u = torch.from_numpy(slope[:, None] * t + shift[:, None])
        f, slopes = [], []
        for start, stop, function in self._groups():
            lower, upper = branch(function)
            part = u[start:stop]
            if math.isfinite(lower) or math.isfinite(upper):
                part = part.clamp(lower, upper)  # rounding may have put it outside
            f.append(function.torch(part))
            slopes.append(function.slope_at(part) if derivative else part[:0])
        return torch.cat(f).numpy(), torch.cat(slopes).numpy()


def branch(function: Function) -> tuple[float, float]:
    """Return the interval in which a fit keeps all its samples."""
    return function.branch or (function.lower, function.upper)


def _coordinates(slope: np.ndarray, shift: np.ndarray, lower: float, upper: float) -> tuple[np.ndarray, np.ndarray]:
    # the inverse of ``Trials.lines``; a gap of 0 has the logarithm -inf and stays 0
    size = np.abs(slope)
    with np.errstate(divide="ignore"):
        if math.isfinite(lower) and math.isfinite(upper):
            return np.log(shift - size - lower), np.log(upper - shift - size)
        if math.isfinite(lower):
            return np.log(size), np.log(shift - size - lower)
        if math.isfinite(upper):
            return np.log(size), np.log(upper - shift - size)
        return slope, shift


def scored(trials: Trials, samples: NaturalSamples) -> Trials:
    """Return the trials with their misfit at these samples, good to about ten digits of 1."""
    misfit = np.empty(len(trials.which))
    for block in trials.blocks(len(samples.t)):
        rows = trials.rows(block)
        slope, shift = rows.lines()
        f, _ = rows.values(slope, shift, samples.t, derivative=False)
        mean, square = f @ samples.weights, np.square(f) @ samples.weights
        variance = square - mean**2
        share = (f @ (samples.weights * samples.y)) ** 2 / variance
        misfit[block] = np.maximum(1 - share, 1e-12)
        misfit[block][(variance <= _FLATTEST**2 * square) | ~np.isfinite(misfit[block])] = np.inf
    return replace(trials, misfit=misfit)


def polished(trials: Trials, samples: NaturalSamples, *, steps: int, gain: float) -> Trials:
    """Return the trials moved to where their misfit is least, by Levenberg–Marquardt steps in the coordinates.

    Args:
        trials: where to begin.
        samples: what the misfit is measured with; the misfit of ``trials`` is not read.
        steps: at most so many trial steps.
        gain: a row rests when a step lowers its misfit by less than this fraction.
    """
    parts = [_polished_block(trials.rows(block), samples, steps, gain) for block in trials.blocks(len(samples.t))]
    return replace(
        trials,
        coordinates=np.concatenate([part.coordinates for part in parts]),
        misfit=np.concatenate([part.misfit for part in parts]),
    )


def _polished_block(trials: Trials, samples: NaturalSamples, steps: int, gain: float) -> Trials:
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
    f: np.ndarray, samples: NaturalSamples
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    # centred f, its variance, scale, residual and misfit of y = scale*f + offset, for each row
    mean = f @ samples.weights
    centred = f - mean[:, None]
    variance = np.square(centred) @ samples.weights
    scale = centred @ (samples.weights * samples.y) / variance
    residual = samples.y - scale[:, None] * centred
    misfit = np.square(residual) @ samples.weights
    flat = variance <= _FLATTEST**2 * (variance + mean**2)
    misfit[flat | ~np.isfinite(misfit)] = np.inf
    return centred, variance, scale, residual, misfit


def _normal_equations(trials: Trials, samples: NaturalSamples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the misfit, its gradient's right-hand side and the Gauss–Newton matrix in the coordinates."""
    t, weights = samples.t, samples.weights
    slope, shift = trials.lines()
    f, slopes = trials.values(slope, shift, t, derivative=True)
    centred, variance, scale, residual, misfit = _regression(f, samples)
    np.nan_to_num(slopes, copy=False, nan=0.0, posinf=0.0, neginf=0.0)  # at the very end of the domain
    once = np.stack([weights * t, weights], axis=1)  # moments of derivatives by slope and by shift
    twice = np.stack([weights * t * t, weights * t, weights], axis=1)
    products = slopes**2 @ twice
    mean, along = slopes @ once, (centred * slopes) @ once
    pull = scale[:, None] * ((residual * slopes) @ once)
    normal = products[:, [[0, 1], [1, 2]]] - _outer(mean) - _outer(along) / variance[:, None, None]
    normal *= scale[:, None, None] ** 2
    by = trials.line_derivatives()
    return misfit, np.einsum("rij,ri->rj", by, pull), np.einsum("rij,rik,rkl->rjl", by, normal, by)


def _solution(normal: np.ndarray, gradient: np.ndarray, damping: np.ndarray) -> np.ndarray:
    # Cramer's rule for (A + damping*diag(A)) step = gradient; a coordinate without effect stays where it is.
    diagonal = normal.diagonal(axis1=1, axis2=2)
    diagonal = np.where(diagonal > 0, diagonal * (1 + damping[:, None]), 1.0)
    a, d = diagonal.T
    b = normal[:, 0, 1]
    determinant = a * d - b * b
    step = np.stack([d * gradient[:, 0] - b * gradient[:, 1], a * gradient[:, 1] - b * gradient[:, 0]], axis=1)
    return step / np.where(determinant > 0, determinant, np.inf)[:, None]


def _outer(vectors: np.ndarray) -> np.ndarray:
    return vectors[:, :, None] * vectors[:, None, :]
