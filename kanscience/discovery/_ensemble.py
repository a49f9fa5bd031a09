"""Networks that are meant to be accurate: one for a table, and several side by side whose median is steadier."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kanscience._checks import check_integer
from kanscience._typing import Matrix
from kanscience.datasets import FEW_ROWS
from kanscience.discovery._measurements import FRACTION
from kanscience.network import MultKAN
from kanscience.splines import DistinctValues
from kanscience.training import FitReport, fit

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike

Level = tuple[int | str, int]
"""Knots of the inputs and of the hidden layers."""

_LEVELS: tuple[tuple[int, int], ...] = ((5, 5), (10, 10), (20, 10))
_VALUES: Level = ("values", 10)
_FEW_LEVELS: tuple[Level, ...] = ((2, 2), (5, 5))
_FEW_HIDDEN = 2
_MOST_NUMBERS = 1000  # of a network on equal knots: beyond, steps take seconds
_RESTARTS = 2  # further starts on the coarse level
_SIDE_BY_SIDE = 200  # rows, from which on other processes are worth their start
_WORTH_STARTING = 10.0  # seconds: other processes spend the first few of them on importing PyTorch
_FAILED = 3.0  # times the best member's loss on held-back rows: such a member was cut off, or stuck


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
    valid: tuple[np.ndarray, np.ndarray] | float = FRACTION,
    names: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    seed: int = 0,
    deadline: float = math.inf,
) -> tuple[MultKAN, FitReport]:
    """Fit one network to a table of any kind, without looking at what it is.

    Its width is that of the Kolmogorov-Arnold theorem, ``[n, 2n + 1, targets]``, with fewer hidden nodes for few rows
    or very many columns. Curves begin as straight lines on a coarse grid and are let go as far as held-back rows ask
    for, level by level; columns that repeat their values get a knot on every value.

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
    outputs = 1 if y.ndim == 1 else y.shape[1]
    network = MultKAN(width_for(X, outputs), base="zero", seed=seed)
    network.input_names = tuple(names) if names else network.input_names
    network.output_names = tuple(targets) if targets else network.output_names
    report = fit(
        network,
        X,
        y,
        sigma=sigma,
        valid=valid,
        grids=levels_for(X, outputs),
        shrink=True,
        restarts=_RESTARTS,
        callbacks=[lambda _: time.monotonic() > deadline],
        progress=False,
        seed=seed,
    )
    if report.status == "interrupted":
        raise KeyboardInterrupt
    return network, report


def width_for(X: Matrix, outputs: int = 1) -> list[int]:
    """Return the width for a table.

    Example:
        >>> width_for(np.zeros((100, 2)))
        [2, 5, 1]
    """
    rows, inputs = X.shape
    most = int(_MOST_NUMBERS / _numbers([inputs, 1, outputs], _LEVELS[0]))
    natural = _FEW_HIDDEN if rows < FEW_ROWS else 2 * inputs + 1
    return [inputs, min(natural, max(most, _FEW_HIDDEN)), outputs]


def levels_for(X: Matrix, outputs: int = 1) -> tuple[Level, ...]:
    """Return the levels for a table: finer grids, and knots on the values of columns that repeat them.

    Example:
        >>> levels_for(np.repeat(np.arange(30.0), 5)[:, None])
        ((5, 5), (10, 10), ('values', 10))
    """
    if len(X) < FEW_ROWS:
        return _FEW_LEVELS
    width = width_for(X, outputs)
    coarse, *finer = [level for level in _LEVELS if _numbers(width, level) <= _MOST_NUMBERS] or _LEVELS[:1]
    trained, rule = (1 - FRACTION) * len(X), DistinctValues()
    counts = (len(np.unique(column)) for column in np.asarray(X).T)
    if any(count <= min(rule.most, trained / rule.repeats) for count in counts):
        return (coarse, *finer[:1], _VALUES)
    return (coarse, *finer)


def _numbers(width: Sequence[int], level: tuple[int, int], degree: int = 3) -> int:
    inputs, nodes, outputs = width
    return inputs * nodes * (level[0] + degree) + nodes * outputs * (level[1] + degree)


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
    """Fit several networks side by side, one thread each; the seed alone decides what comes out.

    Args:
        members: how many.
        valid: rows that decide for all of them; None: each holds back rows of its own, which makes their median better.
        jobs: processes; None takes one a core, and this one alone where rows or seconds are few.
        X, y, sigma, names, targets, seed, deadline: as in `fit_network`.

    Returns:
        The networks, the one with the lowest loss on its held-back rows first. Those that have failed are left out.
    """
    from joblib import Parallel, cpu_count, delayed

    check_integer("members", members)
    options = {"sigma": sigma, "valid": FRACTION if valid is None else valid, "names": names, "targets": targets}
    begun = time.monotonic()  # of the machine: the same clock in every process
    alone = len(X) < _SIDE_BY_SIDE or deadline - begun < _WORTH_STARTING
    jobs = min(jobs or (1 if alone else cpu_count()), members)
    turns = math.ceil(members / jobs)
    tasks = []
    for member in range(members):
        until = begun + (deadline - begun) * (member // jobs + 1) / turns
        tasks.append(delayed(fit_network)(X, y, seed=seed + 1000 * member, deadline=until, **options))
    found: list = list(Parallel(n_jobs=jobs)(tasks) or ())
    ranked = sorted(found, key=lambda pair: pair[1].valid_loss)
    good = [pair for pair in ranked if not pair[1].valid_loss > _FAILED * ranked[0][1].valid_loss]
    return Ensemble(tuple(network for network, _ in good), tuple(report for _, report in good))
