"""Standard errors and correlations of named constants, from the curvature of the loss at the fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from kanscience.training._report import Parameter

if TYPE_CHECKING:
    from kanscience.network import MultKAN
    from kanscience.training._objective import Regression, ResidualLoss
    from kanscience.training._samples import Samples

_OPEN = 1e-6  # share of a number's direction that the data must leave open before it counts as undetermined


@dataclass(frozen=True)
class Determined:
    """What the data say of the named constants; the fields are those of `FitReport`."""

    parameters: Mapping[str, Parameter]
    correlations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    freedom: int | None = None
    chi2_per_freedom: float | None = None


def determined(
    network: MultKAN, problem: Regression | ResidualLoss, train: Samples | None, scatter: float
) -> Determined:
    """Return value and standard error of every named constant, and their correlations.

    The covariance is the pseudo-inverse of ``J.T @ J`` over *all* trainable numbers, splines included, from a singular
    value decomposition with columns scaled to length 1. Without given errors it is multiplied by
    ``sum of squares / (N - rank)``; with them the weights already hold the scatter of the model.

    A constant that shares a direction that the data do not determine gets an infinite error and a reason.
    """
    residuals, rows = problem.linearize(problem.start())
    if not np.isfinite(rows).all() or not np.isfinite(residuals).all():
        reason = "the derivatives are not finite at the fit"
        return Determined({name: parameter.undetermined(reason) for name, parameter in _plain(network).items()})
    spread = _Spread.of(rows, torch.finfo(network.dtype).eps)
    freedom = residuals.size - spread.rank
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told by its reason
        factors = spread.factors * np.sqrt(_variance(problem, train, scatter, residuals, freedom))
        errors = np.linalg.norm(factors, axis=1)
    parameters, place = _plain(network), {}
    first = len(rows) - int(network.constants_trainable.sum())
    free = [name for name, parameter in parameters.items() if parameter.reason == ""]
    for i, name in enumerate(free, start=first):
        parameters[name] = parameters[name].with_error(errors[i], spread.reason(i, freedom))
        if parameters[name].is_determined and errors[i] > 0:
            place[name] = factors[i] / errors[i]
    correlations = {a: {b: float(place[a] @ place[b]) for b in place} for a in place}
    return Determined(parameters, correlations, freedom, _chi2_per_freedom(network, train, freedom))


def _plain(network: MultKAN) -> dict[str, Parameter]:
    """Return the constants without errors; of those that were held fixed the reason says so."""
    units = network.units[network.n_inputs :]
    columns = zip(network.constant_names, network.constants.tolist(), network.constants_trainable.tolist(), strict=True)
    return {
        name: Parameter(value, 0.0, "" if free else "held fixed", units[k])
        for k, (name, value, free) in enumerate(columns)
    }


@dataclass(frozen=True, eq=False)
class _Spread:
    """How far each number may move: rows ``f_i`` with covariance ``f_i @ f_j`` for residuals of variance 1."""

    factors: np.ndarray
    rank: int
    lengths: np.ndarray  # of the columns of the Jacobian
    open_share: np.ndarray  # of each number's direction, seen by no sample

    @classmethod
    def of(cls, rows: np.ndarray, rounding: float) -> _Spread:
        lengths = np.linalg.norm(rows, axis=1)
        safe = np.where(lengths > 0, lengths, 1.0)
        u, singular, _ = np.linalg.svd(rows / safe[:, None], full_matrices=False)
        rank = int((singular > 8 * len(rows) * rounding * singular.max(initial=1e-300)).sum())
        u, singular = u[:, :rank], singular[:rank]
        return cls(u / singular / safe[:, None], rank, lengths, 1 - (u**2).sum(axis=1))

    def reason(self, i: int, freedom: int) -> str:
        """Return why the data do not determine a number, or nothing where they do."""
        if self.lengths[i] == 0:
            return "no sample depends on it"
        if self.open_share[i] > _OPEN:
            return "the data determine only a combination of it with other numbers"
        return "there are no more rows than numbers to fit" if freedom <= 0 else ""


def _variance(
    problem: Regression | ResidualLoss, train: Samples | None, scatter: float, residuals: np.ndarray, freedom: int
) -> float:
    if train is not None and train.sigma is not None:
        # The weights are 1/sigma up to one factor, which turns chi2 = 1 into the variance of the residuals.
        return float(((problem.weights**2) * (train.sigma**2 + scatter**2)).mean())  # type: ignore[union-attr]
    return float(residuals @ residuals) / freedom if freedom > 0 else np.inf


def _chi2_per_freedom(network: MultKAN, train: Samples | None, freedom: int) -> float | None:
    if train is None or freedom <= 0:
        return None
    residuals = network.outputs(network.sources(train.x)).detach().T - train.y
    return float(((residuals if train.sigma is None else residuals / train.sigma) ** 2).sum()) / freedom
