"""What sympy writes as a function of one value, and what the library calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import sympy

from kanscience._errors import FormulaError
from kanscience.compiler._affine import real_constant
from kanscience.compiler._limits import excerpt
from kanscience.compiler._types import Expr
from kanscience.functions import default_library, real_value


class Applied(NamedTuple):
    """A library function, its fixed arguments, and the expression that it is applied to."""

    function: str
    arguments: tuple
    inner: Expr


_WITH_ORDER = (sympy.besselj, sympy.bessely, sympy.besseli, sympy.besselk)
_REWRITTEN: Mapping[type, Callable[[Expr], Expr]] = {
    sympy.re: lambda u: u,  # everything here is real
    sympy.conjugate: lambda u: u,
}


@cache
def _single_functions() -> Mapping[type, str]:
    # by what sympy calls them: the library knows
    u = sympy.Dummy("u")
    library = default_library()
    found: dict[type, str] = {}
    for function in (*library.candidates, *library.functions):
        expression = function.sympy(u)
        if expression.args == (u,):
            found.setdefault(type(expression), function.name)
    return found


def rewritten(expression: Expr) -> Expr | None:
    """Return the same function in the library's words, or None."""
    rewrite = _REWRITTEN.get(type(expression))
    return rewrite(expression.args[0]) if rewrite else None


def applied(expression: Expr) -> Applied | None:
    """Return the library function that an expression applies to one value, or None."""
    kind, arguments = type(expression), expression.args
    if kind in _single_functions() and len(arguments) == 1:
        return Applied(_single_functions()[kind], (), arguments[0])
    if expression.is_Pow:
        return _applied_power(*arguments)
    if kind in _WITH_ORDER:
        order, inner = arguments
        if not order.is_Integer:
            raise FormulaError(f"{excerpt(expression)}: Bessel functions are known for integer orders, not {order}.")
        return Applied(kind.__name__, (order,), inner)
    if kind is sympy.Heaviside:
        return Applied("step", (real_constant(arguments[1]),), arguments[0])
    if kind in (sympy.Max, sympy.Min):
        limits = [argument for argument in arguments if argument.is_number]
        others = [argument for argument in arguments if not argument.is_number]
        if len(limits) == 1:
            name = "maximum" if kind is sympy.Max else "minimum"
            return Applied(name, (real_constant(limits[0]),), kind(*others, evaluate=len(others) == 1))
    return None


def _applied_power(base: Expr, exponent: Expr) -> Applied | None:
    if exponent.is_number:
        return Applied("power", (real_constant(exponent),), base)
    if not base.is_number:
        return None
    if not (real_value(base) or 0) > 0:
        raise FormulaError(f"{excerpt(base**exponent)} is real only for some exponents: the base must be positive.")
    return Applied("exponential", (real_constant(base),), exponent)


def unknown(expression: Expr) -> FormulaError:
    """Return the error for something that no library function computes."""
    if isinstance(expression, sympy.Symbol):
        return FormulaError(f"{expression} is neither a variable nor a parameter.")
    known = [kind.__name__ for kind in (*_single_functions(), *_REWRITTEN, *_WITH_ORDER)]
    others = ["Heaviside", "Max", "Min", "Piecewise", "atan2"]
    return FormulaError(
        f"{excerpt(expression)} cannot be compiled: there is no library function {type(expression).__name__!r}. "
        f"There are sums, products, powers and {', '.join(sorted((*known, *others), key=str.casefold))}."
    )
