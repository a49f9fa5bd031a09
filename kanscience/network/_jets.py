"""Values, gradients and second derivatives of a network in one pass, as equations of physics ask for them.

Derivatives along each input are carried through the layers beside the values: of a sum of curves ``y = sum of f(t)``

    y'  = sum of f'(t) t',      y'' = sum of f''(t) t'**2 + f'(t) t'',

and of products by the rule for products. Derivatives of splines are splines, so the kernels of the forward pass compute all
of them, and backward goes once through what is then an ordinary, if wider, network. Autograd, asked three times, builds a
graph of the graph of the graph.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from kanscience.functions import Function
from kanscience.network._bases import base_named
from kanscience.network._layer import Layer
from kanscience.network._multkan import MultKAN, check_inputs, check_network
from kanscience.network._splines import SplineEdges
from kanscience.network._terms import TermEdges
from kanscience.splines import Axes, RowPoints, all_inside, dense_features, row_forward, row_points, spline_sums


class Jets(NamedTuple):
    """Values of a network and their derivatives by every input, at N points."""

    value: Float[Tensor, "batch output"]
    gradient: Float[Tensor, "batch output input"]
    second: Float[Tensor, "batch output input"]  # unmixed second derivatives

    @property
    def laplacian(self) -> Float[Tensor, "batch output"]:
        """The sum of the second derivatives."""
        return self.second.sum(dim=-1)


class _State(NamedTuple):
    """Numbers of nodes and their derivatives along each axis."""

    value: Tensor  # (sample, node)
    first: Tensor  # (axis, sample, node)
    second: Tensor | None  # (axis, sample, node); None: zero


def jets(network: MultKAN, x: Float[Tensor, "batch input"]) -> Jets:
    """Return values, gradients and unmixed second derivatives by the inputs.

    All three are differentiable by the network's numbers and by ``x``: the loss of a differential equation is written down
    with them and given to any optimiser. It is several times as fast as asking autograd for each.

    Args:
        network: a network.
        x: (N, inputs), one row a point, in the user's units.

    Returns:
        ``value`` (N, outputs), ``gradient`` and ``second`` (N, outputs, inputs), ``laplacian`` (N, outputs).

    Raises:
        ShapeError: the number of columns is not the number of inputs.
        DataError: ``x`` holds NaN or infinity.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.compile_formula("x**2 * y", ["x", "y"])
        >>> found = ks.jets(network, torch.tensor([[3.0, 5.0]]))
        >>> found.gradient.tolist(), found.laplacian.tolist()
        ([[[30.0, 9.0]]], [[10.0]])
    """
    check_network(network)
    check_inputs(network, x)
    state = _inputs(network, x)
    for layer in network.layers:
        state = _multiplied(_subnodes(layer, state), layer)
    value, first, second = (numbers[..., list(network.readout)] for numbers in _filled(state))
    return Jets(value, first.permute(1, 2, 0), second.permute(1, 2, 0))


def _inputs(network: MultKAN, x: Tensor) -> _State:
    value = network.sources(x).T
    first = value.new_zeros(x.shape[1], *value.shape)
    for axis in range(x.shape[1]):
        first[axis, :, axis] = 1
    return _State(value, first, None)


def _filled(state: _State) -> tuple[Tensor, Tensor, Tensor]:
    value, first, second = state
    return value, first, torch.zeros_like(first) if second is None else second


def _subnodes(layer: Layer, state: _State) -> _State:
    parts = [_curves(layer.splines, state)] if layer.has_splines else []
    parts += [_terms(layer.terms, state)] if len(layer.terms) else []
    if not parts:
        nothing = state.first.new_zeros(*state.first.shape[:2], layer.shape.subnodes)
        parts = [_State(nothing[0], nothing, None)]
    value, first, second = parts[0] if len(parts) == 1 else _added(*parts)
    return _State(value + layer.bias, first, second)


def _added(one: _State, other: _State) -> _State:
    return _State(*(a + b for a, b in zip(_filled(one), _filled(other), strict=True)))


def _curves(edges: SplineEdges, state: _State) -> _State:
    coefficients, base_weights = edges.weights()
    half = (edges.high - edges.low) / 2
    t, first = (state.value - edges.low) / half - 1, state.first / half
    second, squares, axes = None if state.second is None else state.second / half, first.square(), len(first)
    points = row_points(state.value, edges.low, edges.high, edges.axes, coefficients, first)
    if points is None:
        sums = partial(_by_pytorch, edges.axes, t, coefficients)
    else:
        sums = partial(_by_kernels, points, t, coefficients)
    along = sums(1, first if second is None else torch.cat([first, second]))
    across = sums(2, squares)
    if second is not None:
        along, bent = along.split(axes)
        across = across + bent
    value = sums(0, None)[0]
    if edges.base == "zero":
        return _State(value, along, across)
    base, inside = base_named(edges.base), all_inside(t) if points is None else points.inside
    nearest = t if inside else t.clamp(-1, 1)
    slope, bend = base.slope(nearest), base.bend(nearest)
    if not inside:
        slope, bend = (slope if edges.degree else slope * (nearest == t)), bend * (nearest == t)
    bent = bend * squares if second is None else bend * squares + slope * second
    smooth = torch.cat([base.continued(t, inside, edges.degree)[None], slope * first, bent]) @ base_weights
    return _State(value + smooth[0], along + smooth[1 : 1 + axes], across + smooth[1 + axes :])


# Sums (kind, sample, target) of derivatives of the splines, times weights (kind, sample, source); None: one kind, times 1.


def _by_kernels(points: RowPoints, t: Tensor, coefficients: Tensor, order: int, weights: Tensor | None) -> Tensor:
    if weights is None:
        return row_forward(t, None, coefficients, points, order)[None]
    kinds = len(weights)
    rows = row_forward(t.repeat(kinds, 1), weights.flatten(0, 1), coefficients, points.repeated(kinds), order)
    return rows.unflatten(0, (kinds, -1))


def _by_pytorch(axes: Axes, t: Tensor, coefficients: Tensor, order: int, weights: Tensor | None) -> Tensor:
    features = dense_features(t.T, axes, order)
    weighed = [features] if weights is None else [features * each.T[:, None] for each in weights]
    return torch.stack([spline_sums(each, coefficients).T for each in weighed])


def _terms(terms: TermEdges, state: _State) -> _State:
    value, first, second = _filled(state)
    slope, scale = terms.slope, terms.scale
    argument = (slope * value[:, terms.source] + terms.shift).T
    blocks = argument.split([count for _, count in terms.functions])
    known = [_twice(function, block) for (function, _), block in zip(terms.functions, blocks, strict=True)]
    values, slopes, bends = (torch.cat(parts).T for parts in zip(*known, strict=True))
    first, second = slope * first[..., terms.source], slope * second[..., terms.source]
    each = values, slopes * first, bends * first.square() + slopes * second
    to = value.new_zeros(*first.shape[:2], terms.targets)
    return _State(
        to[0].index_add(1, terms.target, scale * each[0]),
        *(to.index_add(2, terms.target, scale * part) for part in each[1:]),
    )


def _twice(function: Function, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a function, its slope and its second derivative at x."""
    recorded = torch.is_grad_enabled()
    with torch.enable_grad():
        point = x if recorded and x.requires_grad else x.detach().requires_grad_()
        slopes, bends = function.slope_at(point), None
        if slopes.requires_grad:
            (bends,) = torch.autograd.grad(slopes.sum(), point, create_graph=recorded, materialize_grads=True)
    if point is not x:  # nothing leads back from here
        slopes = slopes.detach()
    return function.torch(x), slopes, torch.zeros_like(x) if bends is None else bends


def _multiplied(sums: _State, layer: Layer) -> _State:
    if not layer.shape.arities:
        return sums
    numbers = _filled(sums)
    nodes = [tuple(n[..., : layer.shape.sums] for n in numbers)]
    for columns in layer.shape.product_columns():
        product, *others = (tuple(n[..., i : i + 1] for n in numbers) for i in range(columns.start, columns.stop))
        for other in others:
            product = _times(product, other)
        nodes.append(product)
    return _State(*(torch.cat(parts, dim=-1) for parts in zip(*nodes, strict=True)))


def _times(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    (a, a1, a2), (b, b1, b2) = one, other
    return a * b, a1 * b + a * b1, a2 * b + 2 * a1 * b1 + a * b2
