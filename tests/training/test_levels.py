"""Levels of a fit: knots where a column's values are, and curves that are let go only as far as held-back rows ask for."""

import numpy as np
import pytest
import torch

from kanscience import MultKAN, OptionError, fit
from kanscience.network import FlatView
from kanscience.splines import DistinctValues, Quantiles
from kanscience.training import Regression, _levels, _shrinkage, levenberg_marquardt, normalised_weights
from tests.helpers import generator, uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of


def staggered(rows: int = 400, noise: float = 0.0, seed: int = 0):
    """An even-odd staggering of an integer column on top of a smooth function of it and of a continuous one."""
    draw = generator(seed)
    count = torch.randint(0, 25, (rows,), generator=draw).double()
    other = uniform_inputs(rows, 1, seed + 1)[:, 0]
    y = torch.sin(count / 8) + 0.3 * (1 - 2 * (count % 2)) + other**2
    y += noise * torch.randn(rows, dtype=torch.float64, generator=draw)
    return torch.stack([count, other], dim=1), y


def rmse(network: MultKAN, x: torch.Tensor, y: torch.Tensor) -> float:
    return float((network(x)[:, 0] - y).detach().square().mean().sqrt())


def intervals(network: MultKAN) -> list[list[int]]:
    return [layer.splines.intervals.tolist() for layer in network.layers]


def test_knots_on_values_follow_what_no_smooth_grid_can():
    x, y = staggered()
    fresh, truth = staggered(seed=7)
    errors = {}
    for last in (10, "values"):
        network = MultKAN([2, 1], base="zero", seed=0)
        fit(network, x, y, valid=0.2, grids=(5, last), seed=0)
        errors[last] = rmse(network, fresh, truth)
    assert errors[10] > 0.25
    assert errors["values"] < 0.01
    assert intervals(network) == [[24, 5]]  # the continuous column kept its knots


def test_every_layer_has_its_own_entry_and_rules_stand_beside_numbers():
    x, y = staggered(100)
    network = MultKAN([2, 2, 1], seed=0)
    report = fit(network, x, y, grids=(4, (DistinctValues(repeats=2), Quantiles(6))), steps=3, seed=0)
    values = len(x[:, 0].unique())
    assert max(line.grid for line in report.history) == (values - 1, 6)
    assert intervals(network) == [[values - 1, 4], [6, 6]]


def test_a_continuous_column_or_one_of_too_many_values_keeps_its_knots():
    network = MultKAN([2, 1], grid=4, seed=0)
    x = torch.stack([torch.arange(60.0).double(), uniform_inputs(60, 1, 0)[:, 0]], dim=1)
    fit(network, x, x.sum(dim=1), grids=("values",), steps=1)
    assert intervals(network) == [[4, 4]]
    fit(network, x.repeat(3, 1), x.sum(dim=1).repeat(3), grids=(DistinctValues(most=59),), steps=1)
    assert intervals(network) == [[4, 4]]


@pytest.mark.parametrize(("grids", "says"), [(("value",), "'values'"), (((5, 5, 5),), "2 layers"), ((0,), "1 or more")])
def test_a_level_that_cannot_be_is_named_before_anything_changes(grids, says):
    x, y = staggered(30)
    network = MultKAN([2, 2, 1], seed=0)
    before = FlatView(network).read()
    with pytest.raises(OptionError, match=says):
        fit(network, x, y, grids=grids)
    assert torch.equal(before, FlatView(network).read())


def noisy(seed: int):
    x = uniform_inputs(60, 1, seed)
    clean = torch.sin(3 * x[:, 0])
    return x, clean + 0.3 * torch.randn(60, dtype=torch.float64, generator=generator(seed + 50))


def test_shrinkage_keeps_curves_from_following_noise():
    fresh = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
    truth = torch.sin(3 * fresh[:, 0])
    better = []
    for seed in range(3):
        error = {}
        for shrink in (False, True):
            network = MultKAN([1, 1], base="zero", grid=20, seed=seed)
            report = fit(network, *noisy(seed), valid=0.3, grids=(20,), shrink=shrink, steps=20, seed=seed)
            error[shrink] = rmse(network, fresh, truth)
            assert (report.shrinkage > 0) == shrink
        better.append(error[True] / error[False])
    assert np.median(better) < 0.7


def test_a_shrunk_network_that_serves_worse_is_not_taken(monkeypatch):
    asked = []

    def spoiling(run, fresh):
        asked.append(fresh)
        for parameter in run.network.parameters():
            parameter.data.zero_()
        yield from ()
        return 1.0

    monkeypatch.setattr(_levels, "_misses_held_rows", lambda run: True)
    monkeypatch.setattr(_levels, "_shrunk", spoiling)
    x = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    network = MultKAN([1, 1], seed=0)
    report = fit(network, x, np.sin(3 * x[:, 0]), valid=0.3, grids=5, steps=20, seed=0)
    assert asked == [True]
    assert report.shrinkage == 0
    assert report.valid_loss < 0.01


def test_exact_data_are_fitted_as_well_with_shrinkage_as_without():
    x = uniform_inputs(120, 2, 0)
    y = torch.exp(x[:, 0] - x[:, 1] ** 2)
    network = MultKAN([2, 1, 1], base="zero", seed=1)
    report = fit(network, x, y, valid=0.2, grids=(5,), shrink=True, steps=30, seed=0)
    assert report.valid_loss is not None
    assert report.valid_loss < 1e-2 * float(y.std())


def test_straight_lines_are_what_strong_shrinkage_leaves():
    x, y = noisy(0)
    network = MultKAN([1, 1], base="zero", grid=8, seed=0)
    fit(network, x, y, valid=0.3, steps=0)  # the domain is taken, the curve is still random
    pull = _shrinkage.TowardsStraightLines(1.0)
    weights = normalised_weights(y[:, None], None, 0.0)
    problem = Regression(network, x, y[:, None], weights, None, pull.quadratic(network, x, weights))
    problem.write(levenberg_marquardt(problem, problem.start(), steps=30).theta)
    t = torch.linspace(-0.9, 0.9, 30, dtype=torch.float64)[:, None]
    curve = network(t)[:, 0].detach()
    assert float(curve.diff(n=2).abs().max()) < 1e-3
    slope = np.polyfit(x[:, 0], y, 1)[0]
    assert float(curve[-1] - curve[0]) / 1.8 == pytest.approx(slope, rel=0.1)


PULLS = {
    "start": lambda network: _shrinkage.TowardsStart(1.0, _shrinkage.start_of(network)),
    "straight": lambda network: _shrinkage.TowardsStraightLines(1.0),
}
every_pull = pytest.mark.parametrize("pull", PULLS)


@every_kind
@every_pull
def test_a_pull_never_rewards(kind, pull):
    network = KINDS[kind]()
    x = inputs_of(network, 30)
    y = torch.randn(30, network.n_outputs, dtype=network.dtype, generator=generator(1))
    form = PULLS[pull](network).quadratic(network, x, normalised_weights(y, None, 0.0))
    matrix = np.diag(form.matrix) if form.matrix.ndim == 1 else form.matrix
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12 * (np.abs(matrix).max() or 1))
    lowest = np.linalg.eigvalsh(matrix).min(initial=0)
    assert lowest > -1e-10 * (np.abs(matrix).max() or 1)


@every_pull
@pytest.mark.parametrize("unit", [2.0**-20, 2.0**10])
def test_a_pull_means_the_same_in_every_unit_of_the_target(pull, unit):
    network = MultKAN([2, 3, 1], base="zero", seed=0)
    x = uniform_inputs(50, 2, 0)
    y = torch.randn(50, 1, dtype=torch.float64, generator=generator(0))
    before = PULLS[pull](network).quadratic(network, x, normalised_weights(y, None, 0.0))
    last = network.layers[-1].splines.trained_coefficients
    with torch.no_grad():
        last *= unit  # the same function in another unit
    after = PULLS[pull](network).quadratic(network, x, normalised_weights(unit * y, None, 0.0))
    step = np.random.default_rng(0).normal(size=len(before.center))  # away from the centers by the same curves
    in_unit = step.copy()
    in_unit[-last.numel() :] *= unit
    assert after.value(after.center + in_unit) == pytest.approx(before.value(before.center + step), rel=1e-9)


def test_a_straight_network_is_pulled_nowhere():
    network = MultKAN([2, 3, 1], base="zero", grid=6, seed=0)
    x = uniform_inputs(50, 2, 0)
    with torch.no_grad():
        for layer in network.layers:
            count = layer.splines.trained_coefficients.shape[1]
            layer.splines.trained_coefficients.copy_(torch.linspace(-1, 1, count, dtype=torch.float64)[None, :, None])
    weights = normalised_weights(x[:, :1], None, 0.0)
    form = _shrinkage.TowardsStraightLines(1.0).quadratic(network, x, weights)
    assert abs(form.value(_shrinkage.start_of(network))) < 1e-12 * np.abs(form.matrix).max()
