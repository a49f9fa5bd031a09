"""Which sets of variables act through one number each: blocks, and those that form a tree.

A set A is a block, f = F(g(x_A), rest), exactly when D(i, j, k) vanishes for all i, j in A and k outside. The blocks
that overlap no other form a tree, as the modules of a graph do (Gorman, Rev. Econ. Stud. 35 (1968) 367).
"""

from __future__ import annotations

from itertools import combinations

import networkx
import numpy as np
from jaxtyping import Bool, Float

from kanscience.structure._derivatives import Derivatives

PerTriple = Float[np.ndarray, "i j k"]
Numbers = np.ndarray | np.floating
Block = frozenset[int]


def dependence(d: Derivatives) -> PerTriple:
    """Return how strongly k changes the exchange rate of i and j.

        D(i,j,k) = sum|H_ik*g_j - H_jk*g_i| / sum(|H_ik*g_j| + |H_jk*g_i|)

    with sums over the points. The numerator loses what rounding may have put there; 0/0 is 0.
    """
    gradient, strength, mixed = d.gradient, d.strength, np.abs(d.hessian).mean(axis=0)
    result = np.zeros((len(strength),) * 3)
    for k in range(len(strength)):
        cross = d.hessian[:, :, k, None] * gradient[:, None, :]
        top = np.abs(cross - cross.swapaxes(1, 2)).mean(axis=0)
        size = np.abs(d.hessian[:, :, k]).T @ np.abs(gradient) / len(gradient)
        floor = np.outer(d.noise.hessian[:, k], strength) + np.outer(mixed[:, k], d.noise.gradient)
        result[:, :, k] = ratio_above(top, size + size.T, floor + floor.T)
    return result


def ratio_above(top: Numbers, bottom: Numbers, floor: Numbers) -> Numbers:
    """Return ``(top - floor) / bottom``, not below 0, and 0 where the bottom itself is below the floor."""
    known = bottom > floor
    return np.where(known, np.maximum(top - floor, 0.0), 0.0) / np.where(known, bottom, 1.0)


def strong_blocks(forbidden: Bool[np.ndarray, "i j k"]) -> set[Block]:
    """Return the blocks of two variables or more that overlap no other block, the set of all included.

    Args:
        forbidden: whether k may not stay outside a block with i and j.

    Example:
        >>> forbidden = np.zeros((3, 3, 3), dtype=bool)  # (a + b) * sin(c) + c: only {a, b} keeps c outside
        >>> forbidden[0, 2, 1] = forbidden[2, 0, 1] = forbidden[1, 2, 0] = forbidden[2, 1, 0] = True
        >>> sorted(map(sorted, strong_blocks(forbidden)))
        [[0, 1], [0, 1, 2]]
    """
    n = len(forbidden)
    found = {_closed(forbidden, pair) for pair in combinations(range(n), 2)}
    while True:
        joined = {
            _closed(forbidden, frozenset().union(*group)) for group in _overlapping_groups(sorted(found, key=sorted), n)
        }
        if joined == found:
            break
        found = joined
    return found | {frozenset(range(n))} if n > 1 else set()


def _closed(forbidden: Bool[np.ndarray, "i j k"], members: Block | tuple[int, ...]) -> Block:
    """Return the smallest block that holds the members."""
    inside = np.zeros(len(forbidden), dtype=bool)
    inside[list(members)] = True
    while True:
        drawn_in = forbidden[np.ix_(inside, inside)].any(axis=(0, 1)) & ~inside
        if not drawn_in.any():
            return frozenset(np.flatnonzero(inside).tolist())
        inside |= drawn_in


def _overlapping_groups(blocks: list[Block], n: int) -> list[list[Block]]:
    """Return the connected components of blocks that meet while neither holds the other."""
    member = np.zeros((len(blocks), n), dtype=int)
    for row, block in enumerate(blocks):
        member[row, list(block)] = 1
    common, size = member @ member.T, member.sum(axis=1)
    overlap = (common > 0) & (common < size[:, None]) & (common < size[None, :])
    groups = networkx.connected_components(networkx.from_numpy_array(overlap))
    return [[blocks[row] for row in group] for group in groups]


def children_of(blocks: set[Block]) -> dict[Block, tuple[Block, ...]]:
    """Return the parts of every block of a tree: its largest blocks inside, and single variables."""
    parts = {}
    for block in blocks:
        inside = sorted((other for other in blocks if other < block), key=len, reverse=True)
        largest: list[Block] = []
        for other in inside:
            if not any(other < taken for taken in largest):
                largest.append(other)
        singles = block.difference(*largest)
        parts[block] = tuple(sorted([*largest, *(frozenset({i}) for i in singles)], key=min))
    return parts
