"""Terms of a sum: products of powers, and library functions of one input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch

from kanscience._typing import Matrix, Vector
from kanscience.discovery._formula import Numbers
from kanscience.graph import Number
from kanscience.graph import Term as EdgeTerm
from kanscience.symbolic import without_redundancy

if TYPE_CHECKING:
    import sympy

    from kanscience.functions import Function

_LARGEST = 8.0  # exponents beyond are no power laws


@dataclass(frozen=True, eq=False)
class Inputs:
    """Columns in units of their own, in which the numbers of all terms are of the size of 1."""

    X: Matrix

    @cached_property
    def middle(self) -> Vector:
        """Middle of each column's range."""
        return (self.X.max(axis=0) + self.X.min(axis=0)) / 2

    @cached_property
    def half(self) -> Vector:
        """Half of each column's range."""
        return (self.X.max(axis=0) - self.X.min(axis=0)) / 2

    @cached_property
    def positive(self) -> tuple[int, ...]:
        """The columns that have logarithms."""
        return tuple(np.flatnonzero((self.X > 0).all(axis=0)).tolist())

    @cached_property
    def varying(self) -> tuple[int, ...]:
        """The columns that are not constant."""
        return tuple(np.flatnonzero(self.half > 0).tolist())

    @cached_property
    def size(self) -> Vector:
        """Geometric mean of each positive column, largest size of the others."""
        with np.errstate(all="ignore"):
            means = np.exp(np.log(self.X).mean(axis=0))
        return np.where((self.X > 0).all(axis=0), means, np.abs(self.X).max(axis=0))

    @cached_property
    def centred(self) -> Matrix:
        """The columns between -1 and 1."""
        return (self.X - self.middle) / np.where(self.half > 0, self.half, 1.0)

    @cached_property
    def distinct(self) -> list[tuple[Vector, np.ndarray]]:
        """The different values of each centred column, and which of them each row has."""
        return [np.unique(column, return_inverse=True) for column in self.centred.T]

    @cached_property
    def scaled(self) -> Matrix:
        """The columns over their sizes."""
        return self.X / self.size

    @cached_property
    def logs(self) -> Matrix:
        """Logarithms of the scaled columns, NaN where there is none."""
        with np.errstate(all="ignore"):
            return np.log(self.scaled)


class Written(NamedTuple):
    """``factor * expression + offset`` is the term in the user's units."""

    expression: sympy.Expr
    factor: float
    offset: float


@runtime_checkable
class Term(Protocol):
    """One term of a sum, up to its factor."""

    @property
    def count(self) -> int:
        """Return how many numbers are fitted inside."""
        ...

    @property
    def operations(self) -> int:
        """Return how many operations it adds to the sum."""
        ...

    def values(self, numbers: Numbers, inputs: Inputs) -> Vector:
        """Return one value a row, not finite where the term is not defined."""
        ...

    def slopes(self, numbers: Numbers, inputs: Inputs) -> Matrix:
        """Return the derivatives of the values, (rows, numbers)."""
        ...

    def written(self, numbers: Numbers, inputs: Inputs, symbols: Sequence[sympy.Symbol]) -> Written:
        """Return the term in the user's units."""
        ...


@dataclass(frozen=True)
class PowerTerm:
    """A product of powers: fitted exponents of positive columns, whole ones of others."""

    fitted: tuple[int, ...] = ()
    whole: tuple[tuple[int, int], ...] = ()  # (column, exponent)

    @property
    def count(self) -> int:
        """One for each fitted exponent."""
        return len(self.fitted)

    def exponents(self, numbers: Numbers) -> dict[int, float]:
        """Return the exponent of each column."""
        return {**dict(zip(self.fitted, numbers.tolist(), strict=True)), **dict(self.whole)}

    @property
    def operations(self) -> int:
        """Powers, products, and the sum."""
        return 2 * self.count + len(self.whole) + sum(power > 1 for _, power in self.whole) + 1

    def values(self, numbers: Numbers, inputs: Inputs) -> Vector:
        """Return one value a row; NaN for exponents that are too large."""
        if np.abs(numbers).max(initial=0.0) > _LARGEST:
            return np.full(len(inputs.X), np.nan)
        values = np.exp(inputs.logs[:, self.fitted] @ numbers)
        for column, power in self.whole:
            values *= inputs.scaled[:, column] ** power
        return values

    def slopes(self, numbers: Numbers, inputs: Inputs) -> Matrix:
        """Return the derivatives of the values."""
        return self.values(numbers, inputs)[:, None] * inputs.logs[:, self.fitted]

    def written(self, numbers: Numbers, inputs: Inputs, symbols: Sequence[sympy.Symbol]) -> Written:
        """Return the term in the user's units."""
        import sympy

        powers = [(k, float(p)) for k, p in zip(self.fitted, numbers, strict=True)]
        factor = np.prod([inputs.size[k] ** -p for k, p in (*powers, *self.whole)])
        factors = [symbols[k] ** sympy.Float(p, 17) for k, p in powers] + [symbols[k] ** p for k, p in self.whole]
        return Written(sympy.Mul(*factors), float(factor), 0.0)


@dataclass(frozen=True)
class CurveTerm:
    """A library function of one column: ``f(slope * x + shift)``."""

    function: Function
    column: int
    sign: float = 1.0  # of the slope, where the factor makes up for its size

    @property
    def with_slope(self) -> bool:
        """Whether the slope is a number of its own."""
        return "slope" not in self.function.redundant

    @property
    def with_shift(self) -> bool:
        """Whether the shift is a number of its own."""
        return "shift" not in self.function.redundant

    @property
    def count(self) -> int:
        """Slope and shift, unless others make up for them."""
        return self.with_slope + self.with_shift

    @property
    def operations(self) -> int:
        """The function and all that surrounds it."""
        return 2 + self.function.complexity + self.count

    def start(self, slope: float, shift: float) -> Numbers:
        """Return the numbers for a line in the centred column."""
        if not self.with_slope:
            slope, shift = 1.0, shift / abs(slope)
        return np.array([slope] * self.with_slope + [shift] * self.with_shift)

    def line(self, numbers: Numbers) -> tuple[float, float]:
        """Return slope and shift in the centred column."""
        slope = float(numbers[0]) if self.with_slope else self.sign
        return slope, float(numbers[-1]) if self.with_shift else 0.0

    def values(self, numbers: Numbers, inputs: Inputs) -> Vector:
        """Return one value a row; NaN outside the branch of the function that holds most of the column."""
        _, place = inputs.distinct[self.column]
        return self.function.torch(self._argument(numbers, inputs)).numpy()[place]

    def slopes(self, numbers: Numbers, inputs: Inputs) -> Matrix:
        """Return the derivatives of the values."""
        x, place = inputs.distinct[self.column]
        change = self.function.slope_at(self._argument(numbers, inputs)).numpy()
        return np.stack([change * x] * self.with_slope + [change] * self.with_shift, axis=1)[place]

    def _argument(self, numbers: Numbers, inputs: Inputs) -> torch.Tensor:
        slope, shift = self.line(numbers)
        u = slope * inputs.distinct[self.column][0] + shift
        low, high = self.function.branch or (self.function.lower, self.function.upper)
        return torch.as_tensor(np.where((u >= low) & (u <= high), u, np.nan))

    def written(self, numbers: Numbers, inputs: Inputs, symbols: Sequence[sympy.Symbol]) -> Written:
        """Return the term in the user's units, without numbers that others make up for."""
        slope, shift = self.line(numbers)
        half, middle = inputs.half[self.column], inputs.middle[self.column]
        f = self.function
        line = Number(slope / half), Number(shift - slope * middle / half)
        edge, offset = without_redundancy(EdgeTerm(f.name, f.arguments, Number(1.0), *line), f)
        inner = edge.slope.sympy() * symbols[self.column] + edge.shift.sympy()
        return Written(f.sympy(inner), edge.scale.value, offset)
