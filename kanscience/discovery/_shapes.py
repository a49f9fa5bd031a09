"""The law that a network of a given shape holds.

Networks that are sparse and accurate come one after the other, the cheapest first; from each a formula is read, until
one is exact or as good as noise allows.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from kanscience._errors import DataError
from kanscience.compiler import expression
from kanscience.datasets import random_split
from kanscience.discovery._candidates import Proposal
from kanscience.discovery._measurements import FRACTION
from kanscience.discovery._shape_rows import SearchRows, valid_loss
from kanscience.discovery._sparse_networks import sparse_networks
from kanscience.network import MultKAN
from kanscience.symbolic import SnapReport, snap
from kanscience.training import FitReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike

    from kanscience.functions import Library

_NO_FIT = 2.0  # times the loss of the whole shape on the coarse grid: a refined shape above it does not hold the law
_BETTER = 0.9  # times the loss so far: less is no reason for a later, larger shape
_DOUBTFUL = 3  # accurate networks without an exact formula, before they are read with more patience
_CLOSE = 1e-4  # loss over the targets' spread: so near, a formula is tried whatever the whole shape reaches
_SNAP_SECONDS = 5.0  # of trying other functions for one network, once its first choices are not exact


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
        split = random_split(len(X), fraction=FRACTION, seed=seed)
        valid = X[split.held_out], y[split.held_out]
        X, y = X[split.train], y[split.train]
        sigma = None if sigma is None else sigma[split.train]
    found: list[Proposal] = []
    if (X[0] == X).all():
        return found  # one place tells nothing of a curve
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
        An exact formula, or the first that no later one betters by a tenth in its loss on the rows that decide.

    Example:
        >>> import numpy as np, kanscience as ks
        >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 2))
        >>> ks.expression(law_of_shape([2, 1], X, X[:, 0] ** 2 + np.sin(X[:, 1])).network)
        [x1**2 + sin(x2)]
    """
    X, y = torch.as_tensor(X, dtype=torch.float64), torch.as_tensor(y, dtype=torch.float64)
    split = random_split(len(X), fraction=FRACTION, seed=seed)
    learn, decide = torch.as_tensor(split.train), torch.as_tensor(split.held_out)
    errors = None if sigma is None else torch.as_tensor(sigma, dtype=torch.float64)[learn]
    best: ShapeResult | None = None
    deadline = time.monotonic() + time_budget
    for found in laws_of_shape(
        width, X[learn], y[learn], valid=(X[decide], y[decide]), sigma=errors, library=library, base=base, seed=seed,
        deadline=deadline,
    ):  # fmt: skip
        if best is None or found.report.exact or found.report.loss < _BETTER * best.report.loss:
            best = found
    if best is None:
        raise DataError(
            f"no network inside the shape {list(width)} fits the data well enough to read a formula. "
            f"Pass a larger `width`, or a longer `time_budget` than {time_budget:g} s."
        )
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
    data = SearchRows.of(X, y, sigma, valid, deadline)
    whole = functools.cache(lambda: data.loss_of(MultKAN(width, base=base, seed=seed)))  # asked only where in doubt
    slack = 1 + 2 / (2 * len(data.valid[1])) ** 0.5  # two standard errors of a root mean square
    doubtful: list[tuple[MultKAN, FitReport]] = []
    for coarse, splines, report in sparse_networks(width, data, base, seed, whole):
        refined = valid_loss(report)
        close = refined <= _CLOSE * data.spread  # what is left is more likely the splines' own error than noise
        if close or refined <= _NO_FIT * whole():
            found = _read(splines, report, data, library, at_once=close)
            yield found
            if found.report.exact:
                return
            # Where finer grids do not help, noise is the limit; a formula at that limit leaves nothing to find.
            at_limit = not close and 0.5 * min(coarse, whole()) < refined < slack * whole()
            if at_limit and found.report.loss < slack * min(refined, whole()):
                return
        if close:
            doubtful.append((splines, report))
        if len(doubtful) == _DOUBTFUL:
            if (yield from _read_all(doubtful, data, library)):
                return
            doubtful = []
        if time.monotonic() > deadline:
            return
    yield from _read_all(doubtful, data, library)


def _read_all(
    networks: Iterable[tuple[MultKAN, FitReport]], data: SearchRows, library: Library | None
) -> Generator[ShapeResult, None, bool]:
    """Read networks whose first formulas were not exact with more patience; return whether one is exact."""
    for splines, report in networks:
        found = _read(splines, report, data, library)
        yield found
        if found.report.exact:
            return True
        if time.monotonic() > data.deadline:
            break
    return False


def _read(
    splines: MultKAN, report: FitReport, data: SearchRows, library: Library | None, *, at_once: bool = False
) -> ShapeResult:
    """Read a formula off a network; ``at_once``: by the first choices, simple constants only where they are exact."""
    rows, network = {"sigma": data.sigma, "valid": data.valid, "library": library}, splines
    if at_once:
        network, snapped = snap(splines, data.X, data.y, time_budget=0, constants=False, **rows)
        if not snapped.exact:
            return ShapeResult(network, splines, snapped, report)
    left = max(min(data.deadline - time.monotonic(), _SNAP_SECONDS), 0.0)
    network, snapped = snap(network, data.X, data.y, time_budget=left, **rows)
    return ShapeResult(network, splines, snapped, report)
