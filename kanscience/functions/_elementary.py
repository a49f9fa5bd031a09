"""Elementary functions."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.functions._forms import SympyFunction
from kanscience.functions._library import Function
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
        parity="odd",
    ),
    _single(
        "arccos",
        torch.arccos,
        SympyFunction("acos"),
        lower=-1.0,
        upper=1.0,
        derivative=_arccos_slope,
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
)
