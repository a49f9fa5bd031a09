"""The best scale*f(slope*x + shift) + offset for given samples, for one function or many at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from kanscience._errors import DataError, ShapeError
from kanscience.functions._library import Function
from kanscience.functions._polish import NaturalSamples, Trials, branch, polished
from kanscience.functions._starts import starts

_STAGES = (  # samples, trials kept of each function, their misfit over its best, steps, gain that goes on
    (80, 5, math.inf, 7, 1e-2),
    (1024, 1, 1.0, 12, 1e-4),
    (math.inf, 1, 1.0, 15, 1e-5),
)
_EPSILON = float(np.finfo(float).eps)


@dataclass(frozen=True)
class AffineFit:
    """The curve scale*f(slope*x + shift) + offset that follows the samples best.

    Args:
        function: f.
        scale: in the unit of y. 0 where f explains nothing.
        slope: in 1/unit of x; 1 or -1 where it is redundant, 0 where f explains nothing.
        shift: dimensionless; 0 where it is redundant.
        offset: in the unit of y.
        r2: share of the variance of y that the curve explains, 1 - Σw(y - curve)² / Σw(y - mean)².
            0 where f explains nothing, NaN where y is constant: then there is nothing to explain.
        misfit: 1 - r2, exact where r2 rounds to 1.
    """

    function: Function
    scale: float
    slope: float
    shift: float
    offset: float
    r2: float
    misfit: float

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Return the curve at x."""
        return self.scale * _values(self.function, self.slope, self.shift, np.asarray(x, float)) + self.offset


def affine_fit(function: Function, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> AffineFit:
    """Fit one function; see ``affine_fits``.

    Example:
        >>> from kanscience.functions import default_library
        >>> x = np.linspace(0, 2, 50)
        >>> fit = affine_fit(default_library().resolve("x^2"), x, 3 * (x - 1) ** 2 + 5)
        >>> round(fit.scale, 9), round(fit.shift, 9), round(fit.offset, 9)
        (3.0, -1.0, 5.0)
    """
    return affine_fits([function], x, y, weights)[0]


def affine_fits(
    functions: Sequence[Function], x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None
) -> list[AffineFit]:
    """Fit scale*f(slope*x + shift) + offset to samples by least squares, for every function.

    Scale and offset are a linear regression for given slope and shift. Slope and shift begin at many places
    read off the range and the dominant frequencies of the samples; the best few are polished, on a part of
    the samples first. All samples stay inside the real domain of f and in one of its branches between poles:
    a curve that is singular within their range is never returned. Units of x and y change nothing.

    Args:
        functions: what to fit.
        x: (N,) finite, in any unit and order.
        y: (N,) finite, in any unit.
        weights: (N,) not negative, for instance 1/sigma². A sample of weight 0 is left out altogether.

    Returns:
        One fit for each function, in their order.

    Raises:
        ShapeError: x, y and weights are not one-dimensional of one length.
        DataError: no samples, a value that is not finite, a negative weight.
    """
    x, y, weights = _checked(x, y, weights)
    functions = tuple(functions)
    with np.errstate(all="ignore"):  # trial curves overflow and divide by zero; they are rejected for it
        if not functions or _is_constant(y) or _is_constant(x):
            r2 = math.nan if _is_constant(y) else 0.0
            return [_constant_fit(function, y, weights, r2) for function in functions]
        samples = _in_natural_units(x, y, weights)
        trials = _searched(functions, samples)
        slope, shift = trials.lines()
        return [
            _in_units_of_the_data(function, slope[row], shift[row], x, y, weights)
            for row, function in enumerate(functions)
        ]


def _searched(functions: tuple[Function, ...], samples: NaturalSamples) -> Trials:
    # the best row of each function; its misfit is inf where no curve is finite at all samples
    trials = starts(functions, samples)
    for n_samples, count, rivals, steps, gain in _STAGES:
        part = samples.thinned(n_samples)
        trials = polished(trials.best(count, within=rivals), part, steps=steps, gain=gain)
        if part is samples:
            break
    return trials.best(1)


def _in_natural_units(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> NaturalSamples:
    order = np.argsort(x, kind="stable")
    middle, half = _middle_and_half(x)
    y = y - weights @ y
    y -= weights @ y
    return NaturalSamples(
        ((x - middle) / half).clip(-1, 1)[order], (y / np.sqrt(weights @ y**2))[order], weights[order]
    )


def _in_units_of_the_data(
    function: Function, slope: float, shift: float, x: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> AffineFit:
    middle, half = _middle_and_half(x)
    slope, shift = slope / half, shift - slope * middle / half
    plain = _regressed(function, slope, shift, x, y, weights)
    if not plain.misfit < 1:
        return _constant_fit(function, y, weights, r2=0.0)
    best = plain
    for simplified in _simplifications(function):
        slope, shift = simplified(best.slope, best.shift)
        if (slope, shift) != (best.slope, best.shift):
            simpler = _regressed(function, slope, shift, x, y, weights)
            if simpler.misfit <= (1 + 1e-9) * plain.misfit + 1e-18:  # still the same curve
                best = simpler
    return best


def _simplifications(function: Function) -> Iterator[Callable[[float, float], tuple[float, float]]]:
    # from slope and shift to simpler ones that may draw the same curve
    yield lambda slope, shift: (abs(slope), math.copysign(1.0, slope) * shift)
    if "slope" in function.redundant:
        yield lambda slope, shift: (math.copysign(1.0, slope), shift / abs(slope))
    if "shift" in function.redundant:
        yield lambda slope, shift: (slope, 0.0)  # refused where exp(slope*x) overflows
    if (period := function.period) is not None:
        yield lambda slope, shift: (slope, math.remainder(shift, period))
        yield lambda slope, shift: (slope, math.remainder(shift, period / 2))  # where f only changes its sign


def _regressed(
    function: Function, slope: float, shift: float, x: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> AffineFit:
    slope, shift = _line_inside(function, slope, shift, x)
    f = _values(function, slope, shift, x)
    mean, offset = weights @ f, weights @ y
    f, y = f - mean, y - offset
    scale = weights @ (f * y) / (weights @ f**2)
    misfit = float(weights @ (y - scale * f) ** 2 / (weights @ y**2))
    misfit = misfit if math.isfinite(misfit) else math.inf
    return AffineFit(
        function, float(scale), float(slope), float(shift), float(offset - scale * mean), 1 - misfit, misfit
    )


def _line_inside(function: Function, slope: float, shift: float, x: np.ndarray) -> tuple[float, float]:
    # Rounding must not put the outermost sample outside the domain, where f is NaN.
    for _ in range(8 if math.isfinite(function.lower) or math.isfinite(function.upper) else 0):
        u = slope * x + shift
        below, above = function.lower - u.min(), u.max() - function.upper
        if below <= 0 and above <= 0:
            break
        if math.isfinite(function.lower) and math.isfinite(function.upper):
            slope, shift = slope * (1 - 4 * _EPSILON), shift + (below if below > 0 else -above)
        else:
            shift += below if below > 0 else -above
    return slope, shift


def _constant_fit(function: Function, y: np.ndarray, weights: np.ndarray, r2: float) -> AffineFit:
    lower, upper = branch(function)
    match math.isfinite(lower), math.isfinite(upper):
        case False, False:
            inside = 0.0
        case True, False:
            inside = lower + 1
        case False, True:
            inside = upper - 1
        case _:
            inside = (lower + upper) / 2
    offset = float(y[0] + weights @ (y - y[0]))  # one value stays that value, bit for bit
    return AffineFit(function, 0.0, 0.0, inside, offset, r2, 1 - r2)


def _values(function: Function, slope: float, shift: float, x: np.ndarray) -> np.ndarray:
    return function.torch(torch.from_numpy(np.asarray(slope * x + shift))).numpy()


def _middle_and_half(x: np.ndarray) -> tuple[float, float]:
    return (x.max() + x.min()) / 2, (x.max() - x.min()) / 2


def _is_constant(values: np.ndarray) -> bool:
    return bool(np.ptp(values) <= 4 * _EPSILON * np.abs(values).max())


def _checked(x: ArrayLike, y: ArrayLike, weights: ArrayLike | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    ws = np.ones(xs.shape) if weights is None else np.asarray(weights, dtype=float)
    if not (xs.ndim == 1 and xs.shape == ys.shape == ws.shape):
        raise ShapeError(
            "`x`, `y` and `weights` need one dimension and one length: "
            f"their shapes are {xs.shape}, {ys.shape} and {ws.shape}."
        )
    for name, values in (("x", xs), ("y", ys), ("weights", ws)):
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataError(f"`{name}` holds {values[row]} at row {row}. Drop such rows before fitting.")
    if (ws < 0).any():
        row = int(ws.argmin())
        raise DataError(f"`weights` may not be negative: row {row} has {ws[row]}.")
    used = ws > 0
    if not used.any():
        raise DataError(f"There is nothing to fit: {len(xs)} samples, none of positive weight.")
    ws = ws[used] / ws[used].max()
    return xs[used], ys[used], ws / ws.sum()
