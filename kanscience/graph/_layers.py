"""Any formula graph as a layered one: the form in which it is a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx

from kanscience.graph._ranks import node_layers
from kanscience.graph._schema import Graph
from kanscience.graph._terms import ZERO, Term


def layers(graph: Graph) -> Graph:
    """Put a graph in layers, so that it is a network; its function stays what it was.

    Every edge then leads from one layer to the next: values that are needed later are handed on by sums with
    one identity edge. Every sum under a product feeds that product alone: where it had other readers, the
    product gets its own, a copy if all its edges are identities and fixed, else a sum with one identity edge.
    All outputs read the last layer. There are as few layers as that allows. What no output depends on is left
    out, inputs and parameters excepted, and so are edges that are zero. Nodes that stay keep their names.

    Args:
        graph: any valid graph. One that has layers comes back as a copy.

    Raises:
        GraphError: the graph is not valid.

    Example:
        >>> graph = Graph()
        >>> x = graph.add_input("x")
        >>> u, v = graph.add_sum(), graph.add_sum()
        >>> graph.add_function(x, u, Term("exp"))
        >>> graph.add_function(u, v, Term("sin"))
        >>> graph.add_function(x, v, Term.of(scale=3))
        >>> _ = graph.add_output("f", v)
        >>> print(layers(graph))
        Graph of 1 input, 3 sums, 1 output
        sum0 = exp(x)
        input0@1 = x
        sum1 = sin(sum0) + 3*input0@1
        f = sum1
    """
    graph.validate()
    if graph.is_layered:
        return graph.copy()
    live = _without_dead_parts(graph)
    return _in_columns(_without_dead_parts(_Padded(live, node_layers(live, _can_be_factor)).wide))


def _without_dead_parts(graph: Graph) -> Graph:
    live = graph.copy()
    live.remove_edges_from([(source, target) for source, target, terms in graph.functions() if not terms])
    live.remove_nodes_from(set(live) - live.live_nodes())
    return live


def _can_be_factor(graph: Graph, node: str) -> bool:
    return _is_own(graph, node) or _can_be_copied(graph, node)


def _is_own(graph: Graph, node: str) -> bool:
    return graph.out_degree(node) == 1


def _can_be_copied(graph: Graph, node: str) -> bool:
    # A trainable number must stay one number, so only fixed sums are copied.
    terms = [term for source in graph.predecessors(node) for term in graph.edges[source, node]["function"]]
    fixed = not graph.nodes[node].get("trainable", False)
    return fixed and all(isinstance(term, Term) and term.is_identity and not term.trainable for term in terms)


class _Padded:
    """A layered copy of a graph, in which every edge leads from one layer to the next."""

    def __init__(self, graph: Graph, layer: Mapping[str, int]) -> None:
        self.graph, self.layer, self.wide = graph, layer, Graph(**graph.graph)
        for node in networkx.topological_sort(graph):
            self._add(node)

    def _add(self, node: str) -> None:
        data, at = self.graph.nodes[node], self.layer[node]
        match data["kind"]:
            case "sum":
                self._add_sum(node, at, self._edges_into(node), **data)
            case "product":
                factors = [self._factor(source, node) for source in self.graph.predecessors(node)]
                self.wide.add_node(node, **data, layer=at)
                self.wide.add_edges_from((own, node) for own in factors)
            case "output":
                (source,) = self.graph.predecessors(node)
                self.wide.add_node(node, **data, layer=at)
                self.wide.add_edge(self._handed_on(source, at), node)
            case _:
                self.wide.add_node(node, **data, layer=0)

    def _edges_into(self, node: str) -> dict[str, tuple]:
        return {source: self.graph.edges[source, node]["function"] for source in self.graph.predecessors(node)}

    def _add_sum(self, node: str, at: int, edges: Mapping[str, tuple], **data: Any) -> str:
        self.wide.add_node(node, **{"kind": "sum", "bias": ZERO, "trainable": False, **data, "layer": at})
        for source, function in edges.items():
            self.wide.add_edge(self._handed_on(source, at - 1), node, function=function)
        return node

    def _handed_on(self, node: str, to: int) -> str:
        """Return who holds the value of a node in layer ``to``: sums with one identity edge, which all readers share."""
        held = node
        for at in range(self.layer[node] + 1, to + 1):
            relay = self._unused(f"{node}@{at}")
            if relay not in self.wide:
                data = self.graph.nodes[node]
                axis = {"axis": data["axis"]} if "axis" in data else {}
                self.wide.add_node(relay, kind="sum", bias=ZERO, trainable=False, layer=at, **axis)
                self.wide.add_edge(held, relay, function=(Term(),))
            held = relay
        return held

    def _factor(self, node: str, product: str) -> str:
        """Return the sum that stands for a node under a product, where it is nobody else's."""
        graph, at = self.graph, self.layer[product]
        if _is_own(graph, node) and self.layer[node] == at:
            return node
        own = self._unused(f"{node}>{product}")
        if _can_be_copied(graph, node) and (self.layer[node] >= at or graph.in_degree(node) <= 1):
            data = {key: value for key, value in graph.nodes[node].items() if key != "axis"}
            return self._add_sum(own, at, self._edges_into(node), **data)
        return self._add_sum(own, at, {node: (Term(),)})

    def _unused(self, name: str) -> str:
        while name in self.graph:
            name += "'"
        return name


def _in_columns(graph: Graph) -> Graph:
    # Positions as the schema wants them; within that freedom near the nodes they read: clearer pictures.
    last = max(networkx.get_node_attributes(graph, "layer").values())
    first = graph.nodes_of("input") + graph.nodes_of("parameter")
    column = {node: i for i, node in enumerate(first)}
    height = {node: (i + 0.5) / len(first) for i, node in enumerate(first)}
    order = list(first)

    def mean_height(node: str) -> float:
        near = [height[source] for source in graph.predecessors(node)]
        return sum(near) / len(near) if near else 0.5

    for layer in range(1, last + 1):
        here = [node for node, at in graph.nodes(data="layer") if at == layer]
        sums = [node for node in here if graph.nodes[node]["kind"] == "sum"]
        height.update((node, mean_height(node)) for node in sums)
        products = sorted((n for n in here if graph.nodes[n]["kind"] == "product"), key=mean_height)
        factors = [factor for product in products for factor in graph.predecessors(product)]
        plain = sorted(set(sums) - set(factors), key=lambda n: (height[n], sums.index(n)))
        column.update((node, i) for i, node in enumerate(plain + factors))
        column.update((node, len(plain) + i) for i, node in enumerate(products))
        nodes = plain + products
        height.update((node, (i + 0.5) / len(nodes)) for i, node in enumerate(nodes))
        order += plain + factors + products
    outputs = graph.nodes_of("output")
    column.update((node, i) for i, node in enumerate(outputs))

    network = Graph(**graph.graph)
    for node in order + outputs:
        network.add_node(node, **graph.nodes[node], position=column[node])
    for node in order + outputs:
        sources = list(graph.predecessors(node))
        if graph.nodes[node]["kind"] == "sum":
            sources.sort(key=column.__getitem__)
        network.add_edges_from((source, node, graph.edges[source, node]) for source in sources)
    return network.validate()
