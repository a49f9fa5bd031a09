"""Large arrays of plain points, for which the kernels of `_fast.py` run where numba is installed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType

import torch
from torch import Tensor
from torch.autograd import forward_ad

from kanscience import _numba
from kanscience._transforms import inside_transform
from kanscience.splines._axes import Axes
from kanscience.splines._team import pool

# A call on this many points takes PyTorch a fifth of a millisecond, and numba a third of that: fits make thousands of
# them. Below, little is to be won, and the smallest networks must not wait for numba to compile when its cache is empty.
FEWEST_POINTS = 2**12


@dataclass(frozen=True, eq=False)
class Points:
    """Points (source, sample) and their knots, all in memory and without gradients; see `fast_points`."""

    t: Tensor
    axes: Axes
    kernels: ModuleType

    def features(self, order: int) -> Tensor:
        """Return derivatives of some order of all basis functions, (source, basis, sample)."""
        features = self.t.new_empty(len(self.t), self.axes.n_basis, self.t.shape[1])
        self._run(self.kernels.fill_features, order, features)
        return features

    def take(self, weights: Tensor) -> bool:
        """Return whether `sums` can be had for these weights."""
        shape = len(self.t), self.axes.n_basis, self.t.shape[1]
        return weights.shape == shape and weights.dtype == self.t.dtype and is_plain(weights)

    def sums(self, weights: Tensor, order: int) -> Tensor:
        """Return the sums (source, sample) of weights (source, basis, sample) times derivatives of some order."""
        sums = torch.empty_like(self.t)
        self._run(self.kernels.sum_weights, order, weights, sums)
        return sums

    def _run(self, kernel, order: int, *arrays: Tensor) -> None:
        axes, sources = self.axes, len(self.t)
        tensors = self.t, axes.knots, axes.intervals, axes.per_t, axes.polynomials
        arguments = *map(_array, tensors), axes.uniform, order, *map(_array, arrays)
        shares = max(min(torch.get_num_threads(), sources), 1)
        bounds = [sources * share // shares for share in range(shares + 1)]
        # Each source is computed alone, so results are the same to the last bit however many threads share them.
        others = [pool().submit(kernel, *arguments, *share) for share in pairwise(bounds[1:])]
        kernel(*arguments, *bounds[:2])
        for other in others:
            other.result()


def fast_points(t: Tensor, axes: Axes) -> Points | None:
    """Return points that `_fast.py` can evaluate; None where PyTorch has to: few points, transforms, other devices."""
    if inside_transform(t) or t.numel() < max(FEWEST_POINTS, 1):
        return None
    tensors = t, axes.knots, axes.intervals, axes.per_t, axes.polynomials
    one_dtype = t.dtype == axes.knots.dtype == axes.polynomials.dtype and t.dtype in (torch.float32, torch.float64)
    if not (one_dtype and t.dim() == 2 and len(t) == len(axes.knots) and all(map(is_plain, tensors))):
        return None
    kernels = _numba.kernels("kanscience.splines._fast")
    return kernels and Points(t.contiguous(), axes, kernels)


def is_plain(x: Tensor) -> bool:
    """Return whether nothing but the numbers in memory counts."""
    return not (x.requires_grad and torch.is_grad_enabled()) and are_memory(x)


def are_memory(*tensors: Tensor) -> bool:
    """Return whether tensors are numbers in memory, which may be differentiated backwards and are nothing else."""
    for x in tensors:
        if type(x) not in _PLAIN_TYPES or _keys(x) & ~_PLAIN_KEYS:
            return False
    if torch._C._is_tracing():
        return False
    return forward_ad._current_level < 0 or all(forward_ad.unpack_dual(x).tangent is None for x in tensors)


_PLAIN_TYPES = frozenset({Tensor, torch.nn.Parameter})


def _keys(x: Tensor) -> int:
    # PyTorch's own list of what else a tensor is: on a device, sparse, batched by any kind of vmap, lazily negated ...
    return torch._C._dispatch_keys(x).raw_repr()


_PLAIN_KEYS = _keys(torch.empty(0, device="cpu"))


def _array(x: Tensor):
    return x.contiguous().numpy(force=True)
