"""The targets' unit, and the numbers of a network that carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.network import parameter_of

if TYPE_CHECKING:
    from kanscience.network import FlatView, MultKAN


def spread_of(y: Tensor) -> Tensor:
    """Return each output's spread, (outputs,); where it is constant its size, or 1."""
    spread, mean = y.double().std(dim=0, correction=0).to(y), y.mean(dim=0)  # squares may leave single precision
    return torch.where(spread > 0, spread, torch.where(mean == 0, 1.0, mean.abs()))


def sums_of_outputs(network: MultKAN) -> dict[int, list[int]]:
    """Return the sums of the last layer that make up each output: one, or the factors of a product.

    What several outputs share belongs to the first. The first factor of a product carries the output's unit.
    """
    shape = network.layers[-1].shape
    first_output = {node: output for output, node in reversed(list(enumerate(network.readout)))}
    return {
        output: [j for j, its in enumerate(shape.node_of_subnode) if its == node]
        for node, output in first_output.items()
    }


def unit_of_numbers(network: MultKAN, view: FlatView, y: Tensor) -> Tensor:
    """Return the unit of each trainable number, (size,): the targets' spread where the last layer adds up, else 1.

    In these units steps, and what first-order optimisers make of them, are the same whatever the targets' unit is.

    Args:
        network: seen through ``view``.
        view: its trainable numbers.
        y: (N, outputs) targets.
    """
    layer, spread = network.layers[-1], spread_of(y)
    units = torch.ones(len(layer.shape.node_of_subnode), dtype=y.dtype, device=y.device)
    for output, sums in sums_of_outputs(network).items():
        units[sums[0]] = spread[output]
    known = {id(parameter_of(layer, name)): units for name in ("splines.coefficients", "splines.base_weights", "bias")}
    known[id(parameter_of(layer, "terms.scale"))] = units[layer.terms.target]
    one = torch.ones(1, dtype=y.dtype, device=y.device)
    return torch.cat([known.get(id(p), one).expand_as(p).flatten()[index] for p, index in view.parts])
