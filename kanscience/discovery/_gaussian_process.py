"""A Gaussian process as a surrogate: for what polynomials do not follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from kanscience._typing import Vector
from kanscience.discovery._tables import Table

_ROWS_TO_LEARN_FROM = 300  # the lengths and the noise
_MOST_ROWS = 2000
_STEPS = 60
_JITTER = 1e-10


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """``mean + size * sum of weights[n] * exp(-|t - t_n|**2 / 2)``, every column measured in a length of its own.

    Args:
        centres: (N, m) the rows, in these lengths.
        middle, lengths: of the columns.
        left_out: (N,) predictions of v without the row itself.
        error: leave-one-out error of y in units of its spread.
    """

    centres: Tensor
    weights: Tensor
    middle: Tensor
    lengths: Tensor
    mean: float
    size: float
    left_out: Vector
    error: float

    def __call__(self, columns: Tensor) -> Tensor:
        """Return v for a tensor (N, m)."""
        return self.mean + self.size * _kernel((columns - self.middle) / self.lengths, self.centres) @ self.weights


def fit_gaussian_process(table: Table) -> GaussianProcess | None:
    """Fit lengths and noise by the likelihood of some rows, then the process to all; None for too many rows."""
    rows = len(table.target)
    if rows > _MOST_ROWS:
        return None
    mean, size = float(table.target.mean()), float(table.target.std()) or 1.0
    columns, target = torch.from_numpy(table.columns), torch.from_numpy((table.target - mean) / size)
    middle, width = columns.mean(dim=0), columns.std(dim=0).clamp_min(1e-300)
    relative = torch.from_numpy(1 / table.scale)
    relative = relative / relative.square().mean().sqrt()
    some = torch.from_numpy(np.random.default_rng(0).permutation(rows)[:_ROWS_TO_LEARN_FROM])
    logs = _likeliest(((columns - middle) / width)[some], target[some], relative[some])
    lengths = width * torch.exp(logs[:-2])
    centres = (columns - middle) / lengths
    amplitude, noise = torch.exp(2 * logs[-2]), torch.exp(2 * logs[-1])
    covariance = amplitude * _kernel(centres, centres) + torch.diag(noise * relative**2 + _JITTER)
    inverse = torch.linalg.inv(covariance)
    solved = inverse @ target
    left_out = mean + size * (target - solved / inverse.diagonal()).numpy()
    return GaussianProcess(
        centres, amplitude * solved, middle, lengths, mean, size, left_out, table.error_of(left_out)
    )  # fmt: skip


def _likeliest(t: Tensor, target: Tensor, relative: Tensor) -> Tensor:
    """Return log lengths, log amplitude and log noise of the highest marginal likelihood."""

    def loss(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        logs = torch.from_numpy(numbers).requires_grad_()
        scaled = t / torch.exp(logs[:-2])
        noise = torch.exp(2 * logs[-1]) * relative**2 + _JITTER
        covariance = torch.exp(2 * logs[-2]) * _kernel(scaled, scaled) + torch.diag(noise)
        factor, failed = torch.linalg.cholesky_ex(covariance)
        if int(failed):
            return np.inf, np.zeros_like(numbers)
        solved = torch.cholesky_solve(target[:, None], factor)[:, 0]
        value = 0.5 * target @ solved + factor.diagonal().log().sum()
        value.backward()
        return float(value.detach()), logs.grad.numpy()  # type: ignore[union-attr]

    start = np.concatenate([np.full(t.shape[1], 0.7), [0.5, np.log(0.05)]])
    bounds = [(-2.5, 5.0)] * t.shape[1] + [(-1.0, 5.0), (np.log(1e-6), 0.5)]
    with torch.enable_grad():
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
    return torch.from_numpy(found.x)


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    squares = (a * a).sum(dim=1)[:, None] + (b * b).sum(dim=1) - 2 * a @ b.T
    return torch.exp(-0.5 * squares.clamp_min(0))
