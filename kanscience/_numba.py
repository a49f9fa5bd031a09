"""Functions compiled by numba, where it is installed; without it PyTorch computes the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


def compiled(function: Callable, *, fastmath: frozenset[str] = frozenset(), on_disk: bool = True) -> Any:
    """Return the function to be compiled at its first call, and kept on disk where there is a folder for it."""
    from numba import njit

    bare = inspect.unwrap(function)  # of what checks types at run time
    options = {"nogil": True, "error_model": "numpy", "fastmath": set(fastmath)}
    try:
        return njit(bare, cache=on_disk, **options)
    except RuntimeError:  # there is no folder to write a cache to
        return njit(bare, **options)


@cache
def kernels(name: str) -> ModuleType | None:
    """Return a module of compiled functions; None where numba is not installed, or not for this Python or numpy."""
    try:
        module = import_module(name)
    except ImportError as reason:
        if (reason.name or "").startswith("kanscience"):
            raise  # a mistake of ours
        return None
    _keep_freed_memory()
    return module


@cache
def _keep_freed_memory() -> None:
    """Let the C library keep the memory of arrays of some MB, which come and go.

    It gives their pages back to the system at each step, to fetch them again at the next, until it has seen a block near
    its limit of 32 MB freed; this one is never written, thus takes none.
    """
    import torch

    torch.empty(31 * 2**20, dtype=torch.uint8, device="cpu")
