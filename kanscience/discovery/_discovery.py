"""What was found: the law, what it competed with, the network, and how far all of them are from measurements."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kanscience._checks import check_kind
from kanscience._typing import ArrayLike, Matrix, Vector
from kanscience.datasets import as_columns
from kanscience.discovery._candidates import Candidate, Front
from kanscience.discovery._formula import evaluate
from kanscience.discovery._judge import Errors
from kanscience.discovery._spelling import as_text
from kanscience.discovery._text_tables import aligned, html_table

if TYPE_CHECKING:
    from kanscience.network import MultKAN

ERROR_HEADER = ("model", "target", "RMSE", "MAE", "largest", "R²")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Measurements that a model was not fitted to, and its predictions of them."""

    model: str
    target: str
    rows: np.ndarray
    measured: Vector
    predicted: Vector
    sigma: Vector | None = None

    @property
    def errors(self) -> Errors:
        """RMSE, MAE, the largest error and R²."""
        return Errors.of(self.predicted, self.measured)


@dataclass(frozen=True)
class RouteRun:
    """One route of the search: how long it took, how many formulas it handed in, and whether it was cut short."""

    name: str
    seconds: float
    formulas: int
    cut: bool


@dataclass(frozen=True, eq=False)
class Discovery:
    """What ``ks.discover`` found.

    Args:
        best: the simplest candidate whose loss is within one standard error of the lowest.
        pareto: all candidates that no simpler one equals in loss, simplest first.
        fronts: the same for each target alone; with one target ``(pareto,)``.
        network: the most accurate network; that of ``best`` where no other is better by more than a standard error.
        names: of the inputs.
        targets: names of the targets.
        inactive: inputs that no part of ``best`` uses.
        held_out: predictions for rows that no model was fitted to.
        cross_validated: whether, for lack of rows, these are all rows, each predicted without it.
        inputs: all rows, as they were given.
        notes: what was seen in the data: constant columns, repeated ones.
        routes: the ways that were gone.
        seconds: that it took.
        time_budget: that it was allowed.
        seed: with which it is repeated.
    """

    best: Candidate
    pareto: Front
    fronts: tuple[Front, ...]
    network: MultKAN | None
    names: tuple[str, ...]
    targets: tuple[str, ...]
    inactive: tuple[str, ...]
    held_out: tuple[HeldOut, ...]
    cross_validated: bool
    inputs: Matrix = field(repr=False)
    seconds: float
    time_budget: float
    seed: int
    notes: tuple[str, ...] = ()
    routes: tuple[RouteRun, ...] = ()

    @property
    def budget_bound(self) -> bool:
        """Whether time or Ctrl-C cut a route short; then a seed need not give the same result again."""
        return any(route.cut for route in self.routes)

    def predict(self, X: ArrayLike, candidate: Candidate | None = None) -> np.ndarray:
        """Return what the best formula, or another candidate's, predicts.

        Args:
            X: (N, inputs). A frame's columns are found by name; one with none of the names is taken as it stands.
            candidate: of ``pareto``; None is ``best``. ``discovery.network.predict(X)`` asks the network.

        Returns:
            (N,) for one target, (N, targets) for several; NaN where the formula is not real.
        """
        chosen = self.best if candidate is None else candidate
        check_kind("candidate", chosen, Candidate, "Take one of `.pareto`, or leave it out.")
        values, formulas = as_columns(X, self.names, owner="the law"), chosen.formulas
        columns = [evaluate(formula, self.names, values) for formula in formulas]
        return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)

    def report(self, path: str | PathLike[str]) -> Path:
        """Write a folder with the law, its errors, pictures, the network, and how to use them; return the folder."""
        from kanscience._display import report

        return report(self, path)

    def formulas(self) -> list[tuple[str, str]]:
        """Return (target, text of its formula) of the best candidate."""
        return [(t, as_text(f)) for t, f in zip(self.targets, self.best.formulas, strict=True)]

    def error_rows(self) -> list[tuple[str, ...]]:
        """Return the cells of the table of errors on held-out rows."""
        return [
            (
                held.model,
                held.target,
                *(f"{value:.4g}" for value in (errors.rmse, errors.mae, errors.largest)),
                f"{errors.r2:.7g}",
            )
            for held in self.held_out
            for errors in [held.errors]
        ]

    def rows_line(self) -> str:
        """Return which rows the errors are from."""
        rows = len(self.inputs)
        if self.cross_validated:
            return f"cross-validated: each of the {rows} rows predicted by constants fitted without it"
        return f"on {len(self.held_out[0].rows)} of {rows} rows, drawn at random and seen by no fit and no choice"

    def time_line(self) -> str:
        """Return how long it took, and whether time ran out."""
        cut = [route.name for route in self.routes if route.cut]
        end = f"cut short: {', '.join(cut)}" if cut else "no route was cut short"
        return f"{self.seconds:.1f} s of a time budget of {self.time_budget:g} s, seed {self.seed}; {end}"

    def __str__(self) -> str:
        lines = [f"{target} = {formula}" for target, formula in self.formulas()]
        if self.inactive:
            lines.append(f"inputs without influence: {', '.join(self.inactive)}")
        lines += [*self.notes, "", f"Errors, {self.rows_line()}:"]
        lines += [aligned([ERROR_HEADER, *self.error_rows()], left=(0, 1))]
        lines += ["", "Candidates (→ taken; loss: RMSE on the rows that decide):", str(self.pareto)]
        return "\n".join([*lines, "", self.time_line()])

    def __repr__(self) -> str:
        formulas = "; ".join(f"{target} = {formula}" for target, formula in self.formulas())
        return f"<Discovery {formulas} ({self.best.route}, {len(self.pareto)} candidates)>"

    def _repr_html_(self) -> str:
        laws = "".join(f"<p><code>{escape(t)} = {escape(f)}</code></p>" for t, f in self.formulas())
        idle = f"<p>inputs without influence: {escape(', '.join(self.inactive))}</p>" if self.inactive else ""
        errors = html_table(ERROR_HEADER, self.error_rows())
        return (
            f"{laws}{idle}<p>Errors, {escape(self.rows_line())}:</p>{errors}"
            f"<p>Candidates:</p>{self.pareto._repr_html_()}<p>{escape(self.time_line())}</p>"
        )
