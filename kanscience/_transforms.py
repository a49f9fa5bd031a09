"""Whether a tensor is being transformed (torch.func, torch.compile), where no value may steer the program."""

from __future__ import annotations

import torch
from torch import Tensor


def inside_transform(x: Tensor) -> bool:
    """Return whether branching on the values of ``x`` is impossible here."""
    # PyTorch has no public question for its function transforms; this one is used by its own libraries.
    return torch.compiler.is_compiling() or torch._C._functorch.is_functorch_wrapped_tensor(x)
