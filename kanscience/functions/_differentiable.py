"""Functions of numpy arrays that torch can differentiate, any number of times, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.autograd import forward_ad


@dataclass(frozen=True)
class Differentiable:
    """An elementwise function with values from elsewhere, computed on the CPU in float64, and a known slope.

    Args:
        values: the function of a float64 array.
        slope: its derivative, a torch function that is differentiable itself.

    Example:
        >>> sine = Differentiable(np.sin, torch.cos)
        >>> bend = torch.func.grad(torch.func.grad(sine))
        >>> bend(torch.tensor(0.5, dtype=torch.float64)).item() == -float(np.sin(0.5))
        True
    """

    values: Callable[[np.ndarray], np.ndarray | np.floating]
    slope: Callable[[Tensor], Tensor]

    def __call__(self, u: Tensor) -> Tensor:
        return _Elementwise.apply(u, self)  # type: ignore[return-value]


class _Elementwise(torch.autograd.Function):
    @staticmethod
    def forward(u: Tensor, function: Differentiable) -> Tensor:
        values = np.asarray(function.values(u.detach().to("cpu", torch.float64).numpy()))
        return torch.from_numpy(values).to(u.device, u.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        u, ctx.function = inputs
        ctx.save_for_backward(u)
        ctx.save_for_forward(u)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (u,) = ctx.saved_tensors
        return gradient * ctx.function.slope(u), None

    @staticmethod
    def jvp(ctx, tangent: Tensor, _function):
        # PyTorch switches forward differentiation off in here, for outer levels too, and their derivatives would
        # be silently zero. Switched on, this level must be taken off the point, or it would be differentiated twice.
        (u,) = ctx.saved_tensors
        point = forward_ad.unpack_dual(u).primal
        with forward_ad._set_fwd_grad_enabled(True):
            return tangent * ctx.function.slope(point)

    @staticmethod
    def vmap(info, in_dims, u: Tensor, function: Differentiable):
        return function(u), in_dims[0]
