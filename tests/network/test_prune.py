"""Networks without what carries nothing."""

import pytest
import torch

from kanscience import (
    DataError,
    MultKAN,
    OptionError,
    ShapeError,
    attribution,
    from_graph,
    plot,
    prune,
    prune_inputs,
    refine,
    to_graph,
    trace,
)
from kanscience.graph import Graph, Term
from kanscience.network import without_edges
from tests.helpers import uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of, state_of


@torch.no_grad()
def with_dead_edges(network: MultKAN, *edges: tuple[int, int, int]) -> MultKAN:
    for layer, source, target in edges:
        splines = network.layers[layer].splines
        splines.trained_coefficients[source, :, target] = 0
        splines.trained_base_weights[source, target] = 0
    return network


@pytest.mark.parametrize("width", [[3, 3, 1], [3, (1, [3]), 1], [3, (2, [2, 2]), (1, 1)]])
def test_a_dead_edge_that_is_removed_changes_nothing(width):
    network = with_dead_edges(MultKAN(width, seed=0), (0, 1, 0), (0, 2, 0), (0, 0, 2))
    x = inputs_of(network, 200, reach=2)
    smaller, report = prune(network, trace(network, x[:50]), node=0, edge=1e-12)
    assert {(0, 1, 0), (0, 2, 0), (0, 0, 2)} <= set(report.edges)
    torch.testing.assert_close(smaller(x), network(x), rtol=1e-12, atol=1e-12)


@every_kind
def test_a_threshold_of_zero_removes_nothing(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 50)
    same, report = prune(network, trace(network, x), node=0, edge=0)
    assert (report.edges, report.nodes) == ((), ())
    assert same.width == network.width
    assert torch.equal(same(x), network(x))


@every_kind
@pytest.mark.parametrize("edge", [0.03, 0.2, 0.6, 50.0])
def test_pruning_builds_a_valid_network_of_the_same_face(kind, edge):
    network = KINDS[kind]()
    x = inputs_of(network, 100)
    before = state_of(network)
    smaller, report = prune(network, trace(network, x), edge=edge)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    to_graph(smaller).validate()
    for name in ("n_inputs", "input_names", "output_names", "constant_names", "units", "dtype"):
        assert getattr(smaller, name) == getattr(network, name)
    assert smaller(x).isfinite().all()
    assert report.width == tuple(smaller.width)
    assert str(report).startswith(f"removed {len(report.edges)} edges")


@every_kind
def test_removed_edges_leave_their_mean(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 100)
    record = trace(network, x)
    last = len(network.layers) - 1
    sources, targets = record.edges[last].shape[1:]
    live = [(last, s, t) for s in range(sources) for t in range(targets) if record.edges[last][:, s, t].any()]
    doomed = set(live[::2])
    smaller, _ = without_edges(network, record, doomed)
    edges = record.edges[last].clone()
    for _, s, t in doomed:
        edges[:, s, t] = edges[:, s, t].mean()
    sums = edges.sum(dim=1) + network.layers[last].bias
    expected = network.read_out(torch.stack(_nodes(sums.T, network.layers[last].shape))).T
    torch.testing.assert_close(smaller(x), expected, rtol=1e-10, atol=1e-10)


def _nodes(sums, shape):
    return [*sums[: shape.sums], *(sums[columns].prod(dim=0) for columns in shape.product_columns())]


def product_of(*factors: tuple[float, float]) -> Graph:
    """Return 2 * product of (scale * x_i + bias), with one more sum so that the product is inside."""
    graph = Graph()
    sums = []
    for k, (scale, bias) in enumerate(factors):
        total = graph.add_sum(bias=bias)
        if scale:
            graph.add_function(graph.add_input(f"x{k}"), total, Term.of(scale=scale))
        else:
            graph.add_input(f"x{k}")
        sums.append(total)
    top = graph.add_sum()
    graph.add_function(graph.add_product(*sums), top, Term.of(scale=2))
    graph.add_output("f", top)
    return graph


def test_a_constant_factor_multiplies_the_others_and_a_product_of_one_becomes_a_sum():
    network = from_graph(product_of((1, 0.5), (3, 1), (0.0, 4)))
    x = uniform_inputs(40, 3, seed=0)
    smaller, _ = prune(network, trace(network, x), edge=1e-9)
    assert smaller.width == [3, (0, 1), 1]
    torch.testing.assert_close(smaller(x), network(x))
    edge = next((0, term.source, term.target) for term in network.layers[0].terms.terms if term.source == 1)
    smaller, report = without_edges(network, trace(network, x), {edge})
    assert smaller.width == [3, 1, 1]
    assert edge in report.edges
    expected = 2 * (x[:, :1] + 0.5) * (3 * x[:, 1].mean() + 1) * 4
    torch.testing.assert_close(smaller(x), expected)


def test_named_constants_are_kept_though_they_have_no_spread():
    graph = Graph()
    x, k, g = graph.add_input("x"), graph.add_parameter("k", 0.5), graph.add_parameter("g", 2.0)
    a, b, inner = graph.add_sum(), graph.add_sum(), graph.add_sum()
    graph.add_function(k, a, Term("exp"))
    graph.add_function(x, b, Term())
    graph.add_function(g, inner, Term())
    graph.add_function(graph.add_product(a, b), inner, Term())
    graph.add_output("f", inner)
    network = from_graph(graph)
    inputs = uniform_inputs(30, 1, seed=0)
    smaller, report = prune(network, trace(network, inputs))
    assert report.edges == ()
    assert smaller.width == network.width
    rows = torch.func.jacrev(lambda c: torch.func.functional_call(smaller, {"trained_constants": c}, (inputs,)))
    assert (rows(smaller.constants.detach())[:, 0].abs().sum(dim=0) > 0).all()


def test_one_node_of_every_layer_stays_whatever_the_threshold():
    network = MultKAN([2, 3, 3, 1], seed=0)
    x = uniform_inputs(50, 2, seed=0)
    smaller, _ = prune(network, trace(network, x), node=1e9, edge=0)
    assert smaller.width == [2, 1, 1, 1]


def test_pruned_inputs_leave_a_network_of_the_others():
    network = with_dead_edges(MultKAN([3, 2, 1], seed=0, domain=[(-1, 1), (-2, 2), (-3, 3)]), (0, 1, 0), (0, 1, 1))
    x = inputs_of(network, 60)
    smaller, report = prune_inputs(network, trace(network, x))
    assert report.inputs == smaller.input_names == ("x1", "x3")
    assert str(report).startswith("removed the inputs x2, ")
    torch.testing.assert_close(smaller(x[:, [0, 2]]), network(x))
    assert smaller.layers[0].splines.low.tolist() == [-1, -3]
    assert smaller.layers[0].splines.given.all()


@pytest.mark.parametrize("call", [lambda n, t: prune(n, t, edge=-1), lambda n, t: prune_inputs(n, t, threshold=-1)])
def test_a_negative_threshold_is_named(call):
    network = MultKAN([2, 1], seed=0)
    with pytest.raises(OptionError, match=r"at least 0, got -1"):
        call(network, trace(network, uniform_inputs(5, 2, seed=0)))


@pytest.mark.parametrize("call", [prune, prune_inputs])
@pytest.mark.parametrize("rows", [1, 7])
def test_samples_that_do_not_differ_remove_nothing(call, rows):
    network = MultKAN([2, 3, 1], seed=0)
    with pytest.raises(DataError, match=f"its {rows} samples are all the same"):
        call(network, trace(network, torch.ones(rows, 2)))


@pytest.mark.parametrize("call", [prune, prune_inputs, attribution, lambda n, t: refine(n, 7, trace=t), plot])
@pytest.mark.parametrize("width", [[2, 4, 1], [3, 3, 1], [2, 3, 1, 1]])
def test_a_trace_of_another_network_is_refused(call, width):
    other = MultKAN(width, seed=0)
    record = trace(other, uniform_inputs(5, width[0], seed=0))
    with pytest.raises(ShapeError, match="`trace` is of a network whose layers have edges"):
        call(MultKAN([2, 3, 1], seed=0), record)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("call", [prune, prune_inputs, attribution, lambda n, t: refine(n, 7, trace=t), plot])
def test_inputs_in_the_place_of_their_trace_are_named(call):
    with pytest.raises(OptionError, match=r"`trace` must be a Trace, got tensor.*ks\.trace"):
        call(MultKAN([2, 3, 1], seed=0), uniform_inputs(5, 2, seed=0))
