"""The analytic Jacobian against autograd, number by number, for every kind of network."""

import pytest
import torch

from kanscience import MultKAN
from kanscience.network import FlatView, jacobian
from tests.helpers_networks import KINDS, every_kind, inputs_of, vector_function


@every_kind
@pytest.mark.parametrize("reach", [0.8, 3.0])
def test_the_jacobian_is_autograds(kind, reach):
    network = KINDS[kind]()
    x = inputs_of(network, 15, seed=1, reach=reach)
    outputs, theta = vector_function(network)
    expected = torch.func.jacrev(outputs)(theta, x)  # (N, output, number)
    y, rows = jacobian(network, x)
    torch.testing.assert_close(y, outputs(theta, x).T, rtol=1e-13, atol=1e-13)
    size = float(expected.abs().max())
    torch.testing.assert_close(rows, expected.permute(1, 2, 0), rtol=0, atol=1e-12 * size)


@every_kind
def test_a_known_first_layer_changes_nothing(kind):
    network = KINDS[kind]()
    x, view = inputs_of(network, 9, seed=2, reach=2), FlatView(network)
    first = network.layers[0].features(network.sources(x))
    for one, other in zip(jacobian(network, x), jacobian(network, x, view, first), strict=True):
        assert torch.equal(one, other)


@every_kind
def test_the_jacobian_leaves_no_trace(kind):
    network = KINDS[kind]()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    y, rows = jacobian(network, inputs_of(network, 5))
    assert not y.requires_grad
    assert not rows.requires_grad
    assert all(bool((p.grad == 1).all()) for p in network.parameters() if p.grad is not None)
    assert not any(layer.bias_trainable.requires_grad for layer in network.layers)


@pytest.mark.parametrize("zeros", [1, 2, 3])
def test_a_product_with_factors_that_are_zero(zeros):
    network = MultKAN([3, (0, [3]), 1], base="identity", domain=(-1, 1), seed=0)
    with torch.no_grad():  # each factor reads one input: x1 * x2 * x3
        weights = network.layers[0].splines.trained_base_weights
        weights.copy_(torch.eye(3))
        network.layers[0].splines.trained_coefficients.zero_()
    x = torch.tensor([[0.5, -0.25, 0.75]], dtype=torch.float64)
    x[0, :zeros] = 0.0
    outputs, theta = vector_function(network)
    expected = torch.func.jacrev(outputs)(theta, x).permute(1, 2, 0)
    torch.testing.assert_close(jacobian(network, x)[1], expected, rtol=1e-13, atol=1e-14)


def test_float32_networks_have_a_float32_jacobian():
    network = KINDS["mixed"]()
    x = inputs_of(network, 9, seed=3)
    _, exact = jacobian(network, x)
    _, single = jacobian(network.float(), x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), exact, rtol=1e-4, atol=1e-4)
