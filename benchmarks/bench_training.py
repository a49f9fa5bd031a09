"""A small network trained on exact data: kanscience beside pykan, by the clock.

    pip install -e '.[benchmarks]' && python benchmarks/bench_training.py

Both see the same 1,000 rows and are judged on the same 2,000 others, after every step (pykan) or every few (kanscience).
"""

from __future__ import annotations

import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from _machine import table, write_results

import kanscience as ks

WIDTH = [2, 5, 1]
SECONDS = 30.0  # for either
SEEDS = (10, 11, 12)  # the settings were chosen on others
TARGETS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp(sin(pi x) + y²)": lambda x: np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2),
    "x y": lambda x: x[:, 0] * x[:, 1],
}
EXPLANATION = f"""
A network {WIDTH} of cubic splines, float64, one thread, 1,000 exact rows uniform in [-1, 1]². RMSE on 2,000 other rows,
the best up to a time; {SECONDS:.0f} s for each fit, of which ours ends by itself. pykan: L-BFGS with `lamb=0` and its
other settings as they are, once at grid 5 and once with the grid extension of its documentation (3, 5, 10, 20, 50; fifty
steps each, the last to the end); the better of the two is compared. kanscience: grids (5, 10, 20), a tenth of the rows
held back to decide when to stop. Everything that a fit does is in its time, the judging is in neither's. "Speed-up":
pykan's time to its best RMSE over our time to the same. "RMSE ratio": pykan's best over ours at the end. Seconds are the
thread's processor time.
"""


@dataclass
class Clock:
    """Seconds of a fit, those of its judging left out, and the RMSE at each of them."""

    judge: Callable[[], float]
    seconds: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.thread_time)
    judging: float = 0.0

    def tick(self) -> bool:
        """Judge; return whether the time is up."""
        now = time.thread_time()
        self.seconds.append(now - self.begun - self.judging)
        self.errors.append(self.judge())
        self.judging += time.thread_time() - now
        return self.seconds[-1] > SECONDS

    @property
    def best(self) -> float:
        """The lowest RMSE."""
        return min(self.errors)

    def first_below(self, error: float) -> float:
        """Return the seconds to the first RMSE that is not above this one."""
        return next((s for s, e in zip(self.seconds, self.errors, strict=True) if e <= error), np.inf)


@dataclass(frozen=True)
class Case:
    """Rows to learn from and rows to be judged by."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    @classmethod
    def of(cls, target: Callable[[np.ndarray], np.ndarray], seed: int) -> Case:
        rng = np.random.default_rng(seed)
        x, test_x = rng.uniform(-1, 1, (1000, 2)), rng.uniform(-1, 1, (2000, 2))
        return cls(x, target(x), test_x, target(test_x))

    def rmse(self, predicted: np.ndarray) -> float:
        return float(np.sqrt(np.mean((predicted - self.test_y) ** 2)))


def main() -> None:
    torch.set_num_threads(1)
    _ours(Case.of(TARGETS["x y"], 0), 0, steps=1)  # so that imports are in nobody's time
    rows = []
    for name, target in TARGETS.items():
        for seed in SEEDS:
            case = Case.of(target, seed)
            theirs = [_pykan(case, seed, grids) for grids in ((5,), (3, 5, 10, 20, 50))]
            ours = _ours(case, seed)
            rows.append((name, seed, *theirs, ours))
            print(*_cells(*rows[-1]), sep="   ", flush=True)
    header = ("target", "seed", "pykan, grid 5", "pykan, extended", "ours, 1 s", "ours, end", "speed-up", "RMSE ratio")
    medians = [
        f"- {name}: median speed-up {statistics.median(_speed_up(*r) for r in rows if r[0] == name):.0f}×, "
        f"median ratio of the RMSE {statistics.median(_ratio(*r) for r in rows if r[0] == name):.0f}"
        for name in TARGETS
    ]
    sections = [table(header, [_cells(*row) for row in rows]), "\n".join(medians)]
    write_results(Path(__file__).with_name("results_training.md"), "Training a small network", EXPLANATION, sections)


def _cells(name: str, seed: int, plain: Clock, extended: Clock, ours: Clock) -> list[str]:
    within = min(e for s, e in zip(ours.seconds, ours.errors, strict=True) if s <= 1)
    return [
        name,
        str(seed),
        *(f"{c.best:.1e} after {c.first_below(c.best):.1f} s" for c in (plain, extended)),
        f"{within:.1e}",
        f"{ours.errors[-1]:.1e} after {ours.seconds[-1]:.1f} s",
        f"{_speed_up(name, seed, plain, extended, ours):.0f}×",
        f"{_ratio(name, seed, plain, extended, ours):.0f}",
    ]


def _speed_up(_name: str, _seed: int, plain: Clock, extended: Clock, ours: Clock) -> float:
    theirs = min(plain, extended, key=lambda clock: clock.best)
    return theirs.first_below(theirs.best) / ours.first_below(theirs.best)


def _ratio(_name: str, _seed: int, plain: Clock, extended: Clock, ours: Clock) -> float:
    return min(plain.best, extended.best) / ours.errors[-1]


def _ours(case: Case, seed: int, steps: int | None = None) -> Clock:
    clock = Clock(lambda: case.rmse(network.predict(case.test_x)))
    network = ks.MultKAN(WIDTH, grid=5, domain=(-1, 1), seed=seed)
    ks.fit(
        network,
        case.x,
        case.y,
        grids=(5, 10, 20),
        valid=0.1,
        steps=steps,
        seed=seed,
        callbacks=[lambda _: clock.tick()],
    )
    clock.tick()
    return clock


class _TimeIsUp(Exception):
    pass


def _pykan(case: Case, seed: int, grids: tuple[int, ...]) -> Clock:
    from kan import KAN

    torch.set_default_dtype(torch.float64)
    data = {
        "train_input": torch.tensor(case.x),
        "train_label": torch.tensor(case.y)[:, None],
        "test_input": torch.tensor(case.test_x),
        "test_label": torch.tensor(case.test_y)[:, None],
    }

    def rmse() -> float:
        with torch.no_grad():
            return case.rmse(model(data["test_input"])[:, 0].numpy())

    def judged() -> torch.Tensor:  # pykan asks its metrics after every step
        if clock.tick():
            raise _TimeIsUp
        return torch.tensor(clock.errors[-1])

    with _silent(), contextlib.suppress(_TimeIsUp):
        clock = Clock(rmse)
        model = KAN(width=list(WIDTH), grid=grids[0], k=3, seed=seed, auto_save=False)
        for grid in grids:
            model = model if grid == grids[0] else model.refine(grid)
            model.fit(data, opt="LBFGS", lamb=0.0, steps=100_000 if grid == grids[-1] else 50, metrics=(judged,))
    torch.set_default_dtype(torch.float32)
    return clock


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Swallow progress bars, and keep the folders that pykan makes out of the way."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        Path("model").mkdir()
        yield


if __name__ == "__main__":
    main()
