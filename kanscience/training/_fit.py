"""The loop: from data to a trained network, in place."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from kanscience._checks import check_choice, check_integer
from kanscience._errors import OptionError
from kanscience.network import FlatView, Grid, generator_from, redraw_, refine_, rules_of_layers
from kanscience.training._adam import adam
from kanscience.training._errors_of_parameters import parameter_errors
from kanscience.training._lbfgs import lbfgs
from kanscience.training._levenberg import levenberg_marquardt
from kanscience.training._objective import Regression, ResidualLoss
from kanscience.training._penalties import Penalty
from kanscience.training._report import FitReport, Progress
from kanscience.training._samples import Samples, checked_samples
from kanscience.training._schedule import (
    adopt_domains_,
    adopt_targets_,
    follow_hidden_ranges_,
    is_fresh,
    move_given_domains_,
    restore_,
    snapshot,
)
from kanscience.training._shrinkage import Pull, TowardsPolynomials, TowardsStart, TowardsStraightLines, start_of
from kanscience.training._threads import one_thread
from kanscience.training._weights import model_scatter, normalised_weights

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.network import MultKAN
    from kanscience.splines import KnotRule

OPTIMIZERS = ("auto", "lm", "lbfgs", "adam")
_ROUND = 8  # steps between two looks at ranges and validation
_PATIENCE = 4  # rounds without a better validation loss that end a level
_JACOBIAN_BYTES = 2**30  # up to here Levenberg-Marquardt is the default
_PASSING_STEPS = 16  # most steps with one of several pulls: the next weaker one goes on from there
# Pulls that validation chooses among; the weakest still say where a curve goes that no sample sees.
_STRAIGHTENINGS = tuple(10 ** (-1.5 * k) for k in range(9))
_SHRINKAGES = tuple(10.0**-k for k in range(3, 10))


def fit(
    network: MultKAN,
    inputs: ArrayLike | None,
    targets: ArrayLike | None,
    *,
    sigma: ArrayLike | float | None = None,
    valid: tuple[ArrayLike, ArrayLike] | float | None = None,
    optimizer: str = "auto",
    steps: int | None = None,
    grids: Sequence[Grid] | None = None,
    move_knots: bool | None = None,
    penalty: Penalty | None = None,
    batch_size: int | None = None,
    restarts: int = 0,
    shrink: bool | None = None,
    loss: Callable[[MultKAN], Tensor] | None = None,
    callbacks: Sequence[Callable[[Progress], Any]] = (),
    progress: bool | None = None,
    seed: int | None = None,
) -> FitReport:
    """Train a network in place, from where it stands.

    Args:
        network: its trainable numbers are written; nodes and edges never change. Knots may move and be refined.
        inputs: (N, inputs) array, tensor or frame in the user's units; None with a loss of its own.
        targets: (N,) or (N, outputs); None with a loss of its own.
        sigma: standard errors of the targets, one number, (N,) or (N, outputs), in the targets' unit, above 0. Residuals
            weigh ``1 / (sigma**2 + s**2)``, with s the scatter of the model itself, estimated with the fit.
        valid: rows that decide when to stop and which level is best: ``(inputs, targets)``, or the share of the rows
            to hold back (chosen by ``seed``). None: no early stop.
        optimizer: ``"lm"`` (Levenberg-Marquardt), ``"lbfgs"``, ``"adam"``; ``"auto"`` takes the first where its Jacobian
            fits into 1 GiB and no batch size is given, else Adam for a batch size, else L-BFGS.
        steps: most steps of each level; default 200 for LM, 500 for L-BFGS, 2000 for Adam.
        grids: grid extension, for instance ``(5, 10, 20, 40)``; an entry may be one number a layer. Every level is
            tried; validation decides which one stays.
        move_knots: whether hidden knots follow their ranges. None: yes, except where a domain was given; True moves the
            given domains of the inputs too, False nothing.
        penalty: what edges pay, see `Penalty`.
        batch_size: rows a step (Adam).
        restarts: further starts from redrawn splines, the best of which goes on. 0 continues the present network.
        shrink: whether levels are trained with ever weaker pulls, the first level of a fresh network towards straight
            lines, finer ones towards the coarser curves; held-back rows choose. None: where these say that a level
            follows noise; True: from the beginning on, the most careful way; False: never.
        loss: any callable of the network, in place of data: a vector is residuals (least squares), a scalar is
            minimised as it is.
        callbacks: called with a `Progress` now and then; one that returns True stops the fit.
        progress: a bar. None: in terminals, after a second.
        seed: of held-back rows, batches and restarts.

    Returns:
        What happened; a poor fit is a value there, not an error.

    Raises:
        ShapeError, DataError, OptionError: the input is not usable; nothing was changed.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.linspace(-1, 1, 50)[:, None]
        >>> network = ks.MultKAN([1, 1], seed=0)
        >>> report = ks.fit(network, x, np.exp(x[:, 0]))
        >>> report.loss < 1e-3
        True

    Source: Levenberg-Marquardt: Nielsen, IMM report 1999-05; grid extension: Liu et al., arXiv 2404.19756.
    """
    check_choice("optimizer", optimizer, OPTIMIZERS)
    check_integer("restarts", restarts, least=0)
    if steps is not None:
        check_integer("steps", steps, least=0)
    levels = [rules_of_layers(grid, len(network.layers)) for grid in grids or ()]
    generator = generator_from(seed)
    train, held = None, None
    if loss is None:
        train, held = checked_samples(network, inputs, targets, sigma, valid, generator)
    else:
        _check_own_loss(network, inputs, targets)
    run = _Run(network, train, held, loss, penalty, move_knots, list(callbacks), generator)
    run.optimizer = _chosen_optimizer(optimizer, run, batch_size)
    run.steps = steps if steps is not None else {"lm": 200, "lbfgs": 500, "adam": 2000}[run.optimizer]
    run.batch_size, run.shrink = batch_size, shrink
    with one_thread():
        return _run(run, levels, restarts, progress)


@dataclass
class _Run:
    """One fit on its way."""

    network: MultKAN
    train: Samples | None
    held: Samples | None
    loss: Callable[[MultKAN], Tensor] | None
    penalty: Penalty | None
    move_knots: bool | None
    callbacks: list
    generator: torch.Generator
    optimizer: str = "lm"
    steps: int = 200
    batch_size: int | None = None
    shrink: bool | None = None
    scatter: float = 0.0
    step: int = 0
    damping: float = 1e-2
    status: str = "step limit"
    stopping: bool = False
    fresh: bool = True  # never fitted
    history: list[Progress] = field(default_factory=list)
    best_held: tuple[float, dict] = (np.inf, {})  # of the present descent: judged, snapshot
    bar: Any = None
    begun: float = field(default_factory=time.perf_counter)

    def weights(self) -> Tensor:
        assert self.train is not None
        return normalised_weights(self.train.y, self.train.sigma, self.scatter)

    def rmse(self, samples: Samples | None) -> float:
        """Return the root mean square residual, weighted where errors are given, in the unit of the targets."""
        if samples is None:
            return float("nan")
        residuals = _residuals(self.network, samples)
        if samples.sigma is None:
            return float((residuals**2).mean().sqrt())
        weights = 1 / (samples.sigma**2 + self.scatter**2)
        return float(((weights * residuals**2).sum() / weights.sum()).sqrt())

    def all_inputs(self) -> Tensor:
        """Return the inputs of all rows: ranges hold those that are held back too (inputs tell nothing of targets)."""
        assert self.train is not None
        return self.train.x if self.held is None else torch.cat([self.train.x, self.held.x])

    def judged(self) -> float:
        """Return the loss that decides: of the held-back rows, else of the rows trained on."""
        if self.train is None:
            return _loss_value(self.network, self.loss)
        return self.misfit(self.held if self.held is not None else self.train)

    @torch.no_grad()
    def misfit(self, samples: Samples | None) -> float:
        """Return the root mean square residual as the fit weighs it: small outputs count beside large ones."""
        assert self.train is not None
        assert samples is not None
        if samples.sigma is not None or self.network.n_outputs == 1:
            return self.rmse(samples)
        units = 1 / normalised_weights(self.train.y, None, 0.0)[0]
        return float(((_residuals(self.network, samples) / units) ** 2).mean().sqrt())

    def record(self) -> None:
        """Add a line to the history and tell the callbacks."""
        grid = tuple(int(layer.splines.intervals.max()) for layer in self.network.layers)
        valid = None if self.held is None else self.rmse(self.held)
        loss = self.rmse(self.train) if self.train is not None else _loss_value(self.network, self.loss)
        line = Progress(self.step, grid, loss, valid)
        self.history.append(line)
        if self.held is not None and self.judged() < self.best_held[0]:
            self.best_held = self.judged(), snapshot(self.network)
        told = [callback(line) for callback in self.callbacks]
        self.stopping |= any(answer is True for answer in told)
        if self.bar is not None:
            self.bar.update(self.step - self.bar.n)
            self.bar.set_postfix_str(f"RMSE {loss:.3g}" + ("" if valid is None else f", validation {valid:.3g}"))


def _run(run: _Run, levels: list[list[KnotRule]], restarts: int, progress: bool | None) -> FitReport:
    from tqdm import tqdm

    network = run.network
    origin = snapshot(network)
    run.fresh = is_fresh(network)
    if run.train is not None:
        if run.fresh:
            adopt_targets_(network, run.train.y)
        adopt_domains_(network, run.all_inputs())
        if run.move_knots is True:
            move_given_domains_(network, run.all_inputs())
    total = run.steps * max(len(levels), 1) * (1 + restarts)
    shrinkage = 0.0
    with tqdm(
        total=total, desc="fit", disable=None if progress is None else not progress, delay=1, leave=False
    ) as run.bar:
        best = snapshot(network), np.inf
        try:
            run.record()
            if not np.isfinite(run.history[-1].loss):
                run.status = "not finite"
                restore_(network, origin)
                return _report(run, shrinkage)
            first, *finer = levels or [None]
            shrinkage = _best_start(run, first, restarts)
            best = snapshot(network), run.judged()
            for rules in finer:
                if run.stopping:
                    break
                chosen = _level(run, rules)
                if run.held is None or run.judged() < best[1]:
                    best, shrinkage = (snapshot(network), run.judged()), chosen
        except KeyboardInterrupt:
            run.status, run.callbacks = "interrupted", []  # nobody is asked again
            if not run.judged() < best[1]:
                restore_(network, best[0])
        else:
            if run.judged() > best[1]:
                restore_(network, best[0])
    return _report(run, shrinkage)


def _best_start(run: _Run, rules: list[KnotRule] | None, restarts: int) -> float:
    """Train the first level, from the present network and from redrawn ones; keep the best, return its shrinkage."""
    origin = snapshot(run.network)
    best, lowest, chosen = origin, np.inf, 0.0
    fresh = run.fresh
    for start in range(restarts + 1):
        if start:
            restore_(run.network, origin)
            redraw_(run.network, run.generator)
            fresh = True
            if run.train is not None:
                adopt_targets_(run.network, run.train.y)
                adopt_domains_(run.network, run.all_inputs())
        shrinkage = _level(run, rules, fresh)
        if run.judged() < lowest or start == 0:
            best, lowest, chosen = snapshot(run.network), run.judged(), shrinkage
        if run.stopping:
            break
    restore_(run.network, best)
    return chosen


def _level(run: _Run, rules: list[KnotRule] | None, fresh: bool = False) -> float:
    """Train on the knots of one level; return the shrinkage that validation chose."""
    if rules is not None:
        refine_(run.network, rules, None if run.train is None else run.train.x)
    start, before = snapshot(run.network), run.judged()
    shrinks = run.held is not None and run.penalty is None and run.optimizer == "lm"
    if run.shrink and shrinks:
        return _shrunk(run, fresh)
    _descend(run, run.penalty)
    if rules is not None and run.penalty is None and run.optimizer == "lm" and run.judged() < before / 4:
        _continue_polynomials(run, start)
    if rules is None or run.shrink is False or not shrinks:
        return 0.0
    # Where held-back rows gain nothing, or are predicted much worse than the others, the finer curve follows noise.
    if run.judged() < 0.99 * before and run.misfit(run.held) < 1.5 * run.misfit(run.train):
        return 0.0
    restore_(run.network, start)
    return _shrunk(run, fresh)


def _continue_polynomials(run: _Run, start: dict[str, Tensor]) -> None:
    """Train the level once more so that the outermost polynomials go on where no sample is.

    For smooth exact data, whose loss falls with the grid: there a number that hardly any sample sees wanders off.
    """
    saved, loss = snapshot(run.network), run.judged()
    restore_(run.network, start)
    _descend(run, None, TowardsPolynomials())
    if run.judged() > 1.1 * loss:  # a tenth is little against rows beyond the samples, which miss by many times it
        restore_(run.network, saved)


def _shrunk(run: _Run, fresh: bool) -> float:
    """Train with ever weaker pulls, a fresh network towards straight lines, others to their present curves.

    Each goes on from where the stronger one led; validation keeps the best.
    """
    center = start_of(run.network)
    best, lowest, chosen, waited = snapshot(run.network), np.inf, 0.0, 0
    *stronger, weakest = _STRAIGHTENINGS if fresh else _SHRINKAGES
    for strength in (*stronger, weakest):
        pull = TowardsStraightLines(strength) if fresh else TowardsStart(strength, center)
        _descend(run, None, pull, passing=strength != weakest)  # back to its start where validation likes no step
        if run.judged() < lowest:
            best, lowest, chosen, waited = snapshot(run.network), run.judged(), strength, 0
        else:
            waited += 1
        if run.stopping or waited == (3 if fresh else 2):
            break
    restore_(run.network, best)
    return chosen


def _descend(run: _Run, penalty: Penalty | None, pull: Pull | None = None, passing: bool = False) -> None:
    if run.optimizer == "lm":
        _descend_lm(run, penalty, pull, passing)
        return
    run.best_held = run.judged(), snapshot(run.network)
    minimise = lbfgs if run.optimizer == "lbfgs" else adam
    _update_scatter(run)
    minimise(run, penalty)
    for _ in range(2):  # the residuals say what the scatter is, and the scatter what they weigh
        if run.stopping or not _update_scatter(run):
            break
        minimise(run, penalty)
    if run.held is not None and not run.judged() <= run.best_held[0]:
        restore_(run.network, run.best_held[1])


def _descend_lm(run: _Run, penalty: Penalty | None, pull: Pull | None, passing: bool) -> None:
    """Rounds of Levenberg-Marquardt steps; between them hidden knots follow their ranges and validation looks on."""
    network = run.network
    end = run.step + (min(run.steps, _PASSING_STEPS) if passing else run.steps)
    run.damping = min(run.damping, 1e-2) if passing else 1e-2  # the stronger pull's serves the next one too
    follows = run.move_knots is not False and (pull is None or not pull.holds_knots) and run.train is not None
    best, lowest, waited = snapshot(network), run.judged(), 0
    while run.step < end and not run.stopping:
        _update_scatter(run)
        moved_from = None
        if follows:
            moved_from, before = snapshot(network), run.misfit(run.train)
            _follow(run)
        result = _round(run, penalty, pull, min(_ROUND, end - run.step), 1e-3 if passing else 1e-7)
        run.record()
        if moved_from is not None and run.misfit(run.train) > before and penalty is None and not passing:
            restore_(network, moved_from)  # the moved knots serve worse, even refitted
            follows = False
            continue
        if run.held is not None:
            better = run.judged() < lowest
            waited = 0 if better else waited + 1
            if better:
                best, lowest = snapshot(network), run.judged()
            if waited >= _PATIENCE:
                run.status = "converged"
                break
        if result == "converged" and _update_scatter(run):
            continue
        if result in ("converged", "not finite"):
            run.status = result
            break
    if run.held is not None:
        restore_(network, best)


def _round(run: _Run, penalty: Penalty | None, pull: Pull | None, steps: int, tolerance: float) -> str:
    problem = _problem(run, penalty, pull)
    result = levenberg_marquardt(problem, problem.start(), steps=steps, damping=run.damping, tolerance=tolerance)
    problem.write(result.theta)
    run.damping = result.damping
    run.step += result.step
    return result.status


def _problem(run: _Run, penalty: Penalty | None, pull: Pull | None):
    if run.train is None:
        assert run.loss is not None
        return ResidualLoss(run.network, run.loss)
    x, y, weights = run.train.x, run.train.y, run.weights()
    return Regression(
        run.network, x, y, weights, penalty, None if pull is None else pull.quadratic(run.network, x, weights)
    )


def _follow(run: _Run) -> None:
    hidden = [int(layer.splines.intervals.max()) for layer in run.network.layers[1:]]
    # Half a per cent at fine grids; more while coarse, where ranges still wander.
    margin = max(5e-3, 0.1 / max(hidden, default=1))
    follow_hidden_ranges_(run.network, run.all_inputs(), margin)


def _update_scatter(run: _Run) -> bool:
    """Estimate the scatter of the model anew; return whether it changed so much that the fit has to go on."""
    if run.train is None or run.train.sigma is None:
        return False
    before, samples = run.scatter, run.held if run.held is not None and run.held.sigma is not None else run.train
    freedom = samples.y.numel() if samples is run.held else max(samples.y.numel() - FlatView(run.network).size, 1)
    assert samples.sigma is not None
    run.scatter = model_scatter(_residuals(run.network, samples), samples.sigma, freedom)
    return abs(run.scatter - before) > 1e-3 * before


@torch.no_grad()
def _residuals(network: MultKAN, samples: Samples) -> Tensor:
    return network.outputs(network.sources(samples.x)).T - samples.y


def _report(run: _Run, shrinkage: float) -> FitReport:
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
        scatter=run.scatter,
        shrinkage=shrinkage,
        history=tuple(run.history),
    )
    if not len(run.network.constants) or run.status == "not finite":
        return report
    return replace(report, parameters=parameter_errors(run.network, _problem(run, None, None), run.train, run.scatter))


def _chosen_optimizer(optimizer: str, run: _Run, batch_size: int | None) -> str:
    if batch_size is not None:
        check_integer("batch_size", batch_size)
        if optimizer not in ("auto", "adam"):
            raise OptionError(f"`batch_size` belongs to optimizer 'adam', not to {optimizer!r}, which sees all rows.")
        if run.train is None:
            raise OptionError("`batch_size` needs `inputs` and `targets`; a loss of its own draws its own batches.")
        return "adam"
    if run.train is None:
        value = run.loss(run.network)  # type: ignore[misc]
        if optimizer == "lm" and value.dim() == 0:
            raise OptionError("optimizer 'lm' needs a loss that returns a vector of residuals, not a scalar.")
        return optimizer if optimizer != "auto" else ("lbfgs" if value.dim() == 0 else "lm")
    size = FlatView(run.network).size * run.train.y.numel() * 8
    if optimizer == "auto":
        return "lm" if size <= _JACOBIAN_BYTES and FlatView(run.network).size <= 4000 else "lbfgs"
    return optimizer


def _loss_value(network: MultKAN, loss: Callable[[MultKAN], Tensor] | None) -> float:
    assert loss is not None
    value = loss(network).detach()
    return float(value) if value.dim() == 0 else float((value**2).mean().sqrt())


def _check_own_loss(network: MultKAN, inputs: ArrayLike | None, targets: ArrayLike | None) -> None:
    if inputs is not None or targets is not None:
        raise OptionError("give either `inputs` and `targets`, or a `loss` that holds its own data, not both.")
    if bool(network.layers[0].splines.waiting().any()):
        raise OptionError(
            "a loss without inputs needs a network with a given domain: MultKAN(..., domain=(low, high))."
        )
