"""What a mini-batch step of Adam costs beyond the layers' own forward and backward.

pip install -e '.[fast,benchmarks]' && python benchmarks/bench_adam.py --threads 1
"""

from __future__ import annotations

import time

import torch
from _machine import Goal, arguments, goals_table, medians_in_turn, results_path, table, write_results
from torch import Tensor

import kanscience as ks

WIDTHS = ([64, 64, 64], [256, 256], [20, 64, 64, 1])
BATCH, ROWS = 1024, 20 * 1024
EXPLANATION = f"""
Milliseconds, float32, grid 5, one thread, by its processor time. A step: `fit(optimizer="adam", batch_size={BATCH})` on
{ROWS:,} rows, the difference between a long and a short fit over the difference of their steps, so that what a fit does
once is not in it, and the looks at all rows are. Layers: forward and backward of the same network on one batch, to all of
its numbers. Throughput: layers over step.
"""


def main() -> None:
    given = arguments(__doc__)
    torch.set_num_threads(1)
    steps = 150 if given.short else 600
    goals, rows = [], []
    for width in WIDTHS:
        layers, step = _layers(width), _step(width, steps)
        rows.append([width, f"{1e3 * layers:.2f}", f"{1e3 * step:.2f}", f"{layers / step:.0%}"])
        goals.append(Goal(f"Adam, share of the layers' throughput, {width}", 0.6, layers / step, at_most=False))
    sections = [goals_table(goals), table(("network", "layers", "a step", "throughput"), rows)]
    write_results(results_path(__file__, given.short), "Adam on mini-batches", EXPLANATION, sections)


def _network(width: list[int]) -> ks.MultKAN:
    return ks.MultKAN(width, domain=(-1, 1), dtype=torch.float32, seed=0)


def _rows(width: list[int]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(ROWS, width[0], generator=generator) * 2 - 1
    return x, torch.sin(x @ torch.randn(width[0], width[-1], generator=generator) * 0.3)


def _layers(width: list[int]) -> float:
    network, x = _network(width), _rows(width)[0][:BATCH].clone()
    parameters = [p for p in network.parameters() if p.requires_grad and p.numel()]
    seed = torch.randn(BATCH, width[-1])
    case = {"layers": lambda: torch.autograd.grad(network(x), parameters, seed, allow_unused=True)}
    return medians_in_turn(case, seconds=2)["layers"]


def _step(width: list[int], steps: int) -> float:
    _fit(width, 5)  # compilation
    few, many = (min(_fit(width, count) for _ in range(3)) for count in (50, 50 + steps))
    return (many - few) / steps


def _fit(width: list[int], steps: int) -> float:
    network, rows = _network(width), _rows(width)
    begun = time.thread_time()
    ks.fit(network, *rows, optimizer="adam", batch_size=BATCH, steps=steps, seed=0)
    return time.thread_time() - begun


if __name__ == "__main__":
    main()
