"""The rows of one table: which are learnt from, which decide, and which only report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kanscience._errors import DataError
from kanscience._typing import Matrix, Rows, Vector
from kanscience.datasets import FEW_ROWS, Split, k_folds, random_split

_MOST = 1e60  # products of a few powers are floating-point numbers still
FRACTION = 0.2  # held out to report, and again of the rest to decide


@dataclass(frozen=True, eq=False)
class Measurements:
    """Checked columns and one target.

    From 30 rows on, ``train`` rows are learnt from, ``valid`` rows decide between formulas, and ``test`` rows, a
    random fifth, only report errors. With fewer rows each row is held out once, ``folds``, and all of them do both:
    that depends on no seed and no order.

    Args:
        X: (N, n) inputs, finite, in the user's units.
        y: (N,) target.
        sigma: (N,) standard errors of the target, above 0, or None.
        names: of the columns of X.
        target: name of y.
    """

    X: Matrix
    y: Vector
    sigma: Vector | None
    names: tuple[str, ...]
    target: str
    train: Rows
    valid: Rows
    test: Rows
    folds: tuple[Split, ...] = ()

    @property
    def learnt(self) -> tuple[Matrix, Vector, Vector | None]:
        """X, y and sigma of the rows that are learnt from."""
        return self.at(self.train)

    @property
    def deciding(self) -> Rows:
        """The rows that decide between formulas."""
        return np.arange(len(self.y)) if self.folds else self.valid

    @property
    def reporting(self) -> Rows:
        """The rows that errors are reported of."""
        return np.arange(len(self.y)) if self.folds else self.test

    def at(self, rows: Rows) -> tuple[Matrix, Vector, Vector | None]:
        """X, y and sigma of some rows."""
        return self.X[rows], self.y[rows], None if self.sigma is None else self.sigma[rows]

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the target; its size where it is constant."""
        return float(np.std(self.y)) or float(np.abs(self.y).max()) or 1.0

    @cached_property
    def rounding(self) -> float:
        """Losses below this, in the unit of the target, are those of an exact law."""
        return 1e-11 * self.spread + 16 * float(np.finfo(float).eps) * float(np.abs(self.y).max())

    def without_columns(self, left_out: tuple[str, ...]) -> Measurements:
        """Return the table without some of its columns."""
        kept = [k for k, name in enumerate(self.names) if name not in left_out]
        return replace(self, X=self.X[:, kept], names=tuple(self.names[k] for k in kept))


def measurements(
    X: Matrix, y: Vector, sigma: Vector | None, names: tuple[str, ...], target: str, seed: int
) -> Measurements:
    """Divide the rows: a fifth to report, a fifth of the rest to decide; below 30 rows each is held out once."""
    rows = len(y)
    if rows < FEW_ROWS:
        everything, none = np.arange(rows), np.arange(0)
        return Measurements(X, y, sigma, names, target, everything, none, none, k_folds(rows, rows))
    outer = random_split(rows, fraction=FRACTION, seed=seed)
    inner = random_split(len(outer.train), fraction=FRACTION, seed=seed)
    train, valid = outer.train[inner.train], outer.train[inner.held_out]
    return Measurements(X, y, sigma, names, target, train, valid, outer.held_out)


def check_scale(values: Matrix, names: Sequence[str]) -> None:
    """Raise where the numbers of a column are so large or small that their powers leave floating-point numbers."""
    for name, column in zip(names, values.T, strict=True):
        largest = float(np.abs(column).max())
        if largest and not 1 / _MOST <= largest <= _MOST:
            raise DataError(
                f"Column {name!r} reaches {largest:g}, and formulas are looked for where the largest number is between "
                f"{1 / _MOST:g} and {_MOST:g}. Choose another unit for it."
            )


def superfluous_columns(X: Matrix, names: tuple[str, ...]) -> dict[str, str]:
    """Return which columns can say nothing of their own, and why: constants, and earlier ones in another unit.

    Example:
        >>> X = np.array([[1.0, 2.0, 2.0, 5.0], [1.0, 3.0, 3.0, 7.0], [1.0, 7.0, 7.0, 15.0]])
        >>> superfluous_columns(X, ("a", "b", "c", "d"))
        {'a': 'constant, 1', 'c': 'the same as b', 'd': 'b in another unit'}
    """
    found: dict[str, str] = {}
    kept: dict[str, Vector] = {}
    for name, column in zip(names, X.T, strict=True):
        if np.all(column == column[0]):
            found[name] = f"constant, {column[0]:g}"
        elif other := next((other for other, earlier in kept.items() if np.array_equal(column, earlier)), None):
            found[name] = f"the same as {other}"
        elif other := next((other for other, earlier in kept.items() if _same_but_for_unit(column, earlier)), None):
            found[name] = f"{other} in another unit"
        else:
            kept[name] = column
    return found


def _same_but_for_unit(a: Vector, b: Vector) -> bool:
    """Return whether a = slope * b + offset, but for the rounding of each row and of the smallest one."""
    if len(a) < 3:
        return False
    near = np.argmin(np.abs(b))
    far = np.argmax(np.abs(b - b[near]))
    slope = (a[far] - a[near]) / (b[far] - b[near])
    sizes = np.abs(a) + abs(slope) * np.abs(b)
    rounding = 8 * np.finfo(float).eps * (sizes + sizes[near])
    return bool(np.all(np.abs(a - a[near] - slope * (b - b[near])) <= rounding))
