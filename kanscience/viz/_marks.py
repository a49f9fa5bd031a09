"""What both pictures of graphs draw: the marks of nodes, and curves in their boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from kanscience.graph import Graph
from kanscience.viz._labels import number_label
from kanscience.viz._style import BLUE, INK, NAME_SIZE


def draw_nodes(
    axes: Axes,
    graph: Graph,
    places: Mapping[str, tuple[float, float]],
    *,
    opacity: Mapping[str, float] | None = None,
    scale: float = 1.0,
) -> None:
    """Draw dots, diamonds for parameters, circles with a plus for sums and with a cross for products.

    A sum that adds nothing up is a dot, and one without edges is written as its number.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for node in places:
        if is_constant(graph, node):
            x, y = places[node]
            background = {"boxstyle": "square,pad=0.2", "facecolor": "white", "edgecolor": "none"}
            constant = number_label(graph.nodes[node]["bias"], points=NAME_SIZE)
            constant.draw(axes, x, y, scale=scale**0.5, bbox=background, zorder=4)
            continue
        groups[_mark(graph, node)].append(node)
    for mark, nodes in groups.items():
        x, y = np.array([places[node] for node in nodes]).T
        ink = BLUE if mark == "D" else INK
        colours = [to_rgba(ink, (opacity or {}).get(node, 1.0)) for node in nodes]
        if mark in "oD":
            size = 14 if mark == "o" else 22
            axes.scatter(x, y, s=size * scale, c=colours, marker=mark, linewidths=0, zorder=4)
            continue
        width = 0.85 * scale**0.5
        axes.scatter(x, y, s=58 * scale, facecolors="white", edgecolors=colours, linewidths=width, zorder=4)
        size = 17 if mark == "x" else 30
        axes.scatter(x, y, s=size * scale, c=colours, marker=mark, linewidths=width, zorder=5)


def is_constant(graph: Graph, node: str) -> bool:
    """Whether a node is a sum without edges, nothing but its bias."""
    return graph.nodes[node]["kind"] == "sum" and graph.in_degree(node) == 0


def _mark(graph: Graph, node: str) -> str:
    data = graph.nodes[node]
    if data["kind"] == "parameter":
        return "D"
    if data["kind"] == "product":
        return "x"
    adds = data["kind"] == "sum" and (graph.in_degree(node) > 1 or data["bias"].value != 0)
    return "+" if adds else "o"


FILLED = 0.84
"""How much of its box a curve takes."""


def box_corners(x: float, y: float, half: float) -> list[tuple[float, float]]:
    """Return the corners of a box around a point."""
    return [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]


def curve_in_box(curve: np.ndarray) -> np.ndarray:
    """Map a curve to -0.5...0.5 in both directions; what shoots up near a pole leaves the box and is cut off."""
    x, y = curve
    finite = y[np.isfinite(y)]
    t = np.linspace(-0.5, 0.5, len(x))
    if len(finite) == 0:
        return np.stack([t, np.full(len(x), np.nan)])
    low, high = finite.min(), finite.max()
    inner_low, inner_high = np.quantile(finite, [0.25, 0.75])
    inner = inner_high - inner_low
    if high - low > 20 * inner > 0 and np.abs(np.diff(finite)).max() > (high - low) / 2:  # a pole, not a peak
        low, high = max(low, inner_low - 1.5 * inner), min(high, inner_high + 1.5 * inner)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        return np.stack([t, np.where(np.isfinite(y), 0.0, np.nan)])
    scaled = (y - (low + high) / 2) / (high - low)
    return np.stack([t, np.where(np.abs(scaled) <= 0.5 + 1e-9, scaled, np.nan)])
