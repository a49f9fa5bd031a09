"""Run a network once and return every intermediate value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._typing import ArrayLike
from kanscience.network._layer import Layer, multiply
from kanscience.network._multkan import check_network
from kanscience.network._tables import as_tensor

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN


@dataclass(frozen=True, eq=False)
class Trace:
    """Every value of one run; samples first.

    ``nodes[0]`` are the inputs and named constants, ``nodes[l + 1]``, ``subnodes[l]`` and ``edges[l]`` belong to layer
    l. ``outside[l]`` counts, for every source of layer l, the samples outside the domain of its splines.
    """

    nodes: tuple[Tensor, ...]  # (batch, node)
    subnodes: tuple[Tensor, ...]  # (batch, subnode)
    edges: tuple[Tensor, ...]  # (batch, source, subnode)
    outputs: Tensor  # (batch, output)
    outside: tuple[Tensor, ...]  # (source,)

    def __len__(self) -> int:
        return self.outputs.shape[0]

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        outside = [int(count.sum()) for count in self.outside]
        return (
            f"Trace of {len(self)} samples through {len(self.edges)} layers; outside the domains, by layer: {outside}"
        )


@torch.no_grad()
def trace(network: MultKAN, x: ArrayLike) -> Trace:
    """Run the network once and return every intermediate value.

    Args:
        network: left as it is.
        x: (N, inputs) tensor, array or frame, in the user's units.

    Returns:
        A frozen record; `attribution`, `prune` and `suggest` read it.

    Raises:
        ShapeError, DataError: as calling the network does.

    Example:
        >>> import kanscience as ks, torch
        >>> record = ks.trace(ks.MultKAN([2, 3, 1], seed=0), torch.zeros(5, 2, dtype=torch.float64))
        >>> record.edges[0].shape
        torch.Size([5, 2, 3])
    """
    check_network(network)
    x = as_tensor(network, x, "x")
    nodes = [network.sources(x)]
    subnodes, edges, outside = [], [], []
    for layer in network.layers:
        edges.append(edge_values(layer, nodes[-1]))
        outside.append(_count_outside(layer, nodes[-1]))
        subnodes.append(layer.subnodes(nodes[-1]))
        nodes.append(multiply(subnodes[-1], layer.shape))
    return Trace(
        nodes=tuple(n.T for n in nodes),
        subnodes=tuple(s.T for s in subnodes),
        edges=tuple(e.permute(2, 0, 1) for e in edges),
        outputs=network.read_out(nodes[-1]).T,
        outside=tuple(outside),
    )


def edge_values(layer: Layer, x: Tensor) -> Tensor:
    """Return (source, target, sample): what each edge, splines and terms together, adds to its subnode."""
    sources, targets = layer.splines.active.shape
    values = x.new_zeros(sources, targets, x.shape[1])
    if layer.has_splines:
        values = layer.splines.values(x)
    if len(layer.terms):
        edge = layer.terms.source * targets + layer.terms.target
        values = values.flatten(0, 1).index_add(0, edge, layer.terms.values(x)).unflatten(0, (sources, targets))
    return values


def _count_outside(layer: Layer, x: Tensor) -> Tensor:
    count = layer.splines.count_outside(x)
    return torch.where(layer.splines.active.any(dim=1), count, 0)
