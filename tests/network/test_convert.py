"""Networks and graphs, both ways, bit for bit."""

import random

import networkx
import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kanscience import GraphError, MultKAN, OptionError, expression, from_graph, to_graph
from kanscience.functions import Function, default_library
from kanscience.graph import Graph, Number, SplineTerm, Term, from_graphml, from_json, to_graphml, to_json
from tests.helpers_graph import assert_same_graph, evaluate, formula_graphs
from tests.helpers_networks import BASES, KINDS, UNEVEN, axis_on, both_dtypes, even, every_kind, inputs_of


def assert_same_network(one: MultKAN, other: MultKAN) -> None:
    a, b = one.state_dict(), other.state_dict()
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype, name
        assert torch.equal(a[name], b[name]), name
    for name in ("n_inputs", "readout", "input_names", "output_names", "constant_names", "units", "width"):
        assert getattr(one, name) == getattr(other, name), name
    for mine, its in zip(one.layers, other.layers, strict=True):
        assert (mine.splines.degree, mine.splines.base) == (its.splines.degree, its.splines.base)
        assert [(t.source, t.target, t.function) for t in mine.terms.terms] == [
            (t.source, t.target, t.function) for t in its.terms.terms
        ]
        assert mine.terms.trainable.equal(its.terms.trainable)
    assert_same_graph(to_graph(one), to_graph(other))
    x = inputs_of(one, 20, reach=3)
    assert torch.equal(one(x), other(x))


@every_kind
@both_dtypes
def test_a_network_returns_from_its_graph_bit_for_bit(kind, dtype):
    network = KINDS[kind]().to(dtype)
    assert_same_network(from_graph(to_graph(network), dtype=dtype), network)


@every_kind
def test_and_from_json_and_graphml(kind, tmp_path):
    network = KINDS[kind]()
    assert_same_network(from_graph(from_json(to_json(to_graph(network)))), network)
    to_graphml(to_graph(network), tmp_path / "network.graphml")
    assert_same_network(from_graph(from_graphml(tmp_path / "network.graphml")), network)


widths = st.tuples(
    st.integers(1, 3),
    st.lists(
        st.one_of(
            st.integers(1, 3),
            st.tuples(st.integers(0, 2), st.lists(st.integers(2, 4), min_size=1, max_size=2)),
        ),
        min_size=1,
        max_size=3,
    ),
).map(lambda pair: [pair[0], *pair[1]])


@settings(max_examples=20, deadline=None)
@given(
    width=widths,
    grid=st.integers(1, 4),
    degree=st.integers(0, 5),
    base=st.sampled_from(BASES),
    domain=st.sampled_from([None, (-0.1, 2.7)]),
    seed=st.integers(0, 9),
)
def test_any_width_returns(width, grid, degree, base, domain, seed):
    state = random.getstate()  # beartype draws from it, hypothesis wants it untouched
    network = MultKAN(width, grid=grid, degree=degree, base=base, domain=domain, seed=seed)
    assert_same_network(from_graph(to_graph(network)), network)
    random.setstate(state)


@settings(max_examples=25, deadline=None)
@given(graph=formula_graphs())
def test_any_formula_graph_is_computed_by_its_network(graph):
    state = random.getstate()
    network = from_graph(graph)
    x = np.random.default_rng(0).uniform(-1, 1, (20, network.n_inputs))
    expected = evaluate(graph, x)
    found = network(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * max(np.abs(expected).max(), 1))
    assert_same_network(from_graph(to_graph(network)), network)
    random.setstate(state)


def one_edge(*terms, **options) -> Graph:
    graph = Graph()
    x, total = graph.add_input("x", options.pop("unit", None)), graph.add_sum(options.pop("bias", 0.0))
    graph.nodes[x]["axis"] = axis_on(even(3), **options) if options else None
    graph.add_function(x, total, *terms)
    graph.add_output("f", total)
    return graph


@both_dtypes
@pytest.mark.parametrize("exact", [sympy.pi, sympy.Rational(1, 3), sympy.sqrt(2) / 7, sympy.Integer(3)])
def test_exact_numbers_stay_until_training_changes_them(dtype, exact):
    graph = one_edge(Term.of("sin", scale=exact, slope=exact, shift=-exact, trainable=True), bias=exact)
    network = from_graph(graph, dtype=dtype)
    term = next(iter(to_graph(network).functions()))[2][0]
    assert (term.scale.exact, term.slope.exact, term.shift.exact) == (exact, exact, -exact)
    assert to_graph(network).nodes["sum1_0"]["bias"] == Number.of(exact)
    with torch.no_grad():
        network.layers[0].terms.trained_scale += 1e-3
    term = next(iter(to_graph(network).functions()))[2][0]
    assert term.scale.exact is None
    assert term.slope.exact == exact


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("domain", [None, (-3.5, 17.25)])
def test_open_and_given_domains_return(given, domain):
    given &= domain is not None
    graph = one_edge(SplineTerm((0.1,) * 6, 0.5), domain=domain, given=given)
    network = from_graph(graph)
    splines = network.layers[0].splines
    assert (bool(splines.open[0]), bool(splines.given[0])) == (domain is None, given)
    axis = to_graph(network).axis("input0")
    assert axis is not None
    assert (axis.domain, axis.given) == (domain, given)


def test_a_domain_outlives_the_last_curve_of_its_source():
    network = from_graph(one_edge(Term.of("sin"), domain=(0.0, 8.0), given=True))
    axis = to_graph(network).axis("input0")
    assert axis is not None
    assert (axis.domain, axis.given, axis.grid) == ((0.0, 8.0), True, 3)


def test_free_splines_are_drawn_by_the_seed_and_options_fill_what_is_open():
    graph = Graph()
    x, y, total = graph.add_input("x"), graph.add_input("y"), graph.add_sum()
    graph.nodes[x]["axis"] = axis_on(UNEVEN, 2, base="identity", domain=(0.0, 4.0))
    graph.add_function(x, total, SplineTerm())
    graph.add_output("f", total)
    network = from_graph(graph, seed=0, domain=(-9, 9))
    splines = network.layers[0].splines
    assert (splines.degree, splines.base) == (2, "identity")  # the graph's, not the options'
    assert splines.low.tolist() == [0.0, -9.0]
    assert splines.given.tolist() == [False, True]
    assert_same_network(from_graph(graph, seed=0, domain=(-9, 9)), network)
    assert not torch.equal(from_graph(graph, seed=1).layers[0].splines.coefficients, splines.coefficients)
    graph.nodes[x]["axis"] = None
    plain = from_graph(graph, grid=7, degree=4, base="zero", seed=0).layers[0].splines
    assert (plain.degree, plain.base, plain.intervals.tolist()[0]) == (4, "zero", 7)
    assert not plain.base_weights.any()
    assert y


def test_a_constant_formula_is_a_network_too():
    graph = Graph()
    graph.add_input("x")
    graph.add_output("f", graph.add_sum(bias=sympy.pi))
    network = from_graph(graph)
    assert network(torch.zeros(3, 1, dtype=torch.float64)).flatten().tolist() == [np.pi] * 3
    assert_same_network(from_graph(to_graph(network)), network)


def test_own_functions_come_from_the_library_that_is_passed():
    cube = Function("cube", torch=_cube, sympy=lambda u: u**3)
    library = default_library().with_functions(cube)
    graph = one_edge(Term("cube"))
    network = from_graph(graph, library=library)
    x = inputs_of(network, 5)
    torch.testing.assert_close(network(x), x**3)
    with pytest.raises(OptionError, match="cube"):
        from_graph(to_graph(network))


def _cube(u):
    return u * u * u


def test_splines_of_two_degrees_in_one_layer_are_refused():
    graph = one_edge(SplineTerm(), domain=(0.0, 1.0))
    y = graph.add_input("y")
    graph.nodes[y]["axis"] = axis_on(even(3), 2)
    graph.add_function(y, "sum0", SplineTerm())
    with pytest.raises(GraphError, match=r"degree 3.*degree 2"):
        from_graph(graph)


def test_two_splines_on_one_edge_are_refused():
    with pytest.raises(GraphError, match="two splines"):
        from_graph(one_edge(SplineTerm(), SplineTerm(), domain=(0.0, 1.0)))


def test_units_and_names_travel():
    network = KINDS["symbolic"]()
    assert network.units == ("m", None, "rad", None, "J", None)
    assert (network.input_names, network.output_names) == (("x", "y"), ("f", "g"))
    assert to_graph(network).parameter_names == ["k", "g"]
    assert MultKAN([2, 1]).input_names == ("x1", "x2")
    assert MultKAN([1, 2]).output_names == ("y1", "y2")


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("graph", [None, networkx.DiGraph(), MultKAN([1, 1], seed=0)])
def test_what_is_no_graph_is_named(graph):
    with pytest.raises(OptionError, match=r"`graph` must be a Graph, got .*ks\.to_graph"):
        from_graph(graph)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("call", [to_graph, expression])
def test_what_is_no_network_is_named(call):
    with pytest.raises(OptionError, match=r"`network` must be a MultKAN, got None"):
        call(None)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"grid": 0}, r"`grid`.*got 0"),
        ({"degree": -1}, r"`degree`.*got -1"),
        ({"base": "relu"}, r"`base`"),
        ({"dtype": torch.float16}, r"`dtype`"),
        ({"device": "nowhere"}, r"`device`"),
        ({"domain": (1, 0)}, r"`domain` must grow"),
        ({"domain": 5}, r"`domain` must be a pair of numbers, got 5"),
        ({"domain": {0: 1}}, r"`domain` must be a pair of numbers"),
        ({"domain": [(0, 1)]}, r"1 pairs for 2 inputs"),
        ({"library": 5}, r"`library`"),
    ],
)
@pytest.mark.parametrize("free", [False, True])
def test_an_option_that_cannot_be_is_named_whether_the_graph_needs_it_or_not(options, says, free):
    graph = to_graph(MultKAN([2, 1], seed=0))
    if free:
        for _, _, data in graph.edges(data=True):
            if "function" in data:
                data["function"] = (SplineTerm(None),)
    with pytest.raises(OptionError, match=says):
        from_graph(graph, **options)


@pytest.mark.parametrize("domain", [[(0, 1), (2, 3)], np.array([[0, 1], [2, 3]])])
def test_every_input_may_have_its_domain(domain):
    for network in (MultKAN([2, 1], domain=domain, seed=0), from_graph(to_graph(MultKAN([2, 1])), domain=domain)):
        splines = network.layers[0].splines
        assert (splines.low.tolist(), splines.high.tolist()) == ([0, 2], [1, 3])
