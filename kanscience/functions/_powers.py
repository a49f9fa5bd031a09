"""Powers and exponentials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._errors import OptionError
from kanscience.functions._forms import SympyFunction, WithArguments, real_value
from kanscience.functions._library import Family, Function

if TYPE_CHECKING:
    from sympy import Expr


def _sympy_power(u: Expr, exponent: Expr) -> Expr:
    return u**exponent


def _sympy_exponential(u: Expr, base: Expr) -> Expr:
    return base**u


# The logarithm inside u**v = exp(v * log u). A huge number in place of -inf makes 0**v right for every v, and its slope
# of 0 the Jacobian of 0**v too.
def _log_of_base(u: Tensor) -> Tensor:
    zero = u == 0
    log_of_zero = -1e300 if u.dtype == torch.float64 else -1e38
    return torch.where(zero, log_of_zero, torch.log(torch.where(zero, 1.0, u)))


def _log_of_base_slope(u: Tensor) -> Tensor:
    zero = u == 0
    return torch.where(zero, 0.0, 1 / torch.where(zero, 1.0, u))


_MOST_FACTORS = 16  # up to this exponent a product of factors is faster than the general power, and as exact


def _integer_power(u: Tensor, p: int) -> Tensor:
    if not 3 < abs(p) <= _MOST_FACTORS:
        return torch.pow(u, p)
    power, square, bits = None, u, abs(p)
    while bits:
        if bits & 1:
            power = square if power is None else power * square
        bits >>= 1
        square = square * square if bits else square
    return power if p > 0 else power.reciprocal()  # type: ignore[union-attr]


def _integer_power_slope(u: Tensor, p: int) -> Tensor:
    return p * _integer_power(u, p - 1)


def _real_power(u: Tensor, p: float) -> Tensor:
    # An exponent that only rounds to an integer is none: no value where u < 0.
    return torch.where(u < 0, math.nan, torch.pow(u, p)) if p.is_integer() else torch.pow(u, p)


def _power_slope(u: Tensor, exponent: float) -> Tensor:
    return exponent * _real_power(u, exponent - 1)


def make_power(exponent: Expr) -> Function:
    """Make u -> u**p, NaN for negative u unless p is an integer."""
    number = real_value(exponent)
    if number is None:
        raise OptionError(f"`power` takes a finite real exponent, not {exponent}.")
    integer = bool(exponent.is_integer) or (exponent.is_Float and number.is_integer())
    p = int(number) if integer else number
    value = WithArguments(_integer_power if integer else _real_power, (p,))
    slope = WithArguments(_integer_power_slope if integer else _power_slope, (p,))
    return Function(
        "power",
        torch=value,
        sympy=WithArguments(_sympy_power, (exponent,)),
        complexity=_power_complexity(p),
        arguments=(exponent,),
        label=_power_label(exponent, p),
        lower=-math.inf if integer else 0.0,
        branch=(0.0, math.inf) if p < 0 else None,
        derivative=slope,
        parity=None if not integer else "odd" if p % 2 else "even",
        homogeneous=float(p),
    )


def _power_complexity(p: float) -> int:
    if p in (2, -1, 0.5):  # square, reciprocal and square root are one token; else the exponent is another
        return 1
    return 2 if p > 0 or p == -0.5 else 3


def _power_label(exponent: Expr, p: float) -> str:
    over = "1/" if p < 0 else ""
    p, exponent = abs(p), abs(exponent)
    if p == 0.5:
        return f"{over}sqrt"
    if p == 1:
        return f"{over}x"
    if exponent.is_Float or (2 * exponent).is_integer:
        return f"{over}x^{p:g}"
    fraction = str(exponent)
    return f"{over}x^({fraction if len(fraction) < 9 else repr(p)})"


def _exponential_value(u: Tensor, base: float) -> Tensor:
    return torch.pow(base, u)


def _exponential_slope(u: Tensor, base: float) -> Tensor:
    return math.log(base) * torch.pow(base, u)


def _exponential(base: Expr) -> Function:
    """Make u -> base**u."""
    value = real_value(base)
    if value is None or value <= 0:
        raise OptionError(f"`exponential` takes a positive base, not {base}.")
    number, name = (value,), str(base)
    return Function(
        "exponential",
        torch=WithArguments(_exponential_value, number),
        sympy=WithArguments(_sympy_exponential, (base,)),
        complexity=2,
        arguments=(base,),
        label=f"{name if name.isalnum() else f'({name})'}^x",
        derivative=WithArguments(_exponential_slope, number),
        redundant=frozenset({"shift"}),
    )


POWER_FAMILIES = (
    Family("power", make_power, "power(p), p any real number"),
    Family("exponential", _exponential, "exponential(base), base any positive number"),
)
LOG_OF_BASE = Function(
    "log_of_base",
    _log_of_base,
    SympyFunction("log"),
    lower=0.0,
    branch=(0.0, math.inf),
    derivative=_log_of_base_slope,
    redundant=frozenset({"slope"}),
)
