"""The law that a network of a given shape holds: smaller shapes first, each fitted from cold starts, then snapped.

A removed node can only be judged after the smaller network has been fitted *and* refined from starts of its own: what a
large network's nodes share between them does not survive the removal. So every shape inside the given one is fitted,
from the cheapest on, until one gives a formula as good as the splines that it was read from.
"""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from kanscience._errors import DataError
from kanscience.compiler import expression
from kanscience.datasets import random_split
from kanscience.discovery._candidates import Proposal
from kanscience.network import LayerShape, MultKAN, prune, trace
from kanscience.symbolic import SnapReport, snap
from kanscience.training import FitReport, Penalty, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike

    from kanscience.functions import Library

_COARSE, _FINE = (5,), (10, 20)
_STARTS = 4  # cold starts of a shape, while they disagree
_STEPS = 60  # of every coarse fit
_HOPELESS = 300.0  # times the whole shape's loss, both coarse: finer grids do not make up for that
_NO_FIT = 2.0  # times the loss of the whole shape on the coarse grid: a refined shape above it does not hold the law
_SNAP_SECONDS = 5.0  # of trying other functions for one network, once its first choices are not exact
_STRAIGHT_STARTS = 6
_CURVATURES = (1e-2, 1e-4, 1e-6)  # of the first layer, one after the other: straight edges where they serve


def network_candidates(
    X: np.ndarray,
    y: np.ndarray,
    *,
    names: Sequence[str],
    sigma: np.ndarray | None = None,
    valid: tuple[np.ndarray, np.ndarray] | None = None,
    library: Library | None = None,
    seed: int = 0,
    deadline: float = math.inf,
) -> list[Proposal]:
    """Return formulas read from networks of growing shape: additive ones, then up to three sums and a product.

    Args:
        X: (N, n) rows to learn from.
        y: (N,) targets.
        names: of the inputs.
        sigma: (N,) standard errors of y, or None.
        valid: rows that decide; None holds a fifth of the rows back.
        library: of the functions to choose from.
        seed: of all starts and of the rows held back.
        deadline: on the clock of ``time.monotonic``.
    """
    if valid is None:
        split = random_split(len(X), fraction=0.2, seed=seed)
        valid = X[split.held_out], y[split.held_out]
        X, y = X[split.train], y[split.train]
        sigma = None if sigma is None else sigma[split.train]
    found: list[Proposal] = []
    for width in ([X.shape[1], 1], [X.shape[1], (3, 1), 1]):
        for result in laws_of_shape(width, X, y, valid=valid, sigma=sigma, library=library, seed=seed, deadline=deadline):
            route = f"network {result.splines.width}"
            for candidate in result.report.front:
                formula = expression(candidate.network, names=names)[0]
                found.append(Proposal(formula, route, candidate.network))
            if result.report.exact:
                return found
    return found


@dataclass(frozen=True)
class ShapeResult:
    """A formula, the spline network that it was read from, and their losses on the rows that decide."""

    network: MultKAN
    splines: MultKAN
    report: SnapReport
    fit: FitReport


def law_of_shape(
    width: Sequence,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    library: Library | None = None,
    base: str = "silu",
    seed: int = 0,
    time_budget: float = 60.0,
) -> ShapeResult:
    """Return the formula that a network of this shape reads from data: fit, prune, refine and snap by themselves.

    Args:
        width: the largest shape, as `MultKAN` takes it; smaller ones inside it are tried first.
        X: (N, n) rows.
        y: (N,) targets. A fifth of the rows decides.
        sigma: (N,) standard errors of y.
        library: of the functions to choose from.
        base: base function of the splines.
        seed: of all starts and of the rows that decide.
        time_budget: seconds after which no further shape is begun.

    Returns:
        An exact formula, or the one with the lowest loss on the rows that decide.

    Example:
        >>> import numpy as np, kanscience as ks
        >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 2))
        >>> ks.expression(law_of_shape([2, 1], X, X[:, 0] ** 2 + np.sin(X[:, 1])).network)
        [x1**2 + sin(x2)]
    """
    X, y = torch.as_tensor(X, dtype=torch.float64), torch.as_tensor(y, dtype=torch.float64)
    split = random_split(len(X), fraction=0.2, seed=seed)
    learn, decide = torch.as_tensor(split.train), torch.as_tensor(split.held_out)
    errors = None if sigma is None else torch.as_tensor(sigma, dtype=torch.float64)[learn]
    best: ShapeResult | None = None
    deadline = time.monotonic() + time_budget
    for found in laws_of_shape(
        width, X[learn], y[learn], valid=(X[decide], y[decide]), sigma=errors, library=library, base=base, seed=seed,
        deadline=deadline,
    ):  # fmt: skip
        if best is None or found.report.exact or found.report.loss < 0.9 * best.report.loss:
            best = found
    if best is None:
        raise DataError(f"no network inside the shape {list(width)} fits the data well enough to read a formula from it.")
    return best


def laws_of_shape(
    width: Sequence,
    X: ArrayLike,
    y: ArrayLike,
    *,
    valid: tuple[ArrayLike, ArrayLike],
    sigma: ArrayLike | None = None,
    library: Library | None = None,
    base: str = "silu",
    seed: int = 0,
    deadline: float = math.inf,
) -> Iterator[ShapeResult]:
    """Go through the formulas of all shapes inside ``width``, simplest shape first; end with an exact one.

    Args:
        width: the largest shape, as `MultKAN` takes it.
        X, y, sigma: rows to fit to.
        valid: rows that decide.
        library: of the functions to choose from.
        base: base function of the splines.
        seed: of all starts.
        deadline: on the clock of ``time.monotonic``; no shape is begun after it.
    """
    whole = _fitted(MultKAN(width, base=base, seed=seed), X, y, sigma, valid, _COARSE, steps=_STEPS)[1].valid_loss
    slack = 1 + 2 / (2 * len(valid[1])) ** 0.5  # two standard errors of a root mean square
    for shape in shapes_inside(width):
        if time.monotonic() > deadline:
            return
        coarse, best = _best_start(shape, X, y, sigma, valid, base, seed)
        if coarse > _HOPELESS * whole:
            continue
        for splines, report in _refinements(best, X, y, sigma, valid, seed):
            if report.valid_loss > _NO_FIT * whole:
                continue
            left = min(deadline - time.monotonic(), _SNAP_SECONDS)
            network, snapped = snap(splines, X, y, sigma=sigma, valid=valid, library=library, time_budget=max(left, 0))
            yield ShapeResult(network, splines, snapped, report)
            # Where finer grids do not help, noise is the limit; a formula at that limit leaves nothing to find.
            at_limit = report.valid_loss > 0.5 * min(coarse, whole) and report.valid_loss < slack * whole
            done = snapped.exact or (at_limit and snapped.loss < slack * min(report.valid_loss, whole))
            if done or time.monotonic() > deadline:
                return


def shapes_inside(width: Sequence) -> list[list]:
    """Return all widths with fewer hidden nodes than ``width``, and itself, by their number of edges.

    Example:
        >>> shapes_inside([2, (1, 1), 1])
        [[2, 1, 1], [2, (0, 1), 1], [2, (1, 1), 1]]
    """
    network = MultKAN(width, seed=0)
    hidden = [_shapes_below(shape) for shape in network.shapes[:-1]]
    last = network.width[-1]
    found = []
    for layers in itertools.product(*hidden):
        sizes = [network.n_inputs, *(shape.nodes for shape in layers)]
        subnodes = [*(shape.subnodes for shape in layers), network.shapes[-1].subnodes]
        edges = sum(n * m for n, m in zip(sizes, subnodes, strict=True))
        found.append((edges, [network.n_inputs, *(_entry(shape) for shape in layers), last]))
    return [shape for _, shape in sorted(found, key=lambda item: item[0])]


def _shapes_below(shape: LayerShape) -> list[LayerShape]:
    # Of the products the first ones: those of equal arity are alike.
    products = [shape.arities[:k] for k in range(len(shape.arities) + 1)]
    return [LayerShape(s, p) for s in range(shape.sums + 1) for p in products if s + len(p)]


def _entry(shape: LayerShape) -> int | tuple:
    if not shape.arities:
        return shape.sums
    if set(shape.arities) == {2}:
        return (shape.sums, len(shape.arities))
    return (shape.sums, list(shape.arities))


def _fitted(network: MultKAN, X, y, sigma, valid, grids, **options) -> tuple[MultKAN, FitReport]:
    return network, fit(network, X, y, sigma=sigma, valid=valid, grids=grids, progress=False, **options)


def _best_start(shape, X, y, sigma, valid, base, seed) -> tuple[float, MultKAN]:
    """Return the best of a few cold starts on the coarse grid, and its loss; two that agree end the search."""
    found: list[tuple[float, MultKAN]] = []
    for start in range(_STARTS):
        network = MultKAN(shape, base=base, seed=1000 * seed + start)
        loss = _fitted(network, X, y, sigma, valid, _COARSE, steps=_STEPS)[1].valid_loss
        found = sorted([*found, (loss, network)], key=lambda pair: pair[0])
        if len(found) > 1 and found[1][0] < 1.2 * found[0][0]:
            break
    return found[0]


def _refinements(network: MultKAN, X, y, sigma, valid, seed) -> Iterator[tuple[MultKAN, FitReport]]:
    """Go through a shape's refined forms: with straight edges where they serve as well, then as it was fitted.

    Several hidden nodes share a function between them in many ways, of which only the one with straight edges is
    readable. It is not found by straightening another: the penalty must be there from the cold start on.
    """
    if network.shapes[0].nodes > 1 and len(network.shapes) > 1:
        straight = _straight_start(network, X, y, sigma, seed)
        straight, _ = prune(straight, trace(straight, torch.as_tensor(X)))
        yield _refined(straight, X, y, sigma, valid)
    yield _refined(copy.deepcopy(network), X, y, sigma, valid)


def _straight_start(network: MultKAN, X, y, sigma, seed: int) -> MultKAN:
    """Return the best of several cold starts whose first layer pays for curvature, which is then relaxed."""
    layers = len(network.layers)
    curvature = (1.0,) + (0.0,) * (layers - 1)
    found: list[tuple[float, MultKAN]] = []
    for start in range(_STRAIGHT_STARTS):
        straight = MultKAN(network.width, base="identity", seed=1000 * seed + 500 + start)
        penalty = Penalty(_CURVATURES[0], l1=0, entropy=0, curvature=curvature)
        loss = fit(straight, X, y, sigma=sigma, steps=40, penalty=penalty, progress=False).loss
        found = sorted([*found, (loss, straight)], key=lambda pair: pair[0])
        if len(found) > 1 and found[1][0] < 1.2 * found[0][0] and found[0][0] < 0.1 * found[-1][0]:
            break
    best = found[0][1]
    for strength in _CURVATURES[1:]:
        penalty = Penalty(strength, l1=0, entropy=0, curvature=curvature)
        fit(best, X, y, sigma=sigma, steps=20, penalty=penalty, progress=False)
    return best


def _refined(network: MultKAN, X, y, sigma, valid) -> tuple[MultKAN, FitReport]:
    return _fitted(network, X, y, sigma, valid, _FINE)
