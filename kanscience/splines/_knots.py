"""Knot vectors on the interval [-1, 1], to which every source node's domain is mapped.

A vector for ``grid`` intervals of degree k holds ``grid + 1`` interior knots from -1 to 1 and k more on each side,
``grid + 1 + 2k`` in all; it carries ``grid + k`` basis functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from kanscience._checks import check_grid, check_integer, check_number
from kanscience._errors import OptionError


def extended(interior: Tensor, degree: int) -> Tensor:
    """Return the interior knots with ``degree`` more on each side, spaced like the outermost intervals.

    Args:
        interior: (grid + 1,) increasing, from -1 to 1.
        degree: polynomial degree, 0 or more.

    Returns:
        (grid + 1 + 2 * degree,) knots.
    """
    steps = torch.arange(1, degree + 1, dtype=interior.dtype, device=interior.device)
    left = interior[0] - steps.flip(0) * (interior[1] - interior[0])
    right = interior[-1] + steps * (interior[-1] - interior[-2])
    return torch.cat([left, interior, right])


def uniform_knots(grid: int, degree: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return equally spaced knots for ``grid`` intervals on [-1, 1].

    Example:
        >>> uniform_knots(2, degree=1).tolist()
        [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    if grid < 1:
        raise OptionError(f"`grid` counts the intervals of a spline and must be 1 or more, not {grid}.")
    return extended(_uniform_interior(grid, dtype), degree)


def _uniform_interior(grid: int, dtype: torch.dtype) -> Tensor:
    # Integers divided once: the knots of grid 2g contain those of grid g bit for bit, so that nested means nested.
    return (2 * torch.arange(grid + 1, dtype=dtype) - grid) / grid


def quantile_knots(t: Tensor, grid: int, degree: int, blend: float) -> Tensor:
    """Return knots that hold equally many distinct values each, blended with equally spaced ones.

    Repeated samples never give repeated knots: where quantiles coincide the uniform share keeps them apart.

    Args:
        t: (N,) samples mapped to [-1, 1]; those outside count as the ends.
        grid: number of intervals, 1 or more.
        degree: polynomial degree.
        blend: share of the uniform vector, 0 (quantiles alone) to 1.

    Returns:
        (grid + 1 + 2 * degree,) strictly increasing knots.
    """
    uniform = _uniform_interior(grid, t.dtype).to(t.device)
    distinct = torch.unique(t.clamp(-1, 1))
    levels = torch.linspace(0, 1, grid + 1, dtype=t.dtype, device=t.device)
    quantiles = torch.quantile(distinct, levels) if len(distinct) > 1 else uniform
    quantiles[0], quantiles[-1] = -1.0, 1.0
    return extended(_strictly_increasing(blend * uniform + (1 - blend) * quantiles, uniform), degree)


def _strictly_increasing(interior: Tensor, uniform: Tensor) -> Tensor:
    # An interval below a thousandth of the uniform one would make the basis ill-conditioned (condition ~ ratio).
    narrowest = 2e-3 / (len(interior) - 1)
    return interior if bool((interior.diff() > narrowest).all()) else 0.9 * interior + 0.1 * uniform


def distinct_value_knots(t: Tensor, degree: int) -> Tensor:
    """Return knots on the distinct values of a column, and on the ends of the domain.

    Splines on these knots can follow any sequence of values (odd-even staggering of nuclei, for one), which no
    smooth grid can.

    Args:
        t: (N,) samples mapped to [-1, 1]; those outside count as the ends.
        degree: polynomial degree.

    Example:
        >>> distinct_value_knots(torch.tensor([1.0, -1.0, 0.0, 1.0]), degree=1).tolist()
        [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    rounding = 16 * torch.finfo(t.dtype).eps  # two values closer than this are one
    inside = torch.unique(t[t.abs() < 1 - rounding])
    apart = torch.ones(len(inside), dtype=torch.bool, device=t.device)
    apart[1:] = inside.diff() > rounding
    return extended(torch.cat([t.new_tensor([-1.0]), inside[apart], t.new_tensor([1.0])]), degree)


def contains(fine: Tensor, coarse: Tensor, degree: int) -> bool:
    """Return whether every interior knot of ``coarse`` stands, to rounding, among those of ``fine``."""
    inside = slice(degree, -degree or None)
    gaps = (coarse[inside, None] - fine[None, inside]).abs().min(dim=1).values
    return bool((gaps <= 4 * torch.finfo(fine.dtype).eps).all())


@runtime_checkable
class KnotRule(Protocol):
    """Where the knots of a source go: a small frozen value that a level of `fit` or `refine` asks for them."""

    needs_samples: bool

    def row(self, present: Tensor, t: Tensor | None, degree: int) -> Tensor:
        """Return a knot vector for a source with the ``present`` one and samples t in [-1, 1] (None: no samples)."""
        ...


@dataclass(frozen=True)
class Uniform:
    """``grid`` equally spaced intervals."""

    grid: int
    needs_samples = False

    def __post_init__(self) -> None:
        check_grid(self.grid)

    def row(self, present: Tensor, t: Tensor | None, degree: int) -> Tensor:
        """Return the knots; present ones and samples do not matter."""
        return uniform_knots(self.grid, degree, present.dtype).to(present.device)


@dataclass(frozen=True)
class Quantiles:
    """``grid`` intervals that hold equally many distinct values each, blended with equally spaced ones.

    Args:
        grid: number of intervals.
        blend: share of the equally spaced knots, 0 to 1.
    """

    grid: int
    blend: float = 0.25
    needs_samples = True

    def __post_init__(self) -> None:
        check_grid(self.grid)
        check_number("blend", self.blend, least=0, most=1)

    def row(self, present: Tensor, t: Tensor | None, degree: int) -> Tensor:
        """Return the knots for these samples."""
        assert t is not None
        return quantile_knots(t, self.grid, degree, self.blend)


@dataclass(frozen=True)
class DistinctValues:
    """A knot on every value of a column that repeats its values; the knots of other columns stay.

    Args:
        repeats: how many samples a distinct value has at least, on average; else the column counts as continuous.
        most: more distinct values than this count as continuous too.
    """

    repeats: float = 3
    most: int = 500
    needs_samples = True

    def __post_init__(self) -> None:
        check_number("repeats", self.repeats, least=1)
        check_integer("most", self.most)

    def row(self, present: Tensor, t: Tensor | None, degree: int) -> Tensor:
        """Return the knots for these samples, or the present ones."""
        assert t is not None
        knots = distinct_value_knots(t, degree)
        values = len(knots) - 2 * degree
        return knots if 2 <= values <= min(self.most, len(t) / self.repeats) else present
