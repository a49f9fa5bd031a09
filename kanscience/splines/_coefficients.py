"""Spline coefficients from curves: refinement, moved domains, and fits to samples."""

from __future__ import annotations

import torch
from torch import Tensor

from kanscience.splines._axes import Axes
from kanscience.splines._kernels import dense_features


def dense_points(knots: Tensor, degree: int) -> Tensor:
    """Return points at which a spline on these knots is determined: ``degree + 2`` in every interval, ends included.

    They are Chebyshev points, so that the fit through them is as well conditioned as the basis itself.
    """
    interior = knots[degree : len(knots) - degree]
    angle = (torch.arange(degree + 2, dtype=knots.dtype, device=knots.device) + 0.5) * torch.pi / (degree + 2)
    inside = (1 - torch.cos(angle)) / 2
    points = interior[:-1, None] + interior.diff()[:, None] * inside
    return torch.cat([interior[:1], points.flatten(), interior[-1:]])


def fit_coefficients(t: Tensor, values: Tensor, knots: Tensor, degree: int) -> Tensor:
    """Return the spline coefficients closest to samples of several curves of one variable.

    One factorisation for all curves; where samples leave coefficients open, the solution of least norm is taken.

    Args:
        t: (N,) points in [-1, 1].
        values: (N, curves).
        knots: (n_knots,) strictly increasing.
        degree: polynomial degree.

    Returns:
        (n_basis, curves).

    Example:
        >>> from kanscience.splines import uniform_knots
        >>> t = torch.linspace(-1, 1, 50, dtype=torch.float64)
        >>> c = fit_coefficients(t, torch.ones(50, 1, dtype=torch.float64), uniform_knots(3, 3), degree=3)
        >>> bool(torch.allclose(c, torch.ones_like(c)))
        True
    """
    features = dense_features(t[None], Axes.of([knots], degree))[0].T
    if features.device.type != "cpu":
        return torch.linalg.pinv(features) @ values  # gelsd exists on the CPU only
    return torch.linalg.lstsq(features, values, driver="gelsd").solution
