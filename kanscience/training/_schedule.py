"""When and how knots move while a network is fitted: ranges from data, hidden ranges that follow, finer grids."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from kanscience.datasets import names_of, plain_names
from kanscience.training._units import spread_of, sums_of_outputs

if TYPE_CHECKING:
    from kanscience.network import MultKAN

_PROBES = 4096  # points of the inputs' domains that ranges are looked for at
_FARTHEST = 0.03  # beyond the samples, as a share of their range: correlated inputs fill no box


@torch.no_grad()
def adopt_domains_(network: MultKAN, x: Tensor) -> None:
    """Take all domains that are still open from the data, layer by layer in forward order."""
    nodes = network.sources(x)
    for layer in network.layers:
        layer.splines.adopt_domains_(nodes)
        nodes = layer(nodes)


@torch.no_grad()
def is_fresh(network: MultKAN) -> bool:
    """Return whether no curve has seen data yet: some wait for a domain, and none has one from data.

    Curves that are zero were opened in a network that means something already.
    """
    waits = False
    for layer in network.layers:
        splines = layer.splines
        if bool((splines.active.any(dim=1) & ~splines.open & ~splines.given).any()):
            return False
        coefficients, base_weights = splines.weights()
        drawn = coefficients.flatten(1).any(dim=1) | base_weights.any(dim=1)
        waits |= bool((splines.waiting() & drawn).any())
    return waits


@torch.no_grad()
def adopt_targets_(network: MultKAN, y: Tensor) -> None:
    """Map the untrained curves of the last layer from targets of mean 0 and spread 1 onto these targets.

    Then the start, and with it the fit, is the same in every unit of the targets. A product, which has no offset, is
    scaled alone. What symbols or frozen curves lead to is left as it is: their numbers mean something.

    Args:
        network: changed in place.
        y: (N, outputs).
    """
    layer, splines = network.layers[-1], network.layers[-1].splines
    spread, mean = spread_of(y), y.mean(dim=0)
    kept = (splines.active & ~splines.trainable).any(dim=0) | ~splines.active.any(dim=0)
    kept[layer.terms.target] = True
    for output, sums in sums_of_outputs(network).items():
        if bool(kept[sums].any()):
            continue
        splines.trained_coefficients[:, :, sums[0]] *= spread[output]
        splines.trained_base_weights[:, sums[0]] *= spread[output]
        if len(sums) == 1:
            used = splines.active[:, None, sums[0]] & splines.axes.has_function()
            share = mean[output] / splines.active[:, sums[0]].sum()
            splines.trained_coefficients[:, :, sums[0]] += share * used


@torch.no_grad()
def follow_hidden_ranges_(network: MultKAN, x: Tensor, margin: float) -> None:
    """Move the knots of the hidden layers to where their sources now are, the curves staying what they are.

    Where the user gave the inputs' domains, ranges reach as far as points of these domains do, within limits: the rows
    of a sample seldom hold its corners.

    Args:
        network: changed in place; a layer whose ranges fit already within a fifth of the margin is left alone.
        x: (N, inputs) samples.
        margin: room beyond the samples on each side, as a share of their range.
    """
    given = bool(network.layers[0].splines.given.all())
    nodes, probes = network.sources(x), network.sources(_domain_points(network, x)) if given else None
    for before, layer in pairwise(network.layers):
        nodes, probes = before(nodes), probes if probes is None else before(probes)
        if layer.has_splines:
            low, high = nodes.min(dim=1).values, nodes.max(dim=1).values
            room, most = margin * (high - low), _FARTHEST * (high - low)
            if probes is not None:
                low = torch.maximum(torch.minimum(low, probes.min(dim=1).values), low - most)
                high = torch.minimum(torch.maximum(high, probes.max(dim=1).values), high + most)
            _move_domains_(layer.splines, low - room, high + room, nodes, tolerance=room / 5)


def _domain_points(network: MultKAN, x: Tensor) -> Tensor:
    """Return (M, inputs) points spread over the inputs' domains, a third of their coordinates at the ends."""
    splines = network.layers[0].splines
    sobol = _sobol(2 * network.n_inputs).to(x)
    place, side = sobol[:, : network.n_inputs], sobol[:, network.n_inputs :]
    place = torch.where(side < 1 / 6, 0.0, torch.where(side > 5 / 6, 1.0, place))
    low, high = splines.low[: network.n_inputs], splines.high[: network.n_inputs]
    return low + (high - low) * place


@cache
def _sobol(dimensions: int) -> Tensor:
    return torch.quasirandom.SobolEngine(dimensions).draw(_PROBES, dtype=torch.float64)


@torch.no_grad()
def move_given_domains_(network: MultKAN, x: Tensor) -> None:
    """Move the given domains of the inputs to the samples' ranges, the curves staying what they are."""
    nodes, splines = network.sources(x), network.layers[0].splines
    low, high = nodes.min(dim=1).values, nodes.max(dim=1).values
    keep = ~splines.given | ~(high > low)
    rows = [splines.axes.row(s) for s in range(len(keep))]
    splines.move_(rows, torch.where(keep, splines.low, low), torch.where(keep, splines.high, high), nodes)


def _move_domains_(splines, low: Tensor, high: Tensor, x: Tensor, tolerance: Tensor) -> None:
    keep = splines.given | ~(high > low)
    keep |= ((splines.low - low).abs() <= tolerance) & ((splines.high - high).abs() <= tolerance)
    low, high = torch.where(keep, splines.low, low), torch.where(keep, splines.high, high)
    if not bool(keep.all()):
        rows = [splines.axes.row(s) for s in range(len(keep))]
        splines.move_(rows, low, high, x)


def adopt_names_(network: MultKAN, inputs: Any, targets: Any) -> None:
    """Take the names of frames for a network whose inputs, or outputs, have none of their own yet."""
    names = tuple(names_of(inputs))
    nameless = network.input_names == plain_names(network.n_inputs)
    if nameless and len(names) == network.n_inputs:
        network.input_names = names
    names, outputs = tuple(names_of(targets)), network.n_outputs
    nameless = network.output_names == (("y",) if outputs == 1 else plain_names(outputs, "y"))
    if nameless and len(names) == outputs and not {*network.input_names, *network.constant_names} & set(names):
        network.output_names = names


def snapshot(network: MultKAN) -> dict[str, Tensor]:
    """Return a copy of all tensors, knots included."""
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def restore_(network: MultKAN, saved: dict[str, Tensor]) -> None:
    """Set all tensors to those of a snapshot, whatever grid they had then."""
    for name, tensor in saved.items():
        path, _, leaf = name.rpartition(".")
        module = network.get_submodule(path)
        if leaf not in module._parameters:
            module._buffers[leaf] = tensor.clone()
            continue
        old = module.get_parameter(leaf)
        if old.shape == tensor.shape:
            old.copy_(tensor)
        else:
            module._parameters[leaf] = nn.Parameter(tensor.clone(), requires_grad=old.requires_grad)
    for layer in network.layers:
        layer.splines.forget_derived()
