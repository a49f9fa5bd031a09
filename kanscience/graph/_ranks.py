"""In which layer each node stands: as few layers as there can be, and among those the least padding.

The number of values that are handed on, summed over all nodes, is linear in the layers of the nodes, and the rules say
by how much one layer must exceed another. The dual of this linear program is a flow of least cost (Gansner et al.,
*A technique for drawing directed graphs*, IEEE Trans. Softw. Eng. 19 (1993) 214), which networkx finds exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import networkx

if TYPE_CHECKING:
    from kanscience.graph._schema import Graph

_START = ("start",)


def node_layers(graph: Graph, can_be_factor: Callable[[Graph, str], bool]) -> dict[str, int]:
    """Return the layer of every node.

    Args:
        graph: valid, without dead parts.
        can_be_factor: whether a sum may stand in the layer of a product that it feeds; else the product needs a sum
            of its own, one layer further.
    """

    def gap(source: str, target: str) -> int:
        match graph.nodes[target]["kind"]:
            case "sum":
                return 1
            case "product":
                return int(not can_be_factor(graph, source))
        return 0

    depth = _depth(graph, gap)
    rules = networkx.DiGraph()  # an edge says: the layer of its end is at least that of its start plus `gap`
    for node, data in graph.nodes(data=True):
        first = node, _end(node)
        rules.add_node(first[0], demand=-1)
        rules.add_node(first[1], demand=1)
        rules.add_edge(*first, gap=0)
        match data["kind"]:
            case "input" | "parameter":
                rules.add_edge(_START, node, gap=0)
                rules.add_edge(node, _START, gap=0)
            case "sum":
                rules.add_edge(_START, node, gap=1)
            case "output":
                rules.add_edge(_START, node, gap=depth)
                rules.add_edge(node, _START, gap=-depth)
    for source, target in graph.edges:
        rules.add_edge(source, target, gap=gap(source, target))
        rules.add_edge(target, _end(source), gap=-gap(source, target))
    layer = _least_total(rules)
    return {node: layer[node] for node in graph}


def _end(node: str) -> tuple[str, str]:
    return "end", node  # the last layer to which the node's value is handed on


def _depth(graph: Graph, gap: Callable[[str, str], int]) -> int:
    layer: dict[str, int] = {}
    for node in networkx.topological_sort(graph):
        least = 1 if graph.nodes[node]["kind"] == "sum" else 0
        layer[node] = max((layer[source] + gap(source, node) for source in graph.predecessors(node)), default=least)
    return max(layer[node] for node in graph.nodes_of("output"))


def _least_total(rules: networkx.DiGraph) -> Mapping:
    for _, _, data in rules.edges(data=True):
        data["weight"] = -data["gap"]
    _, flow = networkx.network_simplex(rules)
    # Where anything flows the rule holds with equality; the earliest layers that obey it are shortest paths.
    tight = [(end, start, gap) for start, end, gap in rules.edges(data="gap") if flow[start][end]]
    for end, start, gap in tight:
        if not rules.has_edge(end, start) or rules.edges[end, start]["weight"] > gap:
            rules.add_edge(end, start, weight=gap)
    distance = networkx.single_source_bellman_ford_path_length(rules, _START)
    return {node: -steps for node, steps in distance.items()}
