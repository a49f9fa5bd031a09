"""Base functions b(t), the smooth part of an edge beside its spline; frozen values, so that a new one is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanscience._errors import OptionError


@dataclass(frozen=True)
class Base:
    """A function of the mapped input t in [-1, 1] and its slope."""

    name: str
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    derivatives: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]  # three orders
    times_slope: Callable[[Tensor, Tensor], Tensor]  # g and t to ``g * slope(t)``, in one pass; no further derivatives

    def continued(self, t: Tensor, inside: bool, degree: int) -> Tensor:
        """Return the values; beyond [-1, 1] the line through the end, for steps (degree 0) the end's value.

        ``inside`` says that all points are known to lie in [-1, 1].
        """
        if inside:
            return self.value(t)
        nearest = t.clamp(-1, 1)
        smooth = self.value(nearest)
        return smooth if degree == 0 else smooth + self.slope(nearest) * (t - nearest)

    def derivatives_continued(self, t: Tensor, inside: bool, degree: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the first three derivatives of `continued`."""
        if inside:
            return self.derivatives(t)
        nearest = t.clamp(-1, 1)
        slope, bend, twist = self.derivatives(nearest)
        within = nearest == t
        return slope if degree else slope * within, bend * within, twist * within

    def to_point(self, g: Tensor, t: Tensor, inside: bool, degree: int) -> Tensor:
        """Return the derivatives to t of the sum of g times `continued`."""
        if inside and not torch.is_grad_enabled():
            return self.times_slope(g, t)
        nearest = t if inside else t.clamp(-1, 1)
        slopes = self.slope(nearest) * g
        return slopes * (nearest == t) if degree == 0 else slopes


def _silu_slope(t: Tensor) -> Tensor:
    gate = torch.sigmoid(t)
    return gate * (1 + t * (1 - gate))


def _silu_derivatives(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    gate = torch.sigmoid(t)
    hill, lean = gate * (1 - gate), 1 - 2 * gate  # the slope of the gate, and that slope's own, relative
    ramp = 2 + t * lean
    return gate + t * hill, hill * ramp, hill * (lean * (1 + ramp) - 2 * t * hill)


def _flat_one(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return torch.ones_like(t), torch.zeros_like(t), torch.zeros_like(t)


def _flat_zero(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return torch.zeros_like(t), torch.zeros_like(t), torch.zeros_like(t)


_BASES = {
    base.name: base
    for base in (
        Base("silu", torch.nn.functional.silu, _silu_slope, _silu_derivatives, torch.ops.aten.silu_backward),
        Base("identity", lambda t: t, torch.ones_like, _flat_one, lambda g, t: g),
        Base("zero", torch.zeros_like, torch.zeros_like, _flat_zero, lambda g, t: torch.zeros_like(g)),
    )
}


def base_names() -> tuple[str, ...]:
    """Return the names of all base functions."""
    return tuple(_BASES)


def base_named(name: str) -> Base:
    """Return the base function of that name; an unknown one is an `OptionError` that lists the choices."""
    try:
        return _BASES[name]
    except (KeyError, TypeError):
        raise OptionError(f"`base` must be one of {', '.join(map(repr, _BASES))}, not {name!r}.") from None
