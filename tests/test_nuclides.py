"""What the benchmark on nuclear binding energies promises."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from kanscience.datasets import random_split
from kanscience.discovery import fit_network


@pytest.fixture(scope="module")
def nuclides():
    """The benchmark's file as a module."""
    path = Path(__file__).parents[1] / "benchmarks" / "nuclides.py"
    spec = importlib.util.spec_from_file_location("benchmark_nuclides", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _chart(energy) -> tuple[np.ndarray, np.ndarray]:
    Z, N = (numbers.ravel() for numbers in np.meshgrid(np.arange(10.0, 20), np.arange(10.0, 40)))
    return np.stack([Z, N], axis=1), energy(Z, N)


def test_a_kink_in_the_binding_is_the_highest_gap(nuclides):
    X, energy = _chart(lambda Z, N: 8 * (Z + N) - 2 * np.abs(N - 28) + Z * N / 64 + (N % 2) + (Z % 2))
    gaps = nuclides.two_nucleon_gaps(X, energy, 1)
    assert gaps[28] == pytest.approx(8.0)
    assert gaps[27] == pytest.approx(4.0)
    assert gaps[20] == pytest.approx(0.0)  # the staggering is gone: pairs are compared with pairs
    assert nuclides.local_maxima(gaps) == [28]
    assert max(nuclides.two_nucleon_gaps(X, energy, 0).values()) == pytest.approx(0.0, abs=1e-9)


def test_numbers_with_few_neighbours_are_left_out(nuclides):
    X, energy = _chart(lambda Z, N: Z * N)
    assert list(nuclides.two_nucleon_gaps(X, energy, 1)) == list(range(12, 38))
    assert nuclides.two_nucleon_gaps(X[X[:, 0] < 12], energy[X[:, 0] < 12], 1) == {}


def test_the_table_shows_the_closed_shells(nuclides):
    table = nuclides.load()
    for column, name in enumerate("ZN"):
        peaks = nuclides.local_maxima(nuclides.two_nucleon_gaps(table.X, table.y, column))
        assert set(nuclides.MAGIC[name]) <= set(peaks)


def test_splits_hold_out_what_they_say(nuclides):
    table = nuclides.load()
    for _, train, held_out in nuclides.splits(table, 2).values():
        assert sorted([*train, *held_out]) == list(range(len(table.y)))
    chain = table.X[:, 0] == 50
    outer = nuclides.outermost(table)
    assert outer[chain].sum() == 6
    assert table.X[chain & ~outer, 1].max() < table.X[chain & outer, 1].max()


def _error(network, X, y, rows) -> float:
    return float(np.sqrt(np.mean((network.predict(X[rows]) - y[rows]) ** 2)))


@pytest.mark.slow
def test_one_network_knows_the_closed_shells(nuclides):
    table = nuclides.load()
    split = random_split(len(table.y), seed=0)
    train = table.rows(split.train)
    network, _ = fit_network(train.X, train.y, sigma=train.sigma, seed=0)
    assert _error(network, table.X, table.y, split.held_out) < 0.8
    for column, name in enumerate("ZN"):
        peaks = nuclides.local_maxima(nuclides.two_nucleon_gaps(table.X, network.predict(table.X), column))
        assert set(nuclides.MAGIC[name]) <= set(peaks)


@pytest.mark.slow
def test_columns_permuted_renamed_and_rescaled_serve_as_well(nuclides):
    table = nuclides.load()
    split = random_split(len(table.y), seed=1)
    X = table.X[:, ::-1] * [1e-3, 77.0] + [5.0, -1e4]
    train = split.train
    network, _ = fit_network(X[train], table.y[train], sigma=table.sigma[train], names=("apples", "pears"), seed=0)
    assert network.input_names == ("apples", "pears")
    assert _error(network, X, table.y, split.held_out) < 0.8
