"""The members that the laws of this folder run through: knot vectors x degrees x dtypes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline
from torch import Tensor

from kanscience.splines import distinct_value_knots, quantile_knots, uniform_knots
from tests.helpers import uniform_inputs


def quantiles(degree: int) -> Tensor:
    """Knots crowded on the left."""
    return quantile_knots(2 * uniform_inputs(400, 1, seed=1, low=0)[:, 0] ** 3 - 1, 6, degree, blend=0.2)


def distinct_values(degree: int) -> Tensor:
    """Knots on the values of a column."""
    column = torch.tensor([0.5, -1.0, -0.9, 1.0, 0.5, -0.2, 0.55], dtype=torch.float64)
    return distinct_value_knots(column, degree)


KNOTS: dict[str, Callable[[int], Tensor]] = {
    "uniform": lambda degree: uniform_knots(5, degree),
    "one interval": lambda degree: uniform_knots(1, degree),
    "quantiles": quantiles,
    "distinct values": distinct_values,
}

every_knots = pytest.mark.parametrize("make_knots", KNOTS.values(), ids=KNOTS)
every_degree = pytest.mark.parametrize("degree", range(6))


def points(knots: Tensor, degree: int, seed: int = 0) -> Tensor:
    """Return points of the closed domain: random ones, and all knots inside it, ends included."""
    interior = knots[degree : len(knots) - degree]
    return torch.cat([uniform_inputs(50, 1, seed)[:, 0].to(knots), interior])


def scipy_basis(t: np.ndarray, knots: np.ndarray, degree: int, derivative: int = 0) -> np.ndarray:
    """Return (N, basis) values by scipy; what lies on the domain's right end belongs to the last interval."""
    n_basis = len(knots) - degree - 1
    values = np.empty((len(t), n_basis))
    last = knots[n_basis - 1 : n_basis + 1].mean()
    for i in range(n_basis):
        spline = BSpline(knots, np.eye(n_basis)[i], degree)
        if degree == 0:
            values[:, i] = 0 if derivative else spline(np.where(t == 1, last, t))
        else:
            values[:, i] = spline.derivative(derivative)(t) if derivative else spline(t)
    return values
