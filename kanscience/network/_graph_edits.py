"""Edits of layered graphs that several ways to change a network share."""

from __future__ import annotations

from dataclasses import replace

import networkx

from kanscience.graph import Graph, Number, SplineTerm, Term


def add_to_bias(graph: Graph, node: str, value: float) -> None:
    """Add to the bias of a sum; it is the data's from then on, no longer the number that was written down."""
    if value:
        graph.nodes[node].update(bias=Number(graph.nodes[node]["bias"].value + value), trainable=True)


def remove_dead_(graph: Graph) -> bool:
    """Remove the sums and products of a layered graph that no output depends on; return whether there were any.

    One node of every layer stays, or there would be no network.
    """
    alive = set(graph.nodes_of("input") + graph.nodes_of("parameter") + graph.nodes_of("output"))
    for output in graph.nodes_of("output"):
        alive |= networkx.ancestors(graph, output)
    dead = set(graph) - alive
    for column in columns(graph)[1:]:
        if column and dead.issuperset(column):
            dead -= {column[0], *subnodes_of(graph, column[0])}
    graph.remove_nodes_from(dead)
    return bool(dead)


def columns(graph: Graph) -> list[list[str]]:
    """Return the nodes of every layer in their order, the sums under products left out."""
    found = [graph.nodes_of("input") + graph.nodes_of("parameter")]
    found += [[] for _ in range(max(data["layer"] for _, data in graph.nodes(data=True)))]
    factors = {factor for product in graph.nodes_of("product") for factor in graph.predecessors(product)}
    for node in (*graph.nodes_of("sum"), *graph.nodes_of("product")):
        if node not in factors:
            found[graph.nodes[node]["layer"]].append(node)
    return found


def subnodes_of(graph: Graph, node: str) -> list[str]:
    """Return the sums that a node consists of: itself, or the factors of a product."""
    return list(graph.predecessors(node)) if graph.nodes[node]["kind"] == "product" else [node]


def scale_sum(graph: Graph, node: str, factor: float) -> None:
    """Multiply a sum by a number: its bias and the functions of all its edges."""
    if factor == 1:
        return
    data = graph.nodes[node]
    data["bias"] = Number(data["bias"].value * factor)
    for source in graph.predecessors(node):
        edge = graph.edges[source, node]
        edge["function"] = tuple(_scaled(term, factor) for term in edge["function"])


def _scaled(term: Term | SplineTerm, factor: float) -> Term | SplineTerm:
    if isinstance(term, Term):
        return replace(term, scale=Number(term.scale.value * factor))
    if term.coefficients is None:
        return term
    coefficients = tuple(c * factor for c in term.coefficients)
    return replace(term, coefficients=coefficients, base_weight=term.base_weight * factor)


def relabelled(graph: Graph) -> Graph:
    """Return a layered graph with its positions counted anew and its nodes renamed after them."""
    names: dict[str, str] = {}
    place: dict[str, int] = {}
    inputs = sorted(graph.nodes_of("input"), key=lambda node: graph.nodes[node]["index"])
    constants = graph.nodes_of("parameter")
    for index, node in enumerate(inputs):
        names[node], place[node] = f"input{index}", index
        graph.nodes[node]["index"] = index
    for k, node in enumerate(constants):
        names[node], place[node] = f"parameter{k}", len(inputs) + k
    depth = max(graph.nodes[node]["layer"] for node in graph)
    for layer in range(1, depth + 1):
        sums = [node for node in graph.nodes_of("sum") if graph.nodes[node]["layer"] == layer]
        products = [node for node in graph.nodes_of("product") if graph.nodes[node]["layer"] == layer]
        factors = [f for p in products for f in sorted(graph.predecessors(p), key=sums.index)]
        under = set(factors)
        plain = [node for node in sums if node not in under]
        for column, node in enumerate(plain + factors):
            names[node], place[node] = f"sum{layer}_{column}", column
        for k, node in enumerate(products):
            names[node], place[node] = f"product{layer}_{k}", len(plain) + k
    for node in graph.nodes_of("output"):
        names[node], place[node] = f"output{graph.nodes[node]['index']}", graph.nodes[node]["index"]
    order = sorted(graph, key=lambda node: (graph.nodes[node]["layer"], place[node]))
    fresh = Graph()
    for node in order:
        fresh.add_node(names[node], **{**graph.nodes[node], "position": place[node]})
    for source, target, data in graph.edges(data=True):
        fresh.add_edge(names[source], names[target], **data)
    return fresh
