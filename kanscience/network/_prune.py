"""Remove what carries nothing: networks in, new networks out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanscience._checks import check_number
from kanscience._errors import DataError
from kanscience.graph import Graph
from kanscience.network._attribution import attribution
from kanscience.network._convert import rebuilt, to_graph
from kanscience.network._graph_edits import add_to_bias, columns, relabelled, remove_dead_, scale_sum

if TYPE_CHECKING:
    from kanscience._typing import Edge
    from kanscience.network._multkan import MultKAN
    from kanscience.network._trace import Trace


@dataclass(frozen=True)
class PruneReport:
    """What was removed: edges ``(layer, source, target)`` and nodes ``(layer, node)`` of the network that was given.

    ``inputs`` are the names of the inputs that are kept (`prune` keeps all), ``removed_inputs`` of the others.
    """

    edges: tuple[Edge, ...]
    nodes: tuple[tuple[int, int], ...]
    inputs: tuple[str, ...]
    removed_inputs: tuple[str, ...]
    width: tuple

    def __str__(self) -> str:
        inputs = f"the inputs {', '.join(self.removed_inputs)}, " if self.removed_inputs else ""
        gone = f"{inputs}{len(self.edges)} edges and {len(self.nodes)} nodes"
        return f"removed {gone}; the width is now {list(self.width)}"


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
        removed_inputs=tuple(network.input_names[i] for i in inputs),
        width=tuple(smaller.width),
    )


class _Surgery:
    """A layered graph from which edges are cut, with the values that a trace saw on them."""

    def __init__(self, graph: Graph, network: MultKAN, trace: Trace) -> None:
        self.graph = graph
        self.subnodes = [
            [f"sum{depth}_{j}" for j in range(shape.subnodes)] for depth, shape in enumerate(network.shapes, start=1)
        ]
        self.sources = columns(graph)
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
