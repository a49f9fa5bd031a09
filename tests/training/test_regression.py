"""Nonlinear regression of compiled laws: values, errors and correlations as scipy finds them, from far starts too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

import kanscience as ks
from kanscience.training._few_numbers import is_regression
from kanscience.training._projection import Projected, linear_numbers
from kanscience.training._regression import regression
from kanscience.training._trust_region import trust_region

DECAY = "a*exp(-k*t) + d"


def decay_data(rows: int = 60, noise: float = 0.05, seed: int = 0):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 3, rows)
    return t, 2 * np.exp(-1.3 * t) + 0.5 + noise * rng.normal(size=rows)


def decay(**start: float) -> ks.MultKAN:
    return ks.compile_formula(DECAY, ["t"], parameters=start or {"a": 1.0, "k": 1.0, "d": 0.0})


class Model:
    """Residuals of a function of numbers, its Jacobian by complex steps."""

    def __init__(self, model, y: np.ndarray) -> None:
        self.model, self.y, self.calls = model, y, 0

    def loss(self, theta):
        self.calls += 1
        residuals = self.model(theta) - self.y
        return float(residuals @ residuals)

    def linearize(self, theta):
        steps = 1e-30j * np.eye(len(theta))
        rows = [self.model(theta + step).imag / 1e-30 for step in steps]
        return self.model(theta) - self.y, np.array(rows)


def exponentials(count: int):
    t = np.linspace(0, 1.2, 100)
    return t, lambda p: sum(p[2 * i] * np.exp(-p[2 * i + 1] * t) for i in range(count))


# what the scientist sees


def test_correlations_and_chi2_are_those_of_the_covariance():
    t, y = decay_data()
    sigma = 0.02 + 0.03 * t
    for given_sigma in (None, 3 * sigma):
        report = ks.fit(decay(), t[:, None], y, sigma=given_sigma)
        absolute = given_sigma is not None
        model = lambda t, a, k, d: a * np.exp(-k * t) + d  # noqa: E731
        values, covariance = curve_fit(model, t, y, (1, 1, 0), given_sigma, absolute, ftol=1e-15, xtol=1e-15)
        errors = np.sqrt(np.diag(covariance))
        for i, a in enumerate("akd"):
            assert report.parameters[a].value == pytest.approx(values[i], rel=1e-6)
            assert report.parameters[a].error == pytest.approx(errors[i], rel=1e-4)
            for j, b in enumerate("akd"):
                assert report.correlations[a][b] == pytest.approx(covariance[i, j] / errors[i] / errors[j], abs=1e-4)
        residuals = (model(t, *values) - y) / (given_sigma if absolute else 1)
        assert report.freedom == 57
        assert report.chi2_per_freedom == pytest.approx(residuals @ residuals / 57, rel=1e-6)


def test_the_table_shows_values_errors_units_and_correlations():
    t, y = decay_data()
    network = ks.compile_formula(DECAY, ["t"], parameters={"a": (1.0, "m"), "k": (1.0, "1/s"), "d": 0.0})
    report = ks.fit(network, t[:, None], y)
    lines = str(report).splitlines()
    assert "chi2 per degree of freedom" in lines[1]
    assert "57 degrees of freedom" in lines[1]
    a, k, d = (line for line in lines if "±" in line)
    assert a.startswith(f"a = {report.parameters['a'].texts()[0]}")
    assert a.endswith(" m")
    assert f"{report.correlations['k']['a']:+.3f}" in k
    assert f"{report.correlations['d']['k']:+.3f}" in d
    assert "1/s" in k
    assert "±" in report._repr_html_()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1234.5678, 0.123, "1234.57 ± 0.12"),
        (2.5e-9, 3.1e-11, "2.500e-09 ± 3.1e-11"),
        (0.0, 0.5, "0.0 ± 0.5"),
        (240.0, 13.0, "240 ± 13"),
        (3.0, 0.0, "3 ± 0"),
    ],
)
def test_values_are_written_to_the_second_digit_of_their_errors(value, error, text):
    assert str(ks.training.Parameter(value, error)) == text


def test_a_name_is_one_number_however_often_it_occurs():
    network = ks.compile_formula("k*x + sin(k*y) + cos(k)", parameters={"k": 1.0})
    assert len(ks.to_graph(network).nodes_of("parameter")) == 1
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    y = 1.7 * x[:, 0] + np.sin(1.7 * x[:, 1]) + np.cos(1.7)
    report = ks.fit(network, x, y)
    assert report.parameters["k"].value == pytest.approx(1.7, rel=1e-12)


def test_what_the_data_do_not_determine_has_an_infinite_error_and_a_reason():
    t, y = decay_data(noise=0.01)
    network = ks.compile_formula("a*exp(-k*t + b) + d", ["t"], parameters={"a": 1.0, "k": 1.0, "b": 0.0, "d": 0.0})
    report = ks.fit(network, t[:, None], y)
    for name in "ab":
        assert report.parameters[name].error == np.inf
        assert "combination" in report.parameters[name].reason
        assert name not in report.correlations
    plain = ks.fit(decay(), t[:, None], y)
    for name in "kd":
        assert report.parameters[name].value == pytest.approx(plain.parameters[name].value, rel=1e-6)
        assert report.parameters[name].error == pytest.approx(plain.parameters[name].error, rel=1e-4)
    assert "combination" in str(report)


def test_numbers_stay_fixed_until_they_are_freed():
    t, y = decay_data(noise=0.0)
    law = ks.compile_formula("a*exp(-1.3*t) + 0.4", ["t"], parameters={"a": 1.0})
    held = ks.fit(law, t[:, None], y)
    assert held.loss > 1e-3
    freed = ks.freeze(law, trainable=True)
    assert ks.fit(freed, t[:, None], y).loss < 1e-9
    assert ks.fit(ks.freeze(law, "a"), t[:, None], y).parameters["a"].reason == "held fixed"


# which fits are regressions


def test_laws_of_few_numbers_are_regressions_and_curves_are_not():
    class Run:
        train, optimizer = type("Samples", (), {"y": torch.zeros(10, 1)}), "lm"

        def __init__(self, network):
            self.network = network

    law = decay()
    assert is_regression(Run(law))
    assert not is_regression(Run(ks.perturb(law)))
    assert not is_regression(Run(ks.freeze(law)))
    assert not is_regression(Run(ks.MultKAN([1, 1], seed=0)))


def test_steps_callbacks_and_held_back_rows_are_respected():
    t, y = decay_data()
    assert ks.fit(decay(), t[:, None], y, steps=3).steps == 3
    assert ks.fit(decay(), t[:, None], y, steps=0).steps == 0
    seen = []
    start = {"a": 1e3, "k": 1e-3, "d": -1e3}
    report = ks.fit(decay(**start), t[:, None], y, callbacks=[lambda line: seen.append(line) or len(seen) == 2])
    assert report.status == "stopped"
    assert seen[0].loss > seen[1].loss
    network = decay()
    report = ks.fit(network, t[:, None], y, valid=0.3, seed=0)
    assert report.valid_loss == min(line.valid_loss for line in report.history)


def test_a_start_without_a_finite_loss_changes_nothing():
    t, y = decay_data()
    network = decay(a=1.0, k=-1e6, d=0.0)
    report = ks.fit(network, t[:, None], y)
    assert report.status == "not finite"
    assert network.constants.tolist() == [1.0, -1e6, 0.0]


# dependable


@pytest.mark.parametrize(
    ("formula", "columns", "truth", "start"),
    [
        ("q*b*p/(1 + b*p)", (1e3, 5e5), {"q": 6.4, "b": 2.1e-5}, (1, 1)),
        ("v*p/(k + p)", (2e-2, 1.1), {"v": 212.0, "k": 0.064}, (1, 10)),
        ("a*exp(-e/(8.314462618*p))", (500, 800), {"a": 3.4e11, "e": 1.03e5}, (1e9, 5e4)),
        ("c*exp(-b*exp(-r*p))", (0, 25), {"c": 83.0, "b": 6.0, "r": 0.25}, (1000, 1, 0.02)),
        (
            "a*(p**2 + b*p)/(p**2 + c*p + d)",
            (0.06, 4),
            {"a": 0.193, "b": 0.19, "c": 0.123, "d": 0.136},
            (25, 39, 41, 39),
        ),
    ],
)
def test_far_starts_arrive(formula, columns, truth, start):
    x = np.linspace(*columns, 40)[:, None]
    exact = ks.compile_formula(formula, ["p"], parameters=truth).predict(x)
    y = exact + 0.01 * exact.std() * np.random.default_rng(0).normal(size=40)
    near = ks.fit(ks.compile_formula(formula, ["p"], parameters=truth), x, y)
    far = ks.compile_formula(formula, ["p"], parameters=dict(zip(truth, map(float, start), strict=True)))
    report = ks.fit(far, x, y)
    assert report.loss == pytest.approx(near.loss, rel=1e-6)
    for name in truth:
        assert report.parameters[name].value == pytest.approx(near.parameters[name].value, rel=1e-6)


@settings(max_examples=6, deadline=None)
@given(st.integers(-30, 30), st.integers(-30, 30), st.integers(-20, 20))
def test_units_by_powers_of_two_give_the_same_steps(value, amplitude, time):
    t, y = decay_data()
    one = decay(a=1.0, k=1.0, d=0.25)
    other = decay(a=2.0**value, k=2.0**time, d=0.25 * 2.0**value)
    first, second = ks.fit(one, t[:, None], y), ks.fit(other, t[:, None] * 2.0**-time, y * 2.0**value)
    assert first.steps == second.steps
    scales = np.array([2.0**value, 2.0**time, 2.0**value])
    np.testing.assert_array_equal(one.constants.detach().numpy() * scales, other.constants.detach().numpy())


# the pieces


def test_nearly_collinear_exponentials_come_back_exactly():
    t, model = exponentials(3)
    truth = np.array([0.0951, 1.0, 0.8607, 3.0, 1.5576, 5.0])
    problem = Model(model, model(truth))
    found = trust_region(problem, np.array([1.2, 0.3, 5.6, 5.5, 6.5, 7.6]), steps=500)
    assert found.status == "converged"
    order = np.argsort(found.theta[1::2])
    np.testing.assert_allclose(found.theta[1::2][order], truth[1::2], rtol=1e-4)


def test_every_step_lowers_the_loss_and_none_leaves_the_radius_for_nothing():
    t, model = exponentials(2)
    problem, losses = Model(model, model([1.0, 1.0, 2.0, 3.0])), []
    found = trust_region(problem, np.array([5.0, 0.1, 5.0, 9.0]), steps=200, callback=lambda s: losses.append(s.loss))
    assert losses == sorted(losses, reverse=True)
    assert found.loss == losses[-1] < 1e-15
    assert found.step == len(losses)


def test_a_number_that_nothing_depends_on_stays():
    t = np.linspace(0, 1, 20)
    problem = Model(lambda p: p[0] * t + 0 * p[1], 3 * t)
    found = trust_region(problem, np.array([1.0, 7.0]), steps=50)
    np.testing.assert_allclose(found.theta, [3, 7])


def test_zero_is_a_start_like_any_other():
    t = np.linspace(0, 1, 20)
    found = trust_region(Model(lambda p: p[0] * t + p[1], 3 * t - 2), np.zeros(2), steps=50)
    np.testing.assert_allclose(found.theta, [3, -2])


def test_a_cliff_of_nan_is_never_stepped_over():
    t = np.linspace(1, 2, 20)

    def model(p):
        return p[0] * np.sqrt(t - p[1]) if np.real(p[1]) < 0.9 else np.full(20, np.nan) + 0 * p[0]

    found = trust_region(Model(model, 2 * np.sqrt(t - 0.95)), np.array([1.0, -3.0]), steps=100)
    assert np.isfinite(found.loss)
    assert found.theta[1] < 0.9
    start = np.array([1.0, 0.95])
    assert trust_region(Model(model, t), start, steps=5).status == "not finite"


def test_columns_that_were_long_at_the_start_do_not_end_the_search():
    t = np.linspace(1, 8, 30)
    problem = Model(lambda p: p[0] * t ** p[1], 0.77 * t**3.86)
    found = trust_region(problem, np.array([5.0, 30.0]), steps=500)
    np.testing.assert_allclose(found.theta, [0.77, 3.86], rtol=1e-8)


def test_linear_numbers_are_those_that_do_not_multiply_each_other():
    t = np.linspace(0, 2, 30)
    problem = Model(lambda p: p[0] * np.exp(-p[1] * t) + p[2] * t + p[3] * p[4] * t**2, np.ones(30))
    linear = linear_numbers(problem, np.array([1.0, 0.5, 2.0, 3.0, 0.0]))
    assert linear[[0, 2]].all()
    assert not linear[1]
    assert linear[3:].sum() == 1


def test_the_projected_jacobian_is_that_of_the_best_amplitudes_near_the_minimum():
    t, model = exponentials(2)
    problem = Model(model, model([1.0, 1.0, 2.0, 3.0]))  # residuals vanish there, and with them Kaufman's neglect
    linear = np.array([True, False, True, False])
    projected = Projected(problem, np.array([5.0, 1.0, 5.0, 3.0]), linear)
    np.testing.assert_allclose(projected.full(np.array([1.0, 3.0])), [1, 1, 2, 3], rtol=1e-9)
    rates = np.array([1.0, 3.0])
    _, rows = projected.linearize(rates)
    for i, step in enumerate(1e-6 * np.eye(2)):
        difference = projected.linearize(rates + step)[0] - projected.linearize(rates - step)[0]
        np.testing.assert_allclose(rows[i], difference / 2e-6, atol=1e-6)


def test_amplitudes_that_run_off_against_each_other_are_tried_again_without_them():
    t = np.linspace(2e-2, 1.1, 30)
    problem = Model(lambda p: p[0] * t / (p[1] + t), 212 * t / (0.064 + t))
    start = np.array([1.0, 10.0])
    alone = trust_region(problem, start, steps=500)
    assert alone.loss > 1
    variance = float(((problem.y - problem.y.mean()) ** 2).sum())
    np.testing.assert_allclose(regression(problem, start, steps=1000, doubtful=0.1 * variance).theta, [212, 0.064])
    assert regression(problem, start, steps=alone.step, doubtful=0.1 * variance).loss == alone.loss  # no steps are left


def test_a_power_keeps_its_slope_of_one_where_its_scale_is_free():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 3, (100, 2))
    y = 0.2 * X[:, 0] + 0.02 * X[:, 1] ** 2 + 0.05 * rng.normal(size=100)
    graph = ks.formula_graph("k*x + load**2/40", ["x", "load"], parameters={"k": 0.1})
    network = ks.freeze(ks.from_graph(graph), trainable=True)
    report = ks.fit(network, X, y)
    [(power,)] = [terms for *_, terms in ks.to_graph(network).functions() if terms[0].function == "power"]
    assert (power.slope.value, power.trainable) == (1, True)
    assert power.scale.value == pytest.approx(0.02, abs=0.02)  # over so short a range the shift makes up for much of it
    assert report.loss == pytest.approx(0.05, rel=0.2)  # the noise: its own estimate scatters by 7 %
    assert report.parameters["k"].value == pytest.approx(0.2, abs=3 * report.parameters["k"].error)
