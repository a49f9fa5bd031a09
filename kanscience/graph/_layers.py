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
    return _in_columns(_without_dead_parts(_padded(live, node_layers(live, _can_be_factor))))


def _without_dead_parts(graph: Graph) -> Graph:
    live = graph.copy()
    live.remove_edges_from([(source, target) for source, target, terms in graph.functions() if not terms])
    needed = {node for kind in ("input", "parameter", "output") for node in live.nodes_of(kind)}
    for output in live.nodes_of("output"):
        needed |= networkx.ancestors(live, output)
    live.remove_nodes_from([node for node in graph if node not in needed])
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


def _padded(graph: Graph, layer: Mapping[str, int]) -> Graph:
    wide = Graph(**graph.graph)

    def add_sum(node: str, at: int, edges: Mapping[str, tuple], **data: Any) -> str:
        wide.add_node(node, **{"kind": "sum", "bias": ZERO, "trainable": False, **data, "layer": at})
        for source, function in edges.items():
            wide.add_edge(handed_on(source, at - 1), node, function=function)
        return node

    def handed_on(node: str, to: int) -> str:
        # The value of the node in layer `to`, through sums with one identity edge that all its readers share.
        held = node
        for at in range(layer[node] + 1, to + 1):
            relay = f"{node}@{at}"
            while relay in graph:
                relay += "'"
            if relay not in wide:
                axis = {"axis": graph.nodes[node]["axis"]} if "axis" in graph.nodes[node] else {}
                wide.add_node(relay, kind="sum", bias=ZERO, trainable=False, layer=at, **axis)
                wide.add_edge(held, relay, function=(Term(),))
            held = relay
        return held

    def factor(node: str, product: str) -> str:
        at = layer[product]
        if _is_own(graph, node) and layer[node] == at:
            return node
        own = f"{node}>{product}"
        while own in graph:
            own += "'"
        if _can_be_copied(graph, node) and (layer[node] >= at or graph.in_degree(node) <= 1):
            data = {key: value for key, value in graph.nodes[node].items() if key != "axis"}
            return add_sum(own, at, edges_into(node), **data)
        return add_sum(own, at, {node: (Term(),)})

    def edges_into(node: str) -> dict[str, tuple]:
        return {source: graph.edges[source, node]["function"] for source in graph.predecessors(node)}

    for node in networkx.topological_sort(graph):
        data = graph.nodes[node]
        match data["kind"]:
            case "sum":
                add_sum(node, layer[node], edges_into(node), **data)
            case "product":
                factors = [factor(source, node) for source in graph.predecessors(node)]
                wide.add_node(node, **data, layer=layer[node])
                wide.add_edges_from((own, node) for own in factors)
            case "output":
                (source,) = graph.predecessors(node)
                wide.add_node(node, **data, layer=layer[node])
                wide.add_edge(handed_on(source, layer[node]), node)
            case _:
                wide.add_node(node, **data, layer=0)
    return wide


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
