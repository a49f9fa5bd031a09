"""The penalty as a quadratic form of the trainable numbers, as Levenberg-Marquardt needs it.

L1 and entropy enter by iterative reweighting: around the present scale s0 of an edge, ``s <= s**2 / (2 s0) + s0 / 2``, a
quadratic form of the coefficients with the same slope. The entropy's weight is negative for edges that dominate their
layer, and is clamped at zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience.network import FlatView, layer_masks
from kanscience.training._penalties import Penalty, covariance, curvature_forms, sources_and_shares, stacked

if TYPE_CHECKING:
    from kanscience.network import MultKAN

_SMALLEST_SCALE = 1e-4  # of the layer's largest edge: below, an edge counts as gone and its weight grows no more


class PenaltyForm:
    """A penalty on the curves of one network, valid as long as its knots stay.

    Args:
        network: float64.
        x: (N, inputs) samples that scales are measured on.
        penalty: what to pay.
    """

    def __init__(self, network: MultKAN, x: Tensor, penalty: Penalty) -> None:
        self.network, self.x = network, x
        layers = len(network.layers)
        self._size = FlatView(network).size
        self._penalties = [penalty.of_layer(depth, layers) for depth in range(layers)]
        self._places = places_of_curves(network)
        self._curvatures = curvature_forms(network, penalty)

    def matrix(self) -> np.ndarray:
        """Return the form around the network's present numbers, (size, size), in the order of `FlatView`."""
        matrix = np.zeros((self._size, self._size))
        for depth, (layer, source, carried) in enumerate(sources_and_shares(self.network, self.x)):
            if layer.has_splines:
                self._add_layer(matrix, depth, layer, covariance(layer, source), carried)
        return matrix

    def _add_layer(self, matrix: np.ndarray, depth: int, layer, gram: Tensor, carried: Tensor) -> None:
        penalty, curvatures, place = self._penalties[depth], self._curvatures[depth], self._places[depth]
        weights = stacked(layer)
        scales = torch.einsum("sbt,sbc,sct->st", weights, gram, weights).clamp(min=0).sqrt() * carried
        slopes = _slopes(scales, layer.splines.active, penalty)
        ridge = torch.eye(gram.shape[1], dtype=gram.dtype)
        ridge[-1, -1] = 0.0  # the base function's weight is no coefficient
        for s, t in layer.splines.active.nonzero().tolist():
            form = slopes[s, t] * gram[s] + penalty.coefficient * ridge
            if curvatures is not None:
                form = form + penalty.curvature * curvatures[s]
            used = place[s, :, t] >= 0
            index = place[s, used, t]
            matrix[np.ix_(index, index)] += penalty.strength * float(carried[t]) ** 2 * form.numpy()[np.ix_(used, used)]


def places_of_curves(network: MultKAN) -> list[np.ndarray]:
    """Return for each layer the index in `FlatView` of every (source, basis + 1, target) number, -1 where not trained."""
    start, found = 0, []
    for layer in network.layers:
        masks = layer_masks(layer)
        coefficients, base_weights = masks["splines.coefficients"], masks["splines.base_weights"]
        sources, basis, targets = coefficients.shape
        place = np.full((sources, basis + 1, targets), -1)
        after = start + int(coefficients.sum())
        place[:, :-1][coefficients.numpy()] = np.arange(start, after)
        place[:, -1][base_weights.numpy()] = np.arange(after, after + int(base_weights.sum()))
        found.append(place)
        start += sum(int(mask.sum()) for mask in masks.values())
    return found


def _slopes(scales: Tensor, active: Tensor, penalty: Penalty) -> Tensor:
    """Return, for each edge, ``d penalty / d scale / (2 scale)``: the factor of the scale's square."""
    largest = scales.max()
    if not bool(largest > 0):
        return torch.zeros_like(scales)
    scales = torch.where(active, scales.clamp(min=_SMALLEST_SCALE * largest), 0)
    share = scales / scales.sum()
    logs = torch.where(active, share.clamp(min=1e-300).log(), 0)
    entropy = -(share * logs).sum()
    slope = penalty.l1 + penalty.entropy * (-(logs + entropy) / scales.sum()).clamp(min=0)
    return torch.where(active, slope / (2 * scales.clamp(min=1e-300)), 0)
