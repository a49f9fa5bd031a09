"""Each wrong input gets one error that names the value and the way out, and changes nothing."""

import numpy as np
import pandas as pd
import pytest
import torch

from kanscience import DataError, KanscienceError, MultKAN, OptionError, Penalty, ShapeError, fit, snap
from tests.helpers_networks import state_of

pytestmark = pytest.mark.usefixtures("as_users_call")
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
    "valid of almost everything": (DataError, r"holding back 0.99 of 20 rows", X, Y, {"valid": 0.99}),
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
    "inputs in one number": (ShapeError, r"`inputs` must have shape", 1.0, Y, {}),
    "targets in one number": (ShapeError, r"`targets` must have shape.*got \(\)", X, 1.0, {}),
    "complex inputs": (DataError, r"`inputs` holds complex", X + 1j, Y, {}),
    "complex targets": (DataError, r"`targets` holds complex", X, Y + 1j, {}),
    "a complex tensor": (DataError, r"`inputs` holds complex", torch.as_tensor(X + 1j), Y, {}),
    "complex targets in a tensor": (DataError, r"`targets` holds complex", X, torch.as_tensor(Y + 1j), {}),
    "sparse inputs": (DataError, r"to_dense", torch.as_tensor(X).to_sparse(), Y, {}),
    "dates": (DataError, r"`targets` holds dates", X, np.arange("2000", "2020", dtype="M8[Y]"), {}),
    "numbers as text": (DataError, r"`targets` holds text.*stored as text", X, list(map(str, Y)), {}),
    "a dictionary": (DataError, r"`inputs` holds dict and not numbers: \{'x1'.{60,99}… \(dict\)", {"x1": X}, Y, {}),
    "masked inputs": (
        DataError,
        r"row 2, column 'x1' is missing",
        np.ma.array(X, mask=np.arange(40).reshape(20, 2) == 4),
        Y,
        {},
    ),
    "masked targets": (DataError, r"`targets`.*row 5.*is missing", X, np.ma.array(Y, mask=np.arange(20) == 5), {}),
    "sigma as text": (DataError, r"`sigma` holds text", X, Y, {"sigma": "small"}),
    "complex sigma": (DataError, r"`sigma` holds complex", X, Y, {"sigma": 1j}),
    "sigma of True": (DataError, r"`sigma` is True", X, Y, {"sigma": True}),
    "sigma and its sign": (DataError, r"is -1: a standard error is a size", X, Y, {"sigma": -1}),
    "valid without targets": (OptionError, r"pair \(inputs, targets\)", X, Y, {"valid": (X, None)}),
    "valid of one array in short": (OptionError, r"not \(array.{60,99}… \(tuple\)", X, Y, {"valid": (X,)}),
    "valid of almost all rows": (DataError, r"holding back 0.999 of 20", X, Y, {"valid": 0.999}),
    "valid of True": (OptionError, r"`valid`.*got True", X, Y, {"valid": True}),
    "a penalty of another kind": (OptionError, r"`penalty` is a strength", X, Y, {"penalty": "l1"}),
    "a negative penalty": (OptionError, r"`penalty`.*at least 0, got -1", X, Y, {"penalty": -1}),
    "a penalty of other layers": (OptionError, r"3 weights", X, Y, {"penalty": Penalty(1, curvature=(1, 1, 1))}),
    "callbacks of another kind": (OptionError, r"`callbacks` are functions.*got 3", X, Y, {"callbacks": 3}),
    "a callback of another kind": (OptionError, r"`callbacks` are functions.*got \[3\]", X, Y, {"callbacks": [3]}),
    "a grid of another kind": (OptionError, r"`grid`.*got 'quantiles'", X, Y, {"grids": "quantiles"}),
    "a seed beyond all": (OptionError, r"`seed` must be an integer from 0", X, Y, {"seed": 2**70}),
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


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        ({"grids": (5,)}, {"grids": 5}),
        ({"grids": (5, 7)}, {"grids": np.array([5, 7])}),
        ({"penalty": Penalty(0.01)}, {"penalty": 0.01}),
        ({"callbacks": ()}, {"callbacks": None}),
        ({"callbacks": [lambda progress: True]}, {"callbacks": lambda progress: True}),
        ({"batch_size": 10, "seed": 0}, {"batch_size": np.int64(10), "seed": np.int64(0)}),
        ({"valid": 0.25, "seed": 0}, {"valid": np.float32(0.25), "seed": 0}),
        ({"sigma": np.full(20, 0.5)}, {"sigma": torch.full((20, 1), 0.5, requires_grad=True)}),
    ],
)
def test_a_harmless_other_spelling_means_the_same(usual, other):
    one, two = MultKAN([2, 2, 1], seed=0), MultKAN([2, 2, 1], seed=0)
    assert fit(one, X, Y, steps=4, **usual).loss == fit(two, X, Y, steps=4, **other).loss
    after = state_of(two)
    assert all(torch.equal(tensor, after[name]) for name, tensor in one.state_dict().items())


def test_inputs_and_targets_may_be_tensors_with_gradients():
    one, two = MultKAN([2, 2, 1], seed=0), MultKAN([2, 2, 1], seed=0)
    x, y = (torch.tensor(array, requires_grad=True) for array in (X, Y))
    assert fit(one, x, y, steps=4).loss == fit(two, X, Y, steps=4).loss


@pytest.mark.parametrize("optimizer", ["lm", "lbfgs", "adam"])
def test_a_fit_needs_no_gradients_from_outside(optimizer):
    one, two = MultKAN([2, 2, 1], seed=0), MultKAN([2, 2, 1], seed=0)
    with torch.no_grad():
        loss = fit(one, X, Y, optimizer=optimizer, steps=4).loss
    assert loss == fit(two, X, Y, optimizer=optimizer, steps=4).loss


@pytest.mark.parametrize("network", [None, torch.nn.Linear(2, 1), [2, 1]])
def test_what_is_no_network_is_named(network):
    with pytest.raises(OptionError, match=r"`network` must be a MultKAN, got "):
        fit(network, X, Y)
    with pytest.raises(OptionError, match=r"`network` must be a MultKAN, got "):
        snap(network, X, Y)


@pytest.mark.parametrize(
    ("inputs", "options", "says"),
    [
        (None, {}, "needs `inputs` and `targets`"),
        (1.0, {}, "`inputs` must have shape"),
        (X, {"time_budget": "a"}, "`time_budget` must be a finite number at least 0, got 'a'"),
        (X, {"time_budget": -1}, "got -1"),
        (X, {"time_budget": float("nan")}, "got nan"),
        (X, {"library": []}, r"`library` is .*not \[\]"),
        (X, {"library": 5}, "`library` is .*not 5"),
    ],
)
def test_what_cannot_be_snapped_is_named(inputs, options, says):
    with pytest.raises(KanscienceError, match=says):
        snap(MultKAN([2, 1], seed=0), inputs, Y, **options)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (3, "`loss` is a function of the network, got 3"),
        (lambda network: None, "must return a tensor of floating-point numbers, got NoneType"),
        (lambda network: 1.0, "got float"),
        (lambda network: np.ones(3), "got ndarray"),
        (lambda network: torch.ones(3, dtype=torch.int64), r"got torch\.int64"),
        (lambda network: network(torch.zeros(1, 2)).detach(), "does not follow the network's numbers"),
    ],
)
def test_a_loss_that_cannot_be_followed_is_named(loss, says):
    with pytest.raises(OptionError, match=says):
        fit(MultKAN([2, 1], domain=(-1, 1), seed=0), None, None, loss=loss)


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
        ([2, 1], {"domain": (-1e308, 1e308)}, r"too wide"),
        ([2, 1], {"domain": np.zeros(3)}, r"a pair of numbers, got 3 of them"),
        ([2, 1], {"device": "nowhere"}, r"`device` 'nowhere' cannot be used.*'cpu'"),
        ([2, 1], {"seed": 2**70}, r"`seed`"),
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
