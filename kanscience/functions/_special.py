"""Bessel and gamma functions: scipy's values, since torch's have no gradients or too few digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience._errors import OptionError
from kanscience.functions._differentiable import Differentiable
from kanscience.functions._forms import SympyFunction, WithArguments
from kanscience.functions._library import Family, Function

if TYPE_CHECKING:
    from sympy import Expr

_TINY = 1e-8  # below, the leading term of a series in u**2 is all that floats hold

# Bessel functions of integer order. Abramowitz and Stegun, sections 9.1 and 9.6.


def besselj(u: Tensor, order: int) -> Tensor:
    """Evaluate J_n(u), any real u; J_{-n} = (-1)^n J_n."""
    return Differentiable(WithArguments(_j_values, (order,)), WithArguments(_j_slope, (order,)))(u)


def bessely(u: Tensor, order: int) -> Tensor:
    """Evaluate Y_n(u), NaN for negative u."""
    return Differentiable(WithArguments(_y_values, (order,)), WithArguments(_y_slope, (order,)))(u)


def besseli(u: Tensor, order: int) -> Tensor:
    """Evaluate I_n(u), any real u; I_{-n} = I_n."""
    return Differentiable(WithArguments(_i_values, (order,)), WithArguments(_i_slope, (order,)))(u)


def besselk(u: Tensor, order: int) -> Tensor:
    """Evaluate K_n(u), NaN for negative u; K_{-n} = K_n."""
    return Differentiable(WithArguments(_k_values, (order,)), WithArguments(_k_slope, (order,)))(u)


def _j_slope(u: Tensor, n: int) -> Tensor:
    return -besselj(u, 1) if n == 0 else (besselj(u, n - 1) - besselj(u, n + 1)) / 2


def _y_slope(u: Tensor, n: int) -> Tensor:
    return -bessely(u, 1) if n == 0 else (bessely(u, n - 1) - bessely(u, n + 1)) / 2


def _i_slope(u: Tensor, n: int) -> Tensor:
    return besseli(u, 1) if n == 0 else (besseli(u, n - 1) + besseli(u, n + 1)) / 2


def _k_slope(u: Tensor, n: int) -> Tensor:
    return -besselk(u, 1) if n == 0 else -(besselk(u, n - 1) + besselk(u, n + 1)) / 2


def _j_values(u: np.ndarray, order: int) -> np.ndarray | np.floating:
    from scipy import special

    sign = -1 if order < 0 and order % 2 else 1
    match abs(order):
        case 0:
            return special.j0(u)
        case 1:
            return sign * special.j1(u)
        case 2:
            return _second_order(u, special.j0(u), special.j1(u))
        case n:
            return sign * special.jv(n, u)


def _second_order(u: np.ndarray, j0: np.ndarray | np.floating, j1: np.ndarray | np.floating) -> np.ndarray:
    # J_2 is the slope of J_1 and scipy's jv takes 25 times as long. The recurrence cancels near zero,
    # where the power series needs few terms.
    small = np.abs(u) < 2
    recurrence = 2 * j1 / np.where(small, 1, u) - j0
    z = np.where(small, u * u / 4, 0)
    series = np.zeros_like(z)
    for k in reversed(range(13)):
        series = series * z + (-1) ** k / (math.factorial(k) * math.factorial(k + 2))
    return np.where(small, z * series, recurrence)


def _y_values(u: np.ndarray, order: int) -> np.ndarray | np.floating:
    from scipy import special

    sign = -1 if order < 0 and order % 2 else 1
    match abs(order):
        case 0:
            return _of_positive(special.y0, u)
        case 1:
            return sign * _of_positive(special.y1, u)
        case n:
            return sign * special.yv(n, u)


def _of_positive(function: Callable, u: np.ndarray) -> np.ndarray:
    return np.where(u < 0, np.nan, function(np.abs(u)))  # cephes' own answer there is -inf


def _i_values(u: np.ndarray, order: int) -> np.ndarray | np.floating:
    from scipy import special

    match abs(order):
        case 0:
            return special.i0(u)
        case 1:
            return special.i1(u)
        case n:
            # scipy's values are 0 from about 1e-74 on, however far the result is from the end of the floats.
            return np.where(np.abs(u) < _TINY, (u / 2) ** n / math.factorial(n), special.iv(n, u))


def _k_values(u: np.ndarray, order: int) -> np.ndarray | np.floating:
    from scipy import special

    match abs(order):
        case 0:
            return _of_positive(special.k0, u)
        case 1:
            return _of_positive(special.k1, u)
        case n:
            return special.kv(n, u)


def _bessel(name: str, torch_function: Callable, slope: Callable, order: Expr) -> Function:
    """Make the member of a Bessel family; ``order`` is an exact integer."""
    if not order.is_integer:
        raise OptionError(f"`{name}` takes an integer order, not {order}.")
    n = int(order)
    letter = name[-1].upper()
    everywhere = name in ("besselj", "besseli")
    return Function(
        name,
        torch=WithArguments(torch_function, (n,)),
        sympy=SympyFunction(name, first=(order,)),
        complexity=2,
        arguments=(order,),
        label=f"{letter}{n}" if n >= 0 else f"{letter}({n})",
        derivative=WithArguments(slope, (n,)),
        lower=-math.inf if everywhere else 0.0,
        branch=None if everywhere else (0.0, math.inf),
        parity=("even" if n % 2 == 0 else "odd") if everywhere else None,
    )


def _bessel_family(name: str, torch_function: Callable, slope: Callable) -> Family:
    return Family(name, partial(_bessel, name, torch_function, slope), f"{name}(n), n an integer")


# The gamma function.


def gamma(u: Tensor) -> Tensor:
    """Evaluate the gamma function with its sign; infinite at 0, -1, -2, ..."""
    return Differentiable(_gamma_values, _gamma_slope)(u)


def _gamma_slope(u: Tensor) -> Tensor:
    return gamma(u) * polygamma(u, 0)


def loggamma(u: Tensor) -> Tensor:
    """Evaluate log(gamma(u)), real for positive u only, else NaN."""
    return Differentiable(_loggamma_values, _loggamma_slope)(u)


def _loggamma_slope(u: Tensor) -> Tensor:
    return polygamma(u, 0)


def polygamma(u: Tensor, order: int) -> Tensor:
    """Evaluate the derivative of that order of the digamma function."""
    return Differentiable(WithArguments(_polygamma_values, (order,)), WithArguments(polygamma, (order + 1,)))(u)


def _gamma_values(u: np.ndarray) -> np.ndarray | np.floating:
    from scipy import special

    return special.gamma(u)


def _loggamma_values(u: np.ndarray) -> np.ndarray:
    # torch's values are good here, and better than scipy's near 1 and 2; for u < 0 they are those of log|gamma|.
    return np.where(u < 0, np.nan, torch.lgamma(torch.from_numpy(np.asarray(u))).numpy())


def _polygamma_values(u: np.ndarray, order: int) -> np.ndarray | np.floating:
    from scipy import special

    return special.psi(u) if order == 0 else special.polygamma(order, u)


SPECIAL_FUNCTIONS = (
    Function(
        "gamma",
        gamma,
        SympyFunction("gamma"),
        complexity=2,
        branch=(0.0, math.inf),
        derivative=_gamma_slope,
    ),
    Function(
        "loggamma",
        loggamma,
        SympyFunction("loggamma"),
        complexity=2,
        lower=0.0,
        branch=(0.0, math.inf),
        derivative=_loggamma_slope,
    ),
)
BESSEL_FAMILIES = (
    _bessel_family("besselj", besselj, _j_slope),
    _bessel_family("bessely", bessely, _y_slope),
    _bessel_family("besseli", besseli, _i_slope),
    _bessel_family("besselk", besselk, _k_slope),
)
