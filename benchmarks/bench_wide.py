"""One wide regression beyond second order: loss against time of Adam, L-BFGS and Newton-Kaczmarz row updates.

pip install -e '.[fast,benchmarks]' && python benchmarks/bench_wide.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import torch
from _kaczmarz import Kaczmarz
from _machine import Kept, Stopwatch, arguments, results_path, table, write_page
from matplotlib import pyplot

import kanscience as ks

WIDTH = [20, 64, 64, 1]
ADAM_STEPS = (300, 1000, 3000, 10_000)
RATES = (0.03, 0.1, 0.3)  # the share of a row's residual that Kaczmarz takes
EXPLANATION = """
A network {width} of cubic splines, grid 5, {numbers:,} numbers, float32 (Kaczmarz: float64), on {rows:,} exact rows,
uniform in [-1, 1]^20; the root mean square error on 5,000 other rows over the targets' spread. The target: the sum over
five blocks of four inputs of sin(π(x1 x2 + x3²)/2) exp(x4 / 2). One thread, by its processor time, everything that a fit
does counted and the judging not. Adam: batches of 1,024, the rate falls along a half cosine to the end, so each number of
steps is a run of its own. L-BFGS: all rows, 30 pairs. Kaczmarz: a numba loop over the rows in a fresh random order each
epoch, `θ -= μ r J / |J|²`, of the published formula, from the same start; a fixed share μ for each run, and one that
falls along a half cosine to 0. Compilation is not counted.
"""


def target(x: np.ndarray) -> np.ndarray:
    """Return the sum over blocks of four inputs."""
    a, b, c, d = np.moveaxis(x.reshape(len(x), -1, 4), 2, 0)
    return (np.sin(np.pi * (a * b + c**2) / 2) * np.exp(d / 2)).sum(axis=1)


def main() -> None:
    given = arguments(__doc__)
    torch.set_num_threads(1)
    matplotlib.use("agg")
    rows, seconds = (10_000, 8.0) if given.short else (100_000, 150.0)
    rng = np.random.default_rng(0)
    x, test = (rng.uniform(-1, 1, (n, WIDTH[0])).astype(np.float32) for n in (rows, 5000))
    problem = x, target(x).astype(np.float32), test, target(test)
    page = results_path(__file__, given.short)
    kept, curves = Kept(page), {}
    for name, run in _runs(problem, seconds, ADAM_STEPS[:2] if given.short else ADAM_STEPS).items():
        curves[name] = kept.get(name, run)
        _draw(curves, page.with_suffix(".png"))
        _write(page, curves, rows)
    kept.done()
    print(page.read_text())


def _runs(problem: tuple, seconds: float, adam_steps: tuple[int, ...]) -> dict[str, Callable[[], tuple]]:
    def adam(steps: int) -> Callable[[], tuple]:
        return lambda: _fitted(problem, np.inf, optimizer="adam", batch_size=1024, steps=steps)

    def kaczmarz(rate: float, falls: bool) -> Callable[[], tuple]:
        return lambda: _kaczmarz(problem, seconds, rate, falls)

    return {
        **{f"Adam, {steps} steps": adam(steps) for steps in adam_steps},
        "L-BFGS": lambda: _fitted(problem, seconds, optimizer="lbfgs", steps=100_000),
        **{f"Kaczmarz, μ = {rate}": kaczmarz(rate, False) for rate in RATES},
        **{f"Kaczmarz, μ from {rate} to 0": kaczmarz(rate, True) for rate in (0.1, 0.3)},
    }


def _network() -> ks.MultKAN:
    return ks.MultKAN(WIDTH, seed=0, dtype=torch.float32)


def _judge(network: ks.MultKAN, problem: tuple) -> Callable[[], float]:
    _, _, x, y = problem
    return lambda: float(np.sqrt(np.mean((network.predict(x) - y) ** 2)) / y.std())


def _fitted(problem: tuple, seconds: float, **options) -> tuple:
    network = _network()
    ks.fit(_network(), problem[0][:2000], problem[1][:2000], steps=2, optimizer="lbfgs")  # imports, compilation
    watch = Stopwatch(_judge(network, problem))
    ks.fit(network, *problem[:2], callbacks=lambda _: watch.look() > seconds, seed=0, **options)
    return watch.seconds, watch.errors


def _kaczmarz(problem: tuple, seconds: float, rate: float, falls: bool) -> tuple:
    network, (x, y, *_) = _network(), problem
    ks.fit(network, x[:2000], y[:2000], steps=0)  # domains, and the targets' mean and spread
    x, y, rng = x.astype(np.float64), y.astype(np.float64), np.random.default_rng(0)
    learner = Kaczmarz(network)
    learner.epoch(x, y, np.arange(0), rate, 1.0)  # compilation
    watch = Stopwatch(_judge(network, problem))
    share, elapsed = 10, 0.0  # of an epoch between two looks
    while elapsed < seconds:
        for rows in np.array_split(rng.permutation(len(x)), share):
            now = rate * (1 + np.cos(np.pi * min(elapsed / seconds, 1))) / 2 if falls else rate
            learner.epoch(x, y, rows, now, float(y.std()))
            learner.write_()
            elapsed = watch.look()
    return watch.seconds, watch.errors


def _write(page: Path, curves: dict[str, tuple], rows: int) -> None:
    marks = (2, 5, 10, 20, 50, 100, 150)
    lines = [
        [
            name,
            *(f"{min((e for s, e in zip(*curve, strict=True) if s <= mark), default=np.nan):.2g}" for mark in marks),
            f"{curve[1][-1]:.2g} after {curve[0][-1]:.0f} s",
        ]
        for name, curve in curves.items()
    ]
    least = min(curves, key=lambda name: min(curves[name][1]))
    sections = [
        f"The least error of all: {least}, {min(curves[least][1]):.2g} of the spread.",
        table(("RMSE / spread, best within", *(f"{mark} s" for mark in marks), "at the end"), lines),
        f"![Loss against time]({page.with_suffix('.png').name})",
    ]
    numbers = sum(p.numel() for p in _network().parameters())
    text = EXPLANATION.format(width=WIDTH, numbers=numbers, rows=rows)
    write_page(page, "A wide regression, beyond second order", text, sections)


def _draw(curves: dict[str, tuple], path: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    maps = {"Adam": "Blues", "L-BFGS": "Oranges", "Kaczmarz": "Greens"}
    for kind, colours in maps.items():
        its = {name: curve for name, curve in curves.items() if name.startswith(kind)}
        for shade, (name, (seconds, errors)) in zip(np.linspace(0.5, 1, len(its)), its.items(), strict=True):
            style = ":" if "from" in name else "-"
            mark = "." if len(seconds) < 100 else ""  # looks are rare: between them nothing is known
            colour = pyplot.get_cmap(colours)(shade)
            axes.loglog(seconds, np.minimum.accumulate(errors), color=colour, linestyle=style, label=name, marker=mark)
    axes.set(xlabel="processor seconds", ylabel="best RMSE so far / spread of the target", xlim=(0.3, None))
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
