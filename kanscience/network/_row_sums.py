"""The sums of a layer's curves as one operation, for points that the kernels take.

Written as a dozen operations of PyTorch, a layer of a few edges spends its time between them. Here the numbers of the first
derivatives are computed at once; where derivatives are to be differentiated again, the same formulas are followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanscience.network._bases import Base
from kanscience.splines import RowPoints, row_dot, row_scatter


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What is fixed about it: the points, how they come from the values x, and the base function."""

    points: RowPoints
    low: Tensor  # (source,)
    high: Tensor  # (source,)
    base: Base | None  # None: zero

    @property
    def half(self) -> Tensor:
        """Half the widths of the domains, (source,)."""
        return (self.high - self.low) / 2


def row_sums(x: Tensor, coefficients: Tensor, base_weights: Tensor, bias: Tensor, evaluation: Evaluation) -> Tensor:
    """Return (sample, target) sums of curves and biases.

    Args:
        x: (sample, source) values in the user's units.
        coefficients: (source, basis, target).
        base_weights: (source, target).
        bias: (target,).
        evaluation: of these values.
    """
    if torch.is_grad_enabled():
        return _RowSums.apply(x, coefficients, base_weights, bias, evaluation)  # type: ignore[return-value]
    return _sums(coefficients, base_weights, bias, evaluation)[0]


def _sums(coefficients: Tensor, base_weights: Tensor, bias: Tensor, its: Evaluation) -> tuple[Tensor, Tensor | None]:
    points = its.points
    y = points.forward(None, coefficients, 0, bias)
    if its.base is None:
        return y, None
    smooth = its.base.continued(points.t, points.inside, points.axes.degree)
    return y.addmm_(smooth, base_weights), smooth


class _RowSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, coefficients, base_weights, bias, evaluation):
        ctx.evaluation = evaluation
        y, smooth = _sums(coefficients, base_weights, bias, evaluation)
        ctx.save_for_backward(x, coefficients, base_weights, smooth)
        return y

    @staticmethod
    def backward(ctx, g):
        x, coefficients, base_weights, smooth = ctx.saved_tensors
        its, wanted = ctx.evaluation, ctx.needs_input_grad
        points, base = its.points, its.base
        if torch.is_grad_enabled() or not points.take(g):
            return *_gradients(x, coefficients, base_weights, g, its), None
        to_x = _to_x(coefficients, base_weights, g, its) if wanted[0] else None
        to_coefficients = points.scatter(None, g, 0) if wanted[1] else None
        to_base_weights = smooth.T @ g if wanted[2] and base is not None else None
        return to_x, to_coefficients, to_base_weights, g.sum(0) if wanted[3] else None, None


def _to_x(coefficients: Tensor, base_weights: Tensor, g: Tensor, its: Evaluation) -> Tensor:
    points = its.points
    if its.base is None:
        return points.dot(coefficients, g, 1) / its.half
    to_t = its.base.to_point(g @ base_weights.T, points.t, points.inside, points.axes.degree)
    return points.dot_in_units(to_t, coefficients, g, 1, its.low, its.high)


def _gradients(x: Tensor, coefficients: Tensor, base_weights: Tensor, g: Tensor, its: Evaluation):
    """Return the derivatives to x, coefficients, base weights and bias, such that they can be differentiated again."""
    points, t = its.points, (x - its.low) / its.half - 1
    to_t, to_base_weights = row_dot(t, coefficients, g, points, 1), None
    if its.base is not None:
        to_t = to_t + its.base.to_point(g @ base_weights.T, t, points.inside, points.axes.degree)
        to_base_weights = its.base.continued(t, points.inside, points.axes.degree).T @ g
    return to_t / its.half, row_scatter(t, None, g, points, 0), to_base_weights, g.sum(0)
