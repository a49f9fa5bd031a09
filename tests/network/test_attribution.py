"""Scores of nodes and edges, from a trace."""

import pytest
import torch

from kanscience import MultKAN, attribution, trace
from kanscience.graph import Graph, Term
from kanscience.network import from_graph
from tests.helpers import generator, permutations_of, uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of


def scores_of(network, x):
    return attribution(network, trace(network, x))


def symbolic_sum(*terms: Term, outer: Term | None = None):
    graph = Graph()
    total = graph.add_sum()
    for k, term in enumerate(terms):
        graph.add_function(graph.add_input(f"x{k}"), total, term)
    if outer is not None:
        inner, total = total, graph.add_sum()
        graph.add_function(inner, total, outer)
    graph.add_output("f", total)
    return from_graph(graph)


@pytest.mark.parametrize("order", list(permutations_of(3, 4, seed=0)))
def test_permuting_the_inputs_permutes_the_scores(order):
    network, x = MultKAN([3, (2, [2]), 1], seed=0, domain=(-1, 1)), uniform_inputs(60, 3, seed=1)
    permuted = MultKAN([3, (2, [2]), 1], seed=0, domain=(-1, 1))
    with torch.no_grad():
        splines, others = permuted.layers[0].splines, network.layers[0].splines
        splines.trained_coefficients.copy_(others.coefficients[order])
        splines.trained_base_weights.copy_(others.base_weights[order])
    one, other = scores_of(network, x), scores_of(permuted, x[:, order])
    torch.testing.assert_close(other.nodes[0], one.nodes[0][order], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(other.edges[0], one.edges[0][order], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(other.nodes[1], one.nodes[1], rtol=1e-12, atol=1e-14)


def test_a_hand_worked_sum():
    # f = 3 x0 + 4 x1 + 0 x2 with independent inputs of standard deviation 1: N = 5, so 3/5 and 4/5.
    x = torch.tensor([[1, 1, 5], [1, -1, 6], [-1, 1, 7], [-1, -1, 9]], dtype=torch.float64)
    terms = Term.of(scale=3), Term.of(scale=4), Term.of(scale=0)
    scores = scores_of(symbolic_sum(*terms), x)
    torch.testing.assert_close(scores.nodes[0], torch.tensor([0.6, 0.8, 0.0], dtype=torch.float64))
    assert scores.nodes[-1].tolist() == [1.0]
    assert scores.subnodes[-1].tolist() == [1.0]
    torch.testing.assert_close(scores.edges[0][:, 0], scores.nodes[0])


def test_a_hand_worked_product():
    # f = 2 (x0 + 3) (4 x1): both subnodes receive the product's score 1, and each has one edge.
    graph = Graph()
    a, b = graph.add_sum(bias=3), graph.add_sum()
    graph.add_function(graph.add_input("x0"), a, Term())
    graph.add_function(graph.add_input("x1"), b, Term.of(scale=4))
    total = graph.add_sum()
    graph.add_function(graph.add_product(a, b), total, Term.of(scale=2))
    graph.add_output("f", total)
    scores = scores_of(from_graph(graph), uniform_inputs(40, 2, seed=0))
    torch.testing.assert_close(scores.nodes[0], torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(scores.subnodes[0], torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(scores.nodes[1], torch.ones(1, dtype=torch.float64))


def test_the_exact_law_of_the_papers_example():
    # x0^2 + 0.3 x1 + 0.1 x2^3 + 0 x3 on [-1, 1]: shares of the spread are .86, .50, .11, 0 (REFERENCE A11).
    square, line = Term.of("power", 2), Term.of(scale=0.3)
    network = symbolic_sum(square, line, Term.of("power", 3, scale=0.1), Term.of(scale=0.0))
    found = scores_of(network, uniform_inputs(4000, 4, seed=0)).nodes[0]
    torch.testing.assert_close(found, torch.tensor([0.86, 0.50, 0.11, 0.0], dtype=torch.float64), rtol=0, atol=0.015)


@every_kind
def test_scores_know_no_units_and_no_zero_of_the_outputs(kind):
    network, other = KINDS[kind](), KINDS[kind]()
    with torch.no_grad():  # the last layer's sums times 7: a product of a sums is times 7**a
        last = other.layers[-1]
        last.splines.trained_coefficients *= 7
        last.splines.trained_base_weights *= 7
        last.splines.fixed_coefficients *= 7
        last.splines.fixed_base_weights *= 7
        for name in ("trained_scale", "fixed_scale"):
            last.terms.get_parameter(name).mul_(7) if "trained" in name else last.terms.get_buffer(name).mul_(7)
    x = inputs_of(network, 50, reach=0.9)
    one, scaled = scores_of(network, x), scores_of(other, x)
    for a, b in zip([*one.nodes, *one.edges], [*scaled.nodes, *scaled.edges], strict=True):
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-12)


@every_kind
def test_node_scores_are_sums_of_edge_scores_and_nothing_is_negative(kind):
    network = KINDS[kind]()
    scores = scores_of(network, inputs_of(network, 50))
    for depth, layer in enumerate(network.layers):
        torch.testing.assert_close(scores.edges[depth].sum(dim=1), scores.nodes[depth])
        node = scores.nodes[depth + 1][list(layer.shape.node_of_subnode)]
        torch.testing.assert_close(scores.subnodes[depth], node)
        assert scores.edges[depth].min() >= 0
        assert scores.edges[depth].isfinite().all()


def test_an_output_that_is_read_twice_counts_twice():
    network = KINDS["mixed"]()
    scores = scores_of(network, inputs_of(network, 30))
    assert sorted(scores.nodes[-1].tolist()) == [1.0, 2.0]


def test_a_constant_subnode_scores_zero_and_not_nan():
    network = symbolic_sum(Term.of(scale=0), Term.of(scale=0), outer=Term.of("sin"))
    scores = scores_of(network, uniform_inputs(10, 2, seed=0))
    assert scores.nodes[0].tolist() == [0.0, 0.0]
    assert scores.nodes[1].tolist() == [0.0]
    one_row = scores_of(MultKAN([2, 3, 1], seed=0), torch.zeros(1, 2, dtype=torch.float64))
    assert all(node.isfinite().all() for node in one_row.nodes)


def test_what_is_left_of_edges_that_cancel_is_no_spread():
    network = symbolic_sum(Term.of(scale=0.3), Term.of(scale=-0.1))
    x = uniform_inputs(50, 1, seed=0)
    x = torch.cat([x, 3 * x], dim=1)
    assert 0 < network(x).abs().max() < 1e-15
    assert scores_of(network, x).nodes[0].tolist() == [0.0, 0.0]


def test_scores_read_as_one_line():
    scores = scores_of(MultKAN([2, 1], seed=0), uniform_inputs(10, 2, seed=0))
    assert str(scores).startswith("Scores of the inputs: ")


def test_attribution_asks_only_its_arguments():
    network = MultKAN([2, 3, 1], seed=0)
    first = trace(network, uniform_inputs(20, 2, seed=0))
    before = attribution(network, first).nodes[0]
    network(torch.randn(20, 2, generator=generator(1), dtype=torch.float64))
    trace(network, uniform_inputs(5, 2, seed=2))
    assert torch.equal(attribution(network, first).nodes[0], before)
