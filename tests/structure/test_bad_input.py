"""What cannot be answered is refused, and what is simple is answered."""

import numpy as np
import pandas as pd
import pytest
import torch

import kanscience as ks
from tests.helpers import uniform_inputs


def _points(n, rows=300, low=-1.0, high=1.0):
    return uniform_inputs(rows, n, 0, low, high).numpy()


KINKED = {
    "maximum": lambda x: torch.maximum(x[:, 0], x[:, 1]) + x[:, 2],
    "absolute value": lambda x: (x[:, 0] - x[:, 1]).abs() * x[:, 2],
    "rectifier": lambda x: torch.relu(x[:, 0]) + x[:, 1] * x[:, 2],
    "step": lambda x: torch.sign(x[:, 0] + x[:, 1]) * x[:, 2] + x[:, 1],
    "root of a square": lambda x: torch.sqrt((x[:, 0] * x[:, 1]) ** 2) + x[:, 2],
    "broken line in one variable of many": lambda x: torch.exp(x[:, 0] * x[:, 2]) + 0.1 * x[:, 1].abs(),
}
SMOOTH = {
    "steep": lambda x: torch.tanh(30 * (x[:, 0] - x[:, 1])) + x[:, 2],
    "fast": lambda x: torch.sin(20 * x[:, 0]) * x[:, 1] + x[:, 2],
    "pole inside": lambda x: x[:, 2] / (x[:, 0] - x[:, 1]),
    "pole at the edge": lambda x: torch.log(x[:, 0] + 1.001) * x[:, 1] + x[:, 2],
    "large": lambda x: torch.exp(8 * x[:, 0] + 4 * x[:, 1]) + x[:, 2],
}


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("rows", [30, 1000])
@pytest.mark.parametrize("by_numpy", [False, True])
def test_kinks_and_jumps_are_refused(name, rows, by_numpy):
    f = KINKED[name]
    asked = (lambda x: f(torch.from_numpy(x)).numpy()) if by_numpy else f
    with pytest.raises(ks.DataError, match="not twice differentiable"):
        ks.discover_tree(asked, _points(3, rows))


@pytest.mark.parametrize("name", SMOOTH)
def test_what_is_only_steep_is_answered(name):
    tree = ks.discover_tree(SMOOTH[name], _points(3, 1000))
    assert tree.root == {0, 1, 2}


def test_the_message_says_where_the_kink_is():
    with pytest.raises(ks.DataError, match=r"kink near depth = -?0\.\d+"):
        ks.discover_tree(lambda x: x[:, 0].abs(), _points(1), names=["depth"])


def test_one_variable_has_no_blocks():
    tree = ks.discover_tree(lambda x: torch.sin(x[:, 0]), _points(1), names=["a"])
    assert tree.blocks == set()
    assert tree.root == {0}
    assert str(tree) == "f(a): a function of one variable"


@pytest.mark.parametrize("f", [lambda x: 0 * x[:, 0] + 3, lambda x: 3.0, lambda x: x[:, 0] - x[:, 0] + 1e6])
def test_a_constant_depends_on_nothing(f):
    tree = ks.discover_tree(f, _points(2), names=["a", "b"])
    assert tree.blocks == set()
    assert tree.inactive == {0, 1}
    assert str(tree).splitlines() == ["f: constant", "no influence: a, b"]


def test_a_linear_function_is_additive():
    assert ks.discover_tree(lambda x: x @ np.array([1.0, 2.0, -3.0]), _points(3)).kind(range(3)) == "additive"


def test_points_outside_the_domain_are_left_out():
    x = _points(3)  # log of negative numbers in half of the rows
    for m, f in ((torch, torch.log), (np, np.log)):
        tree = ks.discover_tree(lambda x, m=m, f=f: f(x[:, 0]) * x[:, 1] + m.exp(x[:, 2]), x)
        assert tree.blocks == {frozenset({0, 1, 2}), frozenset({0, 1})}


def test_too_few_points_are_refused():
    with pytest.raises(ks.DataError, match=r"at least 10 points .* here 9 of 9"):
        ks.discover_tree(lambda x: x[:, 0] * x[:, 1], _points(2, 9))
    with pytest.raises(ks.DataError, match=r"at least 10 points .* here 0 of 300"):
        ks.discover_tree(lambda x: torch.log(x[:, 0] - 5), _points(2))


def test_a_column_that_does_not_vary_is_refused():
    x = _points(2)
    x[:, 1] = 3.0
    with pytest.raises(ks.DataError, match=r"column 'b' of `x` does not vary"):
        ks.discover_tree(lambda x: x[:, 0] * x[:, 1], x, names=["a", "b"])


def test_missing_values_and_names_given_twice_are_refused():
    x = _points(2)
    with pytest.raises(ks.DataError, match="'a'"):
        ks.discover_tree(lambda x: x[:, 0], x, names=["a", "a"])
    with pytest.raises(ks.ShapeError, match="`names` has 3"):
        ks.discover_tree(lambda x: x[:, 0], x, names=["a", "b", "c"])
    x[3, 1] = np.nan
    with pytest.raises(ks.DataError, match="row 3"):
        ks.discover_tree(lambda x: x[:, 0], x)


def test_names_come_from_a_frame():
    frame = pd.DataFrame(_points(2), columns=["mass", "speed"])
    assert str(ks.discover_tree(lambda x: x[:, 0] * x[:, 1], frame)).splitlines()[0] == "f(mass, speed): multiplicative"


def test_functions_that_cannot_be_asked_are_refused():
    x = _points(2)
    with pytest.raises(ks.ShapeError, match=r"returned shape \(1, 300\)"):
        ks.discover_tree(lambda x: (x[:, 0] * x[:, 1])[None], x)
    with pytest.raises(ks.OptionError, match="neither with a tensor nor with an array .*IndexError.*IndexError"):
        ks.discover_tree(lambda x: x[:, 7], x)
    with pytest.raises(ks.DataError, match="must return numbers"):
        ks.discover_tree(lambda x: ["a"] * len(x), x)
    with pytest.raises(ks.OptionError, match="not str"):
        ks.discover_tree("x*y", x)


def test_questions_about_sets_that_are_no_blocks_list_the_blocks():
    tree = ks.discover_tree(lambda x: x[:, 0] * x[:, 1] + x[:, 2], _points(3), names=["a", "b", "c"])
    with pytest.raises(ks.OptionError, match=r"\{b, c\} is no block .* \{a, b, c\}, \{a, b\}"):
        tree.kind([1, 2])
    with pytest.raises(ks.OptionError, match="no variable 'd'"):
        tree.kind(["a", "d"])
    with pytest.raises(ks.OptionError, match="no column 3"):
        tree.children([0, 3])


DEPENDENT_ROWS = {
    "mean over the batch": lambda x: (x[:, 0] - x[:, 0].mean()) * x[:, 1],
    "running sum": lambda x: torch.cumsum(x[:, 0], 0) * x[:, 1],
    "order": lambda x: x.flip(0)[:, 0] * x[:, 1],
    "random numbers": lambda x: x[:, 0] * x[:, 1] + 0.01 * torch.randn(len(x), dtype=x.dtype),
}


@pytest.mark.parametrize("name", DEPENDENT_ROWS)
@pytest.mark.parametrize("by_numpy", [False, True])
@pytest.mark.parametrize("ask", [ks.discover_tree, lambda f, x: ks.has_symmetry(f, x, "x1*x2"), ks.find_symmetries])
def test_functions_whose_rows_depend_on_one_another_are_refused(name, by_numpy, ask):
    f = DEPENDENT_ROWS[name]
    asked = (lambda x: f(torch.from_numpy(x)).numpy()) if by_numpy else f
    with pytest.raises(ks.DataError, match="when it is asked with other rows, or again"):
        ask(asked, _points(2))


PARTLY_DETACHED = {
    "detached": lambda x: x[:, 0] * x[:, 1] + x[:, 2].detach() ** 2,
    "by way of numpy": lambda x: x[:, 0] * x[:, 1] + torch.from_numpy(np.sin(x.detach().numpy()[:, 2])),
    "rounded": lambda x: torch.round(x[:, 0] * x[:, 1] + x[:, 2], decimals=3),
    "one output of two": lambda x: torch.stack([x[:, 0], x[:, 1].detach()], dim=1),
}


@pytest.mark.parametrize("name", PARTLY_DETACHED)
def test_derivatives_that_are_not_those_of_the_values_are_refused(name):
    with pytest.raises(ks.DataError, match="derivatives are not those of its values"):
        ks.discover_tree(PARTLY_DETACHED[name], _points(3))


@pytest.mark.parametrize("f", [lambda x: (3 * x[:, 0] + x[:, 1]).astype(int), lambda x: x[:, 0] > x[:, 1]])
def test_whole_numbers_and_truth_values_are_steps(f):
    for ask in (ks.discover_tree, ks.find_symmetries, lambda f, x: ks.has_symmetry(f, x, "x1*x2")):
        with pytest.raises(ks.DataError, match="not twice differentiable: it jumps"):
            ask(lambda x: f(np.asarray(x)), _points(2))


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: x[:, 0] * x[:, 1] * 1j, ks.DataError, "real numbers, not complex"),
        (lambda x: None, ks.DataError, "returned None"),
        (lambda x: x[:, :0], ks.ShapeError, r"shape \(300, 0\)"),
    ],
)
def test_answers_that_are_no_real_numbers_are_refused(f, error, message):
    with pytest.raises(error, match=message):
        ks.discover_tree(f, _points(2))


def test_questions_about_what_is_no_column_are_refused():
    tree = ks.discover_tree(lambda x: x[:, 0] * x[:, 1] + x[:, 2], _points(3))
    with pytest.raises(ks.OptionError, match="x1 is no block"):
        tree.kind("x1")
    for member in (None, [0, 1], 0.5):
        with pytest.raises(ks.OptionError, match="there is no column"):
            tree.kind(iter([member, 1]))


def test_names_that_stand_for_two_columns_are_refused():
    with pytest.raises(ks.KanscienceError, match="'a'"):
        ks.discover_tree(lambda x: x[:, 0] * x[:, 1], _points(2), names=["a", "a"])
    frame = pd.DataFrame(_points(2), columns=["mass", "mass"])
    with pytest.raises(ks.KanscienceError, match="mass"):
        ks.discover_tree(lambda x: x[:, 0] * x[:, 1], frame)
