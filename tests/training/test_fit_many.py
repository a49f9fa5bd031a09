"""Networks fitted side by side follow the steps that they follow alone."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from kanscience import MultKAN, OptionError, Penalty, fit, fit_many
from kanscience.training import Regression, _courses, normalised_weights
from kanscience.training._side_by_side import SideBySide
from kanscience.training._stack import Stack
from tests.helpers import generator, uniform_inputs
from tests.helpers_networks import KINDS, every_kind, inputs_of, state_of


def smooth_case(rows: int = 150, seed: int = 0):
    x = uniform_inputs(rows, 2, seed)
    return x, torch.sin(2 * x[:, 0]) + x[:, 1] ** 2


def seeds_of(width: list, count: int, **options) -> list[MultKAN]:
    return [MultKAN(width, grid=3, seed=seed, **options) for seed in range(count)]


def assert_alike(ours, alone, tolerance: float = 1e-5) -> None:
    for one, other in zip(ours, alone, strict=True):
        assert one.steps == other.steps
        assert one.status == other.status
        assert one.loss == pytest.approx(other.loss, rel=tolerance)


@every_kind
@pytest.mark.parametrize("shared", [True, False])
def test_a_stack_answers_as_its_members_do(kind, shared):
    problems, draw = [], generator(0)
    for member in range(3):
        network = KINDS[kind]()
        x = inputs_of(network, 40, seed=0 if shared else member)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter *= 1 + 0.3 * member
        y = torch.randn(40, network.n_outputs, dtype=network.dtype, generator=draw)
        problems.append(Regression(network, x, y, normalised_weights(y, None, 0.0)))
    if problems[0].structure is None:
        assert network.constant_names  # the one thing that is left alone
        return
    assert problems[0].structure == problems[1].structure
    stack, thetas = Stack(problems), [problem.start() for problem in problems]
    for problem, theta, loss, found in zip(
        problems, thetas, stack.losses(thetas), stack.normal_equations(thetas), strict=True
    ):
        expected = problem.normal_equations(theta)
        assert loss == pytest.approx(expected[0], rel=1e-12)
        assert found[0] == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-12 * np.abs(expected[1]).max())
        np.testing.assert_allclose(found[2], expected[2], rtol=0, atol=1e-12 * np.abs(expected[2]).max())


def test_sparse_products_serve_stacks_too():
    pytest.importorskip("numba")
    x, y = smooth_case(1000)
    problems = []
    for seed in range(3):
        network = MultKAN([2, (3, 1), 1], grid=30, seed=seed)
        network.layers[0].splines.adopt_domains_(x.T)
        problems.append(Regression(network, x, y[:, None], normalised_weights(y[:, None], None, 0.0)))
    assert problems[0].parts[0].sparse is not None
    thetas = [problem.start() for problem in problems]
    for problem, theta, found in zip(problems, thetas, Stack(problems).normal_equations(thetas), strict=True):
        _, rows = problem.linearize(theta)
        np.testing.assert_allclose(found[1], rows @ rows.T, rtol=0, atol=1e-12 * np.abs(found[1]).max())


@pytest.mark.parametrize("width", [[2, 3, 1], [2, (1, 2), 1]])
@pytest.mark.parametrize("threads", [1, 2])
def test_every_member_is_fitted_as_it_would_be_alone(width, threads):
    x, y = smooth_case()
    networks = seeds_of(width, 4)
    alone = copy.deepcopy(networks)
    reports = fit_many(networks, x, y, steps=10, threads=threads, seed=0)
    assert_alike(reports, [fit(network, x, y, steps=10) for network in alone])
    for network, other in zip(networks, alone, strict=True):
        torch.testing.assert_close(network(x), other(x), rtol=1e-4, atol=1e-4)


def test_with_levels_held_back_rows_and_seeds_of_their_own():
    x, y = smooth_case()
    options = {"valid": 0.2, "grids": (3, 5), "steps": 6}
    networks = seeds_of([2, 2, 1], 3)
    alone = copy.deepcopy(networks)
    reports = fit_many(networks, x, y, seed=5, **options)
    assert_alike(reports, [fit(network, x, y, seed=5 + k, **options) for k, network in enumerate(alone)])
    assert len({report.history[0].valid_loss for report in reports}) == 3


def test_each_with_a_penalty_of_its_own():
    x, y = smooth_case()
    penalties = [None, 1e-4, Penalty(1e-2, curvature=1)]
    networks = [MultKAN([2, 3, 1], seed=0) for _ in penalties]
    alone = copy.deepcopy(networks)
    reports = fit_many(networks, x, y, steps=15, penalty=penalties)
    assert_alike(reports, [fit(n, x, y, steps=15, penalty=p) for n, p in zip(alone, penalties, strict=True)])
    assert reports[0].loss < reports[2].loss


@pytest.mark.parametrize("frame", [False, True])
def test_each_on_rows_of_its_own(frame):
    x, y = smooth_case()
    draw = np.random.default_rng(0)
    rows = [draw.integers(0, len(x), len(x)), draw.integers(0, len(x), len(x)), draw.random(len(x)) < 0.5]
    networks = seeds_of([2, 2, 1], 3)
    alone = copy.deepcopy(networks)
    table = pd.DataFrame(x.numpy(), columns=["a", "b"]) if frame else x
    sigma = np.linspace(0.1, 0.2, len(x))
    reports = fit_many(networks, table, y.numpy() if frame else y, sigma=sigma, rows=rows, steps=10)
    expected = [
        fit(network, x[torch.as_tensor(its)], y[torch.as_tensor(its)], sigma=sigma[its], steps=10)
        for network, its in zip(alone, rows, strict=True)
    ]
    assert_alike(reports, expected)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_rows_of_a_frame_of_any_kind_keep_its_names(kind):
    x, y = smooth_case()
    networks = seeds_of([2, 2, 1], 2)
    alone = copy.deepcopy(networks)
    for network in (*networks, *alone):
        network.input_names = ("a", "b")
    rows = [np.arange(40), np.arange(len(x)) % 2 == 0]
    turned = kind({"b": x[:, 1].numpy(), "a": x[:, 0].numpy()})
    reports = fit_many(networks, turned, y, rows=rows, steps=5)
    expected = [
        fit(n, x[torch.as_tensor(its)], y[torch.as_tensor(its)], steps=5) for n, its in zip(alone, rows, strict=True)
    ]
    assert_alike(reports, expected)


def test_networks_of_other_structure_and_other_optimisers_are_right_too():
    x, y = smooth_case(60)
    networks = [MultKAN([2, 1], grid=3, seed=0), MultKAN([2, 2, 1], grid=3, seed=1), MultKAN([2, 2, 1], grid=4, seed=2)]
    alone = copy.deepcopy(networks)
    assert_alike(fit_many(networks, x, y, steps=8), [fit(network, x, y, steps=8) for network in alone])
    networks, alone = seeds_of([2, 2, 1], 2), seeds_of([2, 2, 1], 2)
    ours = fit_many(networks, x, y, steps=8, optimizer="lbfgs")
    assert_alike(ours, [fit(network, x, y, steps=8, optimizer="lbfgs") for network in alone])


def test_networks_of_one_structure_share_their_steps(monkeypatch):
    sizes = []
    monkeypatch.setattr(SideBySide, "__call__", lambda self, questions: sizes.append(len(questions)) or one(questions))
    one = _courses.one_by_one
    x, y = smooth_case(50)
    fit_many(seeds_of([2, 2, 1], 6), x, y, steps=8, threads=1)
    assert np.median(sizes) == 6


def test_a_callback_stops_each_network_and_ctrl_c_all_of_them():
    x, y = smooth_case()
    reports = fit_many(seeds_of([2, 2, 1], 3), x, y, steps=100, callbacks=lambda line: line.step >= 8)
    assert [report.status for report in reports] == ["stopped"] * 3

    def pressed(line):
        if line.step >= 8:
            raise KeyboardInterrupt

    for threads in (1, 2):
        networks = seeds_of([2, 2, 1], 4)
        reports = fit_many(networks, x, y, steps=100, callbacks=pressed, threads=threads)
        assert {report.status for report in reports} == {"interrupted"}
        assert all(network(x).isfinite().all() for network in networks)
        assert all(report.loss <= report.history[0].loss for report in reports)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_ctrl_c_ends_all_networks_of_first_order_methods(optimizer):
    x, y = smooth_case()
    presses = iter([True])

    def pressed(line):
        if line.step > 0 and next(presses, False):
            raise KeyboardInterrupt

    networks = seeds_of([2, 2, 1], 3)
    reports = fit_many(networks, x, y, optimizer=optimizer, steps=500, callbacks=pressed, threads=1)
    assert [report.status for report in reports] == ["interrupted"] * 3
    assert all(report.history[-1].step < 500 for report in reports)


def test_ctrl_c_while_an_answer_is_found_reaches_every_network(monkeypatch):
    answers = []

    def pressed(self, questions):
        answers.append(len(questions))
        if len(answers) == 7:
            raise KeyboardInterrupt
        return _courses.one_by_one(questions)

    monkeypatch.setattr(SideBySide, "__call__", pressed)
    x, y = smooth_case(50)
    reports = fit_many(seeds_of([2, 2, 1], 3), x, y, steps=100, threads=1)
    assert {report.status for report in reports} == {"interrupted"}
    assert len(answers) == 7


SAME = MultKAN([2, 1], seed=0)


@pytest.mark.parametrize(
    ("networks", "options", "says"),
    [
        ([], {}, "one network or more"),
        ([SAME, SAME], {}, "twice"),
        (seeds_of([2, 1], 2), {"penalty": [1e-3] * 3}, "3 entries for 2 networks"),
        (seeds_of([2, 1], 2), {"rows": [[0, 1]]}, "a list of 2 arrays, one for each network"),
        (seeds_of([2, 1], 2), {"rows": [[0.5], [1.0]]}, "indices or a mask"),
        (seeds_of([2, 1], 2), {"seed": -1}, "seed"),
        (seeds_of([2, 1], 2), {"threads": 0}, "threads"),
        ([SAME, "network"], {}, "network"),
    ],
)
def test_what_cannot_be_is_said_before_anything_changes(networks, options, says):
    x, y = smooth_case(30)
    before = state_of(SAME)
    with pytest.raises(OptionError, match=says):
        fit_many(networks, x, y, **options)
    assert all(torch.equal(tensor, before[name]) for name, tensor in state_of(SAME).items())
