"""Splines to symbols, each choice judged by the loss of the whole network after a joint refit."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanscience._checks import check_number
from kanscience.datasets import FEW_ROWS
from kanscience.functions import AffineFit, Library, affine_fits, as_library
from kanscience.graph import Graph, Number, Term
from kanscience.network import (
    MultKAN,
    edge_ends,
    functions_of_constants,
    generator_from,
    rebuilt,
    to_graph,
    trace,
    without_edges,
)
from kanscience.symbolic._canonical import canonical
from kanscience.symbolic._description import complexity, description_length, price
from kanscience.symbolic._refit import refit_, weighted_square
from kanscience.symbolic._simple_constants import with_simple_constants
from kanscience.training import checked_samples, held_back, normalised_weights, one_thread

if TYPE_CHECKING:
    import numpy as np

    from kanscience._typing import ArrayLike
    from kanscience.training import Samples

Edge = tuple[int, int, int]

_EXACT = 1e-11  # RMSE over spread: no approximation by other functions comes near, rounding stays below
_INVISIBLE = 1e-15  # spread of a term over the size of its sum: below, the rounding of the sum is larger
_KEPT = 4  # functions an edge, by their description length on the edge alone
_QUICK, _THOROUGH = 12, 60  # refit steps to judge a choice by, and to finish
_HOPEFUL = 30.0  # nats above the best after a quick refit from which a thorough one may still win


@dataclass(frozen=True)
class SnapCandidate:
    """One symbolic network on the way: its complexity (tokens), and its RMSE on the rows that decide."""

    complexity: int
    loss: float
    network: MultKAN

    def __str__(self) -> str:
        from kanscience.compiler import expression

        formulas = ", ".join(map(str, expression(self.network)))
        return f"{self.complexity:4d}  {self.loss:.3g}  {formulas}"


@dataclass(frozen=True)
class SnapReport:
    """How splines became symbols.

    ``front`` holds the candidates that no other beats in both complexity and loss, simplest first; ``loss`` is the
    RMSE of the chosen one on the rows that decide, ``spline_loss`` that of the network before, both in the unit of the
    targets. ``exact`` says that the loss is rounding's.
    """

    loss: float
    spline_loss: float
    exact: bool
    functions: dict[Edge, str]
    front: tuple[SnapCandidate, ...]

    def __str__(self) -> str:
        lines = [f"RMSE {self.loss:.3g} (splines: {self.spline_loss:.3g})", "complexity, loss, formula:"]
        return "\n".join(lines + [str(candidate) for candidate in self.front])


def snap(
    network: MultKAN,
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    sigma: ArrayLike | float | None = None,
    valid: tuple[ArrayLike, ArrayLike] | float | None = None,
    library: Library | Sequence[str] | None = None,
    constants: bool = True,
    time_budget: float | None = None,
    seed: int | None = None,
) -> tuple[MultKAN, SnapReport]:
    """Replace every spline by a library function, refitting all numbers together.

    For each edge the library is fitted to the curve; what the curve's own accuracy cannot tell apart is ranked by
    price. Choices are then judged by the whole network: after a joint refit, by the description length
    ``n/2 log(loss) + price`` on rows held back. At the end the numbers that are determined are written in the simplest
    way, and constants become integers, rationals or multiples of pi, e and sqrt(2) where the loss agrees.

    Args:
        network: fitted; left as it is. Edges that are symbolic already keep their functions.
        inputs, targets, sigma: as in `fit`.
        valid: rows that decide; None holds a fifth back (all rows decide below 30).
        library: a `Library`, or labels to choose from, such as ``["sin", "x^2", "exp"]``.
        constants: whether to look for simple constants.
        time_budget: seconds after which no further choice is tried; None tries all.
        seed: of the rows held back.

    Returns:
        The symbolic network, and a report whose ``front`` keeps the simpler and the more exact ones.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.linspace(-1, 1, 200)[:, None]
        >>> network = ks.MultKAN([1, 1], seed=0)
        >>> _ = ks.fit(network, x, np.sin(2 * x), grids=(5, 10, 20))
        >>> formula, report = ks.snap(network, x, np.sin(2 * x), seed=0)
        >>> ks.expression(formula)
        [sin(2*x1)]
    """
    seconds = math.inf if time_budget is None else check_number("time_budget", time_budget, least=0)
    deadline = time.monotonic() + seconds
    known, generator = as_library(library), generator_from(seed)
    train, held = checked_samples(network, inputs, targets, sigma, valid, generator)
    if valid is None and len(train.x) >= FEW_ROWS:
        train, held = held_back(train, 0.2, generator)
    with one_thread():
        return _Search(network, known, train, held or train, deadline).run(constants)


class _Search:
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
            best = self.without_curves(best)
        elif rankings:
            best = self.at_once(rankings)
            if not self.is_exact(best):
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
            functions=_functions(best),
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
        return self.library.with_functions(*(f for layer in network.layers for f, _ in layer.terms.functions))

    def refit(self, network: MultKAN, steps: int) -> MultKAN:
        """Fit the free numbers in place."""
        refit_(network, self.train.x, self.train.y, self.weights, steps=steps, tolerance=1e-5)
        return network

    def finished(self, network: MultKAN) -> MultKAN:
        """Refit, write canonically, refit again, and remember the result."""
        self.refit(network, _THOROUGH)
        if not math.isfinite(self.loss(network)):
            return network
        network = self.without_invisible(network)
        network = rebuilt(network, canonical(to_graph(network), self.vocabulary(network)))
        self.refit(network, _THOROUGH)
        self.keep(network)
        return network

    def without_curves(self, network: MultKAN) -> MultKAN:
        """Return the network without its edges, their means in the biases, refitted: a constant for each output."""
        every = {
            (depth, source, target)
            for depth, layer in enumerate(network.layers)
            for source in range(layer.splines.active.shape[0])
            for target in range(layer.splines.active.shape[1])
        }
        return self.refit(without_edges(network, trace(network, self.train.x), every)[0], _THOROUGH)

    def without_invisible(self, network: MultKAN) -> MultKAN:
        """Return the network without terms whose spread is lost in the rounding of the sum that they enter.

        No sample says what such a term is, yet away from the samples it may be anything: exp(-(92 - 72*x)**2).
        """
        record = trace(network, self.train.x)
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

    # ---- choosing --------------------------------------------------------------------------------------------

    def rankings(self, spline_loss: float) -> dict[Edge, _Ranking]:
        """Return the best functions for each spline edge, by their description length on that edge.

        A curve is known only as well as the network is: finer differences between functions mean nothing. How well
        that is depends on the other edges. Where they make up for an error of the curve to first order, the loss is
        its square (lenient); where they do not, the loss is the error itself (strict).
        """
        record = trace(self.network, self.train.x)
        found = {}
        for layer, its in enumerate(self.network.layers):
            for source, target in its.splines.active.nonzero().tolist():
                x = record.nodes[layer][:, source].numpy()
                curve = record.edges[layer][:, source, target].numpy()
                found[layer, source, target] = _Ranking.of(self.fits(x, curve), len(x), spline_loss)
        return found

    def fits(self, x: np.ndarray, curve: np.ndarray) -> list[AffineFit]:
        """Return the library's functions fitted to a curve; of a constant one, that explain nothing, the simplest."""
        every = affine_fits(self.library.candidates, x, curve)
        finite = [fit for fit in every if math.isfinite(fit.misfit)]
        return finite or [min(every, key=lambda fit: fit.function.complexity)]

    def at_once(self, rankings: dict[Edge, _Ranking]) -> MultKAN:
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

    def substituted(self, graph: Graph, picked: dict[Edge, AffineFit]) -> MultKAN:
        """Return the network of a graph of `self.network` with these functions on these edges, their numbers free."""
        graph = graph.copy()
        for edge, fit in picked.items():
            _substitute(graph, *edge_ends(self.network, edge), fit)
        return rebuilt(self.network, graph)

    def one_by_one(self, rankings: dict[Edge, _Ranking]) -> MultKAN:
        """Return the formula whose functions were fixed one after the other, the surest first, all else refitted."""
        network = self.network
        for edge in sorted(rankings, key=lambda e: -rankings[e].sureness):
            graph = to_graph(network)
            trials = [self.refit(self.substituted(graph, {edge: fit}), _QUICK) for fit in rankings[edge].all]
            network = min(trials, key=self.length)
            if time.monotonic() > self.deadline:
                break
        return self.finished(self.substituted(to_graph(network), self.leftovers(network)))

    def leftovers(self, network: MultKAN) -> dict[Edge, AffineFit]:
        """Return the first choices for the edges that are splines still."""
        record = trace(network, self.train.x)
        left = {}
        for layer, its in enumerate(network.layers):
            for source, target in its.splines.active.nonzero().tolist():
                x, curve = record.nodes[layer][:, source].numpy(), record.edges[layer][:, source, target].numpy()
                left[layer, source, target] = _Ranking.of(self.fits(x, curve), len(x), self.loss(network)).lenient[0]
        return left

    def improved(self, best: MultKAN) -> MultKAN:
        """Exchange single functions of a formula as long as its description gets shorter."""
        improving = math.isfinite(self.loss(best))
        while improving and not self.is_exact(best):
            improving = False
            for edge in list(_functions(best)):
                if time.monotonic() > self.deadline:
                    return best
                found = self.exchanged(best, edge)
                if found is not None:
                    best, improving = found, True
        return best

    def exchanged(self, best: MultKAN, edge: Edge) -> MultKAN | None:
        """Return a formula with another function on one edge, if there is one with a shorter description."""
        layer, source, target = edge
        if edge not in _functions(best):
            return None
        record = trace(best, self.train.x)
        x, curve = record.nodes[layer][:, source].numpy(), record.edges[layer][:, source, target].numpy()
        present = _functions(best).get(edge)
        fits = affine_fits([f for f in self.library.candidates if f.label != present], x, curve)
        fits = sorted((f for f in fits if math.isfinite(f.misfit)), key=lambda f: _edge_length(f, 0.0, len(x)))
        lowest = self.length(best)
        graph = to_graph(best)
        for fit in fits[:_KEPT]:
            trial = graph.copy()
            _substitute(trial, *edge_ends(best, edge), fit)
            network = self.refit(rebuilt(best, trial), _QUICK)
            if self.length(network) < lowest + _HOPEFUL:
                network = self.finished(network)
                if self.length(network) < lowest - 1e-9:
                    return network
        return None

    def with_constants(self, network: MultKAN) -> MultKAN:
        """Return the network with simple constants where the loss agrees, and without what became zero."""
        network = with_simple_constants(network, self.train, self.weights)
        return self.without_invisible(network)

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


@dataclass(frozen=True)
class _Ranking:
    """The best functions of one edge, under two views of how well its curve is known."""

    lenient: tuple[AffineFit, ...]
    strict: tuple[AffineFit, ...]
    sureness: float  # nats between the first and the second

    @classmethod
    def of(cls, fits: Sequence[AffineFit], n: int, loss: float) -> _Ranking:
        lenient, strict = (
            sorted((_edge_length(fit, floor, n), k) for k, fit in enumerate(fits)) for floor in (loss**0.5, loss)
        )
        sureness = lenient[1][0] - lenient[0][0] if len(lenient) > 1 else math.inf
        kept = [tuple(fits[k] for _, k in ranked[:_KEPT]) for ranked in (lenient, strict)]
        return cls(kept[0], kept[1], sureness)

    @property
    def all(self) -> tuple[AffineFit, ...]:
        """Both rankings, each function once."""
        return self.lenient + tuple(fit for fit in self.strict if fit not in self.lenient)


def _edge_length(fit: AffineFit, floor: float, n: int) -> float:
    numbers = fit.function.n_constants * (0.5 * math.log(n) + 3)
    return description_length(fit.misfit + floor, n) + 2.0 * fit.function.complexity + numbers


def _functions(network: MultKAN) -> dict[Edge, str]:
    return {
        (layer, term.source, term.target): term.function.label
        for layer, its in enumerate(network.layers)
        for term in its.terms.terms
    }


def _substitute(graph: Graph, source: str, target: str, fit: AffineFit) -> None:
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
