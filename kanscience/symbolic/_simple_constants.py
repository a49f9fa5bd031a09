"""Simple constants for a fitted formula, one number at a time, where the loss agrees."""

from __future__ import annotations

import copy
import math
import time
from typing import TYPE_CHECKING

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


def with_simple_constants(network: MultKAN, train: Samples, weights: Tensor, deadline: float = math.inf) -> MultKAN:
    """Return a network with exact numbers wherever the residuals do not mind.

    Every free number is proposed the simplest value within a few of its standard errors: 0, integers, rationals,
    multiples of pi, e and sqrt(2). It is set there, all others are refitted, and it stays if the description length of
    the residuals grows by less than its digits cost.

    Args:
        network: symbolic, fitted; left as it is.
        train: rows that the numbers are fitted to.
        weights: of the residuals.
        deadline: of `time.monotonic`, after which no further number is tried.
    """
    best = copy.deepcopy(network)
    loss = refit_(best, train.x, train.y, weights, steps=_REFIT, tolerance=0.0)
    refused: set[tuple[int, str]] = set()
    proposals = _proposals(best, train, weights)
    while time.monotonic() <= deadline:
        proposals = [p for p in proposals if (p[1], str(p[2])) not in refused]
        if not proposals:
            break
        _, index, exact = min(proposals, key=lambda p: p[0])
        trial = with_number(best, places(best)[index], Number.of(exact))
        changed = refit_(trial, train.x, train.y, weights, steps=_REFIT, tolerance=0.0)
        if description_length(changed, len(train.x)) <= description_length(loss, len(train.x)) + _WORSE:
            best, loss = trial, changed
            proposals = _proposals(best, train, weights)
        else:
            refused.add((index, str(exact)))
    return best


def _proposals(network: MultKAN, train: Samples, weights: Tensor) -> list[tuple[float, int, object]]:
    """Return (complexity of the exact value, index, exact value) for each free number that has a simple one nearby."""
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
            found.append((_plainness(1 if value > 0 else -1), index, 1 if value > 0 else -1))
            continue
        # Beside the error of the fit, the digits that a fit's own convergence leaves open.
        tolerance = _ERRORS * error + 1e-9 * max(abs(value), 1.0)
        exact = snap_constant(float(value), float(tolerance))
        if exact is not None:
            found.append((_plainness(exact), index, exact))
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
