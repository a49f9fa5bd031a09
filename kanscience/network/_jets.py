"""Values, gradients and second derivatives of a network in one pass, as equations of physics ask for them.

Derivatives along each input are carried through the layers beside the values: of a sum of curves ``y = sum of f(t)``

    y'  = sum of f'(t) t',      y'' = sum of f''(t) t'**2 + f'(t) t'',

and of products by the rule for products. Derivatives of splines are splines, so the kernels of the forward pass compute all
of them, and backward goes once through what is then an ordinary, if wider, network. Autograd, asked three times, builds a
graph of the graph of the graph.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from kanscience.functions import Function
from kanscience.network._bases import base_named
from kanscience.network._curve_jets import Curves, Numbers, curve_jets
from kanscience.network._layer import Layer
from kanscience.network._multkan import MultKAN, check_inputs, check_network
from kanscience.network._splines import SplineEdges
from kanscience.network._terms import TermEdges
from kanscience.splines import all_inside, row_points


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
    with them and given to any optimiser. It takes about half the time of asking autograd for each. Where a value is NaN,
    outside the real domain of a function, its derivatives mean nothing.

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
    (coefficients, base_weights), half = edges.weights(), (edges.high - edges.low) / 2
    t, first = (state.value - edges.low) / half - 1, state.first / half
    numbers = Numbers(t, first, None if state.second is None else state.second / half, coefficients, base_weights)
    base, axes = None if edges.base == "zero" else base_named(edges.base), edges.axes
    points = row_points(state.value, edges.low, edges.high, axes, coefficients, base_weights, first)
    inside = all_inside(t) if points is None else points.inside
    return _State(*curve_jets(numbers, Curves(axes, base, inside, points)))


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
