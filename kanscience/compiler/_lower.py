"""sympy to graph: every subexpression is computed once, and each becomes as few nodes as it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy
from sympy.core.function import AppliedUndef

from kanscience.compiler._affine import Affine, Nodes, real_constant
from kanscience.compiler._conditional import Selection, angle, larger
from kanscience.compiler._curves import applied, rewritten, unknown
from kanscience.compiler._one_edge import piecewise_on_one_edge
from kanscience.compiler._types import Expr


class Lowering:
    """From expressions to the values of a graph; remembers every expression that it has met."""

    def __init__(self, nodes: Nodes, values: Mapping[Expr, Affine]) -> None:
        self.nodes = nodes
        self.known: dict[Expr, Affine] = dict(values)

    def value(self, expression: Expr) -> Affine:
        """Return the value of an expression."""
        if expression not in self.known:
            self.known[expression] = self._lowered(expression)
        return self.known[expression]

    def _lowered(self, expression: Expr) -> Affine:
        if expression.is_number:
            return Affine(real_constant(expression))
        if expression.is_Add:
            return Affine.total(map(self.value, expression.args))
        if expression.is_Mul:
            return self._product(expression)
        if isinstance(expression, AppliedUndef) and len(expression.args) == 1:
            name = expression.func.__name__
            if name in self.nodes.by_name:
                return self.nodes.apply(name, self.value(expression.args[0]))
        curve = applied(expression)
        if curve is not None:
            return self.nodes.apply(curve.function, self.value(curve.inner), *curve.arguments)
        other_words = rewritten(expression)
        if other_words is not None:
            return self.value(other_words)
        lower = self._of_several().get(type(expression))
        if lower is None:
            raise unknown(expression)
        return lower(expression)

    def _of_several(self) -> Mapping[type, Callable]:
        return {
            sympy.Pow: self._symbolic_power,
            sympy.Max: self._extreme,
            sympy.Min: self._extreme,
            sympy.atan2: self._angle,
            sympy.Piecewise: self._piecewise,
        }

    def _product(self, expression: Expr) -> Affine:
        numbers = [factor for factor in expression.args if factor.is_number]
        factors = [factor for factor in expression.args if not factor.is_number]
        number = real_constant(sympy.Mul(*numbers))
        if len(factors) == 1:
            return self.value(factors[0]).times(number)
        # The product without its numbers is what other expressions may share.
        bare = sympy.Mul(*factors) if numbers else expression
        if bare not in self.known:
            self.known[bare] = self.nodes.product([self.value(factor) for factor in factors])
        return self.known[bare].times(number)

    def _symbolic_power(self, expression: Expr) -> Affine:
        base, exponent = expression.args
        logarithm = self.nodes.apply("log_of_base", self.value(base))
        number, rest = exponent.as_coeff_Mul()
        product = self.nodes.product([self.value(rest), logarithm])
        return self.nodes.apply("exp", product.times(real_constant(number)))

    def _extreme(self, expression: Expr) -> Affine:
        sign = 1 if isinstance(expression, sympy.Max) else -1
        found, *others = map(self.value, expression.args)
        for other in others:
            found = larger(self.nodes, found, other, sign)
        return found

    def _angle(self, expression: Expr) -> Affine:
        y, x = map(self.value, expression.args)
        return angle(self.nodes, y, x)

    def _piecewise(self, expression: Expr) -> Affine:
        found = piecewise_on_one_edge(expression)
        if found is not None:
            inner, pieces = found
            return self.nodes.apply("piecewise", self.value(inner), *pieces)
        return Selection(self.nodes, self.value, _lower_in).value(expression)


def _lower_in(nodes: Nodes, values: Mapping[Expr, Affine]) -> Callable[[Expr], Affine]:
    return Lowering(nodes, values).value
