"""Adam on mini-batches, for data and networks beyond second order."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from kanscience.network import FlatView
from kanscience.training._units import unit_of_numbers

if TYPE_CHECKING:
    from kanscience.training._penalties import Penalty

_RATE = 1e-2  # at the start; it falls to zero along a half cosine
_LOOKS = 100  # steps between two looks at all rows, at least
_FUSED_ON = ("cpu", "cuda")


def adam(run: Any, penalty: Penalty | None) -> None:
    """Take ``run.steps`` Adam steps on batches drawn without replacement, epoch by epoch."""
    from kanscience.training._gradients import terms_of, value_and_slopes

    terms, view = terms_of(run, penalty), FlatView(run.network)
    numbers = _numbers_in_units(run, view)
    leaves, parameters = [part.leaf for part in numbers], [part.parameter for part in numbers]
    optimizer = torch.optim.Adam(leaves, lr=_RATE, fused=all(leaf.device.type in _FUSED_ON for leaf in leaves))
    start, begun, between = view.read(), run.step, _steps_between_looks(run)
    for rows in _batches(run):
        if run.step == begun + run.steps or run.stopping:
            break
        value, slopes = value_and_slopes(terms(rows), parameters)
        if not bool(torch.isfinite(value)):
            view.write_(start)
            run.status = "not finite"
            return
        for part, slope in zip(numbers, slopes, strict=True):
            part.take(slope)
        optimizer.param_groups[0]["lr"] = _RATE * (1 + cos(pi * (run.step - begun) / run.steps)) / 2
        optimizer.step()
        for part in numbers:
            part.write_()
        run.step += 1
        if run.step % between == 0:
            run.record()
            start = view.read() if np.isfinite(run.history[-1].loss) else start
    for part in numbers:
        part.leaf.grad = None
    run.status = "step limit"


class _Numbers:
    """The numbers of one parameter in their unit: Adam's steps are then the same whatever the targets' unit is.

    What is not trained there is 0 and has no gradient, and stays so.
    """

    def __init__(self, parameter: torch.nn.Parameter, unit: Tensor | None) -> None:
        self.parameter, self.unit = parameter, unit
        self.leaf = parameter if unit is None else torch.nn.Parameter(parameter.detach() / unit)

    def take(self, slope: Tensor | None) -> None:
        """Hand the loss's derivative to the optimiser."""
        self.leaf.grad = slope if slope is None or self.unit is None else slope * self.unit

    @torch.no_grad()
    def write_(self) -> None:
        """Set the network's numbers to those that the optimiser left."""
        if self.unit is not None:
            torch.mul(self.leaf, self.unit, out=self.parameter)


def _numbers_in_units(run: Any, view: FlatView) -> list[_Numbers]:
    if run.train is None:
        return [_Numbers(parameter, None) for parameter, index in view.parts if len(index)]
    units, numbers = unit_of_numbers(run.network, view, run.train.y).split(view.sizes), []
    for (parameter, index), of_trained in zip(view.parts, units, strict=True):
        if not len(index):
            continue
        unit = torch.ones_like(parameter).flatten().index_copy_(0, index, of_trained.to(parameter)).view_as(parameter)
        numbers.append(_Numbers(parameter, None if bool((unit == 1).all()) else unit))
    return numbers


def _steps_between_looks(run: Any) -> int:
    """Return how often all rows are looked at: so rarely that looking takes a small share of the time.

    A forward pass takes a third of a step's time, so that at 7 epochs a look it is about a twentieth.
    """
    if run.train is None or run.batch_size is None:
        return _LOOKS
    return max(_LOOKS, 7 * len(run.all_inputs()) // run.batch_size)


def _batches(run: Any) -> Iterator[Tensor | None]:
    """Yield the rows of one step after the other, without end; None stands for all rows."""
    while True:
        if run.batch_size is None or run.train is None:
            yield None
        else:
            order = torch.randperm(len(run.train.x), generator=run.generator)
            yield from order.to(run.train.x.device).split(run.batch_size)
