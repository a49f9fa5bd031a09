"""Sparse and accurate networks inside a shape, the cheapest first.

A removed node can only be judged after the smaller network has been fitted *and* refined from starts of its own: what a
large network's nodes share between them does not survive the removal.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from kanscience.discovery._shape_rows import FINE, SearchRows
from kanscience.network import LayerShape, MultKAN, parse_width, prune, set_function, trace
from kanscience.training import FitReport, Penalty

_STARTS = 4  # cold starts of a shape, while they disagree
# Strength of the penalty, scores below which is pruned after it, and base function (None: the one asked for).
# Products want straight factors, which the identity gives them from the start.
_SPARSITIES = ((1e-2, 0.1, None), (1e-2, 0.1, "identity"), (1e-3, 0.03, None))
_SMALL = 0.25  # of the whole's edges: a fit costs their square, a dozen of such shapes no more than the whole
_HOPELESS = 300.0  # times the whole shape's loss, both coarse: finer grids do not make up for that
_STRAIGHT = 1e-3  # share of its variance by which a straight edge may bend under that penalty
_AS_WELL = 2.0  # times the loss, both coarse, at which straight lines serve as well
_CURVATURE = 0.1  # price of bent edges in the first layer; straight ones where they serve pay nothing

Refined = tuple[float, MultKAN, FitReport]


def sparse_networks(
    width: Sequence, data: SearchRows, base: str, seed: int, whole: Callable[[], float]
) -> Iterator[Refined]:
    """Go through refined spline networks, each with its loss on the coarse grid.

    First the whole shape, made sparse by a penalty from the cold start on and pruned; then the shapes inside it that
    cost next to nothing; the whole with straight edges, and made sparse in other ways; at last all other shapes inside.
    """
    entire = MultKAN(width, seed=seed)
    first, *others = [its for its in _SPARSITIES if its[2] != base]
    yield from _sparse(width, data, base, seed, *first)
    shapes = shapes_inside(width)
    small = [shape for shape in shapes if edges_of(shape) <= _SMALL * edges_of(width)]
    yield from _inside(small, data, base, seed, whole)
    if _may_be_straight(entire):
        yield _straight(width, data, seed)
    for sparsity in others:
        yield from _sparse(width, data, base, seed, *sparsity)
    yield from _inside(shapes[len(small) :], data, base, seed, whole, entire)


def _inside(
    shapes: Iterable, data: SearchRows, base: str, seed: int, whole: Callable[[], float], entire: MultKAN | None = None
) -> Iterator[Refined]:
    """Go through refined networks of smaller shapes, with straight edges (but not ``entire``, done before) and freely."""
    for shape in shapes:
        coarse, best = _best_start(shape, data, base, seed)
        if time.monotonic() > data.deadline:
            return
        if coarse <= _HOPELESS * whole():
            if _may_be_straight(best) and (entire is None or best.width != entire.width):
                yield _straight(best.width, data, seed)
            yield coarse, best, data.fitted(best, FINE)


def _sparse(
    width: Sequence, data: SearchRows, base: str, seed: int, strength: float, threshold: float, other: str | None
) -> Iterator[Refined]:
    """Make a shape sparse by a penalty and prune it; nothing comes where time is up before."""
    network = MultKAN(width, base=other or base, seed=seed)
    data.penalised(network, Penalty(strength), steps=100)
    if time.monotonic() > data.deadline:
        return
    network, _ = prune(network, trace(network, data.X), node=threshold, edge=threshold)
    coarse = data.loss_of(network)
    yield coarse, network, data.fitted(network, FINE)


def _best_start(shape: Sequence, data: SearchRows, base: str, seed: int) -> tuple[float, MultKAN]:
    """Return the best of a few cold starts on the coarse grid, and its loss; two that agree end the search."""
    found: list[tuple[float, MultKAN]] = []
    for start in range(_STARTS):
        network = MultKAN(shape, base=base, seed=1000 * seed + start)
        loss = data.loss_of(network)
        found = sorted([*found, (loss, network)], key=lambda pair: pair[0])
        if len(found) > 1 and found[1][0] < 1.2 * found[0][0]:
            break
    return found[0]


def _may_be_straight(network: MultKAN) -> bool:
    return network.shapes[0].nodes > 1 and len(network.shapes) > 1


def _straight(width: Sequence, data: SearchRows, seed: int) -> Refined:
    """Return a shape's refined form with straight edges in the first layer, where they serve as well.

    Several hidden nodes share a function between them in many ways, of which only the one with straight edges is
    readable. It is not found by straightening another: the penalty must be there from the cold start on.
    """
    network = MultKAN(width, base="identity", seed=seed)
    curvature = (1.0,) + (0.0,) * (len(width) - 2)
    data.penalised(network, Penalty(_CURVATURE, l1=0, entropy=0, curvature=curvature), steps=40, restarts=7, seed=seed)
    network, _ = prune(network, trace(network, data.X))
    lines = _with_lines(network, data.X)
    free, straight = data.loss_of(network), data.loss_of(lines)
    coarse, chosen = (straight, lines) if straight <= _AS_WELL * free else (free, network)
    return coarse, chosen, data.fitted(chosen, FINE)


def _with_lines(network: MultKAN, X: Tensor) -> MultKAN:
    """Return the network with straight lines for the edges of the first layer that hardly bend.

    Left free they would bend again a little, along with what follows, and no line be read from them.
    """
    record = trace(network, X)
    for source, target in network.layers[0].splines.active.nonzero().tolist():
        x, curve = record.nodes[0][:, source], record.edges[0][:, source, target]
        bend = 1 - torch.corrcoef(torch.stack([x, curve]))[0, 1] ** 2
        if bend < _STRAIGHT:
            network = set_function(network, (0, source, target), "identity", trace=record)
    return network


def shapes_inside(width: Sequence) -> list[list]:
    """Return all widths with fewer hidden nodes than ``width``, and itself, by their number of edges.

    Example:
        >>> shapes_inside([2, (1, 1), 1])
        [[2, 1, 1], [2, (0, 1), 1], [2, (1, 1), 1]]
    """
    network = MultKAN(width, seed=0)
    hidden = [_shapes_below(shape) for shape in network.shapes[:-1]]
    last = network.width[-1]
    found = [[network.n_inputs, *map(_entry, layers), last] for layers in itertools.product(*hidden)]
    return sorted(found, key=edges_of)


def edges_of(width: Sequence) -> int:
    """Return how many edges a network of this width has, all of them counted.

    Example:
        >>> edges_of([2, (1, 1), 1])
        8
    """
    inputs, shapes = parse_width(width)
    sizes = [inputs, *(shape.nodes for shape in shapes[:-1])]
    return sum(n * shape.subnodes for n, shape in zip(sizes, shapes, strict=True))


def _shapes_below(shape: LayerShape) -> list[LayerShape]:
    # Of the products the first ones: those of equal arity are alike.
    products = [shape.arities[:k] for k in range(len(shape.arities) + 1)]
    return [LayerShape(s, p) for s in range(shape.sums + 1) for p in products if s + len(p)]


def _entry(shape: LayerShape) -> int | tuple:
    if not shape.arities:
        return shape.sums
    if set(shape.arities) == {2}:
        return (shape.sums, len(shape.arities))
    return (shape.sums, list(shape.arities))
