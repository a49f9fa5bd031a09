"""How time, memory and error scale: with batch, width, grid, edges and ensemble; and with the grid on six functions.

pip install -e '.[fast,benchmarks]' && python benchmarks/bench_scaling.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import torch
from _machine import Kept, arguments, medians_in_turn, peak_growth, results_path, table, write_page
from scipy.special import j0

import kanscience as ks

BASE = (1024, 64, 64, 5)  # batch, sources, targets, grid
SWEEPS = {
    "batch": [(batch, 64, 64, 5) for batch in (64, 256, 1024, 4096, 16384)],
    "width (sources = targets)": [(1024, n, n, 5) for n in (8, 16, 32, 64, 128, 256)],
    "edges (64 sources)": [(1024, 64, n, 5) for n in (1, 4, 16, 64, 256)],
    "grid": [(1024, 64, 64, grid) for grid in (3, 10, 30, 100, 300)],
}
PLACES = {"batch": 0, "width (sources = targets)": 1, "edges (64 sources)": 2, "grid": 3}
NETWORKS = (1, 2, 4, 8, 16)


class Toy(NamedTuple):
    """A function that a network of this shape can represent exactly."""

    width: list
    function: Callable[[np.ndarray], np.ndarray]
    rows: int = 3000
    finest: int = 160
    steps: int | None = None  # most steps at a grid


def _four(x: np.ndarray) -> np.ndarray:
    s = np.sin(np.pi * (x**2).reshape(len(x), 2, 2).sum(axis=2))
    return np.exp(s.sum(axis=1) / 2)


TOYS = {
    "J₀(20x)": Toy([1, 1], lambda x: j0(20 * x[:, 0])),
    "exp(sin πx + y²)": Toy([2, 1, 1], lambda x: np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)),
    "xy": Toy([2, 2, 1], lambda x: x[:, 0] * x[:, 1]),
    "exp(mean sin²(πx/2)), 100 inputs": Toy(
        [100, 1, 1], lambda x: np.exp((np.sin(np.pi * x / 2) ** 2).mean(axis=1)), 5000, 20, 40
    ),
    "exp(½ Σ sin π(x² + y²)), 4 inputs": Toy([4, 4, 2, 1], _four, 5000, 80),
    "exp(mean sin² x), 100 inputs": Toy([100, 1, 1], lambda x: np.exp((np.sin(x) ** 2).mean(axis=1)), 5000, 20, 40),
}
GRIDS = (3, 5, 10, 20, 40, 80, 160)
EXPLANATION = """
Time and memory: one layer, float32, forward and backward to inputs and numbers, around (batch, sources, targets, grid) =
{base}; the exponent is that of a power law through all points. Memory is the growth of a fresh process's resident set.
Ensembles: networks of [2, 5, 1] fitted together by `fit_many`, 20 steps of Levenberg-Marquardt, 1,000 rows, and one after
the other by `fit`; wall clock, {cores} threads.

Error against grid: `ks.fit` (Levenberg-Marquardt, float64), the grid refined step by step, exact rows uniform in [-1, 1]^n,
the root mean square error on 5,000 others over the target's spread, the median of the seeds. "Slope": of log error against
log grid where the error falls and is above 1e-9 of the spread; theory says 4 for cubic splines (arXiv 2404.19756, section
3.1), – where fewer than three grids show it. Of the shapes that the paper gives. – for an error: grids too fine for the
rows. The curves of xy are exact but for rounding, which finer grids add up; the nested function is limited by the start
found.
"""


def main() -> None:
    given = arguments(__doc__)
    matplotlib.use("agg")
    page = results_path(__file__, given.short)
    kept = Kept(page)
    costs = {name: _sweep(kept, name, shapes, given.short) for name, shapes in SWEEPS.items()}
    ensemble = kept.get("ensemble", _ensemble) if hasattr(ks, "fit_many") else {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seeds, finest, errors = (0,) if given.short else (0, 1, 2), 10 if given.short else max(GRIDS), {}
    for name, toy in TOYS.items():
        runs = [kept.get(f"{name} / {seed}", lambda t=toy, s=seed: _errors(t, s, finest)) for seed in seeds]
        errors[name] = np.median(runs, axis=0).tolist()
        torch.set_num_threads(threads)
        _write(page, costs, ensemble, errors)
        torch.set_num_threads(1)
    kept.done()
    print(page.read_text())


def _sweep(kept: Kept, name: str, shapes: Sequence[tuple], short: bool) -> list[list[float]]:
    def seconds() -> list[float]:
        return list(medians_in_turn({str(s): evaluation(s) for s in shapes}, 1.0 if short else 6.0).values())

    def memory() -> list[float]:
        return [peak_growth(warmed, shape) for shape in shapes]

    return [kept.get(f"{name}, seconds", seconds), kept.get(f"{name}, MiB", memory)]


def evaluation(shape: tuple[int, int, int, int]) -> Callable[[], object]:
    """Return forward and backward of a layer."""
    batch, sources, targets, grid = shape
    layer = ks.MultKAN([sources, targets], grid=grid, domain=(-1, 1), dtype=torch.float32, seed=0)
    x, seed = torch.rand(batch, sources).mul_(1.98).sub_(0.99).requires_grad_(), torch.randn(batch, targets)
    wanted = [x, *(p for p in layer.parameters() if p.requires_grad and p.numel())]
    return lambda: torch.autograd.grad(layer(x), wanted, seed, allow_unused=True)


def warmed(shape: tuple[int, int, int, int]) -> Callable[[], object]:
    """Return the same, its code warmed up on a layer with few targets."""
    case = evaluation(shape)
    evaluation((shape[0], shape[1], 1, shape[3]))()
    return case


def _ensemble() -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    found: dict[str, list[float]] = {}
    for grid in (5, 20):
        options = {"steps": 20, "move_knots": False}

        def networks(count: int, grid: int = grid) -> list[ks.MultKAN]:
            return [ks.MultKAN([2, 5, 1], grid=grid, domain=(-1, 1), seed=k) for k in range(count)]

        def together(count: int, options: dict = options, networks: Callable = networks) -> None:
            ks.fit_many(networks(count), x, y, **options)

        def in_turn(count: int, options: dict = options, networks: Callable = networks) -> None:
            for network in networks(count):
                ks.fit(network, x, y, **options)

        for name, fit in (("together", together), ("in turn", in_turn)):
            found[f"grid {grid}, {name}"] = [_least(lambda f=fit, n=count: f(n)) for count in NETWORKS]
    return found


def _least(case: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        case()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _errors(toy: Toy, seed: int, finest: int) -> list[float]:
    """Return the error at each grid; those that are too fine for the rows are left out (NaN)."""
    rng = np.random.default_rng(seed)
    inputs = toy.width[0]
    x, test = rng.uniform(-1, 1, (toy.rows, inputs)), rng.uniform(-1, 1, (5000, inputs))
    y, truth = toy.function(x), toy.function(test)
    network, found = ks.MultKAN(toy.width, grid=GRIDS[0], domain=(-1, 1), seed=seed), []
    for grid in GRIDS:
        if grid > min(toy.finest, finest):
            found.append(float("nan"))
            continue
        restarts = 8 if grid == GRIDS[0] and inputs < 10 else 0
        ks.fit(network, x, y, grids=(grid,), restarts=restarts, steps=toy.steps, seed=seed)
        found.append(float(np.sqrt(np.mean((network.predict(test) - truth) ** 2)) / truth.std()))
    return found


def _slope(errors: Sequence[float]) -> float:
    """Return the steepness where the error falls and is not rounding; NaN where there are not three such points."""
    lowest, falling = np.inf, []
    for grid, error in zip(GRIDS, errors, strict=True):
        if error < lowest / 2 and error > 1e-9:
            falling.append((grid, error))
        lowest = min(lowest, error)
    falling = falling[1:] if len(falling) > 3 else falling  # the coarsest grid does not resolve the function yet
    if len(falling) < 3:
        return float("nan")
    grids, kept = np.log(np.array(falling)).T
    return float(-np.polyfit(grids, kept, 1)[0])


def _exponent(shapes: Sequence[tuple], place: int, values: Sequence[float]) -> float:
    return float(np.polyfit(np.log([shape[place] for shape in shapes]), np.log(np.maximum(values, 1e-9)), 1)[0])


def _write(page: Path, costs: dict, ensemble: dict, errors: dict) -> None:
    sections = []
    for name, (seconds, memory) in costs.items():
        shapes, place = SWEEPS[name], PLACES[name]
        rows = [
            [f"ms, exponent {_exponent(shapes, place, seconds):.2f}", *(f"{1e3 * value:.3g}" for value in seconds)],
            ["MiB", *(f"{value:.1f}" for value in memory)],
        ]
        sections.append(table((name, *(shape[place] for shape in shapes)), rows))
    rows = [[name, *(f"{value:.3f}" for value in seconds)] for name, seconds in ensemble.items()]
    if rows:
        sections.append("## Ensembles\n\n" + table(("seconds", *(f"{n} networks" for n in NETWORKS)), rows))
    rows = [[name, TOYS[name].width, *(f"{e:.1e}" for e in its), f"{_slope(its):.1f}"] for name, its in errors.items()]
    header = ("function", "shape", *(f"grid {grid}" for grid in GRIDS), "slope (theory 4)")
    sections.append("## Error against grid\n\n" + table(header, rows))
    sections.append(f"![Scaling]({page.with_suffix('.png').name})")
    _draw(costs, ensemble, errors, page.with_suffix(".png"))
    text = EXPLANATION.format(base=BASE, cores=torch.get_num_threads())
    write_page(page, "Scaling", text, sections)


def _draw(costs: dict, ensemble: dict, errors: dict, path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(12, 7), layout="constrained")
    for ax, (name, (seconds, memory)) in zip(axes.flat, costs.items(), strict=False):
        at = [shape[PLACES[name]] for shape in SWEEPS[name]]
        ax.loglog(at, np.multiply(seconds, 1e3), "o-", color="C0", label="milliseconds")
        ax.loglog(at, np.maximum(memory, 0.1), "s--", color="C1", label="MiB")
        ax.set(xlabel=name)
        ax.legend(fontsize=8, frameon=False)
    for name, seconds in ensemble.items():
        axes[1, 1].loglog(NETWORKS, seconds, "o-" if "together" in name else "s--", label=name)
    axes[1, 1].set(xlabel="networks [2, 5, 1]", ylabel="seconds", visible=bool(ensemble))
    if ensemble:
        axes[1, 1].legend(fontsize=8, frameon=False)
    ax = axes[1, 2]
    for name, its in errors.items():
        ax.loglog(GRIDS, its, "o-", label=name, markersize=3)
    grids = np.array([5.0, 80.0])
    ax.loglog(grids, 1e-2 * (grids / 5) ** -4, color="black", linestyle=":", label="slope 4")
    ax.set(xlabel="grid", ylabel="RMSE / spread")
    ax.set_xticks(GRIDS, GRIDS)
    ax.minorticks_off()
    ax.legend(fontsize=6, frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
