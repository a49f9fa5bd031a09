"""From a table to a law: several routes, one judgement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kanscience._checks import check_integer, check_number, check_seed, listed
from kanscience._errors import DataError
from kanscience._typing import ArrayLike, Matrix, Vector
from kanscience.datasets import as_matrix, as_sigma, as_target
from kanscience.discovery._candidates import Candidate, Front, Proposal
from kanscience.discovery._discovery import Discovery, HeldOut, RouteRun
from kanscience.discovery._formula import Formula, complexity
from kanscience.discovery._joint import combined, joint_front
from kanscience.discovery._judge import (
    judged,
    out_of_fold,
    rmse_with_error,
    scatter_weights,
    weights_beside,
    with_weights,
)
from kanscience.discovery._law_network import law_network
from kanscience.discovery._measurements import Measurements, check_scale, measurements, superfluous_columns
from kanscience.discovery._networks import FittedNetworks, fitted_networks
from kanscience.discovery._polynomial import polynomials
from kanscience.discovery._power_law import power_laws
from kanscience.discovery._progress import time_bar
from kanscience.discovery._shapes import network_candidates
from kanscience.discovery._simple_numbers import with_simple_numbers
from kanscience.discovery._sums import sums
from kanscience.functions import as_library

if TYPE_CHECKING:
    import sympy

    from kanscience.functions import Library
    from kanscience.network import MultKAN


_ENOUGH_ROWS = 100  # from which on networks may take all the time that is left


def discover(
    X: ArrayLike,
    y: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    sigma: ArrayLike | float | None = None,
    library: Library | Sequence[str] | None = None,
    max_complexity: int | None = None,
    time_budget: float = 120.0,
    seed: int | None = None,
    progress: bool | None = None,
) -> Discovery:
    """Find the law behind a table.

    From 30 rows on, a random fifth is held out to report errors, and a fifth of the rest decides between formulas;
    with fewer rows each is held out once, and all of them do both. Then several routes are gone: power laws,
    polynomials, sums of power laws and library functions, accurate spline networks, and formulas read from networks.
    All their formulas are judged on the same rows. ``.best`` is the simplest whose loss is within one standard error
    of the lowest.

    Args:
        X: (N, n) array or frame of inputs, numbers in any unit.
        y: (N,) or (N, targets). Each target gets its own formula.
        names: of the inputs; None takes a frame's own, else x1, x2, …
        sigma: standard errors of y: one number, (N,), or (N, targets), in the unit of y, above 0.
        library: the functions that formulas may use: a `Library`, or labels such as ``["sin", "x^2", "exp"]``.
        max_complexity: most operations of a formula; None: any number.
        time_budget: seconds of searching, above 0. What is under way then is finished; reading the table and a report
            come on top.
        seed: the same seed gives the same result, unless the time budget binds; None draws one and reports it.
        progress: a bar. None: in terminals only.

    Returns:
        A `Discovery`: ``.best``, ``.pareto``, ``.network``, ``.predict(X)``, ``.inactive``, ``.report(path)``.

    Raises:
        ShapeError, DataError, OptionError: the table or an option cannot be used; the message names the value.

    Example:
        >>> import kanscience as ks
        >>> planets = ks.load_table("planets")
        >>> X, T = planets[["semi_major_axis_au", "eccentricity"]], planets["period_yr"]
        >>> found = ks.discover(X, T, time_budget=10, seed=0)
        >>> print(found.best.expression, found.inactive)
        semi_major_axis_au**(3/2) ('eccentricity',)
    """
    begun = time.monotonic()
    budget = check_number("time_budget", time_budget, least=0, open_ends=True)
    if max_complexity is not None:
        check_integer("max_complexity", max_complexity, least=0)
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else check_seed(seed)
    values, input_names = as_matrix(X, names)
    targets, target_names = as_target(y, rows=len(values))
    _check_names(input_names, target_names)
    check_scale(values, input_names)
    check_scale(targets, target_names)
    errors = None if sigma is None else as_sigma(sigma, targets.shape, target_names)
    if errors is not None:
        check_scale(errors, [f"sigma of {name}" for name in target_names])
    tables = [
        measurements(values, targets[:, k].copy(), _column(errors, k), input_names, target, seed)
        for k, target in enumerate(target_names)
    ]
    idle = superfluous_columns(values, input_names)
    search = _Search(tables, tuple(idle), as_library(library), seed, begun + budget)
    search.run(progress)
    fronts = [search.front(k, max_complexity) for k in range(len(tables))]
    pareto = joint_front(fronts, [table.spread for table in tables], [table.rounding for table in tables])
    best = pareto.best or pareto[0]
    used = {str(symbol) for formula in best.formulas for symbol in formula.free_symbols}
    return Discovery(
        best=best,
        pareto=pareto,
        fronts=tuple(fronts),
        network=_network(tables, best, search.networks),
        names=input_names,
        targets=target_names,
        inactive=tuple(name for name in input_names if name not in used),
        held_out=tuple(_held_out(tables, best, search.networks)),
        cross_validated=bool(tables[0].folds),
        inputs=values,
        seconds=time.monotonic() - begun,
        time_budget=budget,
        seed=seed,
        notes=_notes(idle, search.interrupted),
        routes=tuple(search.runs),
    )


def _check_names(names: Sequence[str], targets: Sequence[str]) -> None:
    shared = [name for name in targets if name in names]
    if shared:
        raise DataError(
            f"{listed(shared)} is both an input and a target. Leave the column out of `X`, or pass other `names`."
        )


def _notes(idle: Mapping[str, str], interrupted: bool) -> tuple[str, ...]:
    left_out = tuple(f"{name} was left out of the formulas: {why}" for name, why in idle.items())
    return (*left_out, "The search was interrupted; routes after that were not gone") if interrupted else left_out


class _Search:
    """The routes, one after the other, within the time that is left."""

    def __init__(
        self,
        tables: list[Measurements],
        idle: tuple[str, ...],
        library: Library,
        seed: int,
        deadline: float,
    ) -> None:
        self.tables, self.library, self.seed, self.deadline = tables, library, seed, deadline
        self.slim = [table.without_columns(idle) for table in tables]
        self.proposals = [[Proposal(_constant(table), "constant")] for table in self.slim]
        self.networks: FittedNetworks | None = None
        self.runs: list[RouteRun] = []
        self.interrupted = False

    def run(self, progress: bool | None) -> None:
        """Go all routes; Ctrl-C ends them with what was found until then."""
        # A few rows hold few bits: networks cannot tell more of them, however long they take.
        worth = min(1.0, len(self.tables[0].X) / _ENOUGH_ROWS)
        # Each takes at most its share of the time that is left.
        routes = (
            ("power laws", 0.15, lambda until: self.each(_power_laws, until)),
            ("polynomials", 0.15, lambda until: self.each(_polynomials, until)),
            ("sums of terms", 0.25, lambda until: self.each(self.add_terms, until)),
            ("accurate networks", 0.5 * worth, self.fit_networks),
            ("formulas of networks", 0.9 * worth, lambda until: self.each(self.read_networks, until)),
        )
        with time_bar(self.deadline - time.monotonic(), progress) as say:
            try:
                for name, share, route in routes:
                    say(name)
                    self.go(name, share, route)
            except KeyboardInterrupt:
                self.interrupted = True

    def go(self, name: str, share: float, route: Callable[[float], int]) -> None:
        """Go one route, or note that there was no time for it."""
        begun = time.monotonic()
        until = begun + share * (self.deadline - begun)
        try:
            found = route(until) if begun < self.deadline else 0
        except KeyboardInterrupt:
            self.runs.append(RouteRun(name, time.monotonic() - begun, 0, True))
            raise
        now = time.monotonic()
        self.runs.append(RouteRun(name, now - begun, found, now >= until))

    def each(self, route: Callable[..., Iterable[Proposal]], until: float) -> int:
        """Let a route hand in formulas for one target after the other; return how many."""
        count = 0
        for k, table in enumerate(self.slim):
            if not table.names:
                continue
            now = time.monotonic()
            share = now + (until - now) / (len(self.slim) - k)
            # the constant has been there from the start
            found = [proposal for proposal in route(table, self.seed, share) if proposal.expression.free_symbols]
            self.proposals[k] += found
            count += len(found)
        return count

    def add_terms(self, table: Measurements, seed: int, until: float) -> list[Proposal]:
        """Return sums of terms; rows count by their errors beside the scatter of what was found before."""
        X, y, sigma = table.learnt
        found = self.proposals[self.slim.index(table)]
        weights = None if sigma is None else weights_beside(found, X, y, sigma, table.names)
        return sums(X, y, table.names, library=self.library, weights=weights, seed=seed, deadline=until)

    def fit_networks(self, until: float) -> int:
        """Fit the networks that are meant to be accurate."""
        self.networks = fitted_networks(self.tables, seed=self.seed, deadline=until)
        return 0

    def read_networks(self, table: Measurements, seed: int, until: float) -> Iterable[Proposal]:
        """Return formulas read from networks: fitted to the rows that are learnt from, chosen by those that decide."""
        X, y, sigma = table.learnt
        return network_candidates(
            X,
            y,
            names=table.names,
            sigma=sigma,
            valid=None if table.folds else (table.X[table.valid], table.y[table.valid]),
            library=self.library,
            seed=seed,
            deadline=until,
        )

    def front(self, k: int, max_complexity: int | None) -> Front:
        """Return the front of one target, with every formula judged."""
        table = self.slim[k]
        allowed = [
            proposal
            for proposal in self.proposals[k]
            if max_complexity is None or complexity(proposal.expression) <= max_complexity
        ]
        if self.proposals[k][0] not in allowed:  # an exact constant, as 2*pi; its value is simpler
            allowed.insert(0, Proposal(_mean(table), "constant"))
        return Front(judged(allowed, table), table.rounding)


def _power_laws(table: Measurements, seed: int, until: float) -> list[Proposal]:
    X, y, sigma = table.learnt
    return with_weights(
        lambda weights: power_laws(X, y, table.names, weights=weights, seed=seed, deadline=until),
        X,
        y,
        sigma,
        table.names,
    )


def _polynomials(table: Measurements, seed: int, until: float) -> list[Proposal]:
    X, y, sigma = table.learnt
    return with_weights(
        lambda weights: polynomials(X, y, table.names, weights=weights, deadline=until), X, y, sigma, table.names
    )


def _constant(table: Measurements) -> sympy.Expr:
    X, y, _ = table.learnt
    return with_simple_numbers(_mean(table), table.names, X, y) if np.ptp(y) == 0 else _mean(table)


def _mean(table: Measurements) -> sympy.Expr:
    import sympy

    _, y, _ = table.learnt
    return sympy.Float(float(y.mean()), 17)


def _network(tables: Sequence[Measurements], best: Candidate, fitted: FittedNetworks | None) -> MultKAN | None:
    """Return the network of the best formula, or a fitted one that is better by more than a standard error."""
    data = tables[0]
    law = law_network(best.formulas, data.names, [table.target for table in tables]) or best.network
    if fitted is None or law is None:
        return law if fitted is None else fitted.networks[0]
    losses, errors = [], []
    for k, table in enumerate(tables):
        rows = table.deciding
        residuals = fitted.deciding[:, k] - table.y[rows]
        weights = None if table.sigma is None else scatter_weights([residuals], table.sigma[rows])
        unit = table.spread if len(tables) > 1 else 1.0
        loss, error = rmse_with_error(residuals, weights)
        losses.append(loss / unit)
        errors.append(error / unit)
    loss, error = combined(losses, errors)
    return law if best.loss <= loss + error else fitted.networks[0]


def _held_out(tables: Sequence[Measurements], best: Candidate, fitted: FittedNetworks | None) -> Iterable[HeldOut]:
    """Return the predictions of all models for the rows that report."""
    for k, table in enumerate(tables):
        rows = table.reporting
        formula = Formula(best.formulas[k], table.names)
        models = {"formula": out_of_fold(formula, table)[rows] if table.folds else formula(table.X[rows])}
        if fitted is not None:
            one, together = fitted.reported
            models["spline network"] = one[:, k]
            if len(fitted.networks) > 1:
                models[f"median of {len(fitted.networks)} spline networks"] = together[:, k]
        models["mean"] = _means(table)[rows]
        for model, predicted in models.items():
            sigma = None if table.sigma is None else table.sigma[rows]
            yield HeldOut(model, table.target, rows, table.y[rows], predicted, sigma)


def _means(table: Measurements) -> Vector:
    """Return for every row the mean of the rows that are learnt from without it."""
    means = np.full(len(table.y), table.y[table.train].mean())
    for fold in table.folds:
        means[fold.held_out] = table.y[fold.train].mean()
    return means


def _column(errors: Matrix | None, k: int) -> Vector | None:
    return None if errors is None else errors[:, k].copy()
