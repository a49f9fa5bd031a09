"""The same curves on other knots and domains."""

import numpy as np
import pytest
import torch

from kanscience import MultKAN, OptionError, refine, trace
from kanscience.network import MultKAN as Network
from kanscience.splines import DistinctValues, Quantiles, uniform_knots
from tests.helpers import tolerance, uniform_inputs
from tests.helpers_networks import KINDS, both_dtypes, inputs_of, state_of


@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize("base", ["silu", "zero"])
@both_dtypes
def test_a_nested_grid_keeps_the_function_to_rounding(degree, base, dtype):
    network = MultKAN([2, (2, 1), 1], grid=3, degree=degree, base=base, domain=(-1, 2), seed=0, dtype=dtype)
    x = inputs_of(network, 200, reach=2.5)
    before = network(x).detach()
    close = tolerance(dtype, float(before.abs().max()))
    finer = network
    for grid in (6, 12, 24):
        finer = refine(finer, grid)
        assert finer.layers[0].splines.intervals.tolist() == [grid] * 2
        same = (finer(x) - before).abs() > close["atol"]
        assert same.double().mean() <= (0.02 if degree == 0 and dtype == torch.float32 else 0)  # steps: see float32


def test_to_a_very_fine_grid_in_one_leap():
    network = MultKAN([1, 1], grid=5, domain=(0, 1), seed=0)
    x = uniform_inputs(300, 1, seed=0, low=-0.5, high=1.5)
    torch.testing.assert_close(refine(network, 200)(x), network(x), rtol=0, atol=1e-12)


def test_the_network_that_is_refined_stays_as_it_is():
    network = KINDS["mixed"]()
    before = state_of(network)
    refine(network, 12)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_frozen_and_missing_curves_stay_so_on_finer_grids():
    network = KINDS["mixed"]()
    finer = refine(network, 48, trace=trace(network, inputs_of(network, 400)))
    for old, new in zip(network.layers, finer.layers, strict=True):
        assert torch.equal(old.splines.active, new.splines.active)
        assert torch.equal(old.splines.trainable, new.splines.trainable)
        assert torch.equal(old.splines.open, new.splines.open)
        assert torch.equal(old.splines.low, new.splines.low)
        assert torch.equal(old.splines.fixed_base_weights, new.splines.fixed_base_weights)
    x = inputs_of(network, 100)
    torch.testing.assert_close(finer(x), network(x), rtol=0, atol=2e-4)  # knots that the fine grid does not hold


def test_one_grid_a_layer():
    finer = refine(MultKAN([2, 3, 1], grid=5, seed=0), [10, 5])
    assert [layer.splines.intervals.tolist() for layer in finer.layers] == [[10, 10], [5, 5, 5]]


@pytest.mark.parametrize("grid", [7, 3, Quantiles(9)])
def test_other_knots_keep_the_function_where_the_samples_are(grid):
    x = uniform_inputs(500, 2, seed=0) ** 3
    network = smooth(MultKAN([2, 2, 1], grid=5, domain=(-1, 1), seed=0))
    moved = refine(network, grid, trace=trace(network, x))
    error = (moved(x) - network(x)).square().mean().sqrt()
    assert error < (2e-2 if grid == 3 else 2e-3) * network(x).std()


def test_knots_on_the_values_of_a_column():
    column = torch.arange(10, dtype=torch.float64).repeat(20)[:, None]
    x = torch.cat([column, uniform_inputs(200, 1, seed=0)], dim=1)
    network = smooth(MultKAN([2, 2, 1], grid=5, domain=[(0, 9), (-1, 1)], seed=0))
    on_values = refine(network, ["values", 5], trace=trace(network, x))
    assert on_values.layers[0].splines.intervals.tolist() == [9, 5]
    row = on_values.layers[0].splines.axes.row(0)
    np.testing.assert_allclose(row[3:-3], 2 * np.arange(10) / 9 - 1, atol=1e-15)
    assert (on_values(x) - network(x)).abs().max() < 1e-2 * network(x).std()
    same = refine(network, DistinctValues(most=5), trace=trace(network, x))
    assert same.layers[0].splines.intervals.tolist() == [5, 5]


@torch.no_grad()
def smooth(network: Network) -> Network:
    generator = torch.Generator().manual_seed(0)
    for layer in network.layers:
        t = torch.linspace(-1, 1, layer.splines.trained_coefficients.shape[1], dtype=torch.float64)[:, None]
        shape = layer.splines.trained_base_weights[:, None].shape
        a, b, c = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(3))
        layer.splines.trained_coefficients.copy_(a * t + 0.3 * b * t**2 + 0.3 * c * t**3)
    return network


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5])
def test_a_moved_domain_keeps_the_function_inside_both(degree):
    network = smooth(MultKAN([1, 1], grid=8, degree=degree, base="identity", domain=(-1, 1), seed=0))
    splines = network.layers[0].splines
    x = uniform_inputs(300, 1, seed=1)
    before = network(x).detach()
    splines.move_([uniform_knots(6, degree)], splines.low + 0.25, splines.high - 0.25)  # knots among the old ones
    inside = x.abs()[:, 0] < 0.75
    torch.testing.assert_close(network(x)[inside], before[inside], rtol=0, atol=1e-12)
    before = network(x).detach()
    splines.move_([uniform_knots(32, degree)], splines.low - 0.3, splines.high + 0.2, x.T)
    torch.testing.assert_close(network(x), before, rtol=0, atol=1e-2 * float(before.std()))
    assert (splines.low.item(), splines.high.item()) == (pytest.approx(-1.05), pytest.approx(0.95))


def test_a_domain_adopted_from_data_stretches_the_curve():
    network = MultKAN([2, 1], seed=0)
    x = uniform_inputs(50, 2, seed=0)
    before = network(torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])).detach()
    data = torch.cat([100 + 20 * x, torch.tensor([[80.0, 80.0], [120.0, 120.0]])])
    network.layers[0].splines.adopt_domains_(data.T)
    torch.testing.assert_close(network(torch.tensor([[80.0, 80.0], [100.0, 100.0], [120.0, 120.0]])), before)
    low = network.layers[0].splines.low.clone()
    network.layers[0].splines.adopt_domains_(10 * data.T)
    assert torch.equal(network.layers[0].splines.low, low)  # taken once


@pytest.mark.parametrize("value", [0.0, 118.0, -6e3, 1e-30])
def test_a_constant_column_and_one_row_have_a_domain(value):
    network = MultKAN([1, 1], seed=0)
    network.layers[0].splines.adopt_domains_(torch.full((1, 1), value, dtype=torch.float64))
    splines = network.layers[0].splines
    assert splines.low < value < splines.high
    assert network(torch.tensor([[value]])).isfinite()


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        (0, r"got 0"),
        (-3, r"got -3"),
        ([5, 10, 20], r"`grid` is one .* 2 layers; not \[5, 10, 20\]"),
        ("valeus", "'values'"),
    ],
)
def test_a_grid_that_cannot_be_is_named(grid, says):
    with pytest.raises(OptionError, match=says):
        refine(MultKAN([2, 3, 1], seed=0), grid)


def test_a_rule_that_needs_samples_says_so():
    with pytest.raises(OptionError, match=r"trace=ks\.trace"):
        refine(MultKAN([2, 3, 1], seed=0), "values")
