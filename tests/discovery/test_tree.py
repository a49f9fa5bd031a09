"""The tree of a table, at its public door."""

import numpy as np
import pandas as pd
import pytest

import kanscience as ks
from tests.helpers import uniform_inputs


def _table(rows=150):
    X = uniform_inputs(rows, 3, 0, 0.5, 2).numpy()
    return X, X[:, 0] * X[:, 1] + X[:, 2]


class _Model:
    def __init__(self, predict):
        self.predict = predict


def test_rows_given_twice_count_once():
    X, y = _table(60)
    noisy = y + 0.05 * y.std() * np.random.default_rng(0).normal(size=60)
    once, often = (ks.discover_tree(np.repeat(X, k, axis=0), np.repeat(noisy, k)) for k in (1, 5))
    assert often.notes[0] == "240 of 300 rows repeat others and were left out"
    assert often.notes[1:] == once.notes
    assert (often.blocks, often.confidence(often.root)) == (once.blocks, once.confidence(once.root))
    with pytest.raises(ks.DataError, match="20 different rows; it has 12, the others of its 120 repeat them"):
        ks.discover_tree(np.repeat(X[:12], 10, axis=0), np.repeat(y[:12], 10))


@pytest.mark.slow
def test_of_many_rows_some_are_used():
    X, y = _table(5000)
    tree = ks.discover_tree(X, y)
    assert tree.notes[0] == "4000 of 5000 rows were used"
    assert tree.blocks == {frozenset({0, 1, 2}), frozenset({0, 1})}


def test_a_refusal_says_which_columns_were_left_out():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 2)), np.full(40, 3.0)])
    tree = ks.discover_tree(X, rng.normal(size=40))
    assert tree.notes[0] == "x3 was left out: constant, 3"
    assert "do not show" in tree.notes[1]


def test_a_frame_may_have_a_column_called_predict():
    X, y = _table()
    assert (
        ks.discover_tree(pd.DataFrame(X, columns=["predict", "b", "c"]), y).kind(["predict", "b"]) == "multiplicative"
    )


def test_a_model_is_asked_with_the_frame_it_may_know():
    X, y = _table()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    tree = ks.discover_tree(_Model(lambda x: x["a"] * x["b"] + x["c"]), frame)
    assert tree.kind(["a", "b"]) == "multiplicative"


def test_a_model_that_fails_is_named():
    X, _ = _table()
    with pytest.raises(ks.OptionError, match=r"`.predict` of the _Model failed .* ZeroDivisionError"):
        ks.discover_tree(_Model(lambda x: 1 / 0), X)


@pytest.mark.parametrize(("unit_of_x", "unit_of_y"), [(1e200, 1), (1e-200, 1), (1, 1e200), (1, 1e-200)])
def test_numbers_too_large_or_small_for_powers_are_refused(unit_of_x, unit_of_y):
    X, y = _table()
    with pytest.raises(ks.DataError, match="Choose another unit"):
        ks.discover_tree(X * [unit_of_x, 1, 1], y * unit_of_y)
