"""A whole formula of one variable as the arguments of one library function."""

from __future__ import annotations

from typing import Any

import sympy
from sympy.core.relational import Relational

from kanscience.compiler._affine import checked_number, real_constant
from kanscience.compiler._curves import applied, rewritten
from kanscience.compiler._types import Condition, Expr
from kanscience.graph import Term


class _NotOneEdgeError(Exception):
    """The expression holds something that is no function of one value."""


Sum = tuple[Any, ...]  # exact numbers and terms, added


def piecewise_on_one_edge(expression: Expr) -> tuple[Expr, tuple] | None:
    """Return the one subexpression that a Piecewise depends on, and its pieces; None if there is no such.

    Example:
        >>> from sympy.abc import x, y
        >>> piecewise_on_one_edge(sympy.Piecewise((x * y, x * y < 1), (1, True)))[0]
        x*y
    """
    u = sympy.Dummy("u")
    for inner in _possible_sources(expression):
        of_one = expression.xreplace({inner: u})
        if of_one.free_symbols == {u}:
            try:
                return inner, _Writer(u).pieces(of_one)
            except _NotOneEdgeError:
                return None
    return None


def _possible_sources(expression: Expr) -> list[Expr]:
    symbols = expression.free_symbols
    if len(symbols) == 1:
        return list(symbols)
    relations = expression.atoms(Relational)
    sides = {side for relation in relations for side in relation.args if not side.is_number}
    return sorted(sides, key=lambda side: (-sympy.count_ops(side), str(side)))


class _Writer:
    """Expressions of one variable as sums of terms."""

    def __init__(self, variable: sympy.Dummy) -> None:
        self.variable = variable

    def sum(self, expression: Expr) -> Sum:
        if expression.is_number:
            return (real_constant(expression),)
        parts = sympy.Add.make_args(expression)
        return tuple(self._member(part) for part in parts)

    def _member(self, expression: Expr) -> Any:
        if expression.is_number:
            return real_constant(expression)
        number, factors = sympy.S.One, []
        for factor in sympy.Mul.make_args(expression):
            if factor.is_number:
                number *= factor
            else:
                factors.append(factor)
        scale = checked_number(number)
        if len(factors) > 1 or factors[0].is_Add:
            return Term("times", tuple(self.sum(factor) for factor in factors), scale)
        if factors[0] == self.variable:
            return Term(scale=scale)
        return self._curve(factors[0], scale)

    def _curve(self, expression: Expr, scale: Any) -> Term:
        if isinstance(expression, sympy.Piecewise):
            return Term("piecewise", self.pieces(expression), scale)
        found = applied(expression)
        if found is None and isinstance(expression, sympy.Max | sympy.Min):
            name = "largest" if isinstance(expression, sympy.Max) else "smallest"
            return Term(name, tuple(self.sum(part) for part in expression.args), scale)
        if found is None:
            other_words = rewritten(expression)
            if other_words is None:
                raise _NotOneEdgeError
            return Term("times", (self.sum(other_words),), scale)
        line = self._line(found.inner)
        if line is not None:
            return Term(found.function, found.arguments, scale, *line)
        return Term("chain", (self.sum(found.inner), found.function, *found.arguments), scale)

    def _line(self, expression: Expr) -> tuple | None:
        slope = expression.coeff(self.variable)
        shift = expression - slope * self.variable
        if slope.is_number and slope != 0 and shift.is_number:
            return checked_number(slope), checked_number(shift)
        return None

    def pieces(self, expression: Expr) -> tuple:
        """Return the arguments of the library's piecewise."""
        return tuple((self._condition(condition), self.sum(value)) for value, condition in expression.args)

    def _condition(self, condition: Condition) -> Any:
        if condition == sympy.true:
            return True
        match condition:
            case sympy.And() | sympy.Or() | sympy.Not():
                return (type(condition).__name__.lower(), *map(self._condition, condition.args))
            case sympy.Lt() | sympy.Gt():
                return "<", self.sum(condition.lts), self.sum(condition.gts)
            case sympy.Le() | sympy.Ge():
                return "<=", self.sum(condition.lts), self.sum(condition.gts)
            case sympy.Eq() | sympy.Ne():
                kind = "==" if isinstance(condition, sympy.Eq) else "!="
                return kind, self.sum(condition.lhs), self.sum(condition.rhs)
        raise _NotOneEdgeError
