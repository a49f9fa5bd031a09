"""The derivative of every output to every trainable number, by one sweep forward and back.

The network is linear in the coefficients of each layer, so with the features F of a layer and the sensitivity
``delta[t] = d output / d subnode[t]`` the Jacobian of a coefficient ``(s, b, t)`` is ``F[s, b] * delta[t]``: no second
differentiation, and nothing of shape batch x source x target that is not the answer itself. The sensitivities come
from the slopes of the curves, written out here: for networks this small autograd costs more than the arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.network._bases import base_named
from kanscience.network._flat import FlatView
from kanscience.network._layer import Features, Layer, multiply
from kanscience.network._shape import LayerShape
from kanscience.splines import local_sums

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN
    from kanscience.network._splines import SplineEdges
    from kanscience.network._terms import TermEdges

Trained = dict[str, tuple[Tensor, ...]]  # of one layer: indices of its numbers, axis by axis, as in `FlatView.trained`


@dataclass(frozen=True, eq=False)
class LayerSweep:
    """What the Jacobian of one layer's numbers is made of."""

    layer: Layer
    x: Tensor  # (source, N)
    features: Features
    deltas: Tensor  # (output, subnode, N): derivatives of the outputs to the layer's sums


@dataclass(frozen=True, eq=False)
class Sweep:
    """One run forward and back."""

    outputs: Tensor  # (output, N)
    layers: tuple[LayerSweep, ...]
    constants: Tensor  # (output, constant, N): derivatives to the trained constants

    @torch.no_grad()
    def rows(self, output: int, trained: list[Trained], samples: slice = slice(None)) -> Tensor:
        """Return one output's derivatives to these numbers at some of the samples, (number, sample)."""
        blocks = []
        for part, numbers in zip(self.layers, trained, strict=True):
            blocks += _layer_rows(part, part.deltas[output, :, samples], numbers, samples)
        return torch.cat([*blocks, self.constants[output, :, samples]])

    def scaled(self, weights: Tensor) -> Sweep:
        """Return the sweep of outputs times weights, (output, N): the derivatives of weighted residuals."""
        factors = weights[:, None]
        layers = [replace(part, deltas=part.deltas * factors) for part in self.layers]
        return Sweep(self.outputs * weights, tuple(layers), self.constants * factors)


@torch.no_grad()
def sweep(network: MultKAN, x: Tensor, first: Features = None) -> Sweep:
    """Run the network forward and its sensitivities back.

    Args:
        network: left as it is.
        x: (N, inputs), unchecked.
        first: the first layer's features of ``x``, where they are known already.
    """
    nodes, sources, features, sums = network.sources(x), [], [], []
    for layer in network.layers:
        sources.append(nodes)
        features.append(layer.features(nodes) if first is None else first)
        sums.append(layer.sums(nodes, features[-1]))
        nodes, first = multiply(sums[-1], layer.shape), None
    outputs = network.read_out(nodes)
    delta = _readout_deltas(network, nodes)
    deltas = []
    for depth in reversed(range(len(network.layers))):
        layer = network.layers[depth]
        deltas.insert(0, to_subnodes(sums[depth], delta, layer.shape))
        if depth or network.constant_names:  # nobody asks for the derivatives to the inputs
            delta = torch.stack([_to_sources(layer, sources[depth], part) for part in deltas[0]])
    constants = outputs.new_zeros(len(outputs), 0, len(x))
    if network.constant_names:  # layer 0's rows after the inputs
        constants = delta[:, network.n_inputs :][:, network.constants_trainable]
    parts = map(LayerSweep, network.layers, sources, features, deltas)
    return Sweep(outputs, tuple(parts), constants)


def _readout_deltas(network: MultKAN, nodes: Tensor) -> Tensor:
    deltas = nodes.new_zeros(network.n_outputs, *nodes.shape)
    for output, node in enumerate(network.readout):
        deltas[output, node] = 1.0
    return deltas


def to_subnodes(subnodes: Tensor, deltas: Tensor, shape: LayerShape) -> Tensor:
    """Return derivatives to subnodes from those to nodes, (output, node, N): a factor gets the others' product."""
    if not shape.arities:
        return deltas
    parts = [deltas[:, : shape.sums]]
    for k, columns in enumerate(shape.product_columns()):
        factors = subnodes[columns]
        others = [torch.cat([factors[:i], factors[i + 1 :]]).prod(dim=0) for i in range(len(factors))]
        parts.append(deltas[:, shape.sums + k, None] * torch.stack(others))
    return torch.cat(parts, dim=1)


def _to_sources(layer: Layer, x: Tensor, delta: Tensor) -> Tensor:
    """Return (source, N) derivatives to the layer's sources from those to its sums, (subnode, N)."""
    found = torch.zeros_like(x)
    if layer.has_splines:
        found += _through_splines(layer.splines, x, delta)
    if len(layer.terms):
        found.index_add_(0, layer.terms.source, _slopes(layer.terms, x) * delta[layer.terms.target])
    return found


def _through_splines(splines: SplineEdges, x: Tensor, delta: Tensor) -> Tensor:
    t = splines.mapped(x)
    inside = t.clamp(-1, 1)  # outside, a curve keeps the slope of its end
    coefficients, base_weights = splines.weights()
    weighted = (coefficients.flatten(0, 1) @ delta).unflatten(0, coefficients.shape[:2])  # (source, basis, N)
    total = local_sums(weighted, inside, splines.axes, order=1)
    if splines.base != "zero":
        total += base_named(splines.base).slope(inside) * (base_weights @ delta)
    if splines.degree == 0:  # but steps, with their base, end in a constant
        total *= inside == t
    return total / ((splines.high - splines.low) / 2)[:, None]


def _slopes(terms: TermEdges, x: Tensor) -> Tensor:
    return (terms.scale * terms.slope)[:, None] * terms.slopes(x)


def jacobian(
    network: MultKAN, x: Tensor, view: FlatView | None = None, first: Features | None = None
) -> tuple[Tensor, Tensor]:
    """Return the outputs and their Jacobian in the order of `FlatView`.

    Args:
        network: left as it is.
        x: (N, inputs), unchecked.
        view: of this network; made where it is not given.
        first: the first layer's features of ``x``, where they are known already.

    Returns:
        Outputs (output, N) and Jacobian (output, size, N).
    """
    trained = (view or FlatView(network)).trained
    done = sweep(network, x, first)
    return done.outputs, torch.stack([done.rows(output, trained) for output in range(network.n_outputs)])


def _layer_rows(part: LayerSweep, delta: Tensor, trained: Trained, samples: slice) -> list[Tensor]:
    blocks = []
    if part.features is not None:
        blocks.append(_coefficient_rows(part.features[0][:, :, samples], delta, *trained["splines.coefficients"]))
        s, t = trained["splines.base_weights"]
        blocks.append(part.features[1][s, samples] * delta.index_select(0, t))
    if len(part.layer.terms):
        blocks += term_rows(part.layer.terms, part.x[:, samples], delta, trained)
    blocks.append(delta[trained["bias"]])
    return blocks


def _coefficient_rows(features: Tensor, delta: Tensor, s: Tensor, b: Tensor, t: Tensor) -> Tensor:
    sources, basis, _ = features.shape
    if len(s) == sources * basis * len(delta):  # all of them, in order: nothing to look up
        return (features[:, :, None] * delta).flatten(0, 2)
    return features[s, b].mul_(delta.index_select(0, t))


def term_rows(terms: TermEdges, x: Tensor, delta: Tensor, trained: Trained) -> list[Tensor]:
    """Return an output's derivatives to the trained scales, slopes and shifts of a layer's terms, (number, sample) each."""
    to_term = delta[terms.target]
    to_argument = terms.scale[:, None] * terms.slopes(x) * to_term
    return [
        (terms.unscaled(x) * to_term)[trained["terms.scale"]],
        (to_argument * x[terms.source])[trained["terms.slope"]],
        to_argument[trained["terms.shift"]],
    ]
