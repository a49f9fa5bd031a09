"""Sixteen seeds of a small network fitted together: beside one, and beside sixteen one after another.

    python benchmarks/bench_ensemble.py

Wall clock, since two threads take part; on a machine with other work to do the numbers are those of its mood.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _machine import table, write_results

import kanscience as ks

WIDTH, ROWS, MEMBERS, STEPS, ROUNDS = [2, 5, 1], 1000, 16, 40, 2
GRIDS = (5, 10, 20, 50)
EXPLANATION = f"""
{MEMBERS} networks {WIDTH} of cubic splines from different seeds, float64, {ROWS} rows of exp(sin(pi x) + y²), {STEPS}
Levenberg-Marquardt steps each, moves of hidden knots included. "One": `ks.fit` of one. "Together": `ks.fit_many` of all
{MEMBERS}, on one thread and on two. "Time of one": together on two threads over one; goal at grid 5: 4 at most.
"Throughput": {MEMBERS} fits one after another over together on two threads; goal at grid 20: 1.8 at least. Wall clock,
medians of {ROUNDS} rounds in turn; the processor seconds of all threads in brackets.
"""
Timed = tuple[float, float]


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (ROWS, 2))
    y = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    rows = []
    for grid in GRIDS:
        rows.append(_row(grid, x, y))
        print(*rows[-1], sep="   ", flush=True)
    header = (
        "grid",
        "one",
        "one after another",
        "together, 1 thread",
        "together, 2 threads",
        "time of one",
        "throughput",
    )
    write_results(
        Path(__file__).with_name("results_ensemble.md"), "Networks side by side", EXPLANATION, [table(header, rows)]
    )


def _row(grid: int, x: np.ndarray, y: np.ndarray) -> list[str]:
    cases: dict[str, Callable[[list[ks.MultKAN]], object]] = {
        "one": lambda networks: ks.fit(networks[0], x, y, steps=STEPS),
        "turn": lambda networks: [ks.fit(network, x, y, steps=STEPS) for network in networks],
        "thread": lambda networks: ks.fit_many(networks, x, y, steps=STEPS, threads=1),
        "threads": lambda networks: ks.fit_many(networks, x, y, steps=STEPS, threads=2),
    }
    taken: dict[str, list[Timed]] = {name: [] for name in cases}
    for turn in range(ROUNDS + 1):
        for name, case in cases.items():
            seconds = _seconds(case, grid)
            if turn:  # the first round loads what is loaded once
                taken[name].append(seconds)
    wall = {name: statistics.median(w for w, _ in times) for name, times in taken.items()}
    processor = {name: statistics.median(p for _, p in times) for name, times in taken.items()}
    seconds = [f"{wall[name]:.2f} s ({processor[name]:.2f})" for name in cases]
    return [str(grid), *seconds, f"{wall['threads'] / wall['one']:.1f}×", f"{wall['turn'] / wall['threads']:.2f}×"]


def _seconds(case: Callable[[list[ks.MultKAN]], object], grid: int) -> Timed:
    networks = [ks.MultKAN(WIDTH, grid=grid, seed=seed) for seed in range(MEMBERS)]
    wall, processor = time.perf_counter(), time.process_time()
    case(networks)
    return time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    torch.set_num_threads(2)  # what a fit makes of them is its own affair
    main()
