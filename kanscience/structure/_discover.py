"""From a callable to its tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from kanscience._typing import ArrayLike, Matrix
from kanscience.structure._blocks import Block, PerTriple, children_of, dependence, strong_blocks
from kanscience.structure._callables import functions_of, points_for
from kanscience.structure._derivatives import Derivatives, Function, derivatives
from kanscience.structure._exact import TorchFunction
from kanscience.structure._gauge import Yardsticks, yardsticks_beside
from kanscience.structure._kinds import GENERALIZED, PRIME, Kind, Node, certainty
from kanscience.structure._kinks import check_smooth
from kanscience.structure._tree import StructureTree, StructureTrees


def tree_from_callable(
    f: Callable[..., Any], x: ArrayLike, *, names: Sequence[str] | None = None
) -> StructureTree | StructureTrees:
    """Find how a function is put together, from its derivatives at sample points.

    Args:
        f: a torch function or module of an (N, n) tensor, or a numpy function of an (N, n) array; rows independent.
        x: (N, n) points inside its domain, 10 or more; as they would come from an experiment.
        names: of the columns; None takes a frame's own, else those of a law or network, else x1, x2, ...

    Returns:
        The tree; for several outputs a tuple of trees.

    Raises:
        DataError: too few finite points, a column that does not vary, a function that is not twice differentiable.

    Source: W. M. Gorman, Rev. Econ. Stud. 35 (1968) 367.
    """
    points, columns = points_for(f, x, names)
    trees = [tree_of(function, points, columns) for function in functions_of(f, points)]
    if len(trees) == 1:
        return trees[0]
    return StructureTrees(replace(tree, name=f"f{place}") for place, tree in enumerate(trees, start=1))


def derivatives_of(f: Callable[[Tensor], Tensor], x: Matrix) -> Derivatives | None:
    """Return the exact derivatives of a torch function of (N, n), returning (N,); None where it is constant."""
    return derivatives(TorchFunction(f), x, tuple(f"column {k}" for k in range(x.shape[1])))


def tree_of(function: Function, x: ArrayLike, names: tuple[str, ...]) -> StructureTree:
    """Return the tree of one output."""
    d = derivatives(function, x, names)
    if d is None:
        return StructureTree(names, frozenset(), {}, {})
    check_smooth(function, d.points, d.scale, names)
    return tree_from_derivatives(d, names)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Goes down a tree of blocks and says how each joins its parts."""

    d: Derivatives
    dependence: PerTriple
    parts: Mapping[Block, tuple[Block, ...]]

    def kinds(self, block: Block, yardsticks: Yardsticks | None) -> Iterator[tuple[Block, Kind]]:
        """Yield the kinds of a block and of all blocks inside, given the scale of the block."""
        kind = Node(self.d, self.dependence, self.parts[block], yardsticks).kind()
        yield block, replace(kind, confidence=min(kind.confidence, self._certainty(block)))
        for part in self.parts[block]:
            if part in self.parts:
                yield from self.kinds(part, self._scale_of_part(part, block, kind.name, yardsticks))

    def _scale_of_part(self, part: Block, block: Block, kind: str, yardsticks: Yardsticks | None) -> Yardsticks | None:
        if kind == PRIME:
            return None
        if kind == GENERALIZED:
            return yardsticks_beside(self.d, part, self.parts[block])
        return yardsticks

    def _certainty(self, block: Block) -> float:
        """Return how clearly the variables outside leave the exchange rates inside alone."""
        inside, outside = sorted(block), sorted(set(range(len(self.dependence))) - block)
        if not outside:
            return 1.0
        return certainty(float(self.dependence[np.ix_(inside, inside, outside)].max()), self.d.limits.dependence)


def tree_from_derivatives(d: Derivatives, names: tuple[str, ...]) -> StructureTree:
    """Return the tree that derivatives tell, wherever they come from."""
    active = d.active
    inner = d.of(active).without_weak_couplings()
    answers = dependence(inner)
    parts = children_of(strong_blocks(answers > inner.limits.dependence))
    kinds = dict(_Judge(inner, answers, parts).kinds(frozenset(range(len(active))), ())) if parts else {}
    columns = lambda block: frozenset(active[k] for k in block)  # noqa: E731
    return StructureTree(
        names,
        frozenset(active),
        {columns(block): replace(kind, terms=tuple(map(columns, kind.terms))) for block, kind in kinds.items()},
        {columns(block): tuple(map(columns, inside)) for block, inside in parts.items()},
    )
