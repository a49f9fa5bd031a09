"""Where the search for slope and shift begins: read off the range and the rhythm of the samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kanscience.functions._library import Function
from kanscience.functions._polish import NaturalSamples, Trials, branch, scored

_COARSE = 48  # samples with which the starts are compared
_GAPS = np.array([0, 1e-6, 1e-4, 1e-3, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 100])  # to an end, in half-ranges
_CENTRES = np.r_[np.linspace(-1, 1, 15), 1.15, 1.5, 2, 3, 10, 100]  # where u = 0, in half-ranges
_CENTRES = np.unique(np.r_[_CENTRES, -_CENTRES])
_NEAR_CENTRES = _CENTRES[abs(_CENTRES) < 4]
_SHARES = np.array([0, 1e-3, 0.01, 0.05, 0.15, 0.3, 0.45])  # of the branch, left free on a side
_STEEPNESS = np.geomspace(0.1, 300, 15)  # half-width of the samples in u
_TURNS = np.arange(1.5, 30, 1.5)  # the same where the function oscillates: half a turn apart at the ends
_PHASES = np.arange(8) / 8  # shifts of a periodic function, in periods


def starts(functions: Sequence[Function], samples: NaturalSamples) -> Trials:
    """Return promising trials of every function, spread over different slopes, with their misfit.

    Functions with a kink and no slope bring the one trial in which the kink is at its best place.
    """
    rhythms = _dominant_rhythms(samples)
    coarse = samples.thinned(_COARSE)
    lines = [_lines(function, samples, rhythms) for function in functions]
    trials = scored(
        Trials.joined(
            [
                Trials.of(function, slope.ravel(), shift.ravel())
                for function, (slope, shift) in zip(functions, lines, strict=True)
            ]
        ),
        coarse,
    )
    # Of the shifts of one slope only the best goes on: neighbours would end in the same optimum.
    best, first = [], 0
    for slope, _ in lines:
        misfit = trials.misfit[first : first + slope.size].reshape(slope.shape)
        best.append(first + misfit.argmin(axis=1) + np.arange(len(slope)) * slope.shape[1])
        first += slope.size
    return trials.rows(np.concatenate(best))


def _best_kink(function: Function, samples: NaturalSamples) -> float:
    # No slope leads to the best place of a step: brackets between neighbouring samples are narrowed instead.
    distinct = np.unique(samples.t)
    middles = (distinct[1:] + distinct[:-1]) / 2
    low, high = 0, len(middles) - 1
    while True:
        chosen = np.unique(np.linspace(low, high, 32).astype(int))
        trials = scored(Trials.of(function, np.ones(len(chosen)), -middles[chosen]), samples)
        best = int(trials.misfit.argmin())
        if len(chosen) == high - low + 1:
            return float(middles[chosen[best]])
        low, high = chosen[max(best - 1, 0)], chosen[min(best + 1, len(chosen) - 1)]


def _dominant_rhythms(samples: NaturalSamples, count: int = 3) -> np.ndarray:
    # angular frequencies of the highest peaks in the spectrum of y(t), the straight line taken out
    grid = np.linspace(-1, 1, 512)
    y = np.interp(grid, samples.t, samples.y)
    y -= np.polyval(np.polyfit(grid, y, 1), grid)
    padding = 8
    power = np.abs(np.fft.rfft(y * np.hanning(len(y)), padding * len(y)))
    peaks = np.flatnonzero((power[1:-1] > power[:-2]) & (power[1:-1] >= power[2:])) + 1
    peaks = peaks[np.argsort(-power[peaks], kind="stable")][:count]
    return peaks * np.pi / padding * (len(y) - 1) / len(y)


def _lines(function: Function, samples: NaturalSamples, rhythms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # slopes and shifts, (group, member): the members of a group share a slope
    lower, upper = branch(function)
    bounded = np.isfinite(lower), np.isfinite(upper)
    signs = np.array([1.0, -1.0])
    if all(bounded):
        left, right = (shares.ravel() for shares in np.meshgrid(_SHARES, _SHARES))
        size = (upper - lower) * (1 - left - right) / 2
        slope, shift = size, lower + (upper - lower) * left + size
        sided = signs[:1] if function.parity else signs
        return np.outer(sided, slope).reshape(-1, 1), np.tile(shift, len(sided))[:, None]
    if any(bounded):
        sizes = np.ones(1) if "slope" in function.redundant else _STEEPNESS
        size, gap, sign = (part.ravel() for part in np.meshgrid(sizes, _GAPS, signs))
        shift = lower + size * (1 + gap) if bounded[0] else upper - size * (1 + gap)
        return (sign * size)[:, None], shift[:, None]
    if "slope" in function.redundant:
        if "shift" in function.redundant:
            centres = np.zeros(1)
        elif function.smooth:
            centres = _CENTRES
        else:
            centres = np.array([_best_kink(function, samples)])
        return np.ones((len(centres), 1)), -centres[:, None]
    if "shift" in function.redundant:
        slope = np.r_[_STEEPNESS, -_STEEPNESS]
        return slope[:, None], np.zeros((len(slope), 1))
    slope = np.unique(np.r_[_STEEPNESS, _TURNS, rhythms])
    if function.parity is None:
        slope = np.r_[slope, -slope]
    if function.period is None:
        shift = -np.outer(slope, _NEAR_CENTRES)
    else:
        shift = np.tile(function.period * _PHASES, (len(slope), 1))
    return np.broadcast_to(slope[:, None], shift.shape), shift
