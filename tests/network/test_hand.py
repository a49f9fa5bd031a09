"""The scientist's own hand: functions on edges, what is removed, what is frozen."""

import pytest
import sympy
import torch

from kanscience import (
    MultKAN,
    OptionError,
    ShapeError,
    expression,
    fit,
    freeze,
    load,
    remove,
    save,
    set_function,
    to_graph,
    trace,
)
from kanscience.functions import Function, default_library
from kanscience.network import FlatView, edge_ends, layer_masks
from tests.helpers import uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of, state_of

LIBRARY = default_library()


def edges_of(network: MultKAN) -> list[tuple[int, int, int]]:
    """Return the edges that carry something."""
    found = []
    for depth, layer in enumerate(network.layers):
        carrying = layer.splines.active.clone()
        carrying[layer.terms.source, layer.terms.target] = True
        found += [(depth, s, t) for s, t in carrying.nonzero().tolist()]
    return found


def outputs_with(network: MultKAN, x: torch.Tensor, change) -> torch.Tensor:
    """Return the outputs with every edge's values, (N, source, target), passed through ``change(depth, nodes, edges)``."""
    record = trace(network, x)
    nodes = record.nodes[0]
    for depth, layer in enumerate(network.layers):
        part = trace_of_layer(layer, nodes)
        sums = change(depth, nodes, part).sum(dim=1) + layer.bias.detach()
        products = [sums[:, columns].prod(dim=1, keepdim=True) for columns in layer.shape.product_columns()]
        nodes = torch.cat([sums[:, : layer.shape.sums], *products], dim=1)
    return nodes[:, list(network.readout)]


@torch.no_grad()
def trace_of_layer(layer, nodes: torch.Tensor) -> torch.Tensor:
    from kanscience.network._trace import edge_values

    return edge_values(layer, nodes.T).permute(2, 0, 1)


# set_function


@every_kind
def test_the_edge_carries_the_function_and_all_else_stays(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 30)
    before = state_of(network)
    for edge in edges_of(network)[:: max(len(edges_of(network)) // 5, 1)]:
        changed = set_function(network, edge, "sin", scale=0.7, slope=2, shift=0.25)

        def replaced(depth, nodes, edges, edge=edge):
            layer, source, target = edge
            if depth == layer:
                edges = edges.clone()
                edges[:, source, target] = 0.7 * torch.sin(2 * nodes[:, source] + 0.25)
            return edges

        torch.testing.assert_close(changed(x), outputs_with(network, x, replaced), rtol=1e-12, atol=1e-12)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_an_edge_that_was_not_there_gets_the_function():
    network = KINDS["symbolic"]()
    assert (0, 1, 0) not in edges_of(network)
    assert (0, 1, 0) in edges_of(set_function(network, (0, 1, 0), "x^2"))


def test_exact_numbers_families_and_functions_of_ones_own(tmp_path):
    network = MultKAN([1, 1], seed=0)
    x1 = sympy.Symbol("x1")
    assert expression(set_function(network, (0, 0, 0), "sin", slope=sympy.pi, shift=1))[0] == sympy.sin(
        sympy.pi * x1 + 1
    )
    assert expression(set_function(network, (0, 0, 0), "power", sympy.Rational(3, 2)))[0] == x1 ** sympy.Rational(3, 2)
    line = expression(set_function(network, (0, 0, 0), "identity", scale=2, slope=3, shift=0.5))[0]
    assert [float(line.subs(x1, value)) for value in (0, 1)] == [1, 7]
    assert float(expression(set_function(network, (0, 0, 0), "zero"))[0]) == 0
    own = Function("fourth", torch=_fourth, sympy=_fourth)
    changed = set_function(network, (0, 0, 0), own)
    x = torch.tensor([[2.0]], dtype=torch.float64)
    assert changed(x).item() == 16
    library = LIBRARY.with_functions(own)
    assert set_function(network, (0, 0, 0), "fourth", library=library)(x).item() == 16
    assert load(save(changed, tmp_path / "network"), library=library)(x).item() == 16


def _fourth(u):
    return u**4


@pytest.mark.parametrize("trainable", [True, False])
def test_whether_its_numbers_are_trained(trainable):
    network = set_function(MultKAN([1, 1], seed=0), (0, 0, 0), "sin", trainable=trainable)
    assert FlatView(network).size == (3 if trainable else 0)


@pytest.mark.parametrize(
    ("label", "curve"), [("sin", lambda x: 3 * torch.sin(2 * x + 0.5) + 7), ("x", lambda x: 2 * x - 1)]
)
def test_with_a_trace_the_numbers_are_fitted_to_the_curve(label, curve):
    x = uniform_inputs(200, 1, seed=0)
    network = MultKAN([1, 1], seed=0)
    fit(network, x, curve(x[:, 0]), grids=(5, 10, 20))
    symbolic = set_function(network, (0, 0, 0), label, trace=trace(network, x))
    torch.testing.assert_close(symbolic(x), curve(x), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("edge", "function", "options", "says"),
    [
        ((0, 0), "sin", {}, r"\(layer, source, target\)"),
        ("edge", "sin", {}, r"\(layer, source, target\)"),
        ((2, 0, 0), "sin", {}, "no layer 2.*0 to 1"),
        ((0, 2, 0), "sin", {}, "no source 2.*'x1', 'x2'"),
        ((0, 0, 5), "sin", {}, "no target 5.*0 to 4.*one by one"),
        ((0, 0, -1), "sin", {}, "no target -1"),
        ((0, 0, 0), "sinus", {}, "no function 'sinus'"),
    ],
)
def test_what_cannot_be_set_is_named(edge, function, options, says):
    with pytest.raises(OptionError, match=says):
        set_function(MultKAN([2, (3, 1), 1], seed=0), edge, function, **options)


def test_traces_that_do_not_serve_say_why():
    network = MultKAN([1, 1], seed=0)
    x = uniform_inputs(20, 1, seed=0)
    with pytest.raises(OptionError, match="leave out"):
        set_function(network, (0, 0, 0), "sin", scale=2, trace=trace(network, x))
    with pytest.raises(ShapeError, match=r"trace=ks\.trace"):
        set_function(MultKAN([1, 2, 1], seed=0), (0, 0, 0), "sin", trace=trace(network, x))
    with pytest.raises(OptionError, match=r"ks\.suggest"):
        set_function(network, (0, 0, 0), "arccos", trace=trace(freeze(remove(network, (0, 0, 0))), x))


# remove


@every_kind
def test_a_removed_edge_adds_nothing(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 30)
    doomed = set(edges_of(network)[::3])
    before = state_of(network)

    def without(depth, nodes, edges):
        edges = edges.clone()
        for layer, source, target in doomed:
            if layer == depth:
                edges[:, source, target] = 0
        return edges

    smaller = remove(network, doomed)
    to_graph(smaller).validate()
    torch.testing.assert_close(smaller(x), outputs_with(network, x, without), rtol=1e-12, atol=1e-12)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_with_a_trace_a_removed_edge_leaves_its_mean():
    network = MultKAN([2, 3, 1], seed=0)
    x = uniform_inputs(50, 2, seed=0)
    record = trace(network, x)
    smaller = remove(network, (1, 2, 0), trace=record)
    edge = record.edges[1][:, 2, 0]
    torch.testing.assert_close(smaller(x)[:, 0], network(x)[:, 0].detach() - edge + edge.mean())


def test_a_removed_node_takes_its_edges_with_it():
    network = MultKAN([2, (2, [2, 3]), (1, 1), 1], seed=0)
    assert remove(network, (1, 1)).width == [2, (1, [2, 3]), (1, 1), 1]
    assert remove(network, (1, 3)).width == [2, (2, 1), (1, 1), 1]
    assert remove(network, [(1, 0), (1, 2), (2, 1)]).width == [2, (1, [3]), 1, 1]
    assert remove(network, [(1, node) for node in range(4)]).width[1] == 1  # the last one of a layer stays, unused


def test_removed_inputs_and_constants_are_gone():
    network = KINDS["symbolic"]()
    assert remove(network, (0, 1)).input_names == ("x",)
    assert remove(network, "k").constant_names == remove(network, (0, 2)).constant_names == ("g",)
    x = inputs_of(network, 9)
    smaller = remove(network, ["k", "g"])
    torch.testing.assert_close(
        smaller(x)[:, 1], 0.7 * x[:, 0] + 0.5 * torch.tanh(2 * x[:, 0] + 0.25) + torch.sin(2.2 * x[:, 0])
    )


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ((2, 0), "read out as 'y'"),
        ([(0, 0), (0, 1)], "needs one input.*'x1', 'x2'"),
        ((1, 9), "no node 9.*0 to 2"),
        ((9, 0), "no layer 9.*0 to 2"),
        ("k", "no named constant 'k'; it has none"),
        ((0,), r"nodes \(layer, node\)"),
        ([(0, 0, 0, 0)], r"nodes \(layer, node\)"),
    ],
)
def test_what_cannot_be_removed_is_named(places, says):
    with pytest.raises(OptionError, match=says):
        remove(MultKAN([2, 3, 1], seed=0), places)


def test_a_name_that_is_nearly_right_is_guessed():
    with pytest.raises(OptionError, match="carries nothing"):
        remove(KINDS["symbolic"](), (0, 1, 0))
    network = KINDS["symbolic"]()
    network.constant_names = ("kappa", "g")
    with pytest.raises(OptionError, match="Did you mean 'kappa'"):
        freeze(network, "kapa")


# freeze


def trained_edges(network: MultKAN) -> set[tuple[int, int, int]]:
    found = set()
    for depth, layer in enumerate(network.layers):
        found |= {(depth, term.source, term.target) for term in layer.terms.terms if term.trainable}
        found |= {(depth, s, t) for s, t in (layer.splines.active & layer.splines.trainable).nonzero().tolist()}
    return found


@every_kind
def test_what_is_frozen_stays_and_nothing_else_changes(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 20)
    frozen = freeze(network)
    assert FlatView(frozen).size == 0
    assert torch.equal(frozen(x), network(x))
    some = edges_of(network)[::2]
    partly = freeze(network, some)
    assert trained_edges(partly) == trained_edges(network) - set(some)
    assert torch.equal(partly(x), network(x))
    freed = freeze(partly, some, trainable=True)
    assert trained_edges(freed) == trained_edges(network) | set(some)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("symbolic", "mixed")])
def test_freezing_and_freeing_curves_is_a_round_trip(kind):
    network = KINDS[kind]()
    again = freeze(freeze(network), trainable=True)
    for one, other in zip(network.layers, again.layers, strict=True):
        assert all(
            torch.equal(a, b) for a, b in zip(layer_masks(one).values(), layer_masks(other).values(), strict=True)
        )


def test_freeing_everything_leaves_alone_what_no_law_writes_down():
    network = KINDS["symbolic"]()
    freed = freeze(freeze(network), trainable=True)
    assert freed.constants_trainable.all()
    for layer in freed.layers:
        for term in layer.terms.terms:
            assert term.trainable != (term.function.name == "identity" and term.scale.value == 1)
    assert int(sum(layer.bias_trainable.sum() for layer in freed.layers)) == 1  # the bias of 0.1
    named = freeze(network, (1, 0), trainable=True)
    ends = edge_ends(network, next(edge for edge in edges_of(network) if edge[0] == 0 and edge[2] == 0))
    assert all(term.trainable for term in to_graph(named).edges[ends]["function"])


def test_a_node_is_its_bias_and_what_leads_to_it():
    network = MultKAN([2, (1, [2]), 1], seed=0)
    frozen = freeze(network, (1, 1))
    assert trained_edges(network) - trained_edges(frozen) == {(0, s, t) for s in (0, 1) for t in (1, 2)}


def test_constants_freeze_by_name_and_by_place():
    network = KINDS["symbolic"]()
    assert freeze(network, "k").constants_trainable.tolist() == [False, False]
    assert freeze(network, (0, 3), trainable=True).constants_trainable.tolist() == [True, True]
    assert freeze(network, ["k", "g"], trainable=True).constants_trainable.tolist() == [True, True]


def test_a_fit_leaves_frozen_numbers_alone():
    network = freeze(MultKAN([2, 2, 1], seed=0), [(0, 0, 0), (1, 1)])
    x = uniform_inputs(60, 2, seed=0)
    kept = network.layers[0].splines.fixed_coefficients.clone()
    fit(network, x, x[:, 0] * x[:, 1], steps=5)
    assert torch.equal(network.layers[0].splines.fixed_coefficients, kept)
    assert bool(kept.any())


@pytest.mark.parametrize(("place", "says"), [((0, 0), "'x' is an input"), ((0, 1, 0), "carries nothing")])
def test_what_has_no_numbers_cannot_be_frozen(place, says):
    with pytest.raises(OptionError, match=says):
        freeze(KINDS["symbolic"](), place)
