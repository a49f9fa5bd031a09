"""Hidden layers with fewer sums, and with more: a network trained with few of its sums, and put back into the whole."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from kanscience.network._jacobian import sweep
from kanscience.network._layer import Layer
from kanscience.network._splines import SplineEdges
from kanscience.network._terms import TermEdges

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN

Sums = Sequence[int | None]  # of one layer: where each stands in the other network; None: nowhere, it carries nothing


def layers_of_equals(network: MultKAN) -> list[int]:
    """Return the layers, from 0, whose plain sums have trained curves from and to everything: one can stand for another.

    In a tree each has a part of its own.
    """
    pairs = enumerate(pairwise(network.layers))
    return [depth for depth, (before, after) in pairs if before.shape.sums > 1 and _free(before) and _free(after)]


def _free(layer: Layer) -> bool:
    splines = layer.splines
    all_curves = bool((splines.active & splines.trainable).all()) and not len(layer.terms)
    learns = splines.trained_coefficients.requires_grad and splines.trained_base_weights.requires_grad
    return all_curves and learns and not bool(layer.bias_trainable.any())


@torch.no_grad()
def influences(network: MultKAN, x: Tensor) -> list[tuple[float, int, int]]:
    """Return the sums of `layers_of_equals` that are not alone, as (influence, layer, sum), the least influence first.

    The influence is the mean square that the outputs would move, to first order, were the sum a constant.
    """
    found, parts = [], sweep(network, x).layers
    for depth in layers_of_equals(network):
        its, sums = parts[depth + 1], network.layers[depth].shape.sums
        curves = its.layer.splines.values(its.x)[:sums]
        moves = torch.einsum("otn,stn->son", its.deltas, curves - curves.mean(dim=-1, keepdim=True))
        found += [(value, depth, k) for k, value in enumerate((moves**2).mean(dim=(1, 2)).tolist())]
    return sorted(found)


@torch.no_grad()
def without_sum(network: MultKAN, depth: int, spared: int, x: Tensor) -> MultKAN:
    """Return a network without one sum of a layer of `layers_of_equals`; another sum takes over what it adds on average."""
    after = network.layers[depth + 1].splines
    mean = after.values(sweep(network, x).layers[depth + 1].x)[spared].mean(dim=-1)
    kept = [k for k in range(network.layers[depth].shape.sums) if k != spared]
    smaller = with_sums(network, {depth: kept})
    splines = smaller.layers[depth + 1].splines
    splines.trained_coefficients[0] += mean * splines.axes.has_function()[0, :, None]
    return smaller


@torch.no_grad()
def with_sums(network: MultKAN, sums: Mapping[int, Sums]) -> MultKAN:
    """Return a network that has other plain sums in some layers of `layers_of_equals`.

    Args:
        network: left as it is.
        sums: by layer, from 0: which of the layer's present sums stand there, in this order; the curves to and from a
            None are zero.
    """
    changed = copy.deepcopy(network)
    sources: list[int | None] = list(range(len(network.layers[0].splines.low)))
    layers = []
    for depth, layer in enumerate(network.layers):
        shape = layer.shape
        plain = list(sums.get(depth, range(shape.sums)))
        targets = [*plain, *range(shape.sums, shape.subnodes)]
        concerned = depth in sums or depth - 1 in sums
        layers.append(_rearranged(layer, sources, targets) if concerned else changed.layers[depth])
        sources = [*plain, *range(shape.sums, shape.nodes)]
    changed.layers = nn.ModuleList(layers)  # type: ignore[assignment]
    return changed


def _rearranged(layer: Layer, sources: Sums, targets: Sums) -> Layer:
    splines = layer.splines
    rows = [splines.axes.row(source or 0) for source in sources]
    basis = max(map(len, rows)) - splines.degree - 1
    coefficients = _taken(_taken(splines.coefficients[:, :basis], sources, 0), targets, 2)
    base_weights = _taken(_taken(splines.base_weights, sources, 0), targets, 1)
    moved = SplineEdges(rows, splines.degree, splines.base, coefficients, base_weights)
    known = torch.tensor([source or 0 for source in sources])
    moved.low, moved.high, moved.given, moved.open = (
        part[known].clone() for part in (splines.low, splines.high, splines.given, splines.open)
    )
    plain = len(targets) - sum(layer.shape.arities)
    bias = _taken(layer.bias, targets, 0)
    terms = TermEdges((), len(targets), splines.low.dtype)
    return Layer(replace(layer.shape, sums=plain), moved, terms, bias, torch.zeros(len(targets), dtype=torch.bool)).to(
        splines.low.device
    )


def _taken(values: Tensor, places: Sums, dim: int) -> Tensor:
    """Return these of the values along an axis, zeros for None."""
    taken = values.index_select(dim, torch.tensor([place or 0 for place in places], device=values.device))
    nowhere = torch.tensor([place is None for place in places], device=values.device)
    return taken.index_fill(dim, nowhere.nonzero().flatten(), 0)
