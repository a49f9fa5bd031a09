"""An edge or a node less, by the scientist's own hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanscience._checks import listed
from kanscience._errors import OptionError
from kanscience.network._convert import edge_ends, node_name, rebuilt, to_graph
from kanscience.network._graph_edits import add_to_bias, relabelled, remove_dead_
from kanscience.network._places import Places, check_places, check_trace_of

if TYPE_CHECKING:
    from kanscience._typing import Edge, Node
    from kanscience.graph import Graph
    from kanscience.network._multkan import MultKAN
    from kanscience.network._trace import Trace


def remove(network: MultKAN, edges_or_nodes: Places, *, trace: Trace | None = None) -> MultKAN:
    """Return a network without these edges and nodes: from now on they add nothing.

    What no output depends on any more goes with them. A node is removed with all edges that leave it; in layer 0 it is an
    input, whose column the new network does not take, or a named constant.

    Args:
        network: left as it is.
        edges_or_nodes: an edge ``(layer, source, target)``, target counting the sums under products one by one; a node
            ``(layer, node)``; the name of a constant; or several of them.
        trace: where it is given, every edge leaves its mean there in the bias of its sum, as `prune` does.

    Raises:
        OptionError: what is not there, a node that is read out, or the last input.

    Example:
        >>> import kanscience as ks
        >>> network = ks.MultKAN([2, 3, 1], seed=0)
        >>> ks.remove(network, (1, 2)).width, ks.remove(network, [(0, 0), (1, 0, 0)]).width
        ([2, 2, 1], [1, 2, 1])
    """
    graph = to_graph(network)
    doomed, nodes = _doomed(network, graph, edges_or_nodes)
    if trace is not None:
        check_trace_of(network, trace)
    for layer, source, target in doomed:
        start, end = edge_ends(network, (layer, source, target))
        graph.remove_edge(start, end)
        if trace is not None:
            add_to_bias(graph, end, float(trace.edges[layer][:, source, target].mean()))
    graph.remove_nodes_from([node_name(network, node) for node in nodes if node[0] == 0])
    while remove_dead_(graph):
        pass
    return rebuilt(network, relabelled(graph))


def _doomed(network: MultKAN, graph: Graph, places: Places) -> tuple[set[Edge], list[Node]]:
    """Return the edges that go, those of the nodes included, and the nodes."""
    edges, nodes = check_places(network, places)
    for edge in edges:
        if not graph.has_edge(*edge_ends(network, edge)):
            raise OptionError(f"edge {edge} carries nothing that could be removed.")
    doomed = set(edges)
    for layer, index in nodes:
        name = node_name(network, (layer, index))
        read_out = [graph.nodes[end]["name"] for end in graph.successors(name) if graph.nodes[end]["kind"] == "output"]
        if read_out:
            raise OptionError(f"node {(layer, index)} is read out as {read_out[0]!r}. Remove edges that lead to it.")
        doomed |= {(layer, index, graph.nodes[target]["position"]) for target in graph.successors(name)}
    if set(range(network.n_inputs)) <= {index for layer, index in nodes if layer == 0}:
        raise OptionError(
            f"the network needs one input: its inputs are {listed(network.input_names)}; keep one of them."
        )
    return doomed, nodes
