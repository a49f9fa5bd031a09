"""The sums of a layer's curves and their derivatives along each input, as one operation where the kernels run.

With t' and t'' the derivatives of a point along one axis, ``y' = sum of f'(t) t'`` and ``y'' = sum of f''(t) t'**2 +
f'(t) t''``. Written as operations of PyTorch, a layer of a few edges spends its time between them. Here the first
derivatives of all this are computed at once; where these are to be differentiated, the same formulas are followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from kanscience.network._bases import Base
from kanscience.splines import Axes, RowPoints, dense_features, row_forward, spline_sums

Derivatives = tuple[Tensor, Tensor, Tensor]


class Numbers(NamedTuple):
    """What derivatives may be asked for."""

    t: Tensor  # (sample, source), in [-1, 1] where a domain holds it
    first: Tensor  # (axis, sample, source), t'
    second: Tensor | None  # (axis, sample, source), t''; None: zero
    coefficients: Tensor  # (source, basis, target)
    base_weights: Tensor  # (source, target)


@dataclass(frozen=True, eq=False)
class Curves:
    """What is fixed of a layer's curves."""

    axes: Axes
    base: Base | None  # None: zero
    inside: bool  # all points are known to lie in [-1, 1]
    points: RowPoints | None  # for the kernels; None: PyTorch computes

    def base_derivatives(self, t: Tensor) -> Derivatives | None:
        """Return three orders of derivatives of the base function."""
        return self.base and self.base.derivatives_continued(t, self.inside, self.axes.degree)


Sums = tuple[Tensor, Tensor, Tensor]
"""y (sample, target), y' and y'' (axis, sample, target)."""


def curve_jets(numbers: Numbers, curves: Curves) -> Sums:
    """Return the sums of a layer's curves and their derivatives."""
    if curves.points is not None and torch.is_grad_enabled():
        return _CurveJets.apply(*numbers, curves)  # type: ignore[return-value]
    return _sums(numbers, curves)


class _CurveJets(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *given):
        *numbers, ctx.curves = given
        ctx.save_for_backward(*numbers)
        return _sums(Numbers(*numbers), ctx.curves)

    @staticmethod
    def backward(ctx, *g):
        numbers, curves, wanted = Numbers(*ctx.saved_tensors), ctx.curves, ctx.needs_input_grad[:-1]
        again = torch.is_grad_enabled()
        if not again and curves.points.take(*g):
            return *_gradients(numbers, curves, g, wanted), None
        of = [x for x, is_wanted in zip(numbers, wanted, strict=True) if is_wanted and x is not None]
        with torch.enable_grad():
            found = torch.autograd.grad(_sums(numbers, curves), of, g, create_graph=again, allow_unused=True)
        slopes = iter(found)
        return *(next(slopes) if is_wanted else None for is_wanted in wanted), None


def _sums(numbers: Numbers, curves: Curves) -> Sums:
    t, first, second, coefficients, base_weights = numbers
    squares, axes = first.square(), len(first)
    sums = _Sums(t, coefficients, curves, most=axes if second is None else 2 * axes)
    value, along, across = sums(0, None)[0], sums(1, _joined(first, second)), sums(2, squares)
    if second is not None:
        along, bent = along.split(axes)
        across = across + bent
    if curves.base is None:
        return value, along, across
    smooth = _smooth(numbers, curves.base, curves, curves.base_derivatives(t)) @ base_weights
    return value + smooth[0], along + smooth[1 : 1 + axes], across + smooth[1 + axes :]


def _smooth(numbers: Numbers, base: Base, curves: Curves, known: Derivatives | None) -> Tensor:
    """Return what the base weights multiply, of y, y' and y'': (1 + 2 axes, sample, source)."""
    assert known is not None
    (slope, bend, _), first = known, numbers.first
    bent = bend * first.square()
    if numbers.second is not None:
        bent = bent + slope * numbers.second
    return torch.cat([base.continued(numbers.t, curves.inside, curves.axes.degree)[None], slope * first, bent])


def _joined(first: Tensor, second: Tensor | None) -> Tensor:
    return first if second is None else torch.cat([first, second])


class _Sums:
    """Sums (kind, sample, target) of derivatives of the splines, times weights (kind, sample, source); None: 1, one kind."""

    def __init__(self, t: Tensor, coefficients: Tensor, curves: Curves, most: int) -> None:
        self.t, self.coefficients, self.curves = t, coefficients, curves
        self.points = curves.points and curves.points.repeated(most)
        self.rows = t.repeat(most, 1) if self.points is not None and torch.is_grad_enabled() else None

    def __call__(self, order: int, weights: Tensor | None) -> Tensor:
        if self.points is None:
            features = dense_features(self.t.T, self.curves.axes, order)
            weighed = [features] if weights is None else [features * each.T[:, None] for each in weights]
            return torch.stack([spline_sums(each, self.coefficients).T for each in weighed])
        kinds, flat = (1, None) if weights is None else (len(weights), weights.flatten(0, 1))
        count = kinds * len(self.t)
        points = self.points.first(count)
        if self.rows is None:
            sums = points.forward(flat, self.coefficients, order)
        else:
            sums = row_forward(self.rows[:count], flat, self.coefficients, points, order)
        return sums.unflatten(0, (kinds, -1))


def _gradients(numbers: Numbers, curves: Curves, g: Sums, wanted: tuple[bool, ...]) -> tuple[Tensor | None, ...]:
    t, first, second, coefficients, base_weights = numbers
    axes, squares, known, points = len(first), first.square(), curves.base_derivatives(t), curves.points
    to_value, to_along, to_across = g
    kinds = torch.cat([to_value[None], to_along, to_across])
    assert points is not None
    rows = points.repeated(len(kinds))
    to_coefficients = to_base_weights = None
    if wanted[3]:
        weights = _joined(first, second)
        to_coefficients = points.scatter(None, to_value, 0)
        to_coefficients += _scattered(rows, weights, kinds[1 : 1 + len(weights)], 1)
        to_coefficients += _scattered(rows, squares, to_across, 2)
    if known is not None and curves.base is not None and wanted[4]:
        smooth = _smooth(numbers, curves.base, curves, known)
        to_base_weights = smooth.flatten(0, 1).T @ kinds.flatten(0, 1)
    if not any(wanted[:3]):
        return None, None, None, to_coefficients, to_base_weights
    # Of each kind of sum, what its numbers say to one, two, and three more derivatives of the curves.
    once, twice = _dotted(rows, coefficients, kinds, 1), _dotted(rows, coefficients, kinds[1:], 2)
    thrice = _dotted(rows, coefficients, kinds[1 + axes :], 3)
    if known is not None:
        (slope, bend, twist), smooth = known, kinds @ base_weights.T
        once += slope * smooth
        twice += bend * smooth[1:]
        thrice += twist * smooth[1 + axes :]
    to_t = twice[:axes] * first + thrice * squares
    if second is not None:
        to_t += twice[axes:] * second
    to_first = once[1 : 1 + axes] + 2 * first * twice[axes:]
    return once[0] + to_t.sum(0), to_first, once[1 + axes :] if wanted[2] else None, to_coefficients, to_base_weights


def _scattered(rows: RowPoints, weights: Tensor, g: Tensor, order: int) -> Tensor:
    return rows.first(g.shape[0] * g.shape[1]).scatter(weights.flatten(0, 1), g.flatten(0, 1), order)


def _dotted(rows: RowPoints, coefficients: Tensor, g: Tensor, order: int) -> Tensor:
    dots = rows.first(g.shape[0] * g.shape[1]).dot(coefficients, g.flatten(0, 1), order)
    return dots.unflatten(0, g.shape[:2])
