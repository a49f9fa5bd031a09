"""The guards let good values through unchanged, and write a letter about bad ones."""

import math

import numpy as np
import pytest
import torch

from kanscience import DataError, OptionError, ShapeError
from kanscience import _checks as checks


@pytest.mark.parametrize("good", [1, 5, np.int64(40)])
def test_grid_passes(good):
    assert checks.check_grid(good) == good


@pytest.mark.parametrize("bad", [0, -3, 2.5, "5", True, None, math.nan])
def test_bad_grid_names_value_and_way_out(bad):
    with pytest.raises(OptionError, match=r"`grid` must be .* 1 or more.*5 is the usual start") as caught:
        checks.check_grid(bad)
    assert f"got {bad!r}" in str(caught.value)


@pytest.mark.parametrize("bad", [-1, 6, 3.0, "cubic"])
def test_bad_degree_names_value_and_way_out(bad):
    with pytest.raises(OptionError, match=r"from 0 to 5.*3 gives cubic splines") as caught:
        checks.check_degree(bad)
    assert f"got {bad!r}" in str(caught.value)


def test_every_degree_passes():
    assert [checks.check_degree(k) for k in range(6)] == list(range(6))


@pytest.mark.parametrize(
    ("width", "read"),
    [
        ([2, 5, 1], ((2, ()), (5, ()), (1, ()))),
        ([2, (3, [2, 3]), 1], ((2, ()), (3, (2, 3)), (1, ()))),
        ([2, (5, 2), 1], ((2, ()), (5, (2, 2)), (1, ()))),
        ([2, [0, 1]], ((2, ()), (0, (2,)))),
        ((np.int64(4), 1), ((4, ()), (1, ()))),
    ],
)
def test_width_is_read(width, read):
    assert checks.check_width(width) == read


@pytest.mark.parametrize(
    ("width", "letter"),
    [
        (5, "one entry a layer"),
        ("251", "one entry a layer"),
        ([2], "at least one layer"),
        ([(2, 1), 1], "begin with the number of inputs"),
        ([2, 0, 1], r"`width\[1\]` must be an integer of 1 or more, got 0"),
        ([2, (0, 0), 1], "empty layer"),
        ([2, (3, [1]), 1], r"`width\[1\]\[1\]\[0\]` must be an integer of 2 or more, got 1"),
        ([2, (3, 1, 2), 1], r"a pair \(sums, products\)"),
        ([2, 2.5, 1], "got 2.5"),
    ],
)
def test_bad_width_says_which_layer(width, letter):
    with pytest.raises(OptionError, match=letter):
        checks.check_width(width)


@pytest.mark.parametrize("as_array", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_not_finite_value_is_located(as_array):
    values = np.ones((4, 2))
    checks.check_finite("X", as_array(values))
    values[2, 1] = math.nan
    values[3, 0] = math.inf
    with pytest.raises(DataError, match=r"row 2, column 'b' is missing \(NaN\); 2 of 8 values"):
        checks.check_finite("X", as_array(values), ["a", "b"])


def test_matrix_of_another_size_shows_both_sizes():
    with pytest.raises(ShapeError, match=r"has 3 columns and the network takes 2: shape \(5, 3\)"):
        checks.check_matrix("x", torch.zeros(5, 3), 2)
    with pytest.raises(ShapeError, match=r"reshape\(-1, 1\)"):
        checks.check_matrix("x", np.zeros(5))
    with pytest.raises(DataError, match="empty"):
        checks.check_matrix("x", np.zeros((0, 2)), 2)


def test_rows_that_disagree_are_named():
    with pytest.raises(ShapeError, match="`inputs` has 3, `targets` has 4"):
        checks.check_same_rows(inputs=np.zeros((3, 1)), targets=np.zeros(4))


@pytest.mark.parametrize("bad", [(1, 1), (2, 1), (0, math.inf), (1,), 3, "ab", ("a", "b")])
def test_bad_interval_is_refused(bad):
    with pytest.raises(OptionError, match="`domain`"):
        checks.check_interval("domain", bad)


def test_unknown_choice_lists_the_choices_and_guesses():
    with pytest.raises(OptionError, match=r"'silu', 'identity', got 'SiLu'. Did you mean 'silu'\?"):
        checks.check_choice("base", "SiLu", ["silu", "identity"])


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "1", True])
def test_number_outside_its_bounds_is_refused(bad):
    with pytest.raises(OptionError, match="`strength` must be a finite number at least 0"):
        checks.check_number("strength", bad, least=0)
