"""Numbers of which only some are trained.

A parameter ``trained_<name>`` holds the trained ones and 0 elsewhere, a buffer ``fixed_<name>`` the others: a zero without
gradient stays zero under every optimiser, weight decay and momentum included.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def register_numbers(module: nn.Module, name: str, values: Tensor, trained: Tensor) -> None:
    """Give a module numbers; ``trained`` is a mask of the same shape."""
    module.register_parameter(f"trained_{name}", nn.Parameter(torch.where(trained, values, 0).contiguous()))
    module.register_buffer(f"fixed_{name}", torch.where(trained, 0, values))


def numbers(module: nn.Module, name: str, trained: Tensor) -> Tensor:
    """Return all numbers of that name; gradients reach the trained ones."""
    return torch.where(trained, getattr(module, f"trained_{name}"), getattr(module, f"fixed_{name}"))


def parameter_of(module: nn.Module, name: str) -> nn.Parameter:
    """Return the parameter that holds the trained numbers of that name; dots lead into parts of the module."""
    path, _, leaf = name.rpartition(".")
    return module.get_submodule(path).get_parameter(f"trained_{leaf}")
