"""What bounds the time and the numbers of a formula, checked before sympy computes with them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from sys import float_info

import sympy

from kanscience._errors import FormulaError
from kanscience.compiler._types import Expr

MOST_CHARACTERS = 10_000
MOST_DEPTH = 100
MOST_BITS = 2048  # of the numerator and denominator of an exact number


def excerpt(thing: object, most: int = 60) -> str:
    """Return text or an expression, cut to a length that an error message holds."""
    text = " ".join(str(thing).split())
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def exact_number(value: int | float, text: str) -> Expr:
    """Return a literal as sympy's number."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FormulaError(f"{text} is not within the range of floats.")
        if value < float_info.min and re.search("[1-9]", text.lower().partition("e")[0]):
            raise FormulaError(f"{text} is not zero, but too small for a float. Choose other units.")
        return sympy.Float(value)
    if value.bit_length() > MOST_BITS:
        raise _too_long(text)
    return sympy.Integer(value)


def sum_of(terms: Sequence[Expr]) -> Expr:
    """Add expressions, in one go, unless their exact numbers add up to one that is too long."""
    total = sympy.S.Zero
    for term in terms:
        if term.is_Rational:
            total += term
            _check_bits(total, "a sum")
    return sympy.Add(total, *(term for term in terms if not term.is_Rational))


def product_of(factors: Sequence[Expr]) -> Expr:
    """Multiply expressions, in one go, unless their exact factors make one that is too long."""
    if sum(_bits_of_factor(factor) for factor in factors) > MOST_BITS:
        raise _too_long("a product")
    return sympy.Mul(*factors)


def check_power(base: Expr, exponent: Expr, text: str) -> None:
    """Raise where ``base**exponent`` would make sympy compute an exact number that is too long."""
    if exponent.is_Rational:
        size = abs(int(exponent.p)) // int(exponent.q) + 1
        if size > 1 and size * _bits_of_factor(base) > MOST_BITS:
            raise _too_long(text)
    elif exponent.free_symbols and base.is_Rational:
        # sympy takes whole numbers out of exponents: 2**(x + n) is 2**n * 2**x in products.
        whole = max((abs(int(n.p)) // int(n.q) for n in exponent.atoms(sympy.Rational)), default=0)
        if whole * _bits(base) > MOST_BITS:
            raise _too_long(text)


_MOST_NESTED = 2  # functions in functions that sympy may look into; a tanh ten times in itself takes it a minute


def quick(*values: Expr) -> AbstractContextManager:
    """Return the context in which sympy computes a function of these values: as it stands where that could take long.

    For signs and closed forms sympy looks into the arguments: of constants that are no simple numbers, and of
    functions in functions, for minutes.
    """
    constant = all(value.is_number for value in values) and any(value.atoms(sympy.Function) for value in values)
    deep = any(_nesting(value) > _MOST_NESTED for value in values)
    return sympy.evaluate(False) if constant or deep else nullcontext()


@lru_cache(maxsize=4096)  # shared parts are looked at once: a tree may be exponentially larger than its parts
def _nesting(expression: Expr) -> int:
    inner = max(map(_nesting, expression.args), default=0)
    return inner + isinstance(expression, sympy.Function)


def check_constant(expression: Expr, text: str) -> None:
    """Raise unless the expression has variables or a finite real value."""
    if expression.is_Rational:
        _check_bits(expression, text)
    elif expression.free_symbols:
        coefficient = expression.as_coeff_Mul()[0]
        _check_bits(coefficient, text)
        return
    value = expression if expression.is_Rational else expression.evalf(17)
    if value.is_real is False or not value.is_number or value.has(sympy.I):
        raise FormulaError(f"{text!r} is the constant {value}, not a real number.")
    if not (value.is_finite and abs(value) < _LARGEST):
        raise FormulaError(f"{text!r} is not finite, or not within the range of floats.")


_LARGEST = sympy.Integer(2) ** 1024


def _bits_of_factor(expression: Expr) -> int:
    # of the numbers that sympy would take out of a product; 1 and -1 cost nothing
    factors = [factor for factor in sympy.Mul.make_args(expression) if factor.is_number]
    return max((_bits(number) for factor in factors for number in factor.atoms(sympy.Rational)), default=0)


def _bits(number: Expr) -> int:
    p, q = abs(int(number.p)), int(number.q)
    return 0 if p <= 1 and q == 1 else max(p.bit_length(), q.bit_length())


def _check_bits(number: Expr, text: str) -> None:
    if number.is_Rational and _bits(number) > MOST_BITS:  # type: ignore[arg-type]
        raise _too_long(text)


def _too_long(text: str) -> FormulaError:
    return FormulaError(
        f"{text} holds an exact number of more than {MOST_BITS} bits. Write it as a float: 1e30, not 10**30."
    )
