"""A number is its float, and its exact value while that has the same float."""

import json
import math

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from kanscience import GraphError
from kanscience.graph import Number
from tests.helpers_graph import exact_numbers

EXACT = [
    sympy.Integer(3),
    sympy.Rational(-22, 7),
    sympy.pi,
    sympy.E,
    sympy.sqrt(2) / 3 + 1,
    sympy.exp(sympy.Rational(1, 3)),
    sympy.sin(1) * sympy.besselj(0, 2),
    sympy.Max(sympy.pi, sympy.sin(3), evaluate=False),
    2**sympy.pi,
    sympy.Float("2.5") * sympy.EulerGamma,
    sympy.Integer(10) ** 300,
]


@pytest.mark.parametrize("exact", EXACT, ids=str)
def test_exact_numbers_come_back_from_json_unchanged(exact):
    number = Number.of(exact)
    again = Number.from_json(json.loads(json.dumps(number.to_json())))
    assert again.sympy() == exact
    assert again.value == number.value


@given(exact_numbers())
def test_every_number_comes_back_from_json_bit_for_bit(number):
    again = Number.from_json(json.loads(json.dumps(number.to_json())))
    assert again == number
    assert again.value.hex() == number.value.hex()


@pytest.mark.parametrize("exact", EXACT, ids=str)
def test_the_float_is_the_nearest_one(exact):
    value = Number.of(exact).value
    nearest = exact.evalf(40)
    for neighbour in (math.nextafter(value, math.inf), math.nextafter(value, -math.inf)):
        assert abs(sympy.Float(value, 40) - nearest) <= abs(sympy.Float(neighbour, 40) - nearest)


def test_training_silences_the_exact_number():
    assert Number.of(sympy.pi).sympy() == sympy.pi
    trained = Number(math.nextafter(math.pi, 4), sympy.pi)
    assert not trained.is_exact
    assert trained.sympy() != sympy.pi
    assert float(trained.sympy()) == trained.value


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_a_float_keeps_all_its_digits_in_sympy(value):
    assert float(Number.of(value).sympy()) == value


def test_scalars_of_numpy_and_torch_are_numbers():
    import torch

    values = np.float64(0.5), np.float32(0.5), np.int64(2), torch.tensor(0.5, dtype=torch.float64)
    assert [Number.of(value).value for value in values] == [0.5, 0.5, 2.0, 0.5]


@pytest.mark.parametrize("bad", [sympy.I, sympy.zoo, sympy.nan, sympy.oo, 10**400, sympy.Symbol("x")])
def test_what_is_no_finite_real_number_is_refused(bad):
    with pytest.raises(GraphError):
        Number.of(bad)


@pytest.mark.parametrize(
    "data",
    [
        "3",
        None,
        True,
        [1.0],
        [1.0, "pi"],
        [1.0, ["__import__", 1]],
        [1.0, ["Rational", 1, 0]],
        [1.0, 2**5000],
    ],
)
def test_damaged_numbers_are_refused(data):
    with pytest.raises(GraphError, match="number"):
        Number.from_json(data)


def test_reading_a_number_evaluates_nothing():
    tower = ["Pow", 9, ["Pow", 9, ["Pow", 9, 9]]]
    assert str(Number.from_json([1.0, tower]).exact) == "9**(9**(9**9))"


@pytest.mark.parametrize("several", [np.ones(2), torch.ones(2)])
def test_arrays_of_several_numbers_are_no_number(several):
    with pytest.raises(GraphError, match="must be an int, a float or a sympy number"):
        Number.of(several)
