"""Moré's trust region: for fits of few numbers, as in nonlinear regression, from starts that may be far away.

A step h is the best within ``|D h| <= radius``, where D holds the largest length that each column of the Jacobian has had
so far: neither units nor the order of the numbers change a step. The first radius is ``|D p|``, a hundredth of
MINPACK's, because longer steps leave the valley that a start lies in. The step comes from a singular value decomposition:
the Jacobian of nearly collinear exponentials has no digits to lose.

Source: Moré, The Levenberg-Marquardt algorithm, Lecture Notes in Mathematics 630 (1978) 105.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from kanscience.training._levenberg import Descent

_EPSILON = float(np.finfo(float).eps)
_STILL = 1e-9  # relative fall of the loss that is none
_WORTHWHILE = 1e-4  # share of the predicted fall from which on a step is taken


@runtime_checkable
class Residuals(Protocol):
    """What is minimised: residuals of a vector of numbers."""

    def loss(self, theta: np.ndarray) -> float:
        """Return ``|residuals|**2``."""
        ...

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals (N,) and their transposed Jacobian (size, N)."""
        ...


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what is not finite is looked at, and never taken
def trust_region(
    problem: Residuals,
    theta: np.ndarray,
    *,
    steps: int,
    tolerance: float = 1e-8,
    callback: Callable[[Descent], bool] | None = None,
) -> Descent:
    """Minimise from ``theta``; a step that does not lower a finite loss is never taken.

    Args:
        problem: residuals and their Jacobian.
        theta: (size,) start.
        steps: most accepted steps.
        tolerance: the radius, relative to ``|D theta|``, below which the descent counts as converged.
        callback: sees every accepted step; True stops.

    Returns:
        The last accepted state with status "converged", "step limit", "stopped" or "not finite".
    """
    state = Descent(theta.copy(), np.inf)
    before = np.inf
    while True:
        _descend(problem, state, steps, tolerance, callback)
        # Where columns were long far away, D hides what is short here: once more with the lengths of today.
        if state.status != "converged" or not state.loss < (1 - _STILL) * before:
            return state
        before = state.loss


def _descend(
    problem: Residuals, state: Descent, steps: int, tolerance: float, callback: Callable[[Descent], bool] | None
) -> None:
    """Go on from a state until nothing counts any more, and say in its status why that is."""
    here = _Linear.at(problem, state.theta, np.zeros(len(state.theta)))
    if here is None:
        state.status = "not finite"
        return
    state.loss = here.loss
    # At zero the residuals say what is long: D p has their unit.
    radius = float(np.linalg.norm(here.lengths * state.theta)) or np.sqrt(here.loss)
    state.status = "step limit"
    while state.step < steps:
        found = _step(problem, state, here, radius, tolerance)
        if found is None:
            state.status = "converged"
            return
        here, radius = found
        state.step += 1
        if callback is not None and callback(state):
            state.status = "stopped"
            return


def _step(
    problem: Residuals, state: Descent, here: _Linear, radius: float, tolerance: float
) -> tuple[_Linear, float] | None:
    """Take one step, with a radius that shrinks as often as it needs; None where no step is left that counts."""
    while radius > tolerance * np.linalg.norm(here.lengths * state.theta) and radius > _EPSILON * np.sqrt(state.loss):
        scaled, damping = here.within(radius)
        length = float(np.linalg.norm(scaled))
        if length == 0:
            return None
        theta = state.theta + here.divided(scaled)
        loss = problem.loss(theta)
        slope = 2 * float(here.slopes @ scaled)  # of the loss along the step: negative
        predicted = -slope / 2 + damping * length**2
        fall = state.loss - loss if np.isfinite(loss) else -np.inf
        radius = _next_radius(radius, length, fall, predicted, slope, damping)
        if fall >= _WORTHWHILE * predicted and fall > 0:
            there = _Linear.at(problem, theta, here.lengths)
            if there is not None:
                state.theta, state.loss = theta, there.loss
                return there, radius
            radius = min(radius, length / 10)  # a finite loss on a cliff: not there
    return None


def _next_radius(radius: float, length: float, fall: float, predicted: float, slope: float, damping: float) -> float:
    gain = fall / predicted if predicted > 0 else -np.inf
    if gain > 0.25:
        return 2 * length if gain >= 0.75 or damping == 0 else radius
    # Where the loss rises, to the minimum of the parabola through both values and the slope.
    shrink = 0.5 if fall >= 0 else slope / (slope + fall) / 2 if np.isfinite(fall) else 0.1
    return max(shrink, 0.1) * min(radius, 10 * length)


@dataclass(frozen=True, eq=False)
class _Linear:
    """Residuals and Jacobian at one place, in columns divided by ``lengths``, as singular values and vectors."""

    loss: float
    lengths: np.ndarray  # D
    singular: np.ndarray
    right: np.ndarray  # (size, rank)
    along: np.ndarray  # residuals along the left singular vectors
    slopes: np.ndarray  # of half the loss, in scaled numbers

    @classmethod
    def at(cls, problem: Residuals, theta: np.ndarray, lengths: np.ndarray) -> _Linear | None:
        """Return the linear model; None where something is not finite."""
        residuals, rows = problem.linearize(theta)
        loss = float(residuals @ residuals)
        lengths = np.maximum(lengths, np.linalg.norm(rows, axis=1))
        if not np.isfinite(loss) or not np.isfinite(lengths).all():
            return None
        columns = rows / _or_one(lengths)[:, None]
        right, singular, left = np.linalg.svd(columns, full_matrices=False)
        kept = singular > len(theta) * np.finfo(rows.dtype).eps * singular.max(initial=0.0)
        return cls(loss, lengths, singular[kept], right[:, kept], left[kept] @ residuals, columns @ residuals)

    def divided(self, scaled: np.ndarray) -> np.ndarray:
        """Return a step in the numbers themselves; one that nothing depends on stays."""
        return scaled / _or_one(self.lengths)

    def within(self, radius: float) -> tuple[np.ndarray, float]:
        """Return the step to the least loss of the linear model within a radius, scaled, and its damping."""
        damping = 0.0
        parts = self.along / self.singular
        length = float(np.linalg.norm(parts))
        for _ in range(50):
            if length <= 1.1 * radius and (damping == 0 or length >= 0.9 * radius):
                break
            # Newton's step for 1 / length, which is nearly linear in the damping (Hebden).
            squares = self.singular**2 + damping
            rise = float((parts**2 / squares).sum()) / length**2
            damping = max(damping + (length / radius - 1) / rise, 0.0)
            parts = self.along * self.singular / (self.singular**2 + damping)
            length = float(np.linalg.norm(parts))
        return -self.right @ parts, damping


def _or_one(lengths: np.ndarray) -> np.ndarray:
    return np.where(lengths > 0, lengths, 1.0)
