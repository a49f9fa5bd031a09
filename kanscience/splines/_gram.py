"""Exact integrals of products of B-splines' derivatives."""

from __future__ import annotations

import torch
from torch import Tensor

from kanscience.splines._basis import differentiated, interval_polynomials


def curvature_matrix(knots: Tensor, degree: int) -> Tensor:
    """Return the matrix K of ``integral of spline''(t)**2 dt = c @ K @ c`` over the domain.

    Args:
        knots: (n_knots,) strictly increasing.
        degree: polynomial degree; below 2 the matrix is zero.

    Returns:
        (n_basis, n_basis), symmetric, positive semidefinite.

    Example:
        >>> from kanscience.splines import uniform_knots
        >>> K = curvature_matrix(uniform_knots(4, 3), degree=3)
        >>> line = torch.arange(7.0, dtype=torch.float64)  # the coefficients of a straight line
        >>> abs(float(line @ K @ line)) < 1e-9
        True
    """
    n_basis = len(knots) - degree - 1
    matrix = knots.new_zeros(n_basis, n_basis)
    if degree < 2:
        return matrix
    by_power = interval_polynomials(knots[None], degree)[0].permute(2, 0, 1)  # (power, interval, function)
    second = differentiated(differentiated(by_power))
    power = torch.arange(len(second), dtype=knots.dtype, device=knots.device)
    moments = 1 / (power[:, None] + power + 1)  # integral of u**(p + q) over [0, 1]
    width = knots[degree : len(knots) - degree].diff()
    local = torch.einsum("pmr,pq,qms->mrs", second, moments, second) / width[:, None, None] ** 3
    for m in range(len(width)):
        matrix[m : m + degree + 1, m : m + degree + 1] += local[m]
    return matrix
