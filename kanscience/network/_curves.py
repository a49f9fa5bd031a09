"""New curves for a network's edges: on the knots that their source has, at zero or drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import networkx

from kanscience._checks import check_degree, check_grid
from kanscience.graph import Graph, SplineAxis, SplineTerm
from kanscience.network._bases import base_named
from kanscience.network._initialize import generator_from, usual_draw
from kanscience.splines import uniform_knots

if TYPE_CHECKING:
    from torch import Tensor


class NewCurves:
    """Adds curves to the edges of a layered graph.

    Curves of one node share its knots, curves of one layer degree and base: what is there already holds, the options
    fill the rest. Without a ``grid``, new knots are as fine as the finest of the layer, and of 5 intervals where none is.
    """

    def __init__(self, graph: Graph, grid: int | None, degree: int, base: str, seed: int | None) -> None:
        self.graph = graph
        self.grid = grid if grid is None else check_grid(grid)
        self.degree = check_degree(degree)
        self.base = base_named(base).name
        self.generator = generator_from(seed)

    def add(self, sources: Sequence[str], targets: Sequence[str], scale: float) -> None:
        """Add a curve to every edge between two layers, ``scale`` times one that a fresh network draws; 0: zero.

        It is added to the curve that an edge has already; frozen ones are left alone.
        """
        if not sources or not targets:
            return
        kind = self._kind(self.graph.nodes[sources[0]]["layer"])
        axes = [self._axis(source, *kind) for source in sources]
        drawn = self._drawn(axes, len(targets)) if scale else None
        for s, (source, axis) in enumerate(zip(sources, axes, strict=True)):
            self.graph.nodes[source]["axis"] = axis
            for t, target in enumerate(targets):
                curve = SplineTerm((0.0,) * axis.n_basis)
                if drawn is not None:
                    coefficients, weights = drawn
                    numbers = (scale * coefficients[s, : axis.n_basis, t]).tolist()
                    curve = SplineTerm(tuple(numbers), scale * float(weights[s, t]))
                self._add_curve(source, target, curve)

    def _add_curve(self, source: str, target: str, curve: SplineTerm) -> None:
        function = list(self.graph.edges[source, target]["function"]) if self.graph.has_edge(source, target) else []
        present = next((k for k, term in enumerate(function) if isinstance(term, SplineTerm)), None)
        if present is None:
            function.append(curve)
        elif function[present].trainable:
            function[present] = _sum(function[present], curve)
        self.graph.add_edge(source, target, function=tuple(function))

    def _axis(self, source: str, degree: int, base: str, grid: int) -> SplineAxis:
        own = self.graph.axis(source)
        if own is not None and (own.degree, own.base) == (degree, base):
            return own
        axis = SplineAxis(tuple(uniform_knots(grid, degree).tolist()), degree, base)
        return axis if own is None else replace(axis, domain=own.domain, given=own.given)

    def _kind(self, layer: int) -> tuple[int, str, int]:
        graph = self.graph
        with_curves = [
            source
            for source, _, function in graph.functions()
            if graph.nodes[source]["layer"] == layer and any(isinstance(term, SplineTerm) for term in function)
        ]
        axes = [axis for source in with_curves if (axis := graph.axis(source)) is not None]
        if not axes:
            return self.degree, self.base, self.grid or 5
        return axes[0].degree, axes[0].base, self.grid or max(axis.grid for axis in axes)

    def _drawn(self, axes: Sequence[SplineAxis], targets: int) -> tuple[Tensor, Tensor]:
        return usual_draw(axes[0].base)(len(axes), max(axis.n_basis for axis in axes), targets, self.generator)


def varying(graph: Graph) -> set[str]:
    """Return the inputs, and the nodes that depend on any: only there is something for a curve to follow."""
    inputs = graph.nodes_of("input")
    return set(inputs).union(*(networkx.descendants(graph, node) for node in inputs))


def _sum(one: SplineTerm, other: SplineTerm) -> SplineTerm:
    if one.coefficients is None or other.coefficients is None:
        return one  # free: drawn later anyway
    coefficients = tuple(a + b for a, b in zip(one.coefficients, other.coefficients, strict=True))
    return replace(one, coefficients=coefficients, base_weight=one.base_weight + other.base_weight)
