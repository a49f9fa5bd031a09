"""Shrinkage: what a curve is drawn to where held-back rows say that it follows noise.

On the first level straight lines; on a finer level the curve that it starts from. Both are quadratic in the numbers of
the curves, and weighed by the share of the targets' variance that a change of the curve moves at the present network: how
hidden nodes are scaled makes no difference, and 1 is a strong pull in every unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from kanscience.network import FlatView, sweep
from kanscience.training._levenberg import Quadratic
from kanscience.training._penalties import curvature_form
from kanscience.training._penalty_form import places_of_curves

if TYPE_CHECKING:
    from kanscience.network import MultKAN
    from kanscience.network._splines import SplineEdges


@runtime_checkable
class Pull(Protocol):
    """A prior of the curves, as a penalty around the present network."""

    holds_knots: ClassVar[bool]  # it means numbers on these very knots

    def quadratic(self, network: MultKAN, x: Tensor, weights: Tensor) -> Quadratic:
        """Return the penalty; x (N, inputs), weights (N, outputs) normalised."""
        ...


@dataclass(frozen=True, eq=False)
class TowardsStart:
    """Spline coefficients are drawn to earlier ones, in the order of `FlatView`."""

    strength: float
    center: np.ndarray
    holds_knots: ClassVar[bool] = True

    def quadratic(self, network: MultKAN, x: Tensor, weights: Tensor) -> Quadratic:
        """Return the penalty."""
        diagonal = np.zeros_like(self.center)
        moved = _moved_variance(network, x, weights)
        for variance, places in zip(moved, places_of_curves(network), strict=True):
            coefficients = places[:, :-1]
            each = np.broadcast_to(variance, coefficients.shape)
            diagonal[coefficients[coefficients >= 0]] = each[coefficients >= 0]
        return Quadratic(self.strength * diagonal, self.center)


@dataclass(frozen=True)
class TowardsStraightLines:
    """Curves pay for the integral of their squared second derivative over [-1, 1]."""

    strength: float
    holds_knots: ClassVar[bool] = False

    def quadratic(self, network: MultKAN, x: Tensor, weights: Tensor) -> Quadratic:
        """Return the penalty."""
        size = FlatView(network).size
        matrix = np.zeros((size, size))
        moved = _moved_variance(network, x, weights)
        for layer, variance, places in zip(network.layers, moved, places_of_curves(network), strict=True):
            forms = _curvature_forms(layer.splines) if layer.has_splines else []
            for source, target in layer.splines.active.nonzero().tolist():
                used = places[source, :, target] >= 0
                index = places[source, used, target]
                matrix[np.ix_(index, index)] = self.strength * variance[target] * forms[source][np.ix_(used, used)]
        return Quadratic(matrix, np.zeros(size))


@dataclass(frozen=True)
class TowardsPolynomials:
    """Curves on equal knots pay for the jumps of their highest derivative, so little that only open numbers move.

    Where no sample determines a coefficient, at the ends of a range for one, the last polynomial then goes on. That is
    right where the data are smooth and exact; noise it would carry outwards, many times larger.
    """

    strength: float = 1e-8
    holds_knots: ClassVar[bool] = False

    def quadratic(self, network: MultKAN, x: Tensor, weights: Tensor) -> Quadratic:
        """Return the penalty."""
        size = FlatView(network).size
        matrix = np.zeros((size, size))
        moved = _moved_variance(network, x, weights)
        for layer, variance, places in zip(network.layers, moved, places_of_curves(network), strict=True):
            if layer.has_splines and layer.splines.axes.uniform:
                for source, target in layer.splines.active.nonzero().tolist():
                    index = places[source, :-1, target]
                    index = index[index >= 0]
                    jumps = np.diff(np.eye(len(index)), n=layer.splines.degree + 1, axis=0)
                    matrix[np.ix_(index, index)] += self.strength * variance[target] * (jumps.T @ jumps)
        return Quadratic(matrix, np.zeros(size))


def _curvature_forms(splines: SplineEdges) -> list[np.ndarray]:
    """Return the curvature form of every source, one matrix where all have the same knots."""
    sources, knots = len(splines.intervals), splines.knots
    if bool((knots == knots[0]).all()):
        return [curvature_form(splines, 0).numpy()] * sources
    return [curvature_form(splines, source).numpy() for source in range(sources)]


def _moved_variance(network: MultKAN, x: Tensor, weights: Tensor) -> list[np.ndarray]:
    """Return for each layer, (subnode,), the share of the targets' variance that a unit change of the subnode moves."""
    layers = sweep(network, x).scaled(weights.T).layers
    return [(part.deltas**2).sum(dim=(0, 2)).double().numpy() for part in layers]


def start_of(network: MultKAN) -> np.ndarray:
    """Return the numbers of a network, to be drawn to later."""
    return FlatView(network).read().double().numpy()
