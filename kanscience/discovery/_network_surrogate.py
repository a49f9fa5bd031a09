"""Networks as surrogates: for what neither polynomials nor a Gaussian process follow, compositions above all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kanscience._errors import KanscienceError
from kanscience._typing import Vector
from kanscience.discovery._tables import Table
from kanscience.network import MultKAN
from kanscience.training import fit

_HIDDEN = ((5,), (5, 5))
_GRID, _DEGREE = 3, 4  # twice differentiable curves that are still few numbers
_FOLDS = 4
_HELD_BACK = 0.15  # of the rows, where a fit stops
_STEPS = 100
_FEWEST_ROWS = 100


@dataclass(frozen=True, eq=False)
class NetworkSurrogate:
    """``v = middle + size * network``, with its error.

    Args:
        network: of the columns.
        hidden: sums in its hidden layers.
        left_out: (N,) predictions of v by networks that have not seen the row.
        error: error of these, of y in units of its spread.
    """

    network: MultKAN
    hidden: tuple[int, ...]
    middle: float
    size: float
    left_out: Vector
    error: float

    def __call__(self, columns: Tensor) -> Tensor:
        """Return v for a tensor (N, m)."""
        return self.middle + self.size * self.network(columns)[:, 0]


def fit_network_surrogate(
    table: Table, error: float, shapes: tuple[tuple[int, ...], ...] = _HIDDEN
) -> NetworkSurrogate | None:
    """Fit networks of some shapes and return the one that predicts unseen rows best; None for few rows.

    Args:
        table: what to fit.
        error: what other surrogates reach: rows count by how well they are known.
        shapes: of the hidden layers.
    """
    if len(table.target) < _FEWEST_ROWS:
        return None
    found = [surrogate for hidden in shapes if (surrogate := _cross_validated(table, error, hidden)) is not None]
    return min(found, key=lambda surrogate: surrogate.error, default=None)


def _cross_validated(table: Table, error: float, hidden: tuple[int, ...]) -> NetworkSurrogate | None:
    rows = len(table.target)
    middle, size = float(table.target.mean()), float(table.target.std()) or 1.0
    target, sigma = (table.target - middle) / size, error * table.spread / (table.scale * size)
    folds = np.random.default_rng(0).permutation(rows) % _FOLDS
    left_out = np.empty(rows)
    try:
        for fold in range(_FOLDS):
            seen = folds != fold
            network = _fitted(table.columns[seen], target[seen], sigma[seen], hidden)
            left_out[~seen] = network.predict(table.columns[~seen]).ravel()
        network = _fitted(table.columns, target, sigma, hidden)
    except KanscienceError:  # a table of extreme numbers: then there is no such surrogate
        return None
    left_out = middle + size * left_out
    return NetworkSurrogate(network, hidden, middle, size, left_out, table.error_of(left_out))


def _fitted(columns: np.ndarray, target: Vector, sigma: Vector, hidden: tuple[int, ...]) -> MultKAN:
    network = MultKAN([columns.shape[1], *hidden, 1], grid=_GRID, degree=_DEGREE, seed=0, dtype=torch.float64)
    fit(network, columns, target, sigma=sigma, valid=_HELD_BACK, steps=_STEPS, progress=False, seed=0)
    return network
