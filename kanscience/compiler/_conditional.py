"""Choices between values of several variables, by steps: gates of 0 and 1 that multiply the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sympy

from kanscience._errors import FormulaError
from kanscience.compiler._affine import Affine, Nodes
from kanscience.graph import Term

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

Lower = Callable[[sympy.Expr], Affine]


class Selection:
    """Piecewise expressions: the sum of every piece times its gate.

    A piece that is not taken sees harmless inputs instead: 0 times infinity is no number.
    """

    def __init__(self, nodes: Nodes, lower: Lower, elsewhere: Callable[[Mapping[sympy.Expr, Affine]], Lower]) -> None:
        self.nodes, self.lower, self.elsewhere = nodes, lower, elsewhere

    def value(self, expression: sympy.Expr) -> Affine:
        """Return the value of a Piecewise that covers all cases."""
        if expression.args[-1].cond != sympy.true:
            raise FormulaError(f"{expression} leaves cases open. End it with (value, True).")
        open_, parts = Affine(_ONE), []
        for piece, condition in expression.args:
            gate = self._both(open_, self._gate(condition))
            open_ = self._both(open_, closed(self.nodes, self._gate(condition)))
            parts.append(gated(self.nodes, self._behind(gate, piece), gate))
        return Affine.total(parts)

    def _behind(self, gate: Affine, piece: sympy.Expr) -> Affine:
        if not gate.curves or _is_polynomial(piece):
            return self.lower(piece)
        shut = closed(self.nodes, gate)
        values = {
            symbol: Affine.total([gated(self.nodes, self.lower(symbol), gate), shut.times(number)])
            for symbol, number in _harmless_point(piece).items()
        }
        return self.elsewhere(values)(piece)

    def _gate(self, condition: sympy.Basic) -> Affine:
        if condition in (sympy.true, sympy.false):
            return Affine(_ONE if condition == sympy.true else _ZERO)
        match condition:
            case sympy.And():
                return self._all([self._gate(part) for part in condition.args])
            case sympy.Or():
                return closed(self.nodes, self._all([closed(self.nodes, self._gate(part)) for part in condition.args]))
            case sympy.Not():
                return closed(self.nodes, self._gate(condition.args[0]))
            case sympy.core.relational.Relational():
                return self._relation(condition)
        raise FormulaError(f"{condition} is no condition that can be compiled. Use comparisons, And, Or and Not.")

    def _relation(self, condition: sympy.Basic) -> Affine:
        # A step of the difference: its value at 0 says whether equality counts.
        difference = self.nodes.value_node(
            self.lower(condition.gts if _is_order(condition) else condition.lhs)
            - self.lower(condition.lts if _is_order(condition) else condition.rhs)
        )
        if _is_order(condition):
            at_zero = _ZERO if isinstance(condition, sympy.StrictLessThan | sympy.StrictGreaterThan) else _ONE
            return self.nodes.apply("step", difference, at_zero)
        sides = [self.nodes.apply("step", difference.times(side), _ONE) for side in (_ONE, _MINUS)]
        equal = self._all(sides)
        return equal if isinstance(condition, sympy.Eq) else closed(self.nodes, equal)

    def _both(self, one: Affine, other: Affine) -> Affine:
        return gated(self.nodes, one, other)

    def _all(self, gates: Sequence[Affine]) -> Affine:
        found, *others = gates
        for other in others:
            found = self._both(found, other)
        return found


def _is_order(condition: sympy.Basic) -> bool:
    return not isinstance(condition, sympy.Eq | sympy.Ne)


def _is_polynomial(expression: sympy.Expr) -> bool:
    return all(
        node.is_Number
        or node.is_Symbol
        or node.is_Add
        or node.is_Mul
        or node.is_NumberSymbol
        or (node.is_Pow and node.exp.is_Integer and node.exp.is_positive)
        for node in sympy.preorder_traversal(expression)
    )


def _harmless_point(piece: sympy.Expr) -> dict[sympy.Symbol, sympy.Expr]:
    symbols = sorted(piece.free_symbols, key=str)
    for scale, shift in ((1, 0), (3, 0), (-1, 0), (_HALF, -_HALF), (10, 0), (_HALF / 5, 0), (1, -3), (100, 0)):
        for turn in range(len(symbols) + 1):
            numbers = [scale * sympy.Rational(7 + 3 * ((i + turn) % 7), 11) + shift for i in range(len(symbols))]
            point = dict(zip(symbols, numbers, strict=True))
            value = piece.xreplace(point).evalf()
            if value.is_Float and value.is_finite and abs(value) < 1e100:
                return point
    raise FormulaError(
        f"{piece} has no real value at any of the points tried, so it cannot stand behind a condition on several "
        "variables."
    )
