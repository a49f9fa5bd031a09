"""Where points lie among the knots, and the basis functions there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanscience._transforms import inside_transform, is_wrapped
from kanscience.splines._axes import Axes
from kanscience.splines._basis import differentiated, polynomial_values


@dataclass(frozen=True, eq=False)
class Location:
    """Where points lie among the knots, and the polynomials there."""

    interval: Tensor  # (source, sample), of each point
    u: Tensor  # (source, sample) position in the interval, 0 to 1
    beyond: Tensor | None  # (source, sample) distance from the domain, with its sign; None: all points lie inside
    per_t: Tensor  # as in `Axes`
    polynomials: Tensor  # as in `Axes`
    n_basis: int

    @classmethod
    def of(cls, t: Tensor, axes: Axes) -> Location:
        """Locate the points t (source, sample)."""
        t = t.contiguous()  # samples last
        inside = t if all_inside(t) else t.clamp(-1, 1)
        beyond = None if inside is t else t - inside
        # In float64 for float32 data too: at grid 200 a float32 coordinate alone costs an error of 1e-5.
        t64 = inside.double()
        if axes.uniform:
            position = torch.addcmul(axes.per_t, t64, axes.per_t)
            interval = (position if beyond is None else position.nan_to_num()).long()
            u = position.frac()
        else:
            interior = axes.knots[:, axes.degree : axes.knots.shape[1] - axes.degree].contiguous()
            last = axes.intervals[:, None] - 1
            interval = _last_at_or_below(interior, inside.detach()).clamp(min=0).minimum(last)
            u = (t64 - interior.gather(1, interval)) * axes.per_t.gather(1, interval)
        u = u.to(axes.polynomials.dtype)
        return cls(interval, u, beyond, axes.per_t, axes.polynomials, axes.n_basis)

    def values(self, order: int) -> Tensor:
        """Return derivatives of some order of the functions that do not vanish, (source, function, sample)."""
        u = self.u.unsqueeze(1)
        values = polynomial_values(u, self._derivatives(order))
        if self.beyond is not None and order == 0:
            values = values + polynomial_values(u, self._derivatives(1)) * self.beyond.unsqueeze(1)
        if self.beyond is not None and order > 1:
            values = values * (self.beyond == 0).unsqueeze(1)
        return values

    def _derivatives(self, order: int) -> Tensor:
        polynomials = self.polynomials
        for _ in range(order):
            polynomials = differentiated(polynomials) * self.per_t[:, None].to(polynomials.dtype)
        powers, _, functions, intervals = polynomials.shape
        if intervals == 1:
            return polynomials
        return polynomials.gather(3, self.interval[:, None].expand(powers, -1, functions, -1))

    def first(self) -> Tensor:
        """Return where, in a flattened (basis, sample) matrix, each point's first function stands."""
        samples = self.interval.shape[1]
        return torch.add(torch.arange(samples, device=self.interval.device), self.interval, alpha=samples)


def all_inside(t: Tensor) -> bool:
    """Return whether all points lie in [-1, 1]; False where no value may steer the program, and for NaN."""
    if inside_transform(t) or not t.numel():
        return False
    low, high = t.detach().aminmax()  # one pass over memory
    return float(low) >= -1 and float(high) <= 1


def _last_at_or_below(knots: Tensor, t: Tensor) -> Tensor:
    if is_wrapped(t) or is_wrapped(knots):  # under vmap a search would copy every sample, and warn of it
        return (knots[:, :, None] <= t[:, None]).sum(dim=1) - 1
    return torch.searchsorted(knots, t, right=True) - 1
