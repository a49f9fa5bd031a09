"""Many starts are heard, few are trained in full, and whoever waits is told."""

import time

import pytest
import torch

from kanscience import MultKAN, fit
from kanscience.training import _few_sums, _hearing, _levels
from kanscience.training._run import Run
from kanscience.training._samples import Samples
from tests.helpers import generator, uniform_inputs
from tests.helpers_networks import KINDS, inputs_of, state_of


def nested(rows: int = 400, seed: int = 0):
    """A function of [4, 2, 1, 1] that most starts stick at."""
    x = uniform_inputs(rows, 4, seed)
    squares = x**2
    inner = torch.sin(torch.pi * squares[:, :2].sum(dim=1)) + torch.sin(torch.pi * squares[:, 2:].sum(dim=1))
    return x, torch.exp(inner / 2)


def test_a_deep_network_finds_what_single_starts_stick_at():
    x, y = nested(1000)
    alone = [fit(MultKAN([4, 2, 1, 1], domain=(-1, 1), seed=seed), x, y, steps=60).loss for seed in (0, 1)]
    assert min(alone) > 0.05
    network = MultKAN([4, 2, 1, 1], domain=(-1, 1), seed=0)
    report = fit(network, x, y, restarts=30, seed=0)
    assert report.loss < 0.01
    assert report.loss == pytest.approx((network(x)[:, 0] - y).detach().square().mean().sqrt().item())


def test_the_same_seed_hears_the_same_starts():
    x, y = nested(100)
    networks = [MultKAN([4, 2, 1, 1], grid=3, seed=0) for _ in range(2)]
    reports = [fit(network, x, y, valid=0.2, restarts=9, steps=6, seed=1) for network in networks]
    assert [line.loss for line in reports[0].history] == [line.loss for line in reports[1].history]
    one, other = map(state_of, networks)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_few_restarts_are_all_trained_in_full(monkeypatch):
    monkeypatch.setattr(_levels, "Hearing", None)
    x, y = nested(60)
    fit(MultKAN([4, 1, 1], grid=3, seed=0), x, y, restarts=_hearing.FEWEST - 1, steps=2)
    fit(MultKAN([4, 1, 1], grid=3, seed=0), x, y, restarts=20, steps=2, optimizer="adam")


def test_hearings_end_where_a_start_stands_out_and_go_on_where_none_does(monkeypatch):
    x, y = nested(100)
    steps = []
    for ratio in (0.0, float("inf")):
        monkeypatch.setattr(_hearing, "_STANDS_OUT", ratio)
        monkeypatch.setattr(_hearing, "CALLED_BACK", 1)
        steps.append(fit(MultKAN([4, 1, 1], grid=3, seed=0), x, y, restarts=23, steps=3, seed=0).steps)
    group, all_of_them = 8 * 3, 24 * 3
    assert group <= steps[0] <= group + 3
    assert all_of_them <= steps[1] <= all_of_them + 3


def test_a_hearing_listens_to_some_of_many_rows_and_leaves_symbols_alone():
    x, y = nested(1500)
    report = fit(MultKAN([4, 1, 1], grid=3, seed=0), x, y, grids=(3, 5), restarts=8, steps=3, seed=0)
    assert report.grid == (5, 5)
    network = KINDS["mixed"]()
    terms = [layer.terms.fixed_scale.clone() for layer in network.layers]
    inputs = inputs_of(network, 80)
    fit(network, inputs, network(inputs).detach(), restarts=8, steps=3, seed=0)
    assert all(torch.equal(layer.terms.fixed_scale, its) for layer, its in zip(network.layers, terms, strict=True))


def test_a_callback_ends_a_hearing_at_once():
    x, y = nested(100)
    seen = []

    def told(line):
        seen.append(line)
        return line.step >= 20

    report = fit(MultKAN([4, 2, 1, 1], grid=3, seed=0), x, y, valid=0.2, restarts=1000, callbacks=told, seed=0)
    assert report.status == "stopped"
    assert 20 <= report.steps <= 100
    assert tuple(seen) == report.history
    assert all(line.valid_loss is not None for line in seen)


@pytest.mark.parametrize("step", [1, 60, 400])
def test_ctrl_c_leaves_the_best_start_so_far(step):
    x, y = nested(100)

    def pressed(line):
        if line.step >= step:
            raise KeyboardInterrupt

    network = MultKAN([4, 2, 1, 1], grid=3, domain=(-1, 1), seed=0)
    report = fit(network, x, y, restarts=30, callbacks=pressed, seed=0)
    assert report.status == "interrupted"
    assert report.loss <= report.history[0].loss
    assert report.loss == pytest.approx((network(x)[:, 0] - y).detach().square().mean().sqrt().item())


def test_a_time_limit_holds_while_starts_are_heard():
    x, y = nested(200)
    end = time.monotonic()
    limit = lambda line: time.monotonic() > end  # noqa: E731
    report = fit(MultKAN([4, 2, 1, 1], seed=0), x, y, restarts=500, callbacks=limit)
    assert report.status == "stopped"
    assert report.steps == 0


def composed(rows: int = 300, seed: int = 0):
    """A function of [2, 1, 1]."""
    x = uniform_inputs(rows, 2, seed)
    return x, torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)


@pytest.mark.parametrize("held", [pytest.param(None, marks=pytest.mark.slow), 0.2])
def test_a_network_with_too_many_sums_gives_up_those_that_nothing_needs(held, monkeypatch):
    monkeypatch.setattr(_hearing, "_STANDS_OUT", 0.0)
    x, y = composed()
    network = MultKAN([2, 3, 1], domain=(-1, 1), seed=0)
    report = fit(network, x, y, valid=held, grids=(5, 10), restarts=8, steps=60, seed=0)
    assert network.layers[1].splines.coefficients.flatten(1).any(dim=1).sum() < 3
    assert report.loss < 5e-4
    assert report.grid == (10, 10)
    residuals = (network(x)[:, 0] - y).detach()
    assert residuals.square().mean().sqrt().item() < 5e-4
    assert all(bool(layer.splines.trainable.all()) for layer in network.layers)


def test_sums_that_are_needed_come_back_where_a_level_shows_it(monkeypatch):
    # Any loss is close enough here: the sum that a product cannot do without is given up, and the next level misses it.
    monkeypatch.setattr(_hearing, "_STANDS_OUT", 0.0)
    monkeypatch.setattr(_few_sums, "_CLOSE", float("inf"))
    x, _ = composed()
    network = MultKAN([2, 2, 1], domain=(-1, 1), seed=0)
    report = fit(network, x, x[:, 0] * x[:, 1], grids=(5, 10), restarts=8, steps=25, seed=0)
    assert report.loss < 1e-3
    assert all(layer.splines.coefficients.any(dim=1).all() for layer in network.layers)


def test_ctrl_c_while_few_sums_are_trained_leaves_the_whole_network(monkeypatch):
    monkeypatch.setattr(_hearing, "_STANDS_OUT", 0.0)
    x, y = composed()
    network = MultKAN([2, 3, 1], domain=(-1, 1), seed=0)
    shape = network.width

    def pressed(line):
        if line.grid == (10, 10):
            raise KeyboardInterrupt

    report = fit(network, x, y, grids=(5, 10, 20), restarts=8, callbacks=pressed, seed=0)
    assert report.status == "interrupted"
    assert network.width == shape
    assert report.loss <= report.history[0].loss
    assert report.loss == pytest.approx((network(x)[:, 0] - y).detach().square().mean().sqrt().item())


def test_a_start_is_judged_as_the_rows_weigh_and_not_by_its_worst():
    x, y = composed(200)
    network = MultKAN([2, 1, 1], domain=(-1, 1), seed=0)
    sigma = torch.full((200, 1), 0.1, dtype=torch.float64)
    samples = Samples(x, y[:, None], sigma)
    run = Run(network, samples, None, None, None, None, [], generator(0))
    usual = _hearing._usual_misfit(run, samples)
    far = samples.y.clone()
    far[:2] += 1000
    assert _hearing._usual_misfit(run, Samples(x, far, torch.where(far > 500, 1e6, sigma))) == pytest.approx(
        usual, rel=0.1
    )
    unsure = torch.where(torch.arange(200)[:, None] < 100, 1e6, sigma)
    half = Samples(x[100:], samples.y[100:], sigma[100:])
    ratio = _hearing._usual_misfit(run, Samples(x, samples.y, unsure)) / _hearing._usual_misfit(run, half)
    assert ratio == pytest.approx(0.5**0.5, rel=0.1)  # half of the rows count for nothing
