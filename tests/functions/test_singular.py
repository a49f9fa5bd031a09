"""Protected forms: finite everywhere, the true function where it is harmless, continuous between."""

import math

import pytest
import torch

from kanscience.functions import Function, default_library
from kanscience.functions._singular import Bridged, Continued

SINGULAR = [
    pytest.param(function, id=function.label)
    for function in default_library().functions
    if function.protected is not None
]
EVERYWHERE = torch.linspace(-6, 6, 24001, dtype=torch.float64)  # holds 0, comes within 1e-5 of pi/2


def protected(function: Function, u: torch.Tensor) -> torch.Tensor:
    assert function.protected is not None
    return function.protected(u)


def test_every_function_of_searches_with_a_pole_or_a_finite_domain_has_a_protected_form():
    for function in default_library().candidates:
        ends_somewhere = math.isfinite(function.lower) or math.isfinite(function.upper)
        assert (function.protected is not None) == (ends_somewhere or function.branch is not None)


@pytest.mark.parametrize("function", SINGULAR)
class TestEveryProtectedForm:
    def test_value_and_gradient_are_finite_everywhere(self, function):
        u = EVERYWHERE.clone().requires_grad_()
        values = protected(function, u)
        (gradient,) = torch.autograd.grad(values.sum(), u)
        assert torch.isfinite(values).all()
        assert torch.isfinite(gradient).all()

    def test_it_is_the_true_function_away_from_trouble(self, function):
        harmless = EVERYWHERE.clamp(function.lower + 0.02, function.upper - 0.02) == EVERYWHERE
        poles = torch.tensor([0.0, math.pi / 2, -math.pi / 2, 3 * math.pi / 2, -3 * math.pi / 2])
        if function.branch is not None:
            harmless &= ((EVERYWHERE[:, None] - poles).abs() > 0.02).all(dim=1)
        u = EVERYWHERE[harmless]
        torch.testing.assert_close(protected(function, u), function.torch(u), rtol=0, atol=0)

    def test_it_is_continuous(self, function):
        values = protected(function, EVERYWHERE)
        u = EVERYWHERE.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(protected(function, u).sum(), u)
        steepest = torch.maximum(gradient[1:].abs(), gradient[:-1].abs())
        step = EVERYWHERE[1] - EVERYWHERE[0]
        assert (values.diff().abs() <= 1.5 * steepest * step + 1e-9).all()

    def test_it_works_inside_the_transforms_of_torch(self, function):
        u = EVERYWHERE[::100]
        slopes = torch.func.vmap(torch.func.grad(function.protected))(u)
        assert torch.isfinite(slopes).all()


def test_continuation_keeps_value_and_slope_of_the_inner_end():
    log = Continued(torch.log, torch.reciprocal, lower=0.0, margin=0.5)
    u = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)
    expected = [math.log(0.5) - 1.5 / 0.5, math.log(0.5), math.log(2)]
    torch.testing.assert_close(log(u), torch.tensor(expected, dtype=torch.float64))


def test_bridge_is_a_chord_between_both_sides_of_the_pole():
    even = Bridged(lambda u: u**-2, pole=0.0, margin=0.1)
    odd = Bridged(torch.reciprocal, pole=0.0, margin=0.1)
    u = torch.tensor([0.0, 0.05, 0.5], dtype=torch.float64)
    torch.testing.assert_close(even(u), torch.tensor([100.0, 100.0, 4.0], dtype=torch.float64))
    torch.testing.assert_close(odd(u), torch.tensor([0.0, 5.0, 2.0], dtype=torch.float64))
