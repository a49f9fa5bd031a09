"""Derivatives carried through the layers are those of autograd, and so are their own derivatives."""

import pytest
import torch

import kanscience as ks
from kanscience.splines import _row_points as rows
from tests.helpers import uniform_inputs
from tests.helpers_networks import BASES, both_dtypes


@pytest.fixture(params=[0, 10**9], ids=["numba", "pytorch"], autouse=True)
def _kernels(request, monkeypatch):
    if not request.param:
        pytest.importorskip("numba")
    for name in ("FEWEST_POINTS", "FEWEST_DIFFERENTIATED"):
        monkeypatch.setattr(rows, name, request.param)


def _asked_of_autograd(network, x):
    x = x.clone().requires_grad_()
    values = network(x)
    gradients, seconds = [], []
    for output in range(values.shape[1]):
        (slopes,) = torch.autograd.grad(values[:, output].sum(), x, create_graph=True)
        gradients.append(slopes)
        each = [
            torch.autograd.grad(slopes[:, axis].sum(), x, create_graph=True)[0][:, axis] for axis in range(x.shape[1])
        ]
        seconds.append(torch.stack(each, dim=1))
    return values, torch.stack(gradients, dim=1), torch.stack(seconds, dim=1)


def _loss(value, gradient, second):
    return (value**2).sum() + (value[:, :, None] * gradient).sum() + (second**2).sum()


def _slopes(parts, places):
    loss = _loss(*parts)
    return torch.autograd.grad(loss, places, allow_unused=True) if places else []


def _assert_same(network, x):
    expected, found = _asked_of_autograd(network, x), ks.jets(network, x)
    if (
        x.dtype == torch.float32
    ):  # in slopes by numbers stand third derivatives, that jump at the knots of hidden layers
        for ours, theirs in zip(found, expected, strict=True):
            # Either sums some hundred rounded numbers, in another order.
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=3e-5 * float(theirs.detach().abs().max()))
        return
    places = [p for p in network.parameters() if p.requires_grad and p.numel()]
    slopes = [_slopes(parts, places) for parts in (found, expected)]
    pairs = [*zip(found, expected, strict=True), *zip(*slopes, strict=True)]
    for ours, theirs in pairs:
        if ours is None or theirs is None:
            assert ours is None or not ours.any()
            assert theirs is None or not theirs.any()
            continue
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10 * float(theirs.detach().abs().max()))


@both_dtypes
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("reach", [0.9, 1.5])
def test_networks_of_splines(base, reach, dtype):
    network = ks.MultKAN([3, (2, [2, 3]), 2], grid=6, domain=(-1, 1), base=base, seed=0, dtype=dtype)
    _assert_same(network, uniform_inputs(30, 3, seed=1, low=-reach, high=reach).to(dtype))


@pytest.mark.parametrize("degree", [0, 1, 2, 5])
def test_degrees(degree):
    network = ks.MultKAN([2, 3, 1], grid=4, degree=degree, domain=[(-1, 1), (0, 3)], seed=0)
    _assert_same(network, uniform_inputs(30, 2, seed=1, low=-1.2, high=1.2))


@pytest.mark.parametrize(
    "formula", ["m*sin(x)**2 + exp(-y)*x", "x*y*tanh(x*y)/sqrt(1 + x**2)", "atan(y/(2 + x)) + abs(x - 3)"]
)
def test_compiled_formulas(formula):
    network = ks.compile_formula(formula, ["x", "y"], parameters={"m": 2.5} if "m*" in formula else None)
    _assert_same(network, uniform_inputs(30, 2, seed=3, low=0.2, high=1.0))


def test_curves_and_symbols_together():
    network = ks.perturb(ks.compile_formula("sin(x)*y", ["x", "y"]), scale=0.1, seed=0)
    _assert_same(network, uniform_inputs(30, 2, seed=4, low=-0.9, high=0.9))


def test_all_can_be_differentiated_again():
    network = ks.MultKAN([2, (1, 1), 1], grid=3, degree=5, domain=(-1, 1), seed=0)
    x = uniform_inputs(6, 2, seed=6).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: tuple(ks.jets(network, x)), x, fast_mode=True)


def test_a_plane_has_no_curvature():
    found = ks.jets(ks.compile_formula("3*x + 2*y", ["x", "y"]), uniform_inputs(5, 2, seed=1))
    torch.testing.assert_close(found.gradient[:, 0], torch.tensor([[3.0, 2.0]], dtype=torch.float64).expand(5, 2))
    assert not found.second.any()


def test_without_gradients_nothing_is_recorded():
    network = ks.MultKAN([2, 3, 1], domain=(-1, 1), seed=0)
    x = uniform_inputs(30, 2, seed=5)
    with torch.no_grad():
        found = ks.jets(network, x)
    assert not any(part.requires_grad for part in found)
    for ours, theirs in zip(found, _asked_of_autograd(network, x), strict=True):
        torch.testing.assert_close(ours, theirs.detach())
    torch.testing.assert_close(found.laplacian, found.second.sum(-1))


def test_wrong_inputs_are_explained():
    network = ks.MultKAN([2, 3, 1], domain=(-1, 1), seed=0)
    with pytest.raises(ks.ShapeError, match="3 columns"):
        ks.jets(network, torch.zeros(5, 3))
    with pytest.raises(ks.DataError):
        ks.jets(network, torch.full((5, 2), torch.nan))
