"""Wider, deeper, with open edges: the function stays, and a fit can use what is new. For every kind of network."""

import itertools

import networkx
import numpy as np
import pytest
import torch

from kanscience import (
    MultKAN,
    OptionError,
    deepen,
    fit,
    freeze,
    from_graph,
    load,
    perturb,
    save,
    to_graph,
    trace,
    widen,
)
from kanscience.graph import Graph, Term
from kanscience.network import FlatView
from tests.helpers import tolerance, uniform_inputs
from tests.helpers_networks import KINDS, inputs_of, state_of

OPENINGS = {
    "two sums": lambda network: widen(network, 1, sums=2, seed=0),
    "products of two and three": lambda network: widen(network, 1, products=(2, 3), seed=0),
    "sums and a product": lambda network: widen(network, 1, sums=1, products=1, seed=0),
    "another input": lambda network: widen(network, inputs=["new"], seed=0),
    "deeper": deepen,
    "deeper at the inputs": lambda network: deepen(network, 0),
    "deeper inside": lambda network: deepen(network, 1),
    "all edges": perturb,
    "workflow": lambda network: perturb(widen(deepen(network), 1, sums=2, products=(2, 3), seed=0)),
}


def _pairs(dtypes: tuple = ()) -> list:
    """Every kind with every opening. By default in float64 where dtypes are asked for, else two kinds and the workflow."""
    cases = []
    for kind, opening in itertools.product(KINDS, OPENINGS):
        central = kind in ("products", "mixed") or opening == "workflow"
        for dtype in dtypes or (None,):
            quick = central or dtype == torch.float64
            case = (kind, opening) if dtype is None else (kind, opening, dtype)
            cases.append(pytest.param(*case, marks=() if quick else pytest.mark.slow, id="-".join(map(str, case))))
    return cases


kinds_and_openings = pytest.mark.parametrize(("kind", "opening"), _pairs())


@pytest.mark.parametrize(("kind", "opening", "dtype"), _pairs((torch.float64, torch.float32)))
def test_the_function_stays(kind, opening, dtype):
    network = KINDS[kind]().to(dtype)
    before = state_of(network)
    opened = OPENINGS[opening](network)
    x = inputs_of(opened, 60, reach=2.5)
    close = tolerance(dtype)
    torch.testing.assert_close(opened(x), network(x[:, : network.n_inputs]), rtol=close["rtol"], atol=close["atol"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@kinds_and_openings
def test_names_units_readout_and_files_stay(kind, opening, tmp_path):
    network = KINDS[kind]()
    opened = OPENINGS[opening](network)
    to_graph(opened).validate()
    for name in ("output_names", "constant_names", "dtype", "device", "exact_constants"):
        assert getattr(opened, name) == getattr(network, name)
    assert opened.input_names[: network.n_inputs] == network.input_names
    assert [unit for unit in opened.units if unit] == [unit for unit in network.units if unit]
    again = load(save(opened, tmp_path / "network"))
    x = inputs_of(opened, 20)
    assert torch.equal(again(x), opened(x))
    assert again.width == opened.width


@kinds_and_openings
def test_every_new_edge_has_a_gradient_by_the_second_step(kind, opening):
    opened = OPENINGS[opening](KINDS[kind]())
    x = inputs_of(opened, 80, seed=3)
    first = gradients_of_curves(opened, x)
    view = FlatView(opened)
    view.write_(view.read() - 1e-3 * view.gradient(loss(opened, x)))
    second = gradients_of_curves(opened, x)
    for layer, one, two, alive in zip(opened.layers, first, second, sums_that_are_read(opened), strict=True):
        trained = layer.splines.active & layer.splines.trainable & alive
        assert bool((one | two | ~trained).all())


def loss(network: MultKAN, x: torch.Tensor) -> torch.Tensor:
    return ((network(x) - torch.sin(3 * x.sum(dim=1, keepdim=True)) - 0.3) ** 2).sum()


def gradients_of_curves(network: MultKAN, x: torch.Tensor) -> list[torch.Tensor]:
    """Return, for every layer, which curves (source, target) have a gradient."""
    numbers = [layer.splines.trained_coefficients for layer in network.layers]
    found = torch.autograd.grad(loss(network, x), numbers, materialize_grads=True, allow_unused=True)
    return [gradient.abs().sum(dim=1) > 0 for gradient in found]


def sums_that_are_read(network: MultKAN) -> list[torch.Tensor]:
    """Return, for every layer, which of its sums any output depends on, by the graph alone."""
    graph = to_graph(network)
    alive = set().union(*(networkx.ancestors(graph, output) for output in graph.nodes_of("output")))
    return [
        torch.tensor([f"sum{depth}_{j}" in alive for j in range(shape.subnodes)])
        for depth, shape in enumerate(network.shapes, start=1)
    ]


# widen


def test_new_nodes_stand_behind_those_that_are_there():
    network = MultKAN([2, (1, [2]), (2, [3]), 1], seed=0)
    wider = widen(network, 1, sums=2, products=(2, 3), seed=0)
    assert wider.width == [2, (3, [2, 2, 3]), (2, [3]), 1]
    x = inputs_of(network, 10)
    old, new = trace(network, x), trace(wider, x)
    torch.testing.assert_close(new.nodes[1][:, [0, 3]], old.nodes[1])
    assert bool((new.nodes[1].std(dim=0) > 0).all())


def test_two_products_are_two_of_two_factors():
    assert widen(MultKAN([2, 1, 1], seed=0), 1, products=2).width == [2, (1, 2), 1]


def test_new_curves_share_what_their_layer_has_and_take_the_options_elsewhere():
    network = MultKAN([2, 2, 1], grid=8, degree=2, base="identity", seed=0)
    splines = [layer.splines for layer in widen(network, 1, sums=1, grid=4, degree=5, base="silu").layers]
    assert [(its.degree, its.base) for its in splines] == [(2, "identity")] * 2
    assert splines[1].intervals.tolist() == [8, 8, 4]
    symbols = widen(KINDS["symbolic"](), 1, sums=1, grid=4, degree=5, base="zero").layers
    assert [(layer.splines.degree, layer.splines.base) for layer in symbols[:2]] == [(5, "zero")] * 2
    assert widen(network, 1, sums=1).layers[1].splines.intervals.tolist() == [8, 8, 8]


def test_the_same_seed_draws_the_same_curves():
    network, x = MultKAN([2, 2, 1], seed=0), uniform_inputs(9, 2, seed=0)
    one, same, other = (trace(widen(network, 1, sums=1, seed=seed), x).nodes[1] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"layer": 0, "sums": 1}, r"from 1 to 1.*inputs=\[names\]"),
        ({"layer": 2, "sums": 1}, r"`network.width`"),
        ({"layer": 1}, "nothing to add"),
        ({"layer": 1, "sums": -1}, "got -1"),
        ({"layer": 1, "products": (2, 1)}, r"products\[1\].*got 1"),
        ({"inputs": ["x1"]}, "'x1'; taken are"),
        ({"inputs": ["z", "z"]}, "'z'; taken are"),
        ({"inputs": "z"}, r"\['z'\]"),
        ({"inputs": ["z"], "layer": 1}, "a call of their own"),
        ({"layer": 1, "sums": 1, "grid": 0}, "`grid`"),
        ({"layer": 1, "sums": 1, "base": "sine"}, "`base`"),
    ],
)
def test_what_cannot_be_widened_is_named(options, says):
    with pytest.raises(OptionError, match=says):
        widen(MultKAN([2, 3, 1], seed=0), **options)


def test_a_network_of_one_layer_is_first_deepened():
    with pytest.raises(OptionError, match=r"ks\.deepen"):
        widen(MultKAN([2, 1], seed=0), 1, sums=1)
    assert widen(deepen(MultKAN([2, 1], seed=0)), 1, sums=1).width == [2, 2, 1]


# deepen


def test_deepen_keeps_knots_where_the_curves_begin():
    network = KINDS["mixed"]()
    deeper = deepen(network, 0)
    assert deeper.width == [3, 5, (3, [3]), 2]
    assert deeper.layers[1].splines.low.tolist()[:2] == network.layers[0].splines.low.tolist()[:2]
    assert deeper.layers[0].splines.given.tolist() == [True, False, False, False, False]
    assert not deeper.layers[0].has_splines


def test_a_layer_that_is_not_there_cannot_be_deepened():
    with pytest.raises(OptionError, match=r"from 0 to 2, got 3.*\[2, 3, 1\]"):
        deepen(MultKAN([2, 3, 1], seed=0), 3)


# perturb


def test_scale_zero_changes_no_curve_and_larger_ones_all():
    network = MultKAN([2, 3, 1], seed=0)
    x = uniform_inputs(40, 2, seed=0)
    assert torch.equal(perturb(network)(x), network(x))
    moved = [(perturb(network, scale, seed=0)(x) - network(x)).std().item() for scale in (1e-3, 1e-2, 1e-1)]
    assert 0 < moved[0] < moved[1] < moved[2]
    assert moved[1] == pytest.approx(10 * moved[0], rel=0.3)


def test_curves_stand_beside_symbols_and_start_at_nothing_that_is_constant():
    network = KINDS["symbolic"]()
    opened = perturb(network)
    assert [len(layer.terms) for layer in opened.layers] == [len(layer.terms) for layer in network.layers]
    first = opened.layers[0].splines.active
    assert bool(first[:2].all())
    assert not bool(first[2:].any())  # the named constants


def test_only_the_edges_that_are_named_are_opened():
    network = KINDS["symbolic"]()
    places = [(0, 1, 0), (0, 1, 1)]
    opened = perturb(network, edges_or_nodes=places)
    found = [
        (depth, s, t) for depth, layer in enumerate(opened.layers) for s, t in layer.splines.active.nonzero().tolist()
    ]
    assert found == places
    into = perturb(network, edges_or_nodes=(1, 0))
    assert into.layers[0].splines.active[:2, 0].tolist() == [True, True]
    assert int(sum(layer.splines.active.sum() for layer in into.layers)) == 2


def test_a_frozen_curve_is_not_perturbed():
    network = MultKAN([1, 1], seed=0)
    x = uniform_inputs(9, 1, seed=0)
    assert torch.equal(perturb(freeze(network), 1.0, seed=0)(x), network(x))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": -1}, "got -1"),
        ({"edges_or_nodes": (0, 2, 0)}, "depends on no input"),
        ({"edges_or_nodes": (0, 0)}, "layer 0"),
        ({"edges_or_nodes": (0, 9, 0)}, "0 to 3.*'x', 'y', 'k', 'g'"),
    ],
)
def test_what_cannot_be_perturbed_is_named(options, says):
    with pytest.raises(OptionError, match=says):
        perturb(KINDS["symbolic"](), **options)


# and then learn


def test_an_opened_law_learns_what_it_lacked_and_starts_from_what_it_knew():
    graph = Graph()
    x, _, total = graph.add_input("x"), graph.add_input("y"), graph.add_sum()
    graph.add_function(x, total, Term.of("power", 2, scale=0.5))
    graph.add_output("energy", total)
    law = from_graph(graph)
    inputs = uniform_inputs(200, 2, seed=0)
    targets = 0.5 * inputs[:, 0] ** 2 + 0.1 * torch.sin(2 * inputs[:, 1])
    opened = perturb(law)
    report = fit(opened, inputs, targets)
    assert report.history[0].loss == pytest.approx((law(inputs)[:, 0] - targets).square().mean().sqrt().item())
    assert report.loss < 1e-3 * report.history[0].loss
    assert len(opened.layers[0].terms) == 1


@pytest.mark.parametrize("opening", ["two sums", "products of two and three", "another input", "all edges"])
def test_a_fitted_network_that_is_opened_goes_on_from_its_loss(opening):
    x = uniform_inputs(150, 3, seed=0)
    y = 1e3 + 50 * torch.sin(2 * x[:, 0]) * x[:, 1]
    network = MultKAN([3, 2, 1], grid=3, seed=0)
    first = fit(network, x, y, steps=20)
    opened = OPENINGS[opening](network)
    x = torch.cat([x, uniform_inputs(150, opened.n_inputs - 3, seed=1)], dim=1)
    second = fit(opened, x, y, steps=20)
    assert second.history[0].loss == pytest.approx(first.loss, rel=1e-6)
    assert second.loss < first.loss
    assert np.isfinite(second.loss)
