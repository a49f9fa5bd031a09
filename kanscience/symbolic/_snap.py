"""Splines to symbols, each choice judged by the loss of the whole network after a joint refit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from kanscience.functions import AffineFit, Library, affine_fits, as_library
from kanscience.graph import Graph, Number, SplineTerm, Term
from kanscience.network import MultKAN, edge_ends, rebuilt, to_graph, trace, without_edges
from kanscience.symbolic._canonical import canonical
from kanscience.symbolic._description import complexity, description_length, price
from kanscience.symbolic._refit import refit_, weighted_square
from kanscience.symbolic._simple_constants import with_simple_constants
from kanscience.training import checked_samples, normalised_weights, one_thread

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.training import Samples

_EXACT = 1e-11  # RMSE over spread: no approximation by other functions comes near, rounding stays below
_KEPT = 4  # candidates an edge, by their description length on the edge alone
_QUICK, _THOROUGH = 12, 60  # refit steps to judge a choice by, and to finish


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
    RMSE of the chosen one on the rows that decide, ``spline_loss`` that of the network before.
    """

    loss: float
    spline_loss: float
    exact: bool
    functions: dict[tuple[int, int, int], str]
    front: tuple[SnapCandidate, ...]

    def __str__(self) -> str:
        lines = [f"RMSE {self.loss:.3g} (splines: {self.spline_loss:.3g})", "complexity, loss, formula:"]
        return "\n".join(lines + [str(candidate) for candidate in self.front])


class _Choice(NamedTuple):
    fit: AffineFit
    price: float  # description length on the edge alone


def snap(
    network: MultKAN,
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    sigma: ArrayLike | float | None = None,
    valid: tuple[ArrayLike, ArrayLike] | float | None = None,
    library: Library | Sequence[str] | None = None,
    constants: bool = True,
    seed: int | None = None,
) -> tuple[MultKAN, SnapReport]:
    """Replace every spline by a library function, refitting all numbers together.

    For each edge the library is fitted to the curve; what the curve's own accuracy cannot tell apart is ranked by
    price. Choices are then judged by the whole network: after a short joint refit, by the description length
    ``n/2 log(loss) + price`` on rows held back. At the end the numbers that are determined are written in the simplest
    way, and constants become integers, rationals or multiples of pi, e and sqrt(2) where the loss agrees.

    Args:
        network: fitted; left as it is. Edges that are symbolic already keep their functions.
        inputs, targets, sigma: as in `fit`.
        valid: rows that decide; None holds a fifth back (all rows decide below 30).
        library: a `Library`, or labels to choose from, such as ``["sin", "x^2", "exp"]``.
        constants: whether to look for simple constants.
        seed: of the rows held back.

    Returns:
        The symbolic network, and a report whose ``front`` keeps the simpler and the more exact ones.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.linspace(-1, 1, 200)[:, None]
        >>> network = ks.MultKAN([1, 1], seed=0)
        >>> _ = ks.fit(network, x, np.sin(2 * x), grids=(5, 10, 20))
        >>> formula, report = ks.snap(network, x, np.sin(2 * x))
        >>> ks.expression(formula)
        [sin(2*x1)]
    """
    if valid is None and len(np.asarray(inputs)) >= 30:
        valid = 0.2
    generator = torch.Generator().manual_seed(torch.seed() % 2**63 if seed is None else seed)
    train, held = checked_samples(network, inputs, targets, sigma, valid, generator)
    with one_thread():
        return _Search(network, as_library(library), train, held or train).run(constants)


class _Search:
    """One network on its way from splines to symbols."""

    def __init__(self, network: MultKAN, library: Library, train: Samples, held: Samples) -> None:
        self.network, self.library = network.to(torch.float64), library
        self.train, self.held = train, held
        self.weights = normalised_weights(train.y, train.sigma, 0.0)
        self.held_weights = normalised_weights(held.y, held.sigma, 0.0)
        self.spread = float((held.y - held.y.mean(dim=0)).square().mean().sqrt()) or 1.0
        self.found: list[SnapCandidate] = []

    # ---- judging ---------------------------------------------------------------------------------------------

    def loss(self, network: MultKAN) -> float:
        """Return the mean squared residual over the variance, on the rows that decide."""
        return weighted_square(network, self.held.x, self.held.y, self.held_weights) / network.n_outputs

    def length(self, network: MultKAN) -> float:
        """Return the description length, on the rows that decide."""
        return description_length(self.loss(network), len(self.held.x)) + price(to_graph(network), self.library)

    def refit(self, network: MultKAN, steps: int) -> MultKAN:
        """Fit the free numbers in place."""
        refit_(network, self.train.x, self.train.y, self.weights, steps=steps)
        return network

    # ---- the way ---------------------------------------------------------------------------------------------

    def run(self, constants: bool) -> tuple[MultKAN, SnapReport]:
        """Go the whole way."""
        spline_loss = self.loss(self.network)
        choices = self.choices(spline_loss)
        picked = dict.fromkeys(choices, 0)
        best = self.finished(self.substituted(choices, picked)) if choices else self.network
        if choices and self.loss(best) > _EXACT**2:
            best = self.one_by_one(choices, best)
        if constants:
            best = self.with_constants(best)
        self.keep(best)
        front = self.front()
        functions = {
            (layer, term.source, term.target): term.function.label
            for layer, its in enumerate(best.layers)
            for term in its.terms.terms
        }
        loss = self.loss(best)
        return best, SnapReport(
            loss=self.spread * loss**0.5,
            spline_loss=self.spread * spline_loss**0.5,
            exact=loss <= _EXACT**2,
            functions=functions,
            front=front,
        )

    def choices(self, spline_loss: float) -> dict[tuple[int, int, int], list[_Choice]]:
        """Return the best functions for each spline edge, by their description length on that edge."""
        record = trace(self.network, self.train.x)
        found = {}
        for layer, its in enumerate(self.network.layers):
            for source, target in its.splines.active.nonzero().tolist():
                x = record.nodes[layer][:, source].numpy()
                curve = record.edges[layer][:, source, target].numpy()
                fits = affine_fits(self.library.candidates, x, curve)
                # A curve is known only as well as the network is: finer differences between functions mean nothing.
                ranked = sorted(
                    (
                        _Choice(fit, description_length(fit.misfit + spline_loss, len(x)) + _edge_price(fit, len(x)))
                        for fit in fits
                        if math.isfinite(fit.misfit)
                    ),
                    key=lambda choice: choice.price,
                )
                found[layer, source, target] = ranked[:_KEPT]
        return found

    def substituted(self, choices: dict, picked: dict[tuple[int, int, int], int], base: Graph | None = None) -> MultKAN:
        """Return the network with the picked function on each of these edges, all their numbers free."""
        graph = to_graph(self.network) if base is None else base.copy()
        for edge, pick in picked.items():
            _substitute(graph, *edge_ends(self.network, edge), choices[edge][pick].fit)
        return rebuilt(self.network, graph)

    def finished(self, network: MultKAN) -> MultKAN:
        """Refit, write canonically, refit again, and remember the result."""
        self.refit(network, _THOROUGH)
        if not math.isfinite(self.loss(network)):
            return network
        network = rebuilt(network, canonical(to_graph(network), self.vocabulary(network)))
        self.refit(network, _THOROUGH)
        self.keep(network)
        return network

    def vocabulary(self, network: MultKAN) -> Library:
        """Return the library with all functions that the network uses."""
        return self.library.with_functions(*(f for layer in network.layers for f, _ in layer.terms.functions))

    def one_by_one(self, choices: dict, best: MultKAN) -> MultKAN:
        """Fix the edges in the order of how sure they are, then try each alternative once more in the whole formula."""
        picked: dict[tuple[int, int, int], int] = {}
        sureness = {e: c[1].price - c[0].price if len(c) > 1 else math.inf for e, c in choices.items()}
        for edge in sorted(choices, key=lambda e: -sureness[e]):
            trials = []
            for pick in range(len(choices[edge])):
                network = self.refit(self.substituted(choices, {**picked, edge: pick}), _QUICK)
                trials.append((self.length(network), pick))
            picked[edge] = min(trials)[1]
        best = min((best, self.finished(self.substituted(choices, picked))), key=self.length)
        return self.improved(choices, picked, best)

    def improved(self, choices: dict, picked: dict[tuple[int, int, int], int], best: MultKAN) -> MultKAN:
        """Exchange single functions of a symbolic network as long as the description gets shorter."""
        improving = True
        while improving and self.loss(best) > _EXACT**2:
            improving = False
            for edge in choices:
                for pick in range(len(choices[edge])):
                    if pick == picked[edge]:
                        continue
                    network = self.finished(self.substituted(choices, {**picked, edge: pick}))
                    if self.length(network) < self.length(best) - 1e-9:
                        best, improving = network, True
                        picked = {**picked, edge: pick}
        return best

    def with_constants(self, network: MultKAN) -> MultKAN:
        """Return the network with simple constants where the loss agrees, and without what became zero."""
        network = with_simple_constants(network, self.train, self.weights)
        zero = {
            (depth, term.source, term.target)
            for depth, layer in enumerate(network.layers)
            for term, scale in zip(layer.terms.terms, layer.terms.scale.tolist(), strict=True)
            if scale == 0
        }
        return without_edges(network, trace(network, self.train.x), zero)[0] if zero else network

    # ---- the front -------------------------------------------------------------------------------------------

    def keep(self, network: MultKAN) -> None:
        """Remember a symbolic network for the front."""
        loss = self.loss(network)
        if math.isfinite(loss):
            self.found.append(SnapCandidate(complexity(to_graph(network), self.vocabulary(network)), self.spread * loss**0.5, network))

    def front(self) -> tuple[SnapCandidate, ...]:
        """Return the candidates that no simpler one equals in loss."""
        front: list[SnapCandidate] = []
        for candidate in sorted(self.found, key=lambda c: (c.complexity, c.loss)):
            if not front or candidate.loss < front[-1].loss:
                front.append(candidate)
        return tuple(front)


def _edge_price(fit: AffineFit, n: int) -> float:
    free = fit.function.n_constants
    return 2.0 * fit.function.complexity + free * (0.5 * math.log(n) + 3)


def _substitute(graph: Graph, source: str, target: str, fit: AffineFit) -> None:
    kept = tuple(term for term in graph.edges[source, target]["function"] if not isinstance(term, SplineTerm))
    function = fit.function
    if function.name == "zero" or fit.scale == 0:
        new: tuple[Term, ...] = ()
    elif function.name == "identity":
        new = (Term(scale=Number(fit.scale * fit.slope), trainable=True),)
        fit = replace(fit, offset=fit.offset + fit.scale * fit.shift)
    else:
        numbers = (Number(fit.scale), Number(fit.slope), Number(fit.shift))
        new = (Term(function.name, function.arguments, *numbers, trainable=True),)
    graph.edges[source, target]["function"] = kept + new
    bias = graph.nodes[target]["bias"].value + fit.offset
    graph.nodes[target].update(bias=Number(bias), trainable=True)
