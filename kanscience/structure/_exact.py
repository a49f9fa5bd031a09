"""Derivatives of torch functions: exact, in batches, within a budget of memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from kanscience._typing import Matrix, Vector
from kanscience.structure._derivatives import EXACT, Limits, PerVariable, Raw

_NUMBERS_AT_ONCE = 500_000  # of one intermediate result: directions times rows times variables
_ROWS_AT_ONCE = 2_000
_ROWS_COMPARED = 8
_AGREEMENT = 1e-6  # between forward and reverse mode, relative

Rows = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class TorchFunction:
    """A function of an (N, n) float64 tensor with independent rows, returning (N,)."""

    call: Rows
    epsilon: float = float(np.finfo(float).eps)
    limits: Limits = EXACT

    def values(self, x: Matrix) -> Vector:
        """Return f at the rows of x."""
        with torch.no_grad():
            return self.call(torch.from_numpy(x)).double().numpy()

    def gradient(self, x: Matrix, scale: PerVariable) -> Matrix:
        """Return the gradient in ``x / scale``."""
        points = torch.from_numpy(x).requires_grad_()
        with torch.enable_grad():
            return _slopes(self.call(points), points).detach().numpy() * scale

    def derivatives(self, x: Matrix, scale: PerVariable) -> Raw:
        """Return gradient, Hessian and third derivatives in ``x / scale``."""
        points, steps = torch.from_numpy(x), torch.from_numpy(np.diag(scale))
        differentiate = _forward if self._forward_mode_agrees(points[:_ROWS_COMPARED], steps) else _loop
        chunks = [differentiate(self.call, rows, steps) for rows in points.split(_ROWS_AT_ONCE)]
        gradient, hessian, third = (torch.cat(parts).double().numpy() for parts in zip(*chunks, strict=True))
        return Raw(gradient * scale, hessian * scale, third * scale)

    def along(self, x: Matrix, step: Matrix) -> tuple[Vector, Vector, Vector]:
        """Return f and its first and second derivative along ``step``, each row its own."""
        points, steps = torch.from_numpy(x), torch.from_numpy(step)
        rows = torch.zeros(len(x), dtype=torch.float64, requires_grad=True)
        with torch.enable_grad():
            value = self.call(points + rows[:, None] * steps)
            first = _slopes(value, rows)
            second = _slopes(first, rows)
        return tuple(part.detach().double().numpy() for part in (value, first, second))  # type: ignore[return-value]

    def _forward_mode_agrees(self, rows: Tensor, steps: Tensor) -> bool:
        """Compare one direction in both modes: forward mode of custom functions may fail, or silently give zeros."""
        step = steps.diagonal()[None]
        try:
            forward = _forward(self.call, rows, step)
        except Exception:  # whatever a stranger's function raises inside a transform
            return False
        reverse = _loop(self.call, rows, step)
        return all(torch.allclose(a, b, rtol=_AGREEMENT, atol=_AGREEMENT * _size(b), equal_nan=True)
                   for a, b in zip(forward, reverse, strict=True))  # fmt: skip


def _forward(call: Rows, x: Tensor, steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient (N, n), and its first and second derivatives along the steps, (N, step, n)."""
    slope = grad(lambda points: call(points).sum())

    def along(step: Tensor) -> tuple[Tensor, Tensor]:
        direction = step.expand_as(x)
        once = lambda points: jvp(slope, (points,), (direction,))  # noqa: E731
        (_, first), (_, second) = jvp(once, (x,), (direction,))
        return first, second

    with warnings.catch_warnings():  # of operations that are slow under vmap
        warnings.simplefilter("ignore")
        parts = [vmap(along, out_dims=1)(some) for some in _portions(steps, x)]
        return slope(x), *(torch.cat(part, dim=1).detach() for part in zip(*parts, strict=True))


def _portions(steps: Tensor, x: Tensor) -> Iterator[Tensor]:
    yield from steps.split(max(1, _NUMBERS_AT_ONCE // x.numel()))


def _loop(call: Rows, x: Tensor, steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what `_forward` does, one direction after the other and in reverse mode alone."""
    x = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        slope = _slopes(call(x), x)
        firsts, seconds = [], []
        for step in steps:
            first = _slopes(slope @ step, x)
            firsts.append(first.detach())
            seconds.append(_slopes(first @ step, x).detach())
    return slope.detach(), torch.stack(firsts, dim=1), torch.stack(seconds, dim=1)


def _slopes(values: Tensor, x: Tensor) -> Tensor:
    """Return the derivative of each row of values by its row of x; zero where they do not depend on it."""
    if not values.requires_grad:
        return torch.zeros_like(x)
    (slopes,) = torch.autograd.grad(values.sum(), x, create_graph=True, materialize_grads=True)
    return slopes


def _size(values: Tensor) -> float:
    finite = values[values.isfinite()]
    return float(finite.abs().max()) if finite.numel() else 0.0
