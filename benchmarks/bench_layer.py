"""One layer, forward and forward + backward: kanscience, pykan, an MLP layer, and the bare matrix products.

    pip install -e '.[benchmarks]' && python benchmarks/bench_layer.py

The bare products are those that any evaluation by dense features contains: features (batch x sources * (grid + 4))
times coefficients, and the two gradients of that. What a layer takes beyond them is what its own code costs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from _machine import arguments, medians_in_turn, table, write_results
from torch import Tensor, nn

import kanscience as ks

SHAPES = ((1000, 5, 5, 5), (1024, 64, 64, 5), (1024, 256, 256, 5), (256, 784, 64, 5), (1024, 64, 64, 50))
DEGREE = 3
EXPLANATION = """
Medians in milliseconds, every case in turn in one process, float32, cubic splines, inputs uniform in the domain. "With
gradients" is forward, then backward to the input and to all parameters. pykan: `KANLayer`, its symbolic half left out.
MLP: `Linear` and SiLU. Products: the matrix products alone that dense features need, one forward and three with
gradients.
"""


def main() -> None:
    arguments(__doc__)
    torch.manual_seed(0)
    forward, both = [], []
    for shape in SHAPES:
        forward.append(_row(shape, medians_in_turn(_cases(*shape, gradients=False))))
        both.append(_row(shape, medians_in_turn(_cases(*shape, gradients=True))))
    header = ("batch × in × out, grid", "kanscience", "pykan", "MLP", "products", "pykan / ours", "ours / products")
    sections = ["## With gradients", table(header, both), "## Forward alone", table(header, forward)]
    path = Path(__file__).with_name("results_layer.md")
    write_results(path, "One layer", EXPLANATION, sections)


def _row(shape: tuple[int, int, int, int], seconds: dict[str, float]) -> list[str]:
    ours = seconds["kanscience"]
    return [
        f"{shape[0]} × {shape[1]} × {shape[2]}, {shape[3]}",
        *(f"{1e3 * value:.3g}" for value in seconds.values()),
        f"{seconds['pykan'] / ours:.0f}×",
        f"{ours / seconds['products']:.2f}",
    ]


def _cases(batch: int, sources: int, targets: int, grid: int, gradients: bool) -> dict[str, Callable[[], object]]:
    x = torch.rand(batch, sources) * 1.98 - 0.99
    layers: dict[str, Callable[[Tensor], Tensor]] = {
        "kanscience": ks.MultKAN([sources, targets], grid=grid, degree=DEGREE, domain=(-1, 1), dtype=torch.float32),
        "pykan": _pykan_layer(sources, targets, grid),
        "MLP": nn.Sequential(nn.Linear(sources, targets), nn.SiLU()),
    }
    seed = torch.randn(batch, targets)
    cases = {name: _evaluation(layer, x, seed, gradients) for name, layer in layers.items()}
    return cases | {"products": _products(batch, sources * (grid + DEGREE + 1), targets, gradients)}


def _evaluation(layer: Callable[[Tensor], Tensor], x: Tensor, seed: Tensor, gradients: bool) -> Callable[[], object]:
    if not gradients:
        return torch.no_grad()(lambda: layer(x))
    leaf = x.clone().requires_grad_()
    wanted = [leaf, *(p for p in layer.parameters() if p.requires_grad and p.numel())]  # type: ignore[attr-defined]
    return lambda: torch.autograd.grad(layer(leaf), wanted, seed, allow_unused=True)


def _pykan_layer(sources: int, targets: int, grid: int) -> Callable[[Tensor], Tensor]:
    from kan.KANLayer import KANLayer

    layer = KANLayer(sources, targets, num=grid, k=DEGREE)

    class FirstResult(nn.Module):  # beside the output it returns every edge's values
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[0]

    return FirstResult()


def _products(batch: int, inner: int, targets: int, gradients: bool) -> Callable[[], object]:
    features, weights = torch.randn(batch, inner), torch.randn(inner, targets)
    seed = torch.randn(batch, targets)
    if not gradients:
        return lambda: features @ weights
    return lambda: (features @ weights, seed @ weights.T, features.T @ seed)


if __name__ == "__main__":
    main()
