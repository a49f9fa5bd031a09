"""What a network computes: Psi = M after Phi, against a twin that shares no code with it."""

import pickle

import numpy as np
import pytest
import torch

from kanscience import MultKAN, OptionError, ShapeError
from kanscience._errors import DataError
from kanscience.network._multkan import check_inputs
from tests.helpers import tolerance
from tests.helpers_networks import BASES, KINDS, both_dtypes, every_kind, inputs_of, state_of, twin

STEPS_AND_ROUNDING = {"steps": 1e-3}  # float32 may fall on the other side of a step, rarely


@every_kind
@both_dtypes
@pytest.mark.parametrize("reach", [0.7, 5.0])
def test_a_network_is_its_twin_inside_and_outside_the_domains(kind, dtype, reach):
    network = KINDS[kind]().to(dtype)
    x = inputs_of(network, 300, reach=reach)
    found, expected = network(x).detach(), twin(network, x.double().numpy())
    assert found.dtype == dtype
    wrong = np.abs(found.double().numpy() - expected) > 10 * tolerance(dtype)["atol"] * np.abs(expected).max()
    assert wrong.mean() <= (0 if dtype == torch.float64 else STEPS_AND_ROUNDING.get(kind, 0))


@every_kind
def test_rows_are_independent(kind):
    network = KINDS[kind]()
    x = inputs_of(network, 10, reach=2)
    torch.testing.assert_close(torch.cat([network(row[None]) for row in x]), network(x), rtol=1e-13, atol=1e-13)


@every_kind
def test_forward_records_nothing(kind):
    network = KINDS[kind]()
    before, pickled, attributes = state_of(network), pickle.dumps(network), set(network.__dict__)
    network(inputs_of(network, reach=3)).sum().backward()
    network.zero_grad()
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert pickle.dumps(network) == pickled
    assert set(network.__dict__) == attributes


@every_kind
def test_the_order_of_calls_does_not_matter(kind):
    network, fresh = KINDS[kind](), KINDS[kind]()
    x = inputs_of(network, reach=2)
    for reach in (0.1, 7.0, 1.0):
        network(inputs_of(network, 5, reach=reach))
    assert torch.equal(network(x), fresh(x))


@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize("base", BASES)
def test_outside_the_domain_an_edge_continues_as_a_straight_line(degree, base):
    network = MultKAN([1, 1], degree=degree, base=base, domain=(-2, 3), seed=0)
    for end, out in ((-2.0, -1.0), (3.0, 1.0)):
        x = end + out * torch.tensor([[0.0], [1e-4], [1.0], [2.0], [10.0]], dtype=torch.float64)
        y = network(x)[:, 0].detach()
        steps = (y[1:] - y[0]) / (x[1:, 0] - x[0, 0])
        slope = torch.autograd.functional.jacobian(network, x[:1]).flatten()
        expected = torch.zeros(4, dtype=torch.float64) if degree == 0 else slope.expand(4)
        torch.testing.assert_close(steps, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("degree", range(6))
def test_the_domain_is_closed_at_both_ends(degree):
    network = MultKAN([1, 1], grid=4, degree=degree, base="zero", domain=(10, 14), seed=0)
    ends = torch.tensor([[10.0], [14.0]], dtype=torch.float64)
    near = torch.tensor([[10.0 + 1e-12], [14.0 - 1e-12]], dtype=torch.float64)
    torch.testing.assert_close(network(ends), network(near), rtol=1e-9, atol=1e-9)
    assert network(ends).abs().min() > 0


def test_moving_the_user_s_zero_and_unit_moves_the_domain_with_it():
    network = MultKAN([2, 3, 1], seed=0, domain=[(-1, 1), (0, 2)])
    moved = MultKAN([2, 3, 1], seed=0, domain=[(-1 * 4 + 8, 1 * 4 + 8), (0, 512)])
    x = inputs_of(network, 50, reach=2)
    torch.testing.assert_close(moved(torch.stack([4 * x[:, 0] + 8, 256 * x[:, 1]], dim=1)), network(x))


@pytest.mark.parametrize("power", [-20, 20])
def test_units_that_are_powers_of_two_change_no_bit(power):
    scale = 2.0**power
    network = MultKAN([2, 3, 1], seed=0, domain=[(-1, 1.5), (-1, 1)])
    rescaled = MultKAN([2, 3, 1], seed=0, domain=[(-scale, 1.5 * scale), (-1, 1)])
    x = inputs_of(network, 50, reach=2)
    assert torch.equal(rescaled(x * torch.tensor([scale, 1.0], dtype=torch.float64)), network(x))


@pytest.mark.parametrize(
    ("width", "arities"), [([1, (0, [2]), 1], (2,)), ([2, (1, [3, 2]), 1], (3, 2)), ([3, (2, [5]), (0, [4])], (5,))]
)
def test_products_multiply_consecutive_subnodes(width, arities):
    network = MultKAN(width, seed=0)
    layer = network.layers[0]
    assert layer.shape.arities == arities
    subnodes = layer.subnodes(inputs_of(network).T)
    nodes = layer(inputs_of(network).T)
    start = layer.shape.sums
    torch.testing.assert_close(nodes[:start], subnodes[:start])
    for k, arity in enumerate(arities):
        torch.testing.assert_close(nodes[layer.shape.sums + k], subnodes[start : start + arity].prod(dim=0))
        start += arity
    assert start == layer.shape.subnodes


def test_a_product_with_zero_factors_has_the_right_gradient():
    network = MultKAN([1, (0, [3])], base="identity", seed=0)
    x = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        network.layers[0].splines.trained_coefficients.zero_()
        network.layers[0].splines.trained_base_weights.fill_(1.0)  # y = x * x * x
    assert torch.autograd.gradcheck(network, x + 0.0)
    assert torch.autograd.gradgradcheck(network, x + 0.0)


def test_float32_data_and_integers_are_taken_in_the_networks_precision():
    for kind in ("splines", "symbolic", "mixed"):
        network = KINDS[kind]()
        ones = torch.ones(3, network.n_inputs, dtype=torch.int64)
        assert torch.equal(network(ones), network(ones.double()))
        assert torch.equal(network(ones.float()), network(ones.double()))
        assert network.float()(ones.double()).dtype == torch.float32


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (torch.zeros(5, 3), ShapeError, r"3 columns.*takes 2"),
        (torch.zeros(2), ShapeError, r"\(2,\).*reshape\(1, -1\)"),
        (torch.zeros(1, 5, 2), ShapeError, r"\(1, 5, 2\)"),
        (torch.zeros(0, 2), DataError, r"empty"),
        (torch.tensor([[0.0, 1.0], [float("nan"), 2.0]]), DataError, r"row 1, column 'x1' is missing \(NaN\); 1 of 4"),
        (torch.tensor([[0.0, float("inf")]]), DataError, r"row 0, column 'x2' is inf"),
    ],
)
def test_what_a_network_cannot_take_is_named_with_the_way_out(x, error, says):
    with pytest.raises(error, match=says):
        MultKAN([2, 3, 1], seed=0)(x)


@pytest.mark.parametrize("x", [[[0.0, 1.0]], np.zeros((1, 2))])
def test_an_array_is_no_tensor_and_the_message_names_predict(x):
    with pytest.raises(OptionError, match=r"not (list|ndarray); `network.predict"):
        check_inputs(MultKAN([2, 3, 1], seed=0), x)  # below the run-time type check of the suite
