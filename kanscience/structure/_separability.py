"""The first question: does a function fall apart, and how?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kanscience._typing import ArrayLike
from kanscience.structure._blocks import Block
from kanscience.structure._discover import tree_from_callable
from kanscience.structure._kinds import PRIME
from kanscience.structure._tree import StructureTree


@dataclass(frozen=True)
class Separability:
    """How a function joins groups of its variables.

    Args:
        kind: "additive", "multiplicative", "generalized-additive" (a sum inside some function) or "prime".
        groups: the groups, as sets of column indices. Those of a prime function are joined in none of these ways.
        constant: c where f = c + g*h, else None.
        terms: of a prime function that is a sum of overlapping terms: the variables of each.
        inactive: columns without influence.
        confidence: 0 to 1.
        latex: the same as a formula.
    """

    kind: str
    groups: tuple[Block, ...]
    constant: float | None
    terms: tuple[Block, ...]
    inactive: Block
    confidence: float
    latex: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.latex}"


def find_separability(
    f: Callable[..., Any], x: ArrayLike, *, names: Sequence[str] | None = None
) -> Separability | tuple[Separability, ...]:
    """Say whether a function is a sum, a product, or a function of a sum, and of which groups of variables.

    The answer comes from derivatives alone; for fitted networks ask `ks.discover_tree`.

    Args:
        f, x, names: as in `discover_tree`.

    Returns:
        One answer, or for several outputs a tuple of them.

    Raises:
        DataError: as `discover_tree` does.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.random.default_rng(0).uniform(1, 2, (100, 4))
        >>> found = ks.find_separability(lambda x: x[:, 0] * x[:, 1] + x[:, 2] / x[:, 3], x, names=["a", "b", "c", "d"])
        >>> found.kind, sorted(map(sorted, found.groups))
        ('additive', [[0, 1], [2, 3]])
    """
    found = tree_from_callable(f, x, names=names)
    return _of_root(found) if isinstance(found, StructureTree) else tuple(map(_of_root, found))


def _of_root(tree: StructureTree) -> Separability:
    kind = tree.kinds.get(tree.root)
    alone = (tree.root,) if tree.root else ()
    return Separability(
        kind=kind.name if kind else PRIME,
        groups=tree.parts.get(tree.root, alone),
        constant=kind.constant if kind else None,
        terms=kind.terms if kind else (),
        inactive=tree.inactive,
        confidence=kind.confidence if kind else 1.0,
        latex=tree.latex,
    )
