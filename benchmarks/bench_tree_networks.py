"""A network wired as a discovered tree beside dense networks: equal numbers, equal time.

python benchmarks/bench_tree_networks.py
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import sympy
import torch
from _machine import table, write_results

import kanscience as ks
from kanscience.network import FlatView

ROWS, FRESH_ROWS = 1_000, 10_000
SEEDS = (10, 11, 12, 13, 14)
HELD_BACK = 0.2
GRIDS = (5, 10, 20)
RESTARTS = 6
EXPLANATION = f"""
{ROWS:,} exact rows, the same for all; a fifth of them decides when to stop and which fit to keep. RMSE on {FRESH_ROWS:,}
fresh rows from the same ranges, in units of the target's spread; medians and ranges over {len(SEEDS)} samples.
"Tree": `discover_tree(X, y)`, `from_graph(tree.to_graph())`, `fit`, {RESTARTS + 1} starts. "Dense": MultKAN of one hidden
layer, of one with products, and of two, each as wide as gives it at least as many trainable numbers as the tree's network
has at the same grids; fitted one after the other with fresh seeds for as long as the tree's whole way took, the search
for the tree included, and the last fit is let run to its end. Seconds are processor time of one thread.
"""


@dataclass(frozen=True)
class Case:
    """A law on uniform inputs."""

    formula: str
    names: str
    low: tuple[float, ...]
    high: tuple[float, ...]

    def sample(self, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets."""
        X = np.random.default_rng(seed).uniform(self.low, self.high, (rows, len(self.low)))
        return X, ks.compile_formula(self.formula, self.names).predict(X).ravel()


CASES = {
    "gravity": Case(
        "a*b*c/((d - e)**2 + (g - h)**2 + (k - l)**2)",
        "a b c d e g h k l",
        (1, 1, 1, 3, 1, 3, 1, 3, 1),
        (2, 2, 2, 4, 2, 4, 2, 4, 2),
    ),
    "binary tree": Case(
        "((a**2 + b**2)**2 + (c**2 + d**2)**2)**2 + ((e**2 + g**2)**2 + (h**2 + k**2)**2)**2",
        "a b c d e g h k",
        (-1,) * 8,
        (1,) * 8,
    ),
    "norm and wave": Case("sqrt(a**2 + b**2 + c**2)*d + sin(e*g)", "a b c d e g", (0.5,) * 6, (2,) * 6),
}


@dataclass(frozen=True)
class Outcome:
    """A fit: its error on fresh rows, how many numbers it trained, and its seconds."""

    error: float
    numbers: int
    seconds: float
    fits: int = 1


def main() -> None:
    """Measure, print, and write the page beside this file."""
    with get_context("fork").Pool(os.cpu_count()) as pool:
        pairs = pool.starmap(_compare, itertools.product(CASES, SEEDS), chunksize=1)
    rows = [
        _row(name, pairs[k : k + len(SEEDS)]) for k, name in zip(range(0, len(pairs), len(SEEDS)), CASES, strict=True)
    ]
    header = (
        "law",
        "tree: RMSE",
        "numbers",
        "seconds",
        "dense: RMSE",
        "numbers",
        "seconds",
        "fits",
        "ratio of medians",
    )
    sections = [table(header, rows), "## On to the formula\n\n" + _formulas()]
    write_results(
        Path(__file__).with_name("results_tree_networks.md"), "Networks wired as trees", EXPLANATION, sections
    )


def _row(name: str, pairs: list[tuple[Outcome, Outcome]]) -> tuple[str, ...]:
    trees, denses = zip(*pairs, strict=True)
    ratio = _median(denses, "error") / _median(trees, "error")
    cells = [cell for outcomes in (trees, denses) for cell in _cells(outcomes)]
    return name, *cells, f"{_median(denses, 'fits'):.0f}", f"{ratio:.0f}"


def _cells(outcomes: tuple[Outcome, ...]) -> tuple[str, str, str]:
    errors = [outcome.error for outcome in outcomes]
    spread = f"{statistics.median(errors):.1e} ({min(errors):.1e}–{max(errors):.1e})"
    return spread, f"{_median(outcomes, 'numbers'):.0f}", f"{_median(outcomes, 'seconds'):.0f}"


def _median(outcomes: tuple[Outcome, ...], what: str) -> float:
    return statistics.median(getattr(outcome, what) for outcome in outcomes)


def _compare(name: str, seed: int) -> tuple[Outcome, Outcome]:
    torch.set_num_threads(1)
    case = CASES[name]
    X, y = case.sample(ROWS, seed)
    fresh = case.sample(FRESH_ROWS, seed + 1000)
    begun = time.process_time()
    network = ks.from_graph(ks.discover_tree(X, y).to_graph(), seed=seed)
    at_start = _numbers(network)
    _fit_sparse(network, X, y, seed)
    seconds = time.process_time() - begun
    dense = _dense(X, y, seed, _widths(X.shape[1], at_start), seconds, fresh)
    return Outcome(_error(network, *fresh), _numbers(network), seconds), dense


def _fit_sparse(network: ks.MultKAN, X: np.ndarray, y: np.ndarray, seed: int) -> None:
    ks.fit(network, X, y, valid=HELD_BACK, grids=GRIDS, restarts=RESTARTS, seed=seed)


def _dense(
    X: np.ndarray, y: np.ndarray, seed: int, widths: list[list], seconds: float, fresh: tuple[np.ndarray, np.ndarray]
) -> Outcome:
    """Fit one dense network after the other until the seconds are over; keep the one that held-back rows prefer."""
    begun, best, lowest, fits = time.process_time(), None, np.inf, 0
    widths = itertools.cycle(widths)
    while time.process_time() - begun < seconds:
        network = ks.MultKAN(next(widths), seed=seed + 100 * fits)
        report = ks.fit(network, X, y, valid=HELD_BACK, grids=GRIDS, seed=seed)
        fits += 1
        if best is None or report.valid_loss < lowest:
            best, lowest = network, report.valid_loss
    return Outcome(_error(best, *fresh), _numbers(best), time.process_time() - begun, fits)


def _widths(inputs: int, numbers: int) -> list[list]:
    """Return the narrowest shapes of each sort with at least so many numbers at the coarsest grid."""
    sorts = (
        lambda h: [inputs, h, 1],
        lambda h: [inputs, (h, h // 2), 1],
        lambda h: [inputs, h, h, 1],
    )
    return [
        next(width for h in itertools.count(2) if _numbers(ks.MultKAN(width := sort(h))) >= numbers) for sort in sorts
    ]


def _numbers(network: ks.MultKAN) -> int:
    return FlatView(network).size


def _error(network: ks.MultKAN, X: np.ndarray, y: np.ndarray) -> float:
    return float(np.sqrt(np.mean((network.predict(X).ravel() - y) ** 2)) / y.std())


def _written(network: ks.MultKAN) -> str:
    (formula,) = ks.expression(network, simplify=True)
    return str(formula.xreplace({number: number.round(6) for number in formula.atoms(sympy.Float)}))


def _formulas() -> str:
    """Take the networks of gravity on to formulas."""
    case, rows = CASES["gravity"], []
    for seed in SEEDS:
        X, y = case.sample(ROWS, seed)
        begun = time.process_time()
        network = ks.from_graph(ks.discover_tree(X, y).to_graph(), seed=seed)
        _fit_sparse(network, X, y, seed)
        network, _ = ks.snap(network, X, y, valid=HELD_BACK)
        seconds = time.process_time() - begun
        error = _error(network, *case.sample(FRESH_ROWS, seed + 1000))
        rows.append((seed, f"`{_written(network)}`", f"{error:.0e}", f"{seconds:.0f}"))
    return table(("sample", "formula", "RMSE", "seconds from the rows"), rows)


if __name__ == "__main__":
    main()
