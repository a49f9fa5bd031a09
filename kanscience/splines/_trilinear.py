"""The sums of a layer and all their derivatives, of points that lie row by row.

With a weight w of each point, coefficients c, a number g for each result and the d-th derivative ``B[d]`` of the basis
functions, three operations are the derivatives of a single form, ``T[d](t; w, c, g) = sum of w * B[d](t) * c * g``:

    forward = dT/dg,    dot = dT/dw,    scatter = dT/dc,    and dT/dt = w * dot of T[d + 1].

Each is linear in what it takes beside t, and its own derivatives are the other two: gradients of any order stay among them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanscience._transforms import inside_transform
from kanscience.splines._kernels import dense_features, local_sums, spline_sums
from kanscience.splines._row_points import RowPoints


def _by_rule(*tensors: Tensor | None) -> bool:
    given = [tensor for tensor in tensors if tensor is not None]
    return torch.is_grad_enabled() and any(x.requires_grad for x in given) and not inside_transform(*given)


# t (sample, source) only carries the gradient: where it lies stands in the points. Weights None are 1.


def row_forward(t: Tensor, weights: Tensor | None, coefficients: Tensor, points: RowPoints, order: int) -> Tensor:
    """Return (sample, target)."""
    if _by_rule(t, weights, coefficients):
        return _Forward.apply(t, weights, coefficients, points, order)
    if points.take(weights, coefficients):
        return points.forward(weights, coefficients, order)
    return spline_sums(_features(t, weights, points, order), coefficients).T


def row_dot(t: Tensor, coefficients: Tensor, g: Tensor, points: RowPoints, order: int) -> Tensor:
    """Return (sample, source)."""
    if _by_rule(t, coefficients, g):
        return _Dot.apply(t, coefficients, g, points, order)
    if points.take(coefficients, g):
        return points.dot(coefficients, g, order)
    to_features = (coefficients.reshape(-1, coefficients.shape[2]) @ g.T).reshape(*coefficients.shape[:2], -1)
    return local_sums(to_features, t.T, points.axes, order).T


def row_scatter(t: Tensor, weights: Tensor | None, g: Tensor, points: RowPoints, order: int) -> Tensor:
    """Return (source, basis, target)."""
    if _by_rule(t, weights, g):
        return _Scatter.apply(t, weights, g, points, order)
    if points.take(weights, g):
        return points.scatter(weights, g, order)
    features = _features(t, weights, points, order)
    return (features.reshape(-1, features.shape[2]) @ g).reshape(*features.shape[:2], -1)


def _features(t: Tensor, weights: Tensor | None, points: RowPoints, order: int) -> Tensor:
    features = dense_features(t.T, points.axes, order)
    return features if weights is None else features * weights.T[:, None]


def _times(q: Tensor, weights: Tensor | None) -> Tensor:
    return q if weights is None else q * weights


class _Forward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, t, weights, coefficients, points, order):
        ctx.points, ctx.order = points, order
        ctx.save_for_backward(t, weights, coefficients)
        return points.forward(weights, coefficients, order)

    @staticmethod
    def backward(ctx, g):
        t, weights, coefficients = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        to_t = _times(row_dot(t, coefficients, g, ctx.points, ctx.order + 1), weights) if wanted[0] else None
        to_weights = row_dot(t, coefficients, g, ctx.points, ctx.order) if wanted[1] else None
        to_coefficients = row_scatter(t, weights, g, ctx.points, ctx.order) if wanted[2] else None
        return to_t, to_weights, to_coefficients, None, None


class _Dot(torch.autograd.Function):
    @staticmethod
    def forward(ctx, t, coefficients, g, points, order):
        ctx.points, ctx.order = points, order
        ctx.save_for_backward(t, coefficients, g)
        return points.dot(coefficients, g, order)

    @staticmethod
    def backward(ctx, q):
        t, coefficients, g = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        to_t = row_dot(t, coefficients, g, ctx.points, ctx.order + 1) * q if wanted[0] else None
        to_coefficients = row_scatter(t, q, g, ctx.points, ctx.order) if wanted[1] else None
        to_g = row_forward(t, q, coefficients, ctx.points, ctx.order) if wanted[2] else None
        return to_t, to_coefficients, to_g, None, None


class _Scatter(torch.autograd.Function):
    @staticmethod
    def forward(ctx, t, weights, g, points, order):
        ctx.points, ctx.order = points, order
        ctx.save_for_backward(t, weights, g)
        return points.scatter(weights, g, order)

    @staticmethod
    def backward(ctx, c):
        t, weights, g = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        to_t = _times(row_dot(t, c, g, ctx.points, ctx.order + 1), weights) if wanted[0] else None
        to_weights = row_dot(t, c, g, ctx.points, ctx.order) if wanted[1] else None
        to_g = row_forward(t, weights, c, ctx.points, ctx.order) if wanted[2] else None
        return to_t, to_weights, to_g, None, None
