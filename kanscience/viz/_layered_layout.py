"""Where the nodes and curves of the paper's picture stand."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

import networkx
import numpy as np

from kanscience.graph import Graph, SplineTerm, spread
from kanscience.viz._curves import Edge
from kanscience.viz._labels import Label, is_identity, node_names
from kanscience.viz._style import NAME_SIZE

_WIDEST = 7.2  # inches, the text width of a page
BOX, _SMALLEST_BOX = 0.46, 0.2  # inches
_PITCH = 1.22  # from box to box, in boxes
_THIN = 0.45  # the width of an identity, in boxes
_BETWEEN = 0.55  # between the boxes of two sums, in boxes
_MOST_ROWS = 12
_MOST_CURVES = 1500
_MARGIN = 0.12


class Places:
    """Where everything stands, in inches.

    Args:
        graph: layered.
        labels: whether functions may be written below their boxes.
    """

    def __init__(self, graph: Graph, labels: bool) -> None:
        self.depth = max(networkx.get_node_attributes(graph, "layer").values())
        self.sources = graph.nodes_of("input") + graph.nodes_of("parameter")
        n_curves = sum(not is_identity(function) for _, _, function in graph.functions() if function)
        self.has_curves = n_curves <= _MOST_CURVES
        self.layers = [LayerItems(graph, layer, self.has_curves) for layer in range(1, self.depth + 1)]
        self.names = node_names(graph)
        self._choose_widths()
        self.node: dict[str, tuple[float, float]] = {}
        self.box: dict[Edge, tuple[float, float]] = {}
        self.straight: set[Edge] = set()  # edges that pass no boxes
        self._place_names()
        height = self._bottom
        for node, x in zip(self.sources, self._spread(len(self.sources)), strict=True):
            self.node[node] = x, height
        for items in self.layers:
            height = self._place_layer(items, height, labels)
        self._place_output_names(graph)
        self.height = height + self._top

    def _choose_widths(self) -> None:
        # Each layer takes as many rows of boxes as it needs for boxes that are large enough on a page.
        for items in self.layers:
            while items.slots(items.rows) * _SMALLEST_BOX * _PITCH > _WIDEST and items.rows < _MOST_ROWS:
                items.rows += 1
        slots = max((items.slots(items.rows) for items in self.layers), default=1.0)
        self.box_size = min(BOX, _WIDEST / (slots * _PITCH))
        self.pitch = self.box_size * _PITCH
        names = [self.names[node].size[0] for node in self.sources] or [0.0]
        fitting = len(names) * (max(names) + 0.12)
        nodes = max(len(self.sources), *(len(items.sums) for items in self.layers))
        least = max(1.6, 0.34 * nodes, min(fitting, _WIDEST))
        self.inner = max(slots * self.pitch, min(least, _WIDEST))
        self.upright = fitting > self.inner + 1e-9
        self.marks = min(1.0, self.inner / nodes / 0.2)  # size of nodes

    def _spread(self, count: int) -> list[float]:
        return [self.left + self.inner * (i + 0.5) / count for i in range(count)]

    def _place_names(self) -> None:
        # Names that do not fit beside each other stand upright.
        below = [self.names[node].size for node in self.sources] or [(0.0, 0.0)]
        self.left = _MARGIN
        if not self.upright:
            pitch = self.inner / max(len(below), 1)
            self.left += max(0.0, (max(below[0][0], below[-1][0]) - pitch) / 2)
        outputs = [label.size[0] for node, label in self.names.items() if node not in self.sources]
        self.left += max(0.0, max(outputs, default=0.0) / 2 - self.inner / 2)
        self.width = self.inner + 2 * self.left
        tallest = max(width for width, _ in below) if self.upright else max(height for _, height in below)
        self._bottom = _MARGIN + tallest + 0.12

    def _place_output_names(self, graph: Graph) -> None:
        read: dict[str, list[Label]] = defaultdict(list)
        for output in graph.nodes_of("output"):
            (source,) = graph.predecessors(output)
            read[source].append(self.names[output])
        self.above = {
            source: Label(", ".join(label.text for label in labels), any(its.math for its in labels), NAME_SIZE)
            for source, labels in read.items()
        }
        order = sorted(self.above, key=lambda node: self.node[node][0])
        crossing = [
            (self.above[a].size[0] + self.above[b].size[0]) / 2 + 0.1 > self.node[b][0] - self.node[a][0]
            for a, b in pairwise(order)
        ]
        self.upright_above = any(crossing)
        sizes = [label.size for label in self.above.values()]
        self._top = _MARGIN + 0.16 + max(width if self.upright_above else height for width, height in sizes)

    def _place_layer(self, items: LayerItems, height: float, labels: bool) -> float:
        xs = self._column_places(items)
        of_sum: dict[str, list[float]] = defaultdict(list)
        for column, x in zip(items.columns, xs, strict=True):
            of_sum[column.node].append(x)
        middle = {node: (its[0] + its[-1]) / 2 for node, its in of_sum.items()}
        boxes = [(column, x) for column, x in zip(items.columns, xs, strict=True) if column.edges]
        has_boxes = any(not items.thin[edge] for column, _ in boxes for edge in column.edges)
        below = _room(x - self.node[source][0] for column, x in boxes for source, _ in column.edges)
        above = _room(x - middle[column.node] for column, x in boxes)
        below += 0.14 if labels and items.symbolic else 0.0
        rows = max((len(column.edges) for column, _ in boxes), default=1)
        sums_at = height + (below + rows * self.pitch + above if has_boxes else 0.5 if self.has_curves else 1.5)
        nodes_at = sums_at + (0.32 if items.products else 0.0)
        for node, x in middle.items():
            self.node[node] = x, sums_at if node in items.product_of else nodes_at
        for column, x in boxes:
            for row, edge in enumerate(column.edges):
                self.box[edge] = x, height + below + (row + 0.5) * self.pitch
        if not has_boxes:
            for source, target in items.thin:
                self.straight.add((source, target))
                (x0, y0), (x1, y1) = self.node[source], self.node[target]
                self.box[source, target] = (x0 + x1) / 2, (y0 + y1) / 2
        for product, factors in items.products.items():
            self.node[product] = float(np.mean([middle[factor] for factor in factors])), nodes_at
        return nodes_at

    def _column_places(self, items: LayerItems) -> list[float]:
        # Evenly, but the only edge of a source stands above that source.
        gaps = [
            self.pitch * ((a.width + b.width) / 2 + (_BETWEEN if a.node != b.node else 0))
            for a, b in pairwise(items.columns)
        ]
        ends = self.pitch * items.columns[0].width / 2, self.pitch * items.columns[-1].width / 2
        total = sum(gaps) + sum(ends)
        stretch = self.inner / total
        even = [self.left + stretch * (ends[0] + sum(gaps[:i])) for i in range(len(items.columns))]
        wanted = []
        for column, middle in zip(items.columns, even, strict=True):
            wishes = [self.node[s][0] if items.readers[s] == 1 else middle for s, _ in column.edges]
            wanted.append(float(np.mean(wishes)) if wishes else middle)
        places = spread(wanted, gaps)
        # What stands over an end of the picture moves in; the others keep the distance.
        first = self.left + ends[0] + np.cumsum([0.0, *gaps])
        return list(np.clip(places, first, first + self.inner - total))


def _room(distances: Iterable[float]) -> float:
    # The further lines run sideways, the more height they need, or they lie flat on each other.
    return 0.2 + min(0.45, 0.12 * max(map(abs, distances), default=0.0))


@dataclass(frozen=True)
class _Column:
    node: str  # the sum
    edges: list[Edge]  # one above the other
    width: float  # in boxes


class LayerItems:
    """The edges into the sums of one layer, in columns of boxes, and its products."""

    def __init__(self, graph: Graph, layer: int, has_curves: bool) -> None:
        here = [node for node, its in networkx.get_node_attributes(graph, "layer").items() if its == layer]
        by_position = sorted(here, key=lambda node: graph.nodes[node]["position"])
        self.rows = 1
        self.has_curves = has_curves
        self.sums = [node for node in by_position if graph.nodes[node]["kind"] == "sum"]
        products = [node for node in by_position if graph.nodes[node]["kind"] == "product"]
        self.products = {product: list(graph.predecessors(product)) for product in products}
        self.product_of = {factor: product for product, factors in self.products.items() for factor in factors}
        self.edges: dict[str, list[Edge]] = {}
        self.thin: dict[Edge, bool] = {}
        self.symbolic = False
        self.readers: dict[str, int] = defaultdict(int)
        for node in self.sums:
            sources = sorted(graph.predecessors(node), key=lambda source: graph.nodes[source]["position"])
            self.edges[node] = [(s, node) for s in sources if graph.edges[s, node]["function"]]
            for edge in self.edges[node]:
                function = graph.edges[edge]["function"]
                self.thin[edge] = is_identity(function)
                self.symbolic |= not any(isinstance(term, SplineTerm) for term in function)
                self.readers[edge[0]] += 1

    @cached_property
    def columns(self) -> list[_Column]:
        """All columns from left to right; a sum without curves has an empty one."""
        return [column for node in self.sums for column in self._columns_of(node, self.rows)]

    def _columns_of(self, node: str, rows: int) -> list[_Column]:
        edges = self.edges[node] if self.has_curves else []
        columns: list[_Column] = []
        for thin, run in groupby(edges, key=self.thin.__getitem__):
            together = list(run)
            size = 1 if thin else math.ceil(len(together) / math.ceil(len(together) / rows))
            parts = [together[i : i + size] for i in range(0, len(together), size)]
            columns += [_Column(node, part, _THIN if thin else 1.0) for part in parts]
        return columns or [_Column(node, [], _THIN)]

    def slots(self, rows: int) -> float:
        """Return the width of the layer in boxes, when they stand in so many rows."""
        width = sum(column.width for node in self.sums for column in self._columns_of(node, rows))
        return width + _BETWEEN * (len(self.sums) - 1)
