"""Scores of nodes and edges: how much of the outputs' spread each carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.network._places import check_trace_of

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN
    from kanscience.network._trace import Trace


@dataclass(frozen=True, eq=False)
class Scores:
    """Attribution scores, dimensionless, 0 or more; outputs have 1. Indexed as the values of a `Trace`."""

    nodes: tuple[Tensor, ...]  # (node,), nodes[0]: inputs and named constants
    subnodes: tuple[Tensor, ...]  # (subnode,) of each layer
    edges: tuple[Tensor, ...]  # (source, subnode) of each layer

    def __str__(self) -> str:
        return "Scores of the inputs: " + ", ".join(f"{score:.3g}" for score in self.nodes[0].tolist())


def attribution(network: MultKAN, trace: Trace) -> Scores:
    """Return how much of the outputs' spread each node and edge carries.

    Outputs score 1. Backwards, every subnode of a product receives the product's score A, and an edge receives
    ``B = A * E / N`` with E and N the standard deviations over the samples of the edge's and of its subnode's value
    (0 where N is 0); a node's score is the sum over the edges that leave it.

    Args:
        network: the network that was traced.
        trace: of the samples to judge by.

    Example:
        >>> import kanscience as ks, torch
        >>> x = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> network = ks.MultKAN([2, 3, 1], seed=0)
        >>> ks.attribution(network, ks.trace(network, x)).nodes[0].shape
        torch.Size([2])

    Source: Liu et al., arXiv 2408.10205, section 4.1.
    """
    check_trace_of(network, trace)
    last = torch.zeros_like(trace.nodes[-1][0])
    last = last.index_add(0, torch.tensor(network.readout, device=last.device), torch.ones_like(trace.outputs[0]))
    nodes, subnodes, edges = [last], [], []
    for layer, edge, subnode in zip(
        reversed(network.layers), reversed(trace.edges), reversed(trace.subnodes), strict=True
    ):
        score = nodes[0][list(layer.shape.node_of_subnode)]
        spread = subnode.std(dim=0, correction=0)
        # Edges that cancel leave rounding: no spread either.
        rounding = 4 * torch.finfo(edge.dtype).eps * edge.abs().amax(dim=0).sum(dim=0)
        share = torch.where(spread > rounding, edge.std(dim=0, correction=0) / spread, 0)
        subnodes.insert(0, score)
        edges.insert(0, share * score)
        nodes.insert(0, edges[0].sum(dim=1))
    return Scores(tuple(nodes), tuple(subnodes), tuple(edges))
