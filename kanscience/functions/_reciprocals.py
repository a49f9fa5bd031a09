"""Secant, cosecant, cotangent, their hyperbolic sisters, and the inverses: ``1/f(u)`` and ``f(1/u)``."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from kanscience.functions._forms import SympyFunction
from kanscience.functions._library import Function


def _sec(u: Tensor) -> Tensor:
    return 1 / torch.cos(u)


def _sec_slope(u: Tensor) -> Tensor:
    return torch.sin(u) / torch.cos(u) ** 2


def _csc(u: Tensor) -> Tensor:
    return 1 / torch.sin(u)


def _csc_slope(u: Tensor) -> Tensor:
    return -torch.cos(u) / torch.sin(u) ** 2


def _cot(u: Tensor) -> Tensor:
    return 1 / torch.tan(u)


def _cot_slope(u: Tensor) -> Tensor:
    return -1 / torch.sin(u) ** 2


def _sech(u: Tensor) -> Tensor:
    return 1 / torch.cosh(u)


def _sech_slope(u: Tensor) -> Tensor:
    return -torch.tanh(u) / torch.cosh(u)


def _csch(u: Tensor) -> Tensor:
    return 1 / torch.sinh(u)


def _csch_slope(u: Tensor) -> Tensor:
    return -1 / (torch.tanh(u) * torch.sinh(u))


def _coth(u: Tensor) -> Tensor:
    return 1 / torch.tanh(u)


def _coth_slope(u: Tensor) -> Tensor:
    return -1 / torch.sinh(u) ** 2


def _arcsec(u: Tensor) -> Tensor:
    return torch.arccos(1 / u)


def _arcsec_slope(u: Tensor) -> Tensor:
    return 1 / (u.abs() * torch.sqrt((u - 1) * (u + 1)))


def _arccsc(u: Tensor) -> Tensor:
    return torch.arcsin(1 / u)


def _arccsc_slope(u: Tensor) -> Tensor:
    return -_arcsec_slope(u)


def _arccot(u: Tensor) -> Tensor:
    return torch.arctan(1 / u)


def _arccot_slope(u: Tensor) -> Tensor:
    return -1 / (1 + u * u)


def _arcsech(u: Tensor) -> Tensor:
    return torch.arccosh(1 / u)


def _arcsech_slope(u: Tensor) -> Tensor:
    return -1 / (u * torch.sqrt((1 - u) * (1 + u)))


def _arccsch(u: Tensor) -> Tensor:
    return torch.arcsinh(1 / u)


def _arccsch_slope(u: Tensor) -> Tensor:
    return -1 / (u.abs() * torch.sqrt(1 + u * u))


def _arccoth(u: Tensor) -> Tensor:
    return torch.arctanh(1 / u)


def _arccoth_slope(u: Tensor) -> Tensor:
    return 1 / ((1 - u) * (1 + u))


_pole_at_zero = partial(Function, branch=(0.0, math.inf))
_turning = partial(Function, period=2 * math.pi)

RECIPROCAL_FUNCTIONS = (
    _turning(
        "sec", _sec, SympyFunction("sec"), derivative=_sec_slope, parity="even", branch=(-math.pi / 2, math.pi / 2)
    ),
    _turning("csc", _csc, SympyFunction("csc"), derivative=_csc_slope, parity="odd", branch=(0.0, math.pi)),
    Function(
        "cot",
        _cot,
        SympyFunction("cot"),
        derivative=_cot_slope,
        parity="odd",
        period=math.pi,
        branch=(0.0, math.pi),
    ),
    Function("sech", _sech, SympyFunction("sech"), derivative=_sech_slope, parity="even"),
    _pole_at_zero("csch", _csch, SympyFunction("csch"), derivative=_csch_slope, parity="odd"),
    _pole_at_zero("coth", _coth, SympyFunction("coth"), derivative=_coth_slope, parity="odd"),
    # Of the two halves of a domain, u <= -1 and u >= 1, a fit uses the upper one.
    Function("arcsec", _arcsec, SympyFunction("asec"), derivative=_arcsec_slope, lower=1.0),
    Function("arccsc", _arccsc, SympyFunction("acsc"), derivative=_arccsc_slope, lower=1.0, parity="odd"),
    Function("arccot", _arccot, SympyFunction("acot"), derivative=_arccot_slope, parity="odd"),
    Function(
        "arcsech",
        _arcsech,
        SympyFunction("asech"),
        derivative=_arcsech_slope,
        lower=0.0,
        upper=1.0,
        branch=(0.0, 1.0),
    ),
    _pole_at_zero("arccsch", _arccsch, SympyFunction("acsch"), derivative=_arccsch_slope, parity="odd"),
    Function(
        "arccoth",
        _arccoth,
        SympyFunction("acoth"),
        derivative=_arccoth_slope,
        lower=1.0,
        branch=(1.0, math.inf),
        parity="odd",
    ),
)
