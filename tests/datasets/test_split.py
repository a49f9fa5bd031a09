"""Every row has one part, the seed decides, and the order of the rows does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanscience import DataError, OptionError
from kanscience.datasets import k_folds, random_split

ROWS = st.integers(2, 200)
SEEDS = st.integers(0, 2**32 - 1)


def _is_partition(split, rows):
    once = sorted([*split.train, *split.held_out]) == list(range(rows))
    return once and len(split.train) > 0 and len(split.held_out) > 0


@given(ROWS, st.floats(0.01, 0.99), SEEDS)
def test_random_split_gives_every_row_one_part(rows, fraction, seed):
    split = random_split(rows, fraction=fraction, seed=seed)
    assert _is_partition(split, rows)
    assert abs(len(split.held_out) - fraction * rows) <= 1


@given(st.data(), ROWS, SEEDS)
def test_folds_hold_out_every_row_once(data, rows, seed):
    folds = k_folds(rows, data.draw(st.integers(2, rows)), seed=seed)
    assert all(_is_partition(fold, rows) for fold in folds)
    assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(rows))
    sizes = [len(fold.held_out) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("rows", [2, 13, 1000])
def test_the_seed_decides(rows):
    once, again = ([random_split(rows, seed=7), *k_folds(rows, 2, seed=7)] for _ in range(2))
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one.train, other.train)
        np.testing.assert_array_equal(one.held_out, other.held_out)


def test_other_seeds_hold_out_other_rows():
    parts = {tuple(random_split(100, seed=seed).held_out) for seed in range(20)}
    assert len(parts) == 20


def test_every_row_is_held_out_equally_often():
    counts = np.zeros(20)
    for seed in range(2000):
        counts[random_split(20, fraction=0.25, seed=seed).held_out] += 1
    assert np.abs(counts / 2000 - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 2000)


@pytest.mark.parametrize("rows", [0, 1])
def test_one_row_cannot_be_split(rows):
    with pytest.raises(DataError, match=rf"A table of {rows} row.* at least 2 rows"):
        random_split(rows)


def test_bad_options_get_a_letter():
    with pytest.raises(OptionError, match="`fraction` must be a finite number above 0 and below 1, got 1"):
        random_split(10, fraction=1)
    with pytest.raises(OptionError, match="only 3 rows"):
        k_folds(3, 4)
    with pytest.raises(OptionError, match="`folds` must be an integer of 2 or more"):
        k_folds(3, 1)
