"""Sizes of the layers, without tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from kanscience._checks import check_width

Width = Sequence[int | tuple[int, int | Sequence[int]]]


@dataclass(frozen=True)
class LayerShape:
    """Sizes of one layer of nodes: sum nodes first, then product nodes."""

    sums: int  # each takes one subnode
    arities: tuple[int, ...] = ()  # per product node, how many subnodes it multiplies

    def product_columns(self) -> tuple[slice, ...]:
        """Return, for each product node, the subnode columns it multiplies."""
        edges = accumulate(self.arities, initial=self.sums)
        return tuple(slice(start, stop) for start, stop in pairwise(edges))

    @property
    def nodes(self) -> int:
        """Number of nodes, sums and products."""
        return self.sums + len(self.arities)

    @property
    def subnodes(self) -> int:
        """Number of sums that the edges lead to."""
        return self.sums + sum(self.arities)

    @property
    def node_of_subnode(self) -> tuple[int, ...]:
        """For each subnode, the node that it belongs to."""
        products = [self.sums + k for k, arity in enumerate(self.arities) for _ in range(arity)]
        return (*range(self.sums), *products)


def parse_width(width: Width) -> tuple[int, tuple[LayerShape, ...]]:
    """Return the number of inputs and the shapes of the layers that a ``width`` list describes.

    Example:
        >>> parse_width([2, (3, [2, 3]), 1])
        (2, (LayerShape(sums=3, arities=(2, 3)), LayerShape(sums=1, arities=())))

    Raises:
        OptionError: the list is shorter than two, or an entry is neither a number nor ``(sums, products)``.
    """
    (inputs, _), *layers = check_width(width)
    return inputs, tuple(LayerShape(sums, arities) for sums, arities in layers)
