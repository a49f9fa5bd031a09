"""Back from steps to the larger and the smaller: ``a * H(a - b) + b * H(b - a)`` is ``Max(a, b)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sympy


def with_extremes(parts: Sequence[sympy.Expr]) -> list[sympy.Expr]:
    """Return the parts of a sum, those that make a Max or Min joined to one.

    Example:
        >>> from sympy import Heaviside
        >>> from sympy.abc import a, b, c
        >>> with_extremes([c, a * Heaviside(a - b), b * Heaviside(b - a)])
        [c, Max(a, b)]
    """
    import sympy

    left, gated = [], {}
    for part in parts:
        steps = [f for f in sympy.Mul.make_args(part) if isinstance(f, sympy.Heaviside)]
        if len(steps) == 1 and steps[0].args[1] == sympy.Rational(1, 2):
            gated[steps[0].args[0]] = part, part / steps[0]
        else:
            left.append(part)
    while gated:
        difference, (part, value) = gated.popitem()
        _, other = gated.get(-difference, (None, None))
        joined = None if other is None else _joined(value, other, difference)
        if joined is None:
            left.append(part)
        else:
            del gated[-difference]
            left.append(joined)
    return left


def _joined(one: sympy.Expr, other: sympy.Expr, difference: sympy.Expr) -> sympy.Expr | None:
    import sympy

    (factor, one), (factor_of_other, other) = one.as_coeff_Mul(), other.as_coeff_Mul()
    if factor != factor_of_other:
        one, other, factor = factor * one, factor_of_other * other, sympy.S.One
    ratio = sympy.cancel((one - other) / difference)
    if not (ratio.is_number and ratio.is_nonzero):
        return None
    return factor * (sympy.Max if ratio.is_positive else sympy.Min)(one, other)
