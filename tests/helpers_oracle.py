"""An oracle for formulas: mpmath, real at every step, with a bound of what rounding in float64 can do to the value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mpmath
import sympy

DIGITS = 50
UNIT = mpmath.mpf(2) ** -51  # two roundings, relative: of an operation and of how the network writes it
SLACK = 16  # the bound counts single roundings of the formula as written; a network may order them otherwise
_LARGEST, _SMALLEST = mpmath.mpf(10) ** 290, mpmath.mpf(10) ** -290


class UndecidedError(Exception):
    """Rounding decides: the value lies at a jump, at the end of a domain, or beyond the range of floats."""


@dataclass(frozen=True)
class Known:
    """A real value, or None where there is none, and how far a float64 computation may be off."""

    value: mpmath.mpf | None
    error: mpmath.mpf = mpmath.mpf(0)


_FUNCTIONS = {
    sympy.exp: mpmath.exp, sympy.log: mpmath.log, sympy.sin: mpmath.sin, sympy.cos: mpmath.cos, sympy.tan: mpmath.tan,
    sympy.sec: mpmath.sec, sympy.csc: mpmath.csc, sympy.cot: mpmath.cot, sympy.sinh: mpmath.sinh,
    sympy.cosh: mpmath.cosh, sympy.tanh: mpmath.tanh, sympy.sech: mpmath.sech, sympy.csch: mpmath.csch,
    sympy.coth: mpmath.coth, sympy.asin: mpmath.asin, sympy.acos: mpmath.acos, sympy.atan: mpmath.atan,
    sympy.asec: mpmath.asec, sympy.acsc: mpmath.acsc, sympy.acot: mpmath.acot, sympy.asinh: mpmath.asinh,
    sympy.acosh: mpmath.acosh, sympy.atanh: mpmath.atanh, sympy.asech: mpmath.asech, sympy.acsch: mpmath.acsch,
    sympy.acoth: mpmath.acoth, sympy.Abs: abs, sympy.sign: mpmath.sign, sympy.erf: mpmath.erf,
    sympy.erfc: mpmath.erfc, sympy.gamma: mpmath.gamma, sympy.loggamma: mpmath.loggamma,
    sympy.Heaviside: lambda u, h: mpmath.mpf(u > 0) if u else h, sympy.Max: max, sympy.Min: min,
    sympy.atan2: mpmath.atan2, sympy.Pow: mpmath.power, sympy.re: lambda u: u,
    sympy.besselj: mpmath.besselj, sympy.bessely: mpmath.bessely, sympy.besseli: mpmath.besseli,
    sympy.besselk: mpmath.besselk,
}  # fmt: skip
_ABSOLUTE = (sympy.besselj, sympy.bessely)  # scipy is exact to a unit of the largest value, not of a small one
_PERIODIC = (sympy.sin, sympy.cos, sympy.tan, sympy.sec, sympy.csc, sympy.cot, sympy.besselj, sympy.bessely)
_TENTH_OF_A_RADIAN = mpmath.mpf(1) / 10


def known(expression: sympy.Basic, point: Mapping[sympy.Symbol, float]) -> Known:
    """Return the value of an expression at a point, and its error bound.

    Raises:
        UndecidedError: rounding could change the branch or the domain, or leaves the range of floats.
    """
    with mpmath.workdps(DIGITS):
        return _known(expression, point)


def _known(expression: sympy.Basic, point: Mapping[sympy.Symbol, float]) -> Known:
    if expression.is_Symbol:
        return Known(mpmath.mpf(point[expression]))
    if not expression.args or not expression.free_symbols:
        value, better = (sympy.sympify(expression).evalf(digits) for digits in (DIGITS, 3 * DIGITS))
        if not value.is_real:
            return Known(None)
        if abs(value - better) > 1e-30 * abs(better):
            raise UndecidedError
        return _rounded(mpmath.mpf(value._to_mpmath(200)), mpmath.mpf(0))
    if isinstance(expression, sympy.Piecewise):
        for value, condition in expression.args:
            if _holds(condition, point):
                return _known(value, point)
        return Known(None)
    parts = [_known(part, point) for part in expression.args]
    if expression.is_Pow and not expression.base.free_symbols and parts[0].value == 1:
        return Known(mpmath.mpf(1))  # whatever the exponent, as numpy and IEEE 754 have it
    if any(part.value is None for part in parts):
        return Known(None)
    if expression.is_Add:
        return _rounded(sum(p.value for p in parts), sum(p.error + UNIT * abs(p.value) for p in parts))
    if expression.is_Mul:
        return _product(parts)
    return _applied(expression, parts)


def _product(parts: list[Known]) -> Known:
    value = mpmath.fprod(part.value for part in parts)
    if value:
        return _rounded(value, abs(value) * sum(part.error / abs(part.value) + UNIT for part in parts))
    largest = mpmath.fprod(abs(part.value) + part.error for part in parts)
    return _rounded(value, largest)


def _applied(expression: sympy.Basic, parts: list[Known]) -> Known:
    irrational = expression.is_Pow and not expression.exp.free_symbols and not expression.exp.is_Integer
    if irrational and mpmath.isint(parts[1].value):
        raise UndecidedError  # an integer to all digits that are looked at
    function = _FUNCTIONS[expression.func]
    middle = _real(function, [part.value for part in parts])
    error = mpmath.mpf(0)
    for i, part in enumerate(parts):
        if not _is_rounded(expression, i):
            continue
        before = error
        reach = part.error + UNIT * abs(part.value)  # relative to the argument and to 1: steps and poles at 0 show too
        if isinstance(expression, _PERIODIC) and SLACK * reach > _TENTH_OF_A_RADIAN:
            raise UndecidedError  # any value of a period may come out
        around = []
        for steps in (-SLACK, -1, 1, SLACK):
            moved = [p.value for p in parts]
            moved[i] += steps * reach
            there = _real(function, moved)
            if (there is None) != (middle is None):
                raise UndecidedError
            if middle is not None:
                around.append(abs(there))
                error = max(error, before + 2 * abs(there - middle) / abs(steps))
        if middle is not None and abs(middle) > 2 * max(around):
            raise UndecidedError  # a pole so near that rounding decides on which side it is, or that it is met
    if middle is None:
        return Known(None)
    if isinstance(expression, _ABSOLUTE):
        error += 4 * UNIT * (1 + abs(mpmath.mpf(parts[0].value)))
    if expression.is_Pow and expression.exp.free_symbols and expression.base.free_symbols:
        base, power = parts[0].value, parts[1].value
        if base < 0:
            return Known(None)  # as the documentation says
        error += abs(middle) * 4 * UNIT * (abs(power * mpmath.log(base)) if base else 1)
    if expression.func in (sympy.gamma, sympy.loggamma):
        error += 8 * UNIT * abs(middle)
    return _rounded(middle, error)


def _is_rounded(expression: sympy.Basic, index: int) -> bool:
    # Orders, exponents that are numbers and the value of a step at 0 are exact.
    return bool(expression.args[index].free_symbols)


def _real(function, arguments) -> mpmath.mpf | None:
    try:
        value = function(*arguments)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UndecidedError from None  # a pole, or no convergence
    if isinstance(value, mpmath.mpc):
        if value.imag != 0:
            return None
        value = value.real
    if not mpmath.isfinite(value):
        raise UndecidedError
    return mpmath.mpf(value)


def _rounded(value: mpmath.mpf, error: mpmath.mpf) -> Known:
    if abs(value) > _LARGEST or 0 < abs(value) < _SMALLEST or not mpmath.isfinite(error):
        raise UndecidedError
    return Known(value, error + UNIT * abs(value))


def _holds(condition: sympy.Basic, point: Mapping[sympy.Symbol, float]) -> bool:
    match condition:
        case sympy.And():
            return all(_holds(part, point) for part in condition.args)
        case sympy.Or():
            return any(_holds(part, point) for part in condition.args)
        case sympy.Not():
            return not _holds(condition.args[0], point)
    if condition in (sympy.true, sympy.false):
        return condition == sympy.true
    left, right = (_known(side, point) for side in condition.args)
    if left.value is None or right.value is None:
        raise UndecidedError
    difference = left.value - right.value
    if abs(difference) <= 4 * (left.error + right.error + UNIT * (abs(left.value) + abs(right.value))):
        raise UndecidedError
    signs = {sympy.Lt: (-1,), sympy.Le: (-1, 0), sympy.Gt: (1,), sympy.Ge: (1, 0), sympy.Eq: (0,), sympy.Ne: (-1, 1)}
    return int(mpmath.sign(difference)) in signs[condition.func]
