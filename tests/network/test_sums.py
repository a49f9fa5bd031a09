"""Sums of hidden layers that can stand for another are left out and put back."""

import pytest
import torch

from kanscience import MultKAN, freeze, set_function
from kanscience.network import FlatView, influences, layers_of_equals, with_sums, without_sum
from tests.helpers import uniform_inputs
from tests.helpers_networks import KINDS, state_of

WIDTH = [3, (4, 1), 3, 2]


def drawn(seed: int = 0, **options) -> MultKAN:
    return MultKAN(WIDTH, domain=(-1, 1), seed=seed, **options)


@pytest.mark.parametrize("options", [{}, {"dtype": torch.float32}, {"base": "zero", "degree": 1, "grid": 3}])
def test_the_order_of_sums_makes_no_difference(options):
    network = drawn(**options)
    x = uniform_inputs(50, 3, seed=1)
    turned = with_sums(network, {0: [2, 0, 3, 1], 1: [1, 2, 0]})
    exact = 1e-12 if network.dtype == torch.float64 else 1e-5
    torch.testing.assert_close(turned(x), network(x), atol=exact, rtol=exact)
    back = with_sums(turned, {0: [1, 3, 0, 2], 1: [2, 0, 1]})
    assert all(torch.equal(its, state_of(back)[name]) for name, its in state_of(network).items())


def test_sums_that_are_nowhere_carry_nothing():
    network = drawn()
    x = uniform_inputs(50, 3, seed=1)
    larger = with_sums(network, {0: [None, 0, 1, None, 2, 3], 1: [0, 1, 2, None]})
    assert larger.width == [3, (6, 1), 4, 2]
    torch.testing.assert_close(larger(x), network(x), atol=1e-12, rtol=0)
    assert not larger.layers[0].splines.coefficients[:, :, [0, 3]].any()
    assert not larger.layers[1].splines.base_weights[[0, 3]].any()


def test_another_sum_takes_over_the_mean_of_one_that_goes():
    network, x = drawn(), uniform_inputs(300, 3, seed=1)
    smaller = without_sum(network, 1, 2, x)
    assert smaller.width == [3, (4, 1), 2, 2]
    assert FlatView(smaller).size < FlatView(network).size
    torch.testing.assert_close(smaller(x).mean(dim=0), network(x).mean(dim=0), atol=1e-12, rtol=0)
    assert not torch.allclose(smaller(x), network(x))


def test_a_sum_without_influence_comes_first():
    x = uniform_inputs(300, 3, seed=1)
    network = with_sums(drawn(), {0: [0, 1, None, 3]})
    (value, depth, sum_), *others = influences(network, x)
    assert (value, depth, sum_) == (0, 0, 2)
    assert len(others) == 4 + 3 - 1
    # In the last hidden layer the first order is the whole: the mean square that the outputs move.
    value, depth, sum_ = next(its for its in others if its[1] == 1)
    moved = without_sum(network, depth, sum_, x)(x) - network(x)
    assert value == pytest.approx(moved.square().mean().item(), rel=1e-9)


def test_sums_with_a_part_of_their_own_have_no_equals():
    assert layers_of_equals(drawn()) == [0, 1]
    assert layers_of_equals(MultKAN([2, 1, 3, 1], seed=0)) == [1]
    assert layers_of_equals(MultKAN([2, (0, 2), 1], seed=0)) == []
    assert layers_of_equals(KINDS["mixed"]()) == []
    assert layers_of_equals(freeze(drawn(), (0, 1, 2))) == [1]
    assert layers_of_equals(set_function(drawn(), (2, 0, 0), "sin")) == [0]
    held = drawn()
    held.layers[1].splines.trained_coefficients.requires_grad_(False)
    assert layers_of_equals(held) == []
