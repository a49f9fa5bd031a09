"""The rules of the schema, each with the sentence it says when broken."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import networkx

from kanscience._errors import GraphError
from kanscience.graph._numbers import Number
from kanscience.graph._terms import SplineAxis, SplineTerm, Term

if TYPE_CHECKING:
    from kanscience.graph._schema import Graph

# What a node of each kind may and must carry, beside `layer` and `position`; True: must.
_ATTRIBUTES = {
    "input": {"index": True, "name": True, "unit": False, "axis": False},
    "parameter": {"name": True, "value": True, "unit": False, "trainable": False},
    "sum": {"bias": False, "trainable": False, "axis": False},
    "product": {"axis": False},
    "output": {"index": True, "name": True, "unit": False},
}
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "index": (int, "an int"),
    "layer": (int, "an int"),
    "position": (int, "an int"),
    "name": (str, "text"),
    "unit": ((str, type(None)), "text or None"),
    "value": (Number, "a Number"),
    "bias": (Number, "a Number"),
    "trainable": (bool, "True or False"),
    "axis": ((SplineAxis, type(None)), "a SplineAxis or None"),
}


def validate(graph: Graph) -> None:
    """Raise a GraphError that names the first node or edge that breaks the schema."""
    for node, data in graph.nodes(data=True):
        _check_node(node, data)
    _check_indices(graph)
    _check_names(graph)
    for source, target, data in graph.edges(data=True):
        _check_edge(graph, source, target, data)
    for node in graph:
        _check_degree(graph, node)
    if not networkx.is_directed_acyclic_graph(graph):
        cycle = " -> ".join(source for source, _ in networkx.find_cycle(graph))
        raise GraphError(f"the graph runs in a circle: {cycle}. A formula has no value then.")
    placed = [node for node, data in graph.nodes(data=True) if "layer" in data or "position" in data]
    if placed:
        missing = [n for n, data in graph.nodes(data=True) if not ("layer" in data and "position" in data)]
        if missing:
            raise GraphError(
                f"{placed[0]!r} has a layer or a position but {missing[0]!r} lacks one. "
                "Give all nodes both, or none and call `kanscience.graph.layers(graph)`."
            )
        _check_layers(graph)


def _check_node(node: Any, data: dict[str, Any]) -> None:
    if not isinstance(node, str) or not node:
        raise GraphError(f"nodes are named by text, but one is {node!r}.")
    kind = data.get("kind")
    if kind not in _ATTRIBUTES:
        raise GraphError(f"node {node!r} is of kind {kind!r}; the kinds are {', '.join(_ATTRIBUTES)}.")
    allowed = _ATTRIBUTES[kind]
    for key in (key for key, needed in allowed.items() if needed and key not in data):
        raise GraphError(f"node {node!r}, of kind {kind}, needs `{key}`; it has {sorted(data)}.")
    for key, value in data.items():
        if key == "kind":
            continue
        if key not in allowed and key not in ("layer", "position"):
            raise GraphError(
                f"node {node!r}, of kind {kind}, cannot carry `{key}`, only {', '.join(allowed)}. Keep what you compute "
                "about nodes in a dictionary of your own."
            )
        types, words = _TYPES[key]
        if not isinstance(value, types) or (types is int and (isinstance(value, bool) or value < 0)):
            raise GraphError(f"`{key}` of node {node!r} must be {words}, not {value!r}.")
        if isinstance(value, Number):
            _check_finite(value.value, f"`{key}` of node {node!r}")
        if value == "":
            raise GraphError(f"`{key}` of node {node!r} is empty text. Give it a word.")


def _check_indices(graph: Graph) -> None:
    for kind in ("input", "output"):
        indices = [data["index"] for _, data in graph.nodes(data=True) if data["kind"] == kind]
        if sorted(indices) != list(range(len(indices))):
            raise GraphError(
                f"the indices of the {kind}s must be 0 to {len(indices) - 1}, each once, not {indices}. After removing one, "
                "set them anew: graph.nodes[node]['index'] = ..."
            )
    if not any(data["kind"] == "output" for _, data in graph.nodes(data=True)):
        raise GraphError("the graph has no output. Add a node of kind 'output' after the node to be read out.")


def _check_names(graph: Graph) -> None:
    sources = [data["name"] for _, data in graph.nodes(data=True) if data["kind"] in ("input", "parameter")]
    repeated = [name for name, count in Counter(sources).items() if count > 1]
    if repeated:
        raise GraphError(
            f"inputs and parameters need names of their own, but {repeated[0]!r} occurs twice in {sources}."
        )


def _check_edge(graph: Graph, source: str, target: str, data: dict[str, Any]) -> None:
    edge = f"edge {source!r} -> {target!r}"
    kinds = graph.nodes[source]["kind"], graph.nodes[target]["kind"]
    if kinds[0] == "output":
        raise GraphError(f"{edge} leaves an output, but an output is the end. Let it leave the node read out.")
    if kinds[1] in ("input", "parameter"):
        raise GraphError(
            f"{edge} ends at {target!r}, of kind {kinds[1]}, where values only begin. Turn it round or leave it out."
        )
    if kinds[1] == "product" and kinds[0] != "sum":
        raise GraphError(f"{edge}: products multiply sums only, {source!r} is of kind {kinds[0]}. Put a sum between.")
    if kinds[1] == "output" and kinds[0] not in ("sum", "product"):
        raise GraphError(f"{edge}: an output reads a sum or a product, {source!r} is of kind {kinds[0]}.")
    wrong = set(data) - {"function"}
    if wrong:
        raise GraphError(f"{edge} carries `{sorted(wrong)[0]}`; edges carry `function` alone.")
    if kinds[1] != "sum":
        if "function" in data:
            raise GraphError(f"{edge} carries a function, but edges into a {kinds[1]} carry none. Put a sum between.")
        return
    function = data.get("function")
    if not isinstance(function, tuple) or not all(isinstance(term, Term | SplineTerm) for term in function):
        raise GraphError(f"`function` of {edge} must be a tuple of Term and SplineTerm, not {function!r}.")
    for term in function:
        if isinstance(term, Term):
            for name in ("scale", "slope", "shift"):
                _check_finite(getattr(term, name).value, f"`{name}` of {term.function} on {edge}")
        else:
            _check_spline(graph, source, edge, term)


def _check_spline(graph: Graph, source: str, edge: str, term: SplineTerm) -> None:
    if graph.nodes[source]["kind"] == "parameter":
        raise GraphError(f"{edge} is a spline of a parameter, which is one number. Use a library function there.")
    _check_finite(term.base_weight, f"`base_weight` of {edge}")
    if term.coefficients is None:
        return
    axis = graph.nodes[source].get("axis")
    if axis is None:
        raise GraphError(f"{edge} is a spline, but {source!r} has no `axis` with its knots.")
    if len(term.coefficients) != axis.n_basis:
        raise GraphError(
            f"{edge} has {len(term.coefficients)} coefficients, but {axis.n_basis} B-splines live on the "
            f"axis of {source!r} (grid {axis.grid}, degree {axis.degree})."
        )
    for value in term.coefficients:
        _check_finite(value, f"a coefficient of {edge}")


def _check_degree(graph: Graph, node: str) -> None:
    kind, n = graph.nodes[node]["kind"], graph.in_degree(node)
    if kind == "output" and n != 1:
        raise GraphError(f"output {node!r} must read exactly one node, but {n} edges end there.")
    if kind == "product" and n == 0:
        raise GraphError(f"product {node!r} multiplies nothing. Give it sums, or make it a sum with bias 1.")


def _check_finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise GraphError(f"{what} is {value}; the numbers of a graph are finite.")


def _check_layers(graph: Graph) -> None:
    layer, position = dict(graph.nodes(data="layer")), dict(graph.nodes(data="position"))
    kind = dict(graph.nodes(data="kind"))
    for source, target in graph.edges:
        step = int(kind[target] == "sum")
        if layer[target] != layer[source] + step:
            raise GraphError(
                f"edge {source!r} -> {target!r} runs from layer {layer[source]} to {layer[target]}, but "
                f"edges into a {kind[target]} end {'one layer further' if step else 'in the same layer'}. "
                "Call `kanscience.graph.layers(graph)`."
            )
        if kind[target] == "product" and graph.out_degree(source) > 1:
            raise GraphError(
                f"sum {source!r} feeds product {target!r} and others; in a network a sum under a product "
                "feeds only that product. Call `kanscience.graph.layers(graph)`, which gives the product its own."
            )
    last = max(layer.values())
    columns: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for node in sorted(graph, key=position.__getitem__):
        columns[layer[node]][kind[node]].append(node)
    for index in range(last + 1):
        _check_columns(graph, index, last, columns[index])


def _check_columns(graph: Graph, layer: int, last: int, column: dict[str, list[str]]) -> None:
    def check(nodes: list[str], expected: list[str], rule: str) -> None:
        if nodes != expected or [graph.nodes[node]["position"] for node in nodes] != list(range(len(nodes))):
            found = {node: graph.nodes[node]["position"] for node in nodes}
            raise GraphError(f"positions in layer {layer} are {found}; {rule}. Call `kanscience.graph.layers(graph)`.")

    starts = column["input"] + column["parameter"]
    if starts and layer > 0:
        raise GraphError(f"{starts[0]!r} is in layer {layer}; inputs and parameters are in layer 0.")
    if column["sum"] and layer == 0:
        raise GraphError(f"sum {column['sum'][0]!r} is in layer 0, where only inputs and parameters are.")
    if column["output"] and layer != last:
        raise GraphError(f"output {column['output'][0]!r} reads layer {layer}, but the last layer is {last}.")
    inputs = sorted(column["input"], key=lambda node: graph.nodes[node]["index"])
    check(starts, inputs + column["parameter"], "inputs come first, by index, then parameters, counted from 0")
    check(
        column["output"],
        sorted(column["output"], key=lambda n: graph.nodes[n]["index"]),
        "outputs go by index",
    )
    plain = [n for n in column["sum"] if not any(graph.nodes[m]["kind"] == "product" for m in graph.successors(n))]
    factors = [n for p in column["product"] for n in column["sum"] if graph.has_edge(n, p)]
    check(
        column["sum"],
        plain + factors,
        "plain sums come first, then the factors of each product in order, from 0",
    )
    places = [graph.nodes[node]["position"] for node in column["product"]]
    if places != list(range(len(plain), len(plain) + len(places))):
        raise GraphError(
            f"products of layer {layer} are at positions {places}; they follow its {len(plain)} plain sums. "
            "Call `kanscience.graph.layers(graph)`."
        )
