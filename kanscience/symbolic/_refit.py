"""Joint refits of a network in which some numbers are held at exact values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from kanscience.graph import Number, Term
from kanscience.network import FlatView, edge_ends, rebuilt, to_graph
from kanscience.training import Regression, levenberg_marquardt

if TYPE_CHECKING:
    from kanscience.network import MultKAN


class Place(NamedTuple):
    """Where one trained number of a network stands."""

    layer: int
    name: str  # "terms.scale", "terms.slope", "terms.shift", "bias", or another parameter
    index: int  # of the term, or of the subnode


def places(network: MultKAN) -> list[Place]:
    """Return where each number of `FlatView` stands."""
    found = [
        Place(layer, name, position)
        for layer, trained in enumerate(FlatView(network).trained)
        for name, index in trained.items()
        for position in (index[0].tolist() if index[0].dim() else [])
    ]
    return found + [Place(-1, "constants", k) for k in network.constants_trainable.nonzero().flatten().tolist()]


def exact_numbers(network: MultKAN) -> np.ndarray:
    """Return which numbers of `FlatView` have an exact value beside them: these are chosen, not fitted."""
    return np.array([_has_exact_value(network, place) for place in places(network)], dtype=bool)


def _has_exact_value(network: MultKAN, place: Place) -> bool:
    if place.name.startswith("terms."):
        term = network.layers[place.layer].terms.terms[place.index]
        return getattr(term, place.name.removeprefix("terms.")).exact is not None
    return place.name == "bias" and network.layers[place.layer].exact_bias[place.index] is not None


def with_number(network: MultKAN, place: Place, number: Number) -> MultKAN:
    """Return the network with one number of a symbolic term, or one bias, at an exact value."""
    graph = to_graph(network)
    if place.name == "bias":
        graph.nodes[f"sum{place.layer + 1}_{place.index}"]["bias"] = number
        return rebuilt(network, graph)
    terms = network.layers[place.layer].terms.terms
    term = terms[place.index]
    ends = edge_ends(network, (place.layer, term.source, term.target))
    same_edge = [k for k, other in enumerate(terms) if (other.source, other.target) == (term.source, term.target)]
    function = list(graph.edges[ends]["function"])
    symbols = [k for k, its in enumerate(function) if isinstance(its, Term)]
    k = symbols[same_edge.index(place.index)]
    function[k] = replace(function[k], **{place.name.removeprefix("terms."): number})
    graph.edges[ends]["function"] = tuple(function)
    return rebuilt(network, graph)


class WithFixedNumbers:
    """A least-squares problem with some of its numbers held where they are."""

    def __init__(self, problem: Regression, held: np.ndarray) -> None:
        self.problem, self.free = problem, np.flatnonzero(~held)
        self.whole = problem.start()
        ends = [np.searchsorted(self.free, (kind.start, kind.stop)) for kind in problem.kinds]
        self.kinds = [slice(int(start), int(stop)) for start, stop in ends if stop > start]

    def start(self) -> np.ndarray:
        """Return the free numbers."""
        return self.whole[self.free]

    def full(self, theta: np.ndarray) -> np.ndarray:
        """Return all numbers for these free ones."""
        whole = self.whole.copy()
        whole[self.free] = theta
        return whole

    def loss(self, theta: np.ndarray) -> float:
        """Return the sum of squared residuals."""
        return self.problem.loss(self.full(theta))

    def normal_equations(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the loss, and matrix and vector of the free numbers."""
        loss, matrix, gradient = self.problem.normal_equations(self.full(theta))
        return loss, matrix[np.ix_(self.free, self.free)], gradient[self.free]

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and the rows of the free numbers."""
        residuals, rows = self.problem.linearize(self.full(theta))
        return residuals, rows[self.free]

    def quadratic(self, theta: np.ndarray) -> None:
        """No penalty."""
        return


def refit_(
    network: MultKAN,
    x: Tensor,
    y: Tensor,
    weights: Tensor,
    *,
    steps: int,
    tolerance: float = 1e-9,
) -> float:
    """Fit all numbers that have no exact value, in place; return the sum of squared weighted residuals."""
    problem = WithFixedNumbers(Regression(network, x, y, weights), exact_numbers(network))
    if not len(problem.free):
        return problem.loss(problem.start())
    done = levenberg_marquardt(problem, problem.start(), steps=steps, damping=1e-3, tolerance=tolerance)
    problem.problem.write(problem.full(done.theta))
    return done.loss


@torch.no_grad()
def weighted_square(network: MultKAN, x: Tensor, y: Tensor, weights: Tensor) -> float:
    """Return the sum of squared weighted residuals; inf where the network has no finite value."""
    residuals = weights.T * (network.outputs(network.sources(x)) - y.T)
    value = float((residuals**2).sum())
    return value if np.isfinite(value) else np.inf
