"""Edges ``(layer, source, target)`` and nodes ``(layer, node)`` as a scientist points at them, checked."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kanscience._checks import check_kind, did_you_mean, listed, shown
from kanscience._errors import OptionError, ShapeError
from kanscience.network._multkan import check_network
from kanscience.network._trace import Trace

if TYPE_CHECKING:
    from kanscience._typing import Edge, Node
    from kanscience.network._multkan import MultKAN

Place = tuple[int, ...] | str
Places = Place | Iterable[Place]


def check_places(network: MultKAN, places: Places) -> tuple[list[Edge], list[Node]]:
    """Return the edges and the nodes among ``places``: one of them, or several; a name stands for a named constant.

    Raises:
        OptionError: what is no edge, node or name of this network; the message says what there is.
    """
    several = not isinstance(places, str) and not _is_one(places)
    edges, nodes = [], []
    for place in places if several and isinstance(places, Iterable) else [places]:
        if isinstance(place, str):
            nodes.append(_node_of_constant(network, place))
        elif _is_one(place) and len(place) == 3:  # type: ignore[arg-type]
            edges.append(check_edge(network, place))
        else:
            nodes.append(check_node(network, place))
    return edges, nodes


def check_edge(network: MultKAN, edge: object) -> Edge:
    """Return the place of an edge, whether it carries anything or not."""
    layer, source, target = _integers("an edge", "(layer, source, target)", edge, 3)
    _check_below("layer", layer, len(network.layers), edge, "Layers of edges count from 0 at the inputs.")
    sources, targets = sizes(network, layer), network.shapes[layer].subnodes
    _check_below("source", source, sources, edge, f"Layer {layer} starts at {sources} nodes{_named(network, layer)}.")
    _check_below(
        "target", target, targets, edge, f"It leads to {targets} sums, those under products counted one by one."
    )
    return layer, source, target


def check_node(network: MultKAN, node: object) -> Node:
    """Return the place of a node."""
    layer, index = _integers("a node", "(layer, node)", node, 2)
    _check_below("layer", layer, len(network.layers) + 1, node, "Layer 0 holds the inputs and named constants.")
    nodes = sizes(network, layer)
    _check_below("node", index, nodes, node, f"Layer {layer} has {nodes} nodes{_named(network, layer)}.")
    return layer, index


def sizes(network: MultKAN, layer: int) -> int:
    """Return the number of nodes in a layer; layer 0 holds the inputs and the named constants."""
    return network.shapes[layer - 1].nodes if layer else network.n_inputs + len(network.constant_names)


def check_trace_of(network: MultKAN, trace: Trace) -> None:
    """Raise unless it is a trace, and has the shape of the network."""
    check_network(network)
    check_kind("trace", trace, Trace, "Make one with ks.trace(network, X).")
    seen = [tuple(edges.shape[1:]) for edges in trace.edges]
    own = [(sizes(network, layer), shape.subnodes) for layer, shape in enumerate(network.shapes)]
    if seen != own:
        raise ShapeError(
            f"`trace` is of a network whose layers have edges {seen}, this one has {own}. "
            "Trace the network that you pass: trace=ks.trace(network, X)."
        )


def _is_one(place: object) -> bool:
    return isinstance(place, tuple) and bool(place) and not any(isinstance(part, tuple | str) for part in place)


def _integers(what: str, form: str, place: object, count: int) -> list[int]:
    try:
        numbers = [operator.index(part) for part in place]  # type: ignore[union-attr]
    except TypeError:
        numbers = []
    if len(numbers) != count:
        raise OptionError(
            f"{what} is {form}, integers from 0, not {shown(place)}. Edges are (layer, source, target), "
            "nodes (layer, node), named constants go by their name."
        )
    return numbers


def _check_below(word: str, value: int, count: int, place: object, way_out: str) -> None:
    if not 0 <= value < count:
        raise OptionError(f"there is no {word} {value} in {place!r}: it goes from 0 to {count - 1}. {way_out}")


def _named(network: MultKAN, layer: int) -> str:
    return "" if layer else f": {listed([*network.input_names, *network.constant_names])}"


def _node_of_constant(network: MultKAN, name: str) -> Node:
    if name not in network.constant_names:
        known = listed(network.constant_names) or "none"
        near = did_you_mean(name, network.constant_names)
        raise OptionError(f"the network has no named constant {name!r}; it has {known}.{near}")
    return 0, network.n_inputs + network.constant_names.index(name)
