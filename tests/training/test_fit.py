"""What a fit promises, whatever the optimiser."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from kanscience import MultKAN, OptionError, Penalty, attribution, fit, from_graph, trace
from kanscience.graph import Graph, Term
from tests.helpers import uniform_inputs
from tests.helpers_networks import KINDS, inputs_of, state_of

OPTIMIZERS = ["lm", "lbfgs", "adam"]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)
SHORT = {"lm": 20, "lbfgs": 60, "adam": 120}


def smooth_case(rows: int = 150, seed: int = 0):
    x = uniform_inputs(rows, 2, seed)
    return x, torch.sin(2 * x[:, 0]) + x[:, 1] ** 2


def same_state(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@every_optimizer
def test_it_learns(optimizer):
    x, y = smooth_case()
    network = MultKAN([2, 2, 1], grid=3, seed=0)
    report = fit(network, x, y, optimizer=optimizer, seed=0, steps=2 * SHORT[optimizer])
    floor = {"lm": 1e-2, "lbfgs": 3e-2, "adam": 0.2}[optimizer]
    assert report.loss < floor * y.std().item()
    assert report.optimizer == optimizer
    residual = (network(x)[:, 0] - y).detach()
    assert report.loss == pytest.approx(residual.square().mean().sqrt().item(), rel=1e-9)
    assert report.history[0].loss >= report.loss
    assert report.history[-1].step == report.steps


@every_optimizer
def test_the_same_seed_gives_the_same_bits(optimizer):
    x, y = smooth_case()
    results = []
    for _ in range(2):
        network = MultKAN([2, (2, 1), 1], seed=0)
        options = {"batch_size": 40} if optimizer == "adam" else {}
        steps = SHORT[optimizer] // 3
        report = fit(network, x, y, valid=0.2, optimizer=optimizer, steps=steps, seed=3, restarts=1, **options)
        results.append((state_of(network), [(line.loss, line.valid_loss) for line in report.history]))
    assert same_state(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


def test_inference_mode_changes_no_bit():
    x = uniform_inputs(60, 1, seed=0)
    reports = [fit(MultKAN([1, 1], seed=0), x, torch.exp(x), valid=0.2, steps=20, seed=0)]
    with torch.inference_mode():
        reports.append(fit(MultKAN([1, 1], seed=0), x, torch.exp(x), valid=0.2, steps=20, seed=0))
    assert reports[0].loss == reports[1].loss
    assert [line.loss for line in reports[0].history] == [line.loss for line in reports[1].history]


def test_a_fit_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    x, y = smooth_case(30)
    fit(MultKAN([2, 1], seed=0), x, y, steps=2, valid=0.2)
    assert torch.equal(torch.get_rng_state(), before)


@every_optimizer
@pytest.mark.parametrize("power", [-20, 20])
def test_columns_rescaled_by_powers_of_two_give_the_same_bits(optimizer, power):
    x, y = smooth_case()
    scale = torch.tensor([2.0**power, 2.0**-power], dtype=torch.float64)
    one, other = (MultKAN([2, 2, 1], grid=4, seed=0) for _ in range(2))
    options = {"optimizer": optimizer, "steps": SHORT[optimizer] // 2, "seed": 0, "valid": 0.2}
    grids = {"grids": (4, 6), "shrink": False} if optimizer == "lm" else {}
    fit(one, x, y, **options, **grids)
    fit(other, x * scale, y, **options, **grids)
    test = uniform_inputs(50, 2, seed=9)
    assert torch.equal(one(test), other(test * scale))


@pytest.mark.parametrize("power", [-6, 6])
def test_columns_rescaled_by_other_factors_give_the_same_fit(power):
    x, y = smooth_case(300)
    test, truth = smooth_case(500, seed=1)
    scale = torch.tensor([10.0**power, 3.7 * 10.0**-power], dtype=torch.float64)
    errors = []
    for factor in (torch.ones(2, dtype=torch.float64), scale):
        network = MultKAN([2, 1], grid=5, seed=0)  # one minimum: it converges
        fit(network, x * factor, y)
        errors.append((network(test * factor)[:, 0] - truth).detach().square().mean().sqrt().item())
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


@pytest.mark.parametrize(("factor", "offset"), [(1e6, 0.0), (1e-9, 0.0), (2.0, 1e4), (-3e-7, 5e-5)])
def test_targets_in_another_unit_and_from_another_zero_give_the_same_fit(factor, offset):
    x, y = smooth_case(100)
    plain, other = MultKAN([2, 2, 1], seed=0), MultKAN([2, 2, 1], seed=0)
    one, same = fit(plain, x, y, steps=12).loss, fit(other, x, factor * y + offset, steps=12).loss / abs(factor)
    assert same == pytest.approx(one, rel=0.02) or factor < 0  # a sign is no unit: another start
    assert same < 10 * one


@every_optimizer
@pytest.mark.parametrize("power", [-30, 30])
def test_targets_rescaled_by_powers_of_two_give_the_same_bits(optimizer, power):
    x, y = smooth_case(100)
    one, other = MultKAN([2, (1, 1), 1], seed=0), MultKAN([2, (1, 1), 1], seed=0)
    fit(one, x, y, optimizer=optimizer, steps=12)
    fit(other, x, y * 2.0**power, optimizer=optimizer, steps=12)
    assert torch.equal(one(x) * 2.0**power, other(x))


def test_a_product_of_quantities_in_wild_units():
    x = uniform_inputs(200, 2, seed=0, low=0.5, high=1.5) * torch.tensor([6e3, 1e-7])
    y = x[:, 0] * x[:, 1] * 1e12
    report = fit(MultKAN([2, (0, 1), 1], grid=3, seed=0), x, y, steps=60)
    assert report.loss < 1e-4 * y.std().item()


@every_optimizer
def test_the_best_network_on_the_held_back_rows_is_returned(optimizer):
    generator = torch.Generator().manual_seed(0)
    x, y = smooth_case(60)
    y = y + 0.3 * torch.randn(60, generator=generator, dtype=torch.float64)  # noise that can be learned by heart
    network = MultKAN([2, 3, 1], grid=10, seed=0)
    report = fit(network, x, y, valid=smooth_case(80, seed=1), optimizer=optimizer, steps=2 * SHORT[optimizer])
    seen = [line.valid_loss for line in report.history]
    assert report.valid_loss is not None
    assert report.valid_loss <= min(seen) * (1 + 1e-12)


def test_validation_chooses_among_grids_and_never_stops_at_the_first_that_does_not_help():
    x = uniform_inputs(60, 1, seed=0)
    y = torch.sin(3 * x[:, 0])
    network = MultKAN([1, 1], grid=3, seed=0)
    report = fit(network, x, y, valid=(x + 0.01, torch.sin(3 * (x[:, 0] + 0.01))), grids=(3, 6, 12, 24, 48))
    assert {line.grid[0] for line in report.history} == {3, 6, 12, 24, 48}
    assert report.valid_loss == min(line.valid_loss for line in report.history if line.valid_loss is not None)


def test_grid_extension_lowers_the_loss_level_by_level():
    x = uniform_inputs(400, 1, seed=0)
    y = torch.sin(9 * x[:, 0])
    report = fit(MultKAN([1, 1], grid=5, seed=0), x, y, grids=(5, 10, 20))
    last = {line.grid: line.loss for line in report.history}
    assert last[(20,)] < 0.05 * last[(10,)] < 0.05 * 0.2 * last[(5,)]
    assert report.grid == (20,)


def interrupt_after(step: int):
    """Return a callback that presses Ctrl-C, and again whenever it is asked."""

    def callback(line):
        if line.step >= step:
            raise KeyboardInterrupt

    return callback


@every_optimizer
def test_an_interrupt_leaves_a_usable_network(optimizer):
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], seed=0)

    report = fit(network, x, y, optimizer=optimizer, callbacks=[interrupt_after(1)])
    assert report.status == "interrupted"
    assert network(x).isfinite().all()
    assert report.loss <= report.history[0].loss
    assert report.loss == pytest.approx((network(x)[:, 0] - y).detach().square().mean().sqrt().item())
    assert np.isfinite(fit(network, x, y, optimizer=optimizer, steps=3).loss)


@every_optimizer
def test_a_callback_can_stop_and_all_of_them_are_told(optimizer):
    x, y = smooth_case()
    seen = []
    callbacks = [lambda line: line.step >= 10, lambda line: seen.append(line.step)]
    report = fit(MultKAN([2, 3, 1], seed=0), x, y, optimizer=optimizer, callbacks=callbacks, steps=1000)
    assert report.status == "stopped"
    assert report.steps <= 110
    assert seen[0] == 0
    assert len(seen) == len(report.history)


@every_optimizer
def test_a_start_that_is_not_finite_is_reported_and_left_alone(optimizer):
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], seed=0)
    with torch.no_grad():
        network.layers[1].splines.trained_base_weights[0] = torch.nan
    before = state_of(network)
    report = fit(network, x, y, optimizer=optimizer)
    assert report.status == "not finite"
    after = network.state_dict()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, rtol=0, atol=0, equal_nan=True, msg=name)


@every_optimizer
def test_poles_met_on_the_way_never_leave_a_network_of_nan(optimizer):
    graph = Graph()
    total = graph.add_sum(bias=0.0, trainable=True)
    graph.add_function(graph.add_input("x"), total, Term.of("log", slope=1.0, shift=1.2, trainable=True))
    graph.add_output("f", total)
    network = from_graph(graph)
    x = uniform_inputs(50, 1, seed=0)
    report = fit(network, x, torch.log(x[:, 0] + 1.0001), optimizer=optimizer, steps=100)
    assert np.isfinite(report.loss)
    assert network(x).isfinite().all()
    assert report.loss < report.history[0].loss


def test_fitting_goes_on_from_where_the_network_stands():
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], seed=0)
    first = fit(network, x, y, steps=5)
    second = fit(network, x, y, steps=5)
    assert second.history[0].loss == pytest.approx(first.loss)
    assert second.loss < first.loss


def test_no_steps_change_nothing_but_open_domains():
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], seed=0)
    before = copy.deepcopy(network)
    report = fit(network, 10 * x, y, steps=0)
    assert report.steps == 0
    assert torch.equal(network.layers[0].splines.coefficients, before.layers[0].splines.coefficients)
    assert network.layers[0].splines.high[0] == 10 * x[:, 0].max()


def test_restarts_find_what_one_start_misses_and_keep_symbols():
    x, y = smooth_case(100)
    one = fit(MultKAN([2, 1, 1], seed=0), x, y, seed=0, steps=10)
    more = fit(MultKAN([2, 1, 1], seed=0), x, y, seed=0, restarts=3, steps=10)
    assert more.loss <= one.loss
    network = KINDS["mixed"]()
    terms = [layer.terms.fixed_scale.clone() for layer in network.layers]
    inputs = inputs_of(network, 80)
    fit(network, inputs, network(inputs).detach(), restarts=1, steps=3, seed=0)
    assert all(torch.equal(layer.terms.fixed_scale, its) for layer, its in zip(network.layers, terms, strict=True))


@every_optimizer
@pytest.mark.parametrize("kind", ["mixed", "symbolic", "products"])
def test_frozen_and_missing_numbers_stay_and_the_structure_too(kind, optimizer):
    network = KINDS[kind]()
    x = inputs_of(network, 80)
    fixed = {name: buffer.clone() for name, buffer in network.named_buffers() if ".fixed_" in name}
    masks = {
        name: buffer.clone() for name, buffer in network.named_buffers() if "active" in name or "trainable" in name
    }
    target = network(x).detach() + 0.1 * torch.sin(5 * x[:, :1])

    def misfit():  # outputs of any size count alike
        return ((network(x) - target) / target.std(dim=0)).detach().square().mean().item()

    before = misfit()
    fit(network, x, target, optimizer=optimizer, steps=SHORT[optimizer], move_knots=False)
    assert misfit() < before
    for name, buffer in network.named_buffers():
        if name in fixed:
            assert torch.equal(buffer, fixed[name])
        if name in masks:
            assert torch.equal(buffer, masks[name])


def test_hidden_knots_follow_their_ranges_unless_told_to_stay():
    x, y = smooth_case()
    moving, still = MultKAN([2, 3, 1], seed=0), MultKAN([2, 3, 1], seed=0)
    fit(moving, x, 10 * y, steps=40)
    hidden, splines = trace(moving, x).nodes[1], moving.layers[1].splines
    low, high = hidden.min(dim=0).values, hidden.max(dim=0).values
    common = torch.minimum(high, splines.high) - torch.maximum(low, splines.low)
    assert (common / (high - low)).min() > 0.8  # a move that serves worse is taken back: not always all of it
    assert (common / (splines.high - splines.low)).min() > 0.6
    fit(still, x, 10 * y, steps=0)
    low = still.layers[1].splines.low.clone()
    fit(still, x, 10 * y, steps=20, move_knots=False)
    assert torch.equal(still.layers[1].splines.low, low)


def test_a_given_domain_stays_unless_it_may_move():
    x, y = smooth_case()
    network = MultKAN([2, 2, 1], domain=(-5, 5), seed=0)
    fit(network, x, y, steps=10)
    assert network.layers[0].splines.low.tolist() == [-5, -5]
    fit(network, x, y, steps=10, move_knots=True)
    assert network.layers[0].splines.low.min() > -1.5


def test_an_l1_penalty_removes_an_irrelevant_input():
    x = uniform_inputs(300, 3, seed=0)
    y = x[:, 0] ** 2 + 0.5 * torch.sin(2 * x[:, 1])
    network = MultKAN([3, 2, 1], grid=3, seed=0)
    fit(network, x, y, penalty=Penalty(1e-4), steps=60)
    scores = attribution(network, trace(network, x)).nodes[0]
    assert scores[2] < 0.01
    assert scores[:2].min() > 0.2


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_penalties_are_not_dropped_by_the_other_optimizers(optimizer):
    x, y = smooth_case()
    plain, pulled = MultKAN([2, 2, 1], seed=0), MultKAN([2, 2, 1], seed=0)
    options = {"optimizer": optimizer, "steps": SHORT[optimizer] // 2, "seed": 0}
    fit(plain, x, y, **options)
    fit(pulled, x, y, penalty=Penalty(0.3, l1=0, entropy=0, curvature=1), **options)

    def wiggle(network):
        inputs = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(network(inputs).sum(), inputs, create_graph=True)
        return torch.autograd.grad(slope.sum(), inputs)[0].square().mean().item()

    assert wiggle(pulled) < 0.7 * wiggle(plain)


# losses of one's own


def test_a_vector_loss_is_least_squares_and_a_scalar_is_minimised_as_it_is():
    x, y = smooth_case()

    def residuals(network):
        return network(x)[:, 0] - y

    def mean_square(network):
        return residuals(network).square().mean()

    for loss, optimizer in ((residuals, "lm"), (mean_square, "lbfgs")):
        network = MultKAN([2, 2, 1], domain=(-1, 1), seed=0)
        report = fit(network, None, None, loss=loss, steps=2 * SHORT[optimizer])
        assert report.optimizer == optimizer
        assert residuals(network).detach().square().mean().sqrt() < 0.05
        assert report.history[-1].loss == report.loss < report.history[0].loss
    network = MultKAN([2, 3, 1], domain=(-1, 1), seed=0)
    assert fit(network, None, None, loss=residuals, optimizer="adam", steps=SHORT["adam"]).loss < 0.4


def test_a_differential_equation_as_a_loss():
    # u'' = -u with u(0) = 0, u'(0) = 1: the sine.
    t = torch.linspace(0, 3, 60, dtype=torch.float64)[:, None]

    def residuals(network):
        s = t.clone().requires_grad_()
        u = network(s)
        (slope,) = torch.autograd.grad(u.sum(), s, create_graph=True)
        (second,) = torch.autograd.grad(slope.sum(), s, create_graph=True)
        return torch.cat([(second + u)[:, 0], 10 * u[0], 10 * (slope[0] - 1)])

    network = MultKAN([1, 1], grid=10, degree=5, domain=(0, 3), seed=0)
    report = fit(network, None, None, loss=residuals)
    assert report.optimizer == "lm"
    torch.testing.assert_close(network(t), torch.sin(t), rtol=0, atol=1e-5)


def test_an_interrupt_keeps_what_a_loss_of_ones_own_has_reached():
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], domain=(-1, 1), seed=0)

    report = fit(network, None, None, loss=lambda n: n(x)[:, 0] - y, callbacks=[interrupt_after(11)])
    assert report.status == "interrupted"
    assert (network(x)[:, 0] - y).detach().square().mean().sqrt() < 0.5 * report.history[0].loss


def test_restarts_count_with_a_loss_of_ones_own():
    x, y = smooth_case(40)

    def run(restarts):
        network = MultKAN([2, 1, 1], grid=2, domain=(-1, 1), seed=0)
        return fit(network, None, None, loss=lambda n: n(x)[:, 0] - y, seed=0, restarts=restarts, steps=4).loss

    assert run(3) < run(0)


# ordinary data that is not tidy


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows_are_fitted(rows):
    x, y = smooth_case(rows)
    network = MultKAN([2, 2, 1], seed=0)
    report = fit(network, x, y)
    assert report.loss < 1e-3
    assert network(x).isfinite().all()
    assert network(x + 0.1).isfinite().all()


@pytest.mark.parametrize("value", [0.0, 118.0, -1e-12])
def test_constant_and_duplicate_columns_are_ordinary(value):
    x = uniform_inputs(100, 1, seed=0)
    y = torch.sin(2 * x[:, 0])
    columns = torch.cat([x, torch.full_like(x, value), x], dim=1)
    network = MultKAN([3, 2, 1], seed=0)
    report = fit(network, columns, y, steps=30)
    assert report.loss < 1e-2
    assert network(columns).isfinite().all()


@pytest.mark.parametrize("value", [0.0, 5e7, -3e-9])
def test_constant_targets_are_ordinary(value):
    x, _ = smooth_case(40)
    report = fit(MultKAN([2, 2, 1], seed=0), x, torch.full((40,), value, dtype=torch.float64), steps=20)
    assert report.loss <= 1e-4 * (abs(value) or 1)


def test_float32_networks_learn_too():
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], seed=0, dtype=torch.float32)
    report = fit(network, x, y, steps=30)
    assert report.loss < 1e-2
    assert network.dtype == torch.float32


def test_several_outputs_of_several_sizes_are_all_fitted():
    x, y = smooth_case()
    targets = torch.stack([1e6 * y, 1e-6 * torch.cos(x[:, 0])], dim=1)
    network = MultKAN([2, 3, 2], seed=0)
    fit(network, x, targets, steps=30)
    errors = (network(x) - targets).detach().square().mean(dim=0).sqrt() / targets.std(dim=0)
    assert errors.max() < 5e-2


def test_frames_and_arrays_are_fitted_alike():
    import pandas as pd

    x, y = smooth_case()
    frame = pd.DataFrame(x.numpy(), columns=["x1", "x2"])
    networks = [MultKAN([2, 2, 1], seed=0) for _ in range(4)]
    fit(networks[0], x, y, steps=5)
    fit(networks[1], x.numpy(), y.numpy()[:, None], steps=5)
    fit(networks[2], frame[["x2", "x1"]], pd.Series(y.numpy()), steps=5)
    fit(networks[3], x.tolist(), y.tolist(), steps=5)
    for network in networks[1:]:
        assert same_state(network.state_dict(), networks[0].state_dict())


def test_a_report_reads_well():
    x, y = smooth_case(50)
    report = fit(MultKAN([2, 2, 1], seed=0), x, y, valid=0.2, seed=0, steps=9)
    assert str(report).splitlines()[0].startswith("lm: ")
    assert "validation" in str(report)
    assert report._repr_html_().startswith("<pre>")


@every_optimizer
def test_what_pytorch_has_frozen_stays(optimizer):
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], seed=0)
    fit(network, x, y, steps=5, progress=False)
    network.layers[0].requires_grad_(False)
    before = copy.deepcopy(network.layers[0].state_dict())
    fit(network, x, y, steps=SHORT[optimizer], optimizer=optimizer, move_knots=False, progress=False)
    assert same_state(before, network.layers[0].state_dict())
    network.requires_grad_(False)
    before = state_of(network)
    fit(network, x, y, steps=5, optimizer=optimizer, move_knots=False, progress=False)
    assert same_state(before, state_of(network))


def test_what_pytorch_has_frozen_stays_under_a_loss_of_ones_own():
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], domain=(-1, 1), seed=0)
    network.layers[0].requires_grad_(False)
    before = copy.deepcopy(network.layers[0].state_dict())
    report = fit(network, None, None, loss=lambda its: its(x)[:, 0] - y, steps=5)
    assert report.loss < report.history[0].loss
    assert same_state(before, network.layers[0].state_dict())
    assert "RMSE" not in str(report)


@pytest.mark.parametrize("answer", [True, np.True_])
def test_a_callback_stops_with_either_kind_of_true(answer):
    x, y = smooth_case()
    report = fit(MultKAN([2, 3, 1], seed=0), x, y, steps=50, callbacks=lambda line: answer)
    assert report.status == "stopped"


def test_a_network_takes_the_names_of_a_frame_and_finds_its_columns_by_them():
    x, y = smooth_case()
    frame = pd.DataFrame(x.numpy(), columns=["a", "b"])
    network = MultKAN([2, 3, 1], seed=0)
    fit(network, frame, y, steps=10, progress=False)
    assert network.input_names == ("a", "b")
    np.testing.assert_array_equal(network.predict(frame[["b", "a"]]), network.predict(frame))


@pytest.mark.parametrize(
    "option",
    [{"penalty": Penalty(1e-3)}, {"valid": 0.2}, {"sigma": 0.1}, {"shrink": True}, {"move_knots": True}],
    ids=lambda o: next(iter(o)),
)
def test_options_of_rows_are_refused_with_a_loss_of_ones_own(option):
    network = MultKAN([1, 1], domain=(-1, 1), seed=0)
    with pytest.raises(OptionError, match=next(iter(option))):
        fit(network, None, None, loss=lambda n: n(torch.zeros(1, 1, dtype=torch.float64))[0], **option)


def test_a_refused_fit_changes_nothing():
    x, y = smooth_case()
    network = MultKAN([2, 3, 1], seed=0)
    before = state_of(network)
    with pytest.raises(OptionError):
        fit(network, 1000 * x, y, penalty=Penalty(1e-3, curvature=(1.0,)))
    assert same_state(before, state_of(network))


@pytest.mark.parametrize(
    ("inputs", "targets", "names"),
    [
        (pd.DataFrame(np.eye(3)[:, :2]), pd.Series([1.0, 2.0, 3.0]), (("x1", "x2"), ("y",))),  # numbers are no names
        (pl.DataFrame({"a": [0, 1, 2], "b": [1, 1, 2]}), pl.Series("force", [1.0, 2.0, 3.0]), (("a", "b"), ("force",))),
    ],
)
def test_networks_take_the_names_that_frames_have(inputs, targets, names):
    network = MultKAN([2, 1], grid=2, seed=0)
    fit(network, inputs, targets, steps=2)
    assert (network.input_names, network.output_names) == names
    assert network.predict(inputs).shape == (3,)
