"""Layers evaluated by the kernels on rows of samples are those that PyTorch evaluates, with all their derivatives."""

import pytest
import torch

from kanscience import MultKAN
from kanscience.splines import _row_points as rows
from tests.helpers import uniform_inputs
from tests.helpers_networks import BASES, forward_mode

pytest.importorskip("numba")


@pytest.fixture(params=[0, 10**9], ids=["local", "dense"])
def kernels(request, monkeypatch):
    """Return a switch between the kernels, of one of both kinds, and PyTorch."""
    monkeypatch.setattr(rows, "DENSE_UP_TO", request.param)

    def use(of_ours: bool) -> None:
        for name in ("FEWEST_POINTS", "FEWEST_DIFFERENTIATED"):
            monkeypatch.setattr(rows, name, 0 if of_ours else 10**9)

    return use


def _network(base: str) -> MultKAN:
    return MultKAN([3, (2, [2]), 1], grid=6, domain=(-1, 1), base=base, seed=0)


def _numbers(network: MultKAN) -> list[torch.Tensor]:
    return [p for p in network.parameters() if p.requires_grad and p.numel()]


def _derivatives(network: MultKAN, x: torch.Tensor) -> list[torch.Tensor]:
    """Return outputs and three orders of derivatives, each of the sum of squares of the last."""
    x = x.clone().requires_grad_()
    found = [network(x)]
    latest = found
    for _ in range(3):
        total = sum((part**2).sum() for part in latest)
        slopes = torch.autograd.grad(total, [x, *_numbers(network)], create_graph=True, allow_unused=True)
        latest = [part for part in slopes if part is not None and part.requires_grad]
        found += latest
    return [part.detach() for part in found]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("reach", [0.9, 1.5])
def test_all_derivatives_are_those_of_pytorch(kernels, base, reach):
    network, x = _network(base), uniform_inputs(40, 3, seed=1, low=-reach, high=reach)
    kernels(True)
    found = _derivatives(network, x)
    kernels(False)
    for ours, theirs in zip(found, _derivatives(network, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10 * float(theirs.abs().max()))


@forward_mode
def test_transforms_go_through(kernels):
    network, x = _network("silu"), uniform_inputs(20, 3, seed=2)
    kernels(True)
    leaf = x.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(network(leaf).sum(), leaf)
    torch.testing.assert_close(torch.func.grad(lambda x: network(x).sum())(x), slopes)
    torch.testing.assert_close(torch.func.vmap(lambda row: network(row[None])[0])(x), network(x))
    _, along = torch.func.jvp(network, (x,), (torch.ones_like(x),))
    torch.testing.assert_close(along[:, 0], slopes.sum(1))
    assert torch.autograd.gradcheck(network, leaf[:5], check_batched_grad=True, fast_mode=True)
    hessians = torch.func.vmap(torch.func.hessian(lambda row: network(row[None])[0, 0]))(x)
    torch.testing.assert_close(hessians, hessians.transpose(1, 2))


def test_numbers_that_are_frozen_have_no_slope(kernels):
    network = _network("silu")
    network.layers[0].splines.trained_coefficients.requires_grad_(False)
    kernels(True)
    network(uniform_inputs(20, 3, seed=3)).sum().backward()
    assert network.layers[0].splines.trained_coefficients.grad is None
    assert network.layers[0].splines.trained_base_weights.grad is not None
