"""From coarse knots to fine ones: the best of several starts, then level by level, the best of all kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience.network import redraw_, refine_
from kanscience.training._courses import Course
from kanscience.training._descent import descend, problem_of
from kanscience.training._errors_of_parameters import determined
from kanscience.training._few_sums import give_up_sums, put_back
from kanscience.training._hearing import CALLED_BACK, Heard, Hearing, can_be_heard, short_run
from kanscience.training._report import FitReport
from kanscience.training._run import Run
from kanscience.training._schedule import (
    adopt_domains_,
    adopt_targets_,
    is_fresh,
    move_given_domains_,
    restore_,
    snapshot,
)
from kanscience.training._shrinkage import TowardsPolynomials, TowardsStart, TowardsStraightLines, start_of

if TYPE_CHECKING:
    from kanscience.splines import KnotRule
    from kanscience.training._samples import Samples

# Pulls that validation chooses among; the weakest still say where a curve goes that no sample sees.
_STRAIGHTENINGS = tuple(10 ** (-1.5 * k) for k in range(9))
_SHRINKAGES = tuple(10.0**-k for k in range(3, 10))
_WAITS = 3  # straightenings without a better validation loss that end them; of shrinkages, finer ones, one less
_GAINS = 0.99  # times the held-back loss: what a finer level gains less than that may be chance
_WORSE = 1.5  # times the training loss: beyond, held-back rows are predicted much worse than the others
_RESOLVED = 4.0  # times less, in theory 16, is the loss where twice as many knots resolve more of a smooth function
_ROUNDING = 8  # last places of the largest target that a root mean square of roundings may reach


def train_levels(run: Run, levels: list[list[KnotRule]], restarts: int, progress: bool | None) -> Course[FitReport]:
    """Train a run's network on the knots that it has, or on those of every level in turn; the best of them stays."""
    from tqdm import tqdm

    origin = snapshot(run.network)
    try:
        _meet_data(run)
    except KeyboardInterrupt:  # while kernels are compiled, say: nothing is changed then
        restore_(run.network, origin)
        raise
    total = run.steps * max(len(levels), 1) * (1 + restarts)
    silent = None if progress is None else not progress
    with tqdm(total=total, desc="fit", disable=silent, delay=1, leave=False) as run.bar:
        run.record()
        if not np.isfinite(run.history[-1].loss):
            run.status = "not finite"
            restore_(run.network, origin)
            return _report(run, shrinkage=0.0)
        return _report(run, (yield from _all_levels(run, levels, restarts)))


def _meet_data(run: Run) -> None:
    """Give a network that has seen no data their ranges."""
    run.fresh = is_fresh(run.network)
    if run.train is None:
        return
    if run.fresh:
        adopt_targets_(run.network, run.train.y)
    adopt_domains_(run.network, run.all_inputs())
    if run.move_knots is True:
        move_given_domains_(run.network, run.all_inputs())


def _all_levels(run: Run, levels: list[list[KnotRule]], restarts: int) -> Course[float]:
    """Train level by level; leave the best network, return its shrinkage. Ctrl-C ends where it is."""
    best, shrinkage = (snapshot(run.network), run.judged()), 0.0
    try:
        first, *finer = levels or [None]
        if can_be_heard(run, restarts):
            hearing = Hearing(run, first, restarts)
            if (yield from _goes_all_the_way(run, levels, hearing)):
                return 0.0
            best = snapshot(run.network), run.judged()
            shrinkage = yield from _best_of(run, first, _recalled(run, hearing.called_back()))
        else:
            shrinkage = yield from _best_of(run, first, _redrawn(run, restarts))
        best = snapshot(run.network), run.judged()
        for rules in finer:
            if run.stopping:
                break
            chosen = yield from _level(run, rules)
            if run.held is None or run.judged() < best[1]:
                best, shrinkage = (snapshot(run.network), run.judged()), chosen
    except KeyboardInterrupt:
        run.status, run.callbacks = "interrupted", []  # nobody is asked again
    if not run.judged() <= best[1]:
        restore_(run.network, best[0])
    return shrinkage


def _goes_all_the_way(run: Run, levels: list[list[KnotRule]], hearing: Hearing) -> Course[bool]:
    """Train a start that stands out with as few of its sums as serve; return whether every level resolved more.

    If not, other starts or more sums may do better; the network that came closest stays, at Ctrl-C too.
    """
    closest, lowest = snapshot(run.network), run.judged()
    try:
        for _ in range(CALLED_BACK):
            heard = yield from hearing.candidate()
            # Without a finer level nothing tells whether a sum is missing; a penalty is the user's own way to fewer.
            if heard is None or run.stopping or len(levels) < 2 or run.penalty is not None:
                break
            restore_(run.network, heard.numbers)
            resolved = yield from _with_few_sums(run, levels, hearing.rows)
            if run.judged() < lowest:
                closest, lowest = snapshot(run.network), run.judged()
                if resolved:
                    return True
            hearing.dismissed.append(heard)
    except KeyboardInterrupt:
        if not run.judged() <= lowest:
            restore_(run.network, closest)
        raise
    restore_(run.network, closest)
    return False


def _with_few_sums(run: Run, levels: list[list[KnotRule]], rows: Samples) -> Course[bool]:
    """Train as few sums of the present network as serve, level by level, as long as each resolves more."""
    whole = run.network
    short = short_run(run, whole, rows)
    kept = yield from give_up_sums(short)
    run.network = short.network
    try:
        yield from _level(run, levels[0], fresh=True)
        for rules in levels[1:]:
            if run.stopping:
                break
            before, loss = snapshot(run.network), run.judged()
            yield from _level(run, rules)
            if not run.judged() < loss / _RESOLVED:
                if run.judged() > loss:
                    restore_(run.network, before)
                return False
        return True
    finally:
        restore_(whole, snapshot(put_back(run.network, kept, whole)))
        run.network = whole


def _best_of(run: Run, rules: list[KnotRule] | None, starts: Iterable[bool]) -> Course[float]:
    """Train the first level from several starts; keep the best, return its shrinkage.

    Args:
        run: whose network is trained.
        rules: knots of the level.
        starts: writes the network anew at each turn, and says whether it is fresh.
    """
    best, lowest, chosen = snapshot(run.network), np.inf, 0.0
    for place, fresh in enumerate(starts):
        shrinkage = yield from _level(run, rules, fresh)
        if run.judged() < lowest or place == 0:
            best, lowest, chosen = snapshot(run.network), run.judged(), shrinkage
        if run.stopping or _is_exact(run):
            break
    restore_(run.network, best)
    return chosen


def _redrawn(run: Run, restarts: int) -> Iterator[bool]:
    """Start from the present network, then from redrawn ones."""
    origin = snapshot(run.network)
    yield run.fresh
    for _ in range(restarts):
        restore_(run.network, origin)
        redraw_(run.network, run.generator)
        if run.train is not None:
            adopt_targets_(run.network, run.train.y)
            adopt_domains_(run.network, run.all_inputs())
        yield True


def _recalled(run: Run, called_back: list[Heard]) -> Iterator[bool]:
    """Start from where hearings ended."""
    for heard in called_back:
        restore_(run.network, heard.numbers)
        yield True


def _is_exact(run: Run) -> bool:
    """Return whether only rounding is left: no other start does better."""
    if run.train is None:
        return False
    y = run.train.y
    return run.judged() <= _ROUNDING * torch.finfo(y.dtype).eps * float(y.abs().max())


def _level(run: Run, rules: list[KnotRule] | None, fresh: bool = False) -> Course[float]:
    """Train on the knots of one level; return the shrinkage that validation chose."""
    if rules is not None:
        refine_(run.network, rules, None if run.train is None else run.train.x)
    start, before, line = snapshot(run.network), run.judged(), len(run.history)
    unpenalised = run.penalty is None and run.optimizer == "lm"
    shrinks = unpenalised and run.held is not None
    if run.shrink and shrinks:
        return (yield from _shrunk(run, fresh))
    yield from descend(run, run.penalty)
    if unpenalised and rules is not None and (run.judged() < before / _RESOLVED or _misses_held_rows(run)):
        yield from _continue_polynomials(run, start, line)
    if rules is None or run.shrink is False or not shrinks:
        return 0.0
    # Where held-back rows gain nothing, or are predicted much worse than the others, the finer curve may follow noise.
    lowest = run.judged()
    resolves = not fresh and lowest < before / _RESOLVED  # of noise there is not so much less on finer knots
    if lowest < _GAINS * before and (resolves or not _misses_held_rows(run)):
        return 0.0
    free = snapshot(run.network)
    restore_(run.network, start)
    shrinkage = yield from _shrunk(run, fresh)
    if run.judged() <= lowest:
        return shrinkage
    restore_(run.network, free)
    return 0.0


def _misses_held_rows(run: Run) -> bool:
    """Return whether held-back rows are predicted much worse than the others: after noise, or beyond a hidden range."""
    return run.held is not None and run.misfit(run.held) > _WORSE * run.misfit(run.train)


def _continue_polynomials(run: Run, start: dict[str, Tensor], line: int) -> Course[None]:
    """Train the level once more so that the outermost polynomials go on where no sample is.

    For smooth exact data, whose loss falls with the grid: there a number that hardly any sample sees wanders off.
    The history keeps the lines of the pass that stays; those of the level begin at ``line``.
    """
    saved, loss, again = snapshot(run.network), run.judged(), len(run.history)
    restore_(run.network, start)
    yield from descend(run, None, TowardsPolynomials())
    if run.judged() > _WORSE * loss:  # less is little against rows beyond the samples, which miss by many times it
        restore_(run.network, saved)
        del run.history[again:]
    else:
        del run.history[line:again]


def _shrunk(run: Run, fresh: bool) -> Course[float]:
    """Train with ever weaker pulls, a fresh network towards straight lines, others to their present curves.

    Each goes on from where the stronger one led; validation keeps the best.
    """
    center = start_of(run.network)
    best, lowest, chosen, waited = snapshot(run.network), np.inf, 0.0, 0
    *stronger, weakest = _STRAIGHTENINGS if fresh else _SHRINKAGES
    for strength in (*stronger, weakest):
        pull = TowardsStraightLines(strength) if fresh else TowardsStart(strength, center)
        yield from descend(
            run, None, pull, passing=strength != weakest
        )  # back to its start where validation likes no step
        if run.judged() < lowest:
            best, lowest, chosen, waited = snapshot(run.network), run.judged(), strength, 0
        else:
            waited += 1
        if run.stopping or waited == (_WAITS if fresh else _WAITS - 1):
            break
    restore_(run.network, best)
    return chosen


def _report(run: Run, shrinkage: float) -> FitReport:
    run.record()
    last = run.history[-1]
    report = FitReport(
        status="stopped" if run.stopping else run.status,
        optimizer=run.optimizer,
        loss=last.loss,
        valid_loss=last.valid_loss,
        steps=run.step,
        seconds=time.perf_counter() - run.begun,
        grid=last.grid,
        measure=run.measure,
        scatter=run.scatter,
        shrinkage=shrinkage,
        history=tuple(run.history),
    )
    if not len(run.network.constants) or run.status == "not finite":
        return report
    found = determined(run.network, problem_of(run, None, None), run.train, run.scatter)
    return replace(report, **vars(found))
