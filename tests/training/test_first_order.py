"""Adam and L-BFGS: what they minimise, and that neither blocks of rows nor units change it."""

import pytest
import torch

from kanscience.network import FlatView, MultKAN
from kanscience.training import Penalty, fit
from kanscience.training import _gradients as gradients
from tests.helpers_networks import uniform_inputs

SIGMAS = {"no errors": None, "errors": 0.1}


def case(rows=1300):
    x = uniform_inputs(rows, 2, seed=3)
    return x, torch.stack([torch.sin(2 * x[:, 0]) * x[:, 1], 50 * x[:, 0] ** 2], dim=1)


@pytest.mark.parametrize("sigma", SIGMAS.values(), ids=SIGMAS)
@pytest.mark.parametrize("penalty", [None, Penalty(1e-3)], ids=["bare", "penalty"])
@pytest.mark.parametrize("options", [{"optimizer": "lbfgs"}, {"optimizer": "adam", "batch_size": 1200, "seed": 1}])
def test_blocks_of_rows_do_not_change_the_path(monkeypatch, sigma, penalty, options):
    x, y = case()
    found = []
    for values in (1, 2**30):  # blocks of the fewest rows, and all at once
        monkeypatch.setattr(gradients, "_NODE_VALUES", values)
        network = MultKAN([2, 3, 2], domain=(-1, 1), seed=0)
        fit(network, x, y, sigma=sigma, penalty=penalty, steps=4, **options)
        found.append(FlatView(network).read())
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("options", [{"optimizer": "lbfgs"}, {"optimizer": "adam", "batch_size": 200, "seed": 1}])
def test_the_path_is_the_same_in_any_unit_of_the_targets(options):
    x, y = case(rows=400)
    found = []
    for unit in (1.0, 1e6, 1e-6):
        network = MultKAN([2, 3, 2], domain=(-1, 1), seed=0)
        fit(network, x, y * unit, steps=20, **options)
        found.append(network(x).detach() / unit)
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-5, atol=1e-5)


def test_adam_looks_at_all_rows_so_rarely_that_it_costs_little():
    x, y = case(rows=1000)
    seen = []
    fit(MultKAN([2, 2, 2], seed=0), x, y, optimizer="adam", batch_size=50, steps=290, callbacks=[seen.append], seed=0)
    assert [line.step for line in seen] == [0, 140, 280, 290]


def test_adam_learns_all_that_its_batches_hold():
    x, y = case(rows=400)
    network = MultKAN([2, 4, 2], seed=0)
    report = fit(network, x, y, optimizer="adam", batch_size=100, steps=300, seed=0)
    assert report.loss < 0.05 * float(y.std())
