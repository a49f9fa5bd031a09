"""Remove what carries nothing: networks in, new networks out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import networkx

from kanscience._checks import check_number
from kanscience._errors import DataError
from kanscience.graph import Graph, Number, SplineTerm, Term
from kanscience.network._attribution import attribution
from kanscience.network._convert import rebuilt, to_graph

if TYPE_CHECKING:
    from kanscience._typing import Edge
    from kanscience.network._multkan import MultKAN
    from kanscience.network._trace import Trace


@dataclass(frozen=True)
class PruneReport:
    """What was removed: edges ``(layer, source, target)`` and nodes ``(layer, node)`` of the network that was given.

    ``inputs`` are the names of the inputs that are kept (`prune` keeps all).
    """

    edges: tuple[Edge, ...]
    nodes: tuple[tuple[int, int], ...]
    inputs: tuple[str, ...]
    width: tuple

    def __str__(self) -> str:
        return f"removed {len(self.edges)} edges and {len(self.nodes)} nodes; the width is now {list(self.width)}"


def prune(network: MultKAN, trace: Trace, *, node: float = 1e-2, edge: float = 3e-2) -> tuple[MultKAN, PruneReport]:
    """Remove the nodes and edges whose scores are small.

    A removed edge leaves its mean over the trace in the bias of its sum (scores see only spread). A subnode without
    edges is a constant, which multiplies the other factors of its product; a product of one becomes a sum. The last
    node of a layer, inputs, outputs, and what depends on named constants alone stay.

    Args:
        network: left as it is; fit it first.
        trace: of the samples to judge by; see `attribution` for the scores.
        node: hidden nodes below this score go, with all their edges; 0 keeps all.
        edge: edges below this score go.

    Returns:
        The smaller network, and what was removed.

    Raises:
        OptionError: a threshold below 0.
        ShapeError, DataError: the trace is of another network, or of a single sample.

    Example:
        >>> import kanscience as ks, torch
        >>> x = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> network = ks.MultKAN([2, 3, 1], seed=0)
        >>> report = ks.fit(network, x, x[:, 0] ** 2, steps=40, penalty=ks.Penalty(1e-3))
        >>> smaller, report = ks.prune(network, ks.trace(network, x))
        >>> (0, 1, 0) in report.edges  # the second input carries nothing
        True
    """
    check_number("node", node, least=0)
    check_number("edge", edge, least=0)
    scores = attribution(network, trace)
    doomed = {
        (layer, source, target)
        for layer, score in enumerate(scores.edges)
        for source, target in (score < edge).nonzero().tolist()
    }
    for layer, score in enumerate(scores.nodes[1:-1], start=1):
        keep = int(score.argmax())
        weak = [n for n in (score < node).nonzero().flatten().tolist() if n != keep]
        doomed |= {(layer, n, target) for n in weak for target in range(scores.edges[layer].shape[1])}
    # What only named constants lead to has no spread to be judged by.
    named = functions_of_constants(network)
    doomed = {(layer, n, t) for layer, n, t in doomed if n not in named[layer]}
    if doomed:
        _check_varied(trace)
    return without_edges(network, trace, doomed)


def _check_varied(trace: Trace) -> None:
    """Raise where all samples of a trace are one and the same: no score tells anything then."""
    inputs = trace.nodes[0]
    if bool((inputs == inputs[0]).all()):
        raise DataError(
            f"scores are spreads over the samples of a trace, and its {len(trace)} samples are all the same. "
            "Trace rows that differ, such as all that the network was fitted to."
        )


def functions_of_constants(network: MultKAN) -> list[set[int]]:
    """Return, for each layer, the source nodes that depend on named constants and on no input."""
    found = [set(range(network.n_inputs, network.n_inputs + len(network.constant_names)))]
    for layer in network.layers[:-1]:
        sources: list[set[int]] = [set() for _ in range(layer.shape.nodes)]
        node = layer.shape.node_of_subnode
        for source, target in layer.splines.active.nonzero().tolist():
            sources[node[target]].add(source)
        for term in layer.terms.terms:
            sources[node[term.target]].add(term.source)
        found.append({n for n, its in enumerate(sources) if its and its <= found[-1]})
    return found


def prune_inputs(network: MultKAN, trace: Trace, *, threshold: float = 1e-2) -> tuple[MultKAN, PruneReport]:
    """Remove the inputs whose scores are small; the new network takes fewer columns.

    Args:
        network: left as it is.
        trace: of the samples to judge by.
        threshold: inputs with a score below are removed; the one with the highest score stays.

    Returns:
        The network of the remaining inputs, and a report whose ``inputs`` names them.

    Example:
        >>> import kanscience as ks, torch
        >>> x = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> network = ks.MultKAN([2, 3, 1], seed=0)
        >>> report = ks.fit(network, x, x[:, 0] ** 2, steps=40, penalty=ks.Penalty(1e-3))
        >>> ks.prune_inputs(network, ks.trace(network, x))[1].inputs
        ('x1',)
    """
    check_number("threshold", threshold, least=0)
    score = attribution(network, trace).nodes[0][: network.n_inputs]
    _check_varied(trace)
    weak = [i for i in (score < threshold).nonzero().flatten().tolist() if i != int(score.argmax())]
    targets = network.shapes[0].subnodes
    doomed = {(0, i, target) for i in weak for target in range(targets)}
    return without_edges(network, trace, doomed, inputs=weak)


def without_edges(
    network: MultKAN, trace: Trace, doomed: set[Edge], inputs: list[int] | tuple[int, ...] = ()
) -> tuple[MultKAN, PruneReport]:
    """Return the network without these edges (and inputs), and without all that is dead or constant then."""
    graph = to_graph(network)
    surgery = _Surgery(graph, network, trace)
    for layer, source, target in sorted(doomed):
        surgery.remove(surgery.sources[layer][source], surgery.subnodes[layer][target])
    surgery.clean_up()
    for index in inputs:
        graph.remove_node(surgery.sources[0][index])
    smaller = rebuilt(network, relabelled(graph))
    kept = set(graph)
    return smaller, PruneReport(
        edges=surgery.removed(),
        nodes=tuple(
            (layer, n)
            for layer, column in enumerate(surgery.sources[1:-1], start=1)
            for n, node in enumerate(column)
            if node not in kept
        ),
        inputs=tuple(name for i, name in enumerate(network.input_names) if i not in inputs),
        width=tuple(smaller.width),
    )


class _Surgery:
    """A layered graph from which edges are cut, with the values that a trace saw on them."""

    def __init__(self, graph: Graph, network: MultKAN, trace: Trace) -> None:
        self.graph = graph
        self.subnodes = [
            [f"sum{depth}_{j}" for j in range(shape.subnodes)] for depth, shape in enumerate(network.shapes, start=1)
        ]
        starts = graph.nodes_of("input") + graph.nodes_of("parameter")
        self.sources = [starts]
        for depth, shape in enumerate(network.shapes, start=1):
            products = [f"product{depth}_{k}" for k in range(len(shape.arities))]
            self.sources.append(self.subnodes[depth - 1][: shape.sums] + products)
        self._originally = set(graph.edges)
        self._means = {
            (self.sources[layer][s], self.subnodes[layer][t]): float(mean[s, t])
            for layer, mean in enumerate(edge.mean(dim=0) for edge in trace.edges)
            for s in range(mean.shape[0])
            for t in range(mean.shape[1])
        }

    def removed(self) -> tuple[Edge, ...]:
        """Return the edges into sums that are gone, by their first indices."""
        return tuple(
            (layer, s, t)
            for layer, targets in enumerate(self.subnodes)
            for s, source in enumerate(self.sources[layer])
            for t, target in enumerate(targets)
            if (source, target) in self._originally and not self.graph.has_edge(source, target)
        )

    def remove(self, source: str, target: str) -> None:
        """Cut an edge, its mean going into the bias of its sum."""
        if self.graph.has_edge(source, target):
            self.graph.remove_edge(source, target)
            add_to_bias(self.graph, target, self._means.get((source, target), 0.0))

    def clean_up(self) -> None:
        """Remove dead nodes and fold constants until nothing changes."""
        while self._fold_constants() or remove_dead_(self.graph):
            pass

    def _fold_constants(self) -> bool:
        graph = self.graph
        for node in [n for n in graph.nodes_of("sum") if graph.in_degree(n) == 0]:
            followers = list(graph.successors(node))
            products = [p for p in followers if graph.nodes[p]["kind"] == "product"]
            if products:
                self._fold_factor(node, products[0])
                return True
            if any(graph.nodes[f]["kind"] == "sum" for f in followers):
                for follower in followers:
                    if graph.nodes[follower]["kind"] == "sum":
                        self.remove(node, follower)
                return True
        return False

    def _fold_factor(self, constant: str, product: str) -> None:
        """Multiply a constant factor into another one; what remains of a single factor is a sum."""
        graph = self.graph
        others = [factor for factor in graph.predecessors(product) if factor != constant]
        factor = others[0]
        scale_sum(graph, factor, graph.nodes[constant]["bias"].value)
        graph.remove_node(constant)
        if len(others) == 1:
            for follower in list(graph.successors(product)):
                graph.add_edge(factor, follower, **graph.edges[product, follower])
                self._means[factor, follower] = self._means.get((product, follower), 0.0)
            if "axis" in graph.nodes[product]:
                graph.nodes[factor]["axis"] = graph.nodes[product]["axis"]
            graph.remove_node(product)


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
