"""Blocks whose inner function is nothing simple: the surrogate itself, held fast outside, stands for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from kanscience.discovery._proposals import inner_rows
from kanscience.discovery._tables import Slice, Step, Table, kept
from kanscience.structure import dependence, derivatives_of, strong_blocks

_THRESHOLDS = (0.03, 0.1, 0.2, 0.3)  # of the exchange rates' dependence on what is outside
_PLACES = 5


def block_steps(table: Table, surrogate: Callable[[Tensor], Tensor]) -> Iterator[Step]:
    """Yield steps that put a block's columns together, those that the surrogate's derivatives fit best first."""
    count = table.columns.shape[1]
    d = derivatives_of(surrogate, table.columns[inner_rows(table.columns)])
    if d is None or count < 3:
        return
    answers, seen = dependence(d), set()
    for threshold in _THRESHOLDS:
        blocks = strong_blocks(answers > threshold) - seen
        seen |= blocks
        for block in sorted(blocks, key=lambda block: (len(block), sorted(block))):
            if len(block) < count:
                yield _step(table, surrogate, tuple(sorted(block)))


def _step(table: Table, surrogate: Callable[[Tensor], Tensor], block: tuple[int, ...]) -> Step:
    inner = np.flatnonzero(inner_rows(table.columns))
    places = table.columns[inner[np.linspace(0, len(inner) - 1, _PLACES).astype(int)]]
    columns = [torch.from_numpy(np.ascontiguousarray(column)) for column in table.columns.T]
    slices = [Slice(surrogate, block, place[None], np.ones(1)).of(columns).numpy() for place in places]
    strongest = max(slices, key=lambda values: float(np.std(values)))
    signs = np.array([np.sign(np.cov(values, strongest)[0, 1]) or 1.0 for values in slices])
    left = tuple(kept(k) for k in range(table.columns.shape[1]) if k not in block)
    return Step("block", (*left, Slice(surrogate, block, places, signs)))
