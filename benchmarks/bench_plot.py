"""The picture of a network with 45 edges: kanscience beside pykan.

pip install -e '.[benchmarks]' && python benchmarks/bench_plot.py
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import matplotlib
import torch
from _machine import arguments, medians_in_turn, table, write_results

import kanscience as ks

WIDTH = [4, 9, 1]
ROWS = 1000
EXPLANATION = f"""
Medians in seconds, in turn in one process: a network {WIDTH} of splines, with the scores and ranges of {ROWS:,} samples,
drawn and written as PNG at matplotlib's default resolution. "Drawn" is `ks.plot(network, trace)` without the file.
"""


def main() -> None:
    arguments(__doc__)
    matplotlib.use("agg")
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        x = torch.rand(ROWS, WIDTH[0], generator=torch.Generator().manual_seed(0)) * 2 - 1
        seconds = medians_in_turn({**_ours(x.double()), "pykan, as PNG": _pykan(x)}, seconds=20)
    ours = seconds["kanscience, as PNG"]
    rows = [[name, f"{value:.3f}", f"{value / ours:.1f}"] for name, value in seconds.items()]
    sections = [table(("45 edges", "seconds", "times ours"), rows)]
    write_results(Path(__file__).with_name("results_plot.md"), "Pictures", EXPLANATION, sections)


def _ours(x: torch.Tensor) -> dict[str, Callable[[], object]]:
    network = ks.MultKAN(WIDTH, domain=(-1, 1), seed=0)
    trace = ks.trace(network, x)
    return {
        "kanscience, drawn": lambda: ks.plot(network, trace),
        "kanscience, as PNG": lambda: ks.plot(network, trace).savefig("ours.png"),
    }


def _pykan(x: torch.Tensor) -> Callable[[], object]:
    from kan import KAN
    from matplotlib import pyplot

    def draw() -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            model.plot(folder="pykan")
        pyplot.savefig("pykan.png")
        pyplot.close("all")

    with contextlib.redirect_stdout(io.StringIO()):
        model = KAN(width=list(WIDTH), grid=5, k=3, seed=0, auto_save=False)
    model(x)
    return draw


if __name__ == "__main__":
    main()
