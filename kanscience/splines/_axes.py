"""The knots of a layer's source nodes side by side, and what is computed from them once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from kanscience._transforms import inside_transform
from kanscience.splines._basis import interval_polynomials


@dataclass(frozen=True, eq=False)
class Axes:
    """The knots of a layer's source nodes on [-1, 1], and what is computed from them once.

    Sources may differ in their number of intervals; shorter knot rows are padded with +inf, and the basis functions
    beyond a source's own are always 0.
    """

    knots: Tensor  # (source, n_knots)
    intervals: Tensor  # (source,) number of intervals of each
    degree: int
    uniform: bool  # all rows equally spaced: no search, one set of polynomials
    per_t: Tensor  # (source, interval or 1) inverse widths of the intervals, float64
    polynomials: Tensor  # (power, source or 1, function, interval or 1)
    tables: dict[int | str, Any] = field(default_factory=dict)  # what the kernels remember of them

    @classmethod
    def of(cls, rows: list[Tensor], degree: int) -> Axes:
        """Build from one knot vector per source."""
        longest = max((len(row) for row in rows), default=2 + 2 * degree)
        padded = [torch.nn.functional.pad(row, (0, longest - len(row)), value=torch.inf) for row in rows]
        knots = torch.stack(padded) if rows else torch.zeros(0, longest, dtype=torch.float64)
        intervals = torch.tensor([len(row) - 1 - 2 * degree for row in rows], device=knots.device)
        return cls.from_padded(knots, intervals, degree)

    @classmethod
    def from_padded(cls, knots: Tensor, intervals: Tensor, degree: int) -> Axes:
        """Build from padded knot rows."""
        # Steps need the interval to the last bit, which only a search among the knots gives.
        uniform = degree > 0 and not inside_transform(knots, intervals) and _equally_spaced(knots, intervals)
        polynomials = _equal_polynomials(degree) if uniform else interval_polynomials(knots.double(), degree)
        polynomials = polynomials.permute(3, 0, 2, 1).to(knots).contiguous()
        return cls(knots, intervals, degree, uniform, _inverse_widths(knots, intervals, degree, uniform), polynomials)

    def __getstate__(self):
        return {**self.__dict__, "tables": {}}  # which hold addresses: a copy finds its own

    @property
    def n_basis(self) -> int:
        """Number of basis functions of the longest row."""
        return self.knots.shape[1] - self.degree - 1

    def row(self, source: int) -> Tensor:
        """Return the knot vector of one source, without padding."""
        return self.knots[source, : int(self.intervals[source]) + 1 + 2 * self.degree]

    def has_function(self) -> Tensor:
        """Return a (source, basis) mask of the functions that are not padding."""
        index = torch.arange(self.n_basis, device=self.knots.device)
        return index < (self.intervals + self.degree)[:, None]


@cache
def _equal_polynomials(degree: int) -> Tensor:
    # In float64 and from integers: rounded knots would cost digits at fine grids.
    return interval_polynomials(torch.arange(-degree, degree + 2)[None].double(), degree)


def _equally_spaced(knots: Tensor, intervals: Tensor) -> bool:
    width = knots.diff(dim=1)
    expected = (2 / intervals.to(knots.dtype))[:, None]
    tolerance = 16 * torch.finfo(knots.dtype).eps  # knots are of the size of 1
    return bool(((width - expected).abs() <= tolerance).logical_or(~width.isfinite()).all())


def _inverse_widths(knots: Tensor, intervals: Tensor, degree: int, uniform: bool) -> Tensor:
    if not uniform:
        return 1 / knots[:, degree : knots.shape[1] - degree].double().diff(dim=1)
    exact = intervals[:, None].double() / 2
    return torch.nextafter(exact, torch.zeros_like(exact))  # a bit less, so that 1 lies in the last interval
