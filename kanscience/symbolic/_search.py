"""Splines to symbols, each choice judged by the loss of the whole network after a joint refit."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kanscience.functions import Function, Library
from kanscience.graph import Graph
from kanscience.network import MultKAN, edge_ends, functions_on_edges, rebuilt, to_graph, trace
from kanscience.symbolic._canonical import canonical
from kanscience.symbolic._clear import without_curves, without_invisible
from kanscience.symbolic._description import complexity, description_length, price
from kanscience.symbolic._ranking import KEPT, Choice, Ranking, candidates_of, choices, fixed_terms, substitute
from kanscience.symbolic._refit import refit_, weighted_square
from kanscience.symbolic._simple_constants import with_simple_constants
from kanscience.symbolic._snap_report import Edge, SnapCandidate, SnapReport
from kanscience.training import normalised_weights

if TYPE_CHECKING:
    from kanscience.training import Samples

_EXACT = 1e-11  # RMSE over spread: no approximation by other functions comes near, rounding stays below
_QUICK, _THOROUGH = 12, 60  # refit steps to judge a choice by, and to finish
_HOPEFUL = 30.0  # nats above the best after a quick refit from which a thorough one may still win


class Search:
    """One network on its way from splines to symbols."""

    def __init__(
        self, network: MultKAN, library: Library, train: Samples, held: Samples, deadline: float = math.inf
    ) -> None:
        self.network, self.library, self.deadline = network, library, deadline
        self.train, self.held = train, held
        self.weights = normalised_weights(train.y, train.sigma, 0.0)
        self.held_weights = normalised_weights(held.y, held.sigma, 0.0)
        self.spread = float((held.y - held.y.mean(dim=0)).square().mean().sqrt()) or 1.0
        self.found: list[SnapCandidate] = []

    def run(self, constants: bool) -> tuple[MultKAN, SnapReport]:
        """Go the whole way."""
        spline_loss = self.loss(self.network)
        best = self.network
        constant = bool((self.train.y == self.train.y[0]).all())
        rankings = {} if constant else self.rankings(spline_loss)
        if constant:
            best = self.refit(without_curves(best, self.train.x), _THOROUGH)
        elif rankings:
            best = self.at_once(rankings)
            if not self.is_exact(best) and time.monotonic() < self.deadline:
                best = min(best, self.one_by_one(rankings), key=self.length)
            best = self.improved(best)
        if constants:
            best = self.with_constants(best)
        self.keep(best)
        loss = self.loss(best)
        return best, SnapReport(
            loss=self.spread * loss**0.5,
            spline_loss=self.spread * spline_loss**0.5,
            exact=self.is_exact(best),
            functions=functions_of(best),
            front=self.front(),
        )

    # ---- judging ---------------------------------------------------------------------------------------------

    def loss(self, network: MultKAN) -> float:
        """Return the mean squared residual over the variance, on the rows that decide."""
        return weighted_square(network, self.held.x, self.held.y, self.held_weights) / network.n_outputs

    def is_exact(self, network: MultKAN) -> bool:
        """Return whether only rounding is left."""
        return self.loss(network) <= _EXACT**2

    def length(self, network: MultKAN) -> float:
        """Return the description length, on the rows that decide."""
        nats = price(to_graph(network), self.vocabulary(network))
        return description_length(self.loss(network), len(self.held.x)) + nats

    def vocabulary(self, network: MultKAN) -> Library:
        """Return the library with all functions that the network uses."""
        return self.library.with_functions(*functions_on_edges(network))

    def refit(self, network: MultKAN, steps: int) -> MultKAN:
        """Fit the free numbers in place."""
        refit_(network, self.train.x, self.train.y, self.weights, steps=steps, tolerance=1e-5)
        return network

    def finished(self, network: MultKAN) -> MultKAN:
        """Refit, write canonically, refit again, and remember the result."""
        self.refit(network, _THOROUGH)
        if not math.isfinite(self.loss(network)):
            return network
        network = without_invisible(network, self.train.x)
        network = rebuilt(network, canonical(to_graph(network), self.vocabulary(network)))
        self.refit(network, _THOROUGH)
        self.keep(network)
        return network

    # ---- choosing --------------------------------------------------------------------------------------------

    def rankings(self, spline_loss: float) -> dict[Edge, Ranking]:
        """Return the best functions for each spline edge, by their description length on that edge.

        A curve is known only as well as the network is: finer differences between functions mean nothing. How well
        that is depends on the other edges. Where they make up for an error of the curve to first order, the loss is
        its square (lenient); where they do not, the loss is the error itself (strict).
        """
        found = self.choices(self.network, spline_edges(self.network))
        return {edge: Ranking.of(its, len(self.train.x), spline_loss) for edge, its in found.items()}

    def choices(
        self, network: MultKAN, edges: Iterable[Edge], candidates: Sequence[Function] | None = None
    ) -> dict[Edge, list[Choice]]:
        """Return the functions that the curves of edges may be, by what they take and give at the rows learnt from.

        ``candidates`` are those of the library, unless there are others.
        """
        record, graph, library = trace(network, self.train.x), to_graph(network), self.vocabulary(network)
        found = {}
        for edge in edges:
            layer, source, target = edge
            x, curve = record.nodes[layer][:, source], record.edges[layer][:, source, target]
            fixed = fixed_terms(graph, *edge_ends(network, edge))
            found[edge] = choices(candidates or candidates_of(self.library), library, fixed, x.numpy(), curve.numpy())
        return found

    def at_once(self, rankings: dict[Edge, Ranking]) -> MultKAN:
        """Return the better of two whole formulas: the lenient first choices everywhere, or the strict ones."""
        graph = to_graph(self.network)
        best = None
        for picked in ({e: r.lenient[0] for e, r in rankings.items()}, {e: r.strict[0] for e, r in rankings.items()}):
            network = self.finished(self.substituted(graph, picked))
            best = network if best is None else min(best, network, key=self.length)
            if self.is_exact(best):
                break
        assert best is not None
        return best

    def substituted(self, graph: Graph, picked: dict[Edge, Choice]) -> MultKAN:
        """Return the network of a graph of `self.network` with these functions on these edges, their numbers free."""
        graph = graph.copy()
        for edge, choice in picked.items():
            substitute(graph, *edge_ends(self.network, edge), choice)
        return rebuilt(self.network, graph, *(choice.fit.function for choice in picked.values()))

    def one_by_one(self, rankings: dict[Edge, Ranking]) -> MultKAN:
        """Return the formula whose functions were fixed one after the other, the surest first, all else refitted."""
        network = self.network
        for edge in sorted(rankings, key=lambda e: -rankings[e].sureness):
            graph = to_graph(network)
            trials = [self.refit(self.substituted(graph, {edge: choice}), _QUICK) for choice in rankings[edge].all]
            network = min(trials, key=self.length)
            if time.monotonic() > self.deadline:
                break
        return self.finished(self.substituted(to_graph(network), self.leftovers(network)))

    def leftovers(self, network: MultKAN) -> dict[Edge, Choice]:
        """Return the first choices for the edges that are splines still."""
        found, loss = self.choices(network, spline_edges(network)), self.loss(network)
        return {edge: Ranking.of(its, len(self.train.x), loss).lenient[0] for edge, its in found.items()}

    def improved(self, best: MultKAN) -> MultKAN:
        """Exchange single functions of a formula as long as its description gets shorter."""
        improving = math.isfinite(self.loss(best))
        while improving:
            improving = False
            for edge in list(functions_of(best)):
                if time.monotonic() > self.deadline:
                    return best
                found = self.exchanged(best, edge)
                if found is not None:
                    best, improving = found, True
        return best

    def exchanged(self, best: MultKAN, edge: Edge) -> MultKAN | None:
        """Return a formula with another function on one edge, if there is one with a shorter description."""
        present, graph = functions_of(best).get(edge), to_graph(best)
        terms = graph.edges[edge_ends(best, edge)]["function"]
        if present is None or not any(term.trainable for term in terms):
            return None
        candidates = [f for f in self.library.candidates if f.label != present]
        exact = self.is_exact(best)
        if exact:  # |m - 1| + 1 is m where m is larger than 1
            most = max(self.vocabulary(best).resolve(t.function, t.arguments).complexity for t in terms)
            candidates = [f for f in candidates if f.complexity < most]
        if not candidates:
            return None
        others = [c for c in self.choices(best, [edge], candidates)[edge] if not exact or c.misfit <= _EXACT**2]
        lowest = self.length(best)
        for choice in sorted(others, key=lambda c: c.length(0.0, len(self.train.x)))[:KEPT]:
            trial = graph.copy()
            substitute(trial, *edge_ends(best, edge), choice)
            network = self.refit(rebuilt(best, trial, choice.fit.function), _QUICK)
            if self.length(network) < lowest + _HOPEFUL:
                network = self.finished(network)
                if self.length(network) < lowest - 1e-9:
                    return network
        return None

    def with_constants(self, network: MultKAN) -> MultKAN:
        """Return the network with simple constants where the loss agrees, and without what became zero."""
        network = with_simple_constants(network, self.train, self.weights, self.deadline)
        return without_invisible(network, self.train.x)

    # ---- the front -------------------------------------------------------------------------------------------

    def keep(self, network: MultKAN) -> None:
        """Remember a symbolic network for the front."""
        loss = self.loss(network)
        if math.isfinite(loss) and not any(layer.has_splines for layer in network.layers):
            tokens = complexity(to_graph(network), self.vocabulary(network))
            self.found.append(SnapCandidate(tokens, self.spread * loss**0.5, network))

    def front(self) -> tuple[SnapCandidate, ...]:
        """Return the candidates that no simpler one equals in loss."""
        front: list[SnapCandidate] = []
        for candidate in sorted(self.found, key=lambda c: (c.complexity, c.loss)):
            if not front or candidate.loss < front[-1].loss:
                front.append(candidate)
        return tuple(front)


def spline_edges(network: MultKAN) -> list[Edge]:
    """Return the edges that are splines."""
    return [
        (layer, source, target)
        for layer, its in enumerate(network.layers)
        for source, target in its.splines.active.nonzero().tolist()
    ]


def functions_of(network: MultKAN) -> dict[Edge, str]:
    """Return the labels of the symbolic edges."""
    return {
        (layer, term.source, term.target): term.function.label
        for layer, its in enumerate(network.layers)
        for term in its.terms.terms
    }
