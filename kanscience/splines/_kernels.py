"""The layer evaluation: from mapped inputs to spline sums, behind one interface.

Arrays are laid out ``(source, basis, sample)``; coefficients ``(source, basis, target)``.

`dense_features` writes the ``degree + 1`` local values of every point into a zeroed matrix, so that one matrix product
with all coefficients does the rest. Its gradients are those of `polynomial_values` and of scatter, both of which
PyTorch differentiates any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanscience._transforms import inside_transform, is_wrapped
from kanscience.splines._basis import differentiated, interval_polynomials, polynomial_values


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
    polynomials: Tensor  # (power, source or 1, interval or 1, function)

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
        # In float64, and of equally spaced knots from integers: rounded knots would cost digits at fine grids.
        exact = torch.arange(-degree, degree + 2, device=knots.device)[None] if uniform else knots
        polynomials = interval_polynomials(exact.double(), degree).to(knots.dtype)
        return cls(knots, intervals, degree, uniform, polynomials.permute(3, 0, 1, 2).contiguous())

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


def _equally_spaced(knots: Tensor, intervals: Tensor) -> bool:
    width = knots.diff(dim=1)
    expected = (2 / intervals.to(knots.dtype))[:, None]
    tolerance = 16 * torch.finfo(knots.dtype).eps  # knots are of the size of 1
    return bool(((width - expected).abs() <= tolerance).logical_or(~width.isfinite()).all())


def local_basis(t: Tensor, axes: Axes, derivative: bool = False) -> tuple[Tensor, Tensor]:
    """Evaluate the ``degree + 1`` basis functions that do not vanish at each point.

    Args:
        t: (source, sample) points in [-1, 1]; beyond, the outermost polynomials continue.
        axes: the knots.
        derivative: return the derivatives with respect to ``t`` instead of the values.

    Returns:
        Values (source, degree + 1, sample), and the index (source, 1, sample) of the first of these functions.
    """
    interval, u, width = _interval_and_position(t, axes)
    polynomials = differentiated(axes.polynomials) if derivative else axes.polynomials
    if axes.uniform:
        polynomials = polynomials.transpose(2, 3)
    else:
        source = torch.arange(t.shape[0], device=t.device)[:, None]
        polynomials = polynomials[:, source, interval].transpose(2, 3)
    values = polynomial_values(u.unsqueeze(1), polynomials)
    return values / width.unsqueeze(1) if derivative else values, interval.unsqueeze(1)


def _interval_and_position(t: Tensor, axes: Axes) -> tuple[Tensor, Tensor, Tensor]:
    # In float64 for float32 data too: at grid 200 a float32 coordinate alone costs an error of 1e-5.
    t64 = t.double()
    last = (axes.intervals - 1)[:, None]
    if axes.uniform:
        width = (2 / axes.intervals.double())[:, None]
        position = (t64 + 1) / width
        interval = position.detach().long().clamp(min=0).minimum(last)
        u = position - interval
    else:
        interior = axes.knots[:, axes.degree : axes.knots.shape[1] - axes.degree]
        interval = _last_at_or_below(interior.contiguous(), t.detach().contiguous())
        interval = interval.clamp(min=0).minimum(last)
        left = interior.gather(1, interval).double()
        width = interior.gather(1, interval + 1).double() - left
        u = (t64 - left) / width
    return interval, u.to(t.dtype), width.to(t.dtype)


def _last_at_or_below(knots: Tensor, t: Tensor) -> Tensor:
    if is_wrapped(t) or is_wrapped(knots):  # under vmap a search would copy every sample, and warn of it
        return (knots[:, None, :] <= t[:, :, None]).sum(dim=2) - 1
    return torch.searchsorted(knots, t, right=True) - 1


def dense_features(t: Tensor, axes: Axes, derivative: bool = False) -> Tensor:
    """Return all basis functions at all points as a matrix ready for one product with the coefficients.

    Args:
        t: (source, sample) points in [-1, 1].
        axes: the knots.
        derivative: return derivatives with respect to ``t`` instead of values.

    Returns:
        (source, basis, sample), zero but for ``degree + 1`` values at each point.

    Example:
        >>> from kanscience.splines import Axes, uniform_knots
        >>> axes = Axes.of([uniform_knots(4, degree=3)], degree=3)
        >>> dense_features(torch.tensor([[0.3]], dtype=torch.float64), axes).shape
        torch.Size([1, 7, 1])
    """
    values, first = local_basis(t, axes, derivative)
    index = first + torch.arange(axes.degree + 1, device=t.device)[:, None]
    features = torch.zeros(t.shape[0], axes.n_basis, t.shape[1], dtype=t.dtype, device=t.device)
    return features.scatter(1, index, values)


def spline_sums(features: Tensor, coefficients: Tensor) -> Tensor:
    """Return (target, sample) sums over sources and basis functions: one matrix product.

    Args:
        features: (source, basis, sample).
        coefficients: (source, basis, target).
    """
    return coefficients.flatten(0, 1).T @ features.flatten(0, 1)
