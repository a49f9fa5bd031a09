"""Laws of the fit of one curve, inherited by every function of the library."""

import math

import numpy as np
import pytest
import sympy
import torch

from kanscience._errors import DataError, ShapeError
from kanscience.functions import AffineFit, Function, affine_fit, affine_fits, default_library
from kanscience.functions._polish import branch

LIBRARY = default_library()
EXACT = 1e-13
FUNCTIONS = [pytest.param(function, id=function.label) for function in LIBRARY.candidates if function.label != "0"]


def arguments(function: Function, count: int = 300, seed: int = 0) -> np.ndarray:
    """Draw u inside the branch of a function, where its curve is unmistakable."""
    lower, upper = branch(function)
    if math.isfinite(lower) and math.isfinite(upper):
        margin = 0.03 * (upper - lower)
        lower, upper = lower + margin, upper - margin
    elif math.isfinite(lower):
        lower, upper = lower + 0.1, lower + 3.0
    else:
        lower, upper = -2.0, 3.5
    return np.random.default_rng(seed).uniform(lower, upper, count)


def values(function: Function, u: np.ndarray) -> np.ndarray:
    return function.torch(torch.from_numpy(np.asarray(u))).numpy()


def noisy_samples(function: Function) -> tuple[np.ndarray, np.ndarray]:
    u = arguments(function)
    y = values(function, u)
    return u, y + 0.03 * y.std() * np.random.default_rng(1).normal(size=len(y))


@pytest.mark.parametrize("function", FUNCTIONS)
class TestEveryFunction:
    @pytest.mark.parametrize(("k", "m"), [(1.0, 0.0), (-0.3, 2.0), (1e6, -3e6), (1e-6, 2e-6)])
    def test_an_exact_curve_is_recovered_in_any_unit_of_x(self, function, k, m):
        u = arguments(function)
        y = 2.5 * values(function, u) - 1.0
        fit = affine_fit(function, k * u + m, y)
        assert fit.misfit < EXACT
        np.testing.assert_allclose(fit(k * u + m), y, rtol=0, atol=1e-6 * y.std())

    def test_the_unit_of_x_changes_slope_and_shift_only(self, function):
        x, y = noisy_samples(function)
        fit = affine_fit(function, x, y)
        for k, m in [(1e6, 2e6), (1e-6, -4e-6), (3.0, 100.0)]:
            scaled = affine_fit(function, k * x + m, y)
            assert scaled.misfit == pytest.approx(fit.misfit, rel=1e-6)
            np.testing.assert_allclose(scaled(k * x + m), fit(x), rtol=0, atol=1e-3 * y.std())
            if "slope" not in function.redundant:
                assert scaled.slope * k == pytest.approx(fit.slope, rel=1e-3)

    def test_the_unit_of_y_changes_scale_and_offset_only(self, function):
        x, y = noisy_samples(function)
        fit = affine_fit(function, x, y)
        for k, m in [(1e6, 2e6), (-1e-6, 3e-6)]:
            scaled = affine_fit(function, x, k * y + m)
            assert scaled.misfit == pytest.approx(fit.misfit, rel=1e-6)
            assert scaled.scale == pytest.approx(k * fit.scale, rel=1e-3)

    def test_the_curve_fits_noise_no_worse_than_the_truth(self, function):
        u, y = noisy_samples(function)
        truth = values(function, u)
        truth = np.polyval(np.polyfit(truth, y, 1), truth)
        fit = affine_fit(function, u, y)
        assert fit.misfit <= 1.001 * np.square(y - truth).sum() / np.square(y - y.mean()).sum()

    def test_samples_stay_inside_the_domain_whatever_they_look_like(self, function):
        x = np.linspace(-1, 1, 101)
        for y in (np.sin(5 * x), np.exp(x), 1 / (x + 0.005), np.sqrt(1 + x)):
            fit = affine_fit(function, x, y)
            assert np.isfinite(fit(x)).all()
            ends = np.sort(fit.slope * x[[0, -1]] + fit.shift)
            lower, upper = branch(function)
            mirrored = function.parity is not None and lower <= -ends[1] and -ends[0] <= upper
            assert (lower <= ends[0] and ends[1] <= upper) or mirrored or function.period

    def test_r2_is_the_explained_share_of_the_variance(self, function):
        x = np.linspace(-1, 1, 60)
        y = np.cos(2 * x) + x
        fit = affine_fit(function, x, y)
        explained = 1 - np.square(y - fit(x)).sum() / np.square(y - y.mean()).sum()
        assert fit.r2 == pytest.approx(explained, abs=1e-9)
        assert fit.r2 == 1 - fit.misfit
        assert fit.r2 >= 0

    def test_redundant_constants_have_their_plain_value(self, function):
        x, y = noisy_samples(function)
        fit = affine_fit(function, x, y)
        if "slope" in function.redundant:
            assert abs(fit.slope) == 1
        if "shift" in function.redundant:
            assert fit.shift == 0
        if function.parity:
            assert fit.slope > 0
        if function.period is not None:
            assert abs(fit.shift) <= function.period / 2

    def test_a_constant_is_no_curve(self, function):
        x = np.linspace(0, 1, 20)
        fit = affine_fit(function, x, np.full(20, 7.25))
        assert (fit.scale, fit.offset) == (0.0, 7.25)
        assert math.isnan(fit.r2)
        np.testing.assert_array_equal(fit(x), 7.25)

    def test_one_value_of_x_explains_nothing(self, function):
        fit = affine_fit(function, np.full(20, 3.0), np.arange(20.0))
        assert (fit.scale, fit.r2) == (0.0, 0.0)
        np.testing.assert_allclose(fit(np.full(3, 3.0)), 9.5)

    @pytest.mark.parametrize("count", [2, 3, 5])
    def test_a_handful_of_samples_is_an_ordinary_case(self, function, count):
        x = np.linspace(0.2, 0.9, count)
        fit = affine_fit(function, x, np.exp(x))
        assert np.isfinite(fit(x)).all()
        assert 0 <= fit.r2 <= 1


EXAMPLES = {
    "sin(pi*x)": ("sin", lambda x: np.sin(np.pi * x)),
    "sin(60*x + 1)": ("sin", lambda x: np.sin(60 * x + 1)),
    "exp": ("exp", np.exp),
    "shifted square": ("x^2", lambda x: 3 * (x - 0.3) ** 2),
    "far square": ("x^2", lambda x: (x - 20) ** 2),
    "tanh": ("tanh", np.tanh),
    "steep tanh": ("tanh", lambda x: np.tanh(40 * (x - 0.2))),
    "J0(20*x)": ("J0", lambda x: values(LIBRARY.resolve("J0"), 20 * x)),
    "narrow gaussian": ("gaussian", lambda x: np.exp(-((x - 0.4) ** 2) / 0.005)),
    "tan up to its poles": ("tan", lambda x: np.tan(0.4999 * np.pi * x)),
    "arcsin up to its ends": ("arcsin", np.arcsin),
    "arctanh on +-0.9": ("arctanh", lambda x: np.arctanh(0.9 * x)),
    "square root from 0": ("sqrt", lambda x: np.sqrt(x + 1)),
    "reciprocal near its pole": ("1/x", lambda x: 1 / (x + 1.001)),
    "pole on the right": ("1/x^3", lambda x: (1.2 - x) ** -3),
    "logarithm to the left": ("log", lambda x: np.log(2 - x)),
    "kink": ("abs", lambda x: np.abs(x - 0.123)),
    "step": ("sign", lambda x: np.sign(x + 0.777)),
}


@pytest.mark.parametrize("grid", ["even", "random"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_curves_of_physics_are_recovered_exactly(example, grid):
    label, truth = EXAMPLES[example]
    x = np.linspace(-1, 1, 1000) if grid == "even" else np.random.default_rng(3).uniform(-1, 1, 1000)
    fit = affine_fit(LIBRARY.resolve(label), x, 0.7 * truth(x) + 4)
    assert fit.misfit < EXACT


def test_the_whole_library_at_once_gives_what_each_function_gives_alone():
    x = np.random.default_rng(0).uniform(0.1, 2, 400)
    y = np.log(x) + 0.1 * np.sin(7 * x)
    together = affine_fits(LIBRARY.candidates, x, y)
    assert [fit.function for fit in together] == list(LIBRARY.candidates)
    for fit in together:
        # Curves that are best at infinity (the tail of tanh) stop at a place that rounding decides.
        assert fit.misfit == pytest.approx(affine_fit(fit.function, x, y).misfit, rel=0.02, abs=1e-20)


def test_the_order_of_the_samples_does_not_matter():
    x, y = noisy_samples(LIBRARY.resolve("tanh"))
    order = np.random.default_rng(5).permutation(len(x))
    for one, other in zip(
        affine_fits(LIBRARY.candidates, x, y), affine_fits(LIBRARY.candidates, x[order], y[order]), strict=True
    ):
        assert one.misfit == pytest.approx(other.misfit, rel=1e-6)


def test_more_samples_than_the_search_looks_at_are_all_used():
    x = np.random.default_rng(0).uniform(-1, 1, 20_000)
    y = np.tanh(3 * x) + np.random.default_rng(1).normal(size=len(x))
    fit = affine_fit(LIBRARY.resolve("tanh"), x, y)
    assert np.abs(fit(x) - np.tanh(3 * x)).max() < 0.06  # 4 standard errors of 4 constants at the ends
    assert fit.misfit <= np.square(y - np.tanh(3 * x)).sum() / np.square(y - y.mean()).sum()


def test_a_weight_is_a_count():
    x, y = noisy_samples(LIBRARY.resolve("exp"))
    weights = np.random.default_rng(2).integers(1, 4, len(x))
    weighted = affine_fit(LIBRARY.resolve("exp"), x, y, weights)
    counted = affine_fit(LIBRARY.resolve("exp"), np.repeat(x, weights), np.repeat(y, weights))
    assert weighted.misfit == pytest.approx(counted.misfit, rel=1e-6)
    assert weighted.slope == pytest.approx(counted.slope, rel=1e-3)


def test_a_sample_without_weight_is_as_good_as_absent():
    x = np.linspace(0.5, 2, 50)
    y = np.log(x)
    outside = np.r_[-100.0, x], np.r_[55.0, y]
    fit = affine_fit(LIBRARY.resolve("log"), *outside, np.r_[0.0, np.ones(50)])
    assert fit == affine_fit(LIBRARY.resolve("log"), x, y)
    assert fit.misfit < EXACT


def test_weights_decide_between_two_curves():
    x = np.tile(np.linspace(-1, 1, 100), 2)
    y = np.r_[np.sin(3 * x[:100]), 50 * x[100:] ** 3]
    fit = affine_fit(LIBRARY.resolve("sin"), x, y, np.r_[np.ones(100), np.full(100, 1e-18)])
    assert (fit.scale, fit.slope) == pytest.approx((1, 3), rel=1e-6)


def test_a_users_function_without_a_derivative_is_fitted_too():
    lorentzian = Function("lorentzian", lambda u: 1 / (1 + u * u), lambda u: 1 / (1 + u**2), parity="even")
    x = np.linspace(400, 700, 300)
    fit = affine_fit(lorentzian, x, 12 / (1 + ((x - 532) / 9) ** 2) + 1)
    assert (fit.scale, fit.slope, fit.offset) == pytest.approx((12, 1 / 9, 1))


@pytest.mark.parametrize("slope", [0.8, -0.8])
def test_a_domain_that_ends_above_is_kept_as_well(slope):
    circle = Function("circle", lambda u: torch.sqrt(1 - u), lambda u: sympy.sqrt(1 - u), upper=1.0)
    x = np.linspace(-1, 1, 200)
    fit = affine_fit(circle, x, np.sqrt(1 - (slope * x + 0.15)))
    assert fit.misfit < EXACT


def test_rhythm_is_found_among_many_periods():
    x = np.random.default_rng(0).uniform(0, 10, 1000)
    y = np.cos(2 * np.pi * 7.3 * x) + 0.3 * np.random.default_rng(1).normal(size=1000)
    fit = affine_fit(LIBRARY.resolve("cos"), x, y)
    assert fit.slope / (2 * np.pi) == pytest.approx(7.3, abs=1e-3)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (([1.0, 2.0], [1.0]), ShapeError, r"\(2,\), \(1,\) and \(2,\)"),
        (([[1.0]], [[1.0]]), ShapeError, "one dimension"),
        (([1.0, 2.0], [1.0, 2.0], [1.0]), ShapeError, r"and \(1,\)"),
        (([1.0, math.nan], [1.0, 2.0]), DataError, "`x` holds nan at row 1"),
        (([1.0, 2.0], [math.inf, 2.0]), DataError, "`y` holds inf at row 0"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, -2.0]), DataError, "row 1 has -2.0"),
        (([1.0, 2.0], [1.0, 2.0], [0.0, 0.0]), DataError, "2 samples, none of positive weight"),
        (([], []), DataError, "0 samples"),
    ],
)
def test_samples_that_cannot_be_fitted_are_refused(samples, error, message):
    with pytest.raises(error, match=message):
        affine_fits(LIBRARY.candidates, *samples)


def test_nothing_to_fit_gives_no_fits():
    assert affine_fits([], [1.0, 2.0], [1.0, 2.0]) == []


def test_a_fit_is_a_curve():
    fit = AffineFit(LIBRARY.resolve("x^2"), 2.0, 1.0, -1.0, 5.0, 1.0, 0.0)
    np.testing.assert_array_equal(fit([1.0, 3.0]), [5.0, 13.0])


def test_samples_of_the_inverse_hyperbolic_secant_stay_inside_both_ends():
    assert branch(default_library().resolve("arcsech")) == (0.0, 1.0)
