"""B-spline values: the recursion of the textbooks, and the closed local form that the layers use.

Inside a layer arrays are laid out ``(source, ..., sample)``, samples last: every elementary operation then runs along
contiguous memory, which makes the same arithmetic several times faster than with the short basis axis last.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from kanscience._errors import OptionError, ShapeError


def bspline_basis(
    x: Float[Tensor, "batch source"], knots: Float[Tensor, "row n_knots"], degree: int
) -> Float[Tensor, "batch source n_basis"]:
    """Evaluate every B-spline of the given degree at every point, by the Cox-de Boor recursion.

    With ``B[i,0]`` the indicator of ``[t[i], t[i+1])`` and ``0/0`` read as 0,
        B[i,k](x) = (x - t[i]) / (t[i+k] - t[i]) * B[i,k-1](x)
                  + (t[i+k+1] - x) / (t[i+k+1] - t[i+1]) * B[i+1,k-1](x)

    This is the slow, general form: it takes repeated knots and serves as the reference for `local_basis`.

    Args:
        x: points, in the unit of ``knots``. The basis is 0 outside the knots.
        knots: non-decreasing along each row. The domain of row j is ``knots[j, degree]`` to
            ``knots[j, -degree - 1]``, both included.
        degree: polynomial degree, 0 or more; 3 gives cubic splines.

    Returns:
        Dimensionless values in [0, 1], ``n_basis = n_knots - degree - 1``. On the domain they sum to 1.

    Raises:
        ShapeError: ``x`` and ``knots`` disagree on the number of sources.
        OptionError: ``degree`` is negative.

    Example:
        >>> knots = torch.arange(-3.0, 6.0)[None]  # degree 3 on [0, 2]
        >>> round(bspline_basis(torch.tensor([[1.0]]), knots, degree=3).sum().item(), 6)
        1.0

    Source: Cox, J. Inst. Math. Appl. 10 (1972) 134; de Boor, J. Approx. Theory 6 (1972) 50.
    """
    if degree < 0:
        raise OptionError(f"`degree` is the degree of a polynomial and must be 0 or more, not {degree}.")
    if knots.shape[0] != x.shape[1]:
        raise ShapeError(
            f"`knots` needs one row per column of `x`: `x` has shape {tuple(x.shape)}, `knots` has shape "
            f"{tuple(knots.shape)}. To share one knot vector, pass `knots.expand({x.shape[1]}, -1)`."
        )
    basis = _interval_indicator(x, knots, degree)
    x = x.unsqueeze(-1)
    for k in range(1, degree + 1):
        rise = (x - knots[:, : -k - 1]) * _reciprocal_or_zero(knots[:, k:-1] - knots[:, : -k - 1])
        fall = (knots[:, k + 1 :] - x) * _reciprocal_or_zero(knots[:, k + 1 :] - knots[:, 1:-k])
        basis = rise * basis[..., :-1] + fall * basis[..., 1:]
    return basis


def _interval_indicator(x: Tensor, knots: Tensor, degree: int) -> Tensor:
    # Intervals are half-open, except the last one inside the domain: without this the
    # basis would vanish at the domain's right end, which is usually a training point.
    last = knots.shape[1] - degree - 2
    interval = torch.searchsorted(knots.contiguous(), x.T.contiguous(), right=True).T - 1
    interval = torch.where(x == knots[:, last + 1], last, interval)
    index = torch.arange(knots.shape[1] - 1, device=x.device)
    return (interval.unsqueeze(-1) == index).to(x.dtype)


def _reciprocal_or_zero(width: Tensor) -> Tensor:
    return width.masked_fill(width == 0, torch.inf).reciprocal()  # a repeated knot adds nothing


def interval_polynomials(
    knots: Float[Tensor, "source n_knots"], degree: int
) -> Float[Tensor, "source interval basis power"]:
    """Return, for every interval, the polynomials of the ``degree + 1`` basis functions that do not vanish there.

    Function r of interval m is basis function ``m + r``; its value at ``u = (t - t[m]) / (t[m+1] - t[m])`` in [0, 1]
    is ``sum(polynomial[r, p] * u**p)``. Computed by running the Cox-de Boor recursion on polynomials in u.

    Args:
        knots: strictly increasing along each row; a row shorter than the others is padded with +inf.
        degree: polynomial degree, 0 or more.
    """
    sources, n_knots = knots.shape
    intervals = n_knots - 1 - 2 * degree
    left = torch.arange(degree, degree + intervals)  # index of each interval's left knot
    origin, width = knots[:, left], knots[:, left + 1] - knots[:, left]
    # Nothing is written in place, so that networks with different knots can be stacked under torch.func.vmap.
    values = [torch.ones(sources, intervals, 1, dtype=knots.dtype, device=knots.device)]
    for k in range(1, degree + 1):
        lower, values = values, [torch.zeros_like(origin)[..., None]] * (k + 1)
        for r in range(k):  # function left - k + 1 + r of degree k - 1 feeds two of degree k
            start, end = knots[:, left - k + 1 + r], knots[:, left + 1 + r]
            share = _times_linear(lower[r], (origin - start) / (end - start), width / (end - start))
            values[r + 1] = share
            values[r] = values[r] + torch.nn.functional.pad(lower[r], (0, 1)) - share  # the weights add up to one
    return torch.stack(values, dim=2).nan_to_num()  # padding: inf - inf


def _times_linear(polynomial: Tensor, constant: Tensor, slope: Tensor) -> Tensor:
    pad = torch.nn.functional.pad
    return pad(polynomial, (0, 1)) * constant[..., None] + pad(polynomial, (1, 0)) * slope[..., None]


def polynomial_values(u: Tensor, polynomials: Tensor) -> Tensor:
    """Evaluate several polynomials of the same variable.

    Args:
        u: (source, 1, sample) points.
        polynomials: (power, source, function, sample) coefficients; source and sample may be 1 where all share them.

    Returns:
        (source, function, sample) values.
    """
    value = polynomials[-1]
    for power in reversed(range(len(polynomials) - 1)):
        value = torch.addcmul(polynomials[power], value, u)
    return value if len(polynomials) > 1 else value + torch.zeros_like(u)


def differentiated(polynomials: Tensor) -> Tensor:
    """Return the coefficients of the derivatives with respect to u; the powers stand on the first axis."""
    if len(polynomials) == 1:
        return torch.zeros_like(polynomials)
    factors = torch.arange(1, len(polynomials), dtype=polynomials.dtype, device=polynomials.device)
    return polynomials[1:] * factors.view(-1, *([1] * (polynomials.dim() - 1)))
