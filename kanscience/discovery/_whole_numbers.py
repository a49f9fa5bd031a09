"""On whole numbers a wave has many frequencies, ``sin(a*n + b)`` and ``sin((a + 2*pi)*n + b)``; the lowest is taken.

The highest of these, a = pi, is a change of sign: ``sin(b) * cos(pi*n)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from kanscience._typing import Matrix, Vector

if TYPE_CHECKING:
    import sympy

_DRIFT = 0.5  # radians between a wave and a change of sign, at the ends of the column: a refit judges


def with_lowest_frequencies(expression: sympy.Expr, names: Sequence[str], X: Matrix) -> sympy.Expr:
    """Return the expression with the lowest frequencies for its waves over columns of whole numbers.

    Example:
        >>> import sympy
        >>> n = sympy.Symbol("n")
        >>> with_lowest_frequencies(300 * sympy.sin(3 * 3.141592653589793 * n + 0.01), ["n"], np.arange(50.0)[:, None])
        2.9999500002499993*cos(pi*n)
    """
    import sympy

    replaced: dict[sympy.Basic, sympy.Basic] = {}
    for k, name in enumerate(names):
        column, n = X[:, k], sympy.Symbol(name)
        if (column == np.round(column)).all():
            waves = [wave for wave in expression.atoms(sympy.sin, sympy.cos) if wave.free_symbols == {n}]
            replaced |= {wave: _lowest(wave, n, column) for wave in waves}
    return cast("sympy.Expr", expression.xreplace(replaced))


def _lowest(wave: sympy.Expr, n: sympy.Symbol, column: Vector) -> sympy.Expr:
    import sympy

    argument = sympy.expand(wave.args[0])
    slope, shift = argument.coeff(n, 1), argument.coeff(n, 0)
    if argument.has(n**2) or not (slope.is_number and sympy.expand(argument - slope * n - shift) == 0):
        return wave
    turns = round(float(slope) / (2 * np.pi))
    reduced = float(slope) - 2 * np.pi * turns
    middle, half = round((column.max() + column.min()) / 2), (column.max() - column.min()) / 2
    if (np.pi - abs(reduced)) * half < _DRIFT:
        phase = float(shift) + (reduced - np.copysign(np.pi, reduced)) * middle
        return sympy.Float(float(wave.func(phase)), 17) * sympy.cos(sympy.pi * n)
    return wave.func(sympy.Float(reduced, 17) * n + shift) if turns else wave
