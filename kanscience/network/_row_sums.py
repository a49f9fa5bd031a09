"""The sums of a layer's curves as one operation, for points that the kernels take.

Written as a dozen operations of PyTorch, a layer of a few edges spends its time between them. Here the numbers of the first
derivatives are computed at once; where derivatives are to be differentiated again, the same formulas are followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from kanscience.network._bases import Base
from kanscience.splines import Axes, RowPoints, row_dot, row_scatter


@dataclass(frozen=True, eq=False)
class Curves:
    """What a layer's curves are, beside their numbers."""

    low: Tensor  # (source,), of the domains
    high: Tensor  # (source,)
    axes: Axes
    base: Base | None  # None: zero
    kernels: ModuleType

    @property
    def half(self) -> Tensor:
        """Half the widths of the domains, (source,)."""
        return (self.high - self.low) / 2


def row_sums(x: Tensor, coefficients: Tensor, base_weights: Tensor, bias: Tensor, curves: Curves) -> Tensor:
    """Return (sample, target) sums of curves and biases.

    Args:
        x: (sample, source) values in the user's units.
        coefficients: (source, basis, target).
        base_weights: (source, target).
        bias: (target,).
        curves: what they are.
    """
    if torch.is_grad_enabled():
        return _RowSums.apply(x, coefficients, base_weights, bias, curves)  # type: ignore[return-value]
    return _sums(x, coefficients, base_weights, bias, curves)[0]


def _sums(x: Tensor, coefficients: Tensor, base_weights: Tensor, bias: Tensor, its: Curves):
    """Return the sums, the points, and the values of the base function."""
    points, y = RowPoints.with_sums(x, its.low, its.high, its.axes, its.kernels, coefficients, bias)
    if its.base is None:
        return y, points, None
    smooth = its.base.continued(points.t, points.inside, points.axes.degree)
    return y.addmm_(smooth, base_weights), points, smooth


class _RowSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, coefficients, base_weights, bias, curves):
        y, ctx.points, smooth = _sums(x, coefficients, base_weights, bias, curves)
        ctx.curves = curves
        ctx.save_for_backward(x, coefficients, base_weights, smooth)
        return y

    @staticmethod
    def backward(ctx, g):
        x, coefficients, base_weights, smooth = ctx.saved_tensors
        points, its, wanted = ctx.points, ctx.curves, ctx.needs_input_grad
        if torch.is_grad_enabled() or not points.take(g):
            return *_gradients(x, coefficients, base_weights, g, points, its), None
        to_x = _to_x(coefficients, base_weights, g, points, its) if wanted[0] else None
        to_coefficients = points.scatter(None, g, 0) if wanted[1] else None
        to_base_weights = smooth.T @ g if wanted[2] and its.base is not None else None
        return to_x, to_coefficients, to_base_weights, g.sum(0) if wanted[3] else None, None


def _to_x(coefficients: Tensor, base_weights: Tensor, g: Tensor, points: RowPoints, its: Curves) -> Tensor:
    if its.base is None:
        return points.dot(coefficients, g, 1) / its.half
    to_t = its.base.to_point(g @ base_weights.T, points.t, points.inside, points.axes.degree)
    return points.dot_in_units(to_t, coefficients, g, 1, its.low, its.high)


def _gradients(x: Tensor, coefficients: Tensor, base_weights: Tensor, g: Tensor, points: RowPoints, its: Curves):
    """Return the derivatives to x, coefficients, base weights and bias, such that they can be differentiated again."""
    t = (x - its.low) / its.half - 1
    to_t, to_base_weights = row_dot(t, coefficients, g, points, 1), None
    if its.base is not None:
        to_t = to_t + its.base.to_point(g @ base_weights.T, t, points.inside, points.axes.degree)
        to_base_weights = its.base.continued(t, points.inside, points.axes.degree).T @ g
    return to_t / its.half, row_scatter(t, None, g, points, 0), to_base_weights, g.sum(0)
