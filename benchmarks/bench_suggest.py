"""One suggestion, the whole library fitted to the curve of one edge: time, memory, and how exactly curves come back.

pip install -e '.[benchmarks]' && python benchmarks/bench_suggest.py
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import statistics
import time
import tracemalloc
from pathlib import Path

import numpy as np
import torch
from _machine import table, write_results

from kanscience.functions import affine_fits, default_library

LIBRARY = default_library()
CURVES = {
    "sin": lambda x: np.sin(np.pi * x),
    "exp": np.exp,
    "x^2": lambda x: 3 * (x - 0.3) ** 2,
    "tanh": lambda x: np.tanh(3 * x - 0.5),
    "J0": lambda x: LIBRARY.resolve("J0").torch(torch.from_numpy(20 * x)).numpy(),
    "gaussian": lambda x: np.exp(-((2 * x + 0.3) ** 2)),
    "sqrt": lambda x: np.sqrt(x + 1.1),
    "1/x": lambda x: 1 / (x + 1.1),
    "arctanh": lambda x: np.arctanh(0.9 * x),
    "abs": lambda x: np.abs(x - 0.123),
}
EXPLANATION = f"""
{len(LIBRARY.candidates)} functions, one thread, float64. Times are medians of the processor's time in milliseconds, on
an idle machine those of a clock. Memory is numpy's peak, in float64 numbers for each sample; torch's is about as much.
pykan: `suggest_symbolic` for one edge, its own library, measured once. Goal: 50 ms at 1,000 samples.
"""


def main() -> None:
    """Measure, print, and write the page beside this file."""
    torch.set_num_threads(1)
    sections = ["## Time and memory\n\n" + _costs(), "## Recovery from 1,000 samples on [-1, 1]\n\n" + _recoveries()]
    write_results(Path(__file__).with_name("results_suggest.md"), "One suggestion", EXPLANATION, sections)


def _costs() -> str:
    rng = np.random.default_rng(0)
    rows = []
    for n in (100, 1_000, 10_000, 100_000):
        x = rng.uniform(-1, 1, n)
        sine, noisy = np.sin(np.pi * x), x**2 + 0.1 * rng.normal(size=n)
        ours = [f"{1e3 * _seconds(x, y):.3g}" for y in (sine, noisy)]
        rows.append((f"{n:,}", *ours, _pykan(x, sine) if n == 1_000 else "", f"{_peak_numbers(x, sine):.0f}"))
    return table(("samples", "sin(πx)", "x² with noise", "pykan, sin(πx)", "numbers a sample"), rows)


def _recoveries() -> str:
    x = np.random.default_rng(0).uniform(-1, 1, 1_000)
    rows = []
    for label, curve in CURVES.items():
        fits = affine_fits(LIBRARY.candidates, x, curve(x))
        own = next(fit for fit in fits if fit.function.label == label)
        others = sorted((fit for fit in fits if fit is not own), key=lambda fit: fit.misfit)
        rows.append((label, f"{own.misfit:.1e}", f"{others[0].function.label} {others[0].misfit:.1e}"))
    return table(("function", "its 1 - R²", "closest other, its 1 - R²"), rows)


def _seconds(x: np.ndarray, y: np.ndarray, repeats: int = 7) -> float:
    taken = []
    for _ in range(repeats):
        begun = time.process_time()
        affine_fits(LIBRARY.candidates, x, y)
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def _peak_numbers(x: np.ndarray, y: np.ndarray) -> float:
    tracemalloc.start()
    affine_fits(LIBRARY.candidates, x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 8 / len(x)


def _pykan(x: np.ndarray, y: np.ndarray) -> str:
    if importlib.util.find_spec("kan") is None:
        return "not installed"
    from kan import KAN

    inputs = torch.from_numpy(x)[:, None].float()
    data = {"train_input": inputs, "train_label": torch.from_numpy(y)[:, None].float()}
    data |= {"test_input": data["train_input"], "test_label": data["train_label"]}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        network = KAN(width=[1, 1], grid=5, k=3, seed=0, auto_save=False)
        network.fit(data, opt="LBFGS", steps=10)
        network(inputs)
        begun = time.process_time()
        network.suggest_symbolic(0, 0, 0)
        return f"{1e3 * (time.process_time() - begun):.0f}"


if __name__ == "__main__":
    main()
