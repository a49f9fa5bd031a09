"""The kernels compiled by numba against those of PyTorch."""

import itertools
import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.autograd import forward_ad

import kanscience.splines
from kanscience._numba import kernels as numba_kernels
from kanscience.splines import Axes, dense_features, local_sums, quantile_knots, uniform_knots
from kanscience.splines import _kernels as kernels
from kanscience.splines import _points as points
from kanscience.splines._location import Location
from tests.helpers import generator, tolerance, uniform_inputs
from tests.helpers_networks import both_dtypes, forward_mode

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def _numba_for_all_sizes(monkeypatch):
    monkeypatch.setattr(points, "FEWEST_POINTS", 0)


def _uniform(degree, dtype):
    return Axes.of([uniform_knots(grid, degree, dtype) for grid in (5, 1, 8)], degree)


def _one_interval(degree, dtype):
    return Axes.of([quantile_knots(torch.zeros(0, dtype=torch.float64), 1, degree, blend=0.0).to(dtype)] * 3, degree)


def _uneven(degree, dtype):
    column = 2 * uniform_inputs(400, 1, seed=1, low=0)[:, 0] ** 3 - 1
    return Axes.of([quantile_knots(column, grid, degree, blend=0.2).to(dtype) for grid in (6, 1, 70)], degree)


every_axes = pytest.mark.parametrize("make_axes", [_uniform, _one_interval, _uneven])


def _points(axes, reach=1.6):
    """Return points inside, outside, at the ends and, where derivatives may not jump there, at the knots."""
    ends = torch.tensor([-1.0, 1.0, -1.3, 2.5, 0.0]).to(axes.knots)
    rows = []
    for source in range(len(axes.knots)):
        inside = axes.row(source)[axes.degree : len(axes.row(source)) - axes.degree]
        knots = inside.repeat(100)[:100]
        rows.append(torch.cat([ends, knots, uniform_inputs(1000, 1, source, -reach, reach)[:, 0].to(ends)]))
    return torch.stack(rows)


def _numba(t, axes):
    found = points.fast_points(t, axes)
    assert found is not None
    return found


def _assert_same(found, expected, order):
    size = max(float(expected.abs().max()), 1.0)
    close = tolerance(expected.dtype)
    torch.testing.assert_close(found, expected, rtol=0, atol=close["atol"] * size)


@every_axes
@both_dtypes
@pytest.mark.parametrize("degree", range(6))
def test_both_kernels_are_those_of_pytorch(make_axes, degree, dtype):
    axes = make_axes(degree, dtype)
    every_point = _points(axes)
    for order in range(3):
        # Of equally spaced knots the interval at a knot is a question of rounding, which counts where a derivative jumps.
        jumps = axes.uniform and order >= degree
        t = every_point[:, 105:] if jumps else every_point
        location, found = Location.of(t, axes), _numba(t, axes)
        _assert_same(found.features(order), kernels._scattered(location, order), order)
        weights = torch.randn(len(t), axes.n_basis, t.shape[1], generator=generator(0), dtype=dtype)
        assert found.take(weights)
        _assert_same(found.sums(weights, order), kernels._gathered(weights, location, order), order)


@every_axes
@pytest.mark.parametrize("degree", [0, 1, 3])
def test_what_is_not_a_number_goes_the_same_way(make_axes, degree):
    axes = make_axes(degree, torch.float64)
    t = torch.full((3, 4), 0.3, dtype=torch.float64)
    t[:, 0], t[:, 1], t[:, 2] = torch.nan, torch.inf, -torch.inf
    for order in range(3):
        expected, found = kernels._scattered(Location.of(t, axes), order), _numba(t, axes).features(order)
        assert torch.equal(found.isfinite(), expected.isfinite())
        torch.testing.assert_close(found[..., [0, 3]], expected[..., [0, 3]], equal_nan=True)


def test_no_samples_and_no_sources_give_empty_results():
    axes = _uniform(3, torch.float64)
    t = torch.zeros(3, 0, dtype=torch.float64)
    assert dense_features(t, axes).shape == (3, axes.n_basis, 0)
    assert local_sums(torch.zeros(3, axes.n_basis, 0, dtype=torch.float64), t, axes).shape == (3, 0)
    none = Axes.of([], 3)
    t = torch.zeros(0, 5, dtype=none.knots.dtype)
    assert dense_features(t, none).shape == (0, none.n_basis, 5)


@every_axes
@forward_mode
def test_gradients_of_all_orders_are_right(make_axes):
    axes = make_axes(4, torch.float64)
    t = uniform_inputs(3, 4, seed=2, low=-1.3, high=1.3).requires_grad_()
    weights = torch.randn(3, axes.n_basis, 4, generator=generator(1), dtype=torch.float64).requires_grad_()
    for function, arguments in (
        (lambda t: dense_features(t, axes), (t,)),
        (lambda w, t: local_sums(w, t, axes), (weights, t)),
        (lambda w, t: local_sums(w, t, axes, order=1), (weights, t)),
    ):
        assert torch.autograd.gradcheck(
            function, arguments, check_forward_ad=True, check_batched_grad=True, fast_mode=True
        )
        assert torch.autograd.gradgradcheck(function, arguments, check_fwd_over_rev=True, fast_mode=True)


@forward_mode
def test_tangents_and_transforms_are_left_to_pytorch():
    axes = _uniform(3, torch.float64)
    t = uniform_inputs(3, 20, seed=3, low=-1.3, high=1.3)
    slopes = _numba(t, axes).features(1)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(t, torch.ones_like(t))
        assert points.fast_points(dual, axes) is None
        torch.testing.assert_close(forward_ad.unpack_dual(dense_features(dual, axes)).tangent, slopes)
    _, along = torch.func.jvp(lambda t: dense_features(t, axes), (t,), (torch.ones_like(t),))
    torch.testing.assert_close(along, slopes)
    columns = torch.func.vmap(lambda t: dense_features(t[:, None], axes)[..., 0], in_dims=1, out_dims=2)(t)
    torch.testing.assert_close(columns, dense_features(t, axes))


def test_other_tensors_are_left_to_pytorch():
    axes = _uniform(3, torch.float64)
    t = torch.zeros(3, 5, dtype=torch.float64)
    assert points.fast_points(t.float(), axes) is None
    assert points.fast_points(t.half(), axes) is None
    assert points.fast_points(t.to("meta"), axes) is None
    assert points.fast_points(t[:1], axes) is None
    assert points.fast_points(t.clone().requires_grad_(), axes) is None
    weights = torch.zeros(3, axes.n_basis, 5, dtype=torch.float64)
    negated = torch.complex(weights, weights).conj().imag
    for other in (weights[:, 1:], weights.float(), weights.to("meta"), weights.clone().requires_grad_(), negated):
        assert not _numba(t, axes).take(other)


def test_layouts_in_memory_do_not_matter():
    axes = _uniform(3, torch.float64)
    t = uniform_inputs(20, 3, seed=4).T
    weights = torch.randn(20, axes.n_basis, 3, generator=generator(2), dtype=torch.float64).transpose(0, 2)
    plain = local_sums(weights.contiguous(), t.contiguous(), axes)
    assert torch.equal(local_sums(weights, t, axes), plain)
    wide = torch.ones((), dtype=torch.float64).expand_as(weights)
    torch.testing.assert_close(local_sums(wide, t, axes), torch.ones_like(plain), rtol=1e-14, atol=0)


def _features(threads: int = 1):
    axes = Axes.of([uniform_knots(6, 3)] * 7, 3)
    t = uniform_inputs(7, 700, seed=5, low=-1.2, high=1.2)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _numba(t, axes).features(0)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_the_number_of_threads_changes_no_bit(threads):
    assert torch.equal(_features(threads), _features())


def test_several_threads_may_call_at_once():
    expected = _features()
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(found, expected) for found in pool.map(_features, itertools.repeat(2, 40)))


def _send_features(connection) -> None:
    connection.send_bytes(_features(2).numpy().tobytes())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    expected = _features(2).numpy().tobytes()  # the pool is running
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_send_features, args=(there,))
    child.start()
    try:
        assert here.poll(20)
        assert here.recv_bytes() == expected
    finally:
        child.kill()
        child.join()


def test_without_numba_pytorch_computes_everything(monkeypatch):
    expected = _features()
    axes = Axes.of([uniform_knots(6, 3)] * 7, 3)
    t = uniform_inputs(7, 700, seed=5, low=-1.2, high=1.2)
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "kanscience.splines._fast")
    monkeypatch.delattr(kanscience.splines, "_fast")
    numba_kernels.cache_clear()
    try:
        assert points.fast_points(t, axes) is None
        torch.testing.assert_close(dense_features(t, axes), expected)
    finally:
        numba_kernels.cache_clear()


def test_few_points_never_wait_for_the_compiler(monkeypatch):
    monkeypatch.undo()
    axes = Axes.of([uniform_knots(6, 3)] * 2, 3)
    assert points.fast_points(torch.zeros(2, 1000, dtype=torch.float64), axes) is None
    assert points.fast_points(torch.zeros(2, points.FEWEST_POINTS // 2, dtype=torch.float64), axes) is not None
