"""The answer: a tree of blocks, what joins the parts of each, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import networkx

from kanscience._checks import did_you_mean, listed
from kanscience._errors import OptionError
from kanscience.structure._blocks import Block
from kanscience.structure._kinds import Kind

if TYPE_CHECKING:
    from kanscience.graph import Graph


@dataclass(frozen=True, eq=False, repr=False)
class StructureTree:
    """How a function is put together: which variables act through one number, and how those numbers are joined.

    A block is a set A of variables with f = F(g(x_A), rest). The tree holds the blocks that overlap no other. Blocks
    are given as any iterable of column indices, or of names.

    Args:
        names: of all variables, in the order of the columns.
        root: the variables that f depends on.
        kinds: how each block of two variables or more joins its parts.
        parts: the largest blocks and single variables that each block consists of.
        name: of the function.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.random.default_rng(0).uniform(1, 2, (200, 4))
        >>> tree = ks.discover_tree(lambda x: (x[:, 0] * x[:, 1] + x[:, 2]) * x[:, 3], x, names=list("abcd"))
        >>> print(tree)
        f(a, b, c, d): multiplicative
          {a, b, c}: additive
            {a, b}: multiplicative
              a
              b
            c
          d
        >>> tree.kind("abc"), sorted(map(sorted, tree.children("abc")))
        ('additive', [[0, 1], [2]])
    """

    names: tuple[str, ...]
    root: Block
    kinds: Mapping[Block, Kind]
    parts: Mapping[Block, tuple[Block, ...]]
    name: str = "f"
    notes: tuple[str, ...] = field(default=())

    # asking

    @property
    def blocks(self) -> set[Block]:
        """The blocks of two variables or more, as column indices; the root is one of them."""
        return set(self.kinds)

    @property
    def inactive(self) -> Block:
        """The columns that f does not depend on."""
        return frozenset(range(len(self.names))) - self.root

    def kind(self, block: Iterable[int | str]) -> str:
        """Return "additive", "multiplicative", "generalized-additive" or "prime"."""
        return self.kinds[self._block(block)].name

    def children(self, block: Iterable[int | str]) -> frozenset[Block]:
        """Return the parts of a block: the largest blocks inside it, and single variables."""
        return frozenset(self.parts[self._block(block)])

    def confidence(self, block: Iterable[int | str]) -> float:
        """Return how clear the answer about a block is: 0 undecided, 1 beyond doubt."""
        return self.kinds[self._block(block)].confidence

    def constant(self, block: Iterable[int | str]) -> float | None:
        """Return c of a root that is a product ``c + g*h``, None elsewhere."""
        return self.kinds[self._block(block)].constant

    def terms(self, block: Iterable[int | str]) -> tuple[Block, ...]:
        """Return the variables of each term of a prime block that is a sum of overlapping terms, else nothing."""
        return self.kinds[self._block(block)].terms

    def _block(self, block: Iterable[int | str]) -> Block:
        if isinstance(block, str) and block in self.names:
            block = [block]
        found = frozenset(self._column(member) for member in block)
        if found in self.kinds:
            return found
        known = [self.written(known) for known in sorted(self.kinds, key=lambda b: (-len(b), min(b)))]
        raise OptionError(
            f"{self.written(found)} is no block of this tree. Its blocks are {', '.join(known) or 'none'}."
        )

    def _column(self, member: object) -> int:
        if isinstance(member, str):
            if member in self.names:
                return self.names.index(member)
            raise OptionError(
                f"there is no variable {member!r}; the tree has {listed(self.names)}.{did_you_mean(member, self.names)}"
            )
        for column in range(len(self.names)):
            if member == column:
                return column
        raise OptionError(f"there is no column {member!r}; the tree has {len(self.names)}, counted from 0.")

    def walk(self, block: Block | None = None, depth: int = 0) -> Iterator[tuple[Block, int]]:
        """Go through all blocks and single variables from the root down, each with its depth."""
        block = self.root if block is None else block
        if block:
            yield block, depth
        for part in self.parts.get(block, ()):
            yield from self.walk(part, depth + 1)

    # passing on

    def to_networkx(self) -> networkx.DiGraph:
        """Return the tree as a directed graph, from the root to the variables.

        Its nodes are frozensets of column indices, with ``label``, and ``kind`` and ``confidence`` where it is a block.
        """
        graph = networkx.DiGraph()
        for block, _ in self.walk():
            graph.add_node(block, label=self.written(block))
            if block in self.kinds:
                kind = self.kinds[block]
                graph.add_node(block, kind=kind.name, confidence=kind.confidence)
        graph.add_edges_from((block, part) for block, parts in self.parts.items() for part in parts)
        return graph

    def to_graph(self) -> Graph:
        """Return the sparse network that has this structure, its curves still free.

        ``ks.from_graph(tree.to_graph())`` is ready to be fitted.
        """
        from kanscience.structure._wiring import wired

        return wired(self)

    # showing

    def written(self, block: Iterable[int]) -> str:
        """Return a block with its names."""
        names = [self.names[k] for k in sorted(block)]
        return names[0] if len(names) == 1 else "{" + ", ".join(names) + "}"

    @property
    def latex(self) -> str:
        """The structure as one formula, with a letter for every unknown function."""
        from kanscience.structure._words import latex

        return latex(self)

    def __str__(self) -> str:
        from kanscience.structure._words import outline

        return outline(self)

    def __repr__(self) -> str:
        return f"<StructureTree {str(self).splitlines()[0]}>"

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from kanscience._display import mimebundle

        return {**mimebundle(self), "text/latex": self._repr_latex_()}


class StructureTrees(tuple[StructureTree, ...]):
    """The trees of a function of several outputs, and what they have in common."""

    @property
    def shared(self) -> set[Block]:
        """The blocks that all outputs share."""
        return set.intersection(*(tree.blocks for tree in self)) if self else set()

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from kanscience._display import mimebundle

        return mimebundle(self)
