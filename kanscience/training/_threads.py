"""One thread for linear algebra while small systems are solved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and BLAS use one thread inside: two make factorisations of a hundred numbers many times slower.

    `fit_many` uses all cores: a share of the networks in each thread.
    """
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
