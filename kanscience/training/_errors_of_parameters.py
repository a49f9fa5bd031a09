"""Standard errors of named constants, from the curvature of the loss at the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanscience.training._report import Parameter

if TYPE_CHECKING:
    from kanscience.network import MultKAN


def parameter_errors(network: MultKAN, problem, train, scatter: float) -> dict[str, Parameter]:
    """Return value and standard error of every named constant.

    The covariance is the pseudo-inverse of ``J.T @ J`` over *all* trainable numbers, splines included, from a singular
    value decomposition with columns scaled to length 1. Without given errors it is multiplied by
    ``sum of squares / (N - rank)``; with them the weights already hold the scatter of the model.

    A constant that shares a direction that the data do not determine gets an infinite error and a reason.
    """
    theta = problem.start()
    residuals, rows = problem.linearize(theta)
    length = np.linalg.norm(rows, axis=1)
    safe = np.where(length > 0, length, 1.0)
    u, singular, _ = np.linalg.svd(rows / safe[:, None], full_matrices=False)
    rank = int((singular > len(theta) * np.finfo(float).eps * singular.max(initial=1e-300) * 8).sum())
    freedom = residuals.size - rank
    variance = float(residuals @ residuals) / freedom if freedom > 0 else np.inf
    if train is not None and train.sigma is not None:
        # The weights are 1/sigma up to one factor, which turns chi2 = 1 into the variance of the residuals.
        chi2_unit = float(((problem.weights**2) * (train.sigma**2 + scatter**2)).mean())
        variance = chi2_unit
    spread = np.sqrt((u[:, :rank] ** 2 / singular[:rank] ** 2).sum(axis=1) * variance) / safe
    open_share = 1 - (u[:, :rank] ** 2).sum(axis=1)  # of the parameter's direction that no sample sees
    found = {}
    first = len(theta) - int(network.constants_trainable.sum())
    place = iter(range(first, len(theta)))
    for k, name in enumerate(network.constant_names):
        value = float(network.constants[k].detach())
        if not bool(network.constants_trainable[k]):
            found[name] = Parameter(value, 0.0, "held fixed")
            continue
        i = next(place)
        found[name] = _parameter(value, spread[i], length[i], open_share[i], freedom)
    return found


def _parameter(value: float, spread: float, length: float, open_share: float, freedom: int) -> Parameter:
    if length == 0:
        return Parameter(value, np.inf, "no sample depends on it")
    if open_share > 1e-6:
        return Parameter(value, np.inf, "the data determine only a combination of it with other numbers")
    if freedom <= 0:
        return Parameter(value, np.inf, "there are no more rows than numbers to fit")
    return Parameter(value, float(spread))
