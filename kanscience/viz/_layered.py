"""The paper's picture of a network: a curve on every edge, sums and products above."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from kanscience.functions import Library
from kanscience.graph import Graph, SplineTerm
from kanscience.viz._curves import Edge, Range, edge_curves
from kanscience.viz._labels import (
    function_label,
    hands_on,
    is_identity,
    name_of_value,
    number_label,
)
from kanscience.viz._layered_layout import BOX, Places
from kanscience.viz._marks import FILLED, box_corners, curve_in_box, draw_nodes
from kanscience.viz._style import GREY, INK, MIXED, NAME_SIZE, SYMBOLIC, canvas, style

_FAINTEST = 0.06
_MOST_LINES = 5000


@dataclass(frozen=True)
class Scored:
    """Scores by node and edge, from 0 up; the opacity is tanh(3 * score), as in the paper."""

    nodes: Mapping[str, float] = field(default_factory=dict)
    edges: Mapping[Edge, float] = field(default_factory=dict)

    def node(self, node: str) -> float:
        """Opacity of a node."""
        return _opacity(self.nodes.get(node, math.inf))

    def edge(self, edge: Edge) -> float:
        """Opacity of an edge."""
        return _opacity(self.edges.get(edge, math.inf))


def _opacity(score: float) -> float:
    return _FAINTEST + (1 - _FAINTEST) * math.tanh(3 * score)


def draw_layered(
    graph: Graph,
    library: Library,
    *,
    scores: Scored | None = None,
    ranges: Mapping[str, Range] | None = None,
    labels: bool | None = None,
) -> Figure:
    """Draw a layered graph from the inputs, below, to the outputs, above.

    Args:
        graph: layered and valid.
        library: of the functions on its edges.
        scores: opacities; without them all is opaque.
        ranges: of the nodes' values, for the curves; else their domains.
        labels: whether the formulas of symbolic edges stand at their curves; None: where there is room.
    """
    with style():
        places = Places(graph, labels is not False)
        figure, axes = canvas(places.width, places.height)
        _draw_edges(axes, graph, library, places, scores or Scored(), ranges)
        _draw_nodes(axes, graph, places, scores or Scored())
        if labels is not False:
            _draw_functions(axes, graph, library, places, scores or Scored(), always=bool(labels))
    return figure


def _colour(graph: Graph, edge: Edge) -> str:
    splines = [isinstance(term, SplineTerm) for term in graph.edges[edge]["function"]]
    if not any(splines):
        return SYMBOLIC
    return INK if all(splines) else MIXED


def _draw_edges(
    axes: Axes,
    graph: Graph,
    library: Library,
    places: Places,
    scores: Scored,
    ranges: Mapping[str, Range] | None,
) -> None:
    edges = _strongest(list(places.box), scores)
    _draw_lines(axes, graph, places, scores, edges)
    if places.has_curves:
        with_curves = [edge for items in places.layers for edge, thin in items.thin.items() if not thin]
        curves = edge_curves(graph, with_curves, library, ranges=ranges)
        _draw_boxes(axes, graph, places, scores, {edge: curves[edge] for edge in edges if edge in curves})


def _draw_lines(axes: Axes, graph: Graph, places: Places, scores: Scored, edges: list[Edge]) -> None:
    lines, colours = [], []
    crowd = min(1.0, math.sqrt(60 / min(max(len(places.box), 1), _MOST_LINES)))  # many lines are thin and pale
    half = places.box_size / 2
    for edge in edges:
        x, y = places.box[edge]
        way = [] if edge in places.straight else [(x, y - half), (x, y + half)]
        lines.append([places.node[edge[0]], *way, places.node[edge[1]]])
        colour = INK if is_identity(graph.edges[edge]["function"]) else _colour(graph, edge)
        colours.append(to_rgba(colour, scores.edge(edge) * 0.75 * crowd))
    for product, factors in ((p, f) for items in places.layers for p, f in items.products.items()):
        for factor in factors:
            lines.append([places.node[factor], places.node[product]])
            colours.append(to_rgba(INK, scores.node(product) * 0.75))
    width = 0.7 * max(crowd, 0.35)
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=width, zorder=1, capstyle="round"))


def _draw_boxes(axes: Axes, graph: Graph, places: Places, scores: Scored, shapes: Mapping[Edge, np.ndarray]) -> None:
    frames, greys, curves, colours = [], [], [], []
    for edge, shape in shapes.items():
        x, y = places.box[edge]
        opacity = scores.edge(edge)
        frames.append(box_corners(x, y, places.box_size / 2))
        greys.append(to_rgba(GREY, max(0.25, opacity)))
        curve = curve_in_box(shape)
        curves.append(np.stack([x, y]) + places.box_size * FILLED * curve.T)
        colours.append(to_rgba(_colour(graph, edge), opacity))
        if np.isnan(curve[1]).all():
            axes.text(x, y, "?", ha="center", va="center", fontsize=NAME_SIZE, color=GREY, zorder=5)
    size = places.box_size / BOX
    axes.add_collection(
        PolyCollection(frames, facecolors="white", edgecolors=greys, linewidths=0.5 + 0.3 * size, zorder=2)
    )
    axes.add_collection(LineCollection(curves, colors=colours, linewidths=0.8 + 0.6 * size, zorder=3, capstyle="round"))


def _strongest(edges: list[Edge], scores: Scored) -> list[Edge]:
    if len(edges) <= _MOST_LINES:
        return edges
    if scores.edges:
        return sorted(edges, key=scores.edge, reverse=True)[:_MOST_LINES]
    return edges[:: math.ceil(len(edges) / _MOST_LINES)]


def _draw_nodes(axes: Axes, graph: Graph, places: Places, scores: Scored) -> None:
    opacity = {node: max(scores.node(node), 0.2) for node in places.node}
    draw_nodes(axes, graph, places.node, opacity=opacity, scale=places.marks**2)
    for node in _some(places.sources, places):
        x, y = places.node[node]
        faint = scores.node(node) < 0.1
        rotation = 90 if places.upright else 0
        places.names[node].draw(axes, x, y - 0.1, color=GREY if faint else INK, va="top", rotation=rotation)
    for source in _some(list(places.above), places):
        label = places.above[source]
        x, y = places.node[source]
        label.draw(axes, x, y + 0.12, va="bottom", rotation=90 if places.upright_above else 0)


def _some(nodes: list[str], places: Places) -> list[str]:
    # All names, or as many as can stand upright beside each other.
    return nodes[:: max(1, math.ceil(len(nodes) * 0.1 / places.inner))]


def _draw_functions(axes: Axes, graph: Graph, library: Library, places: Places, scores: Scored, always: bool) -> None:
    half = places.box_size / 2
    background = {"boxstyle": "square,pad=0.08", "facecolor": "white", "edgecolor": "none"}
    for items in places.layers:
        for edge, thin in items.thin.items():
            function = graph.edges[edge]["function"]
            if hands_on(function) or any(isinstance(term, SplineTerm) for term in function):
                continue
            x, y = places.box[edge]
            label = function_label(library, function, name_of_value(graph, edge[0]))
            if always or label.size[0] <= _room_beside(places, edge):
                at = y if thin else y - half - 0.09 - label.size[1] / 4
                colour = to_rgba(INK if thin else SYMBOLIC, max(scores.edge(edge), 0.3))
                label.draw(axes, x, at, color=colour, bbox=background, zorder=3.5)
    if graph.is_symbolic:
        _draw_biases(axes, graph, places)


def _room_beside(places: Places, edge: Edge) -> float:
    x, y = places.box[edge]
    others = [at for other, (at, height) in places.box.items() if height == y and other != edge]
    beside = min((abs(at - x) for at in others), default=places.inner) - 0.05
    return min(beside, 2 * (x - 0.03), 2 * (places.width - x - 0.03))


def _draw_biases(axes: Axes, graph: Graph, places: Places) -> None:
    for node, (x, y) in places.node.items():
        bias = graph.nodes[node].get("bias")
        if bias is not None and bias.value and graph.in_degree(node):
            sign = "+" if bias.value > 0 else ""
            number_label(bias, before=sign).draw(axes, x + 0.1, y, ha="left", zorder=6)
