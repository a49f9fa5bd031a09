"""Networks that are meant to be accurate: one for a table, and several side by side whose median is steadier."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kanscience._typing import Matrix
from kanscience.datasets import FEW_ROWS
from kanscience.network import MultKAN
from kanscience.training import FitReport, fit

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike

_SHARE = 0.2  # of the rows, held back to choose by
_REPEATED = 2.0  # rows a value, from which on a column counts as one that repeats its values


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks fitted from different starts and held-back rows, the best first."""

    networks: tuple[MultKAN, ...]
    reports: tuple[FitReport, ...]

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the median of the networks' predictions, (N,) or (N, targets)."""
        return np.median([network.predict(X) for network in self.networks], axis=0)

    def spread(self, X: ArrayLike) -> np.ndarray:
        """Return half the range that holds the middle two thirds of the predictions: a standard error's size."""
        predicted = [network.predict(X) for network in self.networks]
        low, high = np.quantile(predicted, [1 / 6, 5 / 6], axis=0)
        return (high - low) / 2


def fit_network(
    X: Matrix,
    y: np.ndarray,
    *,
    sigma: np.ndarray | None = None,
    valid: tuple[np.ndarray, np.ndarray] | float = _SHARE,
    names: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    seed: int = 0,
    deadline: float = math.inf,
) -> tuple[MultKAN, FitReport]:
    """Fit one network to a table of any kind, without looking at what it is.

    Its width is that of the Kolmogorov-Arnold theorem, ``[n, 2n + 1, targets]``, two hidden nodes below 30 rows. Grids
    grow as long as held-back rows gain; columns that repeat their values get a knot on every value. Curves are drawn to
    straight lines first and let go as far as held-back rows ask for.

    Args:
        X: (N, n) rows.
        y: (N,) or (N, targets).
        sigma: standard errors of y, of its shape.
        valid: rows that decide, or their share.
        names, targets: of the network's inputs and outputs.
        seed: of the start, and of the rows held back.
        deadline: on ``time.monotonic()``, after which the fit stops where it is.

    Returns:
        The network and the report of its fit.
    """
    few = len(X) < FEW_ROWS
    outputs = 1 if y.ndim == 1 else y.shape[1]
    network = MultKAN([X.shape[1], 2 if few else 2 * X.shape[1] + 1, outputs], base="zero", seed=seed)
    network.input_names = tuple(names) if names else network.input_names
    network.output_names = tuple(targets) if targets else network.output_names
    report = fit(
        network,
        X,
        y,
        sigma=sigma,
        valid=valid,
        grids=(2, 5) if few else grids_for(X),
        shrink=True,
        callbacks=[lambda _: time.monotonic() > deadline],
        progress=False,
        seed=seed,
    )
    return network, report


def grids_for(X: Matrix) -> tuple:
    """Return the levels for a table: knots on the values of columns that repeat them, else a finer uniform grid.

    Example:
        >>> grids_for(np.repeat(np.arange(30.0), 5)[:, None])
        (5, 10, ('values', 10))
    """
    repeated = any(len(column) >= _REPEATED * len(np.unique(column)) for column in np.asarray(X).T)
    return (5, 10, ("values", 10)) if repeated else (5, 10, 20)


def fit_ensemble(
    X: Matrix,
    y: np.ndarray,
    *,
    members: int = 4,
    sigma: np.ndarray | None = None,
    valid: tuple[np.ndarray, np.ndarray] | None = None,
    names: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    seed: int = 0,
    deadline: float = math.inf,
    jobs: int | None = None,
) -> Ensemble:
    """Fit several networks side by side, one thread each.

    Args:
        members: how many.
        valid: rows that decide for all of them; None: each holds back rows of its own, which makes their median better.
        jobs: processes; None takes one a core.
        X, y, sigma, names, targets, seed, deadline: as in `fit_network`.

    Returns:
        The networks, the one with the lowest loss on its held-back rows first.
    """
    from joblib import Parallel, cpu_count, delayed

    options = {"sigma": sigma, "valid": _SHARE if valid is None else valid, "names": names, "targets": targets}
    left = deadline - time.monotonic()
    tasks = (delayed(_member)(X, y, options, seed + 1000 * member, left) for member in range(members))
    found: list = list(Parallel(n_jobs=min(jobs or cpu_count(), members))(tasks) or ())
    ranked = sorted(found, key=lambda pair: pair[1].valid_loss)
    return Ensemble(tuple(network for network, _ in ranked), tuple(report for _, report in ranked))


def _member(X: Matrix, y: np.ndarray, options: dict, seed: int, seconds: float) -> tuple[MultKAN, FitReport]:
    # The clock of another process: what is left is handed on, not the time of day.
    return fit_network(X, y, seed=seed, deadline=time.monotonic() + seconds, **options)
