"""Structure trees: how long exact functions take, and how often trees are right, of functions and of tables.

pip install -e '.[benchmarks]' && python benchmarks/bench_structure.py --threads 1
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _machine import arguments, table, write_results
from structure_of_tables import NOISES, PEER_STEPS, report
from structure_of_tables import ROWS as TABLE_ROWS

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the generated family, which lives in the tests

import kanscience as ks
from tests.helpers_structure import sample

SIZES = (2, 4, 8, 16, 30, 60)
ROWS = 1_000
TREES = 300
EXPLANATION = f"""
{ROWS:,} points, after one call that warms up. Times are processor time in seconds, the median of three calls. Peak is what
the whole process took, PyTorch included. Goals: 8 variables in 1 s, 30 in 6 s and 1 GB.
Random trees: 3 to 10 variables, 300 points, half of them rewritten with cancellations; a tree counts only if all blocks and
all kinds are right. Goals: 299 of 300, and 97 % of numpy functions.
Tables: {TABLE_ROWS:,} rows of each of the hundred Feynman formulas, noise in units of the target's spread, arrays alone.
F1 of the blocks against those of the formula itself; the root of a tree, all its variables, is nearly free: "without
roots" is the number to look at. Goals: .95 without noise and .90 with 1 %. pykan: `KAN([n, 5, 1], grid=5)` fitted by
{PEER_STEPS} steps of LBFGS, and its search given the formula itself; inputs mapped to [-1, 1], targets standardised.
"""


def main() -> None:
    """Measure, print, and write the page beside this file."""
    arguments(__doc__)
    sections = [
        "## Exact functions by number of variables\n\n" + _costs(),
        f"## {TREES} random trees\n\n" + _random_trees(),
        f"## Tables of the Feynman formulas, noise {' and '.join(f'{noise:.0%}' for noise in NOISES)}\n\n" + report(),
    ]
    write_results(Path(__file__).with_name("results_structure.md"), "Structure trees", EXPLANATION, sections)


# what it costs


def _formula(x: torch.Tensor) -> torch.Tensor:
    """Return log(sum of exp(sin(a*b))) over pairs of columns."""
    pairs = [torch.exp(torch.sin(x[:, k] * x[:, k + 1])) for k in range(0, x.shape[1] - 1, 2)]
    return torch.log(sum(pairs))


def _numpy_formula(x: np.ndarray) -> np.ndarray:
    return np.log(sum(np.exp(np.sin(x[:, k] * x[:, k + 1])) for k in range(0, x.shape[1] - 1, 2)))


def _network(n: int) -> ks.MultKAN:
    return ks.MultKAN([n, 3, 1], seed=0, degree=5, domain=(0.5, 2.0))


def _costs() -> str:
    kinds = {"formula": lambda n: _formula, "numpy formula": lambda n: _numpy_formula, "network [n, 3, 1]": _network}
    header = ["variables", *(f"{kind}{what}" for kind in kinds for what in (", s", ", peak MB"))]
    rows = []
    for n in SIZES:
        measured = [_apart(_seconds_and_peak, make(n), n) for make in kinds.values()]
        rows.append([n, *(cell for seconds, peak in measured for cell in (f"{seconds:.2f}", f"{peak:.0f}"))])
    return table(header, rows)


def _seconds_and_peak(f: Callable, n: int) -> tuple[float, float]:
    x = np.random.default_rng(0).uniform(0.5, 2.0, (ROWS, n))
    ks.discover_tree(f, x[:20])
    taken = []
    for _ in range(3):
        begun = time.process_time()
        ks.discover_tree(f, x)
        taken.append(time.process_time() - begun)
    return statistics.median(taken), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _apart(measure: Callable, *what: object) -> tuple[float, float]:
    """Measure in a process of its own, so that each peak is that of one case."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_with_one_thread, (measure, *what))


def _with_one_thread(measure: Callable, *what: object) -> tuple[float, float]:
    torch.set_num_threads(1)
    return measure(*what)


# how often it is right


def _random_trees() -> str:
    wrong: dict[str, list[int]] = {"torch": [], "numpy": []}
    seconds = dict.fromkeys(wrong, 0.0)
    for seed in range(TREES):
        known = sample(seed)
        for way, f in (("torch", known.torch), ("numpy", known.numpy)):
            begun = time.process_time()
            tree = ks.discover_tree(f, known.x)
            seconds[way] += time.process_time() - begun
            if {block: tree.kind(block) for block in tree.blocks} != known.kinds:
                wrong[way].append(seed)
    rows = [
        (way, f"{TREES - len(seeds)} of {TREES}", ", ".join(map(str, seeds)) or "none", f"{seconds[way] / TREES:.3f}")
        for way, seeds in wrong.items()
    ]
    return table(("function", "right", "wrong seeds", "seconds a tree"), rows)


if __name__ == "__main__":
    main()
