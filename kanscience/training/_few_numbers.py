"""When a fit is a regression of few numbers, and how a run goes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanscience.network import FlatView
from kanscience.training._objective import Regression, WithFixedNumbers
from kanscience.training._regression import regression

if TYPE_CHECKING:
    from kanscience.network import MultKAN
    from kanscience.training._levenberg import Descent
    from kanscience.training._penalties import Penalty
    from kanscience.training._run import Run

# A step decomposes the Jacobian, of N rows and n numbers, in the time of 7 N n^2 multiplications, where finding it takes
# a few microseconds a row. Measured on a decay law, both take the same time at 32 numbers; at 64 the step as a whole takes
# thrice as long, milliseconds still. Beyond, splines mostly, the normal equations are the better price.
FEW = 64
_JACOBIAN_NUMBERS = 2**24  # at once in memory: 128 MiB
STEPS = 1000  # most of them, where the caller has no wish
_UNEXPLAINED = 0.1  # share of the variance that a law may miss before its fit is doubted
_ROUND = 8  # steps between two lines of the history


def is_regression(run: Run) -> bool:
    """Return whether a run fits a law: named constants and perhaps other numbers, few of them, and no curve."""
    network = run.network
    if run.train is None or run.optimizer != "lm" or not bool(network.constants_trainable.any()):
        return False
    curves = any(bool((layer.splines.active & layer.splines.trainable).any()) for layer in network.layers)
    numbers = FlatView(network).size
    return not curves and numbers <= FEW and numbers * run.train.y.numel() <= _JACOBIAN_NUMBERS


def regress(run: Run, penalty: Penalty | None) -> None:
    """Minimise the run's misfit from the network's present numbers; callbacks may stop it. No edge has a price here."""
    assert run.train is not None
    everything = Regression(run.network, run.train.x, run.train.y, run.weights())
    problem = WithFixedNumbers(everything, superfluous(run.network))
    begun = run.step

    def told(state: Descent) -> bool:
        run.step += 1
        if (run.step - begun) % _ROUND == 0:
            run.record()
        return run.stopping

    # Weights are such that the best constant has a sum of squares of 1 for each output.
    doubtful = _UNEXPLAINED * run.network.n_outputs
    done = regression(problem, problem.start(), steps=run.steps, doubtful=doubtful, callback=told)
    everything.write(problem.full(done.theta))
    run.status = done.status


def superfluous(network: MultKAN) -> np.ndarray:
    """Return which numbers of `FlatView` have a simple value that another makes up for: x**2 in place of (a*x)**2.

    Free, they would run off together along directions of which the data tell nothing.
    """
    view, found = FlatView(network), []
    for layer, trained in zip(network.layers, view.trained, strict=True):
        for name, index in trained.items():
            terms = [layer.terms.terms[k] for k in index[0].tolist()] if name == "terms.slope" else []
            now = layer.terms.slope[index[0]].tolist() if terms else []
            held = [t.function.homogeneous is not None and t.slope.exact is not None for t in terms]
            found += [h and t.slope.value == value for h, t, value in zip(held, terms, now, strict=True)]
            found += [False] * (0 if terms else len(index[0]))
    return np.array(found + [False] * (view.size - len(found)), dtype=bool)
