"""Numbers that stay as they are, and numbers that go free, by the scientist's own hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kanscience._errors import OptionError
from kanscience.graph import Graph, Term
from kanscience.network._convert import edge_ends, node_name, rebuilt, to_graph
from kanscience.network._graph_edits import subnodes_of
from kanscience.network._places import Places, check_places

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN


def freeze(network: MultKAN, edges_or_nodes: Places | None = None, *, trainable: bool = False) -> MultKAN:
    """Return a network in which a fit leaves these numbers as they are; with ``trainable=True`` one that may change them.

    Args:
        network: left as it is.
        edges_or_nodes: an edge ``(layer, source, target)``, target counting the sums under products one by one; a node
            ``(layer, node)``, which stands for its bias and all edges that lead to it, and in layer 0 for a named
            constant, as its name does; or several of them. None: everything. Freeing everything still leaves alone what
            no law writes down: identities of the factor 1, biases of 0, and biases beside a curve, which holds them.
        trainable: False freezes, True frees.

    Raises:
        OptionError: what is not there, or has no numbers.

    Example:
        >>> import kanscience as ks
        >>> network = ks.MultKAN([2, 1], seed=0)
        >>> print(ks.freeze(network, (0, 1, 0)))
        MultKAN [2, 1]: 2 spline edges, 0 symbolic terms, 9 trainable numbers
    """
    graph = to_graph(network)
    if edges_or_nodes is None:
        _freeze_everything(graph, trainable)
        return rebuilt(network, graph)
    edges, nodes = check_places(network, edges_or_nodes)
    for edge in edges:
        ends = edge_ends(network, edge)
        if not graph.has_edge(*ends) or not graph.edges[ends]["function"]:
            raise OptionError(f"edge {edge} carries nothing. `set_function` or `perturb` puts something there first.")
        _set_trainable(graph, *ends, trainable)
    for node in nodes:
        name = node_name(network, node)
        if graph.nodes[name]["kind"] == "input":
            raise OptionError(f"{graph.nodes[name]['name']!r} is an input, a column of the data: it has no number.")
        _freeze_node(graph, name, trainable)
    return rebuilt(network, graph)


def _freeze_node(graph: Graph, node: str, trainable: bool) -> None:
    if graph.nodes[node]["kind"] == "parameter":
        graph.nodes[node]["trainable"] = trainable
        return
    for total in subnodes_of(graph, node):
        graph.nodes[total]["trainable"] = trainable
        for source in graph.predecessors(total):
            _set_trainable(graph, source, total, trainable)


def _freeze_everything(graph: Graph, trainable: bool) -> None:
    for node in graph.nodes_of("parameter"):
        graph.nodes[node]["trainable"] = trainable
    for total in graph.nodes_of("sum"):
        sources = list(graph.predecessors(total))
        if not trainable or (
            graph.nodes[total]["bias"].value and not any(_has_curve(graph, s, total) for s in sources)
        ):
            graph.nodes[total]["trainable"] = trainable
        for source in sources:
            _set_trainable(graph, source, total, trainable, padding=not trainable)


def _has_curve(graph: Graph, source: str, target: str) -> bool:
    return any(not isinstance(term, Term) for term in graph.edges[source, target]["function"])


def _set_trainable(graph: Graph, source: str, target: str, trainable: bool, padding: bool = True) -> None:
    edge = graph.edges[source, target]
    edge["function"] = tuple(
        term if not padding and _is_padding(term) else replace(term, trainable=trainable) for term in edge["function"]
    )


def _is_padding(term: object) -> bool:
    return isinstance(term, Term) and term.is_identity and term.scale.value == 1
