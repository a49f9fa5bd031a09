"""L-BFGS on all rows, by scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kanscience.network import FlatView
from kanscience.training._units import unit_of_numbers

if TYPE_CHECKING:
    from kanscience.training._penalties import Penalty


def lbfgs(run: Any, penalty: Penalty | None) -> None:
    """Minimise the run's loss from the network's present numbers; callbacks may stop it."""
    from scipy.optimize import minimize

    from kanscience.training._gradients import terms_of, value_and_slopes

    view = FlatView(run.network)
    terms, parameters = terms_of(run, penalty), view.parameters()
    unit = 1.0 if run.train is None else unit_of_numbers(run.network, view, run.train.y).double().numpy()

    def value_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        view.write_(torch.from_numpy(theta * unit))
        value, slopes = value_and_slopes(terms(None), parameters)
        if not bool(torch.isfinite(value)):  # a pole, or beyond the real domain: the line search turns back at a wall
            return wall, np.zeros_like(theta)
        return float(value), view.gather(slopes).double().numpy() * unit

    def told(_: np.ndarray) -> None:
        run.step += 1
        if run.step % 10 == 0:
            run.record()
        if run.stopping:
            raise StopIteration

    start, wall = view.read().double().numpy() / unit, np.inf
    wall = 10 * value_and_gradient(start)[0] + 1
    result = minimize(
        value_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        callback=told,
        options={"maxiter": run.steps, "maxcor": 30, "ftol": 1e-14, "gtol": 1e-12},
    )
    run.status = "step limit" if result.nit >= run.steps else "converged"
    view.write_(torch.from_numpy(unit * (result.x if np.isfinite(result.fun) else start)))
