"""Deep networks from random starts: how often a fit finds a nested function, how closely, and how fast.

    python benchmarks/bench_deep.py

Writes each fit down as it ends and goes on from there when it is started again; with
``--summary`` it only writes the page of what there is.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from _machine import table, write_results

import kanscience as ks

SHAPES = ([4, 2, 1, 1], [4, 4, 2, 1], [4, 5, 2, 1])
SEEDS = range(10)
ROWS, HELD, TEST = 3000, 1000, 10_000
GRIDS, RESTARTS = (5, 10, 20, 40), 30
CLOSE, SECONDS = 1e-6, 30.0
DONE = Path(__file__).with_name("results_deep.json")
EXPLANATION = f"""
exp((sin(pi (x1² + x2²)) + sin(pi (x3² + x4²)))/2) on [-1, 1]⁴, exact, {ROWS} rows to learn from, {HELD} held back, RMSE on
{TEST} others (the function's standard deviation is 0.60). Every seed draws its own rows and starts:
`ks.fit(MultKAN(width, domain=(-1, 1), seed=seed), X, y, valid=..., grids={GRIDS}, restarts={RESTARTS}, seed=seed)`, all
else by default, one thread, seconds of its processor time. "Found": RMSE of at most {CLOSE:g} within {SECONDS:.0f} s; goal:
9 of 10 for each shape.
"""


def target(x: np.ndarray) -> np.ndarray:
    """Return the function's values, (N,)."""
    x1, x2, x3, x4 = x.T
    return np.exp((np.sin(np.pi * (x1**2 + x2**2)) + np.sin(np.pi * (x3**2 + x4**2))) / 2)


def main() -> None:
    torch.set_num_threads(1)
    done = json.loads(DONE.read_text()) if DONE.exists() else {}
    for width in [] if "--summary" in sys.argv else SHAPES:
        for seed in SEEDS:
            name = f"{width} {seed}"
            if name not in done:
                done[name] = _fitted(width, seed)
                DONE.write_text(json.dumps(done, indent=1) + "\n")
                print(name, *done[name], flush=True)
    sections = [table(("shape", "found", "median RMSE", "worst RMSE", "median s", "longest s"), _summary(done))]
    sections += [table(("shape", *map(str, SEEDS)), _each(done))]
    write_results(
        Path(__file__).with_name("results_deep.md"), "Deep networks from random starts", EXPLANATION, sections
    )


def _fitted(width: list[int], seed: int) -> tuple[float, float]:
    """Return the RMSE on rows that the fit has not seen, and its seconds."""
    rng = np.random.default_rng(seed)
    x, held, test = (rng.uniform(-1, 1, (rows, 4)) for rows in (ROWS, HELD, TEST))
    network = ks.MultKAN(width, domain=(-1, 1), seed=seed)
    begun = time.thread_time()
    ks.fit(network, x, target(x), valid=(held, target(held)), grids=GRIDS, restarts=RESTARTS, seed=seed, progress=False)
    seconds = time.thread_time() - begun
    return float(np.sqrt(np.mean((network.predict(test) - target(test)) ** 2))), seconds


def _summary(done: dict) -> list[list[str]]:
    rows = []
    for width in SHAPES:
        fits = [done[f"{width} {seed}"] for seed in SEEDS if f"{width} {seed}" in done]
        if not fits:
            continue
        errors, seconds = np.array(fits).T
        found = int(((errors <= CLOSE) & (seconds <= SECONDS)).sum())
        each = (f"{np.median(errors):.1e}", f"{errors.max():.1e}", f"{np.median(seconds):.1f}", f"{seconds.max():.1f}")
        rows.append([str(width), f"{found} of {len(fits)}", *each])
    return rows


def _each(done: dict) -> list[list[str]]:
    rows = []
    for width in SHAPES:
        fits = [done.get(f"{width} {seed}") for seed in SEEDS]
        rows.append([str(width), *(f"{fit[0]:.1e}, {fit[1]:.0f} s" if fit else "not run" for fit in fits)])
    return rows


if __name__ == "__main__":
    main()
