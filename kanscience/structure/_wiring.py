"""A tree as a sparse network: one small part for each block, its curves free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kanscience.graph import Graph, SplineTerm, Term
from kanscience.structure import _kinds

if TYPE_CHECKING:
    from kanscience.structure._blocks import Block
    from kanscience.structure._tree import StructureTree


def wired(tree: StructureTree) -> Graph:
    """Return the graph of a tree: sums, products and outer functions as the kinds say, every curve a free spline."""
    return _Wiring(tree).graph


class _Wiring:
    def __init__(self, tree: StructureTree) -> None:
        self.tree, self.graph = tree, Graph()
        self.inputs = [self.graph.add_input(name) for name in tree.names]
        self.graph.add_output(tree.name, self._root())

    def _root(self) -> str:
        kind = self.tree.kinds.get(self.tree.root)
        if kind is not None and kind.constant == 0:
            return self._product(self.tree.root)
        whole = [self.tree.root] if self.tree.root else []
        return self._sum(whole, bias=(kind and kind.constant) or 0.0)

    def _sum(self, parts: Sequence[Block], bias: float = 0.0) -> str:
        """Return a new sum that the parts enter. Its bias is free where no curve holds a constant."""
        target = self.graph.add_sum(bias)
        for part in parts:
            self._enter(part, target)
        terms = [t for *_, function in self.graph.in_edges(target, data="function") for t in function]
        self.graph.nodes[target]["trainable"] = not any(isinstance(term, SplineTerm) for term in terms)
        return target

    def _enter(self, block: Block, target: str) -> None:
        """Add the value of a block to a sum."""
        parts = self.tree.parts.get(block)
        if parts is None:
            self.graph.add_function(self.inputs[next(iter(block))], target, SplineTerm())
            return
        match self.tree.kinds[block].name:
            case _kinds.ADDITIVE:
                for part in parts:
                    self._enter(part, target)
            case _kinds.MULTIPLICATIVE:
                self.graph.add_function(self._product(block), target, Term())
            case _kinds.GENERALIZED:
                self.graph.add_function(self._sum(parts), target, SplineTerm())
            case _:
                for term in self.tree.kinds[block].terms or (block,):
                    self._enter_any_function([part for part in parts if part <= term], target)

    def _product(self, block: Block) -> str:
        return self.graph.add_product(*(self._sum([part]) for part in self.tree.parts[block]))

    def _enter_any_function(self, parts: Sequence[Block], target: str) -> None:
        """Add a function of the parts' values that nothing is known about: 2n + 1 curves of sums of n curves.

        Source: Kolmogorov, Dokl. Akad. Nauk SSSR 114 (1957) 953.
        """
        sources = [self._argument(part) for part in parts]
        for _ in range(2 * len(sources) + 1):
            hidden = self.graph.add_sum()
            for source in sources:
                self.graph.add_function(source, hidden, SplineTerm())
            self.graph.add_function(hidden, target, SplineTerm())

    def _argument(self, block: Block) -> str:
        """Return the node of a part of a prime block, whose curves take the place of the part's outer function."""
        if block not in self.tree.parts:
            return self.inputs[next(iter(block))]
        bare_sum = self.tree.kinds[block].name == _kinds.GENERALIZED
        return self._sum(self.tree.parts[block] if bare_sum else [block])
