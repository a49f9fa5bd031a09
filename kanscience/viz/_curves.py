"""The curve of every edge, from the graph alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import torch

from kanscience.functions import Library
from kanscience.graph import Graph, SplineAxis, SplineTerm, Term
from kanscience.network import base_named
from kanscience.splines import bspline_basis

Edge = tuple[str, str]
Range = tuple[float, float]


def edge_curves(
    graph: Graph,
    edges: Iterable[Edge],
    library: Library,
    *,
    ranges: Mapping[str, Range] | None = None,
    points: int = 64,
) -> dict[Edge, np.ndarray]:
    """Return ``(x, y)``, shape (2, points), of each edge; y is NaN where the function has no real value.

    Args:
        graph: edges whose splines are free have y = NaN throughout.
        edges: which ones.
        library: where the functions are looked up.
        ranges: of the values of sources, where known; else a source's domain, else -1 to 1. A spline's curve stays
            inside its domain.
        points: on each curve.
    """
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        by_source[source].append(target)
    curves: dict[Edge, np.ndarray] = {}
    for source, targets in by_source.items():
        x = _points(graph, source, targets, ranges or {}, points)
        basis = _SplineBasis(graph.axis(source), x)
        for target in targets:
            function = graph.edges[source, target]["function"]
            y = _values(function, library, basis, x)
            real = np.flatnonzero(np.isfinite(y))
            if len(real) > 1 and len(real) < points and source not in (ranges or {}):  # log on -1...1: take 0...1
                x_real = np.linspace(x[real[0]], x[real[-1]], points)
                y = _values(function, library, _SplineBasis(graph.axis(source), x_real), x_real)
                curves[source, target] = np.stack([x_real, y])
                continue
            curves[source, target] = np.stack([x, y])
    return curves


def _values(
    function: tuple[Term | SplineTerm, ...], library: Library, basis: _SplineBasis, x: np.ndarray
) -> np.ndarray:
    parts = (
        basis.values(term) if isinstance(term, SplineTerm) else _term_values(library, term, x) for term in function
    )
    return sum(parts, start=np.zeros(len(x)))


def _points(graph: Graph, source: str, targets: list[str], ranges: Mapping[str, Range], count: int) -> np.ndarray:
    axis = graph.axis(source)
    low, high = ranges.get(source) or (axis.range if axis else _range_without_data(graph, source))
    has_splines = any(
        isinstance(term, SplineTerm) for target in targets for term in graph.edges[source, target]["function"]
    )
    if axis and has_splines:
        inside = max(low, axis.range[0]), min(high, axis.range[1])
        low, high = inside if inside[0] < inside[1] else axis.range
    if not low < high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, count)


def _range_without_data(graph: Graph, source: str) -> Range:
    if graph.nodes[source]["kind"] == "parameter" and (value := graph.nodes[source]["value"].value):
        return min(0.5 * value, 1.5 * value), max(0.5 * value, 1.5 * value)
    return -1.0, 1.0


class _SplineBasis:
    """B-splines and base function of one axis at some points, computed when the first spline asks."""

    def __init__(self, axis: SplineAxis | None, x: np.ndarray) -> None:
        self._axis, self._x = axis, x
        self._values: tuple[np.ndarray, np.ndarray] | None = None

    def values(self, term: SplineTerm) -> np.ndarray:
        if term.coefficients is None or self._axis is None:
            return np.full(len(self._x), np.nan)
        if self._values is None:
            low, high = self._axis.range
            t = torch.as_tensor((2 * self._x - low - high) / (high - low)).clamp(-1, 1)
            knots = torch.tensor(self._axis.knots, dtype=torch.float64)
            basis = bspline_basis(t[:, None], knots[None], self._axis.degree)[:, 0]
            self._values = basis.numpy(), base_named(self._axis.base).value(t).numpy()
        basis, base = self._values
        return basis @ np.array(term.coefficients) + term.base_weight * base


def _term_values(library: Library, term: Term, x: np.ndarray) -> np.ndarray:
    if term.is_identity:
        return term.scale.value * x
    function = library.resolve(term.function, term.arguments)
    inside = torch.as_tensor(term.slope.value * x + term.shift.value)
    y = term.scale.value * function.torch(inside).numpy()
    return np.where(np.isfinite(y), y, np.nan)
