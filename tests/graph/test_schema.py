"""What a graph promises, and what it says when a promise is broken."""

import re

import pytest

from kanscience import GraphError
from kanscience.graph import Graph, Number, SplineAxis, SplineTerm, Term, layers
from tests.helpers_graph import uniform_axis


def small_graph() -> Graph:
    graph = Graph()
    x, y = graph.add_input("x", "m"), graph.add_input("y")
    k = graph.add_parameter("k", 2.5, "N/m")
    u, v = graph.add_sum(), graph.add_sum(bias=1)
    graph.add_function(x, u, Term.of("sin", slope=2), Term.of(scale=3))
    graph.add_function(y, v, Term.of("power", 2))
    graph.add_function(k, v, Term())
    product = graph.add_product(u, v)
    graph.add_output("f", product, "J")
    return graph


def test_a_valid_graph_is_returned_by_validate():
    graph = small_graph()
    assert graph.validate() is graph
    assert (graph.input_names, graph.parameter_names, graph.output_names) == (["x", "y"], ["k"], ["f"])
    assert graph.is_symbolic
    assert not graph.is_layered


def test_copies_and_subgraphs_are_graphs():
    graph = small_graph()
    assert type(graph.copy()) is type(graph.subgraph(["sum0"]).copy()) is type(graph.reverse().reverse()) is Graph


def test_a_graph_reads_as_lines():
    assert str(small_graph()).splitlines() == [
        "Graph of 2 inputs, 1 parameter, 2 sums, 1 product, 1 output",
        "x in m",
        "k = 2.5 N/m",
        "sum0 = sin(2*x) + 3*x",
        "sum1 = power(y, 2) + k + 1",
        "product0 = sum0 * sum1",
        "f = product0",
    ]


def test_a_graph_with_free_splines_is_valid_and_not_symbolic():
    graph = small_graph()
    graph.add_function("input0", "sum1", SplineTerm())
    assert not graph.validate().is_symbolic


SPOILERS = {
    "a node named by a number": (lambda g: g.add_node(3, kind="sum"), "3"),
    "an unknown kind": (lambda g: g.add_node("a", kind="max"), "'max'.*input, parameter, sum"),
    "no kind": (lambda g: g.add_node("a"), "'a'.*None"),
    "a node without its name": (lambda g: g.add_node("a", kind="input", index=2), "'a'.*needs `name`"),
    "a foreign attribute": (lambda g: g.add_node("sum0", colour="red"), "'sum0'.*`colour`"),
    "a float as bias": (lambda g: g.add_node("sum0", bias=1.0), "`bias` of node 'sum0'.*Number"),
    "an infinite bias": (lambda g: g.add_node("sum0", bias=Number(float("inf"))), "'sum0' is inf"),
    "a nan in a term": (
        lambda g: g.add_function("input1", "sum0", Term.of("sin", shift=float("nan"))),
        "shift.*nan",
    ),
    "an index twice": (lambda g: g.add_node("input1", index=0), r"0 to 1.*\[0, 0\]"),
    "a name twice": (lambda g: g.add_node("input1", name="x"), "'x' occurs twice"),
    "a parameter named like an input": (lambda g: g.add_node("parameter0", name="x"), "'x' occurs twice"),
    "an empty name": (lambda g: g.add_node("output0", name=""), "'output0' is empty"),
    "an edge into an input": (lambda g: g.add_edge("sum0", "input0", function=()), "'sum0' -> 'input0'"),
    "an edge out of an output": (lambda g: g.add_edge("output0", "sum0", function=()), "'output0' -> 'sum0'"),
    "an input in a product": (
        lambda g: g.add_edge("input0", "product0"),
        "'input0' -> 'product0'.*Put a sum",
    ),
    "an output of an input": (lambda g: g.add_output("g", "input0"), "'input0' -> 'output1'.*kind input"),
    "an output of two nodes": (lambda g: g.add_edge("sum0", "output0"), "'output0'.*2 edges"),
    "no output": (lambda g: g.remove_node("output0"), "no output"),
    "an empty product": (lambda g: g.add_product(), "'product1' multiplies nothing"),
    "a function into a product": (
        lambda g: g.add_edge("sum0", "product0", function=(Term(),)),
        "carries a function",
    ),
    "an edge without function": (lambda g: g.add_edge("input1", "sum0"), "'input1' -> 'sum0'.*tuple"),
    "an edge with a weight": (lambda g: g.add_edge("input0", "sum0", weight=3), "`weight`"),
    "a circle": (lambda g: g.add_function("product0", "sum0", Term()), "circle: .*sum0"),
    "a spline without knots": (
        lambda g: g.add_function("input0", "sum1", SplineTerm((1.0,) * 6)),
        "'input0' -> 'sum1'.*`axis`",
    ),
    "a spline of a parameter": (
        lambda g: g.add_function("parameter0", "sum1", SplineTerm()),
        "parameter0.*one number",
    ),
    "a layer for some": (lambda g: g.add_node("sum0", layer=1, position=0), "'sum0' has a layer"),
}


@pytest.mark.parametrize("what", SPOILERS)
def test_a_broken_promise_is_named(what):
    spoil, message = SPOILERS[what]
    graph = small_graph()
    spoil(graph)
    with pytest.raises(GraphError, match=message):
        graph.validate()


def test_a_wrong_number_of_coefficients_names_both_numbers():
    graph = small_graph()
    graph.nodes["input0"]["axis"] = uniform_axis(grid=4, degree=3)
    graph.add_function("input0", "sum1", SplineTerm((0.0,) * 6))
    with pytest.raises(GraphError, match="6 coefficients, but 7 B-splines.*grid 4, degree 3"):
        graph.validate()


LAYER_SPOILERS = {
    "an input further up": (lambda g: g.add_node("input0", layer=1), "input0"),
    "an edge over two layers": (lambda g: g.add_node("output0", layer=2), "'product0' -> 'output0'.*1 to 2"),
    "parameters before inputs": (
        lambda g: [g.add_node(n, position=p) for n, p in (("input0", 1), ("input1", 2), ("parameter0", 0))],
        "layer 0",
    ),
    "a position twice": (lambda g: g.add_node("sum1", position=0), "positions in layer 1"),
    "a product at the wrong place": (
        lambda g: g.add_node("product0", position=1),
        r"\[1\]; they follow its 0 plain",
    ),
    "a factor with two readers": (
        lambda g: g.add_output("g", "sum0", layer=1, position=1),
        "'sum0' feeds product",
    ),
}


@pytest.mark.parametrize("what", LAYER_SPOILERS)
def test_broken_layers_are_named(what):
    spoil, message = LAYER_SPOILERS[what]
    graph = layers(small_graph())
    spoil(graph)
    with pytest.raises(GraphError, match=message):
        graph.validate()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"knots": (-1.0, 1.0), "degree": 6}, "0 to 5"),
        ({"knots": (-1.0, 1.0), "degree": -1}, "0 to 5"),
        ({"knots": (-1.0, 1.0), "degree": 1}, "at least 4 knots.*has 2"),
        ({"knots": (-1.0, 2.0, 1.0), "degree": 0}, "must not fall"),
        ({"knots": (0.0, 1.0), "degree": 0}, "from 0 to 1"),
        ({"knots": (-1.0, 1.0), "degree": 0, "domain": (3.0, 3.0)}, r"\(3.0, 3.0\)"),
        ({"knots": (-1.0, float("nan")), "degree": 0}, "finite"),
    ],
)
def test_a_bad_axis_is_refused(options, message):
    with pytest.raises(GraphError, match=message):
        SplineAxis(**options)


def test_the_identity_has_no_slope():
    with pytest.raises(GraphError, match=re.escape("`scale * x` alone")):
        Term.of(slope=2)


def test_half_built_and_cyclic_graphs_still_have_a_name():
    graph = Graph()
    graph.add_edge("a", "b")
    assert repr(graph) == "<Graph without nodes>"
    u, v = graph.add_sum(), graph.add_sum()
    graph.add_function(u, v, Term())
    graph.add_function(v, u, Term())
    assert repr(graph) == "<Graph of 2 sums>"


def test_nodes_that_no_output_reads_are_not_live():
    graph = small_graph()
    graph.add_function("input0", graph.add_sum(node="dead"), Term("sin"))
    graph.add_input("unused", node="unused")
    assert set(graph) - graph.live_nodes() == {"dead"}


def test_a_graph_with_an_unknown_function_shows_itself_as_text():
    graph = small_graph()
    graph.add_function("input0", "sum0", Term("of_my_own"))
    assert list(graph._repr_mimebundle_()) == ["text/plain"]
