"""Functions made of other functions: any formula of one variable as one function.

Their fixed arguments are *sums*: tuples of exact numbers and of terms ``scale * f(slope * u + shift)``, all added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from kanscience._errors import OptionError
from kanscience.functions._library import Family, Function, Library
from kanscience.functions._steps import step

if TYPE_CHECKING:
    from sympy import Expr


@dataclass(frozen=True)
class _Part:
    """``scale * f(slope * u + shift)`` as torch computes it."""

    function: Function
    scale: float
    slope: float
    shift: float

    def __call__(self, u: Tensor) -> Tensor:
        return self.scale * self.function.torch(self.slope * u + self.shift)

    def derivative(self, u: Tensor) -> Tensor:
        return self.scale * self.slope * self.function.slope_at(self.slope * u + self.shift)

    @property
    def complexity(self) -> int:
        return self.function.complexity + sum(map(_tokens, (self.scale, self.slope, self.shift)))


@dataclass(frozen=True)
class _Sum:
    """A sum of parts and a number, as torch and as sympy write it."""

    number: float
    parts: tuple[_Part, ...]
    exact: tuple  # the argument of the family

    @classmethod
    def of(cls, library: Library, members: Any) -> _Sum:
        if not isinstance(members, tuple):
            raise OptionError(f"a sum of terms and exact numbers is written as a tuple, not {members!r}.")
        terms = [member for member in members if hasattr(member, "function")]
        numbers = [member for member in members if not hasattr(member, "function")]
        parts = [
            _Part(library.resolve(t.function, t.arguments), t.scale.value, t.slope.value, t.shift.value) for t in terms
        ]
        return cls(float(sum(numbers)), tuple(parts), members)

    def __call__(self, u: Tensor) -> Tensor:
        total = torch.full_like(u, self.number)
        return reduce(lambda value, part: value + part(u), self.parts, total)

    def derivative(self, u: Tensor) -> Tensor:
        return reduce(lambda value, part: value + part.derivative(u), self.parts, torch.zeros_like(u))

    @property
    def complexity(self) -> int:
        plus = 1 if self.parts and self.number else 0
        return _joined(self.parts) + plus + _tokens(self.number)

    def sympy(self, u: Expr) -> Expr:
        import sympy

        parts, members = iter(self.parts), []
        for member in self.exact:
            if hasattr(member, "function"):
                inside = member.slope.sympy() * u + member.shift.sympy()
                members.append(member.scale.sympy() * next(parts).function.sympy(inside))
            else:
                members.append(member)
        return sympy.Add(*members)


def _tokens(number: float) -> int:
    return int(number not in (0.0, 1.0))


def _joined(parts: Sequence[Any]) -> int:
    # the parts, and the signs between them
    return sum(part.complexity for part in parts) + max(len(parts) - 1, 0)


# f(sum), and sum * sum * ...


@dataclass(frozen=True)
class _Chain:
    outer: Function
    inner: _Sum

    def __call__(self, u: Tensor) -> Tensor:
        return self.outer.torch(self.inner(u))

    def derivative(self, u: Tensor) -> Tensor:
        return self.outer.slope_at(self.inner(u)) * self.inner.derivative(u)

    @property
    def complexity(self) -> int:
        return self.outer.complexity + self.inner.complexity

    def sympy(self, u: Expr) -> Expr:
        return self.outer.sympy(self.inner.sympy(u))


@dataclass(frozen=True)
class _Times:
    factors: tuple[_Sum, ...]

    def __call__(self, u: Tensor) -> Tensor:
        return reduce(torch.mul, (factor(u) for factor in self.factors), torch.ones_like(u))

    def derivative(self, u: Tensor) -> Tensor:
        values = [factor(u) for factor in self.factors]
        total = torch.zeros_like(u)
        for i, factor in enumerate(self.factors):
            total = total + reduce(torch.mul, values[:i] + values[i + 1 :], factor.derivative(u))
        return total

    @property
    def complexity(self) -> int:
        return _joined(self.factors)

    def sympy(self, u: Expr) -> Expr:
        import sympy

        return sympy.Mul(*(factor.sympy(u) for factor in self.factors))


@dataclass(frozen=True)
class _Extreme:
    """The largest of sums, with sign -1 the smallest."""

    sums: tuple[_Sum, ...]
    sign: int

    def __call__(self, u: Tensor) -> Tensor:
        return reduce(torch.maximum if self.sign > 0 else torch.minimum, (part(u) for part in self.sums))

    def derivative(self, u: Tensor) -> Tensor:
        value, slope = self.sums[0](u), self.sums[0].derivative(u)
        for part in self.sums[1:]:
            other = part(u)
            weight = step(self.sign * (other - value), 0.5)
            slope = (1 - weight) * slope + weight * part.derivative(u)
            value = (torch.maximum if self.sign > 0 else torch.minimum)(value, other)
        return slope

    @property
    def complexity(self) -> int:
        return _joined(self.sums)

    def sympy(self, u: Expr) -> Expr:
        import sympy

        return (sympy.Max if self.sign > 0 else sympy.Min)(*(part.sympy(u) for part in self.sums))


# Conditions: True, (relation, sum, sum), ("and", condition, ...), ("or", condition, ...), ("not", condition).

_RELATIONS = {
    "<": (torch.lt, "Lt"),
    "<=": (torch.le, "Le"),
    "==": (torch.eq, "Eq"),
    "!=": (torch.ne, "Ne"),
}
_JUNCTIONS = {
    "and": (torch.logical_and, "And"),
    "or": (torch.logical_or, "Or"),
}


@dataclass(frozen=True)
class _Always:
    complexity: ClassVar[int] = 0

    def __call__(self, u: Tensor) -> Tensor:
        return torch.ones_like(u, dtype=torch.bool)

    def sympy(self, u: Expr) -> Any:
        return True


@dataclass(frozen=True)
class _Relation:
    kind: str
    left: _Sum
    right: _Sum

    def __call__(self, u: Tensor) -> Tensor:
        return _RELATIONS[self.kind][0](self.left(u), self.right(u))

    @property
    def complexity(self) -> int:
        return _joined((self.left, self.right))

    def sympy(self, u: Expr) -> Any:
        import sympy

        return getattr(sympy, _RELATIONS[self.kind][1])(self.left.sympy(u), self.right.sympy(u))


@dataclass(frozen=True)
class _Junction:
    kind: str
    members: tuple

    def __call__(self, u: Tensor) -> Tensor:
        values = [member(u) for member in self.members]
        return ~values[0] if self.kind == "not" else reduce(_JUNCTIONS[self.kind][0], values)

    @property
    def complexity(self) -> int:
        return _joined(self.members) + (self.kind == "not")

    def sympy(self, u: Expr) -> Any:
        import sympy

        name = "Not" if self.kind == "not" else _JUNCTIONS[self.kind][1]
        return getattr(sympy, name)(*(member.sympy(u) for member in self.members))


def _condition(library: Library, written: Any) -> Any:
    match written:
        case True:
            return _Always()
        case [str(kind), left, right] if kind in _RELATIONS:
            return _Relation(kind, _Sum.of(library, left), _Sum.of(library, right))
        case ["not", inner]:
            return _Junction("not", (_condition(library, inner),))
        case [str(kind), *members] if kind in _JUNCTIONS and members:
            return _Junction(kind, tuple(_condition(library, member) for member in members))
    choices = ", ".join((*_RELATIONS, *_JUNCTIONS, "not"))
    raise OptionError(f"a condition is True or a tuple that begins with {choices}, not {written!r}.")


@dataclass(frozen=True)
class _Pieces:
    """The value of the first piece whose condition holds; NaN where none does."""

    conditions: tuple
    sums: tuple[_Sum, ...]
    safe: tuple[float, ...]  # for each piece a point where its value and slope are finite

    def __call__(self, u: Tensor) -> Tensor:
        return self._first(u, self.sums)

    def derivative(self, u: Tensor) -> Tensor:
        return self._first(u, [piece.derivative for piece in self.sums])

    @property
    def complexity(self) -> int:
        return _joined(self.conditions) + _joined(self.sums)

    def sympy(self, u: Expr) -> Expr:
        import sympy

        pairs = zip(self.sums, self.conditions, strict=True)
        return sympy.Piecewise(*((piece.sympy(u), condition.sympy(u)) for piece, condition in pairs))

    def _first(self, u: Tensor, values: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
        result = torch.full_like(u, math.nan)
        open_ = torch.ones_like(u, dtype=torch.bool)
        for condition, value, safe in zip(self.conditions, values, self.safe, strict=True):
            here = open_ & condition(u)
            # A piece sees no point of the others: a value that is not finite has NaN gradients, taken or not.
            result = torch.where(here, value(torch.where(here, u, safe)), result)
            open_ = open_ & ~here
        return torch.where(torch.isnan(u), u, result)


_SAFE_POINTS = (0.5, 1.5, -0.5, -1.5, 0.1, 10.3, -10.3, 1e-3, 1e3, -1e3, 0.0)


def _safe_point(piece: _Sum) -> float:
    points = torch.tensor(_SAFE_POINTS, dtype=torch.float64)
    finite = torch.isfinite(piece(points)) & torch.isfinite(piece.derivative(points))
    return _SAFE_POINTS[int(finite.to(torch.int8).argmax())]


def _chain(library: Library, inner: Any, name: Any, *arguments: Any) -> Function:
    if not isinstance(name, str):
        raise OptionError(f"`chain` takes a sum and the name of the outer function, not {name!r}.")
    composed = _Chain(library.resolve(name, arguments), _Sum.of(library, inner))
    return _nested("chain", (inner, name, *arguments), composed)


def _times(library: Library, *factors: Any) -> Function:
    return _nested("times", factors, _Times(tuple(_Sum.of(library, factor) for factor in factors)))


def _largest(library: Library, *sums: Any) -> Function:
    return _nested("largest", sums, _Extreme(tuple(_Sum.of(library, part) for part in sums), 1))


def _smallest(library: Library, *sums: Any) -> Function:
    return _nested("smallest", sums, _Extreme(tuple(_Sum.of(library, part) for part in sums), -1))


def _piecewise(library: Library, *pieces: Any) -> Function:
    if not pieces or not all(isinstance(piece, tuple) and len(piece) == 2 for piece in pieces):
        raise OptionError(f"`piecewise` takes pairs (condition, sum), not {pieces!r}.")
    conditions = tuple(_condition(library, condition) for condition, _ in pieces)
    sums = tuple(_Sum.of(library, value) for _, value in pieces)
    return _nested("piecewise", pieces, _Pieces(conditions, sums, tuple(map(_safe_point, sums))))


def _nested(name: str, arguments: tuple, made: _Chain | _Times | _Extreme | _Pieces) -> Function:
    return Function(
        name,
        torch=made,
        sympy=made.sympy,
        complexity=made.complexity,
        arguments=arguments,
        label=f"{name}({', '.join(map(str, arguments))})",
        derivative=made.derivative,
        smooth=False,
    )


NESTED_FAMILIES = (
    Family("chain", _chain, "chain(sum, function name, its arguments ...)", nested=True),
    Family("times", _times, "times(sum, sum, ...)", nested=True),
    Family("largest", _largest, "largest(sum, sum, ...)", nested=True),
    Family("smallest", _smallest, "smallest(sum, sum, ...)", nested=True),
    Family("piecewise", _piecewise, "piecewise((condition, sum), ...)", nested=True),
)
