"""Each wrong input gets one error that names the value and the way out, and changes nothing."""

import numpy as np
import pandas as pd
import pytest
import torch

from kanscience import DataError, KanscienceError, MultKAN, OptionError, ShapeError, fit
from tests.helpers_networks import state_of

X = np.random.default_rng(0).uniform(-1, 1, (20, 2))
Y = X[:, 0] + X[:, 1] ** 2


def with_value(array, index, value):
    changed = np.array(array)
    changed[index] = value
    return changed


CASES = {
    "too many columns": (ShapeError, r"`inputs` has 3 columns and the network takes 2", np.zeros((20, 3)), Y, {}),
    "one axis": (ShapeError, r"reshape\(-1, 1\)", X[:, 0], Y, {}),
    "rows that do not match": (ShapeError, r"`inputs` has 20 rows and `targets` has 19", X, Y[:19], {}),
    "too many outputs": (ShapeError, r"must have shape \(20, 1\).*got \(20, 2\)", X, X, {}),
    "NaN": (DataError, r"row 3, column 'x2' is missing \(NaN\); 1 of 40", with_value(X, (3, 1), np.nan), Y, {}),
    "infinity": (DataError, r"row 0, column 'x1' is -inf", with_value(X, (0, 0), -np.inf), Y, {}),
    "NaN target": (DataError, r"`targets`.*row 7.*missing", X, with_value(Y, 7, np.nan), {}),
    "no rows": (DataError, r"empty: shape \(0, 2\)", X[:0], Y[:0], {}),
    "text": (DataError, r"Column 'x2'.*holds text", pd.DataFrame({"x1": X[:, 0], "x2": ["a"] * 20}), Y, {}),
    "text targets": (DataError, r"`targets`", X, np.array(["a"] * 20), {}),
    "nothing at all": (OptionError, r"needs `inputs` and `targets`, or a `loss`", X, None, {}),
    "data and loss": (OptionError, r"not both", X, Y, {"loss": lambda network: 0}),
    "sigma of zero": (DataError, r"`sigma` must be above 0.*is 0", X, Y, {"sigma": with_value(np.ones(20), 4, 0)}),
    "negative sigma": (DataError, r"`sigma` must be above 0.*is -1", X, Y, {"sigma": -1.0}),
    "sigma of another shape": (ShapeError, r"`sigma` must have shape \(20, 1\)", X, Y, {"sigma": np.ones(3)}),
    "unknown optimizer": (OptionError, r"'lm'.*got 'lmm'.*Did you mean 'lm'", X, Y, {"optimizer": "lmm"}),
    "negative steps": (OptionError, r"`steps`.*got -1", X, Y, {"steps": -1}),
    "negative restarts": (OptionError, r"`restarts`.*got -1", X, Y, {"restarts": -1}),
    "valid of everything": (OptionError, r"`valid`.*got 1\.0", X, Y, {"valid": 1.0}),
    "valid of almost everything": (DataError, r"holding back 99% of 20 rows", X, Y, {"valid": 0.99}),
    "valid of one array": (OptionError, r"pair \(inputs, targets\)", X, Y, {"valid": (X,)}),
    "valid of another width": (ShapeError, r"`valid inputs` has 1 columns", X, Y, {"valid": (X[:, :1], Y)}),
    "a grid of 0": (OptionError, r"`grid`.*got 0", X, Y, {"grids": (5, 0)}),
    "grids for other layers": (OptionError, r"2 layers", X, Y, {"grids": ((5, 5, 5),)}),
    "batches for lm": (
        OptionError,
        r"`batch_size` belongs to optimizer 'adam', not to 'lm'",
        X,
        Y,
        {"optimizer": "lm", "batch_size": 5},
    ),
    "a batch of 0": (OptionError, r"`batch_size`.*got 0", X, Y, {"batch_size": 0}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_input_is_named_and_changes_nothing(case):
    error, says, inputs, targets, options = CASES[case]
    network = MultKAN([2, 2, 1], seed=0)
    before = state_of(network)
    with pytest.raises(error, match=says) as caught:
        fit(network, inputs, targets, **options)
    assert isinstance(caught.value, KanscienceError)
    assert isinstance(caught.value, ValueError)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_loss_of_ones_own_needs_a_given_domain():
    with pytest.raises(OptionError, match=r"domain=\(low, high\)"):
        fit(MultKAN([2, 1], seed=0), None, None, loss=lambda network: network(torch.zeros(1, 2)).sum())


def test_lm_needs_a_vector_of_residuals():
    network = MultKAN([2, 1], domain=(-1, 1), seed=0)
    with pytest.raises(OptionError, match="vector of residuals"):
        fit(network, None, None, loss=lambda n: n(torch.zeros(1, 2)).sum(), optimizer="lm")


@pytest.mark.parametrize(
    ("width", "options", "says"),
    [
        ([2, 1], {"grid": 0}, r"`grid`.*got 0"),
        ([2, 1], {"degree": -1}, r"`degree`.*0 to 5, got -1"),
        ([2, 1], {"degree": 6}, r"`degree`.*got 6"),
        ([2, 1], {"base": "relu"}, r"`base`.*'silu'.*not 'relu'"),
        ([2, 1], {"domain": (1, -1)}, r"`domain` must grow"),
        ([2, 1], {"domain": (1, 1)}, r"`domain` must grow"),
        ([2, 1], {"domain": [(0, 1)]}, r"1 pairs for 2 inputs"),
        ([2, 1], {"domain": (0, float("inf"))}, r"finite number, got inf"),
        ([2, 1], {"dtype": torch.int64}, r"float64 or torch\.float32"),
        ([2], {}, r"at least one layer"),
        ([0, 1], {}, r"`width\[0\]`.*got 0"),
        ([2, 0, 1], {}, r"`width\[1\]`.*got 0"),
        ([(2, 1), 1], {}, r"begin with the number of inputs"),
        ([2, (1, [1]), 1], {}, r"2 or more, got 1"),
    ],
)
def test_a_network_that_cannot_be_is_named(width, options, says):
    with pytest.raises(OptionError, match=says):
        MultKAN(width, **options)
