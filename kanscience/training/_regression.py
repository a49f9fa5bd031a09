"""Nonlinear regression as scientists know it: few numbers, any start, dependable."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kanscience.training._levenberg import Descent
from kanscience.training._projection import Projected, linear_numbers
from kanscience.training._trust_region import Residuals, trust_region

_DEGENERATE = 1e-7  # least singular value of a Jacobian with columns of length 1, below which numbers ran off together
_FIRST = 500  # most steps of the first descent: one that goes anywhere has arrived by then


def regression(
    problem: Residuals,
    theta: np.ndarray,
    *,
    steps: int,
    doubtful: float = np.inf,
    callback: Callable[[Descent], bool] | None = None,
) -> Descent:
    """Minimise from ``theta`` in a trust region, and where that leads nowhere once more with linear numbers projected out.

    The result of the first descent is doubted where it is not converged; where it explains little, stuck behind a
    pole, say; and where the data do not determine it: numbers have run off together to where only a
    combination of them counts. The better of the two results is returned.

    Args:
        problem: residuals and their Jacobian.
        theta: (size,) start.
        steps: most accepted steps, of all descents together.
        doubtful: the loss from which on a result explains too little to be trusted.
        callback: sees every accepted step; True stops.
    """
    first = trust_region(problem, theta, steps=min(steps, _FIRST), callback=callback)
    if first.status in ("stopped", "not finite") or first.step >= steps:
        return first
    if first.status == "converged" and first.loss < doubtful and _is_determined(problem, first.theta):
        return first
    second = _projected(problem, theta, steps - first.step, callback)
    if second is None or not second.loss < first.loss:
        return first
    second.step += first.step
    return second


def _projected(
    problem: Residuals, theta: np.ndarray, steps: int, callback: Callable[[Descent], bool] | None
) -> Descent | None:
    """Return the result without linear numbers, polished with all of them; None where there is no such way."""
    linear = linear_numbers(problem, theta)
    if not linear.any():
        return None
    projected = Projected(problem, theta, linear)
    reduced = trust_region(projected, projected.start(), steps=steps, callback=callback)
    if reduced.status == "not finite":
        return None
    polished = trust_region(
        problem, projected.full(reduced.theta), steps=max(steps - reduced.step, 1), callback=callback
    )
    polished.step += reduced.step
    return polished


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _is_determined(problem: Residuals, theta: np.ndarray) -> bool:
    """Return whether the data determine every number, to some digits at least."""
    _, rows = problem.linearize(theta)
    lengths = np.linalg.norm(rows, axis=1)
    sizes = lengths * np.abs(theta)
    if not np.isfinite(rows).all() or not lengths.all() or sizes.min() < _DEGENERATE * sizes.max():
        return False
    return bool(np.linalg.svd(rows / lengths[:, None], compute_uv=False).min() > _DEGENERATE)
