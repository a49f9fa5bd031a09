"""``ks.plot``: one word for every picture."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from kanscience._errors import OptionError
from kanscience.compiler import graph_and_library
from kanscience.functions import Library
from kanscience.graph import Graph
from kanscience.network import MultKAN, Trace, attribution
from kanscience.structure import StructureTree, StructureTrees
from kanscience.viz._formula import draw_formula
from kanscience.viz._layered import Scored, draw_layered
from kanscience.viz._tree import draw_trees

if TYPE_CHECKING:
    from kanscience.network import Scores


@functools.singledispatch
def plot(thing: Any, *args: Any, **options: Any) -> Figure:
    """Draw a network, a graph, or anything else that has a picture.

    ``plot(network, trace=None, *, labels=None)`` draws the paper's picture: inputs below, outputs above, and
    between them the curve of every edge; black where it is a spline, red where it is symbolic, purple where it is both;
    dots for inputs, diamonds for named constants; a circle with a plus for a sum (a number beside it is its bias), with
    a cross for a product; a plain line where a value is handed on. In the text of an edge □ is what arrives there. With
    a trace the curves run over the data, and everything is the fainter the lower its attribution score is (opacity
    tanh(3 * score)). Without one, curves run over their domains and nothing is faint.

    ``plot(graph, *, library=None, labels=None)`` draws a layered graph in the same way, and a formula graph from
    left to right with its functions written on its edges.

    ``plot(tree)`` draws a structure tree: variables below, and above them a box for every block, with a plus for a
    sum, a cross for a product, f(+) for a function of a sum, f for any other function.

    Args:
        thing: what to draw; it is left as it is.
        trace: of the samples to score by.
        labels: whether symbolic functions are written on their edges; None: where there is room.
        library: where a graph's functions are looked up; None is the default library.

    Returns:
        A matplotlib Figure that no pyplot knows of: ``figure.savefig("law.svg")`` writes PNG, SVG or PDF.

    Raises:
        OptionError: there is no picture of such a thing.

    Example:
        >>> import kanscience as ks
        >>> figure = ks.plot(ks.MultKAN([2, 5, 1], seed=0))
        >>> len(figure.axes)
        1

    Source: Liu et al., arXiv 2408.10205, sections 2 and 4.1.
    """
    known = ", ".join(kind.__name__ for kind in plot.registry if kind is not object)
    is_formula = isinstance(thing, str) or hasattr(thing, "free_symbols")
    hint = " Of a formula, draw ks.formula_graph(formula)." if is_formula else ""
    raise OptionError(f"`plot` knows no picture of a {type(thing).__name__}. It draws {known}.{hint}")


@plot.register(MultKAN)
def plot_network(network: MultKAN, trace: Trace | None = None, *, labels: bool | None = None) -> Figure:
    graph, library = graph_and_library(network)
    if trace is None:
        return draw_layered(graph, library, labels=labels)
    scores = _by_node(graph, attribution(network, trace))
    return draw_layered(graph, library, scores=scores, ranges=_ranges(graph, trace), labels=labels)


@plot.register(Graph)
def plot_graph(graph: Graph, *, library: Library | None = None, labels: bool | None = None) -> Figure:
    graph.validate()
    _, known = graph_and_library(graph, library)
    draw = draw_layered if graph.is_layered else draw_formula
    return draw(graph, known, labels=labels)


@plot.register(StructureTree)
def plot_tree(tree: StructureTree) -> Figure:
    return draw_trees([tree])


@plot.register(StructureTrees)
def plot_trees(trees: StructureTrees) -> Figure:
    return draw_trees(trees)


def _by_node(graph: Graph, scores: Scores) -> Scored:
    nodes, edges = {}, {}
    of_nodes, of_subnodes = [s.tolist() for s in scores.nodes], [s.tolist() for s in scores.subnodes]
    of_edges = [s.tolist() for s in scores.edges]
    for node, data in graph.nodes(data=True):
        layer, position = data["layer"], data["position"]
        if data["kind"] == "output":
            continue
        if data["kind"] == "sum":
            nodes[node] = of_subnodes[layer - 1][position]
            for source in graph.predecessors(node):
                edges[source, node] = of_edges[layer - 1][graph.nodes[source]["position"]][position]
        else:
            nodes[node] = of_nodes[layer][position]
    return Scored(nodes, edges)


def _ranges(graph: Graph, trace: Trace) -> dict[str, tuple[float, float]]:
    lows = [values.amin(dim=0).tolist() for values in trace.nodes]
    highs = [values.amax(dim=0).tolist() for values in trace.nodes]
    found = {}
    for source in {source for source, _, _ in graph.functions()}:
        layer, position = graph.nodes[source]["layer"], graph.nodes[source]["position"]
        found[source] = lows[layer][position], highs[layer][position]
    return found
