"""How many nats a symbolic network takes to write down: residuals, functions and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kanscience.graph import Graph, Number, Term

if TYPE_CHECKING:
    from kanscience.functions import Library

TOKEN = 2.0  # nats: one of some eight usual choices
_ROUNDING = 1e-26  # mean square over variance that float64 arithmetic leaves of an exact law
_PRECISION = 8.0  # nats of a free number: about the digits that data of ordinary quality determine


def description_length(loss: float, n: int) -> float:
    """Return the nats of n residuals with mean square ``loss`` (over the variance): ``n/2 log(loss)``."""
    return 0.5 * n * math.log(loss + _ROUNDING) if math.isfinite(loss) else math.inf


def complexity(graph: Graph, library: Library) -> int:
    """Return the tokens of a symbolic graph: functions, operations, and one for every number that is not 0 or 1."""
    count = 0
    for node in graph:
        kind = graph.nodes[node]["kind"]
        if kind == "sum":
            terms = [term for source in graph.predecessors(node) for term in graph.edges[source, node]["function"]]
            has_bias = graph.nodes[node]["bias"].value != 0
            count += max(len(terms) + has_bias - 1, 0) + has_bias
        elif kind == "product":
            count += graph.in_degree(node) - 1
        elif kind == "input":
            count += graph.out_degree(node)
    for _, _, terms in graph.functions():
        for term in terms:
            if isinstance(term, Term):
                count += library.resolve(term.function, term.arguments).complexity
                count += sum(2 for number in _numbers(term) if number.value not in (0.0, 1.0))
    return count


def price(graph: Graph, library: Library) -> float:
    """Return the nats of a symbolic graph: its tokens, and the digits of its free numbers."""
    free = sum(
        not number.is_exact
        for _, _, terms in graph.functions()
        for term in terms
        if isinstance(term, Term)
        for number in _numbers(term)
    )
    free += sum(not graph.nodes[node]["bias"].is_exact for node in graph.nodes_of("sum"))
    return TOKEN * complexity(graph, library) + _PRECISION * free


def _numbers(term: Term) -> tuple[Number, ...]:
    return (term.scale,) if term.is_identity else (term.scale, term.slope, term.shift)
