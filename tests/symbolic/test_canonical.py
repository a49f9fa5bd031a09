"""Writing a symbolic network canonically changes no value and leaves no number that another makes superfluous."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

import kanscience as ks
from kanscience.functions import default_library
from kanscience.graph import Graph, Term
from kanscience.network import jacobian
from kanscience.symbolic._canonical import canonical
from tests.helpers import uniform_inputs

OUTER = ["sin", "exp", "log", "x^2", "sqrt", "tanh", "x^3", "abs", "gaussian", "1/x", "arctan", "cosh"]


def chain(outer: str, *, product: bool = False) -> Graph:
    """Return c*f(a*u + b) + d of u = a sum (or a product of sums) of two functions, all numbers free and unusual."""
    function = default_library().resolve(outer)
    graph = Graph()
    x, y = graph.add_input("x"), graph.add_input("y")
    u = graph.add_sum(bias=2.3, trainable=True)
    graph.add_function(x, u, Term.of("sin", scale=0.37, slope=1.7, shift=0.4, trainable=True))
    graph.add_function(y, u, Term.of("exp", scale=0.21, slope=0.6, shift=-0.3, trainable=True))
    node = u
    if product:
        v = graph.add_sum(bias=1.9, trainable=True)
        graph.add_function(y, v, Term.of(scale=0.8, trainable=True))
        node = graph.add_product(u, v)
    out = graph.add_sum(bias=-0.7, trainable=True)
    slope, shift = 0.31, 0.13
    numbers = {"scale": 1.9, "slope": slope, "shift": shift, "trainable": True}
    graph.add_function(node, out, Term.of(function.name, *function.arguments, **numbers))
    graph.add_output("f", out)
    return graph


@pytest.mark.parametrize("product", [False, True])
@pytest.mark.parametrize("outer", OUTER)
def test_the_function_stays(outer, product):
    network = ks.from_graph(chain(outer, product=product))
    again = ks.from_graph(canonical(ks.to_graph(network), default_library()))
    x = uniform_inputs(50, 2, seed=0)
    torch.testing.assert_close(again(x), network(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("outer", [outer for outer in OUTER if outer != "abs"])  # |u| is u here: one number too many
def test_free_numbers_are_those_that_data_determine(outer):
    network = ks.from_graph(canonical(ks.to_graph(ks.from_graph(chain(outer))), default_library()))
    from kanscience.symbolic._refit import exact_numbers

    rows = jacobian(network, uniform_inputs(200, 2, seed=1))[1][0][~torch.as_tensor(exact_numbers(network))]
    singular = torch.linalg.svdvals(rows / rows.norm(dim=1, keepdim=True))
    assert float(singular[-1] / singular[0]) > 1e-9


def test_canonical_form_is_its_own_canonical_form():
    graph = canonical(ks.to_graph(ks.from_graph(chain("sin"))), default_library())
    again = canonical(graph, default_library())
    numbers = [
        [[t.scale.value, t.slope.value, t.shift.value] for _, _, terms in g.functions() for t in terms]
        for g in (graph, again)
    ]
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-12, atol=1e-12)


def test_a_fixed_number_that_takes_over_a_factor_is_free_from_then_on():
    graph = Graph()
    x = graph.add_input("x")
    inner, out = graph.add_sum(bias=0.5, trainable=True), graph.add_sum()
    graph.add_function(x, inner, Term.of(scale=0.37, trainable=True))
    graph.add_function(inner, out, Term.of())
    graph.add_output("f", out)
    found = canonical(ks.to_graph(ks.from_graph(graph)), default_library())
    (term,) = found.edges["sum1_0", "sum2_0"]["function"]
    assert (term.scale.value, term.trainable) == (pytest.approx(0.37), True)
    assert (found.nodes["sum2_0"]["bias"].value, found.nodes["sum2_0"]["trainable"]) == (pytest.approx(0.5), True)
    (fixed,) = canonical(ks.to_graph(ks.compile_formula("2*x")), default_library()).edges["input0", "sum1_0"][
        "function"
    ]
    assert not fixed.trainable


def test_fixed_terms_beside_others_keep_their_numbers_and_those_of_their_reader():
    graph = Graph()
    x, y = graph.add_input("x"), graph.add_input("y")
    inner, out = graph.add_sum(bias=0.5, trainable=True), graph.add_sum()
    graph.add_function(x, inner, Term.of())
    graph.add_function(y, inner, Term.of("sin", scale=2.3, slope=1.7, trainable=True))
    graph.add_function(inner, out, Term.of(scale=sympy.Rational(1, 600)))
    graph.add_output("f", out)
    found = canonical(ks.to_graph(ks.from_graph(graph)), default_library())
    numbers = {edge[:2]: (edge[2][0].scale.value, edge[2][0].trainable) for edge in found.functions()}
    assert numbers == {
        ("input0", "sum1_0"): (1.0, False),
        ("input1", "sum1_0"): (2.3, True),
        ("sum1_0", "sum2_0"): (1 / 600, False),
    }
    assert found.nodes["sum2_0"]["bias"].value == pytest.approx(0.5 / 600)
