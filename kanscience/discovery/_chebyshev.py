"""Chebyshev polynomials of several variables: terms, features, and least squares with leave-one-out errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from scipy.linalg import solve_triangular
from torch import Tensor

from kanscience._typing import Matrix, Vector

_MOST_TERMS = 350
_ROWS_PER_TERM = 2
_MOST_DEGREE = 40
_NORMS = (1.0, 0.7, 0.5)  # below 1 leaves out mixed terms of high degree: hyperbolic sets

Exponents = Int[np.ndarray, "_ _"]  # (term, column)
PerTerm = Float64[np.ndarray, " term"]


@dataclass(frozen=True, eq=False)
class Axes:
    """Columns mapped to [-1, 1], some by their logarithms."""

    low: Vector
    high: Vector
    logarithmic: Bool[np.ndarray, " column"]

    @classmethod
    def of(cls, columns: Matrix, logarithmic: Bool[np.ndarray, " column"]) -> Axes:
        """Return the axes that the columns just fill."""
        mapped = _mapped(columns, logarithmic)
        low, high = mapped.min(axis=0), mapped.max(axis=0)
        return cls(low, np.where(high > low, high, low + 1.0), logarithmic)

    def __call__(self, columns: Any) -> Any:
        """Return coordinates of an array or a tensor (N, m)."""
        own = torch.from_numpy if isinstance(columns, Tensor) else np.asarray
        return 2 * (_mapped(columns, self.logarithmic) - own(self.low)) / own(self.high - self.low) - 1


def _mapped(columns: Any, logarithmic: Bool[np.ndarray, " column"]) -> Any:
    if not logarithmic.any():
        return columns
    if isinstance(columns, Tensor):
        return torch.stack(
            [c.log() if log else c for c, log in zip(columns.unbind(1), logarithmic, strict=True)], dim=1
        )
    return np.stack([np.log(c) if log else c for c, log in zip(columns.T, logarithmic, strict=True)], axis=1)


def features(t: Any, exponents: Exponents) -> Any:
    """Return ``product of T_d(t_k)`` for every term, (N, term), of an array or a tensor (N, m) of coordinates."""
    stack = torch.stack if isinstance(t, Tensor) else np.stack
    total = None
    for k, degrees in enumerate(exponents.T):
        if not degrees.any():
            continue
        factor = stack(_polynomials(t[:, k], int(degrees.max())))[degrees]
        total = factor if total is None else total * factor
    if total is None:
        ones = np.ones((len(t), len(exponents)))
        return torch.from_numpy(ones) if isinstance(t, Tensor) else ones
    return total.T


def _polynomials(t: Any, degree: int) -> list[Any]:
    values = [t * 0 + 1, t]
    while len(values) <= degree:
        values.append(2 * t * values[-1] - values[-2])
    return values[: degree + 1]


@dataclass(frozen=True, eq=False)
class Chain:
    """Terms in the order of their degree; ``sizes`` are where a degree is complete."""

    terms: Exponents
    sizes: tuple[int, ...]


def chains(columns: int, rows: int) -> tuple[Chain, ...]:
    """Return the chains of terms that the rows allow, from those of all mixed terms to those of few.

    Example:
        >>> [chain.sizes for chain in chains(2, 24)]
        [(1, 3, 6, 10), (1, 3, 5, 8, 12), (1, 3, 5, 7, 10, 12)]
    """
    return _chains(columns, max(1, min(_MOST_TERMS, rows // _ROWS_PER_TERM)))


@lru_cache(maxsize=64)
def _chains(columns: int, most: int) -> tuple[Chain, ...]:
    found: dict[tuple[int, ...], Chain] = {}
    for norm in _NORMS:
        chain = _chain(columns, most, norm)
        found.setdefault(chain.sizes, chain)
    return tuple(found.values())


def _chain(columns: int, most: int, norm: float) -> Chain:
    sizes, terms = [], np.zeros((1, columns), dtype=np.int64)
    for degree in range(_MOST_DEGREE + 1):
        found = _exponents(columns, degree**norm + 1e-9, norm, most)
        if found is None:
            break
        terms = found
        sizes.append(len(found))
    size = (terms.astype(float) ** norm).sum(axis=1) ** (1 / norm)
    return Chain(terms[np.argsort(np.round(size, 6), kind="stable")], tuple(dict.fromkeys(sizes)))


def group_chain(groups: Sequence[Sequence[int]], columns: int, rows: int) -> Chain:
    """Return a chain whose terms do not mix groups of columns.

    Example:
        >>> group_chain([(0,), (1,)], 2, 10).terms.tolist()
        [[0, 0], [1, 0], [0, 1], [2, 0], [0, 2]]
    """
    most = max(1, min(_MOST_TERMS, rows // _ROWS_PER_TERM))
    terms, degrees = [np.zeros((1, columns), dtype=np.int64)], [np.zeros(1, dtype=np.int64)]
    for group in groups:
        own = _chain(len(group), most, 1.0).terms[1:]
        wide = np.zeros((len(own), columns), dtype=np.int64)
        wide[:, list(group)] = own
        terms.append(wide)
        degrees.append(own.sum(axis=1))
    every, degree = np.concatenate(terms), np.concatenate(degrees)
    order = np.argsort(degree, kind="stable")
    sizes = [int(np.sum(degree <= d)) for d in range(int(degree.max()) + 1)]
    kept = tuple(size for size in dict.fromkeys(sizes) if size <= most)
    return Chain(every[order][: kept[-1]], kept)


def _exponents(columns: int, budget: float, norm: float, most: int) -> Exponents | None:
    """Return all exponents with ``sum of d**norm`` within a budget, None where there are too many."""
    found: list[tuple[tuple[int, ...], float]] = [((), budget)]
    for _ in range(columns):
        found = [
            ((*term, d), room - d**norm) for term, room in found for d in range(_MOST_DEGREE + 1) if d**norm <= room
        ]
        if len(found) > most:
            return None
    return np.array([term for term, _ in found], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """A linear fit and what it predicts for every row, and would without that row."""

    coefficients: PerTerm
    fitted: Vector
    left_out: Vector


def least_squares(A: Matrix, target: Vector, weights: Vector, sizes: tuple[int, ...]) -> Iterator[LeastSquares]:
    """Fit rows with weights by the first columns of A, as many as each of the sizes says; one factorisation for all.

    The leave-one-out predictions come from the leverages.
    """
    left, right = np.linalg.qr(A * weights[:, None])
    independent = _independent(right)
    shares = left.T @ (target * weights)
    fitted, leverage, begun = np.zeros(len(target)), np.zeros(len(target)), 0
    for size in sizes:
        if size > independent:
            return
        part = left[:, begun:size]
        fitted = fitted + part @ shares[begun:size] / weights
        leverage = leverage + np.einsum("nt,nt->n", part, part)
        begun = size
        coefficients = solve_triangular(right[:size, :size], shares[:size])
        yield LeastSquares(coefficients, fitted, target - (target - fitted) / (1 - np.minimum(leverage, 1 - 1e-9)))


def _independent(right: np.ndarray) -> int:
    """Return how many of the first columns are independent of one another."""
    diagonal = np.abs(np.diag(right))
    dependent = np.flatnonzero(diagonal <= 1e-11 * diagonal.max())
    return int(dependent[0]) if len(dependent) else len(diagonal)
