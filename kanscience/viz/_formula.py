"""The picture of a formula graph: from left to right, with the functions written on the edges."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.path import Path

from kanscience.functions import Library
from kanscience.graph import Graph, SplineTerm, routes
from kanscience.viz._curves import Edge, edge_curves
from kanscience.viz._labels import Label, function_label, hands_on, name_of_value, node_names, number_label
from kanscience.viz._marks import FILLED, box_corners, curve_in_box, draw_nodes, is_constant
from kanscience.viz._style import BLUE, GREY, INK, NAME_SIZE, canvas, style

_ROW = 0.5  # inches between neighbours of one column
_BOX = 0.36  # of a spline's curve
_BESIDE = 0.16  # from a node to what is written beside it
_LEAST_GAP, _AIR = 0.55, 0.3  # between columns, and beside a label
_MARGIN = 0.12
_WIDEST = 16.0  # larger pictures are shrunk
_SLIDES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74)  # where on an edge its label may stand


def draw_formula(graph: Graph, library: Library, *, labels: bool | None = None) -> Figure:
    """Draw any graph from its inputs, on the left, to its outputs, on the right.

    Args:
        graph: valid, layered or not.
        library: of the functions on its edges.
        labels: False leaves the functions out.
    """
    with style():
        places = _Places(graph, {} if labels is False else _labels(graph, library))
        scale = min(1.0, _WIDEST / places.width)
        figure, axes = canvas(places.width, places.height, scale)
        _draw_lines(axes, places, scale)
        _draw_labels(axes, graph, library, places, scale)
        _draw_nodes(axes, graph, places, scale)
    return figure


def _labels(graph: Graph, library: Library) -> dict[Edge, Label]:
    labels = {}
    for source, target, function in graph.functions():
        only_splines = function and all(isinstance(term, SplineTerm) for term in function)
        if not (only_splines or hands_on(function)):
            labels[source, target] = function_label(library, function, name_of_value(graph, source))
    return labels


class _Places:
    """Where everything stands, in inches."""

    def __init__(self, graph: Graph, labels: dict[Edge, Label]) -> None:
        self.labels = labels
        self.curves = [
            (s, t) for s, t, function in graph.functions() if any(isinstance(term, SplineTerm) for term in function)
        ]
        self.names = node_names(graph)
        rough, lines = routes(graph)
        sizes = {edge: label.size for edge, label in labels.items()}
        sizes.update((edge, (_BOX, _BOX)) for edge in self.curves)
        column = self._columns(graph, rough, lines, sizes)
        tallest = max((height for _, height in sizes.values()), default=0.0)
        row = max(_ROW, 1.3 * tallest + 0.12, 1.7 * _BOX if self.curves else 0.0)
        low, high = min(x for x, _ in rough.values()), max(x for x, _ in rough.values())
        for points in lines.values():
            low, high = min(low, *(x for x, _ in points)), max(high, *(x for x, _ in points))
        self.height = (high - low) * row + 2 * (_MARGIN + 0.22)

        def place(point: tuple[float, float]) -> tuple[float, float]:
            return column[point[1]], self.height / 2 - (point[0] - (low + high) / 2) * row

        self.node = {node: place(point) for node, point in rough.items()}
        self.line = {edge: [place(point) for point in points] for edge, points in lines.items()}
        self.label = self._label_places(sizes)

    def _columns(self, graph: Graph, rough: dict, lines: dict, sizes: dict) -> dict[float, float]:
        # Columns stand as far apart as the labels between them are wide.
        heights = sorted({along for _, along in rough.values()})
        gap: dict[float, float] = defaultdict(lambda: _LEAST_GAP)
        for edge, (width, _) in sizes.items():
            start = lines[edge][-2][1]
            gap[start] = max(gap[start], width + 2 * _AIR)
        wide = dict.fromkeys(heights, 0.0)  # constants are as wide as their number
        for node in graph.nodes_of("sum"):
            if graph.in_degree(node) == 0:
                wide[rough[node][1]] = max(wide[rough[node][1]], number_label(graph.nodes[node]["bias"]).size[0])
        starts = [self.names[n].size[0] for n in rough if graph.nodes[n]["kind"] in ("input", "parameter")]
        starts += [_value_label(graph, node).size[0] for node in graph.nodes_of("parameter")]
        ends = [self.names[n].size[0] for n in rough if graph.nodes[n]["kind"] == "output"]
        x = _MARGIN + max(starts, default=0.0) + _BESIDE
        column = {heights[0]: x}
        for left, right in pairwise(heights):
            x += gap[left] + (wide[left] + wide[right]) / 2
            column[right] = x
        self.width = x + _BESIDE + max(ends, default=0.0) + _MARGIN
        return column

    def _label_places(self, sizes: dict[Edge, tuple[float, float]]) -> dict[Edge, tuple[float, float]]:
        # Each label slides along its edge to where it covers no node, no other label and no other line.
        covered = [(x, y, 0.2, 0.2) for x, y in self.node.values()]
        edges = list(self.line)
        dots = [self._dots(edge) for edge in edges]
        all_dots = np.concatenate([np.empty((0, 2)), *dots])
        owner = np.repeat(np.arange(len(edges)), [len(its) for its in dots])
        places = {}
        for edge, (width, height) in sorted(sizes.items(), key=lambda item: -item[1][0]):
            start, end = self.line[edge][-2:]
            others = all_dots[owner != edges.index(edge)]
            lines = np.concatenate([others, np.full((len(others), 2), 0.03)], axis=1)
            tries = [(*_on_curve(start, end, t), width + 0.1, height + 0.1) for t in _SLIDES]
            best = min(tries, key=lambda box: 3 * _overlap(box, np.array(covered)) + _overlap(box, lines))
            covered.append(best)
            places[edge] = best[:2]
        return places

    def _dots(self, edge: Edge) -> np.ndarray:
        points = self.line[edge]
        return np.array([_on_curve(*ends, t) for ends in pairwise(points) for t in np.linspace(0, 1, 25)])


def _overlap(box: tuple[float, ...], others: np.ndarray) -> float:
    """Return the area that a box shares with others; each is (x, y, width, height), x and y of the middle."""
    x, y, width, height = others.T
    wide = (box[2] + width) / 2 - np.abs(box[0] - x)
    high = (box[3] + height) / 2 - np.abs(box[1] - y)
    return float((np.maximum(wide, 0) * np.maximum(high, 0)).sum())


Point = tuple[float, float]


def _on_curve(start: Point, end: Point, t: float) -> Point:
    (x0, y0), (x1, y1) = start, end
    xm = (x0 + x1) / 2
    x = (1 - t) ** 3 * x0 + 3 * t * (1 - t) * xm + t**3 * x1
    y = ((1 - t) ** 3 + 3 * t * (1 - t) ** 2) * y0 + (t**3 + 3 * t**2 * (1 - t)) * y1
    return x, y


def _draw_lines(axes: Axes, places: _Places, scale: float) -> None:
    paths = []
    for points in places.line.values():
        vertices, codes = [points[0]], [Path.MOVETO]
        for (x0, y0), (x1, y1) in pairwise(points):
            xm = (x0 + x1) / 2
            vertices += [(xm, y0), (xm, y1), (x1, y1)]
            codes += [Path.CURVE4] * 3
        paths.append(Path(vertices, codes))
    axes.add_collection(PathCollection(paths, facecolors="none", edgecolors=GREY, linewidths=0.9 * scale, zorder=1))


def _draw_labels(axes: Axes, graph: Graph, library: Library, places: _Places, scale: float) -> None:
    background = {"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none"}
    for edge, label in places.labels.items():
        if edge not in places.curves:
            label.draw(axes, *places.label[edge], scale=scale, bbox=background, zorder=3)
    shapes = edge_curves(graph, places.curves, library)
    frames, curves = [], []
    for edge in places.curves:
        x, y = places.label[edge]
        frames.append(box_corners(x, y, _BOX / 2))
        curve = curve_in_box(shapes[edge])
        curves.append(np.array([x, y]) + FILLED * _BOX * curve.T)
        if np.isnan(curve[1]).all():
            Label("?", False, NAME_SIZE).draw(axes, x, y, scale=scale, color=GREY, zorder=5)
    axes.add_collection(PolyCollection(frames, facecolors="white", edgecolors=GREY, linewidths=0.7 * scale, zorder=2))
    axes.add_collection(LineCollection(curves, colors=INK, linewidths=1.2 * scale, zorder=3))


def _draw_nodes(axes: Axes, graph: Graph, places: _Places, scale: float) -> None:
    marked = {node: place for node, place in places.node.items() if graph.nodes[node]["kind"] != "output"}
    draw_nodes(axes, graph, marked, scale=scale**2)
    for node, (x, y) in places.node.items():
        data = graph.nodes[node]
        match data["kind"]:
            case "input":
                places.names[node].draw(axes, x - 0.1, y, scale=scale, ha="right")
            case "parameter":
                places.names[node].draw(axes, x - 0.1, y, scale=scale, ha="right", color=BLUE)
                _value_label(graph, node).draw(axes, x - 0.1, y - 0.17, scale=scale, ha="right", color=GREY)
            case "output":
                places.names[node].draw(axes, x + 0.05, y, scale=scale, ha="left")
            case "sum" if data["bias"].value and not is_constant(graph, node):
                sign = "" if data["bias"].value < 0 else "+"
                number_label(data["bias"], before=sign).draw(axes, x, y + 0.17, scale=scale, zorder=6)


def _value_label(graph: Graph, node: str) -> Label:
    return number_label(graph.nodes[node]["value"], before="= ")
