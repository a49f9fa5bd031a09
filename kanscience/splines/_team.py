"""Compiled functions on several threads: on those that PyTorch has, where they can be had.

The threads of PyTorch spin for a while after each of its operations, waiting for the next. Threads of our own would
fight them for the cores, and cost more than they bring. GNU's OpenMP, which PyTorch for Linux computes with, takes work
from whoever calls its entry point; elsewhere, and in forked children, where its threads do not live on, a pool of our own
steps in.
"""

from __future__ import annotations

import ctypes
import os
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch

Compiled = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
"""Takes shares of the work that an address tells of, until none is left; any number of threads may call it at once."""

_forked = False


def run(function: Callable[[int], None], call: array, held: object, threads: int) -> None:
    """Let a function do what a call tells of.

    Args:
        function: called once by each of the threads, with the address of the call.
        call: what it has to do.
        held: whatever has to stay in memory meanwhile.
        threads: most that take part.
    """
    work, _ = call.buffer_info()
    if threads < 2:
        function(work)
    elif (parallel := None if _forked else _entry_of_openmp()) is not None:
        parallel(function, work, threads, 0)
    else:
        others = [pool().submit(function, work) for _ in range(threads - 1)]
        function(work)
        for other in others:
            other.result()


@cache
def _entry_of_openmp():
    """Return ``GOMP_parallel(function, data, threads, flags)`` of the library that PyTorch has loaded, or None."""
    try:
        mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libgomp" in line}
    except OSError:
        return None
    # Another package may have brought a copy of its own: the one beside PyTorch's libraries is PyTorch's.
    beside = str(Path(torch.__file__).parent)
    for path in sorted(mapped, key=lambda path: not path.startswith(beside)):
        entry = getattr(ctypes.CDLL(path), "GOMP_parallel", None)
        if entry is not None:
            entry.argtypes, entry.restype = [Compiled, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
            return entry
    return None


def products(single: bool) -> tuple[int, int]:
    """Return where the matrix product of float32 (or float64) numbers begins, and what says on how many threads it runs.

    They are those of the library that PyTorch computes with. Two zeros where they cannot be had.
    """
    if _forked:  # where the library's threads have not come along
        return 0, 0
    product, threads = _addresses("sgemm_" if single else "dgemm_", "MKL_Set_Num_Threads_Local")
    return product, threads


@cache
def _addresses(*names: str) -> tuple[int, ...]:
    """Return where functions of Intel's library begin."""
    nowhere = (0,) * len(names)
    if not torch.backends.mkl.is_available() or _entry_of_openmp() is None:
        return nowhere
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    try:
        return tuple(ctypes.cast(library[name], ctypes.c_void_p).value or 0 for name in names)
    except AttributeError:
        return nowhere


# Threads of our own: of numba's layers one aborts the process when two threads call it, another dies in forked children.
@cache
def pool() -> ThreadPoolExecutor:
    """Return threads of our own."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="kanscience")


def _after_fork() -> None:
    global _forked
    _forked = True
    pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
