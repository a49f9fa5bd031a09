"""Normal equations gathered block by block are those of the whole Jacobian."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kanscience import MultKAN, _numba, refine, trace
from kanscience.network import FlatView, sweep
from kanscience.training import Regression, _blocks, _sparse_product, normalised_weights
from tests.helpers import generator, uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of


def _problem(network: MultKAN, x: torch.Tensor, seed: int = 0) -> Regression:
    draw = generator(seed)
    y = torch.randn(len(x), network.n_outputs, dtype=network.dtype, generator=draw)
    sigma = 0.5 + torch.rand(y.shape, dtype=network.dtype, generator=draw)
    return Regression(network, x, y, normalised_weights(y, sigma, 0.0))


def _assert_the_same(problem: Regression, rtol: float = 1e-12) -> None:
    theta = problem.start()
    residuals, rows = problem.linearize(theta)
    loss, matrix, gradient = problem.normal_equations(theta)
    assert loss == pytest.approx(residuals @ residuals, rel=rtol)
    assert problem.loss(theta) == pytest.approx(loss, rel=rtol)
    size = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(matrix, rows @ rows.T, rtol=0, atol=rtol * (size.max() ** 2 or 1))
    np.testing.assert_allclose(gradient, rows @ residuals, rtol=0, atol=rtol * (size.max() or 1))


def _without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numba, "kernels", lambda name: None)


def _cheap_blocks(monkeypatch: pytest.MonkeyPatch, rows: tuple[int, ...] = (16, 8)) -> None:
    """Let blocks pay at any size, and parts hold few rows."""
    _without_numba(monkeypatch)
    monkeypatch.setattr(_blocks, "_BLOCK_ROWS", rows)
    monkeypatch.setattr(_blocks, "_WORTHWHILE", 0.0)
    monkeypatch.setattr(_blocks, "_CALLS", 0.0)
    monkeypatch.setattr(_blocks, "_NUMBERS", 1)


@every_kind
@pytest.mark.parametrize("blocks", [False, True])
def test_they_are_those_of_the_whole_jacobian(kind, blocks, monkeypatch):
    if blocks:
        _cheap_blocks(monkeypatch)
    network = KINDS[kind]()
    problem = _problem(network, inputs_of(network, 50))
    assert (len(problem.parts) > 1) == blocks
    _assert_the_same(problem)


@every_kind
def test_sparse_products_are_those_of_the_whole_jacobian(kind, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(_blocks, "_FELT", 0.0)
    monkeypatch.setattr(_sparse_product, "_CELL", 0.0)
    network = KINDS[kind]()
    problem = _problem(network, inputs_of(network, 50, reach=1.3))
    assert problem.parts[0].sparse is not None
    _assert_the_same(problem)


def test_sparse_products_are_taken_where_the_grid_is_fine_and_numba_is_there(monkeypatch):
    pytest.importorskip("numba")
    fine, coarse = MultKAN([2, 5, 1], grid=40, seed=0), MultKAN([2, 5, 1], grid=3, seed=0)
    x = uniform_inputs(1000, 2, seed=0)
    assert _problem(coarse, x).parts[0].sparse is None
    assert _problem(fine, x).parts[0].sparse is not None
    _without_numba(monkeypatch)
    assert _problem(fine, x).parts[0].sparse is None


def test_neighbours_share_a_block_and_few_numbers_where_the_grid_is_fine(monkeypatch):
    _without_numba(monkeypatch)
    x = torch.randint(0, 60, (500, 2), generator=generator(0)).double()
    network = MultKAN([2, 5, 1], grid=5, base="zero", seed=0)
    network.layers[0].splines.adopt_domains_(x.T)
    network = refine(network, ("values", 5), trace=trace(network, x))
    problem = _problem(network, x)
    (part,) = problem.parts
    assert len(part.blocks) > 1
    assert max(block.numbers for block in part.blocks) < 0.7 * FlatView(network).size
    assert sorted(i for block in part.blocks for i in range(block.rows.start, block.rows.stop)) == list(range(500))
    _assert_the_same(problem)


def test_rows_with_equal_inputs_and_rows_outside_the_domain_are_ordinary(monkeypatch):
    _cheap_blocks(monkeypatch)
    network = MultKAN([2, 3, 1], grid=12, domain=(-0.5, 0.5), seed=1)
    x = uniform_inputs(60, 2, seed=2)
    x[20:50] = x[20]
    _assert_the_same(_problem(network, x))


def test_features_that_are_not_kept_are_found_anew(monkeypatch):
    monkeypatch.setattr(_blocks, "_KEPT", 0)
    network = KINDS["mixed"]()
    problem = _problem(network, inputs_of(network, 20))
    assert problem.parts[0].first is None
    _assert_the_same(problem)


def test_a_part_holds_no_more_rows_when_there_are_more(monkeypatch):
    monkeypatch.setattr(_blocks, "_NUMBERS", 2**14)
    network = MultKAN([1, 3, 1], grid=3, seed=0)
    most = [max(len(part.x) for part in _problem(network, uniform_inputs(n, 1, 0)).parts) for n in (1000, 3000)]
    assert most[0] == most[1] < 1000


class _LargestTensor(TorchDispatchMode):
    """Sees every tensor that is made."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            shares = isinstance(tensor, torch.Tensor) and tensor._is_view()
            if isinstance(tensor, torch.Tensor) and not shares:
                self.numbers = max(self.numbers, tensor.numel())
        return made


@pytest.mark.parametrize("numba", [False, True])
def test_a_step_needs_no_more_memory_for_ten_times_the_rows(numba, monkeypatch):
    monkeypatch.setattr(_blocks, "_NUMBERS", 2**16)
    monkeypatch.setattr(_blocks, "_KEPT", 0)  # what is kept between steps is bounded too, but fuller with more rows
    monkeypatch.setattr(_blocks, "_FELT", 0.0 if numba else np.inf)
    network, largest = MultKAN([2, 3, 1], grid=20, seed=0), []
    for rows in (3000, 30_000):
        problem = _problem(network, uniform_inputs(rows, 2, seed=0))
        with _LargestTensor() as seen:
            problem.normal_equations(problem.start())
            problem.loss(problem.start())
        largest.append(seen.numbers)
    assert largest[0] == largest[1] < 2**17


def test_a_scaled_sweep_is_that_of_scaled_outputs():
    network = KINDS["products"]()
    x = inputs_of(network, 20)
    weights = torch.rand(network.n_outputs, 20, dtype=x.dtype, generator=generator(3))
    plain, scaled, trained = sweep(network, x), sweep(network, x).scaled(weights), FlatView(network).trained
    torch.testing.assert_close(scaled.outputs, weights * plain.outputs)
    for output in range(network.n_outputs):
        torch.testing.assert_close(scaled.rows(output, trained), weights[output] * plain.rows(output, trained))
