"""Knot vectors on [-1, 1]."""

import pytest
import torch

from kanscience import OptionError
from kanscience.splines import (
    DistinctValues,
    Quantiles,
    Uniform,
    contains,
    distinct_value_knots,
    extended,
    quantile_knots,
    uniform_knots,
)
from tests.helpers import uniform_inputs
from tests.splines.kinds import every_degree, every_knots


@every_knots
@every_degree
def test_knots_rise_and_span_the_domain(make_knots, degree):
    knots = make_knots(degree)
    assert (knots.diff() > 0).all()
    assert (knots[degree], knots[-degree - 1]) == (-1, 1)


@every_degree
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_doubling_a_grid_keeps_every_knot_bit_for_bit(degree, dtype):
    for grid in (1, 3, 5, 7, 100):
        coarse, fine = uniform_knots(grid, 0, dtype), uniform_knots(2 * grid, 0, dtype)
        assert torch.equal(fine[::2], coarse)
        assert contains(uniform_knots(2 * grid, degree), uniform_knots(grid, degree), degree)
        assert not contains(uniform_knots(grid, degree), uniform_knots(2 * grid, degree), degree)
    assert not contains(uniform_knots(7, degree), uniform_knots(5, degree), degree)


def test_a_grid_of_zero_is_named():
    with pytest.raises(OptionError, match="not 0"):
        uniform_knots(0, 3)


def test_quantile_knots_hold_equally_many_samples():
    t = 2 * uniform_inputs(1000, 1, seed=0, low=0)[:, 0] ** 2 - 1
    knots = quantile_knots(t, grid=10, degree=0, blend=0.0)
    counts = torch.histc(torch.bucketize(t, knots[1:-1]).double(), bins=10)
    assert counts.min() >= 98
    assert torch.equal(quantile_knots(t, 10, 3, blend=1.0), uniform_knots(10, 3))


@pytest.mark.parametrize(
    "values", [[0.3] * 9, [], [0.5], [-1.0, 1.0], [-1.0] * 50 + [1.0], [float(i // 5) / 5 - 1 for i in range(50)]]
)
def test_repeated_and_few_values_give_rising_knots(values):
    knots = quantile_knots(torch.tensor(values, dtype=torch.float64), grid=8, degree=3, blend=0.0)
    assert (knots.diff() > 1e-4).all()


def test_samples_outside_count_as_the_ends():
    t = uniform_inputs(100, 1, seed=0)[:, 0]
    far = torch.cat([t, torch.tensor([-7.0, 9.0], dtype=torch.float64)])
    ends = torch.cat([t, torch.tensor([-1.0, 1.0], dtype=torch.float64)])
    assert torch.equal(quantile_knots(far, 5, 3, blend=0.0), quantile_knots(ends, 5, 3, blend=0.0))


def test_knots_on_distinct_values_are_the_values():
    column = torch.tensor([0.25, -1.0, 1.0, 0.25, -0.5, 1.0, 0.25 + 1e-17], dtype=torch.float64)
    assert distinct_value_knots(column, degree=2)[2:-2].tolist() == [-1.0, -0.5, 0.25, 1.0]


@pytest.mark.parametrize(
    ("values", "interior"), [([], [-1, 1]), ([0.5, 0.5], [-1, 0.5, 1]), ([-2.0, 3.0, 0.0], [-1, 0, 1])]
)
def test_distinct_value_knots_hold_the_ends_of_the_domain_whatever_the_column(values, interior):
    knots = distinct_value_knots(torch.tensor(values, dtype=torch.float64), degree=1)
    assert knots[1:-1].tolist() == interior


def test_rules_place_knots_by_the_samples():
    column = torch.arange(-4, 5, dtype=torch.float64).repeat(4) / 4
    smooth, present = uniform_inputs(36, 1, seed=0)[:, 0], uniform_knots(5, 3)
    assert DistinctValues().row(present, column, 3)[3:-3].tolist() == [i / 4 for i in range(-4, 5)]
    assert DistinctValues().row(present, smooth, 3) is present  # a continuous column keeps its knots
    assert DistinctValues(most=8).row(present, column, 3) is present
    assert torch.equal(Quantiles(6, blend=0.5).row(present, smooth, 3), quantile_knots(smooth, 6, 3, blend=0.5))
    assert torch.equal(Uniform(7).row(present, None, 3), uniform_knots(7, 3))


@pytest.mark.parametrize("make", [lambda: Uniform(0), lambda: Quantiles(-1), lambda: Quantiles(5, blend=2)])
def test_a_rule_that_cannot_be_is_an_error(make):
    with pytest.raises(OptionError, match=r"got (0|-1|2)\b"):
        make()


def test_outer_knots_repeat_the_outermost_intervals():
    knots = extended(torch.tensor([-1.0, 0.5, 1.0]), degree=2)
    assert knots.tolist() == [-4.0, -2.5, -1.0, 0.5, 1.0, 1.5, 2.0]
