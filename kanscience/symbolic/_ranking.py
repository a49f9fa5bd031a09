"""Which functions may stand on an edge, best first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kanscience.functions import AffineFit
from kanscience.graph import Graph, Number, Term
from kanscience.symbolic._description import description_length

KEPT = 4  # functions an edge, by their description length on the edge alone


@dataclass(frozen=True)
class Ranking:
    """The best functions of one edge, under two views of how well its curve is known."""

    lenient: tuple[AffineFit, ...]
    strict: tuple[AffineFit, ...]
    sureness: float  # nats between the first and the second

    @classmethod
    def of(cls, fits: Sequence[AffineFit], n: int, loss: float) -> Ranking:
        lenient, strict = (
            sorted((edge_length(fit, floor, n), k) for k, fit in enumerate(fits)) for floor in (loss**0.5, loss)
        )
        sureness = lenient[1][0] - lenient[0][0] if len(lenient) > 1 else math.inf
        kept = [tuple(fits[k] for _, k in ranked[:KEPT]) for ranked in (lenient, strict)]
        return cls(kept[0], kept[1], sureness)

    @property
    def all(self) -> tuple[AffineFit, ...]:
        """Both rankings, each function once."""
        return self.lenient + tuple(fit for fit in self.strict if fit not in self.lenient)


def edge_length(fit: AffineFit, floor: float, n: int) -> float:
    """Return the description length of a curve by one function, on the edge alone."""
    numbers = fit.function.n_constants * (0.5 * math.log(n) + 3)
    return description_length(fit.misfit + floor, n) + 2.0 * fit.function.complexity + numbers


def substitute(graph: Graph, source: str, target: str, fit: AffineFit) -> None:
    """Put a function on an edge in place of what is trainable there; its offset goes into the sum's bias."""
    kept = tuple(t for t in graph.edges[source, target]["function"] if isinstance(t, Term) and not t.trainable)
    function = fit.function
    offset = fit.offset
    if function.name == "zero" or fit.scale == 0:
        new: tuple[Term, ...] = ()
    elif function.name == "identity":
        new = (Term(scale=Number(fit.scale * fit.slope), trainable=True),)
        offset += fit.scale * fit.shift
    else:
        numbers = (Number(fit.scale), Number(fit.slope), Number(fit.shift))
        new = (Term(function.name, function.arguments, *numbers, trainable=True),)
    graph.edges[source, target]["function"] = kept + new
    graph.nodes[target].update(bias=Number(graph.nodes[target]["bias"].value + offset), trainable=True)
