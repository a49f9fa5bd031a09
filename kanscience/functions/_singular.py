"""Versions of functions that stay finite near poles and outside the real domain.

They serve only while searching: a chosen symbol, a network and an expression are always the true function.
Each equals its true function wherever that is harmless, and is continuous.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_MARGIN = 0.01  # distance to the pole or the end of the domain at which the replacement takes over


@dataclass(frozen=True)
class Bridged:
    """f with a chord across each pole: from f(pole - margin) straight to f(pole + margin).

    Args:
        function: the true function.
        pole: where it is.
        period: distance between poles; None for a single one.
        margin: half-width of the chord.

    Example:
        >>> float(Bridged(torch.reciprocal, pole=0.0)(torch.tensor(0.0)))
        0.0
    """

    function: Callable[[Tensor], Tensor]
    pole: float
    period: float | None = None
    margin: float = _MARGIN

    def __call__(self, u: Tensor) -> Tensor:
        distance = u - self.pole
        if self.period is not None:
            distance = distance - self.period * torch.round(distance / self.period)
        near = distance.abs() < self.margin
        ends = [self.pole - self.margin, self.pole + self.margin]
        left, right = self.function(torch.tensor(ends, dtype=u.dtype, device=u.device))
        chord = (left + right) / 2 + (right - left) / (2 * self.margin) * distance
        # The true function never sees a point near its pole: an infinite value times a zero gradient is NaN.
        true = self.function(torch.where(near, torch.full_like(u, self.pole + self.margin), u))
        return torch.where(near, chord, true)


@dataclass(frozen=True)
class Continued:
    """f inside its domain less a margin; outside, the straight line with the value and slope found there.

    Args:
        function: the true function.
        derivative: its derivative.
        lower: lower end of the real domain, or -inf.
        upper: upper end of the real domain, or inf.
        margin: distance from an end at which the line begins.

    Example:
        >>> log = Continued(torch.log, torch.reciprocal, lower=0.0)
        >>> bool(torch.isfinite(log(torch.tensor(-5.0))))
        True
    """

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]
    lower: float = -math.inf
    upper: float = math.inf
    margin: float = _MARGIN

    def __call__(self, u: Tensor) -> Tensor:
        inside = u.detach().clamp(self.lower + self.margin, self.upper - self.margin)
        true = self.function(torch.where(u == inside, u, inside))
        return true + torch.where(u == inside, torch.zeros_like(u), self.derivative(inside) * (u - inside))
