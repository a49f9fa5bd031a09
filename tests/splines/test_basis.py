"""B-spline values, by recursion and in the local form, against scipy."""

import numpy as np
import pytest
import torch

from kanscience import OptionError, ShapeError
from kanscience.splines import Axes, bspline_basis, dense_features, local_basis, local_sums, uniform_knots
from tests.helpers import tolerance, uniform_inputs
from tests.helpers_networks import both_dtypes, forward_mode
from tests.splines.kinds import KNOTS, every_degree, every_knots, points, scipy_basis


@every_knots
@every_degree
@both_dtypes
def test_the_recursion_is_scipys(make_knots, degree, dtype):
    knots = make_knots(degree).to(dtype)
    t = points(knots, degree)
    expected = scipy_basis(t.double().numpy(), knots.double().numpy(), degree)
    found = bspline_basis(t[:, None], knots[None], degree)[:, 0].numpy()
    np.testing.assert_allclose(found, expected, **tolerance(dtype))


@every_knots
@every_degree
@both_dtypes
@pytest.mark.parametrize("derivative", [False, True])
def test_the_local_form_is_scipys(make_knots, degree, dtype, derivative):
    knots = make_knots(degree).to(dtype)
    t = points(knots, degree)
    if derivative and degree == 1:
        t = t[: -len(knots)]  # the slope jumps at knots, on which side is a convention
    expected = scipy_basis(t.double().numpy(), knots.double().numpy(), degree, int(derivative))
    found = dense_features(t[None], Axes.of([knots], degree), derivative)[0].T.numpy()
    size = max(np.abs(expected).max(), 1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=size * tolerance(dtype)["atol"])


@every_knots
@every_degree
def test_the_basis_sums_to_one_on_the_closed_domain(make_knots, degree):
    knots = make_knots(degree)
    t = points(knots, degree)
    ones = torch.ones_like(t)
    torch.testing.assert_close(bspline_basis(t[:, None], knots[None], degree).sum(dim=-1)[:, 0], ones)
    torch.testing.assert_close(dense_features(t[None], Axes.of([knots], degree)).sum(dim=1)[0], ones)


@every_knots
@every_degree
def test_only_the_local_functions_are_not_zero(make_knots, degree):
    axes = Axes.of([make_knots(degree)], degree)
    t = points(axes.row(0), degree)[None]
    values, first = local_basis(t, axes)
    dense = dense_features(t, axes)
    assert values.shape[1] == degree + 1
    index = first + torch.arange(degree + 1)[:, None]
    torch.testing.assert_close(dense.gather(1, index), values)
    assert (dense != 0).sum(dim=1).max() <= degree + 1


@forward_mode
@every_knots
@pytest.mark.parametrize("degree", [0, 1, 3, 5, *(pytest.param(degree, marks=pytest.mark.slow) for degree in (2, 4))])
def test_gradients_of_the_local_form_are_right_to_second_order(make_knots, degree):
    knots = make_knots(degree)
    axes = Axes.of([knots], degree)
    t = points(knots, degree)[None, :4]  # no knots: there a difference sees both sides
    t = torch.cat([t, torch.tensor([[-1.4, 1.7]], dtype=torch.float64)], dim=1).requires_grad_()
    weights = uniform_inputs(axes.n_basis * t.shape[1], 1, seed=1).reshape(1, -1, t.shape[1]).requires_grad_()
    for function, arguments in (
        (lambda t: dense_features(t, axes), (t,)),
        (lambda weights, t: local_sums(weights, t, axes), (weights, t)),
    ):
        assert torch.autograd.gradcheck(function, arguments, check_forward_ad=True, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(function, arguments, check_fwd_over_rev=True, fast_mode=True)


@forward_mode
@every_degree
def test_the_derivative_option_is_what_autograd_finds(degree):
    axes = Axes.of([KNOTS["quantiles"](degree)], degree)
    t = points(axes.row(0), degree)[None]
    slope = torch.func.jvp(lambda t: dense_features(t, axes), (t,), (torch.ones_like(t),))[1]
    torch.testing.assert_close(dense_features(t, axes, order=1), slope)


@every_degree
def test_sources_with_other_knots_stand_side_by_side(degree):
    rows = [make(degree) for make in KNOTS.values()]
    t = torch.stack([points(rows[0], degree)] * len(rows))
    together = Axes.of(rows, degree)
    features = dense_features(t, together)
    for source, row in enumerate(rows):
        alone = Axes.of([row], degree)
        assert torch.equal(together.row(source), row)
        torch.testing.assert_close(features[source, : alone.n_basis], dense_features(t[:1], alone)[0])
        assert not features[source, alone.n_basis :].any()
        assert int(together.has_function()[source].sum()) == alone.n_basis


@every_degree
def test_uniform_knots_of_several_grids_need_no_search(degree):
    grids = (1, 5, 40)
    axes = Axes.of([uniform_knots(grid, degree) for grid in grids], degree)
    assert axes.uniform == (degree > 0)  # a step falls exactly on its knot, which takes a search
    assert not Axes.of([KNOTS["quantiles"](degree)], degree).uniform
    t = points(uniform_knots(40, degree), degree)
    for source, grid in enumerate(grids):
        expected = scipy_basis(t.numpy(), uniform_knots(grid, degree).numpy(), degree)
        found = dense_features(t.expand(3, -1), axes)[source, : grid + degree].T
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


@every_degree
def test_float32_loses_no_digits_at_fine_grids(degree):
    knots = uniform_knots(200, degree)
    t = points(knots, degree).float()
    fine = dense_features(t.double()[None], Axes.of([knots], degree))
    coarse = dense_features(t[None], Axes.of([knots.float()], degree))
    sure = (t * 100 - (t * 100).round()).abs() > 1e-4  # not on a knot, where a step may fall either way
    torch.testing.assert_close(coarse[0, :, sure].double(), fine[0, :, sure], rtol=0, atol=1e-6)


@every_knots
@every_degree
@pytest.mark.parametrize("derivative", [False, True])
def test_local_sums_read_what_dense_features_write(make_knots, degree, derivative):
    axes = Axes.of([make_knots(degree)] * 2, degree)
    t = torch.stack([points(axes.row(0), degree), 2 * points(axes.row(0), degree, seed=1)])
    weights = uniform_inputs(2 * axes.n_basis, t.shape[1], seed=2).reshape(2, axes.n_basis, -1)
    expected = (weights * dense_features(t, axes, derivative)).sum(dim=1)
    torch.testing.assert_close(local_sums(weights, t, axes, derivative), expected)


@every_knots
@every_degree
def test_beyond_the_domain_every_function_continues_as_a_straight_line(make_knots, degree):
    axes = Axes.of([make_knots(degree)], degree)
    t = torch.tensor([[-1.0, -1.3, -4.0, 1.0, 1.2, 7.0]], dtype=torch.float64)
    ends, reach = t.clamp(-1, 1), t - t.clamp(-1, 1)
    slope = dense_features(ends, axes, order=1)
    torch.testing.assert_close(dense_features(t, axes), dense_features(ends, axes) + slope * reach[:, None])
    torch.testing.assert_close(dense_features(t, axes, order=1), slope)


def test_the_recursion_takes_repeated_knots_and_is_zero_outside():
    knots = torch.tensor([[0.0, 0, 0, 0, 1, 1, 2, 2, 2, 2]], dtype=torch.float64)
    x = torch.tensor([[-0.5], [0.0], [0.7], [1.0], [1.5], [2.0], [2.1]], dtype=torch.float64)
    basis = bspline_basis(x, knots, degree=3)[:, 0]
    assert basis[1].tolist() == [1, 0, 0, 0, 0, 0]
    assert basis[5].tolist() == [0, 0, 0, 0, 0, 1]
    assert not basis[[0, 6]].any()
    inside = slice(1, -2)
    expected = scipy_basis(x[inside, 0].numpy(), knots[0].numpy(), degree=3)
    np.testing.assert_allclose(basis[inside], expected, rtol=1e-12, atol=1e-15)


def test_wrong_number_of_knot_rows_says_how_to_share_them():
    with pytest.raises(ShapeError, match=r"expand\(2, -1\)"):
        bspline_basis(torch.zeros(4, 2), torch.zeros(1, 9), degree=3)


def test_a_negative_degree_is_named():
    with pytest.raises(OptionError, match="not -1"):
        bspline_basis(torch.zeros(4, 1), torch.zeros(1, 9), degree=-1)
