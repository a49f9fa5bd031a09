"""Whether a tensor is being transformed (torch.func, torch.compile), where no value may steer the program."""

from __future__ import annotations

import torch
from torch import Tensor


def inside_transform(*tensors: Tensor) -> bool:
    """Return whether branching on the values of these tensors is impossible here."""
    return torch.compiler.is_compiling() or any(map(is_wrapped, tensors))


def is_wrapped(x: Tensor) -> bool:
    """Return whether a tensor belongs to a transform of torch.func that is under way, and must not outlive it."""
    # PyTorch has no public question for this; its own libraries ask this one.
    return not torch.compiler.is_compiling() and torch._C._functorch.is_functorch_wrapped_tensor(x)  # type: ignore[attr-defined]
