"""Layering changes where nodes stand, never what they compute."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings

from kanscience.graph import Graph, Term, layers
from tests.helpers_graph import assert_same_graph, evaluate, formula_graphs

X = np.random.default_rng(0).uniform(-1, 1, (20, 3))


@pytest.mark.parametrize("examples", [20, pytest.param(50, marks=pytest.mark.slow)])
def test_a_layered_graph_is_a_network_and_the_same_function(examples):
    some = settings(max_examples=examples, deadline=None, derandomize=True)
    some(given(formula_graphs())(assert_layers_are_a_network_and_the_same_function))()


def assert_layers_are_a_network_and_the_same_function(graph: Graph) -> None:
    layered = layers(graph)
    assert layered.is_layered
    layered.validate()  # neighbouring layers, own factors, positions
    assert (layered.input_names, layered.parameter_names) == (graph.input_names, graph.parameter_names)
    assert layered.output_names == graph.output_names
    expected = evaluate(graph, X)
    np.testing.assert_allclose(evaluate(layered, X), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@given(formula_graphs())
@settings(max_examples=15, deadline=None, derandomize=True)
def test_layering_adds_nothing_that_is_trainable(graph):
    def trainable(g: Graph) -> list[str]:
        biases = [str(bias) for _, bias in g.nodes(data="bias") if bias is not None and g.nodes[_]["trainable"]]
        return biases + [str(t) for _, _, f in g.functions() for t in f if t.trainable]

    before = trainable(graph)
    for item in trainable(layers(graph)):
        before.remove(item)


@given(formula_graphs())
@settings(max_examples=15, deadline=None, derandomize=True)
def test_layering_twice_is_layering_once(graph):
    once = layers(graph)
    assert_same_graph(layers(once), once)


def depth(graph: Graph) -> int:
    return max(networkx.get_node_attributes(graph, "layer").values())


def chain(graph: Graph, source: str, *functions: str) -> str:
    for name in functions:
        node = graph.add_sum()
        graph.add_function(source, node, Term(name))
        source = node
    return source


def test_long_edges_share_their_padding():
    graph = Graph()
    x = graph.add_input("x")
    deep = chain(graph, x, "sin", "cos", "tanh")
    for index in range(3):
        node = graph.add_sum(bias=index)
        graph.add_function(deep, node, Term())
        graph.add_function(x, node, Term("exp"))
        graph.add_output(f"f{index}", node)
    layered = layers(graph)
    assert depth(layered) == 4
    assert len(layered.nodes_of("sum")) == 3 + 3 + 3  # the chain, the three ends, three times x handed on


@pytest.mark.parametrize("arity", [2, 3, 4, 5])
def test_a_product_shares_its_subnodes_layer(arity):
    graph = Graph()
    factors = []
    for index in range(arity):
        factors.append(chain(graph, graph.add_input(f"x{index}"), "identity"))
    graph.add_output("f", graph.add_product(*factors))
    layered = layers(graph)
    assert depth(layered) == 1
    assert layered.in_degree("product0") == arity


def test_a_shared_factor_of_identities_is_copied_and_any_other_is_handed_on():
    graph = Graph()
    x, y = graph.add_input("x"), graph.add_input("y")
    plain, curved = graph.add_sum(bias=2), graph.add_sum()
    graph.add_function(x, plain, Term.of(scale=3))
    graph.add_function(y, curved, Term("sin"))
    for index in range(2):
        graph.add_output(f"f{index}", graph.add_product(plain, curved))
    layered = layers(graph)
    assert depth(layered) == 2  # sin(y) is computed once, then handed to each product
    sines = [term for _, _, function in layered.functions() for term in function if str(term).startswith("sin")]
    assert len(sines) == 1
    assert [bias.value for bias in networkx.get_node_attributes(layered, "bias").values()].count(2) == 2


def test_a_trainable_factor_stays_one_number():
    graph = Graph()
    x = graph.add_input("x")
    line = graph.add_sum(bias=2, trainable=True)
    graph.add_function(x, line, Term.of(scale=3, trainable=True))
    other = chain(graph, x, "sin")
    for index in range(2):
        graph.add_output(f"f{index}", graph.add_product(line, other))
    layered = layers(graph)
    assert sum(bool(free) for _, free in layered.nodes(data="trainable")) == 1


def test_dead_parts_are_left_out_and_unused_inputs_stay():
    graph = Graph()
    x, y = graph.add_input("x"), graph.add_input("y")
    chain(graph, y, "sin", "cos", "exp")
    graph.add_output("f", chain(graph, x, "sin"))
    layered = layers(graph)
    assert layered.input_names == ["x", "y"]
    assert depth(layered) == 1


def test_a_constant_is_a_network_too():
    graph = Graph()
    graph.add_input("x")
    graph.add_output("f", graph.add_sum(bias=7))
    assert depth(layers(graph)) == 1
    np.testing.assert_array_equal(evaluate(layers(graph), X[:, :1]), np.full((20, 1), 7.0))
