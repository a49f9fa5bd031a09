"""From a table to a law: several routes, one judgement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kanscience._checks import check_integer, check_number
from kanscience._typing import ArrayLike, Matrix, Rows, Vector
from kanscience.datasets import as_matrix, as_sigma, as_target
from kanscience.discovery._candidates import Candidate, Front, Proposal
from kanscience.discovery._discovery import Discovery, HeldOut, RouteRun, check_names
from kanscience.discovery._formula import Formula, complexity
from kanscience.discovery._joint import joint_front
from kanscience.discovery._judge import judged, out_of_fold, rmse_with_error, scatter_weights, with_weights
from kanscience.discovery._law_network import law_network
from kanscience.discovery._measurements import Measurements, measurements, superfluous_columns
from kanscience.discovery._networks import FittedNetworks, fitted_networks
from kanscience.discovery._polynomial import polynomials
from kanscience.discovery._power_law import power_laws
from kanscience.discovery._simple_numbers import with_simple_numbers
from kanscience.functions import as_library

if TYPE_CHECKING:
    from kanscience.functions import Library
    from kanscience.network import MultKAN

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"


def discover(
    X: ArrayLike,
    y: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    sigma: ArrayLike | float | None = None,
    library: Library | Sequence[str] | None = None,
    max_complexity: int | None = None,
    time_budget: float = 60.0,
    seed: int | None = None,
    progress: bool | None = None,
) -> Discovery:
    """Find the law behind a table.

    From 30 rows on, a random fifth is held out to report errors, and a fifth of the rest decides between formulas;
    with fewer rows, cross-validation does both. Then several routes are gone: power laws, polynomials, accurate spline
    networks, and formulas read from networks. All their formulas are judged on the same rows. ``.best`` is the
    simplest whose loss is within one standard error of the lowest.

    Args:
        X: (N, n) array or frame of inputs, numbers in any unit.
        y: (N,) or (N, targets). Each target gets its own formula.
        names: of the inputs; None takes a frame's own, else x1, x2, …
        sigma: standard errors of y: one number, (N,), or (N, targets), in the unit of y, above 0.
        library: the functions that formulas may use: a `Library`, or labels such as ``["sin", "x^2", "exp"]``.
        max_complexity: most operations of a formula; None: any number.
        time_budget: seconds, everything included, above 0.
        seed: the same seed gives the same result, unless the time budget binds; None draws one and reports it.
        progress: a bar. None: in terminals only.

    Returns:
        A `Discovery`: ``.best``, ``.pareto``, ``.network``, ``.predict(X)``, ``.inactive``, ``.report(path)``.

    Raises:
        ShapeError, DataError, OptionError: the table or an option cannot be used; the message names the value.

    Example:
        >>> import kanscience as ks
        >>> planets = ks.load_table("planets")
        >>> found = ks.discover(planets[["semi_major_axis_au", "eccentricity"]], planets["period_yr"], seed=0)
        >>> print(found.best.expression, found.inactive)
        semi_major_axis_au**(3/2) ('eccentricity',)
    """
    begun = time.monotonic()
    budget = check_number("time_budget", time_budget, least=0, open_ends=True)
    if max_complexity is not None:
        check_integer("max_complexity", max_complexity, least=0)
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else check_integer("seed", seed, least=0)
    values, input_names = as_matrix(X, names)
    targets, target_names = as_target(y, rows=len(values))
    check_names(input_names, target_names)
    errors = None if sigma is None else as_sigma(sigma, targets.shape)
    idle = superfluous_columns(values, input_names)
    kept = [k for k, name in enumerate(input_names) if name not in idle]
    tables = [
        measurements(
            values[:, kept],
            targets[:, k].copy(),
            None if errors is None else errors[:, k].copy(),
            tuple(input_names[j] for j in kept),
            target,
            seed,
        )
        for k, target in enumerate(target_names)
    ]
    search = _Search(tables, as_library(library), seed, begun + budget)
    search.run(progress)
    fronts = tuple(search.front(k, max_complexity) for k in range(len(tables)))
    pareto = joint_front(fronts, [t.spread for t in tables], [t.rounding for t in tables])
    best = pareto.best
    network, held_out = _compared(tables, fronts, best, search.networks, input_names)
    used = {symbol.name for formula in best.formulas for symbol in formula.free_symbols}
    return Discovery(
        best=best,
        pareto=pareto,
        fronts=fronts,
        network=network,
        names=input_names,
        targets=target_names,
        inactive=tuple(name for name in input_names if name not in used),
        held_out=held_out,
        cross_validated=bool(tables[0].folds),
        rows=len(values),
        seconds=time.monotonic() - begun,
        time_budget=budget,
        seed=seed,
        notes=tuple(f"{name} was left out: it is {why} in every row" for name, why in idle.items()),
        routes=tuple(search.runs),
    )
