"""Values, standard errors and scatter against scipy, on laws with named constants."""

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from kanscience import MultKAN, fit, from_graph
from kanscience.graph import Graph, Term
from kanscience.training._levenberg import levenberg_marquardt
from kanscience.training._weights import model_scatter, normalised_weights
from tests.helpers import uniform_inputs


def decay(**start: float) -> MultKAN:
    """c * exp(-k * x) + d, and as a second output k * x: constants that two outputs share."""
    graph = Graph()
    x = graph.add_input("x", "s")
    c, k, d = (graph.add_parameter(name, value) for name, value in start.items())
    minus_kx_factors = [graph.add_sum(), graph.add_sum()]
    graph.add_function(k, minus_kx_factors[0], Term.of(scale=-1))
    graph.add_function(x, minus_kx_factors[1], Term())
    exponent = graph.add_product(*minus_kx_factors)
    amplitude, power, total, line = graph.add_sum(), graph.add_sum(), graph.add_sum(), graph.add_sum()
    graph.add_function(c, amplitude, Term())
    graph.add_function(exponent, power, Term("exp"))
    graph.add_function(graph.add_product(amplitude, power), total, Term())
    graph.add_function(d, total, Term())
    graph.add_function(exponent, line, Term.of(scale=-1))
    graph.add_output("y", total)
    graph.add_output("z", line)
    return from_graph(graph)


def only_first_output(network: MultKAN) -> MultKAN:
    network.readout, network.output_names = network.readout[:1], ("y",)
    return network


def model(theta, x):
    c, k, d = theta
    return c * np.exp(-k * x) + d


def data(noise: float, rows: int = 60, seed: int = 0):
    x = uniform_inputs(rows, 1, seed, low=0, high=3)
    error = torch.randn(rows, generator=torch.Generator().manual_seed(seed + 1000), dtype=torch.float64)
    y = torch.from_numpy(model((2.0, 1.3, 0.5), x[:, 0].numpy())) + noise * error
    return x, y


def scipy_fit(x, y, weights):
    x, y, weights = x[:, 0].numpy(), y.numpy(), np.broadcast_to(np.asarray(weights, dtype=float), len(y))
    found = least_squares(lambda p: weights * (model(p, x) - y), (1.0, 1.0, 0.0), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return found.x, np.linalg.inv(found.jac.T @ found.jac), 2 * found.cost


def test_without_given_errors_values_and_errors_are_scipys():
    x, y = data(0.05)
    network = only_first_output(decay(c=1.0, k=1.0, d=0.0))
    report = fit(network, x, y)
    values, covariance, squares = scipy_fit(x, y, 1.0)
    errors = np.sqrt(np.diag(covariance) * squares / (len(y) - 3))
    for name, value, error in zip("ckd", values, errors, strict=True):
        assert report.parameters[name].value == pytest.approx(value, rel=1e-6)
        assert report.parameters[name].error == pytest.approx(error, rel=1e-4)
    assert report.scatter == 0


def test_with_given_errors_that_hold_the_covariance_is_absolute():
    x, y = data(0.0)
    sigma = 0.02 + 0.1 * x[:, 0]
    y = y + sigma * torch.randn(60, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    network = only_first_output(decay(c=1.0, k=1.0, d=0.0))
    report = fit(network, x, y, sigma=1.5 * sigma)  # on the safe side: chi2 below its degrees of freedom, no scatter
    values, covariance, _ = scipy_fit(x, y, 1 / (1.5 * sigma.numpy()))
    assert report.scatter == 0
    for name, value, error in zip("ckd", values, np.sqrt(np.diag(covariance)), strict=True):
        assert report.parameters[name].value == pytest.approx(value, rel=1e-6)
        assert report.parameters[name].error == pytest.approx(error, rel=1e-4)


def test_with_errors_that_are_too_small_a_scatter_makes_up():
    x, y = data(0.1)
    sigma = torch.full((60,), 1e-3, dtype=torch.float64)
    sigma[:5] = 10.0  # and five rows that say nothing
    network = only_first_output(decay(c=1.0, k=1.0, d=0.0))
    report = fit(network, x, y, sigma=sigma)
    assert report.scatter == pytest.approx(0.1, rel=0.3)
    weights = 1 / np.sqrt(sigma.numpy() ** 2 + report.scatter**2)
    values, covariance, chi2 = scipy_fit(x, y, weights)
    assert chi2 == pytest.approx(60 - 3, rel=1e-2)
    for name, value, error in zip("ckd", values, np.sqrt(np.diag(covariance)), strict=True):
        assert report.parameters[name].value == pytest.approx(value, rel=1e-3)
        assert report.parameters[name].error == pytest.approx(error, rel=1e-2)


def test_errors_cover_the_truth_as_often_as_they_should():
    pulls = []
    for seed in range(20):
        x, y = data(0.05, rows=30, seed=seed)
        report = fit(only_first_output(decay(c=2.0, k=1.3, d=0.5)), x, y, steps=5)
        pulls += [
            (report.parameters[name].value - truth) / report.parameters[name].error
            for name, truth in zip("ckd", (2.0, 1.3, 0.5), strict=True)
        ]
    assert 0.7 < np.std(pulls) < 1.3


def test_several_outputs_with_given_errors_weigh_by_these_alone():
    x, y = data(0.05)
    z = 1.3e3 * x[:, 0] / 1e3 + 0.5 * torch.randn(60, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    targets = torch.stack([y, z], dim=1)
    sigma = torch.tensor([0.08, 0.8], dtype=torch.float64).expand(60, 2)
    report = fit(decay(c=1.0, k=1.0, d=0.0), x, targets, sigma=sigma)
    t = x[:, 0].numpy()

    def residuals(p):
        return np.concatenate([(model(p, t) - y.numpy()) / 0.08, (p[1] * t - z.numpy()) / 0.8])

    found = least_squares(residuals, (1.0, 1.0, 0.0), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    errors = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    assert report.scatter == 0
    for name, value, error in zip("ckd", found.x, errors, strict=True):
        assert report.parameters[name].value == pytest.approx(value, rel=1e-5)
        assert report.parameters[name].error == pytest.approx(error, rel=1e-3)


def test_errors_do_not_depend_on_units():
    x, y = data(0.05)
    one = fit(only_first_output(decay(c=1.0, k=1.0, d=0.0)), x, y)
    other = fit(only_first_output(decay(c=1e6, k=1e-3, d=0.0)), 1e3 * x, 1e6 * y)
    for name, factor in (("c", 1e6), ("k", 1e-3), ("d", 1e6)):
        assert other.parameters[name].value == pytest.approx(factor * one.parameters[name].value, rel=1e-5)
        assert other.parameters[name].error == pytest.approx(factor * one.parameters[name].error, rel=1e-3)


def three_for_two() -> MultKAN:
    """c * exp(a * x + b): c and b are one number."""
    graph = Graph()
    x, c, a, b = graph.add_input("x"), *(graph.add_parameter(name, 1.0) for name in "cab")
    left, right, exponent = graph.add_sum(), graph.add_sum(), graph.add_sum()
    graph.add_function(a, left, Term())
    graph.add_function(x, right, Term())
    graph.add_function(graph.add_product(left, right), exponent, Term())
    graph.add_function(b, exponent, Term())
    amplitude, power = graph.add_sum(), graph.add_sum()
    graph.add_function(c, amplitude, Term())
    graph.add_function(exponent, power, Term("exp"))
    top = graph.add_sum()
    graph.add_function(graph.add_product(amplitude, power), top, Term())
    graph.add_output("y", top)
    return from_graph(graph)


def test_constants_that_the_data_do_not_tell_apart_have_infinite_errors_and_a_reason():
    x = uniform_inputs(50, 1, seed=0)
    y = 3 * torch.exp(0.7 * x[:, 0]) + 0.01 * torch.sin(50 * x[:, 0])
    network = three_for_two()
    found = fit(network, x, y).parameters
    for name in "cb":
        assert found[name].error == np.inf
        assert "combination" in found[name].reason
    assert found["a"].value == pytest.approx(0.7, abs=0.02)
    assert 0 < found["a"].error < 0.01
    assert found["a"].reason == ""
    assert found["c"].value * np.exp(found["b"].value) == pytest.approx(3, rel=0.01)


def test_a_constant_that_nothing_depends_on_says_so():
    graph = Graph()
    total = graph.add_sum()
    graph.add_function(graph.add_input("x"), total, Term.of(scale=2, trainable=True))
    graph.add_parameter("idle", 4.0)
    graph.add_output("y", total)
    x = uniform_inputs(20, 1, seed=0)
    found = fit(from_graph(graph), x, 3 * x[:, 0]).parameters["idle"]
    assert (found.value, found.error) == (4.0, np.inf)
    assert "no sample" in found.reason


def test_fixed_constants_have_no_error_and_fewer_rows_than_numbers_an_infinite_one():
    graph = Graph()
    k, g, total = graph.add_parameter("k", 1.0), graph.add_parameter("g", 2.0, trainable=False), graph.add_sum()
    graph.add_input("x")
    graph.add_function(k, total, Term())
    graph.add_function(g, total, Term())
    graph.add_output("y", total)
    x = torch.zeros(1, 1, dtype=torch.float64)
    report = fit(from_graph(graph), x, torch.tensor([5.0]))
    assert report.parameters["g"].error == 0
    assert report.parameters["k"].value == pytest.approx(3.0)
    assert report.parameters["k"].error == np.inf
    assert "rows" in report.parameters["k"].reason
    assert "k = 3" in str(report)


# the pieces


class Rosenbrock:
    """Residuals 10 (b - a^2) and 1 - a: a curved valley."""

    kinds = (slice(0, 2),)

    def linearize(self, theta):
        a, b = theta
        return np.array([10 * (b - a * a), 1 - a]), np.array([[-20 * a, -1.0], [10.0, 0.0]])

    def loss(self, theta):
        residuals, _ = self.linearize(theta)
        return float(residuals @ residuals)

    def normal_equations(self, theta):
        residuals, rows = self.linearize(theta)
        return float(residuals @ residuals), rows @ rows.T, rows @ residuals

    def quadratic(self, theta):
        return None


def test_levenberg_marquardt_goes_down_the_valley():
    found = levenberg_marquardt(Rosenbrock(), np.array([-1.2, 1.0]), steps=100)
    np.testing.assert_allclose(found.theta, [1, 1], rtol=1e-8)
    assert found.status == "converged"


def test_every_accepted_step_lowers_the_loss_and_a_callback_stops():
    losses = []

    def callback(state):
        losses.append(state.loss)
        return len(losses) == 5

    found = levenberg_marquardt(Rosenbrock(), np.array([-1.2, 1.0]), steps=100, callback=callback)
    assert (found.status, found.step) == ("stopped", 5)
    assert losses == sorted(losses, reverse=True)
    assert losses[0] < Rosenbrock().loss(np.array([-1.2, 1.0]))


def test_a_cliff_of_nan_is_never_stepped_over():
    class Cliff(Rosenbrock):
        def loss(self, theta):
            return np.nan if theta[0] > 0.5 else super().loss(theta)

    found = levenberg_marquardt(Cliff(), np.array([-1.2, 1.0]), steps=100)
    assert found.theta[0] <= 0.5
    assert np.isfinite(found.loss)
    assert levenberg_marquardt(Rosenbrock(), np.array([np.nan, 1.0]), steps=3).status == "not finite"


def test_weights_make_the_best_constant_s_sum_of_squares_one_in_every_unit():
    y = uniform_inputs(50, 2, seed=0) * torch.tensor([1e8, 1e-8]) + torch.tensor([3.0, 0.0])
    weights = normalised_weights(y, None, 0.0)
    torch.testing.assert_close(((weights * (y - y.mean(dim=0))) ** 2).sum(dim=0), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("value", [0.0, 7.0, -1e-30])
def test_constant_targets_have_finite_weights(value):
    weights = normalised_weights(torch.full((5, 1), value, dtype=torch.float64), None, 0.0)
    assert weights.isfinite().all()
    assert weights.min() > 0


def test_given_errors_weigh_rows_and_outputs_alike():
    y = uniform_inputs(50, 2, seed=0) * torch.tensor([1e3, 1.0])
    sigma = uniform_inputs(50, 2, seed=1, low=0.1, high=2)
    weights = normalised_weights(y, sigma, scatter=0.5)
    ratio = weights * (sigma**2 + 0.25).sqrt()
    torch.testing.assert_close(ratio, ratio[0, 0].expand(50, 2))


def test_the_scatter_brings_chi2_to_its_expectation():
    residuals, sigma = uniform_inputs(100, 1, seed=0), uniform_inputs(100, 1, seed=1, low=1e-6, high=0.5)
    scatter = model_scatter(residuals, sigma, 90)
    assert float((residuals**2 / (sigma**2 + scatter**2)).sum()) == pytest.approx(90, rel=1e-9)
    assert model_scatter(residuals, sigma + 2, 90) == 0
