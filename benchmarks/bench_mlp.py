"""Small regressions by Kolmogorov-Arnold networks and by MLPs of tuned width, on the same data by the same clock.

pip install -e '.[fast,benchmarks]' && python benchmarks/bench_mlp.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import torch
from _machine import Kept, Stopwatch, arguments, results_path, table, write_page
from torch import Tensor, nn

import kanscience as ks


class Target(NamedTuple):
    """A function, how many inputs it has, and the shapes of networks that are tried."""

    function: Callable[[np.ndarray], np.ndarray]
    inputs: int
    widths: tuple


def _relativistic(x: np.ndarray) -> np.ndarray:
    a, b, c = ((column + 1) / 2 for column in x.T)  # Feynman's I.16.6 with speeds below that of light
    return (0.9 * a + 0.9 * b) / (1 + 0.81 * a * b) * (1 + c)


TARGETS = {
    "compositional: exp(sin πx + y²)": Target(
        lambda x: np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2), 2, ([2, 5, 1], [2, 1, 1])
    ),
    "Feynman-like: (u + v) / (1 + uv) (1 + w)": Target(_relativistic, 3, ([3, 5, 1], [3, 3, 3, 1])),
    "ten inputs: exp(mean sin²(πx/2))": Target(
        lambda x: np.exp((np.sin(np.pi * x / 2) ** 2).mean(axis=1)), 10, ([10, 1, 1], [10, 5, 1])
    ),
    "kinks across the axes: abs(x + y) + abs(x - 2y)": Target(
        lambda x: np.abs(x[:, 0] + x[:, 1]) + np.abs(x[:, 0] - 2 * x[:, 1]), 2, ([2, 5, 1], [2, 5, 5, 1])
    ),
    "rough: sign of x² + y² - 1/2": Target(
        lambda x: np.sign(x[:, 0] ** 2 + x[:, 1] ** 2 - 0.5), 2, ([2, 2, 1], [2, 5, 1])
    ),
    "rotated waves: sum of ten sin(w·x + b)": Target(
        lambda x: np.sin(x @ np.random.default_rng(1).normal(0, 2, (6, 10)) + np.arange(10)).sum(axis=1),
        6,
        ([6, 10, 1], [6, 5, 5, 1]),
    ),
}
ROWS, HIDDEN = 2000, (8, 32, 128)
KAN, ADAM, LBFGS = "KAN, Levenberg-Marquardt", "MLP, Adam", "MLP, L-BFGS"
COLOURS = {KAN: "C0", ADAM: "C1", LBFGS: "C2"}
EXPLANATION = f"""
{ROWS:,} exact rows uniform in the cube [-1, 1]^n; the root mean square error on 5,000 others over the target's spread.
float64, one thread, by its processor time, judging not counted; {{seconds:.0f}} s for each fit. KAN: `ks.fit` as it is
(Levenberg-Marquardt) with grids (5, 10, 20) and a tenth of the rows held back; it ends by itself or when the time is up.
MLP: two hidden layers of {", ".join(map(str, HIDDEN))} units, SiLU, inputs and targets of unit spread; Adam on batches of
200 with a rate that falls from 1e-2 to 0 along a half cosine over the whole time, and L-BFGS on all rows
(`torch.optim.LBFGS`, strong Wolfe, 30 pairs). Of every kind the shape with the least error on 1,000 further rows is taken.
Three seeds, the median. "Within" so many seconds: the least error on the 5,000 rows until then; "at the end": the error of
the network that the fit returns, which held-back rows have chosen.
"""


class Case:
    """Rows to learn from, to choose a shape by, and to be judged by."""

    def __init__(self, target: Target, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.sets = []
        for rows in (ROWS, 1000, 5000):
            x = rng.uniform(-1, 1, (rows, target.inputs))
            self.sets.append((x, target.function(x)))

    def errors(self, predict: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
        """Return the error on the rows to choose by, and on those to be judged by."""
        found = [float(np.sqrt(np.mean((predict(x) - y) ** 2)) / y.std()) for x, y in self.sets[1:]]
        return found[0], found[1]


def main() -> None:
    given = arguments(__doc__)
    torch.set_num_threads(1)
    matplotlib.use("agg")
    seconds, seeds = (3.0, (0,)) if given.short else (10.0, (0, 1, 2))
    page = results_path(__file__, given.short)
    kept, found = Kept(page), {}
    for name, target in TARGETS.items():
        for seed in seeds:
            for kind, shapes in ((KAN, target.widths), (ADAM, HIDDEN), (LBFGS, HIDDEN)):
                for shape in shapes:
                    key = f"{name} / {kind} / {shape} / {seed}"
                    run = lambda t=target, k=kind, s=shape, n=seed: _run(Case(t, n), k, s, n, seconds)  # noqa: E731
                    found.setdefault(name, {}).setdefault(kind, {}).setdefault(str(shape), []).append(
                        kept.get(key, run)
                    )
        _write(page, found, seconds)
    kept.done()
    print(page.read_text())


def _run(case: Case, kind: str, shape, seed: int, seconds: float) -> dict:
    if kind == KAN:
        return _kan(case, shape, seed, seconds)
    return _mlp(case, shape, seed, seconds, _adam if kind == ADAM else _lbfgs)


def _record(watch: Stopwatch, chosen_by: float, numbers: int) -> dict:
    return {"seconds": watch.seconds, "errors": watch.errors, "choice": chosen_by, "numbers": numbers}


def _kan(case: Case, shape, seed: int, seconds: float) -> dict:
    network = ks.MultKAN(shape, domain=(-1, 1), seed=seed)
    watch = Stopwatch(lambda: case.errors(network.predict)[1])
    x, y = case.sets[0]
    ks.fit(network, x, y, grids=(5, 10, 20), valid=0.1, seed=seed, callbacks=lambda _: watch.look() > seconds)
    watch.look()
    numbers = sum(p.numel() for p in network.parameters())
    return _record(watch, case.errors(network.predict)[0], numbers)


def _mlp(case: Case, hidden: int, seed: int, seconds: float, descend: Callable) -> dict:
    torch.manual_seed(seed)
    (x, y), inputs = case.sets[0], case.sets[0][0].shape[1]
    sizes = [(inputs, hidden), (hidden, hidden), (hidden, 1)]
    layers = [part for n, m in sizes for part in (nn.Linear(n, m), nn.SiLU())][:-1]
    model = nn.Sequential(*layers).double()

    def predict(rows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(rows * 3**0.5))[:, 0].numpy() * y.std() + y.mean()

    watch = Stopwatch(lambda: case.errors(predict)[1])
    descend(model, torch.from_numpy(x * 3**0.5), torch.from_numpy((y - y.mean()) / y.std()), watch, seconds)
    return _record(watch, case.errors(predict)[0], sum(p.numel() for p in model.parameters()))


def _adam(model: nn.Module, x: Tensor, y: Tensor, watch: Stopwatch, seconds: float) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    elapsed = 0.0
    while elapsed < seconds:
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 + np.cos(np.pi * elapsed / seconds)) / 2
        for _ in range(5):
            for rows in torch.randperm(len(x)).split(200):
                optimizer.zero_grad()
                ((model(x[rows])[:, 0] - y[rows]) ** 2).mean().backward()
                optimizer.step()
        elapsed = watch.look()


def _lbfgs(model: nn.Module, x: Tensor, y: Tensor, watch: Stopwatch, seconds: float) -> None:
    options = {"history_size": 30, "line_search_fn": "strong_wolfe", "tolerance_grad": 0, "tolerance_change": 0}
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=20, **options)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = ((model(x)[:, 0] - y) ** 2).mean()
        value.backward()
        return value

    while watch.look() < seconds:
        before = float(optimizer.step(loss))
        if not np.isfinite(before):
            break


def _write(page: Path, found: dict, seconds: float) -> None:
    best = {name: {kind: _chosen(shapes) for kind, shapes in kinds.items()} for name, kinds in found.items()}
    rows = []
    for name, kinds in best.items():
        ends = {kind: float(np.median([run["errors"][-1] for run in runs])) for kind, (_, runs) in kinds.items()}
        winner = min(ends, key=ends.__getitem__)
        for kind, (shape, runs) in kinds.items():
            ours = runs[0]
            at = [f"{np.median([_best_within(run, mark) for run in runs]):.1e}" for mark in (0.3, 1, 10)]
            end = f"{ends[kind]:.1e}" if kind != winner else f"**{ends[kind]:.1e}**"
            took = np.median([run["seconds"][-1] for run in runs])
            rows.append([name, kind, shape, f"{ours['numbers']:,}", *at, end, f"{took:.1f} s"])
    header = (
        "target",
        "kind",
        "chosen shape",
        "numbers",
        "within 1 s",
        "3 s",
        f"{seconds:.0f} s",
        "at the end",
        "took",
    )
    won = [name for name, kinds in best.items() if not _kan_is_best(kinds)]
    said = "The MLP ends with the smaller error on: " + ("; ".join(won) if won else "none of these") + "."
    _draw(found, best, page.with_suffix(".png"))
    picture = f"![Errors against time and against numbers]({page.with_suffix('.png').name})"
    sections = [table(header, rows), said, picture]
    write_page(page, "Beside multilayer perceptrons", EXPLANATION.format(seconds=seconds), sections)


def _chosen(shapes: dict[str, list[dict]]) -> tuple[str, list[dict]]:
    return min(shapes.items(), key=lambda item: float(np.median([run["choice"] for run in item[1]])))


def _kan_is_best(kinds: dict) -> bool:
    ends = {kind: float(np.median([run["errors"][-1] for run in runs])) for kind, (_, runs) in kinds.items()}
    return ends[KAN] == min(ends.values())


def _best_within(run: dict, seconds: float) -> float:
    seen = [e for s, e in zip(run["seconds"], run["errors"], strict=True) if s <= seconds]
    return min(seen, default=float("nan"))


def _draw(found: dict, best: dict, path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(found), 2, figsize=(9, 2.6 * len(found)), layout="constrained", squeeze=False)
    for (left, right), (name, kinds) in zip(axes, found.items(), strict=True):
        for kind, shapes in kinds.items():
            for place, run in enumerate(best[name][kind][1]):
                label = kind if place == 0 else None
                errors = np.minimum.accumulate(run["errors"])
                left.loglog(run["seconds"], errors, color=COLOURS[kind], label=label, alpha=0.8)
            points = [(runs[0]["numbers"], np.median([run["errors"][-1] for run in runs])) for runs in shapes.values()]
            right.loglog(*zip(*sorted(points), strict=True), "o-", color=COLOURS[kind])
        left.set_title(name, fontsize=9, loc="left")
        left.set(xlabel="processor seconds", ylabel="best RMSE so far / spread", xlim=(0.02, None))
        right.set(xlabel="numbers", ylabel="RMSE / spread at the end")
        for ax in (left, right):
            ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
