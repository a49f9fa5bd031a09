"""The table of a node while variables are being reduced, and the steps that make a table smaller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kanscience._typing import Matrix, Vector


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of something unknown: v as a function of columns, where an error of v is ``scale`` times as large in y.

    Args:
        columns: (N, m).
        target: (N,) v.
        scale: (N,) how much y changes with v, above 0.
        spread: standard deviation of y: errors are given in units of it.
    """

    columns: Matrix
    target: Vector
    scale: Vector
    spread: float

    @classmethod
    def of(cls, X: Matrix, y: Vector) -> Table:
        """Return the table that y itself is the target of."""
        return cls(X, y, np.ones(len(y)), float(np.std(y)) or 1.0)

    def error_of(self, predicted: Vector) -> float:
        """Return the root mean square error of y, in units of its spread; infinite where a prediction is no number."""
        with np.errstate(all="ignore"):
            errors = self.scale * (self.target - predicted)
            size = float(np.sqrt(np.mean(errors**2))) / self.spread
        return size if np.isfinite(size) else np.inf


@dataclass(frozen=True)
class Combination:
    """A column made of others: ``sum of c * x**p`` over its parts, or ``product of x**p``.

    Args:
        parts: (column, coefficient, exponent) each; of a product the coefficients are 1.
        product: whether the parts are multiplied.
    """

    parts: tuple[tuple[int, Fraction, Fraction], ...]
    product: bool = False

    def of(self, columns: Sequence[Any]) -> Any:
        """Return the new column, of arrays or tensors."""
        terms = [power(columns[k], p) if self.product else float(c) * power(columns[k], p) for k, c, p in self.parts]
        total = terms[0]
        for term in terms[1:]:
            total = total * term if self.product else total + term
        return total


@dataclass(frozen=True, eq=False)
class Slice:
    """A column made of a block's columns: the mean of a function of all columns, the others held at a few places.

    Where f = F(g(block), others), every such slice is a function of g alone.

    Args:
        function: of a tensor (N, m).
        block: the columns that vary.
        places: (K, m) where the others are held.
        signs: (K,) that let all slices rise together.
    """

    function: Callable[[Tensor], Tensor]
    block: tuple[int, ...]
    places: Matrix
    signs: Vector

    def of(self, columns: Sequence[Any]) -> Any:
        """Return the new column, of arrays or tensors."""
        if isinstance(columns[0], Tensor):
            return self._of_tensors(columns)
        return self._of_tensors([torch.from_numpy(np.ascontiguousarray(column)) for column in columns]).numpy()

    def _of_tensors(self, columns: Sequence[Tensor]) -> Tensor:
        total = torch.zeros_like(columns[0])
        for place, sign in zip(self.places, self.signs, strict=True):
            held = [c if k in self.block else torch.full_like(c, float(place[k])) for k, c in enumerate(columns)]
            total = total + float(sign) * self.function(torch.stack(held, dim=1))
        return total / len(self.places)


def kept(column: int) -> Combination:
    """Return the column as it is."""
    return Combination(((column, Fraction(1), Fraction(1)),), product=True)


STEPS = ("absent", "factor", "product", "sum", "squares", "offset factor", "homogeneous", "block")


@dataclass(frozen=True)
class Step:
    """``v = product of x**p over factors * w(combinations) + offset``.

    Args:
        word: one of `STEPS`.
        combinations: how the columns that are left are made of the present ones.
        factors: (column, exponent) each.
        offset: added at the end.
    """

    word: str
    combinations: tuple[Combination | Slice, ...]
    factors: tuple[tuple[int, Fraction], ...] = ()
    offset: float = 0.0

    @property
    def rank(self) -> int:
        """How much a step assumes: less comes first."""
        return STEPS.index(self.word)

    def columns_of(self, columns: Sequence[Any]) -> list[Any]:
        """Return the columns that are left, of arrays or tensors."""
        return [combination.of(columns) for combination in self.combinations]

    def back(self, inner: Any, columns: Sequence[Any]) -> Any:
        """Return v from w."""
        for column, exponent in self.factors:
            inner = inner * power(columns[column], exponent)
        return inner + self.offset if self.offset else inner

    def reduced(self, table: Table) -> Table | None:
        """Return the smaller table, or None where it is not finite."""
        columns = list(table.columns.T)
        with np.errstate(all="ignore"):
            factor = self.back(np.ones(len(table.target)), columns) - self.offset
            target = (table.target - self.offset) / factor
            left = np.stack(self.columns_of(columns), axis=1) if self.combinations else np.empty((len(target), 0))
        if not (np.isfinite(target).all() and np.isfinite(left).all() and np.all(factor != 0)):
            return None
        return Table(left, target, table.scale * np.abs(factor), table.spread)


def power(x: Any, exponent: Fraction) -> Any:
    """Return a power, of negative numbers too where the exponent is an integer."""
    return x ** int(exponent) if exponent.denominator == 1 else x ** float(exponent)
