"""What every benchmark shares: timing in turn, goals, and the machine and versions that stand above its table."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "numpy", "scipy", "numba", "pykan", "inkan")
_SLOW = 0.5  # seconds a call, above which a case is not called for long


def arguments(description: str | None) -> argparse.Namespace:
    """Read the command line.

    ``--threads N`` for PyTorch, 1 where the machine has other work to do; ``--short`` for a first look.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="default %(default)s")
    parser.add_argument("--short", action="store_true", help="fewer cases and rounds; writes *_short files")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    return given


def results_path(script: str, short: bool) -> Path:
    """Return where a benchmark writes: ``bench_layer.py`` to ``results_layer.md`` beside it."""
    name = Path(script).stem.replace("bench_", "results_")
    return Path(script).with_name(f"{name}{'_short' if short else ''}.md")


@contextlib.contextmanager
def without_numba() -> Iterator[None]:
    """Let kanscience run as where numba is not installed."""
    from kanscience import _numba

    known, _numba.kernels = _numba.kernels, lambda name: None
    try:
        yield
    finally:
        _numba.kernels = known


def _clock() -> Callable[[], float]:
    # Of a single thread the processor's time: what other programs take of the machine is not in it.
    return time.perf_counter if torch.get_num_threads() > 1 else time.thread_time


def medians_in_turn(cases: Mapping[str, Callable[[], object]], seconds: float = 4.0) -> dict[str, float]:
    """Return the median seconds of each case, measured one call after the other, round by round.

    All cases so meet the same moods of the machine, and their ratios hold even where it is shared. Garbage collection
    stays on: it belongs to the price. Cases of more than half a second a call are called three times.

    Args:
        cases: what to time, by name.
        seconds: for all rounds together; at least five rounds.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    clock = _clock()
    for case in cases.values():
        case()  # imports, compilation
    rounds, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end or rounds < 5:
        for name, case in cases.items():
            slow = bool(taken[name]) and taken[name][0] > _SLOW
            if slow and rounds >= 3:
                continue
            if not slow:
                case()  # untimed: the case before has left its own memory and caches
            begun = clock()
            case()
            taken[name].append(clock() - begun)
        rounds += 1
    return {name: statistics.median(times) for name, times in taken.items()}


def product_peak(seconds: float = 1.0, size: int = 2048) -> float:
    """Return the floating-point operations a second of this machine's float32 matrix product, the best of a few."""
    a, b, best, end = torch.randn(size, size), torch.randn(size, size), float("inf"), time.perf_counter() + seconds
    clock = _clock()
    while time.perf_counter() < end:
        begun = clock()
        a @ b
        best = min(best, clock() - begun)
    return 2 * size**3 / best


def peak_growth(case: Callable[..., Callable[[], object]], *arguments: object) -> float:
    """Return by how many MiB the resident set grows at most while a case runs once, in a fresh process.

    Args:
        case: a function of a module, whose result is what is measured: it may warm up code, on other sizes.
        arguments: of ``case``.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_peak_growth, args=(sender, torch.get_num_threads(), case, arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def _send_peak_growth(sender, threads: int, case: Callable[..., Callable[[], object]], arguments: tuple) -> None:
    torch.set_num_threads(threads)
    run = case(*arguments)
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free goes back to the system, to be counted when taken again
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = _resident("VmRSS")
    run()
    sender.send(_resident("VmHWM") - before)


def _resident(kind: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(kind))
    return int(line.split()[1]) / 1024


class Kept:
    """Results of the cases of a long benchmark, written as they come; an interrupted run goes on where it was.

    They stand in a file beside the page, ``results_wide.part`` beside ``results_wide.md``, until `done`.
    """

    def __init__(self, page: Path) -> None:
        self.path = page.with_suffix(".part")
        self.results: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, case: str, measure: Callable[[], Any]) -> Any:
        """Return what is known of a case, else measure it; results are what JSON can hold."""
        if case not in self.results:
            print(f"{time.strftime('%H:%M:%S')} {case}", flush=True)
            self.results[case] = measure()
            self.path.write_text(json.dumps(self.results))
        return self.results[case]

    def done(self) -> None:
        """Forget: the page is written."""
        self.path.unlink(missing_ok=True)


@dataclass
class Stopwatch:
    """Seconds of this thread's processor since the beginning, those of judging left out, and an error at each look."""

    judge: Callable[[], float]
    seconds: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.thread_time)
    judging: float = 0.0

    def look(self) -> float:
        """Judge; return the seconds so far."""
        now = time.thread_time()
        self.seconds.append(now - self.begun - self.judging)
        self.errors.append(self.judge())
        self.judging += time.thread_time() - now
        return self.seconds[-1]

    def first_below(self, error: float) -> float:
        """Return the seconds to the first error that is not above this one."""
        return next((s for s, e in zip(self.seconds, self.errors, strict=True) if e <= error), float("inf"))


@dataclass(frozen=True)
class Goal:
    """A number that a benchmark is to reach, and the one that it measured."""

    what: str
    limit: float
    reached: float
    at_most: bool = True  # else at least

    @property
    def met(self) -> bool:
        return self.reached <= self.limit if self.at_most else self.reached >= self.limit

    def cells(self) -> list[str]:
        """Return a row of the table that `goals_table` makes."""
        return [self.what, f"{'≤' if self.at_most else '≥'} {self.limit:g}", f"{self.reached:.4g}", self._verdict()]

    def _verdict(self) -> str:
        return "yes" if self.met else "no"


GOALS = "## Goals"


def goals_table(goals: Sequence[Goal]) -> str:
    """Return a section that says which goals were met; `run.py` collects these."""
    return f"{GOALS}\n\n" + table(("what", "goal", "reached", "met"), [goal.cells() for goal in goals])


def write_results(path: Path, title: str, explanation: str, sections: Sequence[str]) -> None:
    """Print and write a page of results under the machine, the versions, the day and the command."""
    write_page(path, title, explanation, sections)
    print(path.read_text())


def write_page(path: Path, title: str, explanation: str, sections: Sequence[str]) -> None:
    """Write a page of results that may not be complete yet."""
    path.write_text("\n\n".join([f"# {title}", conditions(), explanation.strip(), *sections]) + "\n")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; what was not measured, NaN, is a dash."""
    lines = [[str(cell) for cell in line] for line in (header, ["---"] * len(header), *rows)]
    return "\n".join(f"| {' | '.join('–' if cell == 'nan' else cell for cell in line)} |" for line in lines)


def conditions() -> str:
    """Return the day, the command, the machine and the versions."""
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    return "\n".join(
        [
            f"- {date.today().isoformat()}, `{command}`",
            f"- {_processor()}, {os.cpu_count()} cores, {_threads()}; "
            f"load at the end {os.getloadavg()[0]:.1f} (1 minute)",
            f"- Python {sys.version.split()[0]}, " + ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        ]
    )


def _threads() -> str:
    threads = torch.get_num_threads()
    return f"{threads} threads, by the wall clock" if threads > 1 else "1 thread, by its processor time"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    wide = any("avx512f" in line for line in lines if line.startswith("flags"))
    return (names[0] if names else platform.machine()) + (" (AVX-512)" if wide else "")
