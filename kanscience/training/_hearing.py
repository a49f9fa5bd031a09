"""Many starts are heard before one is trained: a deep network finds its way from few of them.

Of random starts of [4, 2, 1, 1], say, one in six finds exp((sin + sin)/2) and the others stick for good. Which one it is
shows within some forty steps on a coarse grid, where the loss of a start that found its way is a small part of the
others'. So starts are heard in groups, side by side, until one stands out; the best are called back and trained in full.

A network with more sums than it needs ([4, 4, 2, 1]) seldom finds its way from random curves everywhere: it ends in one of
many approximations that use all of them. Most of its starts are therefore silent in part, see `silence_`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience.network import FlatView, redraw_, refine_, silence_
from kanscience.training._courses import Course, together
from kanscience.training._descent import descend
from kanscience.training._few_numbers import is_regression
from kanscience.training._report import Progress
from kanscience.training._run import Run
from kanscience.training._schedule import adopt_domains_, adopt_targets_, restore_, snapshot

if TYPE_CHECKING:
    from kanscience.splines import KnotRule
    from kanscience.training._samples import Samples

FEWEST = 8  # restarts from which on starts are heard; fewer are all trained in full, which no hearing can misjudge
_STEPS = 40  # measured: 20 leave some starts on their way, and of those that stick after 40 few come loose by 160
_ROWS = 1000  # most that a hearing listens to; the finer levels see all
_ROWS_A_NUMBER = 3  # but so many for each trained number at least, or a loss says nothing
_ALL_SPEAK = 4  # of so many redrawn starts of a deep network one has all sums; from few sums more find their way
_GROUP = 8  # starts heard side by side: with one in six of them good, three groups in four hold one
_STANDS_OUT = 20.0  # times below the median; starts that stick lie within a factor of 3 of each other
_CALLED_BACK = 3  # starts at most, of those
_CLOSE = 3.0  # times the best one's loss: what more steps may well turn round


@dataclass(frozen=True, eq=False)
class Heard:
    """A start after its hearing."""

    loss: float
    numbers: dict[str, Tensor]  # as `snapshot` gives them


def can_be_heard(run: Run, restarts: int) -> bool:
    """Return whether starts are heard: many of them, in a regression by Levenberg-Marquardt."""
    return restarts >= FEWEST and run.train is not None and run.optimizer == "lm" and not is_regression(run)


def hearing(run: Run, rules: list[KnotRule] | None, restarts: int) -> Course[list[Heard]]:
    """Hear the present network, then redrawn ones, and return those to be called back, the best first.

    Ctrl-C leaves the best of the starts heard so far in the run's network.

    Args:
        run: its network is written at Ctrl-C only.
        rules: knots of the level to hear on; None: the present ones.
        restarts: redrawn starts at most.
    """
    assert run.train is not None
    origin, rows = snapshot(run.network), _some_rows(run)
    heard: list[Heard] = []
    group: list[Run] = []
    try:
        for first in range(0, restarts + 1, _GROUP):
            if run.stopping or (heard and _stands_out([its.loss for its in heard])):
                break
            starts = range(first, min(first + _GROUP, restarts + 1))
            group = [_start(run, rules, rows, origin, place=start) for start in starts]
            yield from together([descend(start, run.penalty) for start in group])
            heard += _losses(run, group)
    except KeyboardInterrupt:
        restore_(run.network, min([*heard, *_losses(run, group)], key=lambda its: its.loss).numbers)
        raise
    ranked = sorted(heard, key=lambda its: its.loss)
    return [its for its in ranked[:_CALLED_BACK] if its.loss <= _CLOSE * ranked[0].loss]


def _some_rows(run: Run) -> Samples:
    assert run.train is not None
    most = max(_ROWS, _ROWS_A_NUMBER * FlatView(run.network).size)
    if len(run.train.x) <= most:
        return run.train
    return run.train.rows(torch.randperm(len(run.train.x), generator=run.generator)[:most])


def _start(run: Run, rules: list[KnotRule] | None, rows: Samples, origin: dict[str, Tensor], place: int) -> Run:
    """Return a run of its own for a start, which tells the callbacks of the whole run how it goes."""
    assert run.train is not None
    network = copy.deepcopy(run.network)
    restore_(network, origin)
    if place:
        redraw_(network, run.generator)
        if place % _ALL_SPEAK and len(network.layers) > 2:
            silence_(network, run.generator)
        adopt_targets_(network, run.train.y)
        adopt_domains_(network, run.all_inputs())
    if rules is not None:
        refine_(network, rules, rows.x)
    start = Run(network, rows, None, None, run.penalty, run.move_knots, [], run.generator)
    start.steps = min(_STEPS, run.steps)
    start.callbacks = [_Listener(run, start)]
    return start


@dataclass(eq=False)
class _Listener:
    """Hands the lines of one start on to the whole run; True where that is to stop."""

    run: Run
    start: Run
    step: int = 0

    def __call__(self, line: Progress) -> bool:
        self.run.step += line.step - self.step
        self.step = line.step
        held = None if self.run.held is None else self.start.rmse(self.run.held)
        if not self.run.stopping:
            self.run.tell(Progress(self.run.step, line.grid, line.loss, held))
        return self.run.stopping


def _losses(run: Run, group: Sequence[Run]) -> list[Heard]:
    # Held-back rows, where there are any, tell whether a start has gone astray between the rows that it listens to.
    found = [(start.misfit(run.held or start.train), snapshot(start.network)) for start in group]
    return [Heard(loss if np.isfinite(loss) else np.inf, numbers) for loss, numbers in found]


def _stands_out(losses: Sequence[float]) -> bool:
    return min(losses) * _STANDS_OUT <= float(np.median(losses))
