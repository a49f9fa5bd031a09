"""What every benchmark shares: timing in turn, and the machine and versions that stand above its table."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = ("torch", "numpy", "scipy", "pykan")


def arguments(description: str | None) -> None:
    """Read the command line: ``--threads N`` for PyTorch, 1 where the machine has other work to do."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="default %(default)s")
    torch.set_num_threads(parser.parse_args().threads)


def _clock() -> Callable[[], float]:
    # Of a single thread the processor's time: what other programs take of the machine is not in it.
    return time.perf_counter if torch.get_num_threads() > 1 else time.thread_time


def medians_in_turn(cases: Mapping[str, Callable[[], object]], seconds: float = 4.0) -> dict[str, float]:
    """Return the median seconds of each case, measured one call after the other, round by round.

    All cases so meet the same moods of the machine, and their ratios hold even where it is shared. Garbage collection
    stays on: it belongs to the price.

    Args:
        cases: what to time, by name.
        seconds: for all rounds together; at least five rounds.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    end = time.perf_counter() + seconds
    clock = _clock()
    while time.perf_counter() < end or len(taken[next(iter(cases))]) < 5:
        for name, case in cases.items():
            case()  # untimed: the case before has left its own memory and caches
            begun = clock()
            case()
            taken[name].append(clock() - begun)
    return {name: statistics.median(times) for name, times in taken.items()}


def write_results(path: Path, title: str, explanation: str, sections: Sequence[str]) -> None:
    """Print and write a page of results under the machine, the versions, the day and the command."""
    text = "\n\n".join([f"# {title}", _conditions(), explanation.strip(), *sections]) + "\n"
    print(text)
    path.write_text(text)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _conditions() -> str:
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
