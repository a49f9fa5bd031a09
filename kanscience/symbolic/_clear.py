"""Terms that the rows say nothing about are taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanscience.network import MultKAN, functions_of_constants, trace, without_edges

if TYPE_CHECKING:
    from torch import Tensor

_INVISIBLE = 1e-15  # spread of a term over the size of its sum: below, the rounding of the sum is larger


def without_curves(network: MultKAN, x: Tensor) -> MultKAN:
    """Return the network without its edges, their means over the rows in the biases: a constant for each output."""
    every = {
        (depth, source, target)
        for depth, layer in enumerate(network.layers)
        for source in range(layer.splines.active.shape[0])
        for target in range(layer.splines.active.shape[1])
    }
    return without_edges(network, trace(network, x), every)[0]


def without_invisible(network: MultKAN, x: Tensor) -> MultKAN:
    """Return the network without terms whose spread is lost in the rounding of the sum that they enter.

    No row says what such a term is, yet away from the rows it may be anything: exp(-(92 - 72*x)**2).
    """
    record = trace(network, x)
    named = functions_of_constants(network)  # what only these lead to has no spread, and counts all the same
    invisible = {
        (depth, source, target)
        for depth, layer in enumerate(network.layers)
        for source, target in {(term.source, term.target) for term in layer.terms.terms}
        if source not in named[depth]
        and float(record.edges[depth][:, source, target].std())
        <= _INVISIBLE * float(record.subnodes[depth][:, target].abs().max())
    }
    return without_edges(network, record, invisible)[0] if invisible else network
