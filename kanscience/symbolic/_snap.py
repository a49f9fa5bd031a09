"""The public door: from splines to symbols."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from kanscience._checks import check_number
from kanscience.datasets import FEW_ROWS
from kanscience.functions import Library, as_library
from kanscience.network import MultKAN, check_network, generator_from, in_precision
from kanscience.symbolic._search import Search
from kanscience.symbolic._snap_report import SnapReport
from kanscience.training import checked_samples, held_back, one_thread

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike


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
        network: fitted; left as it is. Edges that are symbolic already keep their functions; a curve beside fixed terms
            becomes a function beside them, or one in their place.
        inputs, targets, sigma: as in `fit`.
        valid: rows that decide; None holds a fifth back (all rows decide below 30).
        library: a `Library`, or labels to choose from, such as ``["sin", "x^2", "exp"]``.
        constants: whether to look for simple constants.
        time_budget: seconds after which no further choice and no further constant is tried, 0 for the first choices
            alone; None tries all.
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
    check_network(network)
    precise = in_precision(network, torch.float64)  # whether constants are simple shows in digits that float32 lacks
    train, held = checked_samples(precise, inputs, targets, sigma, valid, generator)
    if valid is None and len(train.x) >= FEW_ROWS:
        train, held = held_back(train, 0.2, generator)
    with one_thread():
        found, report = Search(precise, known, train, held or train, deadline).run(constants)
    front = tuple(replace(each, network=in_precision(each.network, network.dtype)) for each in report.front)
    return in_precision(found, network.dtype), replace(report, front=front)
