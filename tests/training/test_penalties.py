"""What edges pay, and that both roads to it are one."""

import copy

import numpy as np
import pytest
import torch

from kanscience import MultKAN, OptionError, Penalty, attribution, trace
from kanscience.network import FlatView
from kanscience.training._penalties import penalty_value, sources_and_shares
from kanscience.training._penalty_form import PenaltyForm
from tests.helpers import uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of

PARTS = {
    "l1": Penalty(0.7, l1=1, entropy=0),
    "coefficient": Penalty(0.7, l1=0, entropy=0, coefficient=1),
    "curvature": Penalty(0.7, l1=0, entropy=0, curvature=1),
    "together": Penalty(0.2, l1=2, entropy=0, coefficient=0.5, curvature=0.1),
}


with_curves = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "symbolic"])


@with_curves
@pytest.mark.parametrize("part", PARTS)
def test_the_quadratic_form_has_the_slope_of_the_penalty(kind, part):
    network, penalty = KINDS[kind](), PARTS[part]
    x = inputs_of(network, 60, reach=0.9)
    view = FlatView(network)
    slope = view.gradient(penalty_value(network, x, penalty))
    form = 2 * PenaltyForm(network, x, penalty).matrix() @ view.read().numpy()
    np.testing.assert_allclose(form, slope.numpy(), rtol=1e-8, atol=1e-10 * max(np.abs(form).max(initial=0), 1e-3))


def test_the_entropys_slope_is_its_own_where_it_is_positive_and_zero_for_the_dominant_edge():
    network = MultKAN([2, 1], base="zero", domain=(-1, 1), seed=0)
    with torch.no_grad():
        network.layers[0].splines.trained_coefficients[1] *= 0.2
    x, penalty = uniform_inputs(80, 2, seed=0), Penalty(1.0, l1=0, entropy=1)
    slope = FlatView(network).gradient(penalty_value(network, x, penalty)).view(2, -1)
    form = 2 * PenaltyForm(network, x, penalty).matrix() @ FlatView(network).read().numpy()
    np.testing.assert_allclose(form[8:], slope[1].numpy(), rtol=1e-9, atol=1e-12)
    assert not form[:8].any()


@with_curves
def test_forms_are_symmetric_and_never_negative(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 60)
    matrix = PenaltyForm(network, x, Penalty(1.0, l1=1, entropy=2, coefficient=0.1, curvature=0.1)).matrix()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12 * np.abs(matrix).max())
    assert np.linalg.eigvalsh(matrix).min() > -1e-9 * np.abs(matrix).max()


@every_kind
def test_edges_carry_the_scores_of_attribution(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 60, reach=0.9)
    scores = attribution(network, trace(network, x))
    for (layer, source, carried), score in zip(sources_and_shares(network, x), scores.subnodes, strict=True):
        spread = layer.subnodes(source).std(dim=1, correction=0)
        torch.testing.assert_close((carried * spread).detach(), torch.where(spread > 0, score, 0), rtol=1e-6, atol=1e-9)


def test_the_scaling_of_hidden_nodes_and_of_targets_changes_nothing():
    x = uniform_inputs(100, 2, seed=0)
    network = MultKAN([2, 2, 1], base="identity", domain=(-1, 1), seed=0)
    network.layers[1].splines.adopt_domains_(network.layers[0](x.T))
    scaled = copy.deepcopy(network)
    with torch.no_grad():
        for name in ("trained_coefficients", "trained_base_weights"):
            getattr(scaled.layers[0].splines, name).mul_(50)
            getattr(scaled.layers[1].splines, name).mul_(1e-4)
        scaled.layers[1].splines.low *= 50
        scaled.layers[1].splines.high *= 50
    penalty = Penalty(1.0, coefficient=1, curvature=1)
    one, other = penalty_value(network, x, penalty), penalty_value(scaled, x, penalty)
    assert other.item() == pytest.approx(one.item(), rel=1e-9)


def test_a_straight_edge_pays_no_curvature():
    network = MultKAN([1, 1], base="identity", domain=(-1, 1), seed=0)
    with torch.no_grad():
        network.layers[0].splines.trained_coefficients.zero_()
    penalty = Penalty(1.0, l1=0, entropy=0, curvature=1)
    assert penalty_value(network, uniform_inputs(20, 1, seed=0), penalty).item() < 1e-12


def test_l1_of_a_single_edge_is_one_whatever_it_carries():
    network = MultKAN([1, 1], seed=3)
    for scale in (1.0, 1e6):
        x = scale * uniform_inputs(50, 1, seed=0)
        assert penalty_value(network, x, Penalty(2.0, l1=1, entropy=0)).item() == pytest.approx(2.0, rel=1e-9)


def test_one_curvature_weight_a_layer():
    network, x = MultKAN([2, 2, 1], seed=0), uniform_inputs(30, 2, seed=0)
    both, first, second = (Penalty(1.0, l1=0, entropy=0, curvature=c) for c in (1.0, (1.0, 0.0), (0.0, 1.0)))
    total, *parts = (penalty_value(network, x, p).item() for p in (both, first, second))
    assert sum(parts) == pytest.approx(total)
    with pytest.raises(OptionError, match=r"3 weights for a network of 2 layers"):
        penalty_value(network, x, Penalty(1.0, curvature=(1.0, 1.0, 1.0)))


@pytest.mark.parametrize(
    "options", [{"strength": -1}, {"strength": 1, "l1": -1}, {"strength": 1, "curvature": (0, -1)}]
)
def test_a_negative_weight_is_named(options):
    with pytest.raises(OptionError, match="at least 0, got -1"):
        Penalty(**options)


@torch.no_grad()
def test_edges_that_cancel_carry_nothing_and_cost_what_they_should():
    network = MultKAN([2, 1, 1], domain=(-1, 1), seed=0)
    for numbers in (network.layers[0].splines.trained_coefficients, network.layers[0].splines.trained_base_weights):
        numbers[1] = -numbers[0]
    x = uniform_inputs(200, 1, seed=0).expand(-1, 2)
    _, _, carried = sources_and_shares(network, x)[0]
    assert not carried.any()
