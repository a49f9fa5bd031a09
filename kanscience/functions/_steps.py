"""Steps and kinks. NaN goes through all of them: torch's own sign and heaviside make it 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._errors import OptionError
from kanscience.functions._forms import SympyFunction, WithArguments, real_value
from kanscience.functions._library import Family, Function

if TYPE_CHECKING:
    from sympy import Expr


def sign(u: Tensor) -> Tensor:
    """Return -1, 0 or 1."""
    return torch.where(torch.isnan(u), u, torch.sign(u))


def constant_zero(u: Tensor) -> Tensor:
    """Return 0, as a function of u for autograd."""
    return sign(u) * 0.0 + 0.0


def step(u: Tensor, at_zero: float) -> Tensor:
    """Return 0 below zero, 1 above, and the given value at zero."""
    steps = torch.where(u < 0, 0.0, torch.where(u > 0, 1.0, u))
    return torch.where(u == 0, at_zero, steps)


def _above(u: Tensor, limit: float) -> Tensor:
    return step(u - limit, 0.5)


def _below(u: Tensor, limit: float) -> Tensor:
    return step(limit - u, 0.5)


def _maximum(u: Tensor, limit: float) -> Tensor:
    return torch.clamp(u, min=limit)


def _minimum(u: Tensor, limit: float) -> Tensor:
    return torch.clamp(u, max=limit)


def _step(at_zero: Expr) -> Function:
    value = real_value(at_zero)
    if value is None:
        raise OptionError(f"`step` takes its value at 0, a real number, not {at_zero}.")
    return Function(
        "step",
        torch=WithArguments(step, (value,)),
        sympy=SympyFunction("Heaviside", last=(at_zero,)),
        arguments=(at_zero,),
        derivative=constant_zero,
        homogeneous=0.0,
        smooth=False,
    )


def _limited(name: str, limit: Expr) -> Function:
    limit_value = real_value(limit)
    if limit_value is None:
        raise OptionError(f"`{name}` takes a real number to compare with, not {limit}.")
    value, slope, spelling = {"maximum": (_maximum, _above, "Max"), "minimum": (_minimum, _below, "Min")}[name]
    number = (limit_value,)
    return Function(
        name,
        torch=WithArguments(value, number),
        sympy=SympyFunction(spelling, last=(limit,)),
        complexity=2,
        arguments=(limit,),
        derivative=WithArguments(slope, number),
        homogeneous=1.0 if limit == 0 else None,
        smooth=False,
    )


def _larger(limit: Expr) -> Function:
    return _limited("maximum", limit)


def _smaller(limit: Expr) -> Function:
    return _limited("minimum", limit)


STEP_FAMILIES = (
    Family("step", _step, "step(value at 0)"),
    Family("maximum", _larger, "maximum(c), the larger of u and a number c"),
    Family("minimum", _smaller, "minimum(c), the smaller of u and a number c"),
)
