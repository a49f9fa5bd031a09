"""The functions of the default library. Everything that knows a function by name is in this file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._errors import OptionError
from kanscience.functions._bessel import besselj, besselj_slope
from kanscience.functions._library import Family, Function, Library
from kanscience.functions._singular import Bridged, Continued

if TYPE_CHECKING:
    from sympy import Expr


@cache
def default_library() -> Library:
    """Return the library that every function of the toolkit uses unless it is given another.

    Example:
        >>> default_library().resolve("power", (2,)).label
        'x^2'
    """
    from sympy import Rational

    exponents = [2, 3, 4, 5, -1, -2, -3, -4, -5, *(Rational(n, 2) for n in (1, 3, -1)), Rational(1, 3)]
    powers = [_power(Rational(exponent)) for exponent in exponents]
    bessels = [_bessel(Rational(order)) for order in (0, 1)]
    functions = (*_SINGLE_FUNCTIONS, *powers, *bessels)
    families = (
        Family("power", _power, "power(p), p any real number"),
        Family("besselj", _bessel, "besselj(n), n an integer"),
    )
    return Library((), families).with_functions(*functions)


def as_library(library: Library | Sequence[str] | None) -> Library:
    """Return a library from what a caller may pass.

    Args:
        library: a library as it is; names or labels restrict the default library's candidates; None is the
            default library.

    Example:
        >>> [function.label for function in as_library(["sin", "x^2"]).candidates]
        ['x^2', 'sin']
    """
    if library is None:
        return default_library()
    if isinstance(library, Library):
        return library
    if isinstance(library, str):
        raise OptionError(f"`library` is a Library or a list of names: write [{library!r}], not {library!r}.")
    return default_library().only(*library)


@dataclass(frozen=True)
class _Sympy:
    """A function of sympy by its name: sympy is imported when a formula is written, not before."""

    name: str

    def __call__(self, u: Expr) -> Expr:
        import sympy

        return getattr(sympy, self.name)(u)


@dataclass(frozen=True)
class _WithArguments:
    """``function(u, *arguments)``: a ``partial`` that can be compared, hashed and pickled."""

    function: Callable
    arguments: tuple

    def __call__(self, u):
        return self.function(u, *self.arguments)


# Plain functions instead of lambdas: a network that holds them can be pickled.


def _identity(u: Tensor) -> Tensor:
    return u


def _sign(u: Tensor) -> Tensor:
    return torch.where(torch.isnan(u), u, torch.sign(u))  # torch's sign of NaN is 0


def _zero(u: Tensor) -> Tensor:
    return _sign(u) * 0.0 + 0.0  # NaN stays NaN, and autograd finds a path


def _one(u: Tensor) -> Tensor:
    return _zero(u) + 1.0


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


def _arcsin_slope(u: Tensor) -> Tensor:
    return torch.rsqrt((1 - u) * (1 + u))


def _arccos_slope(u: Tensor) -> Tensor:
    return -_arcsin_slope(u)


def _arctan_slope(u: Tensor) -> Tensor:
    return 1 / (1 + u * u)


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


def _sympy_sigmoid(u: Expr) -> Expr:
    import sympy

    return 1 / (1 + sympy.exp(-u))


def _sympy_gaussian(u: Expr) -> Expr:
    import sympy

    return sympy.exp(-(u**2))


def _sympy_power(u: Expr, exponent: Expr) -> Expr:
    return u**exponent


def _sympy_besselj(u: Expr, order: Expr) -> Expr:
    import sympy

    return sympy.besselj(order, u)


def _power_slope(u: Tensor, exponent: float) -> Tensor:
    return exponent * torch.pow(u, exponent - 1)


def _power(exponent: Expr) -> Function:
    """Make u -> u**p, NaN for negative u unless p is an integer."""
    if not exponent.is_real:
        raise OptionError(f"`power` takes a finite real exponent, not {exponent}.")
    integer = bool(exponent.is_integer)
    p = int(exponent) if integer else float(exponent)
    value, slope = _WithArguments(torch.pow, (p,)), _WithArguments(_power_slope, (p,))
    if not integer:
        protected = Continued(value, slope, lower=0.0)
    elif p < 0:
        protected = Bridged(value, pole=0.0)
    else:
        protected = None
    return Function(
        "power",
        torch=value,
        sympy=_WithArguments(_sympy_power, (exponent,)),
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
    if (2 * exponent).is_integer:
        return f"{over}x^{p:g}"
    fraction = str(exponent)
    return f"{over}x^({fraction if len(fraction) < 9 else repr(p)})"


def _bessel(order: Expr) -> Function:
    """Make the Bessel function of the first kind J_n."""
    if not order.is_integer:
        raise OptionError(f"`besselj` takes an integer order, not {order}.")
    n = int(order)
    return Function(
        "besselj",
        torch=_WithArguments(besselj, (n,)),
        sympy=_WithArguments(_sympy_besselj, (order,)),
        complexity=2,
        arguments=(order,),
        label=f"J{n}" if n >= 0 else f"J({n})",
        derivative=_WithArguments(besselj_slope, (n,)),
        parity="even" if n % 2 == 0 else "odd",
    )


_single = partial(Function, complexity=1)

_SINGLE_FUNCTIONS = (
    Function(
        "zero",
        _zero,
        _sympy_zero,
        complexity=0,
        label="0",
        derivative=_zero,
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
    _single("exp", torch.exp, _Sympy("exp"), derivative=torch.exp, redundant=frozenset({"shift"})),
    _single(
        "log",
        torch.log,
        _Sympy("log"),
        lower=0.0,
        branch=(0.0, math.inf),
        derivative=torch.reciprocal,
        protected=Continued(torch.log, torch.reciprocal, lower=0.0),
        redundant=frozenset({"slope"}),
    ),
    _single("abs", torch.abs, _Sympy("Abs"), derivative=_sign, parity="even", homogeneous=1.0, smooth=False),
    _single("sin", torch.sin, _Sympy("sin"), derivative=torch.cos, parity="odd", period=2 * math.pi),
    _single("cos", torch.cos, _Sympy("cos"), derivative=_minus_sin, parity="even", period=2 * math.pi),
    _single(
        "tan",
        torch.tan,
        _Sympy("tan"),
        branch=(-math.pi / 2, math.pi / 2),
        derivative=_tan_slope,
        protected=Bridged(torch.tan, pole=math.pi / 2, period=math.pi),
        parity="odd",
        period=math.pi,
    ),
    _single("tanh", torch.tanh, _Sympy("tanh"), derivative=_tanh_slope, parity="odd"),
    _single("sinh", torch.sinh, _Sympy("sinh"), derivative=torch.cosh, parity="odd"),
    _single("cosh", torch.cosh, _Sympy("cosh"), derivative=torch.sinh, parity="even"),
    _single("sigmoid", torch.sigmoid, _sympy_sigmoid, complexity=2, derivative=_sigmoid_slope),
    _single("erf", torch.erf, _Sympy("erf"), complexity=2, derivative=_erf_slope, parity="odd"),
    _single("sign", _sign, _Sympy("sign"), derivative=_zero, parity="odd", homogeneous=0.0, smooth=False),
    _single(
        "arcsin",
        torch.arcsin,
        _Sympy("asin"),
        lower=-1.0,
        upper=1.0,
        derivative=_arcsin_slope,
        protected=Continued(torch.arcsin, _arcsin_slope, lower=-1.0, upper=1.0),
        parity="odd",
    ),
    _single(
        "arccos",
        torch.arccos,
        _Sympy("acos"),
        lower=-1.0,
        upper=1.0,
        derivative=_arccos_slope,
        protected=Continued(torch.arccos, _arccos_slope, lower=-1.0, upper=1.0),
    ),
    _single("arctan", torch.arctan, _Sympy("atan"), derivative=_arctan_slope, parity="odd"),
    _single(
        "arctanh",
        torch.arctanh,
        _Sympy("atanh"),
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
