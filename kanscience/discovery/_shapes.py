"""The law that a network of a given shape holds.

First the whole shape is made sparse: a penalty from the cold start on, then pruned, refined and snapped. Where that
gives no formula as good as the splines, all smaller shapes are tried, from the cheapest on. A removed node can only
be judged after the smaller network has been fitted *and* refined from starts of its own: what a large network's nodes share
between them does not survive the removal.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

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
# Strength of the penalty, scores below which is pruned after it, and base function (None: the one asked for).
# Products want straight factors, which the identity gives them from the start.
_SPARSITIES = ((1e-2, 0.1, None), (1e-2, 0.1, "identity"), (1e-3, 0.03, None))
_STEPS = 60  # of every coarse fit
_HOPELESS = 300.0  # times the whole shape's loss, both coarse: finer grids do not make up for that
_NO_FIT = 2.0  # times the loss of the whole shape on the coarse grid: a refined shape above it does not hold the law
_CLOSE = 1e-4  # loss over the targets' spread: so near, a formula is tried whatever the whole shape reaches
_SNAP_SECONDS = 5.0  # of trying other functions for one network, once its first choices are not exact
_CURVATURE = 0.1  # price of bent edges in the first layer; straight ones where they serve pay nothing


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
        options = {"valid": valid, "sigma": sigma, "library": library, "seed": seed, "deadline": deadline}
        for result in laws_of_shape(width, X, y, **options):
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
        raise DataError(f"no network inside the shape {list(width)} fits the data well enough to read a formula.")
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
    """Go through the formulas of the sparse whole and of all shapes inside; end with one that nothing can better.

    Args:
        width: the largest shape, as `MultKAN` takes it.
        X, y, sigma: rows to fit to.
        valid: rows that decide.
        library: of the functions to choose from.
        base: base function of the splines.
        seed: of all starts.
        deadline: on the clock of ``time.monotonic``; nothing is begun after it, and fits stop where they are.
    """
    data = _Rows.of(X, y, sigma, valid, deadline)
    valid = data.valid
    whole = functools.cache(lambda: data.loss_of(MultKAN(width, base=base, seed=seed)))  # asked only where in doubt
    slack = 1 + 2 / (2 * len(valid[1])) ** 0.5  # two standard errors of a root mean square
    for coarse, splines, report in _networks(width, data, base, seed, whole):
        refined = _valid_loss(report)
        if refined <= _CLOSE * data.spread or refined <= _NO_FIT * whole():
            left = max(min(deadline - time.monotonic(), _SNAP_SECONDS), 0.0)
            network, snapped = snap(
                splines, data.X, data.y, sigma=data.sigma, valid=valid, library=library, time_budget=left
            )
            yield ShapeResult(network, splines, snapped, report)
            if snapped.exact:
                return
            # Where finer grids do not help, noise is the limit; a formula at that limit leaves nothing to find.
            noisy = refined > _CLOSE * data.spread  # below, what is left is more likely the splines' own error
            at_limit = noisy and 0.5 * min(coarse, whole()) < refined < slack * whole()
            if at_limit and snapped.loss < slack * min(refined, whole()):
                return
        if time.monotonic() > deadline:
            return


_Refined = tuple[float, MultKAN, FitReport]


def _networks(width: Sequence, data: _Rows, base: str, seed: int, whole: Callable[[], float]) -> Iterator[_Refined]:
    """Go through refined spline networks, each with its loss on the coarse grid.

    First the whole shape, made sparse by a penalty from the cold start on and pruned, or with straight edges; then
    every shape inside it.
    """
    entire = MultKAN(width, seed=seed)
    first, *others = [its for its in _SPARSITIES if its[2] != base]
    yield from _sparse(width, data, base, seed, *first)
    if _may_be_straight(entire):
        yield _straight(width, data, seed)
    for sparsity in others:
        yield from _sparse(width, data, base, seed, *sparsity)
    for shape in shapes_inside(width):
        coarse, best = _best_start(shape, data, base, seed)
        if time.monotonic() > data.deadline:
            return
        if coarse <= _HOPELESS * whole():
            if _may_be_straight(best) and best.width != entire.width:
                yield _straight(best.width, data, seed)
            yield coarse, best, data.fitted(best, _FINE)


def _sparse(
    width: Sequence, data: _Rows, base: str, seed: int, strength: float, threshold: float, other: str | None
) -> Iterator[_Refined]:
    """Make a shape sparse by a penalty and prune it; nothing comes where time is up before."""
    network = MultKAN(width, base=other or base, seed=seed)
    data.penalised(network, Penalty(strength), steps=100)
    if time.monotonic() > data.deadline:
        return
    network, _ = prune(network, trace(network, data.X), node=threshold, edge=threshold)
    coarse = data.loss_of(network)
    yield coarse, network, data.fitted(network, _FINE)


@dataclass(frozen=True, eq=False)
class _Rows:
    """What every fit of a search sees."""

    X: Tensor
    y: Tensor
    sigma: Tensor | None
    valid: tuple[Tensor, Tensor]
    deadline: float

    @classmethod
    def of(
        cls, X: ArrayLike, y: ArrayLike, sigma: ArrayLike | None, valid: tuple[ArrayLike, ArrayLike], deadline: float
    ) -> _Rows:
        """Return the rows as float64 tensors."""
        x, targets, *held = (torch.as_tensor(part, dtype=torch.float64) for part in (X, y, *valid))
        errors = None if sigma is None else torch.as_tensor(sigma, dtype=torch.float64)
        return cls(x, targets, errors, (held[0], held[1]), deadline)

    @property
    def spread(self) -> float:
        """The standard deviation of the targets."""
        return float(self.y.std(correction=0))

    def fitted(self, network: MultKAN, grids: Sequence | None = None, **options) -> FitReport:
        """Fit a network in place; the rows that decide stop it."""
        late = [lambda _: time.monotonic() > self.deadline]
        options = {"valid": self.valid, "progress": False, "callbacks": late, **options}
        report = fit(network, self.X, self.y, sigma=self.sigma, grids=grids, **options)
        if report.status == "interrupted":
            raise KeyboardInterrupt  # a single fit ends with a usable network, a search of many ends as a whole
        return report

    def penalised(self, network: MultKAN, penalty: Penalty, **options) -> None:
        """Fit a network in place under a penalty, to the end."""
        self.fitted(network, penalty=penalty, valid=None, **options)

    def loss_of(self, network: MultKAN, steps: int = _STEPS) -> float:
        """Fit a network in place on the coarse grid; return its loss on the rows that decide."""
        return _valid_loss(self.fitted(network, _COARSE, steps=steps))


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


def _valid_loss(report: FitReport) -> float:
    assert report.valid_loss is not None  # every one of these fits has rows that decide
    return report.valid_loss


def _best_start(shape: Sequence, data: _Rows, base: str, seed: int) -> tuple[float, MultKAN]:
    """Return the best of a few cold starts on the coarse grid, and its loss; two that agree end the search."""
    found: list[tuple[float, MultKAN]] = []
    for start in range(_STARTS):
        network = MultKAN(shape, base=base, seed=1000 * seed + start)
        loss = data.loss_of(network)
        found = sorted([*found, (loss, network)], key=lambda pair: pair[0])
        if len(found) > 1 and found[1][0] < 1.2 * found[0][0]:
            break
    return found[0]


def _may_be_straight(network: MultKAN) -> bool:
    return network.shapes[0].nodes > 1 and len(network.shapes) > 1


def _straight(width: Sequence, data: _Rows, seed: int) -> _Refined:
    """Return a shape's refined form with straight edges in the first layer, where they serve as well.

    Several hidden nodes share a function between them in many ways, of which only the one with straight edges is
    readable. It is not found by straightening another: the penalty must be there from the cold start on.
    """
    network = MultKAN(width, base="identity", seed=seed)
    curvature = (1.0,) + (0.0,) * (len(width) - 2)
    data.penalised(network, Penalty(_CURVATURE, l1=0, entropy=0, curvature=curvature), steps=40, restarts=3, seed=seed)
    network, _ = prune(network, trace(network, data.X))
    return data.loss_of(network, steps=0), network, data.fitted(network, _FINE)
