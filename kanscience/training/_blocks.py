"""Normal equations of a network's regression, gathered block of rows by block of rows.

A spline has ``degree + 1`` basis functions that are not zero at a point, whatever its grid. Rows that are neighbours in
the inputs share them, so the product of a Jacobian's block with itself needs only the numbers that some row of the
block depends on: at 150 intervals one in six. The blocks also bound the memory, however many rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from kanscience.network import FlatView, MultKAN, sweep
from kanscience.network._jacobian import Features, Trained
from kanscience.training._sparse_product import SparseProduct, local

_NUMBERS = 2**22  # held at once in features and Jacobian: 32 MiB
_KEPT = 2**25  # features of the first layer kept between steps, else found anew at each: 256 MiB
_BLOCK_ROWS = (256, 128, 64)
_WORTHWHILE = 5e-3  # seconds that a product takes, from which on blocks are looked for
_FELT = 2e-3  # seconds of a product, below which it is not worth to load numba
_PRODUCT, _ADDED, _CALLS = 2.5e-11, 3e-9, 2e-4  # seconds: for a term of a product, a number of it, a block's calls


@dataclass(frozen=True, eq=False)
class Block:
    """A run of rows, and the numbers whose derivatives may differ from 0 there."""

    rows: slice
    trained: list[Trained]  # of each layer, as in `FlatView.trained`
    runs: list[tuple[slice, slice]]  # neighbours among these numbers, and where they stand in the flat vector

    @property
    def numbers(self) -> int:
        """How many numbers there are."""
        return self.runs[-1][0].stop if self.runs else 0


@dataclass(frozen=True, eq=False)
class Part:
    """Rows that one sweep takes together."""

    x: Tensor  # (N, inputs)
    y: Tensor  # (N, outputs)
    weights: Tensor  # (N, outputs)
    first: Features  # the first layer's features: inputs and their knots stay, so do these; None: not kept
    blocks: list[Block]
    sparse: SparseProduct | None = None  # does better than the blocks

    def residuals(self, outputs: Tensor) -> Tensor:
        """Return (output, N) weighted residuals."""
        return self.weights.T * (outputs - self.y.T)


@torch.no_grad()
def parts_of(network: MultKAN, view: FlatView, x: Tensor, y: Tensor, weights: Tensor) -> list[Part]:
    """Return the rows in parts of bounded size, and these in blocks of neighbours where that makes products cheaper."""
    splines = network.layers[0].splines
    features = splines.axes.n_basis * len(splines.low)
    size = max(view.size, features)
    parts = []
    for rows in torch.arange(len(x), device=x.device).split(max(_NUMBERS // size, max(_BLOCK_ROWS))):
        dense = _seconds(view.size, len(rows) * network.n_outputs)
        sparse = SparseProduct.of(network, view, x[rows], dense) if dense > _FELT else None
        order, blocks = _whole(view, x[rows]) if sparse else _blocks(network, view, x[rows])
        rows = rows[order]
        kept = network.layers[0].features(network.sources(x[rows])) if features * len(x) <= _KEPT else None
        parts.append(Part(x[rows], y[rows], weights[rows], kept, blocks, sparse))
    return parts


def normal_equations(network: MultKAN, view: FlatView, parts: list[Part]) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the sum of squares, the matrix ``J @ J.T`` and the vector ``J @ residuals`` of the transposed Jacobian J."""
    loss, matrix, gradient = 0.0, np.zeros((view.size, view.size)), np.zeros(view.size)
    for part in parts:
        done = sweep(network, part.x, part.first)
        residuals = part.residuals(done.outputs)
        loss += float((residuals**2).sum())
        done = done.scaled(part.weights.T)
        if part.sparse is not None:
            hidden = [local(its.layer, its.x) for its in done.layers[1:]]
            found = part.sparse.normal_equations([part.sparse.first, *hidden], done, view.trained, residuals)
            matrix, gradient = (matrix + found[0], gradient + found[1]) if len(parts) > 1 else found
            continue
        for output, row in enumerate(residuals):
            for block in part.blocks:
                jacobian = done.rows(output, block.trained, block.rows).double().numpy()
                _add_block(matrix, gradient, block, jacobian, row[block.rows].double().numpy())
    return loss, matrix, gradient


def _add_block(
    matrix: np.ndarray, gradient: np.ndarray, block: Block, jacobian: np.ndarray, residuals: np.ndarray
) -> None:
    """Add the products of a block's Jacobian, (number, row), where its numbers stand."""
    product = jacobian @ jacobian.T  # numpy takes the symmetric product: half the work of the general one
    slopes = jacobian @ residuals
    for here, there in block.runs:
        gradient[there] += slopes[here]
        for this, that in block.runs:
            matrix[there, that] += product[here, this]


def _blocks(network: MultKAN, view: FlatView, x: Tensor) -> tuple[Tensor, list[Block]]:
    """Return an order of the rows and the blocks of its neighbours; one block where more would not pay."""
    cheapest, best = _seconds(view.size, len(x)), _whole(view, x)
    if cheapest < _WORTHWHILE or not network.layers[0].has_splines:
        return best
    splines = network.layers[0].splines
    nodes = network.sources(x)
    seen = splines.features(nodes)[0] != 0
    for rows in _BLOCK_ROWS:
        cells = _cells(splines.mapped(nodes), torch.arange(len(x), device=x.device), rows)
        stops = accumulate(map(len, cells))
        blocks = [_block(view, slice(stop - len(c), stop), seen[:, :, c]) for c, stop in zip(cells, stops, strict=True)]
        seconds = sum(_seconds(block.numbers, block.rows.stop - block.rows.start) for block in blocks)
        if seconds < cheapest:
            cheapest, best = seconds, (torch.cat(cells), blocks)
    return best


def _whole(view: FlatView, x: Tensor) -> tuple[Tensor, list[Block]]:
    """Return the rows as they stand, in one block."""
    everything = slice(0, view.size)
    rows = torch.arange(len(x), device=x.device)
    return rows, [Block(slice(0, len(x)), view.trained, [(everything, everything)])]


def _seconds(numbers: int, rows: int) -> float:
    return numbers**2 * (rows * _PRODUCT + _ADDED) + _CALLS


def _cells(t: Tensor, rows: Tensor, most: int) -> list[Tensor]:
    """Return the rows in cells of neighbours, halved across their longest side until none has more than ``most``."""
    if len(rows) <= most:
        return [rows]
    longest = (t[:, rows].max(dim=1).values - t[:, rows].min(dim=1).values).argmax()
    rows = rows[t[longest, rows].argsort(stable=True)]
    half = len(rows) // 2
    return _cells(t, rows[:half], most) + _cells(t, rows[half:], most)


def _block(view: FlatView, rows: slice, seen: Tensor) -> Block:
    """Return the block of these rows; ``seen`` (source, basis, row) says where the first layer's functions are not 0."""
    used = seen.any(dim=2)
    # With the functions between the first and the last one used, the numbers of a source are one run.
    hull = (used.cumsum(dim=1) > 0) & (used.flip(1).cumsum(dim=1).flip(1) > 0)
    s, b, t = view.trained[0]["splines.coefficients"]
    keep = hull[s, b]
    first = {**view.trained[0], "splines.coefficients": (s[keep], b[keep], t[keep])}
    everything_else = np.ones(view.size - len(s), dtype=bool)
    return Block(rows, [first, *view.trained[1:]], _runs(np.concatenate([keep.numpy(), everything_else])))


def _runs(chosen: np.ndarray) -> list[tuple[slice, slice]]:
    """Return the runs of True, as slices among the chosen ones and among all."""
    ends = np.flatnonzero(np.diff(chosen, prepend=False, append=False)).reshape(-1, 2)
    stops = np.cumsum(ends[:, 1] - ends[:, 0])
    return [(slice(k - b + a, k), slice(a, b)) for (a, b), k in zip(ends.tolist(), stops.tolist(), strict=True)]
