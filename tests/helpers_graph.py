"""Graphs for tests: an evaluator in numpy that shares no code with the package, and random graphs."""

from __future__ import annotations

import math
import random

import networkx
import numpy as np
import sympy
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from kanscience.graph import Graph, Number, SplineAxis, SplineTerm, Term

FUNCTIONS = {
    "identity": lambda u: u,
    "sin": np.sin,
    "cos": np.cos,
    "exp": np.exp,
    "tanh": np.tanh,
    "power": lambda u, p: u ** float(p),
}
BASES = {"silu": lambda t: t / (1 + np.exp(-t)), "identity": lambda t: t, "zero": np.zeros_like}


def evaluate(graph: Graph, x: np.ndarray) -> np.ndarray:
    """Return the outputs, (N, outputs), of a graph at inputs (N, inputs)."""
    value: dict[str, np.ndarray] = {}
    for node in networkx.topological_sort(graph):
        data = graph.nodes[node]
        before = list(graph.predecessors(node))
        match data["kind"]:
            case "input":
                value[node] = x[:, data["index"]]
            case "parameter":
                value[node] = np.full(len(x), data["value"].value)
            case "product":
                value[node] = math.prod([value[source] for source in before], start=np.ones(len(x)))
            case "output":
                value[node] = value[before[0]]
            case "sum":
                value[node] = np.full(len(x), data["bias"].value)
                for source in before:
                    for term in graph.edges[source, node]["function"]:
                        value[node] = value[node] + _term(graph, source, term, value[source])
    return np.stack([value[node] for node in graph.nodes_of("output")], axis=1)


def _term(graph: Graph, source: str, term: Term | SplineTerm, u: np.ndarray) -> np.ndarray:
    if isinstance(term, Term):
        inside = term.slope.value * u + term.shift.value
        return term.scale.value * FUNCTIONS[term.function](inside, *term.arguments)
    axis = graph.axis(source)
    assert axis is not None
    low, high = axis.domain or (-1.0, 1.0)
    t = (2 * u - low - high) / (high - low)
    spline = BSpline(np.array(axis.knots), np.array(term.coefficients), axis.degree, extrapolate=True)
    return spline(t) + term.base_weight * BASES[axis.base](t)


def uniform_axis(grid: int = 3, degree: int = 3, **options) -> SplineAxis:
    """Return uniform knots."""
    knots = -1 + 2 / grid * np.arange(-degree, grid + degree + 1)
    return SplineAxis(tuple(knots.tolist()), degree, **options)


def exact_numbers() -> st.SearchStrategy[Number]:
    """Draw numbers, some of them exact, some of them trained away from their exact value."""
    floats = st.floats(-3, 3, allow_subnormal=False)
    exact = st.one_of(
        st.integers(-5, 5),
        st.fractions(-3, 3, max_denominator=9).map(lambda q: sympy.Rational(q.numerator, q.denominator)),
        st.sampled_from([sympy.pi, sympy.sqrt(2), sympy.E / 3, sympy.exp(2) - 7, sympy.log(3) * sympy.pi / 2]),
    )
    return st.one_of(
        floats.map(Number.of),
        exact.map(Number.of),
        st.tuples(floats, exact).map(lambda pair: Number(pair[0], pair[1])),
    )


@st.composite
def terms(draw: st.DrawFn) -> Term:
    """Draw one term; it is bounded on bounded inputs."""
    name = draw(st.sampled_from(["identity", "identity", "sin", "cos", "tanh", "power"]))
    trainable = draw(st.booleans())
    if name == "identity":
        plain = draw(st.booleans())
        return Term() if plain else Term.of(scale=draw(exact_numbers()), trainable=trainable)
    arguments = (2,) if name == "power" else ()
    numbers = [draw(exact_numbers()) for _ in range(3)]
    return Term(name, arguments, *numbers, trainable=trainable)


@st.composite
def formula_graphs(draw: st.DrawFn, splines: bool = True, most_nodes: int = 9) -> Graph:
    """Draw a formula graph: any DAG that the schema allows, with sharing, products and several outputs."""
    state = random.getstate()  # beartype draws from it, hypothesis wants it untouched
    try:
        return _formula_graph(draw, splines, most_nodes)
    finally:
        random.setstate(state)


def _formula_graph(draw: st.DrawFn, splines: bool, most_nodes: int) -> Graph:
    graph = Graph()
    for name in draw(st.lists(st.sampled_from("xyzuvw"), unique=True, min_size=1, max_size=3)):
        graph.add_input(name, draw(st.sampled_from([None, "m/s"])))
    for name in draw(st.lists(st.sampled_from("kg"), unique=True, max_size=2)):
        graph.add_parameter(name, draw(exact_numbers()), trainable=draw(st.booleans()))
    readable, sums = list(graph), []
    for _ in range(draw(st.integers(1, most_nodes))):
        if sums and draw(st.integers(0, 3)) == 0:
            factors = draw(st.lists(st.sampled_from(sums), unique=True, min_size=1, max_size=4))
            readable.append(graph.add_product(*factors))
            continue
        node = graph.add_sum(draw(exact_numbers()), trainable=draw(st.booleans()))
        for source in draw(st.lists(st.sampled_from(readable), unique=True, max_size=3)):
            function: list[Term | SplineTerm] = draw(st.lists(terms(), max_size=2))
            if splines and graph.nodes[source]["kind"] == "input" and draw(st.booleans()):
                graph.nodes[source]["axis"] = axis = uniform_axis(domain=(-2.0, 2.5))
                finite = st.floats(-1, 1, allow_subnormal=False)
                coefficients = draw(st.lists(finite, min_size=axis.n_basis, max_size=axis.n_basis))
                function.append(SplineTerm(tuple(coefficients), draw(finite)))
            graph.add_function(source, node, *function)
        readable.append(node)
        sums.append(node)
    last = [node for node in readable if graph.nodes[node]["kind"] in ("sum", "product")]
    for index, source in enumerate(draw(st.lists(st.sampled_from(last), min_size=1, max_size=3))):
        graph.add_output(f"f{index}", source)
    return graph.validate()


def assert_same_graph(one: Graph, other: Graph) -> None:
    """Check that two graphs are equal to the last bit, the order of nodes and of incoming edges included."""
    assert list(one.nodes(data=True)) == list(other.nodes(data=True))
    for node in one:
        assert list(one.predecessors(node)) == list(other.predecessors(node))
    assert {edge: one.edges[edge] for edge in one.edges} == {edge: other.edges[edge] for edge in other.edges}
    for (_, a), (_, b) in zip(one.nodes(data=True), other.nodes(data=True), strict=True):
        assert repr(sorted(a.items())) == repr(sorted(b.items()))  # -0.0 is not 0.0, an int not an Integer
    for edge in one.edges:
        assert repr(one.edges[edge]) == repr(other.edges[edge])
