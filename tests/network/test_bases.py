"""What every base function keeps to; a new one, one entry in ``_bases.py``, is asked the same."""

import pytest
import torch

from kanscience.network import base_named
from tests.helpers import uniform_inputs
from tests.helpers_networks import BASES

T = torch.cat([uniform_inputs(50, 1, seed=0)[:, 0], torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)])


def differentiated(f):
    return torch.func.grad(lambda t: f(t).sum())


@pytest.mark.parametrize("name", BASES)
def test_slopes_and_derivatives_are_those_of_autograd(name):
    base, f, g = base_named(name), base_named(name).value, torch.linspace(-2, 3, len(T), dtype=torch.float64)
    for derivative in base.derivatives(T):
        f = differentiated(f)
        torch.testing.assert_close(derivative, f(T), rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(base.slope(T), base.derivatives(T)[0])
    torch.testing.assert_close(base.times_slope(g, T), g * base.slope(T))


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("degree", [0, 3])
def test_beyond_the_domain_lies_a_line(name, degree):
    base, t = base_named(name), torch.tensor([-3.0, -1.0, 0.3, 1.0, 2.5], dtype=torch.float64)
    ends = t.clamp(-1, 1)
    line = base.value(ends) + (base.slope(ends) * (t - ends) if degree else 0)
    torch.testing.assert_close(base.continued(t, False, degree), line)
    assert torch.equal(base.continued(ends, True, degree), base.value(ends))
