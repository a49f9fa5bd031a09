"""Textbook nonlinear regressions beside MINPACK: who arrives, at what values and standard errors, and at what cost.

python benchmarks/bench_regression.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sympy
import torch
from _machine import table, write_results
from regressions import CASES, Case
from scipy.optimize import least_squares

import kanscience as ks

SEEDS = 10
RANDOM_STARTS = 20
DECADES = 1.0
ARRIVED = 1e-6  # relative loss above the lowest that any of them found, the truth's own included
EXPLANATION = f"""
{len(CASES)} laws, {SEEDS} seeds of noise, two starts: *near*, as somebody who looked at the data would give it, and *far*;
then {RANDOM_STARTS} starts with every parameter off by a random factor within a decade each way, on one seed of noise.
*Solved*: the sum of squares is within {ARRIVED:g} of the lowest that either found, or a descent from the true values.

kanscience: `ks.fit` of the compiled formula, all at its defaults. MINPACK: `scipy.optimize.least_squares(method="lm")` with
the exact Jacobian, `x_scale="jac"` and tolerances of 1e-12, its numbers of evaluations at their default. Values and standard
errors are compared where both arrive: the largest relative difference of any parameter, the values' in relation to
the larger of the value and its standard error; terms that may change places are put in order first. Time is the
processor's, in milliseconds a fit, median over all of a case.
"""


@dataclass(frozen=True)
class Outcome:
    """One fit: sum of squares, values and standard errors."""

    loss: float
    values: np.ndarray
    errors: np.ndarray
    seconds: float


class Law:
    """A case as both sides need it: a compiled formula, and numpy functions of values and derivatives."""

    def __init__(self, case: Case) -> None:
        self.case, self.names = case, list(case.truth)
        columns, numbers = list(case.columns), self.names
        expression = ks.parse_formula(case.formula)
        by_name = {str(symbol): symbol for symbol in expression.free_symbols}
        arguments = [by_name[name] for name in (*columns, *numbers)]
        self.value = sympy.lambdify(arguments, expression, "numpy")
        self.slopes = sympy.lambdify(arguments, [expression.diff(by_name[name]) for name in numbers], "numpy")

    def exact(self, x: np.ndarray) -> np.ndarray:
        """Return the law at the true values."""
        return self.value(*x.T, *self.case.truth.values())

    def ours(self, x: np.ndarray, y: np.ndarray, start: Iterable[float]) -> Outcome:
        """Fit with kanscience."""
        parameters = dict(zip(self.names, map(float, start), strict=True))
        network = ks.compile_formula(self.case.formula, list(self.case.columns), parameters=parameters)
        begun = time.process_time()
        report = ks.fit(network, x, y, progress=False)
        seconds = time.process_time() - begun
        found = [report.parameters[name] for name in self.names] if report.parameters else []
        values = np.array([p.value for p in found]) if found else np.full(len(self.names), np.nan)
        errors = np.array([p.error for p in found]) if found else values
        return Outcome(self.loss(x, y, values), values, errors, seconds)

    def minpack(self, x: np.ndarray, y: np.ndarray, start: Iterable[float]) -> Outcome:
        """Fit with scipy."""
        ones = np.ones(len(x))

        def residuals(p: np.ndarray) -> np.ndarray:
            return self.value(*x.T, *p) * ones - y

        def jacobian(p: np.ndarray) -> np.ndarray:
            return np.stack([slope * ones for slope in self.slopes(*x.T, *p)], axis=1)

        tight = {"xtol": 1e-12, "ftol": 1e-12, "gtol": 1e-12, "x_scale": "jac"}
        begun = time.process_time()
        try:
            found = least_squares(residuals, np.array(list(start), float), jacobian, method="lm", **tight)
        except (ValueError, np.linalg.LinAlgError):  # not finite at the start
            nothing = np.full(len(self.names), np.nan)
            return Outcome(np.inf, nothing, nothing, time.process_time() - begun)
        seconds = time.process_time() - begun
        return Outcome(self.loss(x, y, found.x), found.x, _standard_errors(found.jac, found.fun), seconds)

    def loss(self, x: np.ndarray, y: np.ndarray, values: np.ndarray) -> float:
        """Return the sum of squares."""
        value = float(((self.value(*x.T, *values) - y) ** 2).sum())
        return value if np.isfinite(value) else np.inf


def _standard_errors(jacobian: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(jacobian, axis=0)
    if not np.isfinite(jacobian).all() or not lengths.all() or len(residuals) <= len(lengths):
        return np.full(len(lengths), np.inf)
    _, singular, right = np.linalg.svd(jacobian / lengths, full_matrices=False)
    variance = residuals @ residuals / (len(residuals) - len(lengths))
    with np.errstate(all="ignore"):
        return np.sqrt(((right.T / singular) ** 2).sum(axis=1) * variance) / lengths


@dataclass
class Tally:
    """Outcomes of both sides over some fits."""

    fits: int = 0
    ours: int = 0
    theirs: int = 0
    values: float = 0.0
    errors: float = 0.0
    our_seconds: tuple[float, ...] = ()
    their_seconds: tuple[float, ...] = ()

    def add(self, case: Case, one: Outcome, other: Outcome, reference: float) -> None:
        """Count one fit of each."""
        lowest = min(one.loss, other.loss, reference) * (1 + ARRIVED)
        arrived = one.loss <= lowest, other.loss <= lowest
        self.fits += 1
        self.ours += arrived[0]
        self.theirs += arrived[1]
        self.our_seconds += (one.seconds,)
        self.their_seconds += (other.seconds,)
        if all(arrived):
            values = case.canonical(one.values), case.canonical(other.values)
            errors = one.errors[case.order(one.values)], other.errors[case.order(other.values)]
            size = np.maximum(abs(values[1]), errors[1])
            self.values = max(self.values, float((abs(values[0] - values[1]) / size).max()))
            self.errors = max(self.errors, float((abs(errors[0] - errors[1]) / errors[1]).max()))


def main() -> None:
    """Measure, print, and write the page beside this file."""
    torch.set_num_threads(1)
    kinds: dict[str, Callable[[Law], Tally]] = {
        "near": lambda law: _seeds(law, law.case.near),
        "far": lambda law: _seeds(law, law.case.far),
        "random": _random_starts,
    }
    with np.errstate(all="ignore"):
        tallies = {case.name: {kind: run(Law(case)) for kind, run in kinds.items()} for case in CASES}
    path = Path(__file__).with_name("results_regression.md")
    write_results(path, "Nonlinear regression", EXPLANATION, [_totals(tallies), _cases(tallies)])


def _seeds(law: Law, start: dict[str, float]) -> Tally:
    tally = Tally()
    for seed in range(SEEDS):
        x = law.case.inputs(seed)
        y = law.case.noisy(law.exact(x), seed)
        reference = law.minpack(x, y, law.case.truth.values()).loss
        tally.add(law.case, law.ours(x, y, start.values()), law.minpack(x, y, start.values()), reference)
    return tally


def _random_starts(law: Law) -> Tally:
    tally, x = Tally(), law.case.inputs(0)
    y = law.case.noisy(law.exact(x), 0)
    truth = np.array(list(law.case.truth.values()))
    reference = law.minpack(x, y, truth).loss
    for seed in range(RANDOM_STARTS):
        start = truth * 10 ** np.random.default_rng((seed, 3)).uniform(-DECADES, DECADES, len(truth))
        tally.add(law.case, law.ours(x, y, start), law.minpack(x, y, start), reference)
    return tally


def _totals(tallies: dict[str, dict[str, Tally]]) -> str:
    rows = []
    for kind in ("near", "far", "random"):
        own = [of_case[kind] for of_case in tallies.values()]
        fits, ours, theirs = (sum(getattr(t, name) for t in own) for name in ("fits", "ours", "theirs"))
        worst = max(t.values for t in own), max(t.errors for t in own)
        rows.append((kind, fits, ours, theirs, *(f"{value:.1e}" for value in worst)))
    header = ("start", "fits", "solved, kanscience", "solved, MINPACK", "values apart", "standard errors apart")
    return "## Over the set\n\n" + table(header, rows)


def _cases(tallies: dict[str, dict[str, Tally]]) -> str:
    rows = []
    for name, kinds in tallies.items():
        counts = [f"{t.ours} : {t.theirs} of {t.fits}" for t in kinds.values()]
        apart = [f"{max(getattr(t, what) for t in kinds.values()):.0e}" for what in ("values", "errors")]
        times = [sum((getattr(t, side) for t in kinds.values()), ()) for side in ("our_seconds", "their_seconds")]
        rows.append((name, *counts, *apart, " : ".join(f"{1e3 * float(np.median(its)):.1f}" for its in times)))
    header = ("law", "near", "far", "random", "values apart", "errors apart", "ms a fit")
    return "## Law by law, kanscience : MINPACK\n\n" + table(header, rows)


if __name__ == "__main__":
    main()
