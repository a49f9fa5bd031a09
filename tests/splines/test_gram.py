"""The integral of squared curvature."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from kanscience.splines import curvature_matrix
from tests.splines.kinds import every_degree, every_knots


@every_knots
@every_degree
def test_the_curvature_is_the_quadrature_of_the_second_derivative(make_knots, degree):
    knots = make_knots(degree)
    matrix = curvature_matrix(knots, degree).numpy()
    nodes, weights = np.polynomial.legendre.leggauss(5)  # exact for squares of second derivatives up to degree 5
    interior = knots[degree : len(knots) - degree].numpy()
    half, middle = np.diff(interior)[:, None] / 2, (interior[1:] + interior[:-1])[:, None] / 2
    t, w = (middle + half * nodes).ravel(), (half * weights).ravel()
    n_basis = len(knots) - degree - 1
    second = np.zeros((n_basis, len(t)))
    if degree >= 2:
        second = np.stack([BSpline(knots.numpy(), row, degree).derivative(2)(t) for row in np.eye(n_basis)])
    expected = (second * w) @ second.T
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-12 * max(np.abs(expected).max(), 1))


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
@every_knots
def test_straight_lines_cost_nothing_and_nothing_costs_less(make_knots, degree):
    knots = make_knots(degree)
    matrix = curvature_matrix(knots, degree)
    n_basis = len(knots) - degree - 1
    greville = torch.stack([knots[i + 1 : i + degree + 1].mean() for i in range(n_basis)])  # coefficients of t
    size = matrix.abs().max()
    for line in (torch.ones_like(greville), greville):
        assert abs(float(line @ matrix @ line)) < 1e-12 * size
    assert torch.equal(matrix, matrix.T) or (matrix - matrix.T).abs().max() < 1e-14 * size
    assert torch.linalg.eigvalsh(matrix).min() > -1e-12 * size
