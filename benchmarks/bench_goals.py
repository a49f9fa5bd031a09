"""Goals that no other benchmark holds: a step of a differential equation, 45 symbols, and the time of an import.

pip install -e '.[fast,benchmarks]' && python benchmarks/bench_goals.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from _machine import Goal, arguments, goals_table, medians_in_turn, results_path, table, write_results
from torch import Tensor

import kanscience as ks

SHAPES = ([2, 5, 5, 1], [2, 32, 32, 1])
POINTS = 1000
SYMBOLS = [4, 9, 1]
Derivatives = Callable[..., tuple[Tensor, Tensor, Tensor]]
EXPLANATION = f"""
A step of a differential equation: value, gradient and Laplacian of a network at {POINTS:,} points and the slope of their
squares' mean to all its numbers; grid 5, cubic, float32, milliseconds. pykan: `KAN(width, grid=5, k=3)` with its symbolic
half off, differentiated by autograd, the only way that it offers. Ours: `jets`, and the same by autograd. Symbols:
`suggest` for every edge of a {SYMBOLS} at 1,000 samples, float64. Import: processor seconds beyond those of `import torch`,
in fresh processes, the least of several of either. Names load when first used: the import alone takes next to nothing.
"""


def main() -> None:
    given = arguments(__doc__)
    seconds = 2.0 if given.short else 15.0
    goals, rows = [], []
    for shape in SHAPES:
        measured = medians_in_turn(_steps(shape), seconds)
        rows.append([shape, *(f"{1e3 * value:.3g}" for value in measured.values())])
        goals.append(Goal(f"step of a differential equation, ours / pykan, {shape}", 0.1, _ratio(measured)))
    symbols = _symbols()
    goals.append(Goal("symbols of 45 edges, s", 5, symbols))
    statements = ("import torch", "import kanscience", "import kanscience as ks; ks.MultKAN; ks.fit")
    torch_alone, alone, used = (_import_seconds(statement, 3 if given.short else 7) for statement in statements)
    goals.append(Goal("import kanscience - import torch, s", 0.5, alone - torch_alone))
    goals.append(Goal("import kanscience, reach for MultKAN and fit - import torch, s", 0.5, used - torch_alone))
    sections = [goals_table(goals), table(("network", *_steps(SHAPES[0])), rows)]
    write_results(results_path(__file__, given.short), "Differential equations, symbols, import", EXPLANATION, sections)


def _ratio(measured: dict[str, float]) -> float:
    return measured["kanscience"] / measured["pykan"]


def _steps(shape: list[int]) -> dict[str, Callable[[], object]]:
    x = torch.rand(POINTS, shape[0], generator=torch.Generator().manual_seed(0)) * 1.98 - 0.99
    ours = ks.MultKAN(shape, grid=5, domain=(-1, 1), dtype=torch.float32, seed=0)
    return {
        "kanscience": _step(ours, x, _by_jets),
        "kanscience, autograd": _step(ours, x, _by_autograd),
        "pykan": _step(_pykan(shape), x, _by_autograd),
    }


def _step(network: torch.nn.Module, x: Tensor, derivatives: Derivatives) -> Callable[[], object]:
    numbers = [p for p in network.parameters() if p.requires_grad and p.numel()]

    def step() -> object:
        value, gradient, laplacian = derivatives(network, x)
        loss = (value**2 + gradient.square().sum(dim=1) + laplacian**2).mean()
        return torch.autograd.grad(loss, numbers, allow_unused=True)

    return step


def _by_jets(network: ks.MultKAN, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    found = ks.jets(network, x)
    return found.value[:, 0], found.gradient[:, 0], found.laplacian[:, 0]


def _by_autograd(network: torch.nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    points = x.clone().requires_grad_()
    value = network(points)[:, 0]
    (gradient,) = torch.autograd.grad(value.sum(), points, create_graph=True)
    laplacian = sum(
        torch.autograd.grad(gradient[:, axis].sum(), points, create_graph=True)[0][:, axis]
        for axis in range(x.shape[1])
    )
    return value, gradient, laplacian  # type: ignore[return-value]


def _pykan(shape: list[int]) -> torch.nn.Module:
    from kan import KAN

    with tempfile.TemporaryDirectory() as folder:
        network = KAN(width=list(shape), grid=5, k=3, seed=0, auto_save=False, ckpt_path=folder)
    return network.speed()


def _symbols() -> float:
    network = ks.MultKAN(SYMBOLS, grid=10, domain=(-1, 1), seed=0)
    x = torch.rand(1000, SYMBOLS[0], dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    trace = ks.trace(network, x)
    edges = [(layer, i, j) for layer, (n, m) in enumerate(((4, 9), (9, 1))) for i in range(n) for j in range(m)]
    ks.suggest(network, trace, edge=edges[0])  # imports
    begun = time.perf_counter()
    for edge in edges:
        ks.suggest(network, trace, edge=edge)
    return time.perf_counter() - begun


def _import_seconds(statement: str, repeats: int) -> float:
    code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(repeats)]
    return min(float(run.stdout) for run in runs)


if __name__ == "__main__":
    main()
