"""Simple constants for a fitted formula, one number at a time, where the loss agrees."""

from __future__ import annotations

import copy
import math
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch import Tensor

from kanscience.graph import Number
from kanscience.network import MultKAN
from kanscience.symbolic._constants import snap_constant
from kanscience.symbolic._description import description_length
from kanscience.symbolic._refit import WithFixedNumbers, exact_numbers, places, refit_, with_number
from kanscience.training import Regression

if TYPE_CHECKING:
    from kanscience.training import Samples

_WORSE = 6.0  # nats that an exact number may cost: about what its digits would
_ERRORS = 4.0  # standard errors within which a simple number is proposed
_REFIT = 15  # steps after each proposal
_CERTAIN = 1e-6  # relative tolerance within which no simple number lies by chance


class _Proposal(NamedTuple):
    plainness: float
    index: int
    exact: Any
    certain: bool


def with_simple_constants(network: MultKAN, train: Samples, weights: Tensor, deadline: float = math.inf) -> MultKAN:
    """Return a network with exact numbers wherever the residuals do not mind.

    Every free number is proposed the simplest value within a few of its standard errors: 0, integers, rationals,
    multiples of pi, e and sqrt(2). It is set there, all others are refitted, and it stays if the description length of
    the residuals grows by less than its digits cost. Numbers that agree with theirs to many digits are tried together
    first.

    Args:
        network: symbolic, fitted; left as it is.
        train: rows that the numbers are fitted to.
        weights: of the residuals.
        deadline: of `time.monotonic`, after which no number is tried alone.
    """
    best = copy.deepcopy(network)
    loss = refit_(best, train.x, train.y, weights, steps=_REFIT, tolerance=0.0)
    proposals = _proposals(best, train, weights)
    together = [proposal for proposal in proposals if proposal.certain]
    if together and (found := _with_exact(together, best, loss, train, weights)):
        best, loss = found
        proposals = _proposals(best, train, weights)
    refused: set[tuple[int, str]] = set()
    while time.monotonic() <= deadline:
        proposals = [p for p in proposals if (p.index, str(p.exact)) not in refused]
        if not proposals:
            break
        simplest = min(proposals, key=lambda p: p.plainness)
        found = _with_exact([simplest], best, loss, train, weights)
        if found is None:
            refused.add((simplest.index, str(simplest.exact)))
        else:
            best, loss = found
            proposals = _proposals(best, train, weights)
    return best


def _with_exact(
    proposals: list[_Proposal], network: MultKAN, loss: float, train: Samples, weights: Tensor
) -> tuple[MultKAN, float] | None:
    """Return a network with these exact numbers, the others refitted, and its loss; None where the residuals mind."""
    for proposal in proposals:
        network = with_number(network, places(network)[proposal.index], Number.of(proposal.exact))
    changed = refit_(network, train.x, train.y, weights, steps=_REFIT, tolerance=0.0)
    longer = description_length(changed, len(train.x)) - description_length(loss, len(train.x))
    return (network, changed) if longer <= _WORSE else None


def _proposals(network: MultKAN, train: Samples, weights: Tensor) -> list[_Proposal]:
    """Return what each free number may be that has a simple one nearby."""
    problem = WithFixedNumbers(Regression(network, train.x, train.y, weights), exact_numbers(network))
    values = problem.start()
    if not len(values):
        return []
    errors, undetermined = _standard_errors(problem, values)
    found, stands = [], places(network)
    for index, value, error, is_open in zip(problem.free.tolist(), values, errors, undetermined, strict=True):
        if stands[index].name == "constants":
            continue  # a named constant is measured, and keeps its name
        if is_open:
            # The others make up for any value: 1 is the simplest that removes nothing.
            sign = 1 if value > 0 else -1
            found.append(_Proposal(_plainness(sign), index, sign, certain=False))
            continue
        # Beside the error of the fit, the digits that a fit's own convergence leaves open.
        size = max(abs(value), 1.0)
        tolerance = _ERRORS * error + 1e-9 * size
        exact = snap_constant(float(value), float(tolerance))
        if exact is not None:
            found.append(_Proposal(_plainness(exact), index, exact, certain=tolerance <= _CERTAIN * size))
    return found


def _plainness(exact) -> float:
    """Return how much there is to write: 0 for 0, less for 1 than for 7/3 or pi."""
    import sympy

    exact = sympy.sympify(exact)
    if exact == 0:
        return 0.0
    size = sum(np.log1p(abs(float(n.p))) + np.log1p(float(n.q)) for n in exact.atoms(sympy.Rational))
    return float(size) + 2.0 * len(exact.atoms(sympy.NumberSymbol)) + 0.5 * bool(exact.is_negative)


def _standard_errors(problem: WithFixedNumbers, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the standard error of each number, and which ones the data do not determine."""
    residuals, rows = problem.linearize(values)
    if not np.isfinite(rows).all():
        return np.zeros(len(values)), np.zeros(len(values), dtype=bool)  # overflow: nothing can be said but the value
    largest = np.abs(rows).max(axis=1)
    safe = np.where(largest > 0, largest, 1.0)
    u, singular, _ = np.linalg.svd(rows / safe[:, None], full_matrices=False)
    keep = singular > 1e-12 * singular.max(initial=1.0)
    variance = float(residuals @ residuals) / max(residuals.size - int(keep.sum()), 1)
    spread = np.sqrt((u[:, keep] ** 2 / singular[keep] ** 2).sum(axis=1) * variance) / safe
    # Whether a part of the number's direction is seen by no sample.
    return spread, 1 - (u[:, keep] ** 2).sum(axis=1) > 1e-6
