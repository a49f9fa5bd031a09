"""Choices between values of several variables, by steps: gates of 0 and 1 that multiply the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import sympy

from kanscience._errors import FormulaError
from kanscience.compiler._affine import Affine, Nodes
from kanscience.compiler._limits import excerpt
from kanscience.compiler._types import Condition, Expr
from kanscience.graph import Term
from kanscience.network import from_graph

if TYPE_CHECKING:
    from kanscience.functions import Library

_HALF, _ONE, _ZERO, _MINUS = sympy.Rational(1, 2), sympy.S.One, sympy.S.Zero, sympy.S.NegativeOne


def larger(nodes: Nodes, one: Affine, other: Affine, sign: int = 1) -> Affine:
    """Return the larger of two values, with sign -1 the smaller: a * H(a - b) + b * H(b - a)."""
    difference = nodes.value_node(one - other).times(sympy.Integer(sign))
    gates = [nodes.apply("step", difference.times(side), _HALF) for side in (_ONE, _MINUS)]
    return Affine.total([gated(nodes, one, gates[0]), gated(nodes, other, gates[1])])


def gated(nodes: Nodes, value: Affine, gate: Affine) -> Affine:
    """Return the value where the gate is 1, and 0 where it is 0."""
    if not gate.curves:
        return value.times(gate.bias)
    return nodes.product([value, gate]) if value.curves else gate.times(value.bias)


def closed(nodes: Nodes, gate: Affine) -> Affine:
    """Return 1 minus the gate, as a value of its own: x*g + (1 - g) would lose the digits of a small x."""
    shut = Affine(_ONE) - gate
    return Affine.of_node(nodes.sum(shut)) if shut.curves else shut


def angle(nodes: Nodes, y: Affine, x: Affine) -> Affine:
    """Return atan2(y, x): with the smaller of the two over the larger, so that no digits are lost."""
    y, x = nodes.value_node(y), nodes.value_node(x)
    wide = nodes.apply("step", nodes.value_node(nodes.apply("abs", x) - nodes.apply("abs", y)), _ONE)
    high = closed(nodes, wide)
    # Where a quotient is not taken it is that by 1, and so it is at the origin.
    over_x = nodes.apply("piecewise", Affine.total([gated(nodes, x, wide), high]), *_RECIPROCAL_OR_ONE)
    over_y = nodes.apply("power", Affine.total([gated(nodes, y, high), wide]), _MINUS)
    left, upper = nodes.apply("step", x.times(_MINUS), _ZERO), nodes.apply("step", y, _ONE)
    turn = gated(nodes, Affine.total([upper.times(2 * sympy.pi), Affine(-sympy.pi)]), left)
    in_wide = Affine.total([nodes.apply("arctan", gated(nodes, y, over_x)), turn])
    in_high = nodes.apply("sign", y).times(sympy.pi / 2) - nodes.apply("arctan", gated(nodes, x, over_y))
    return Affine.total([gated(nodes, in_wide, wide), gated(nodes, in_high, high)])


_RECIPROCAL_OR_ONE = ((("==", (Term(),), (_ZERO,)), (_ONE,)), (True, (Term("power", (_MINUS,)),)))

Lower = Callable[[Expr], Affine]
LowerIn = Callable[[Nodes, Mapping[Expr, Affine]], Lower]  # into a graph, where symbols have these values


class Selection:
    """Piecewise expressions: the sum of every piece times its gate.

    A piece that is not taken sees harmless inputs instead: 0 times infinity is no number.
    """

    def __init__(self, nodes: Nodes, lower: Lower, lower_in: LowerIn) -> None:
        self.nodes, self.lower, self.lower_in = nodes, lower, lower_in

    def value(self, expression: Expr) -> Affine:
        """Return the value of a Piecewise that covers all cases."""
        if expression.args[-1].cond != sympy.true:
            raise FormulaError(f"{excerpt(expression)} leaves cases open. End it with (value, True).")
        open_, parts = Affine(_ONE), []
        for piece, condition in expression.args:
            holds = self._gate(condition)
            gate = self._both(open_, holds)
            parts.append(gated(self.nodes, self._behind(gate, piece), gate))
            open_ = self._both(open_, self._closed(holds))
        return Affine.total(parts)

    def _behind(self, gate: Affine, piece: Expr) -> Affine:
        if not (gate.curves and piece.free_symbols) or _is_polynomial(piece):
            return self.lower(piece)
        shut = self._closed(gate)
        values = {
            symbol: Affine.total([gated(self.nodes, self.lower(symbol), gate), shut.times(number)])
            for symbol, number in _harmless_point(piece, self.nodes.library, self.lower_in).items()
        }
        return self.lower_in(self.nodes, values)(piece)

    def _gate(self, condition: Condition) -> Affine:
        if condition in (sympy.true, sympy.false):
            return Affine(_ONE if condition == sympy.true else _ZERO)
        match condition:
            case sympy.And():
                return self._all([self._gate(part) for part in condition.args])
            case sympy.Or():
                return self._closed(self._all([self._closed(self._gate(part)) for part in condition.args]))
            case sympy.Not():
                return self._closed(self._gate(condition.args[0]))
            case sympy.core.relational.Relational():
                return self._relation(condition)
        raise FormulaError(
            f"{excerpt(condition)} is no condition that can be compiled. Use comparisons, And, Or and Not."
        )

    def _relation(self, condition: Condition) -> Affine:
        if not isinstance(condition, sympy.Eq | sympy.Ne):
            strict = isinstance(condition, sympy.StrictLessThan | sympy.StrictGreaterThan)
            return self._step(condition.gts, condition.lts, _ZERO if strict else _ONE)
        one, other = condition.args
        equal = self._both(self._step(one, other, _ONE), self._step(other, one, _ONE))
        return equal if isinstance(condition, sympy.Eq) else self._closed(equal)

    def _step(self, larger: Expr, smaller: Expr, at_zero: Expr) -> Affine:
        # The value of the step at zero says whether equality counts.
        difference = self.nodes.value_node(self.lower(larger) - self.lower(smaller))
        return self.nodes.apply("step", difference, at_zero)

    def _closed(self, gate: Affine) -> Affine:
        return closed(self.nodes, gate)

    def _both(self, one: Affine, other: Affine) -> Affine:
        return gated(self.nodes, one, other)

    def _all(self, gates: Sequence[Affine]) -> Affine:
        found, *others = gates
        for other in others:
            found = self._both(found, other)
        return found


def _is_polynomial(expression: Expr) -> bool:
    return all(
        node.is_Atom
        or node.is_Add
        or node.is_Mul
        or (node.is_Pow and node.args[1].is_Integer and node.args[1].is_positive)
        for node in expression.atoms(sympy.Basic)
    )


_HARMLESS_LINES = ((1, 0), (3, 0), (-1, 0), (0.5, -0.5), (10, 0), (0.1, 0), (1, -3), (100, 0))
_LARGEST = 1e100


def _harmless_point(piece: Expr, library: Library, lower_in: LowerIn) -> dict[sympy.Symbol, Expr]:
    # sympy's own value would not do: it may be real although a part of it is not.
    symbols = sorted(piece.free_symbols, key=str)
    nodes = Nodes(library)
    inputs = {symbol: Affine.of_node(nodes.graph.add_input(symbol.name)) for symbol in symbols}
    nodes.output("y", lower_in(nodes, inputs)(piece))
    points = [
        [scale * (7 + 3 * ((i + turn) % 7)) / 11 + shift for i in range(len(symbols))]
        for scale, shift in _HARMLESS_LINES
        for turn in range(len(symbols) + 1)
    ]
    for point, value in zip(points, from_graph(nodes.graph, library=library).predict(points), strict=True):
        if abs(value) < _LARGEST:
            return dict(zip(symbols, map(sympy.Float, point), strict=True))
    raise FormulaError(
        f"{excerpt(piece)} has no real value at any of the points tried, so it cannot stand behind a condition on "
        "several variables."
    )
