"""Downhill on knots of one fineness, by the optimiser of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanscience.network import FlatView
from kanscience.training._adam import adam
from kanscience.training._courses import Course
from kanscience.training._few_numbers import is_regression, regress
from kanscience.training._lbfgs import lbfgs
from kanscience.training._levenberg import descending
from kanscience.training._objective import Regression, ResidualLoss
from kanscience.training._run import Run, residuals_of
from kanscience.training._schedule import follow_hidden_ranges_, restore_, snapshot
from kanscience.training._weights import model_scatter

if TYPE_CHECKING:
    from kanscience.training._penalties import Penalty
    from kanscience.training._shrinkage import Pull

_ROUND = 8  # steps between two looks at ranges and validation
_PATIENCE = 4  # rounds without a better validation loss that end a level
_PASSING_STEPS = 16  # most steps with one of several pulls: the next weaker one goes on from there


def descend(run: Run, penalty: Penalty | None, pull: Pull | None = None, passing: bool = False) -> Course[None]:
    """Minimise from where the network stands; where rows are held back, leave the numbers that serve them best.

    Args:
        run: whose network is written.
        penalty, pull: what is paid beside the misfit.
        passing: a few coarse steps suffice, the next descent goes on from there (Levenberg-Marquardt).
    """
    if not FlatView(run.network).size:
        run.status = "converged"  # nothing is free
        return
    law = is_regression(run)
    if run.optimizer == "lm" and not law:
        yield from _descend_lm(run, penalty, pull, passing)
        return
    run.best_held = run.judged(), snapshot(run.network)
    minimise = regress if law else lbfgs if run.optimizer == "lbfgs" else adam
    update_scatter(run)
    minimise(run, penalty)
    for _ in range(20 if law else 2):  # the residuals say what the scatter is, and the scatter what they weigh
        if run.stopping or not update_scatter(run):
            break
        minimise(run, penalty)
    if run.held is not None and not run.judged() <= run.best_held[0]:
        restore_(run.network, run.best_held[1])


def _descend_lm(run: Run, penalty: Penalty | None, pull: Pull | None, passing: bool) -> Course[None]:
    """Rounds of Levenberg-Marquardt steps; between them hidden knots follow their ranges and validation looks on."""
    steps, tolerance = (min(run.steps, _PASSING_STEPS), 1e-3) if passing else (run.steps, 1e-7)
    end = run.step + steps
    run.damping = min(run.damping, 1e-2) if passing else 1e-2  # the stronger pull's serves the next one too
    follows = run.move_knots is not False and run.train is not None and not (pull and pull.holds_knots)
    must_gain = penalty is None and pull is None
    watch, rest, pause = _Watch(run), 0, 1
    while run.step < end and not run.stopping:
        update_scatter(run)
        moves = follows and rest == 0
        rest = max(rest - 1, 0)
        if moves:
            start, before = snapshot(run.network), run.misfit(run.train)
            _follow(run)
        result = yield from _round(run, penalty, pull, min(_ROUND, end - run.step), tolerance)
        if moves and must_gain and run.misfit(run.train) > before:
            restore_(run.network, start)  # the moved knots serve worse, even refitted
            rest, pause = pause, 2 * pause
            continue
        run.record()
        if not watch.goes_on():
            run.status = "converged"
            break
        if result == "converged" and update_scatter(run):
            continue
        if result in ("converged", "not finite"):
            run.status = result
            break
    watch.restore_best()


class _Watch:
    """Held-back rows, where there are some, look on: the best numbers so far, and how long nothing was better."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.best, self.lowest, self.waited = snapshot(run.network), run.judged(), 0

    def goes_on(self) -> bool:
        """Look at the present network; return whether there is still hope."""
        if self.run.held is None:
            return True
        judged = self.run.judged()
        self.waited += 1
        if judged < self.lowest:
            self.best, self.lowest, self.waited = snapshot(self.run.network), judged, 0
        return self.waited < _PATIENCE

    def restore_best(self) -> None:
        """Leave the network that served the held-back rows best."""
        if self.run.held is not None:
            restore_(self.run.network, self.best)


def _round(run: Run, penalty: Penalty | None, pull: Pull | None, steps: int, tolerance: float) -> Course[str]:
    problem = problem_of(run, penalty, pull)
    result = yield from descending(problem, problem.start(), steps=steps, damping=run.damping, tolerance=tolerance)
    problem.write(result.theta)
    run.damping = result.damping
    run.step += result.step
    return result.status


def problem_of(run: Run, penalty: Penalty | None, pull: Pull | None) -> Regression | ResidualLoss:
    """Return what Levenberg-Marquardt minimises."""
    if run.train is None:
        assert run.loss is not None
        return ResidualLoss(run.network, run.loss)
    x, y, weights = run.train.x, run.train.y, run.weights()
    quadratic = None if pull is None else pull.quadratic(run.network, x, weights)
    return Regression(run.network, x, y, weights, penalty, quadratic)


def _follow(run: Run) -> None:
    hidden = [int(layer.splines.intervals.max()) for layer in run.network.layers[1:]]
    # Half a per cent at fine grids; more while coarse, where ranges still wander.
    margin = max(5e-3, 0.1 / max(hidden, default=1))
    follow_hidden_ranges_(run.network, run.all_inputs(), margin)


def update_scatter(run: Run) -> bool:
    """Estimate the scatter of the model anew; return whether it changed so much that the fit has to go on."""
    if run.train is None or run.train.sigma is None:
        return False
    before, samples = run.scatter, run.held if run.held is not None and run.held.sigma is not None else run.train
    freedom = samples.y.numel() if samples is run.held else max(samples.y.numel() - FlatView(run.network).size, 1)
    assert samples.sigma is not None
    run.scatter = model_scatter(residuals_of(run.network, samples), samples.sigma, freedom)
    return abs(run.scatter - before) > 1e-3 * before
