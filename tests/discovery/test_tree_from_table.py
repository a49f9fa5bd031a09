"""Trees of tables: arrays alone, with noise, and never more structure than the rows show."""

import numpy as np
import pandas as pd
import pytest
import torch

import kanscience as ks
from kanscience.discovery._gaussian_process import fit_gaussian_process
from kanscience.discovery._measurements import superfluous_columns
from kanscience.discovery._network_surrogate import fit_network_surrogate
from kanscience.discovery._reduction import reduce
from kanscience.discovery._splits import find_split
from kanscience.discovery._surrogates import fit_surrogates
from kanscience.discovery._tables import Table

LAWS = {
    "m*g*z": (1, 5),
    "sqrt((x2 - x1)**2 + (y2 - y1)**2)": (1, 5),
    "q*(E_f + B*v*sin(t))": (1, 5),
    "m/sqrt(1 - v**2/c**2)": (1, 2),
    "a*b + c*d + p*r": (1, 5),
}
RANGES = {"m/sqrt(1 - v**2/c**2)": {"c": (3, 10)}}


def _measured(formula, noise, rows, seed=7):
    law = ks.compile_formula(formula)
    low, high = np.array([RANGES.get(formula, {}).get(name, LAWS.get(formula, (1, 2))) for name in law.input_names]).T
    rng = np.random.default_rng(seed)
    X = rng.uniform(low, high, (rows, len(low)))
    y = law.predict(X).ravel()
    return law, X, y + noise * y.std() * rng.normal(size=rows)


@pytest.mark.parametrize("formula", LAWS)
@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("rows", [300, pytest.param(1000, marks=pytest.mark.slow)])
def test_blocks_are_those_of_the_formula(formula, noise, rows):
    law, X, y = _measured(formula, noise, rows)
    assert ks.discover_tree(X, y).blocks == ks.discover_tree(law, X).blocks


@pytest.mark.slow
def test_a_term_that_asks_for_a_logarithm_is_told_from_one_that_does_not():
    law, X, y = _measured("a*exp(b + c**2) + d", 0.0, rows=400)
    table = Table.of(X, y)
    assert find_split(table, fit_surrogates(table), 1e-3) is not None
    tree = ks.discover_tree(X, y, names=law.input_names)
    assert tree.kind(["a", "b", "c", "d"]) == "additive"
    assert tree.kind(["a", "b", "c"]) == "multiplicative"


def test_noise_has_no_structure_and_the_tree_says_so():
    rng = np.random.default_rng(0)
    tree = ks.discover_tree(rng.normal(size=(60, 3)), rng.normal(size=60))
    assert tree.blocks == {frozenset({0, 1, 2})}
    assert tree.confidence([0, 1, 2]) == 0
    assert "do not show how y depends" in tree.notes[-1]


def test_columns_without_influence_are_inactive():
    rng = np.random.default_rng(1)
    X = rng.uniform(1, 2, (400, 4))
    y = X[:, 0] * np.exp(X[:, 2]) + 0.01 * rng.normal(size=400)
    tree = ks.discover_tree(X, y)
    assert tree.inactive == {1, 3}
    assert tree.kind([0, 2]) == "multiplicative"


def test_a_column_in_two_units_counts_once_and_the_tree_says_so():
    rng = np.random.default_rng(1)
    X = rng.uniform(1, 2, (200, 3))
    X[:, 1] = 1.8 * X[:, 0] + 32
    tree = ks.discover_tree(X, X[:, 0] * X[:, 2], names=["celsius", "fahrenheit", "bar"])
    assert tree.blocks == {frozenset({0, 2})}
    assert tree.notes[0] == "fahrenheit was left out: celsius in another unit"


def test_units_do_not_matter():
    _, X, y = _measured("a*b + c*d + p*r", 0.01, rows=200)
    tree = ks.discover_tree(X, y)
    scaled = ks.discover_tree(X * [1e3, 1e-3, 1, 5, 1e6, 1], 1e-8 * y)
    assert scaled.blocks == tree.blocks
    assert [scaled.kind(block) for block in scaled.blocks] == [tree.kind(block) for block in scaled.blocks]


def test_several_targets_give_several_trees_named_as_in_the_frame():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.uniform(1, 2, (200, 2)), columns=["mass", "speed"])
    y = pd.DataFrame({"momentum": X.mass * X.speed, "sum": X.mass + X.speed})
    momentum, total = ks.discover_tree(X, y)
    assert str(momentum).startswith("momentum(mass, speed): multiplicative")
    assert str(total).startswith("sum(mass, speed): additive")


def test_models_that_only_predict_are_sampled():
    class Model:
        def predict(self, X):
            return X[:, 0] * X[:, 1] + X[:, 2]

    X = np.random.default_rng(3).uniform(1, 2, (200, 3))
    assert ks.discover_tree(Model(), X).blocks == {frozenset({0, 1}), frozenset({0, 1, 2})}


def test_a_steps_surrogate_is_the_function_it_came_from():
    law, X, y = _measured("q*(E_f + B*v*sin(t))", 0.0, rows=300)
    found = reduce(Table.of(X, y))
    with torch.no_grad():
        again = found(torch.from_numpy(X)).numpy()
    assert np.abs(again - y).max() < 1e-6 * np.ptp(y)


@pytest.mark.parametrize(
    "fit",
    [fit_gaussian_process, pytest.param(lambda table: fit_network_surrogate(table, 0.1), marks=pytest.mark.slow)],
    ids=["process", "network"],
)
def test_errors_of_surrogates_are_those_on_rows_they_have_not_seen(fit):
    rng = np.random.default_rng(4)
    X = rng.uniform(-1, 1, (600, 3))
    y = np.sin(3 * X[:, 0] * X[:, 1]) + X[:, 2] + 0.1 * rng.normal(size=600)
    found = fit(Table.of(X, y))
    fresh = rng.uniform(-1, 1, (3000, 3))
    exact = np.sin(3 * fresh[:, 0] * fresh[:, 1]) + fresh[:, 2]
    with torch.no_grad():
        error = np.sqrt(np.mean((found(torch.from_numpy(fresh)).numpy() - exact) ** 2) + 0.1**2) / y.std()
    assert 0.9 * error < found.error < 1.25 * error  # a network's own error is that of three quarters of the rows


@pytest.mark.slow
@pytest.mark.parametrize(
    "formula",
    [
        "((a**2 + b**2)**2 + (c**2 + d**2)**2)**2 + ((p**2 + q**2)**2 + (r**2 + s**2)**2)**2",
        "sin(4*a*b) + cos(3*(c + d))*p",
    ],
)
def test_compositions_with_five_percent_noise(formula):
    law = ks.compile_formula(formula)
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1000, law.n_inputs))
    y = law.predict(X).ravel()
    y = y + 0.05 * y.std() * rng.normal(size=1000)
    assert ks.discover_tree(X, y).blocks == ks.discover_tree(law, X).blocks


def test_tables_that_cannot_be_asked_are_refused():
    X = np.random.default_rng(5).uniform(1, 2, (30, 2))
    with pytest.raises(ks.DataError, match="at least 20 rows; it has 15"):
        ks.discover_tree(X[:15], X[:15, 0])
    with pytest.raises(ks.ShapeError):
        ks.discover_tree(X, X[:20, 0])
    with pytest.raises(ks.DataError, match="row 3"):
        ks.discover_tree(X, np.where(np.arange(30) == 3, np.nan, X[:, 0]))


def test_columns_that_differ_only_where_they_are_small_are_two_columns():
    small = np.random.default_rng(6).uniform(1e-3, 2e-3, (2, 30))
    X = np.concatenate([np.full((2, 1), 1e14), small], axis=1).T
    assert superfluous_columns(X, ("a", "b")) == {}
    assert superfluous_columns(np.column_stack([X[:, 0], 0.3048 * X[:, 0]]), ("a", "b")) == {"b": "a in another unit"}
