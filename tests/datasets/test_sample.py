"""Samples fill their ranges evenly and the seed decides."""

import numpy as np
import pytest
from scipy import stats

from kanscience import OptionError
from kanscience.datasets import sample_uniform


def test_samples_are_uniform_in_each_range():
    ranges = {"a": (-1, 1), "b": (100, 300)}
    points = sample_uniform(ranges, 2000, seed=1)
    for column, (low, high) in zip(points.T, ranges.values(), strict=True):
        assert stats.kstest(column, stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(points.T)[0, 1]) < 0.1


def test_the_seed_decides():
    np.testing.assert_array_equal(sample_uniform([(0, 1)], 5, seed=3), sample_uniform([(0, 1)], 5, seed=3))
    assert (sample_uniform([(0, 1)], 5, seed=3) != sample_uniform([(0, 1)], 5, seed=4)).any()


@pytest.mark.parametrize(
    ("ranges", "rows", "letter"),
    [
        ([], 5, "`ranges` is empty"),
        ({"a": (1, 0)}, 5, r"`a` must grow from left to right, got \(1, 0\)"),
        ([(0, np.inf)], 5, r"`ranges\[0\]` must be a finite number"),
        ([(0, 1)], 0, "`rows` must be an integer of 1 or more, got 0"),
    ],
)
def test_bad_ranges_get_a_letter(ranges, rows, letter):
    with pytest.raises(OptionError, match=letter):
        sample_uniform(ranges, rows)
