"""A graph and the formula read from it are one function; what cannot be read is said."""

import networkx
import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings

from kanscience import NotSymbolicError, OptionError
from kanscience.compiler import expression, read
from kanscience.functions import Function, default_library
from kanscience.graph import Graph, Number, SplineTerm, Term, layers
from tests.helpers_graph import evaluate, formula_graphs, uniform_axis

X = np.random.default_rng(1).uniform(-1, 1, (20, 3))


def values_of(formulas: list[sympy.Expr], graph: Graph, x: np.ndarray) -> np.ndarray:
    symbols = [sympy.Symbol(name) for name in graph.input_names]
    columns = [x[:, index] for index in range(len(symbols))]
    parameters = {
        sympy.Symbol(its["name"]): its["value"].sympy()
        for _, its in graph.nodes(data=True)
        if its["kind"] == "parameter"
    }
    functions = [sympy.lambdify(symbols, formula.xreplace(parameters)) for formula in formulas]
    return np.stack([np.broadcast_to(function(*columns), len(x)) for function in functions], axis=1)


@given(formula_graphs(splines=False))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_graph_and_formula_are_one_function(graph):
    expected = evaluate(graph, X)
    rounding = 1e-11 * max(1.0, np.abs(expected).max())
    for either in (graph, layers(graph)):
        found = values_of(read(either), graph, X)
        np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)


def product_of_sines(arity: int) -> Graph:
    graph = Graph()
    factors = []
    for index in range(arity):
        factor = graph.add_sum(bias=sympy.Rational(index, 3))
        graph.add_function(graph.add_input(f"x{index}"), factor, Term.of("sin", slope=sympy.pi))
        factors.append(factor)
    last = graph.add_sum(bias=-1)
    graph.add_function(graph.add_product(*factors), last, Term.of("exp", scale=2))
    graph.add_output("f", last)
    return graph


@pytest.mark.parametrize("arity", [1, 2, 3, 4, 5])
def test_products_of_every_arity_are_read_exactly(arity):
    x = sympy.symbols(f"x:{arity}")
    factors = [sympy.sin(sympy.pi * x[i]) + sympy.Rational(i, 3) for i in range(arity)]
    expected = 2 * sympy.exp(sympy.Mul(*factors)) - 1
    graph = product_of_sines(arity)
    assert read(graph) == read(layers(graph)) == [expected]


def test_symbols_are_plain_and_parameters_are_among_them():
    graph = Graph()
    total = graph.add_sum()
    graph.add_function(graph.add_input("x"), total, Term())
    graph.add_function(graph.add_parameter("k", sympy.Rational(1, 3)), total, Term("exp"))
    graph.add_output("f", total)
    assert read(graph) == [sympy.Symbol("x") + sympy.exp(sympy.Symbol("k"))]
    assert read(graph, names=["t"]) == [sympy.Symbol("t") + sympy.exp(sympy.Symbol("k"))]


def test_trained_numbers_are_floats_with_all_their_digits():
    graph = Graph()
    total = graph.add_sum()
    scale = Number(np.nextafter(np.pi, 4), sympy.pi)
    graph.add_function(graph.add_input("x"), total, Term(scale=scale))
    graph.add_output("f", total)
    (formula,) = read(graph)
    assert float(sympy.diff(formula, "x")) == scale.value


def test_names_that_do_not_fit_are_refused():
    graph = product_of_sines(2)
    with pytest.raises(OptionError, match=r"2 inputs, but is \['a'\]"):
        read(graph, names=["a"])
    with pytest.raises(OptionError, match="'a' is there twice"):
        read(graph, names=["a", "a"])


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("names", [[1, 2], ["a", ""], [None, "b"]])
def test_what_is_no_name_is_refused(names):
    with pytest.raises(OptionError, match="`names` holds names of inputs"):
        read(product_of_sines(2), names=names)


def half_symbolic() -> Graph:
    graph = product_of_sines(2)
    graph.nodes["input0"]["axis"] = axis = uniform_axis()
    graph.add_function("input0", "sum1", SplineTerm((0.1,) * axis.n_basis), SplineTerm((0.2,) * axis.n_basis))
    return graph


def test_edges_that_are_still_splines_are_listed():
    with pytest.raises(NotSymbolicError, match=r"1 of 4 edges .*\('input0', 'sum1'\)\. Run `ks.snap"):
        read(half_symbolic())
    with pytest.raises(NotSymbolicError, match=r"1 of 4 edges .*\(0, 0, 1\)\. Run `ks.snap"):
        read(layers(half_symbolic()))


def test_splines_stay_as_named_functions_on_request():
    x0, x1 = sympy.symbols("x0 x1")
    curve = sympy.Function("phi_0_0_1")
    second = sympy.sin(sympy.pi * x1) + sympy.Rational(1, 3) + curve(x0)
    (formula,) = read(layers(half_symbolic()), allow_splines=True)
    assert formula == 2 * sympy.exp(sympy.sin(sympy.pi * x0) * second) - 1


def test_splines_that_no_output_reads_do_not_matter():
    graph = product_of_sines(2)
    graph.add_function("input0", graph.add_sum(), SplineTerm())
    assert len(read(graph)) == 1


def test_shared_parts_are_read_once():
    calls = []

    def counted(u):
        calls.append(u)
        return sympy.cosh(u)

    library = default_library().with_functions(Function("counted", torch=torch.cosh, sympy=counted))
    graph = Graph()
    node = graph.add_input("x")
    for _ in range(40):  # read without sharing, this would be 2**40 parts
        last, node = node, graph.add_sum()
        left, right = graph.add_sum(), graph.add_sum()
        graph.add_function(last, left, Term("counted"))
        graph.add_function(last, right, Term())
        graph.add_function(graph.add_product(left, right), node, Term())
    graph.add_output("f", node)
    read(graph, library=library)
    assert len(calls) == 40


def test_a_function_that_the_library_lacks_is_named():
    graph = product_of_sines(1)
    graph.add_function("input0", "sum0", Term("airy"))
    with pytest.raises(OptionError, match="airy"):
        read(graph)


def test_simplify_is_done_on_request():
    graph = Graph()
    x, total = graph.add_input("x"), graph.add_sum()
    squares = [graph.add_sum() for _ in range(2)]
    for node, name in zip(squares, ("sin", "cos"), strict=True):
        graph.add_function(x, node, Term(name))
        graph.add_function(node, total, Term.of("power", 2))
    graph.add_output("f", total)
    assert read(graph) == [sympy.sin("x") ** 2 + sympy.cos("x") ** 2]
    assert read(graph, simplify=True) == [1]


def test_the_formula_of_a_network_is_that_of_its_graph():
    from kanscience.network import from_graph

    graph = product_of_sines(3)
    assert expression(from_graph(graph)) == expression(graph) == read(graph)


def test_a_network_knows_functions_of_its_users():
    from kanscience.network import from_graph

    square = Function("my_square", torch=lambda u: u * u, sympy=lambda u: u**2)
    graph = Graph()
    total = graph.add_sum()
    graph.add_function(graph.add_input("x"), total, Term("my_square"))
    graph.add_output("f", total)
    network = from_graph(graph, library=default_library().with_functions(square))
    assert expression(network) == [sympy.Symbol("x") ** 2]


def test_reading_leaves_the_graph_as_it_was():
    graph = half_symbolic()
    before = networkx.to_dict_of_dicts(graph.copy())
    read(graph, allow_splines=True, simplify=True)
    assert networkx.to_dict_of_dicts(graph) == before
