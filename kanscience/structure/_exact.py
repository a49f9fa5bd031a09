"""Derivatives of torch functions: exact, in batches, within a budget of memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from kanscience._typing import Matrix, Vector
from kanscience.structure._derivatives import EXACT, Limits, PerVariable, Raw

_NUMBERS_AT_ONCE = 4_000_000  # what autograd may keep together for one chunk: the whole process stays below 1 GB
_ORDERS = 8  # how many numbers stand for one where it is differentiated three times
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
        room = self._room(points)
        chunks = [differentiate(self.call, rows, steps, room) for rows in points.split(room)]
        gradient, hessian, third = (torch.cat(parts).detach().double().numpy() for parts in zip(*chunks, strict=True))
        return Raw(gradient * scale, hessian * scale, third * scale)

    def along(self, x: Matrix, step: Matrix) -> tuple[Vector, Vector, Vector]:
        """Return f and its first and second derivative along ``step``, each row its own."""
        points, steps = torch.from_numpy(x), torch.from_numpy(step)
        room = self._room(points)
        parts = [self._along(*some) for some in zip(points.split(room), steps.split(room), strict=True)]
        return tuple(torch.cat(part).double().numpy() for part in zip(*parts, strict=True))  # type: ignore[return-value]

    def _along(self, points: Tensor, steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        moved = points.new_zeros(len(points), requires_grad=True)
        with torch.enable_grad():
            value = self.call(points + moved[:, None] * steps)
            first = _slopes(value, moved)
            second = _slopes(first, moved)
        return value.detach(), first.detach(), second.detach()

    def _room(self, points: Tensor) -> int:
        """Return for how many rows, differentiated three times, there is memory."""
        return max(1, _NUMBERS_AT_ONCE // (_ORDERS * self._numbers_in_a_row(points[:_ROWS_COMPARED])))

    def _numbers_in_a_row(self, rows: Tensor) -> int:
        """Return how many numbers autograd keeps for each row of x."""
        kept = [rows.numel()]

        def count(tensor: Tensor) -> Tensor:
            kept.append(tensor.numel())
            return tensor

        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            self.call(rows.detach().clone().requires_grad_())
        return max(1, sum(kept) // len(rows))

    def _forward_mode_agrees(self, rows: Tensor, steps: Tensor) -> bool:
        """Compare one direction in both modes: forward mode of custom functions may fail, or silently give zeros."""
        step = steps.diagonal()[None]
        try:
            forward = _forward(self.call, rows, step, len(rows))
        except Exception:  # whatever a stranger's function raises inside a transform
            return False
        reverse = _loop(self.call, rows, step, len(rows))
        return all(torch.allclose(a, b, rtol=_AGREEMENT, atol=_AGREEMENT * _size(b), equal_nan=True)
                   for a, b in zip(forward, reverse, strict=True))  # fmt: skip


def _forward(call: Rows, x: Tensor, steps: Tensor, room: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient (N, n), and its first and second derivatives along the steps, (N, step, n).

    ``room`` is how many rows, each with one direction, there is memory for.
    """
    slope = grad(lambda points: call(points).sum())

    def along(step: Tensor) -> tuple[Tensor, Tensor]:
        direction = step.expand_as(x)
        once = lambda points: jvp(slope, (points,), (direction,))[1]  # noqa: E731
        return jvp(once, (x,), (direction,))[:2]

    with warnings.catch_warnings():  # of operations that are slow under vmap
        warnings.simplefilter("ignore")
        parts = [vmap(along, out_dims=1)(some) for some in steps.split(max(1, room // len(x)))]
        first, second = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
        return slope(x), first, second


def _loop(call: Rows, x: Tensor, steps: Tensor, _room: int) -> tuple[Tensor, Tensor, Tensor]:
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
