"""Values while a graph is built: sums of functions of nodes, which become nodes only where they must."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sys import float_info
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy

from kanscience._errors import FormulaError, GraphError
from kanscience.compiler._limits import excerpt
from kanscience.compiler._names import functions_by_name
from kanscience.compiler._types import Expr
from kanscience.graph import Graph, Number, Term

if TYPE_CHECKING:
    from kanscience.functions import Library


class Curve(NamedTuple):
    """``f(slope * source + shift)`` of a node; all numbers exact."""

    source: str
    function: str = "identity"
    arguments: tuple = ()
    slope: Expr = sympy.S.One
    shift: Expr = sympy.S.Zero


@dataclass(frozen=True)
class Affine:
    """``bias + sum of factor * curve``, what one sum of the graph can hold."""

    bias: Expr
    curves: tuple[tuple[Curve, Expr], ...] = ()

    @classmethod
    def of_node(cls, node: str) -> Affine:
        """Return the value of a node."""
        return cls(sympy.S.Zero, ((Curve(node), sympy.S.One),))

    @classmethod
    def total(cls, parts: Iterable[Affine]) -> Affine:
        """Add values."""
        parts = list(parts)
        factors: dict[Curve, list[Expr]] = {}
        for part in parts:
            for curve, factor in part.curves:
                factors.setdefault(curve, []).append(factor)
        sums = ((curve, sympy.Add(*numbers)) for curve, numbers in factors.items())
        return cls(sympy.Add(*(p.bias for p in parts)), tuple((curve, total) for curve, total in sums if total != 0))

    def times(self, number: Expr) -> Affine:
        """Return the value times a number."""
        if number == 1:
            return self
        return Affine(number * self.bias, tuple((curve, number * factor) for curve, factor in self.curves))

    def __sub__(self, other: Affine) -> Affine:
        return Affine.total([self, other.times(sympy.S.NegativeOne)])

    @property
    def node(self) -> str | None:
        """The node whose value this is, unchanged; else None."""
        match self.curves:
            case ((Curve(source, "identity"), factor),) if factor == 1 and self.bias == 0:
                return source
        return None

    @property
    def line(self) -> tuple[str, Expr, Expr] | None:
        """``(source, slope, shift)`` where this is a straight line of one node; else None."""
        match self.curves:
            case ((Curve(source, "identity"), factor),):
                return source, factor, self.bias
        return None


class Nodes:
    """A graph under construction, in which nothing is computed twice."""

    def __init__(self, library: Library) -> None:
        self.graph, self.library = Graph(), library
        self.by_name = functions_by_name(library)  # what formulas may call beside what they always know
        self._sums: dict[Affine, str] = {}
        self._products: dict[frozenset[str], str] = {}

    def sum(self, value: Affine) -> str:
        """Return the sum that has this value."""
        node = value.node
        if node is not None and self.graph.nodes[node]["kind"] == "sum":
            return node
        key = Affine(value.bias, tuple(sorted(value.curves, key=repr)))
        if key not in self._sums:
            node = self.graph.add_sum(checked_number(value.bias))
            for curve, factor in value.curves:
                self.graph.add_function(curve.source, node, _term(curve, factor))
            self._sums[key] = node
        return self._sums[key]

    def product(self, factors: Sequence[Affine]) -> Affine:
        """Return the product of values."""
        sums = [self.sum(factor) for factor in factors]
        if len(set(sums)) < len(sums):  # a sum enters a product once
            powers = [self._power(Affine.of_node(node), n) for node, n in Counter(sums).items()]
            return powers[0] if len(powers) == 1 else self.product(powers)
        key = frozenset(sums)
        if key not in self._products:
            self._products[key] = self.graph.add_product(*sums)
        return Affine.of_node(self._products[key])

    def _power(self, value: Affine, n: int) -> Affine:
        return value if n == 1 else self.apply("power", value, sympy.Integer(n))

    def apply(self, function: str, value: Affine, *arguments: object) -> Affine:
        """Return a library function of a value."""
        if not value.curves:
            constant = self.library.resolve(function, arguments).sympy(value.bias)
            return Affine(real_constant(constant))
        source, slope, shift = self.value_node(value).line  # type: ignore[misc]
        return Affine(sympy.S.Zero, ((Curve(source, function, arguments, slope, shift), sympy.S.One),))

    def value_node(self, value: Affine) -> Affine:
        """Return the value as that of one node, up to a factor and an offset."""
        return value if value.line is not None else Affine.of_node(self.sum(value))

    def output(self, name: str, value: Affine) -> None:
        """Read a value out."""
        node = value.node
        if node is None or self.graph.nodes[node]["kind"] not in ("sum", "product"):
            node = self.sum(value)
        self.graph.add_output(name, node)


def _term(curve: Curve, factor: Expr) -> Term:
    scale, slope, shift = (checked_number(number) for number in (factor, curve.slope, curve.shift))
    return Term(curve.function, curve.arguments, scale, slope, shift)


def real_constant(number: Expr) -> Expr:
    """Return a number if it is one that a network can hold."""
    checked_number(number)
    return number


def checked_number(number: Any) -> Number:
    """Return an exact number beside its float; it must be zero or a normal, finite float."""
    try:
        found = Number.of(number)
    except GraphError:
        raise FormulaError(f"{excerpt(number)} is no finite real number within the range of floats.") from None
    vanished = found.value == 0 and getattr(number, "is_zero", None) is False
    if vanished or 0 < abs(found.value) < float_info.min:
        raise FormulaError(f"{excerpt(number)} is not zero, but too small for a float. Choose other units.")
    if not math.isfinite(found.value):
        raise FormulaError(f"{excerpt(number)} is not within the range of floats. Choose other units.")
    return found
