"""From curves and samples to spline coefficients."""

import pytest
import torch

from kanscience.splines import Axes, dense_features, dense_points, fit_coefficients, uniform_knots
from tests.helpers import generator, uniform_inputs
from tests.splines.kinds import KNOTS, every_degree, every_knots


def curves(t, knots, degree, coefficients):
    return dense_features(t[None], Axes.of([knots], degree))[0].T @ coefficients


@every_knots
@every_degree
def test_coefficients_come_back_from_dense_points(make_knots, degree):
    knots = make_knots(degree)
    coefficients = torch.randn(len(knots) - degree - 1, 3, generator=generator(0), dtype=torch.float64)
    t = dense_points(knots, degree)
    assert t.abs().max() <= 1
    found = fit_coefficients(t, curves(t, knots, degree, coefficients), knots, degree)
    torch.testing.assert_close(found, coefficients, rtol=0, atol=1e-11)


@every_degree
def test_a_nested_grid_holds_the_same_curve(degree):
    coarse, fine = uniform_knots(5, degree), uniform_knots(10, degree)
    coefficients = torch.randn(5 + degree, 2, generator=generator(1), dtype=torch.float64)
    t = dense_points(fine, degree)
    found = fit_coefficients(t, curves(t, coarse, degree, coefficients), fine, degree)
    inside = uniform_inputs(200, 1, seed=0)[:, 0]
    before, after = curves(inside, coarse, degree, coefficients), curves(inside, fine, degree, found)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12)


@every_degree
def test_polynomials_of_the_degree_are_exact(degree):
    knots = KNOTS["quantiles"](degree)
    t = uniform_inputs(300, 1, seed=0)[:, 0]
    values = torch.stack([t**p for p in range(degree + 1)], dim=1)
    found = fit_coefficients(t, values, knots, degree)
    torch.testing.assert_close(curves(t, knots, degree, found), values, rtol=0, atol=1e-10)


def test_coefficients_that_no_sample_determines_stay_small():
    t = torch.full((20,), 0.5, dtype=torch.float64)
    found = fit_coefficients(t, torch.ones(20, 1, dtype=torch.float64), uniform_knots(10, 3), degree=3)
    assert found.isfinite().all()
    assert found.abs().max() <= 2
    assert not found[:5].abs().gt(1e-12).any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_row_is_enough(dtype):
    found = fit_coefficients(torch.zeros(1, dtype=dtype), torch.ones(1, 1, dtype=dtype), uniform_knots(5, 3, dtype), 3)
    value = curves(torch.zeros(1, dtype=dtype), uniform_knots(5, 3, dtype), 3, found)
    torch.testing.assert_close(value, torch.ones_like(value), rtol=0, atol=1e-6)
