"""Weights of residuals from measurement errors, and the scatter of the model itself."""

from __future__ import annotations

import torch
from torch import Tensor


def normalised_weights(y: Tensor, sigma: Tensor | None, scatter: float) -> Tensor:
    """Return (N, outputs) factors of the residuals.

    They are ``1 / sqrt(sigma**2 + scatter**2)``, scaled so that the best constant prediction of every output has a sum
    of squares of 1: losses, penalties and dampings then mean the same in every unit. Where errors are given they alone
    say what outputs weigh beside each other, and the scale is one for all.
    """
    given, y = y, y.double()  # in single precision squares of 1e-25 would be 0
    weights = torch.ones_like(y) if sigma is None else (sigma.double() ** 2 + scatter**2).rsqrt()
    squares = weights**2
    mean = (squares * y).sum(dim=0) / squares.sum(dim=0)
    spread = (squares * (y - mean) ** 2).sum(dim=0).sqrt()
    # A constant target has no spread: its own size is the unit then, or 1.
    rounding = 16 * torch.finfo(given.dtype).eps * (squares * y**2).sum(dim=0).sqrt()
    size = torch.where(mean == 0, 1.0, mean.abs()) * squares.sum(dim=0).sqrt()
    spread = torch.where(spread > rounding, spread, size)
    return (weights / (spread if sigma is None else spread.square().mean().sqrt())).to(given)


def model_scatter(residuals: Tensor, sigma: Tensor, freedom: int) -> float:
    """Return the s >= 0 with ``sum(residuals**2 / (sigma**2 + s**2)) = freedom``; 0 where chi2 is below that already.

    Args:
        residuals: in the unit of the target, any shape.
        sigma: standard errors of the targets, the same shape.
        freedom: degrees of freedom, 1 or more.
    """
    squares, variance = residuals.double() ** 2, sigma.double() ** 2
    if float((squares / variance).sum()) <= freedom:
        return 0.0
    low, high = 0.0, float(squares.sum() / freedom)  # at the upper end even variance 0 gives chi2 <= freedom
    for _ in range(60):  # bisection to rounding
        middle = (low + high) / 2
        low, high = (middle, high) if float((squares / (variance + middle)).sum()) > freedom else (low, middle)
    return high**0.5
