"""Variable projection: numbers that enter linearly are eliminated, and the others are searched for without them.

A second way from the same start where the first led nowhere: in ``a * exp(-k * t) + b * exp(-l * t)`` only the two rates
are left to look for, and amplitudes can no longer run off against each other.

Source: Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413; the Jacobian is Kaufman's, BIT 15 (1975) 49.
"""

from __future__ import annotations

import numpy as np

from kanscience.training._trust_region import Residuals

_LINEAR = 1e-9  # relative change of a column of the Jacobian that is still rounding


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def linear_numbers(problem: Residuals, theta: np.ndarray) -> np.ndarray:
    """Return which numbers enter the residuals linearly, all of these together: a mask, (size,).

    Of numbers that multiply each other, ``a * b * x``, only one can be in it. Found by looking at which columns of the
    Jacobian change when one number does.
    """
    size = len(theta)
    _, rows = problem.linearize(theta)
    coupled = np.ones((size, size), dtype=bool)
    for i in range(size):
        moved = theta.copy()
        moved[i] = 1.375 * theta[i] if theta[i] else 0.375
        _, others = problem.linearize(moved)
        change = np.linalg.norm(others - rows, axis=1)
        extent = np.linalg.norm(rows, axis=1) + np.linalg.norm(others, axis=1)
        coupled[i] = ~(change <= _LINEAR * extent)  # True where anything is not finite
    coupled |= coupled.T
    chosen = np.zeros(size, dtype=bool)
    for i in np.argsort(coupled.sum(axis=1), kind="stable"):  # those that stand in fewest others' way first
        chosen[i] = not coupled[i, i] and not coupled[i, chosen].any()
    return chosen


class Projected:
    """The least-squares problem of the numbers that are left when the linear ones are always at their best."""

    def __init__(self, problem: Residuals, theta: np.ndarray, linear: np.ndarray) -> None:
        self.problem, self.whole, self.linear = problem, theta.copy(), linear

    def start(self) -> np.ndarray:
        """Return the present values of the numbers that are left."""
        return self.whole[~self.linear]

    def full(self, theta: np.ndarray) -> np.ndarray:
        """Return all numbers for those that are left, the linear ones at their best."""
        whole = self.whole.copy()
        whole[~self.linear] = theta
        residuals, rows = self.problem.linearize(whole)
        if np.isfinite(residuals).all() and np.isfinite(rows).all():
            whole[self.linear] -= _Basis(rows[self.linear]).coefficients(residuals)
        return whole

    def loss(self, theta: np.ndarray) -> float:
        """Return ``|residuals|**2``."""
        return self.problem.loss(self.full(theta))

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and their transposed Jacobian: what the linear numbers cannot make up for."""
        residuals, rows = self.problem.linearize(self.full(theta))
        if not np.isfinite(rows).all():
            return residuals, rows[~self.linear]
        return residuals, _Basis(rows[self.linear]).rest(rows[~self.linear])


class _Basis:
    """The directions that some columns span, each scaled to length 1 first."""

    def __init__(self, rows: np.ndarray) -> None:
        lengths = np.linalg.norm(rows, axis=1)
        self.lengths = np.where(lengths > 0, lengths, 1.0)
        self.right, singular, self.left = np.linalg.svd(rows / self.lengths[:, None], full_matrices=False)
        kept = singular > len(rows) * np.finfo(rows.dtype).eps * singular.max(initial=0.0)
        self.inverse = np.where(kept, 1 / np.where(kept, singular, 1.0), 0.0)
        self.left = np.where(kept[:, None], self.left, 0.0)

    def coefficients(self, residuals: np.ndarray) -> np.ndarray:
        """Return the combination of the columns that is nearest to the residuals."""
        return (self.right @ (self.inverse * (self.left @ residuals))) / self.lengths

    def rest(self, rows: np.ndarray) -> np.ndarray:
        """Return rows without their part along the directions."""
        return rows - (rows @ self.left.T) @ self.left
