"""The sums of a layer over rows of samples, compiled by numba, against those of PyTorch."""

import copy
import itertools
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from kanscience import _numba
from kanscience.splines import (
    Axes,
    dense_features,
    local_sums,
    quantile_knots,
    row_dot,
    row_forward,
    row_points,
    row_scatter,
    spline_sums,
    uniform_knots,
)
from kanscience.splines import _row_points as rows
from kanscience.splines import _team as team
from tests.helpers import generator, tolerance, uniform_inputs
from tests.helpers_networks import both_dtypes

pytest.importorskip("numba")

both_ways = pytest.mark.parametrize("dense_up_to", [0, 10**9], ids=["local", "dense"], indirect=True)


@pytest.fixture
def dense_up_to(request, monkeypatch):
    monkeypatch.setattr(rows, "DENSE_UP_TO", request.param)


@pytest.fixture(autouse=True)
def _numba_for_all_sizes(monkeypatch):
    monkeypatch.setattr(rows, "FEWEST_POINTS", 0)
    monkeypatch.setattr(rows, "FEWEST_DIFFERENTIATED", 0)


def _uniform(degree, dtype):
    return Axes.of([uniform_knots(grid, degree, dtype) for grid in (5, 1, 8)], degree)


def _uneven(degree, dtype):
    column = 2 * uniform_inputs(400, 1, seed=1, low=0)[:, 0] ** 3 - 1
    return Axes.of([quantile_knots(column, grid, degree, blend=0.2).to(dtype) for grid in (6, 1, 70)], degree)


every_axes = pytest.mark.parametrize("make_axes", [_uniform, _uneven])


def _points(axes, t):
    """Return the row points of t (source, sample) in [-1, 1]."""
    ends = torch.ones(len(t), dtype=t.dtype)
    found = row_points(t.T, -ends, ends, axes)
    assert found is not None
    return found


def _random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=dtype)


def _assert_same(found, expected):
    size = max(float(expected.abs().max()), 1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance(expected.dtype)["atol"] * size)


@both_ways
@every_axes
@both_dtypes
@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_dots_and_scatters_are_those_of_pytorch(make_axes, degree, dtype, weighted, dense_up_to):
    axes = make_axes(degree, dtype)
    t = uniform_inputs(3, 700, seed=2, low=-1.5, high=1.5).to(dtype)
    t[:, :2] = torch.tensor([1.0, -1.0])
    own = axes.has_function()[:, :, None]
    c, g = _random(3, axes.n_basis, 7, dtype=dtype) * own, _random(700, 7, dtype=dtype, seed=1)
    weights = _random(700, 3, dtype=dtype, seed=2) if weighted else None
    points = _points(axes, t)
    for order in range(3):
        features = dense_features(t, axes, order)
        weighed = features if weights is None else features * weights.T[:, None]
        _assert_same(points.forward(weights, c, order), spline_sums(weighed, c).T)
        _assert_same(points.scatter(weights, g, order) * own, (weighed.flatten(0, 1) @ g).view(c.shape) * own)
        to_features = (c.flatten(0, 1) @ g.T).unflatten(0, c.shape[:2])
        expected = local_sums(to_features, t, axes, order).T
        _assert_same(points.dot(c, g, order), expected)
        q, low = _random(700, 3, dtype=dtype, seed=3), _random(3, dtype=dtype, seed=4)
        high = low + 2 * torch.rand(3, generator=generator(5), dtype=dtype) + 0.1
        _assert_same(points.dot_in_units(q.clone(), c, g, order, low, high), (q + expected) / ((high - low) / 2))


@both_ways
@every_axes
@pytest.mark.parametrize("degree", [0, 1, 3])
def test_what_is_not_a_number_goes_the_same_way(make_axes, degree, dense_up_to):
    axes = make_axes(degree, torch.float64)
    t = torch.full((3, 4), 0.3, dtype=torch.float64)
    t[:, 0], t[:, 1], t[:, 2] = torch.nan, torch.inf, -torch.inf
    c = (
        torch.rand(3, axes.n_basis, 2, generator=generator(0), dtype=torch.float64) * axes.has_function()[:, :, None]
        + 0.1
    )
    for order in range(max(degree, 1)):  # of derivatives that are constants, PyTorch says nothing of the point
        found, expected = _points(axes, t).forward(None, c, order), spline_sums(dense_features(t, axes, order), c).T
        assert torch.equal(found[0].isnan(), expected[0].isnan())
        torch.testing.assert_close(found[3], expected[3])


@both_ways
@every_axes
def test_the_three_are_closed_under_differentiation(make_axes, dense_up_to):
    axes = make_axes(4, torch.float64)
    t = uniform_inputs(4, 3, seed=2, low=-1.3, high=1.3)
    points = _points(axes, t.T)
    w, c, g = _random(4, 3, seed=5), _random(3, axes.n_basis, 2, seed=6), _random(4, 2, seed=7)
    t, w, c, g = (x.requires_grad_() for x in (t, w, c, g))

    def moved(t):  # the points themselves follow t
        return _points(axes, t.detach().T)

    for function, arguments in (
        (lambda t, w, c: row_forward(t, w, c, moved(t), 0), (t, w, c)),
        (lambda t, c, g: row_dot(t, c, g, moved(t), 1), (t, c, g)),
        (lambda t, w, g: row_scatter(t, w, g, moved(t), 0), (t, w, g)),
    ):
        assert torch.autograd.gradcheck(function, arguments, check_batched_grad=True, fast_mode=True)
        assert torch.autograd.gradgradcheck(function, arguments, fast_mode=True)
    assert points.inside == bool((t.abs() <= 1).all())


def test_points_are_mapped_as_pytorch_does():
    axes = Axes.of([uniform_knots(5, 3)] * 3, 3)
    x, low, high = _random(50, 3, seed=8), _random(3, seed=9) - 3, _random(3, seed=10) + 3
    found = row_points(x, low, high, axes)
    assert found is not None
    assert torch.equal(found.t, (x - low) / ((high - low) / 2) - 1)
    for outside in (torch.nan, torch.inf, 1e9):
        x[17, 1] = outside
        found = row_points(x, low, high, axes)
        assert found is not None
        assert not found.inside


def test_no_samples_no_sources_and_no_targets_give_empty_sums():
    axes = _uniform(3, torch.float64)
    points = rows.RowPoints(
        torch.zeros(0, 3, dtype=torch.float64), axes, _numba.kernels("kanscience.splines._rows"), True
    )
    c = torch.zeros(3, axes.n_basis, 2, dtype=torch.float64)
    assert points.forward(None, c, 0).shape == (0, 2)
    assert not points.scatter(None, torch.zeros(0, 2, dtype=torch.float64), 0).any()
    points = _points(axes, torch.zeros(3, 5, dtype=torch.float64))
    assert points.forward(None, c[..., :0], 0).shape == (5, 0)
    assert not points.dot(c[..., :0], torch.zeros(5, 0, dtype=torch.float64), 0).any()


def test_other_tensors_are_left_to_pytorch():
    axes = _uniform(3, torch.float64)
    x, ends = torch.zeros(5, 3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    assert row_points(x, -ends, ends, axes) is not None
    negated = torch.complex(x, x).conj().imag
    for other in (x.float(), x.half(), x.to("meta"), negated):
        assert row_points(other, -ends, ends, axes) is None
        assert row_points(x, -ends, ends, axes, other) is None
    assert row_points(x[:, :1], -ends[:1], ends[:1], axes) is None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda axes: pickle.loads(pickle.dumps(axes))])
def test_copies_and_moved_memory_leave_the_kernels_right(copied):
    t, c = uniform_inputs(3, 40, seed=6, low=-1.2, high=1.2), _random(3, _uneven(3, torch.float64).n_basis, 2)
    expected = _points(_uneven(3, torch.float64), t).forward(None, c, 0)
    axes = _uneven(3, torch.float64)
    _points(axes, t).forward(None, c, 0)  # from here on the kernels know where the knots are
    assert torch.equal(_points(axes, t).forward(None, c, 0), expected)
    twin = copied(axes)
    assert not twin.tables
    assert torch.equal(_points(twin, t).forward(None, c, 0), expected)
    axes.knots.share_memory_()  # moves them under the same name
    assert torch.equal(_points(axes, t).forward(None, c, 0), expected)


def test_sums_are_added_to_any_layout():
    axes = _uniform(3, torch.float64)
    points, c, g = _points(axes, uniform_inputs(3, 40, seed=7)), _random(3, axes.n_basis, 2), _random(40, 2)
    q, low = _random(3, 40, seed=8).T, _random(3, seed=9)
    found = points.dot_in_units(q.clone(), c, g, 0, low, low + 3)
    torch.testing.assert_close(found, (q + points.dot(c, g, 0)) / 1.5)


def test_layouts_in_memory_do_not_matter():
    axes = _uniform(3, torch.float64)
    t, g = uniform_inputs(20, 3, seed=4), _random(2, 20).T
    points, c = _points(axes, t.T), _random(3, axes.n_basis, 2)
    sideways = c.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    assert torch.equal(_points(axes, t.T.contiguous()).forward(None, sideways, 0), points.forward(None, c, 0))
    assert torch.equal(points.scatter(None, g, 0), points.scatter(None, g.contiguous(), 0))


def _all_three(threads: int = 1):
    axes = Axes.of([uniform_knots(30, 3)] * 7, 3)
    points = _points(axes, uniform_inputs(7, 3000, seed=5, low=-1.2, high=1.2))
    c, g = _random(7, axes.n_basis, 3), _random(3000, 3, seed=1)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return torch.cat(
            [f.flatten() for f in (points.forward(None, c, 0), points.dot(c, g, 1), points.scatter(None, g, 0))]
        )
    finally:
        torch.set_num_threads(before)


@both_ways
@pytest.mark.parametrize("threads", [2, 3, 16])
def test_the_number_of_threads_changes_no_bit(threads, dense_up_to):
    assert torch.equal(_all_three(threads), _all_three())


def test_matrix_products_are_called_where_pytorch_has_the_library_and_nowhere_else(monkeypatch):
    assert all(team.products(single=True)) == any(team.products(single=True)) == any(team.products(single=False))
    axes = _uniform(3, torch.float64)
    points = _points(axes, uniform_inputs(3, 40, seed=7))
    assert points.is_dense == any(team.products(single=False))
    monkeypatch.setattr(team, "_forked", True)  # the library's threads did not live on
    assert team.products(single=False) == (0, 0)
    assert not points.is_dense


def test_threads_of_our_own_do_as_well(monkeypatch):
    monkeypatch.setattr(team, "_entry_of_openmp", lambda: None)
    assert torch.equal(_all_three(3), _all_three())


@both_ways
def test_several_threads_may_call_at_once(dense_up_to):
    expected = _all_three()
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(found, expected) for found in pool.map(_all_three, itertools.repeat(2, 40)))


def _send_sums(connection) -> None:
    torch.set_num_threads(1)  # PyTorch's own threads do not survive a fork
    axes = Axes.of([uniform_knots(30, 3)] * 7, 3)
    points = _points(axes, uniform_inputs(7, 3000, seed=5, low=-1.2, high=1.2))
    sums = torch.zeros(3000, 3, dtype=torch.float64)
    work = points._call("forward", 0, 3, coefficients=_random(7, axes.n_basis, 3), result=sums)
    team.run(*work, threads=2)
    connection.send_bytes(sums.numpy().tobytes())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    expected = _all_three(2)[:9000].numpy().tobytes()  # the threads are running
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_send_sums, args=(there,))
    child.start()
    try:
        assert here.poll(20)
        assert here.recv_bytes() == expected
    finally:
        child.kill()


@pytest.mark.parametrize(("grid", "dense"), [(5, True), (rows.DENSE_UP_TO - 3, True), (rows.DENSE_UP_TO - 2, False)])
def test_coarse_grids_take_one_product_and_fine_ones_the_functions_that_are_not_zero(grid, dense):
    axes = Axes.of([uniform_knots(grid, 3)] * 2, 3)
    assert _points(axes, torch.zeros(2, 5, dtype=torch.float64)).is_dense == dense
