"""Laws read off networks, over seeds: python benchmarks/bench_laws.py [--seeds 20] [--only hello,...]

Every case is run for every seed, two seeds side by side, one thread each. Results are written after each run to
benchmarks/laws.json, so that an interrupted run goes on where it stopped, and summed up in benchmarks/results_laws.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _machine import table, write_results
from joblib import Parallel, delayed

import kanscience as ks
from kanscience.discovery import law_of_shape

HERE = Path(__file__).parent
FLOORS = {10: 2.7e-4, 20: 1.5e-5, 50: 3.9e-7, 100: 2.5e-8}  # least squares of hello's two curves on uniform cubic grids


@dataclass(frozen=True)
class Case:
    """One line of the table: a run for a seed returns (solved, what to show, seconds)."""

    name: str
    asked: str
    seeds: int
    run: Callable[[int], tuple[bool, str, float]]
    within: float | None = None  # seconds asked for


def hello(x: torch.Tensor) -> torch.Tensor:
    return torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)


def product(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0] * x[:, 1]


def velocities(x: torch.Tensor) -> torch.Tensor:
    return (x[:, 0] + x[:, 1]) / (1 + x[:, 0] * x[:, 1])


def sample(seed: int, rows: int, columns: int, half: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(rows, columns, dtype=torch.float64, generator=generator) * 2 - 1) * half


@torch.no_grad()
def rmse(network: ks.MultKAN, x: torch.Tensor, y: torch.Tensor) -> float:
    return float((network(x)[:, 0] - y).square().mean().sqrt())


def law(width: list, f: Callable, base: str = "silu", noise: float = 0.0, half: float = 1.0) -> Callable:
    """Return a run that fits, prunes and snaps a network of this width, by itself."""

    def run(seed: int) -> tuple[bool, str, float]:
        x, fresh = sample(seed, 1000, 2, half), sample(seed + 10_000, 1000, 2, half)
        y = f(x)
        generator = torch.Generator().manual_seed(seed + 20_000)
        y = y + noise * y.std() * torch.randn(len(y), dtype=torch.float64, generator=generator)
        begun = time.process_time()
        found = law_of_shape(width, x, y, base=base, seed=seed, time_budget=300)
        seconds = time.process_time() - begun
        error = rmse(found.network, fresh, f(fresh))
        formula = ks.expression(found.network)[0]
        text = str(formula) if len(str(formula)) < 60 else f"{str(formula)[:57]}..."
        # With noise the structure is asked for: then the formula is right to the noise of its fitted constants.
        solved = (
            error <= 1e-12 if not noise else error <= 0.2 * noise * float(f(fresh).std()) and len(str(formula)) < 60
        )
        return solved, f"{text}, {error:.1e}", seconds

    return run


def grids(seed: int) -> tuple[bool, str, float]:
    """A3: hello on [2,1,1] at four grids, 3,000 rows, against the floor."""
    x, fresh = sample(seed, 3000, 2), sample(seed + 10_000, 20_000, 2)
    begun = time.process_time()
    network = ks.MultKAN([2, 1, 1], domain=(-1, 1), seed=seed)
    ks.fit(network, x, hello(x), grids=(5,), restarts=3, steps=60, seed=seed, progress=False)
    ratios = []
    for grid, floor in FLOORS.items():
        ks.fit(network, x, hello(x), grids=(grid,), steps=60, progress=False)
        ratios.append(rmse(network, fresh, hello(fresh)) / floor)
    seconds = time.process_time() - begun
    return max(ratios) <= 2, "x floor: " + ", ".join(f"{ratio:.2f}" for ratio in ratios), seconds


def scores(seed: int) -> tuple[bool, str, float]:
    """A11: attribution of an additive law with an irrelevant input."""
    x = sample(seed, 1000, 4)
    parts = torch.stack([x[:, 0] ** 2, 0.3 * x[:, 1], 0.1 * x[:, 2] ** 3, 0 * x[:, 3]])
    y = parts.sum(dim=0)
    exact = parts.std(dim=1) / y.std()
    begun = time.process_time()
    network = ks.MultKAN([4, 5, 1], seed=seed)
    for penalty in (None, ks.Penalty(1e-4), ks.Penalty(1e-5)):
        ks.fit(network, x, y, steps=60, penalty=penalty, progress=False)
    found = ks.attribution(network, ks.trace(network, x)).nodes[0]
    seconds = time.process_time() - begun
    solved = bool(((found - exact).abs() <= 0.05).all()) and float(found[3]) <= 0.01
    return solved, ", ".join(f"{score:.3f}" for score in found.tolist()), seconds


def continual(degree: int) -> Callable:
    """A15: five Gaussian peaks in five stages."""

    def run(seed: int) -> tuple[bool, str, float]:
        peaks = np.linspace(-0.8, 0.8, 5)

        def f(x: torch.Tensor) -> torch.Tensor:
            return torch.stack([torch.exp(-300 * (x - peak) ** 2) for peak in peaks]).sum(dim=0)

        begun = time.process_time()
        network = ks.MultKAN([1, 1], grid=200, degree=degree, base="zero", domain=(-1, 1), seed=seed)
        worst = []
        for stage in range(5):
            x = torch.linspace(-1 + 0.4 * stage, -0.6 + 0.4 * stage, 1000, dtype=torch.float64)[:, None]
            ks.fit(network, x, f(x[:, 0]), move_knots=False, progress=False)
            seen = torch.linspace(-1, -0.6 + 0.4 * stage, 4001, dtype=torch.float64)[:, None]
            worst.append(rmse(network, seen, f(seen[:, 0])))
        return max(worst) <= 4.0e-6, f"worst stage {max(worst):.4g}", time.process_time() - begun

    return run


CASES = (
    Case("hello [2,5,1]", "exact, RMSE <= 1e-12, 19 of 20, <= 5 s", 20, law([2, 5, 1], hello), 5),
    Case("x*y [2,(5,2),1]", "exact, RMSE <= 1e-12, 19 of 20, <= 5 s", 20, law([2, (5, 2), 1], product, "identity"), 5),
    Case("x*y from sums [2,2,1]", "exact, 18 of 20", 20, law([2, 2, 1], product)),
    Case("hello, 1 % noise [2,5,1]", "right structure, 9 of 10", 10, law([2, 5, 1], hello, noise=0.01)),
    Case("relativity [2,1,1]", "RMSE <= 1e-12, 9 of 10", 10, law([2, 1, 1], velocities, half=0.9)),
    Case("grids 10, 20, 50, 100 [2,1,1]", "<= 2x the floor, 9 of 10, <= 10 s", 10, grids, 10),
    Case("scores [4,5,1]", "within .05, irrelevant <= .01", 10, scores),
    Case("continual, cubic [1,1] grid 200", "<= 4.0e-6 after every stage", 1, continual(3)),
    Case("continual, quintic [1,1] grid 200", "<= 4.0e-6 after every stage", 1, continual(5)),
)


def main() -> None:
    """Run what is missing, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="most seeds of a case")
    parser.add_argument("--only", default="", help="part of the names of the cases to run")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    options = parser.parse_args()
    path = HERE / "laws.json"
    known = {} if options.fresh or not path.exists() else json.loads(path.read_text())
    torch.set_num_threads(1)
    for number, case in enumerate(CASES):
        wanted = [seed for seed in range(min(case.seeds, options.seeds)) if f"{case.name}/{seed}" not in known]
        if options.only not in case.name:
            continue
        results: Any = Parallel(n_jobs=2, return_as="generator")(delayed(run_one)(number, seed) for seed in wanted)
        for seed, result in zip(wanted, results, strict=True):
            known[f"{case.name}/{seed}"] = result
            path.write_text(json.dumps(known, indent=1))
            print(
                f"{case.name}, seed {seed}: {'solved' if result[0] else 'not solved'}, {result[1]}, {result[2]:.1f} s",
                flush=True,
            )  # noqa: T201
    sections = summary(known)
    explanation = (
        "Every run is one seed of data, start and split, on one thread, two runs side by side; seconds are the "
        "processor's."
    )
    write_results(HERE / "results_laws.md", "Laws read off networks, over seeds", explanation, sections)


def run_one(number: int, seed: int) -> tuple[bool, str, float]:
    """Run one case for one seed, in a process of its own."""
    torch.set_num_threads(1)
    return CASES[number].run(seed)


def summary(known: dict) -> list[str]:
    """Return the table of all cases, and a list of the runs that failed."""
    rows = []
    for case in CASES:
        runs = [result for key, result in known.items() if key.rpartition("/")[0] == case.name]
        if runs:
            seconds = [result[2] for result in runs]
            solved = f"{sum(bool(result[0]) for result in runs)} of {len(runs)}"
            times = f"{statistics.median(seconds):.1f}, {max(seconds):.1f}"
            in_time = sum(bool(result[0]) and result[2] <= (case.within or 0) for result in runs)
            rows.append([case.name, case.asked, solved, in_time if case.within else "", times, runs[0][1]])
    sections = [table(["case", "asked", "solved", "in time", "seconds: median, largest", "seed 0"], rows)]
    failed = [f"- {key}: {result[1]}" for key, result in known.items() if not result[0]]
    return [*sections, "Not solved:", "\n".join(failed)] if failed else sections


if __name__ == "__main__":
    main()
