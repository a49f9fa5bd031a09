"""Which functions may stand on an edge, best first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kanscience._errors import OptionError
from kanscience._typing import Vector
from kanscience.functions import AffineFit, Function, Library, affine_fits
from kanscience.graph import Graph, Number, Term
from kanscience.symbolic._description import TOKEN, description_length

KEPT = 4  # functions an edge, by their description length on the edge alone
_SIZE = 3.0  # nats of a number's sign and order of magnitude: some twenty; log(n)/2 are its digits


@dataclass(frozen=True)
class Choice:
    """A function for an edge, beside terms that are fixed there or in their place.

    ``misfit`` is the share of the variance of the edge's whole curve that both miss.
    """

    fit: AffineFit
    beside: tuple[Term, ...]
    misfit: float

    def length(self, floor: float, n: int) -> float:
        """Return the description length of the curve, on the edge alone."""
        function = self.fit.function
        numbers = function.n_constants * (0.5 * math.log(n) + _SIZE)
        return description_length(self.misfit + floor, n) + TOKEN * (function.complexity + len(self.beside)) + numbers


def candidates_of(library: Library) -> tuple[Function, ...]:
    """Return what a search tries; an error where there is nothing."""
    if not library.candidates:
        raise OptionError(
            "the library has no candidates to try. Add functions by `library.with_functions(...)`, or make it with "
            "`candidates=`."
        )
    return library.candidates


def choices(
    candidates: Sequence[Function], known: Library, fixed: tuple[Term, ...], x: Vector, curve: Vector
) -> list[Choice]:
    """Return functions fitted to the curve that an edge has at x; of a constant one the simplest.

    Args:
        candidates: what to choose from, one function or more.
        known: what the fixed terms are looked up in.
        fixed: terms of the edge that are not to be trained. The function may stand beside them, or in their place.
        x, curve: (N,).
    """
    found = []
    for beside in dict.fromkeys((fixed, ())):
        rest = curve - sum((_values(known, term, x) for term in beside), np.zeros_like(x))
        every = affine_fits(candidates, x, rest)
        finite = [fit for fit in every if math.isfinite(fit.misfit)]
        share = float(rest.var() / curve.var()) if beside and curve.var() > 0 else 1.0
        if finite:
            found += [Choice(fit, beside, share * fit.misfit) for fit in finite]
        else:
            simplest = min(every, key=lambda fit: fit.function.complexity)
            found.append(Choice(simplest, beside, 0.0 if beside else simplest.misfit))
    return found


def _values(known: Library, term: Term, x: Vector) -> Vector:
    numbers = term.scale.value, term.slope.value, term.shift.value
    return AffineFit(known.resolve(term.function, term.arguments), *numbers, offset=0.0, r2=1.0, misfit=0.0)(x)


def fixed_terms(graph: Graph, source: str, target: str) -> tuple[Term, ...]:
    """Return the terms of an edge that are not to be trained."""
    return tuple(t for t in graph.edges[source, target]["function"] if isinstance(t, Term) and not t.trainable)


@dataclass(frozen=True)
class Ranking:
    """The best functions of one edge, under two views of how well its curve is known."""

    lenient: tuple[Choice, ...]
    strict: tuple[Choice, ...]
    sureness: float  # nats between the first and the second

    @classmethod
    def of(cls, found: Sequence[Choice], n: int, loss: float) -> Ranking:
        lenient, strict = (
            sorted((choice.length(floor, n), k) for k, choice in enumerate(found)) for floor in (loss**0.5, loss)
        )
        sureness = lenient[1][0] - lenient[0][0] if len(lenient) > 1 else math.inf
        kept = [tuple(found[k] for _, k in ranked[:KEPT]) for ranked in (lenient, strict)]
        return cls(kept[0], kept[1], sureness)

    @property
    def all(self) -> tuple[Choice, ...]:
        """Both rankings, each function once."""
        return self.lenient + tuple(choice for choice in self.strict if choice not in self.lenient)


def substitute(graph: Graph, source: str, target: str, choice: Choice) -> None:
    """Put a function on an edge, beside the terms that it is chosen for; its offset goes into the sum's bias."""
    fit, function = choice.fit, choice.fit.function
    offset = fit.offset
    if function.name == "zero" or fit.scale == 0:
        new: tuple[Term, ...] = ()
    elif function.name == "identity":
        new = (Term(scale=Number(fit.scale * fit.slope), trainable=True),)
        offset += fit.scale * fit.shift
    else:
        numbers = (Number(fit.scale), Number(fit.slope), Number(fit.shift))
        new = (Term(function.name, function.arguments, *numbers, trainable=True),)
    graph.edges[source, target]["function"] = choice.beside + new
    graph.nodes[target].update(bias=Number(graph.nodes[target]["bias"].value + offset), trainable=True)
