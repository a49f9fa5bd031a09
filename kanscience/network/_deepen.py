"""One more layer: the function stays what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanscience._checks import check_integer
from kanscience._errors import OptionError
from kanscience.graph import Graph, Term
from kanscience.network._convert import rebuilt, to_graph
from kanscience.network._graph_edits import columns, relabelled

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN


def deepen(network: MultKAN, layer: int | None = None) -> MultKAN:
    """Return a network with one more layer, whose sums hand on the nodes before them; its function is the same.

    Each new sum has one identity edge, of the fixed factor 1. `widen` gives the layer more nodes, and `perturb` opens
    its other edges.

    Args:
        network: left as it is.
        layer: the layer of nodes after which the new one comes, as counted in ``network.width``: 0 are the inputs; None
            is the last, and the new layer is the one read out.

    Raises:
        OptionError: there is no such layer.

    Example:
        >>> import kanscience as ks
        >>> network = ks.MultKAN([2, (1, 1), 1], seed=0)
        >>> ks.deepen(network).width, ks.deepen(network, 1).width
        ([2, (1, 1), 1, 1], [2, (1, 1), 2, 1])
    """
    depth = len(network.layers)
    layer = depth if layer is None else layer
    try:
        check_integer("layer", layer, least=0, most=depth)
    except OptionError as error:
        raise OptionError(f"{error} Layers count as in `network.width`, {network.width}: 0 are the inputs.") from None
    graph = to_graph(network)
    column = columns(graph)[layer]
    _move_back(graph, layer)
    for position, node in enumerate(column):
        _hand_on(graph, node, graph.add_sum(node=f"{node}'", layer=layer + 1, position=position))
    return rebuilt(network, relabelled(graph))


def _move_back(graph: Graph, layer: int) -> None:
    for _, data in graph.nodes(data=True):
        if data["layer"] > layer or (data["layer"] == layer and data["kind"] == "output"):
            data["layer"] += 1


def _hand_on(graph: Graph, node: str, relay: str) -> None:
    """Put a sum between a node and what reads it; knots are where the curves begin."""
    for target in list(graph.successors(node)):
        graph.add_edge(relay, target, **graph.edges[node, target])
        graph.remove_edge(node, target)
    graph.add_function(node, relay, Term())
    axis = graph.axis(node)
    if axis is not None:
        graph.nodes[relay]["axis"] = axis
        if not axis.given:  # a given domain also serves curves to come
            del graph.nodes[node]["axis"]
