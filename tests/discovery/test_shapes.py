"""The law of a shape is found from the sparse whole, or from a smaller shape inside."""

from __future__ import annotations

import pytest
import sympy
import torch

import kanscience as ks
from kanscience.discovery._shapes import law_of_shape
from kanscience.discovery._sparse_networks import shapes_inside
from tests.helpers import assert_same_function, uniform_inputs

x1, x2 = sympy.symbols("x1 x2")
RANGES = {"x1": (-0.8, 0.8), "x2": (-0.8, 0.8)}


def test_shapes_inside_hold_every_smaller_hidden_layer_once_and_grow():
    shapes = shapes_inside([2, (2, [3]), 1])
    assert shapes[-1] == [2, (2, [3]), 1]
    assert sorted(map(str, shapes)) == sorted(
        map(str, [[2, 1, 1], [2, 2, 1], [2, (0, [3]), 1], [2, (1, [3]), 1], [2, (2, [3]), 1]])
    )


@pytest.mark.parametrize(
    ("f", "width", "expected"),
    [
        pytest.param(
            lambda x: torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2),
            [2, 5, 1],
            sympy.exp(sympy.sin(sympy.pi * x1) + x2**2),
            marks=pytest.mark.slow,
        ),
        pytest.param(lambda x: x[:, 0] * x[:, 1], [2, (5, 2), 1], x1 * x2, marks=pytest.mark.slow),
    ],
    ids=["hello", "product"],
)
def test_exact_laws_are_found_on_wide_shapes(f, width, expected):
    x = uniform_inputs(200, 2, seed=1)
    found = law_of_shape(width, x, f(x), seed=1, time_budget=600)
    assert found.report.exact
    assert_same_function(ks.expression(found.network)[0], expected, ranges=RANGES)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_product_is_found_from_sums_alone(seed):
    x = uniform_inputs(1000, 2, seed=seed)
    found = law_of_shape([2, 2, 1], x, x[:, 0] * x[:, 1], seed=seed, time_budget=600)
    assert found.report.exact
    assert_same_function(sympy.expand(ks.expression(found.network)[0]), x1 * x2, ranges=RANGES)
