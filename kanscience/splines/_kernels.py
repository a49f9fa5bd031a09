"""The layer evaluation: from mapped inputs to spline sums, behind one interface.

Arrays are laid out ``(source, basis, sample)``; coefficients ``(source, basis, target)``.

`dense_features` writes the ``degree + 1`` local values of every point into a zeroed matrix, so that one matrix product
with all coefficients does the rest; `local_sums` reads such a matrix at the same places. Each is the other's gradient,
with the next derivative of the basis functions: together they are closed under differentiation. For large plain arrays
numba does both where it is installed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanscience._transforms import inside_transform
from kanscience.splines._axes import Axes
from kanscience.splines._location import Location
from kanscience.splines._points import Points, fast_points


def local_basis(t: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
    """Evaluate the ``degree + 1`` basis functions that do not vanish at each point.

    Args:
        t: (source, sample) points in [-1, 1]; beyond, the functions continue linearly.
        axes: the knots.

    Returns:
        Values (source, degree + 1, sample), and the index (source, 1, sample) of the first of these functions.
    """
    location = Location.of(t, axes)
    return location.values(0), location.interval.unsqueeze(1)


def dense_features(t: Tensor, axes: Axes, order: int = 0) -> Tensor:
    """Return all basis functions at all points as a matrix ready for one product with the coefficients.

    Args:
        t: (source, sample) points in [-1, 1]; beyond, the functions continue linearly.
        axes: the knots.
        order: of the derivative with respect to ``t``, 0 for the values.

    Returns:
        (source, basis, sample), zero but for ``degree + 1`` values at each point.

    Example:
        >>> from kanscience.splines import Axes, uniform_knots
        >>> axes = Axes.of([uniform_knots(4, degree=3)], degree=3)
        >>> dense_features(torch.tensor([[0.3]], dtype=torch.float64), axes).shape
        torch.Size([1, 7, 1])
    """
    return _features(t, _located(t, axes), order)


def local_sums(weights: Tensor, t: Tensor, axes: Axes, order: int = 0) -> Tensor:
    """Return ``sum(weights[i] * B[i](t))`` for weights of each point's own, of which ``degree + 1`` are read.

    Args:
        weights: (source, basis, sample).
        t: (source, sample) points in [-1, 1]; beyond, the functions continue linearly.
        axes: the knots.
        order: of the functions' derivative with respect to ``t``, 0 for the values.

    Returns:
        (source, sample).
    """
    return _sums(weights, t, _located(t, axes, weights), order)


def spline_sums(features: Tensor, coefficients: Tensor) -> Tensor:
    """Return (target, sample) sums over sources and basis functions: one matrix product.

    Args:
        features: (source, basis, sample).
        coefficients: (source, basis, target).
    """
    return coefficients.reshape(-1, coefficients.shape[2]).T @ features.reshape(-1, features.shape[2])


# Below, t only carries the gradient; where it lies is computed beforehand and counts as constant. Where nothing is
# differentiated backwards, and inside transforms (which get nested forward mode of custom functions wrong), the plain
# code runs: PyTorch differentiates that too, only slower.


def _by_rule(*tensors: Tensor) -> bool:
    wanted = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    return wanted and not inside_transform(*tensors)


def _located(t: Tensor, axes: Axes, *others: Tensor) -> Location | Points:
    t = t.detach() if _by_rule(t, *others) else t
    return fast_points(t, axes) or Location.of(t, axes)


def _features(t: Tensor, location: Location | Points, order: int) -> Tensor:
    return _Features.apply(t, location, order) if _by_rule(t) else _scattered(location, order)


def _sums(weights: Tensor, t: Tensor, location: Location | Points, order: int) -> Tensor:
    return _Sums.apply(weights, t, location, order) if _by_rule(weights, t) else _gathered(weights, location, order)


def _scattered(location: Location | Points, order: int) -> Tensor:
    if isinstance(location, Points):
        return location.features(order)
    values = location.values(order)
    sources, functions, samples = values.shape
    if inside_transform(values):  # for which nothing may be written in place
        index = location.interval.unsqueeze(1) + torch.arange(functions, device=values.device)[:, None]
        return values.new_zeros(sources, location.n_basis, samples).scatter(1, index, values)
    features, first = values.new_zeros(sources, location.n_basis * samples), location.first()
    for r in range(functions):  # row after row: several times faster than one scatter of all
        features[:, r * samples :].scatter_(1, first, values[:, r])
    return features.unflatten(1, (location.n_basis, samples))


def _gathered(weights: Tensor, location: Location | Points, order: int) -> Tensor:
    if isinstance(location, Points):
        if location.take(weights):
            return location.sums(weights, order)
        location = Location.of(location.t, location.axes)
    values, first = location.values(order), location.first()
    samples, weights = first.shape[1], weights.reshape(len(weights), -1)
    total = weights.gather(1, first) * values[:, 0]
    for r in range(1, values.shape[1]):
        total = torch.addcmul(total, weights[:, r * samples :].gather(1, first), values[:, r])
    return total


class _Features(torch.autograd.Function):
    @staticmethod
    def forward(ctx, t, location, order):
        ctx.location, ctx.order = location, order
        ctx.save_for_backward(t)
        ctx.save_for_forward(t)
        return _scattered(location, order)

    @staticmethod
    def backward(ctx, grad):
        (t,) = ctx.saved_tensors
        return _sums(grad, t, ctx.location, ctx.order + 1), None, None

    @staticmethod
    def jvp(ctx, tangent, *_):
        (t,) = ctx.saved_tensors
        return _features(t, ctx.location, ctx.order + 1) * tangent[:, None]


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weights, t, location, order):
        ctx.location, ctx.order = location, order
        ctx.save_for_backward(weights, t)
        ctx.save_for_forward(weights, t)
        return _gathered(weights, location, order)

    @staticmethod
    def backward(ctx, grad):
        weights, t = ctx.saved_tensors
        to_weights = _features(t, ctx.location, ctx.order) * grad[:, None] if ctx.needs_input_grad[0] else None
        to_t = _sums(weights, t, ctx.location, ctx.order + 1) * grad if ctx.needs_input_grad[1] else None
        return to_weights, to_t, None, None

    @staticmethod
    def jvp(ctx, to_weights, to_t, *_):
        weights, t = ctx.saved_tensors
        return _sums(to_weights, t, ctx.location, ctx.order) + _sums(weights, t, ctx.location, ctx.order + 1) * to_t
