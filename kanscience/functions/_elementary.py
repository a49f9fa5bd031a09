"""Elementary functions, powers and exponentials."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._errors import OptionError
from kanscience.functions._forms import SympyFunction, WithArguments, real_value
from kanscience.functions._library import Family, Function
from kanscience.functions._singular import Bridged, Continued
from kanscience.functions._steps import constant_zero, sign

if TYPE_CHECKING:
    from sympy import Expr


def _identity(u: Tensor) -> Tensor:
    return u


def _one(u: Tensor) -> Tensor:
    return constant_zero(u) + 1.0


def _minus_sin(u: Tensor) -> Tensor:
    return -torch.sin(u)


def _tan_slope(u: Tensor) -> Tensor:
    return 1 + torch.tan(u) ** 2


def _tanh_slope(u: Tensor) -> Tensor:
    return 1 - torch.tanh(u) ** 2


def _sigmoid_slope(u: Tensor) -> Tensor:
    return torch.sigmoid(u) * torch.sigmoid(-u)


def _erf_slope(u: Tensor) -> Tensor:
    return 2 / math.sqrt(math.pi) * _gaussian(u)


def _erfc_slope(u: Tensor) -> Tensor:
    return -_erf_slope(u)


def _arcsin_slope(u: Tensor) -> Tensor:
    return torch.rsqrt((1 - u) * (1 + u))


def _arccos_slope(u: Tensor) -> Tensor:
    return -_arcsin_slope(u)


def _arctan_slope(u: Tensor) -> Tensor:
    return 1 / (1 + u * u)


def _arcsinh_slope(u: Tensor) -> Tensor:
    return torch.rsqrt(1 + u * u)


def _arccosh_slope(u: Tensor) -> Tensor:
    return torch.rsqrt((u - 1) * (u + 1))


def _arctanh_slope(u: Tensor) -> Tensor:
    return 1 / ((1 - u) * (1 + u))


def _gaussian(u: Tensor) -> Tensor:
    return torch.exp(-u * u)


def _gaussian_slope(u: Tensor) -> Tensor:
    return -2 * u * _gaussian(u)


def _sympy_identity(u: Expr) -> Expr:
    return u


def _sympy_zero(u: Expr) -> Expr:
    return u * 0


def _sympy_exp(u: Expr) -> Expr:
    """exp(p * log(u)) is written u**p: symbolic exponents are computed that way."""
    import sympy

    logs = [factor for factor in sympy.Mul.make_args(u) if isinstance(factor, sympy.log)]
    if len(logs) == 1 and not u.is_number:
        return logs[0].args[0] ** (u / logs[0])
    return sympy.exp(u)


def _sympy_sigmoid(u: Expr) -> Expr:
    import sympy

    return 1 / (1 + sympy.exp(-u))


def _sympy_gaussian(u: Expr) -> Expr:
    import sympy

    return sympy.exp(-(u**2))


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
    if not integer:
        protected = Continued(value, slope, lower=0.0)
    elif p < 0:
        protected = Bridged(value, pole=0.0)
    else:
        protected = None
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
        protected=protected,
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


ELEMENTARY_FAMILIES = (
    Family("power", make_power, "power(p), p any real number"),
    Family("exponential", _exponential, "exponential(base), base any positive number"),
)

_single = partial(Function, complexity=1)

TRIED_FUNCTIONS = (
    Function(
        "zero",
        constant_zero,
        _sympy_zero,
        complexity=0,
        label="0",
        derivative=constant_zero,
        parity="even",
        redundant=frozenset({"scale", "slope", "shift"}),
    ),
    Function(
        "identity",
        _identity,
        _sympy_identity,
        complexity=0,
        label="x",
        derivative=_one,
        parity="odd",
        homogeneous=1.0,
        redundant=frozenset({"slope", "shift"}),
    ),
    _single("exp", torch.exp, _sympy_exp, derivative=torch.exp, redundant=frozenset({"shift"})),
    _single(
        "log",
        torch.log,
        SympyFunction("log"),
        lower=0.0,
        branch=(0.0, math.inf),
        derivative=torch.reciprocal,
        protected=Continued(torch.log, torch.reciprocal, lower=0.0),
        redundant=frozenset({"slope"}),
    ),
    _single("abs", torch.abs, SympyFunction("Abs"), derivative=sign, parity="even", homogeneous=1.0, smooth=False),
    _single("sin", torch.sin, SympyFunction("sin"), derivative=torch.cos, parity="odd", period=2 * math.pi),
    _single("cos", torch.cos, SympyFunction("cos"), derivative=_minus_sin, parity="even", period=2 * math.pi),
    _single(
        "tan",
        torch.tan,
        SympyFunction("tan"),
        branch=(-math.pi / 2, math.pi / 2),
        derivative=_tan_slope,
        protected=Bridged(torch.tan, pole=math.pi / 2, period=math.pi),
        parity="odd",
        period=math.pi,
    ),
    _single("tanh", torch.tanh, SympyFunction("tanh"), derivative=_tanh_slope, parity="odd"),
    _single("sinh", torch.sinh, SympyFunction("sinh"), derivative=torch.cosh, parity="odd"),
    _single("cosh", torch.cosh, SympyFunction("cosh"), derivative=torch.sinh, parity="even"),
    _single("sigmoid", torch.sigmoid, _sympy_sigmoid, complexity=2, derivative=_sigmoid_slope),
    _single("erf", torch.erf, SympyFunction("erf"), complexity=2, derivative=_erf_slope, parity="odd"),
    _single("sign", sign, SympyFunction("sign"), derivative=constant_zero, parity="odd", homogeneous=0.0, smooth=False),
    _single(
        "arcsin",
        torch.arcsin,
        SympyFunction("asin"),
        lower=-1.0,
        upper=1.0,
        derivative=_arcsin_slope,
        protected=Continued(torch.arcsin, _arcsin_slope, lower=-1.0, upper=1.0),
        parity="odd",
    ),
    _single(
        "arccos",
        torch.arccos,
        SympyFunction("acos"),
        lower=-1.0,
        upper=1.0,
        derivative=_arccos_slope,
        protected=Continued(torch.arccos, _arccos_slope, lower=-1.0, upper=1.0),
    ),
    _single("arctan", torch.arctan, SympyFunction("atan"), derivative=_arctan_slope, parity="odd"),
    _single(
        "arctanh",
        torch.arctanh,
        SympyFunction("atanh"),
        lower=-1.0,
        upper=1.0,
        branch=(-1.0, 1.0),
        derivative=_arctanh_slope,
        protected=Continued(torch.arctanh, _arctanh_slope, lower=-1.0, upper=1.0),
        parity="odd",
    ),
    Function(
        "gaussian",
        _gaussian,
        _sympy_gaussian,
        complexity=3,
        derivative=_gaussian_slope,
        parity="even",
    ),
)

KNOWN_FUNCTIONS = (
    _single("arcsinh", torch.arcsinh, SympyFunction("asinh"), derivative=_arcsinh_slope, parity="odd"),
    _single("arccosh", torch.arccosh, SympyFunction("acosh"), lower=1.0, derivative=_arccosh_slope),
    _single("erfc", torch.erfc, SympyFunction("erfc"), complexity=2, derivative=_erfc_slope),
    _single(
        "log_of_base",
        _log_of_base,
        SympyFunction("log"),
        lower=0.0,
        branch=(0.0, math.inf),
        derivative=_log_of_base_slope,
        redundant=frozenset({"slope"}),
    ),
)
