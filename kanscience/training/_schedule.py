"""When and how knots move while a network is fitted: ranges from data, hidden ranges that follow, finer grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from kanscience._checks import check_grid
from kanscience._errors import OptionError
from kanscience.splines import contains, uniform_knots

if TYPE_CHECKING:
    from kanscience.network import MultKAN

Grid = int | Sequence[int]


@torch.no_grad()
def adopt_domains_(network: MultKAN, x: Tensor) -> None:
    """Take all domains that are still open from the data, layer by layer in forward order."""
    nodes = network.sources(x)
    for layer in network.layers:
        layer.splines.adopt_domains_(nodes)
        nodes = layer(nodes)


@torch.no_grad()
def follow_hidden_ranges_(network: MultKAN, x: Tensor, margin: float) -> None:
    """Move the knots of the hidden layers to where their sources now are, the curves staying what they are.

    Args:
        network: changed in place; a layer whose ranges fit already within a fifth of the margin is left alone.
        x: (N, inputs) samples.
        margin: room beyond the samples on each side, as a share of their range.
    """
    nodes = network.sources(x)
    for depth, layer in enumerate(network.layers):
        if depth and layer.has_splines:
            low, high = nodes.min(dim=1).values, nodes.max(dim=1).values
            room = margin * (high - low)
            _move_domains_(layer.splines, low - room, high + room, nodes, tolerance=room / 5)
        nodes = layer(nodes)


def _move_domains_(splines, low: Tensor, high: Tensor, x: Tensor, tolerance: Tensor) -> None:
    keep = splines.given | ~(high > low)
    keep |= ((splines.low - low).abs() <= tolerance) & ((splines.high - high).abs() <= tolerance)
    low, high = torch.where(keep, splines.low, low), torch.where(keep, splines.high, high)
    if not bool(keep.all()):
        rows = [splines.axes.row(s) for s in range(len(keep))]
        splines.move_(rows, low, high, x)


@torch.no_grad()
def refine_(network: MultKAN, grid: Grid, x: Tensor | None = None) -> None:
    """Give every source a uniform vector of ``grid`` intervals, where that is another than it has.

    Exact where the new knots contain the old; elsewhere a least-squares fit on a dense grid and the samples.

    Args:
        network: changed in place.
        grid: intervals, one number or one for each layer.
        x: (N, inputs) samples for the fits that are not exact.
    """
    grids = grids_of_layers(grid, len(network.layers))
    nodes = None if x is None else network.sources(x)
    for layer, size in zip(network.layers, grids, strict=True):
        splines = layer.splines
        after = None if nodes is None else layer(nodes)
        if layer.has_splines and not bool((splines.intervals == size).all()):
            row = uniform_knots(size, splines.degree, splines.knots.dtype)
            nested = all(contains(row, splines.axes.row(s), splines.degree) for s in range(len(splines.intervals)))
            rows = [row] * len(splines.intervals)
            splines.move_(rows, splines.low, splines.high, None if nested else nodes)
        nodes = after


def grids_of_layers(grid: Grid, layers: int) -> list[int]:
    """Return one number of intervals a layer."""
    sizes = [grid] * layers if isinstance(grid, int) else list(grid)
    if len(sizes) != layers:
        raise OptionError(f"a level of `grids` is one number, or one for each of the {layers} layers; not {grid!r}.")
    return [check_grid(size) for size in sizes]


def snapshot(network: MultKAN) -> dict[str, Tensor]:
    """Return a copy of all tensors, knots included."""
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def restore_(network: MultKAN, saved: dict[str, Tensor]) -> None:
    """Set all tensors to those of a snapshot, whatever grid they had then."""
    for name, tensor in saved.items():
        path, _, leaf = name.rpartition(".")
        module = network.get_submodule(path)
        if leaf in module._parameters:
            old = module._parameters[leaf]
            if old.shape == tensor.shape:
                old.copy_(tensor)
            else:
                module._parameters[leaf] = nn.Parameter(tensor.clone(), requires_grad=old.requires_grad)
        else:
            module._buffers[leaf] = tensor.clone()
    for layer in network.layers:
        layer.splines.forget_derived()
