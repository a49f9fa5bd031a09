"""Every intermediate value of one run."""

import pytest
import torch

from kanscience import DataError, MultKAN, ShapeError, trace
from kanscience.network._layer import multiply
from tests.helpers_networks import KINDS, every_kind, inputs_of, state_of


@every_kind
def test_a_trace_is_the_run(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 12, reach=2)
    record = trace(network, x)
    assert len(record) == 12
    torch.testing.assert_close(record.outputs, network(x), rtol=1e-13, atol=1e-13)
    assert torch.equal(record.nodes[0][:, : network.n_inputs], x)
    assert torch.equal(record.nodes[0][0, network.n_inputs :], network.constants)
    for depth, layer in enumerate(network.layers):
        sums = record.edges[depth].sum(dim=1) + layer.bias
        torch.testing.assert_close(record.subnodes[depth], sums, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(record.nodes[depth + 1].T, multiply(record.subnodes[depth].T, layer.shape))
        assert record.edges[depth].shape == (12, record.nodes[depth].shape[1], layer.shape.subnodes)
    assert not record.outputs.requires_grad


@every_kind
def test_tracing_changes_nothing(kind):
    network = KINDS[kind]()
    before = state_of(network)
    trace(network, inputs_of(network))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_samples_outside_the_domain_are_counted():
    network = MultKAN([2, 1, 1], domain=[(0, 1), (-1, 1)], seed=0)
    x = torch.tensor([[0.0, -1.0], [1.0, 1.0], [1.1, 0.0], [-0.5, 3.0]], dtype=torch.float64)
    record = trace(network, x)
    assert record.outside[0].tolist() == [2, 1]
    assert "[3, " in str(record)


@pytest.mark.parametrize("low", [0.1, 1e-20, 3e15, -7e4])
def test_rounding_at_the_ends_of_the_domain_counts_as_inside(low):
    network = MultKAN([1, 1], domain=(low, low + abs(low) / 3), seed=0)
    splines = network.layers[0].splines
    x = torch.stack([splines.low, splines.high])
    assert trace(network, x).outside[0].tolist() == [0]


def test_a_source_without_splines_has_no_outside():
    network = KINDS["symbolic"]()
    assert [int(count.sum()) for count in trace(network, inputs_of(network, reach=50)).outside] == [0] * 4


def test_arrays_are_traced_as_tensors_and_bad_ones_are_refused():
    network = MultKAN([2, 1], seed=0)
    assert torch.equal(trace(network, [[0.0, 1.0]]).outputs, network(torch.tensor([[0.0, 1.0]])))
    with pytest.raises(ShapeError, match="takes 2"):
        trace(network, [[0.0, 1.0, 2.0]])
    with pytest.raises(DataError, match="row 0"):
        trace(network, [[0.0, float("nan")]])
