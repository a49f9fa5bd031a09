"""Laws of the proposal of exact numbers."""

import math

import numpy as np
import pytest
import sympy

from kanscience.symbolic import snap_constant

SIMPLE = [
    "0", "1", "-1", "2", "-3", "10", "128", "1/2", "-1/3", "3/4", "7/25", "5/2", "21/50",
    "pi", "-pi", "pi/2", "2*pi", "3*pi/4", "E", "-E/2", "sqrt(2)", "sqrt(2)/2", "1/pi", "1/(2*pi)",
]  # fmt: skip


@pytest.mark.parametrize("text", SIMPLE)
@pytest.mark.parametrize("error", [0.0, 1e-9, -1e-6, 2e-5])
def test_simple_numbers_are_found_within_their_tolerance(text, error):
    exact = sympy.sympify(text)
    value = float(exact) * (1 + error) + (error if exact == 0 else 0)
    assert snap_constant(value, 2 * abs(error) * max(abs(float(exact)), 1)) == exact


@pytest.mark.parametrize("tolerance", [1e-1, 1e-2, 1e-3, 1e-6])
def test_a_proposal_is_never_outside_the_tolerance(tolerance):
    for value in np.random.default_rng(0).normal(size=300) * 3:
        exact = snap_constant(float(value), tolerance)
        assert exact is None or abs(float(exact) - value) <= tolerance


@pytest.mark.parametrize(("tolerance", "share"), [(1e-2, 0.25), (1e-3, 0.15), (1e-5, 0.02), (1e-7, 0.0)])
def test_chance_finds_few_simple_numbers(tolerance, share):
    values = np.random.default_rng(1).uniform(0.1, 10, 400)
    found = [snap_constant(float(value), tolerance) for value in values]
    assert np.mean([exact is not None for exact in found]) <= share


def test_the_sign_goes_with_the_value():
    for value in (0.5, math.pi, 1.25, math.e / 3):
        positive, negative = snap_constant(value, 1e-6), snap_constant(-value, 1e-6)
        assert positive is not None
        assert negative == -positive


def test_a_number_that_the_data_do_not_determine_becomes_zero():
    assert snap_constant(0.3, 0.5) == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_simple(value):
    assert snap_constant(value, 1e-3) is None


def test_an_unknown_tolerance_proposes_nothing():
    assert snap_constant(0.5, math.nan) is None
