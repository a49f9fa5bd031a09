"""Joint refits of a network in which some numbers are held at exact values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from kanscience.graph import Number, Term
from kanscience.network import FlatView, edge_ends, rebuilt, to_graph
from kanscience.training import Regression, WithFixedNumbers, levenberg_marquardt

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
