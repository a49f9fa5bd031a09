"""Every candidate is judged on the same rows, none of which it was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from kanscience._typing import Vector
from kanscience.discovery._candidates import Candidate, Proposal, candidate_of
from kanscience.discovery._formula import Formula, evaluate, refitted
from kanscience.discovery._measurements import Measurements
from kanscience.training import model_scatter


def judged(proposals: Iterable[Proposal], data: Measurements) -> list[Candidate]:
    """Return every proposal with its loss and the loss's standard error.

    The loss is ``sqrt(sum(w * r**2) / sum(w))`` over the residuals r of the rows that decide. Where standard errors of
    the target are known, ``w = 1 / (sigma**2 + s**2)`` with s the smallest scatter of all candidates beside them;
    else w = 1. A formula that is not finite at one of these rows has an infinite loss.
    """
    proposals = list(proposals)
    residuals = [residuals_that_decide(proposal, data) for proposal in proposals]
    weights = None
    if data.sigma is not None:
        weights = scatter_weights(residuals, data.sigma if data.folds else data.sigma[data.valid])
    return [
        candidate_of(proposal, *rmse_with_error(r, weights)) for proposal, r in zip(proposals, residuals, strict=True)
    ]


def residuals_that_decide(proposal: Proposal, data: Measurements) -> Vector:
    """Return prediction minus target on the rows that decide.

    With few rows these are all rows, each predicted by the formula with its fitted constants refitted to the
    others: its structure has seen every row, its numbers have not.
    """
    formula = Formula(proposal.expression, data.names)
    if not data.folds:
        return formula(data.X[data.valid]) - data.y[data.valid]
    return out_of_fold(formula, data) - data.y


def out_of_fold(formula: Formula, data: Measurements) -> Vector:
    """Return predictions for every row by constants that were refitted without its fold; NaN where rows are too few."""
    weights = None if data.sigma is None else scatter_weights([formula(data.X) - data.y], data.sigma)
    predictions = np.empty(len(data.y))
    for fold in data.folds:
        if len(formula.constants) > max(len(fold.train) - 1, 1):  # of two rows each predicts the other, as their mean
            predictions[fold.held_out] = np.nan
            continue
        w = None if weights is None else weights[fold.train]
        constants = refitted(formula, data.X[fold.train], data.y[fold.train], w)
        predictions[fold.held_out] = formula(data.X[fold.held_out], constants)
    return predictions


def rmse_with_error(residuals: Vector, weights: Vector | None = None) -> tuple[float, float]:
    """Return the weighted RMSE and its standard error, from the spread of the squares; inf where not finite.

    Example:
        >>> loss, error = rmse_with_error(np.array([1.0, -1.0, 1.0, -1.0]))
        >>> loss, error
        (1.0, 0.0)
    """
    if not np.isfinite(residuals).all():
        return np.inf, np.inf
    size = float(np.abs(residuals).max(initial=0.0))
    if size == 0:
        return 0.0, 0.0
    w = np.ones(len(residuals)) if weights is None else weights
    squares = (residuals / size) ** 2
    mean = float(w @ squares / w.sum())
    error = float(np.sqrt((w**2) @ (squares - mean) ** 2) / w.sum())
    return size * float(np.sqrt(mean)), size * error / (2 * float(np.sqrt(mean)))


def scatter_weights(residuals: Iterable[Vector], sigma: Vector) -> Vector:
    """Return ``1 / (sigma**2 + s**2)``, with s the smallest scatter beside sigma of residuals that are finite, or 0."""
    finite = [torch.as_tensor(r) for r in residuals if np.isfinite(r).all()]
    scatter = min((model_scatter(r, torch.as_tensor(sigma), len(r)) for r in finite), default=0.0)
    return 1 / (sigma**2 + scatter**2)


def with_weights(
    route: Callable[[Vector | None], Sequence[Proposal]],
    X: np.ndarray,
    y: Vector,
    sigma: Vector | None,
    names: Sequence[str],
) -> list[Proposal]:
    """Run a route that takes weights of rows: all alike first; then, if sigma is known, by sigma and the scatter."""
    proposals = list(route(None))
    if sigma is None or not proposals:
        return proposals
    weights = weights_beside(proposals, X, y, sigma, names)
    return proposals if weights is None else [*proposals, *route(weights)]


def weights_beside(
    proposals: Iterable[Proposal], X: np.ndarray, y: Vector, sigma: Vector, names: Sequence[str]
) -> Vector | None:
    """Return ``1 / (sigma**2 + s**2)`` with s the smallest scatter of formulas; None where none is finite."""
    residuals = [evaluate(proposal.expression, names, X) - y for proposal in proposals]
    return scatter_weights(residuals, sigma) if any(np.isfinite(r).all() for r in residuals) else None


@dataclass(frozen=True)
class Errors:
    """How far predictions are from measurements, in the unit of the target."""

    rmse: float
    mae: float
    largest: float
    r2: float

    @classmethod
    def of(cls, predicted: Vector, measured: Vector) -> Errors:
        """Return the errors of predictions; R² is NaN where the measurements do not vary.

        Example:
            >>> Errors.of(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
            Errors(rmse=1.4142135623730951, mae=1.0, largest=2.0, r2=0.11111111111111116)
        """
        residuals = predicted - measured
        spread = float(np.sum((measured - measured.mean()) ** 2))
        return cls(
            float(np.sqrt(np.mean(residuals**2))),
            float(np.mean(np.abs(residuals))),
            float(np.abs(residuals).max()),
            1 - float(np.sum(residuals**2)) / spread if spread > 0 else float("nan"),
        )
