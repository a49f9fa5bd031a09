"""Accurate networks for one table, which stay splines."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

from kanscience.datasets import FEW_ROWS, k_folds, random_split
from kanscience.discovery._ensemble import Ensemble, fit_ensemble
from kanscience.discovery._measurements import FRACTION, Measurements
from kanscience.network import MultKAN

MEMBERS = 4  # networks whose median predicts
_FOLDS = 5

Targets: TypeAlias = Float64[np.ndarray, "row target"]
"""One column a target."""


@dataclass(frozen=True, eq=False)
class FittedNetworks:
    """Spline networks of all targets, and what they predict for rows that they were not fitted to.

    Args:
        networks: the best first.
        deciding: (N, targets) predictions of the first network for the rows that decide.
        reported: (first network's, all networks') predictions for the rows that report, (N, targets) each.
    """

    networks: tuple[MultKAN, ...]
    deciding: Targets
    reported: tuple[np.ndarray, np.ndarray]


def fitted_networks(tables: Sequence[Measurements], *, seed: int, deadline: float) -> FittedNetworks | None:
    """Fit networks to the rows that are learnt from, stopped and chosen by the rows that decide.

    With few rows they are fitted to all but one fold, and once more without each fold, to say what they predict there.

    Args:
        tables: of all targets; they share X and the division of rows.
        seed: of all starts.
        deadline: on ``time.monotonic()``.
    """
    data = tables[0]
    if not data.X.shape[1]:
        return None
    if data.folds:
        return _with_few_rows(tables, seed, deadline)
    found = _fit(tables, data.train, data.valid, seed, deadline)
    first = found.networks[0]
    reported = _columns(first.predict(data.X[data.test])), _columns(found.predict(data.X[data.test]))
    return FittedNetworks(found.networks, _columns(first.predict(data.X[data.valid])), reported)


def _with_few_rows(tables: Sequence[Measurements], seed: int, deadline: float) -> FittedNetworks | None:
    data = tables[0]
    one, together = np.empty((2, len(data.X), len(tables)))
    folds = k_folds(len(data.X), min(_FOLDS, len(data.X)), seed=seed)
    for done, fold in enumerate(folds):
        now = time.monotonic()
        share = now + (deadline - now) / (len(folds) + 1 - done) if deadline < math.inf else deadline
        rows = fold.train
        if len(rows) < 2:
            return None
        inner = random_split(len(rows), fraction=FRACTION, seed=seed)
        found = _fit(tables, rows[inner.train], rows[inner.held_out], seed, share)
        one[fold.held_out] = _columns(found.networks[0].predict(data.X[fold.held_out]))
        together[fold.held_out] = _columns(found.predict(data.X[fold.held_out]))
    found = _fit(tables, folds[0].train, folds[0].held_out, seed, deadline)
    return FittedNetworks(found.networks, one, (one, together))


def _fit(
    tables: Sequence[Measurements],
    train: np.ndarray,
    valid: np.ndarray,
    seed: int,
    deadline: float,
) -> Ensemble:
    X = tables[0].X
    y = np.stack([table.y for table in tables], axis=1)
    sigmas = [table.sigma for table in tables if table.sigma is not None]  # of all or of none
    return fit_ensemble(
        X[train],
        y[train],
        members=1 if len(train) < FEW_ROWS else MEMBERS,
        valid=(X[valid], y[valid]),
        sigma=np.stack(sigmas, axis=1)[train] if sigmas else None,
        names=tables[0].names,
        targets=tuple(table.target for table in tables),
        seed=seed,
        deadline=deadline,
    )


def _columns(predicted: np.ndarray) -> Targets:
    return predicted[:, None] if predicted.ndim == 1 else predicted
