"""Shrinkage: the curve that a finer level starts from is its prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.network import FlatView, sweep
from kanscience.training._levenberg import Quadratic

if TYPE_CHECKING:
    from kanscience.network import MultKAN


def pull_towards_start(network: MultKAN, x: Tensor, weights: Tensor) -> Quadratic:
    """Return a ridge, of strength 1, that draws the spline coefficients towards where they are.

    A coefficient of a curve that leads to subnode t pays ``sum((weights * d output / d subnode[t])**2)``
    times its squared change: the share of the targets' variance that the change moves. How hidden nodes are scaled
    makes no difference.

    Args:
        network: left as it is.
        x: (N, inputs).
        weights: (N, outputs), normalised.
    """
    view = FlatView(network)
    layers = sweep(network, x).scaled(weights.T).layers
    diagonal = []
    for part, trained in zip(layers, view.trained, strict=True):
        moved = (part.deltas**2).sum(dim=(0, 2))  # by a unit change of each subnode
        for name, index in trained.items():
            is_curve = name == "splines.coefficients"
            diagonal.append(moved[index[-1]] if is_curve else moved.new_zeros(len(index[0])))
    rest = moved.new_zeros(view.size - sum(map(len, diagonal)))
    return Quadratic(torch.cat([*diagonal, rest]).double().numpy(), view.read().double().numpy())
