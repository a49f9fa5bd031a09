"""Levenberg-Marquardt: damped Gauss-Newton steps for a sum of squares plus a quadratic penalty.

The damping follows Nielsen (IMM report 1999-05): it falls smoothly where the quadratic model predicts the loss well
and rises ever faster where it does not. The normal equations are scaled to a unit diagonal, so that neither the
units of the parameters nor those of the data change a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from kanscience.training._courses import Course, Question, followed

_SMALLEST_DAMPING = 1e-14  # below, Cholesky of a unit-diagonal matrix sees only rounding
_LARGEST_DAMPING = 1e10  # a step this short changes no digit of the loss
_EMPTY_COLUMN = 1e-14  # of the largest diagonal entry of its kind: a number that no sample determines stays


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The penalty ``(theta - center) @ matrix @ (theta - center)``; a matrix of one axis is a diagonal."""

    matrix: np.ndarray
    center: np.ndarray

    def slope(self, theta: np.ndarray) -> np.ndarray:
        """Return half the derivative, ``matrix @ (theta - center)``."""
        away = theta - self.center
        return self.matrix * away if self.matrix.ndim == 1 else self.matrix @ away

    def value(self, theta: np.ndarray) -> float:
        """Return the penalty."""
        return float((theta - self.center) @ self.slope(theta))

    def add_to(self, normal: np.ndarray) -> None:
        """Add the matrix to another."""
        if self.matrix.ndim == 1:
            normal.flat[:: len(normal) + 1] += self.matrix
        else:
            normal += self.matrix


@runtime_checkable
class LeastSquares(Protocol):
    """What is minimised: ``|residuals|**2`` plus a quadratic penalty.

    ``kinds`` are the runs of numbers of one kind, whose derivatives are of comparable size whatever the units.
    """

    @property
    def kinds(self) -> Sequence[slice]:
        """Return the runs."""
        ...

    def loss(self, theta: np.ndarray) -> float:
        """Return ``|residuals|**2``."""
        ...

    def normal_equations(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the loss, ``J @ J.T`` and ``J @ residuals`` for the transposed Jacobian J; the caller may change both."""
        ...

    def quadratic(self, theta: np.ndarray) -> Quadratic | None:
        """Return the penalty around these numbers, or None; asked once a step."""
        ...


@dataclass
class Descent:
    """Where the minimisation stands; handed to the callback after every accepted step."""

    theta: np.ndarray
    loss: float  # |residuals|**2, without the penalty
    damping: float = 1e-2
    step: int = 0
    status: str = "step limit"
    falls: list[float] = field(default_factory=list)  # of loss and penalty together, relative, step by step


def levenberg_marquardt(
    problem: LeastSquares,
    theta: np.ndarray,
    *,
    steps: int,
    damping: float = 1e-2,
    tolerance: float = 1e-9,
    callback: Callable[[Descent], bool] | None = None,
) -> Descent:
    """Minimise from ``theta``; a step that does not lower a finite loss is never taken.

    Args:
        problem: loss, normal equations, penalty.
        theta: (size,) start.
        steps: most accepted steps.
        damping: at the start, relative to the unit diagonal.
        tolerance: relative fall of loss and penalty, over three steps, below which the descent counts as converged.
        callback: sees every accepted step; True stops.

    Returns:
        The last accepted state with status "converged", "step limit", "stopped" or "not finite".
    """
    return followed(descending(problem, theta, steps=steps, damping=damping, tolerance=tolerance, callback=callback))


def descending(
    problem: LeastSquares,
    theta: np.ndarray,
    *,
    steps: int,
    damping: float = 1e-2,
    tolerance: float = 1e-9,
    callback: Callable[[Descent], bool] | None = None,
) -> Course[Descent]:
    """Return the course of `levenberg_marquardt`."""
    state = Descent(theta.copy(), np.inf, damping)
    while state.step < steps:
        (found,) = yield [Question(problem, state.theta, derivatives=True)]
        state.loss, normal, gradient = found
        if not np.isfinite(state.loss):
            state.status = "not finite"
            return state
        if not (yield from _advancing(problem, state, normal, gradient)):
            state.status = "converged"  # no step of any length lowers the loss
            return state
        state.step += 1
        if callback is not None and callback(state):
            state.status = "stopped"
            return state
        if state.step >= 3 and sum(state.falls[-3:]) <= tolerance:
            state.status = "converged"
            return state
    return state


def _advancing(problem: LeastSquares, state: Descent, normal: np.ndarray, gradient: np.ndarray) -> Course[bool]:
    """Take one step, with as much damping as it needs; return whether there was one."""
    if not len(gradient):
        return False
    value = state.loss
    penalty = problem.quadratic(state.theta)
    if penalty is not None:
        penalty.add_to(normal)
        gradient += penalty.slope(state.theta)
        value += penalty.value(state.theta)
    scale = _unit_diagonal(normal, problem.kinds)
    if scale is None:
        return False
    gradient *= scale
    growth = 2.0
    while state.damping < _LARGEST_DAMPING:
        step = _solve(normal, gradient, state.damping)
        if step is not None:
            theta = state.theta - scale * step
            (loss,) = yield [Question(problem, theta)]
            new_value = loss if penalty is None else loss + penalty.value(theta)
            if new_value < value:  # False for NaN and infinity
                predicted = float(step @ (state.damping * step + gradient))
                gain = (value - new_value) / predicted if predicted > 0 else 0.0
                state.damping = max(state.damping * max(1 / 5, 1 - (2 * gain - 1) ** 3), _SMALLEST_DAMPING)
                state.theta, state.loss = theta, loss
                state.falls.append((value - new_value) / value)
                return True
        state.damping *= growth
        growth *= 2
    state.damping = 1e-2
    return False


@np.errstate(over="ignore", invalid="ignore")
def _unit_diagonal(normal: np.ndarray, kinds: Sequence[slice]) -> np.ndarray | None:
    """Scale a matrix, in place, to a diagonal of ones, and return the factors; None where nothing has a derivative."""
    diagonal = normal.diagonal()
    largest = np.concatenate([np.full(k.stop - k.start, diagonal[k].max(initial=0.0)) for k in kinds])
    if not largest.max(initial=0.0) > 0 or not np.isfinite(largest).all():
        return None
    scale = 1 / np.sqrt(np.maximum(diagonal, np.where(largest > 0, _EMPTY_COLUMN * largest, 1.0)))
    normal *= scale[:, None]
    normal *= scale
    return scale


@np.errstate(over="ignore", invalid="ignore")
def _solve(normal: np.ndarray, gradient: np.ndarray, damping: float) -> np.ndarray | None:
    damped = normal.copy().T  # symmetric: LAPACK takes it in this order without a copy of its own
    damped[np.diag_indices(len(damped))] += damping
    try:
        return cho_solve(
            cho_factor(damped, lower=True, overwrite_a=True, check_finite=False), gradient, check_finite=False
        )
    except LinAlgError:
        return None
