"""Adam on mini-batches, for data and networks beyond second order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from kanscience.network import FlatView
from kanscience.training._units import unit_of_numbers

if TYPE_CHECKING:
    from kanscience.training._penalties import Penalty

_RATE = 1e-2  # at the start; it falls to zero along a half cosine


def adam(run: Any, penalty: Penalty | None) -> None:
    """Take ``run.steps`` Adam steps on batches drawn without replacement, epoch by epoch."""
    from kanscience.training._gradients import loss_of

    loss, view = loss_of(run, penalty), FlatView(run.network)
    unit = 1.0 if run.train is None else unit_of_numbers(run.network, view, run.train.y)
    numbers = torch.nn.Parameter(view.read() / unit)
    optimizer = torch.optim.Adam([numbers], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(run.steps, 1))
    start, end = view.read(), run.step + run.steps
    while run.step < end and not run.stopping:
        for rows in _batches(run):
            value = loss(rows)
            if not bool(torch.isfinite(value)):
                view.write_(start)
                run.status = "not finite"
                return
            numbers.grad = view.gradient(value) * unit
            optimizer.step()
            schedule.step()
            view.write_(numbers.detach() * unit)
            run.step += 1
            if run.step % 100 == 0:
                run.record()
            if run.step >= end or run.stopping:
                break
        start = view.read() if bool(torch.isfinite(view.read()).all()) else start
    run.status = "step limit"


def _batches(run: Any) -> list[torch.Tensor | None]:
    if run.batch_size is None or run.train is None:
        return [None]
    order = torch.randperm(len(run.train.x), generator=run.generator)
    return list(order.to(run.train.x.device).split(run.batch_size))
