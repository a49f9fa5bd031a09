"""Accurate networks for tables of any kind, and ensembles of them."""

import time

import numpy as np
import pytest

from kanscience.discovery import _ensemble
from kanscience.discovery._ensemble import Ensemble, fit_ensemble, fit_network, levels_for, width_for


def table(rows: int = 120, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A column of few integers, on which the target staggers, and a continuous one."""
    draw = np.random.default_rng(seed)
    X = np.stack([draw.integers(0, 12, rows), draw.uniform(-1, 1, rows)], axis=1)
    y = 0.1 * X[:, 0] * (1 + 0.5 * X[:, 1]) + 0.3 * (X[:, 0] % 2) + noise * draw.normal(size=rows)
    return X, y


def smooth(rows: int = 90, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    X = draw.uniform(-1, 1, (rows, 2))
    return X, np.exp(X[:, 0]) * (1 + X[:, 1] ** 2) + noise * draw.normal(size=rows)


def straight(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(seed).uniform(1, 2, (rows, 3))
    return X, X @ [2.0, -1.0, 0.5]


def error(network, X: np.ndarray, y: np.ndarray) -> float:
    """Root mean square error over the target's spread."""
    return float(np.sqrt(np.mean((network.predict(X) - y) ** 2)) / y.std())


def same_predictions(one: Ensemble, other: Ensemble, X: np.ndarray) -> bool:
    return all(np.array_equal(a.predict(X), b.predict(X)) for a, b in zip(one.networks, other.networks, strict=True))


@pytest.fixture
def one_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of few rows, networks are fitted from one start on coarse knots: for what does not ask how good they are."""
    monkeypatch.setattr(_ensemble, "_RESTARTS", 0)
    monkeypatch.setattr(_ensemble, "_FEW_LEVELS", _ensemble._FEW_LEVELS[:1])


def test_the_width_is_the_theorems_unless_rows_are_few_or_columns_many():
    assert [width_for(np.zeros((100, n))) for n in (1, 2, 5)] == [[1, 3, 1], [2, 5, 1], [5, 11, 1]]
    assert width_for(np.zeros((12, 4)), outputs=3) == [4, 2, 3]
    inputs, hidden, outputs = width_for(np.zeros((1000, 60)))
    assert (inputs, outputs) == (60, 1)
    assert 2 <= hidden < 121


def test_columns_that_repeat_their_values_get_knots_there():
    X, _ = table()
    assert levels_for(X)[-1] == ("values", 10)
    assert "values" not in [first for first, _ in levels_for(smooth()[0])]
    assert levels_for(X[:20]) == levels_for(smooth(20)[0])


@pytest.mark.slow
def test_what_staggers_with_a_count_is_learnt():
    network, report = fit_network(*table(150, seed=1), seed=0)
    assert max(line.grid[0] for line in report.history) == 11  # twelve values
    assert error(network, *table(seed=2)) < 0.05


@pytest.mark.parametrize(
    "change",
    [
        lambda X, y: (X[::-1, ::-1] * [1e3, 1e-6] - [7e3, 3e-6], 1e5 * y[::-1] - 3e4),
        pytest.param(lambda X, y: (X[:, ::-1] * [1e3, 1e-6] - [7e3, 3e-6], y), marks=pytest.mark.slow),
        pytest.param(lambda X, y: (X[::-1].copy(), 1e5 * y[::-1] - 3e4), marks=pytest.mark.slow),
    ],
    ids=["all", "columns", "rows and target"],
)
def test_order_and_units_do_not_change_the_quality(change):
    fresh = table(seed=2)
    network, _ = fit_network(*change(*table(150, noise=0.01, seed=1)), seed=0)
    assert error(network, *change(*fresh)) < 0.1


def test_noise_is_not_followed():
    network, report = fit_network(*smooth(60, noise=0.3), seed=0)
    assert report.shrinkage > 0
    assert error(network, *smooth(400, seed=5)) < 0.4


def test_ten_rows_are_enough_for_a_straight_law():
    network, _ = fit_network(*straight(10), seed=0)
    assert error(network, *straight(50, seed=1)) < 1e-6


@pytest.mark.usefixtures("one_start")
def test_names_reach_the_network_and_several_targets_are_fitted_together():
    X, y = smooth(40)
    both = np.stack([y, -2 * y + X[:, 0]], axis=1)
    X, both = X[:24], both[:24]
    found = fit_ensemble(X, both, members=1, names=("a", "b"), targets=("f", "g"), seed=0)
    assert found.networks[0].input_names == ("a", "b")
    assert found.networks[0].output_names == ("f", "g")
    assert found.predict(X).shape == found.spread(X).shape == (24, 2)
    assert np.all(found.spread(X) == 0)


@pytest.mark.usefixtures("one_start")
def test_an_ensemble_predicts_the_median_of_its_members_best_first():
    X, y = smooth(24, noise=0.1)
    found = fit_ensemble(X, y, members=3, seed=0)
    losses = [report.valid_loss for report in found.reports]
    assert losses == sorted(losses)
    each = np.array([network.predict(X) for network in found.networks])
    np.testing.assert_array_equal(found.predict(X), np.median(each, axis=0))
    assert np.all(found.spread(X) <= np.ptp(each, axis=0) / 2)
    assert np.all(found.spread(X) >= 0)


def test_the_seed_decides_whatever_the_number_of_processes():
    X, y = straight(10)
    alone, side_by_side = (fit_ensemble(X, y, members=2, seed=3, jobs=jobs) for jobs in (1, 2))
    assert same_predictions(alone, side_by_side, X)
    (other,) = fit_ensemble(X, y, members=1, seed=4, jobs=1).networks
    assert not any(np.array_equal(other.predict(X), network.predict(X)) for network in alone.networks)


@pytest.mark.usefixtures("one_start")
def test_members_hold_back_rows_of_their_own_or_share_those_given():
    X, y = smooth(30, noise=0.1)
    own = fit_ensemble(X[:20], y[:20], members=2, seed=0)
    shared = fit_ensemble(X[:20], y[:20], members=2, valid=(X[20:], y[20:]), seed=0)
    for network, report in zip(shared.networks, shared.reports, strict=True):
        assert report.valid_loss == pytest.approx(np.sqrt(np.mean((network.predict(X[20:]) - y[20:]) ** 2)))
    assert own.reports[0].valid_loss != shared.reports[0].valid_loss


def test_a_deadline_leaves_every_member_its_share():
    X, y = smooth(60)
    begun = time.monotonic()
    found = fit_ensemble(X, y, members=2, seed=0, deadline=begun + 1.5, jobs=1)
    assert time.monotonic() - begun < 6  # a round of steps may overrun
    assert all(report.steps > 0 for report in found.reports)


def test_members_that_were_cut_off_do_not_vote():
    X, y = smooth(60)
    found = fit_ensemble(X, y, members=2, seed=0, deadline=time.monotonic() - 1)
    best, *others = [report.valid_loss for report in found.reports]
    assert all(loss <= 3 * best for loss in others)
