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

    def t(self, x: Tensor) -> Tensor:
        """Return (sample, source) points as they follow from x."""
        if not torch.is_grad_enabled():
            return self.points.t
        return (x - self.low) / self.half - 1

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


def _sums(coefficients: Tensor, base_weights: Tensor, bias: Tensor, its: Evaluation, features: Tensor | None = None):
    points = its.points
    if features is not None:
        y = torch.addmm(bias, features, coefficients.flatten(0, 1))
    else:
        y = points.forward(None, coefficients, 0).add_(bias)
    if its.base is None:
        return y, None
    smooth = its.base.continued(points.t, points.inside, points.axes.degree)
    return y.addmm_(smooth, base_weights), smooth


class _RowSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, coefficients, base_weights, bias, evaluation):
        ctx.evaluation, points = evaluation, evaluation.points
        features = points.fill(None, 0) if points.is_dense else None
        y, smooth = _sums(coefficients, base_weights, bias, evaluation, features)
        ctx.save_for_backward(x, coefficients, base_weights, features, smooth)
        return y

    @staticmethod
    def backward(ctx, g):
        x, coefficients, base_weights, features, smooth = ctx.saved_tensors
        its, again = ctx.evaluation, torch.is_grad_enabled()
        points, base, t = its.points, its.base, its.t(x)
        to_x = to_coefficients = to_base_weights = to_bias = None
        if ctx.needs_input_grad[0]:
            to_t = row_dot(t, coefficients, g, points, 1)
            if base is not None:
                to_t = to_t + g @ base_weights.T * base.continued_slope(t, points.inside, points.axes.degree)
            to_x = to_t / its.half
        if ctx.needs_input_grad[1] and features is not None and not again:
            to_coefficients = (features.T @ g).view_as(coefficients)
        elif ctx.needs_input_grad[1]:
            to_coefficients = row_scatter(t, None, g, points, 0)
        if ctx.needs_input_grad[2] and base is not None:
            smooth = base.continued(t, points.inside, points.axes.degree) if again else smooth
            to_base_weights = smooth.T @ g
        if ctx.needs_input_grad[3]:
            to_bias = g.sum(0)
        return to_x, to_coefficients, to_base_weights, to_bias, None
