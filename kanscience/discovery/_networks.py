"""Networks for one table: accurate ones that stay splines, and formulas read from networks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Float64

from kanscience._typing import Matrix, Vector
from kanscience.datasets import FEW_ROWS, k_folds, random_split
from kanscience.discovery._ensemble import Ensemble, fit_ensemble
from kanscience.discovery._measurements import FRACTION, Measurements
from kanscience.discovery._shapes import network_candidates
from kanscience.network import MultKAN

if TYPE_CHECKING:
    from kanscience.discovery._candidates import Proposal
    from kanscience.functions import Library


MEMBERS = 4  # networks whose median predicts
_FOLDS = 5

Targets: TypeAlias = Float64[np.ndarray, "row target"]
"""One column a target."""


def fit_networks(
    X: Matrix,
    y: Targets,
    *,
    valid: tuple[np.ndarray, np.ndarray],
    sigma: Targets | None,
    names: tuple[str, ...],
    targets: tuple[str, ...],
    seed: int,
    deadline: float,
) -> Ensemble:
    """Fit a network that is meant to be accurate; its size follows the number of rows.

    Args:
        X, y, sigma: rows to fit to.
        valid: rows that decide when to stop, and which grid.
        names, targets: of the network's inputs and outputs.
        seed: of the start.
        deadline: on ``time.monotonic()``, after which it stops where it is.
    """
    members = 1 if len(X) < FEW_ROWS else MEMBERS
    return fit_ensemble(
        X, y, members=members, sigma=sigma, valid=valid, names=names, targets=targets, seed=seed, deadline=deadline
    )


def formulas_of_networks(table: Measurements, *, library: Library, seed: int, deadline: float) -> list[Proposal]:
    """Return formulas read from networks: fitted to the rows that are learnt from, chosen by the rows that decide."""
    X, y, sigma = table.learnt
    return network_candidates(
        X,
        y,
        names=table.names,
        sigma=sigma,
        valid=None if table.folds else (table.X[table.valid], table.y[table.valid]),
        library=library,
        seed=seed,
        deadline=deadline,
    )


Fitter = Callable[..., Ensemble]
"""Called as ``fit_networks`` is; what it returns has ``.networks``, the best first, and ``.predict(X)``."""


@dataclass(frozen=True, eq=False)
class FittedNetworks:
    """Spline networks of all targets, and what they predict for rows that they were not fitted to.

    Args:
        networks: the best first.
        together: predictions of all of them for any X, (N,) or (N, targets).
        deciding: (N, targets) predictions of the first network for the rows that decide.
        reported: (first network's, all networks') predictions for the rows that report, (N, targets) each.
    """

    networks: tuple[MultKAN, ...]
    together: Callable[[Matrix], np.ndarray]
    deciding: Targets
    reported: tuple[np.ndarray, np.ndarray]


def fitted_networks(
    tables: Sequence[Measurements], fitter: Fitter, *, seed: int, deadline: float
) -> FittedNetworks | None:
    """Fit networks to the rows that are learnt from, stopped and chosen by the rows that decide.

    With few rows they are fitted to all but one fold, and once more without each fold, to say what they predict there.

    Args:
        tables: of all targets; they share X and the division of rows.
        fitter: fits them.
        seed: of all starts.
        deadline: on ``time.monotonic()``.
    """
    data = tables[0]
    if not data.X.shape[1]:
        return None
    if data.folds:
        return _with_few_rows(tables, fitter, seed, deadline)
    found = _fit(tables, fitter, data.train, data.valid, seed, deadline)
    first = found.networks[0]
    reported = _columns(first.predict(data.X[data.test])), _columns(found.predict(data.X[data.test]))
    return FittedNetworks(tuple(found.networks), found.predict, _columns(first.predict(data.X[data.valid])), reported)


def _with_few_rows(tables: Sequence[Measurements], fitter: Fitter, seed: int, deadline: float) -> FittedNetworks | None:
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
        found = _fit(tables, fitter, rows[inner.train], rows[inner.held_out], seed, share)
        one[fold.held_out] = _columns(found.networks[0].predict(data.X[fold.held_out]))
        together[fold.held_out] = _columns(found.predict(data.X[fold.held_out]))
    found = _fit(tables, fitter, folds[0].train, folds[0].held_out, seed, deadline)
    return FittedNetworks(tuple(found.networks), found.predict, one, (one, together))


def _fit(
    tables: Sequence[Measurements],
    fitter: Fitter,
    train: np.ndarray,
    valid: np.ndarray,
    seed: int,
    deadline: float,
) -> Ensemble:
    X = tables[0].X
    y = np.stack([table.y for table in tables], axis=1)
    sigma = None if tables[0].sigma is None else np.stack([_sigma(table) for table in tables], axis=1)
    return fitter(
        X[train],
        y[train],
        valid=(X[valid], y[valid]),
        sigma=None if sigma is None else sigma[train],
        names=tables[0].names,
        targets=tuple(table.target for table in tables),
        seed=seed,
        deadline=deadline,
    )


def _sigma(table: Measurements) -> Vector:
    return np.ones_like(table.y) if table.sigma is None else table.sigma


def _columns(predicted: np.ndarray) -> Targets:
    return predicted[:, None] if predicted.ndim == 1 else predicted
