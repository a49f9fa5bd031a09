"""Many starts are heard before one is trained: a deep network finds its way from few of them.

Of random starts of [4, 2, 1, 1], say, one in six finds exp((sin + sin)/2) and the others stick for good. Which one it is
shows within some forty steps on a coarse grid, where the loss of a start that found its way is a small part of the
others'. So starts are heard in groups, side by side, until one stands out, which is trained in full.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience.network import FlatView, redraw_, refine_
from kanscience.training._courses import Course, together
from kanscience.training._descent import descend
from kanscience.training._few_numbers import is_regression
from kanscience.training._report import Progress
from kanscience.training._run import Run, residuals_of
from kanscience.training._schedule import adopt_domains_, adopt_targets_, restore_, snapshot
from kanscience.training._weights import normalised_weights

if TYPE_CHECKING:
    from kanscience.network import MultKAN
    from kanscience.splines import KnotRule
    from kanscience.training._samples import Samples

FEWEST = 8  # restarts from which on starts are heard; fewer are all trained in full, which no hearing can misjudge
_STEPS = 40  # measured: 20 leave some starts on their way, and of those that stick after 40 few come loose by 160
_ROWS = 1000  # most that a hearing listens to; the finer levels see all
_ROWS_A_NUMBER = 3  # but so many for each trained number at least, or a loss says nothing
_GROUP = 8  # starts heard side by side: with one in six of them good, three groups in four hold one
_STANDS_OUT = 20.0  # times below the starts that stick, which lie within a factor of 3 of each other
_STUCK = 7 / 8  # of the starts are at least as good as those: of networks with many sums most find their way
CALLED_BACK = 3  # starts at most, of those
_USUAL = 0.98  # of the rows, by which a start is judged
_CLOSE = 3.0  # times the best one's loss: what more steps may well turn round


@dataclass(frozen=True, eq=False)
class Heard:
    """A start after its hearing."""

    loss: float
    numbers: dict[str, Tensor]  # as `snapshot` gives them


def can_be_heard(run: Run, restarts: int) -> bool:
    """Return whether starts are heard: many of them, in a regression by Levenberg-Marquardt."""
    return restarts >= FEWEST and run.train is not None and run.optimizer == "lm" and not is_regression(run)


class Hearing:
    """Starts of a run, heard group by group.

    Args:
        run: its network, the first start, is written at Ctrl-C only.
        rules: knots of the level to hear on; None: the present ones.
        restarts: redrawn starts at most.
    """

    def __init__(self, run: Run, rules: list[KnotRule] | None, restarts: int) -> None:
        self.run, self.rules, self.restarts = run, rules, restarts
        self.origin, self.rows = snapshot(run.network), _some_rows(run)
        self.heard: list[Heard] = []
        self.dismissed: list[Heard] = []

    def candidate(self) -> Course[Heard | None]:
        """Hear until a start stands out that has not been dismissed, and return it; None when there is no more to hear.

        Ctrl-C leaves the best of the starts heard so far in the run's network.
        """
        while True:
            best = min((its for its in self.heard if its not in self.dismissed), key=_loss, default=None)
            if best is not None and self._stands_out(best.loss):
                return best
            if len(self.heard) > self.restarts or self.run.stopping:
                return None
            yield from self._hear_a_group()

    def _hear_a_group(self) -> Course[None]:
        starts = range(len(self.heard), min(len(self.heard) + _GROUP, self.restarts + 1))
        group = [self._start(place) for place in starts]
        try:
            yield from together([descend(start, self.run.penalty) for start in group])
        except KeyboardInterrupt:
            restore_(self.run.network, min([*self.heard, *self._judged(group)], key=_loss).numbers)
            raise
        self.heard += self._judged(group)

    def called_back(self) -> list[Heard]:
        """Return the starts to be trained in full, the best first."""
        ranked = sorted(self.heard, key=_loss)
        return [its for its in ranked[:CALLED_BACK] if its.loss <= _CLOSE * ranked[0].loss]

    def _start(self, place: int) -> Run:
        run, network = self.run, copy.deepcopy(self.run.network)
        assert run.train is not None
        restore_(network, self.origin)
        if place:
            redraw_(network, run.generator)
            adopt_targets_(network, run.train.y)
            adopt_domains_(network, run.all_inputs())
        if self.rules is not None:
            refine_(network, self.rules, self.rows.x)
        return short_run(run, network, self.rows)

    def _judged(self, group: Sequence[Run]) -> list[Heard]:
        # Held-back rows, where there are any, tell whether a start has gone astray between the rows that it listens to.
        found = [(_usual_misfit(start, self.run.held or self.rows), snapshot(start.network)) for start in group]
        return [Heard(loss if np.isfinite(loss) else np.inf, numbers) for loss, numbers in found]

    def _stands_out(self, loss: float) -> bool:
        return loss * _STANDS_OUT <= float(np.quantile([its.loss for its in self.heard], _STUCK))


def _loss(heard: Heard) -> float:
    return heard.loss


@torch.no_grad()
def _usual_misfit(start: Run, samples: Samples) -> float:
    """Return the weighted root mean square residual of all rows but the worst, beyond the ranges it has seen."""
    weights = normalised_weights(samples.y, samples.sigma, 0.0)
    squares = ((weights * residuals_of(start.network, samples)).double() ** 2).mean(dim=1).sort().values
    return float(squares[: max(int(_USUAL * len(squares)), 1)].mean().sqrt())


def _some_rows(run: Run) -> Samples:
    assert run.train is not None
    most = max(_ROWS, _ROWS_A_NUMBER * FlatView(run.network).size)
    if len(run.train.x) <= most:
        return run.train
    return run.train.rows(torch.randperm(len(run.train.x), generator=run.generator)[:most])


def short_run(run: Run, network: MultKAN, rows: Samples) -> Run:
    """Return a run of a few steps of its own, which tells the callbacks of the whole run how it goes."""
    short = Run(network, rows, None, None, run.penalty, run.move_knots, [], run.generator)
    short.steps = min(_STEPS, run.steps)
    short.callbacks = [_Listener(run, short)]
    return short


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
