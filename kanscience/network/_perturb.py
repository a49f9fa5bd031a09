"""Curves on every edge of a network: at zero, ready to be trained, or drawn at random."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from kanscience._checks import check_number
from kanscience._errors import OptionError
from kanscience.network._convert import edge_ends, node_name, rebuilt, to_graph
from kanscience.network._curves import NewCurves, varying
from kanscience.network._graph_edits import relabelled, subnodes_of
from kanscience.network._places import Places, check_places, sizes

if TYPE_CHECKING:
    from kanscience._typing import Node
    from kanscience.graph import Graph
    from kanscience.network._multkan import MultKAN


def perturb(
    network: MultKAN,
    scale: float = 0.0,
    edges_or_nodes: Places | None = None,
    *,
    grid: int | None = None,
    degree: int = 3,
    base: str = "silu",
    seed: int | None = None,
) -> MultKAN:
    """Return a network with a curve on every edge, so that data can improve on its law.

    At a scale of 0 the new curves are zero: the function stays what it was until a fit moves it. Symbols stay, the curve
    is added to them. Named constants, and nodes that depend on them alone, are single numbers and start no curve.

    Args:
        network: left as it is.
        scale: of curves drawn at random, 1 as large as those of a fresh network; they are added to trainable curves that
            are there already. 0 changes no curve.
        edges_or_nodes: which edges: ``(layer, source, target)``, target counting the sums under products one by one;
            ``(layer, node)`` for all edges that lead to a node; or several of them. None: all.
        grid, degree, base: of new curves, where their layer has none yet; see `kanscience.MultKAN`. A ``grid`` of None is
            the layer's finest, else 5.
        seed: of what is drawn; None draws a fresh one.

    Raises:
        OptionError: an edge or node that is not there, or that can carry no curve.

    Example:
        >>> import kanscience as ks
        >>> from kanscience.graph import Graph, Term
        >>> graph = Graph()
        >>> x, y, total = graph.add_input("x"), graph.add_input("y"), graph.add_sum()
        >>> graph.add_function(x, total, Term("sin"))
        >>> _ = graph.add_output("f", total)
        >>> law = ks.from_graph(graph)
        >>> print(law)
        MultKAN [2, 1]: 0 spline edges, 1 symbolic terms, 0 trainable numbers
        >>> print(ks.perturb(law))
        MultKAN [2, 1]: 2 spline edges, 1 symbolic terms, 18 trainable numbers
    """
    check_number("scale", scale, least=0)
    graph = to_graph(network)
    curves = NewCurves(graph, grid, degree, base, seed)
    for sources, targets in _blocks(network, graph, edges_or_nodes):
        curves.add(sources, targets, scale)
    return rebuilt(network, relabelled(graph))


def _blocks(network: MultKAN, graph: Graph, places: Places | None) -> list[tuple[list[str], list[str]]]:
    """Return sources and targets of the edges to open, all layers in order."""
    following = varying(graph)
    if places is None:
        blocks = [_all_ends(network, layer) for layer in range(len(network.layers))]
        return [([s for s in sources if s in following], targets) for sources, targets in blocks]
    edges, nodes = check_places(network, places)
    ends = [edge_ends(network, edge) for edge in edges]
    for source, _ in ends:
        if source not in following:
            raise OptionError(f"{_words(graph, source)} depends on no input: there is nothing for a curve to follow.")
    for node in nodes:
        ends += [end for end in _ends_into(network, graph, node) if end[0] in following]
    by_sources: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys(ends):
        by_sources[source].append(target)
    return [([source], targets) for source, targets in by_sources.items()]


def _all_ends(network: MultKAN, layer: int) -> tuple[list[str], list[str]]:
    sources = [node_name(network, (layer, node)) for node in range(sizes(network, layer))]
    return sources, [f"sum{layer + 1}_{target}" for target in range(network.shapes[layer].subnodes)]


def _ends_into(network: MultKAN, graph: Graph, node: Node) -> list[tuple[str, str]]:
    layer, _ = node
    if layer == 0:
        raise OptionError(f"no edge leads to {node!r}, which is in layer 0. Name a node of a later layer, or edges.")
    sources, _ = _all_ends(network, layer - 1)
    return [(source, target) for target in subnodes_of(graph, node_name(network, node)) for source in sources]


def _words(graph: Graph, node: str) -> str:
    return f"{graph.nodes[node]['name']!r}" if "name" in graph.nodes[node] else f"node {node!r}"
