"""One layer, forward and forward + backward: kanscience, its peers, and the bare matrix products; and their memory.

    pip install -e '.[fast,benchmarks]' && python benchmarks/bench_layer.py

The bare products are those that any evaluation by dense features contains: features (batch x sources * (grid + 4))
times coefficients, and the two gradients of that. What a layer takes beyond them is what its own code costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from _machine import (
    Goal,
    arguments,
    goals_table,
    medians_in_turn,
    peak_growth,
    product_peak,
    results_path,
    table,
    without_numba,
    write_results,
)
from _peers import DEGREE, check_that_it_learns, peers, settings
from torch import Tensor, nn

import kanscience as ks


class Shape(NamedTuple):
    """Sizes of a layer and of what it is given."""

    batch: int
    sources: int
    targets: int
    grid: int

    def __str__(self) -> str:
        return f"{self.batch} × {self.sources} × {self.targets}, {self.grid}"

    def operations(self, gradients: bool) -> int:
        """Return what the bare products multiply and add."""
        return (3 if gradients else 1) * 2 * self.batch * self.sources * (self.grid + DEGREE + 1) * self.targets


NARROW, BROAD = Shape(1024, 64, 64, 5), Shape(1024, 256, 256, 5)
FINE = [Shape(1024, 64, 64, grid) for grid in (20, 50, 200)]
SHAPES = [Shape(1000, 5, 5, 5), NARROW, BROAD, Shape(256, 784, 64, 5), *FINE]
CROSSING_SOURCES, CROSSING_FUNCTIONS = (5, 16, 64, 128), (8, 11, 16, 23, 32)
OURS, PLAIN = "kanscience", "kanscience, no numba"
EXPLANATION = """
Medians in milliseconds, every case in turn in one process, float32, cubic splines, inputs uniform in the domain. "With
gradients" is forward, then backward to the input and to all parameters. "No numba" is PyTorch alone. Products: the matrix
products alone that dense features need, one forward and three with gradients. "Of the peak": the operations of these
products over our time, as a share of what one large product reaches here (a kernel that skips the zeros may exceed it).
Memory: by how much the resident set of a fresh process grows at most in one forward and backward.
"""


def main() -> None:
    given = arguments(__doc__)
    torch.manual_seed(0)
    learnt = [f"{name} {check_that_it_learns(name, peer):.1%}" for name, peer in peers().items()]
    peak, seconds = product_peak(), 0.5 if given.short else 8.0
    forward = {shape: medians_in_turn(_cases(shape, gradients=False), seconds) for shape in SHAPES}
    both = {shape: medians_in_turn(_cases(shape, gradients=True), seconds) for shape in SHAPES}
    memory = {name: peak_growth(_once, name) for name in (OURS, PLAIN, *peers())}
    sections = [
        goals_table(_goals(forward, both, memory)),
        "## With gradients\n\n" + _times(both, peak, gradients=True),
        "## Forward alone\n\n" + _times(forward, peak, gradients=False),
        "## Where all functions are quicker than those that are not 0\n\n" + _crossing(0.1 if given.short else 1.0),
        f"## Memory at {BROAD}, MiB\n\n" + table(list(memory), [[f"{grown:.0f}" for grown in memory.values()]]),
        "## Settings\n\n" + settings(),
        "Share of the variance that two layers leave of a small regression, 600 steps of Adam: "
        + ", ".join(learnt)
        + ".",
        f"One large product: {peak / 1e9:.0f} GF/s.",
    ]
    write_results(results_path(__file__, given.short), "One layer", EXPLANATION, sections)


def _crossing(seconds: float) -> str:
    """Return a table of local over dense times, from which `DENSE_UP_TO` follows."""
    from kanscience.splines import _row_points

    known, rows = _row_points.DENSE_UP_TO, []
    for dtype in (torch.float32, torch.float64):
        for sources in CROSSING_SOURCES:
            row = [f"1024 × {sources} × {sources}, {str(dtype).removeprefix('torch.')}"]
            for functions in CROSSING_FUNCTIONS:
                shape = Shape(1024, sources, sources, functions - DEGREE)
                x, seed = (part.to(dtype) for part in _data(shape))
                case = _evaluation(_our_layer(shape, dtype), x, seed, gradients=True)
                ways = {"dense": _limited(case, functions), "local": _limited(case, functions - 1)}
                times = medians_in_turn(ways, seconds)
                row.append(f"{times['local'] / times['dense']:.2f}")
            rows.append(row)
    _row_points.DENSE_UP_TO = known
    rule = (
        f"Time by the functions that are not 0 over time by all, with gradients; all are taken up to {known} functions."
    )
    return f"{rule}\n\n" + table(("layer", *(f"{functions} functions" for functions in CROSSING_FUNCTIONS)), rows)


def _limited(case: Callable[[], object], dense_up_to: int) -> Callable[[], object]:
    from kanscience.splines import _row_points

    def run() -> object:
        _row_points.DENSE_UP_TO = dense_up_to
        return case()

    return run


def _times(measured: dict[Shape, dict[str, float]], peak: float, gradients: bool) -> str:
    names = list(next(iter(measured.values())))
    rows = [
        [
            shape,
            *(f"{1e3 * seconds[name]:.3g}" for name in names),
            f"{seconds[OURS] / seconds['products']:.2f}",
            f"{shape.operations(gradients) / seconds[OURS] / peak:.0%}",
        ]
        for shape, seconds in measured.items()
    ]
    ratios = [
        [shape, *(f"{seconds[name] / seconds[OURS]:.3g}" for name in names[1:])] for shape, seconds in measured.items()
    ]
    first = "batch × in × out, grid"
    return (
        table((first, *names, "ours / products", "of the peak"), rows)
        + "\n\nTimes ours:\n\n"
        + table((first, *names[1:]), ratios)
    )


def _goals(
    forward: dict[Shape, dict[str, float]], both: dict[Shape, dict[str, float]], memory: dict[str, float]
) -> list[Goal]:
    def ratio(shape: Shape, other: str, ours: str = OURS) -> float:
        return both[shape][ours] / _best(both[shape], other)

    least = {
        kind: min(_best(times, "inkan") / times[OURS] for times in measured.values())
        for kind, measured in (("with gradients", both), ("forward", forward))
    }
    others = [name for name in peers() if name != "MLP"]
    fastest = min(t[name] / t[OURS] for measured in (both, forward) for t in measured.values() for name in others)
    coarse, fine, finest = FINE
    return [
        *(Goal(f"inkan / ours, least of all shapes, {kind}", 1, value, at_most=False) for kind, value in least.items()),
        Goal("any KAN / ours, least of all shapes, forward or with gradients", 1, fastest, at_most=False),
        Goal("ours / products, 256×256", 1.2, ratio(BROAD, "products")),
        Goal("ours / products, 64×64", 1.8, ratio(NARROW, "products")),
        Goal("without numba / products, 256×256", 1.5, ratio(BROAD, "products", PLAIN)),
        Goal("without numba / products, 64×64", 2.8, ratio(NARROW, "products", PLAIN)),
        Goal("pykan / ours, 64×64", 25, 1 / ratio(NARROW, "pykan"), at_most=False),
        Goal("pykan / ours, 256×256", 60, 1 / ratio(BROAD, "pykan"), at_most=False),
        Goal("inkan / ours, 64×64, grid 50", 5, 1 / ratio(fine, "inkan"), at_most=False),
        Goal("inkan / ours, 64×64, grid 200", 25, 1 / ratio(finest, "inkan"), at_most=False),
        Goal("pykan / ours, 64×64, grid 200", 300, 1 / ratio(finest, "pykan"), at_most=False),
        Goal("pykan / without numba, 64×64, grid 200", 10, 1 / ratio(finest, "pykan", PLAIN), at_most=False),
        Goal("ours, grid 200 / grid 20", 1.4, both[finest][OURS] / both[coarse][OURS]),
        Goal("peak memory, ours / efficient-kan, 256×256", 0.2, memory[OURS] / memory["efficient-kan*"]),
    ]


def _best(times: dict[str, float], name: str) -> float:
    """Return the time of the fastest form of a peer."""
    return min(seconds for other, seconds in times.items() if other.partition(",")[0] == name)


def _cases(shape: Shape, gradients: bool) -> dict[str, Callable[[], object]]:
    x, seed = _data(shape)
    ours = _evaluation(_our_layer(shape), x, seed, gradients)
    cases = {OURS: ours, PLAIN: _without_numba(_evaluation(_our_layer(shape), x, seed, gradients))}
    for name, peer in peers().items():
        cases[name] = _evaluation(peer.build(shape.sources, shape.targets, shape.grid), x, seed, gradients)
    return cases | {"products": _products(shape, gradients)}


def _data(shape: Shape) -> tuple[Tensor, Tensor]:
    return torch.rand(shape.batch, shape.sources) * 1.98 - 0.99, torch.randn(shape.batch, shape.targets)


def _our_layer(shape: Shape, dtype: torch.dtype = torch.float32) -> nn.Module:
    width = [shape.sources, shape.targets]
    return ks.MultKAN(width, grid=shape.grid, degree=DEGREE, domain=(-1, 1), dtype=dtype)


def _evaluation(layer: nn.Module, x: Tensor, seed: Tensor, gradients: bool) -> Callable[[], object]:
    if not gradients:
        return torch.no_grad()(lambda: layer(x))
    leaf = x.clone().requires_grad_()
    wanted = [leaf, *(p for p in layer.parameters() if p.requires_grad and p.numel())]
    return lambda: torch.autograd.grad(layer(leaf), wanted, seed, allow_unused=True)


def _without_numba(case: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with without_numba():
            return case()

    return run


def _products(shape: Shape, gradients: bool) -> Callable[[], object]:
    inner = shape.sources * (shape.grid + DEGREE + 1)
    features, weights = torch.randn(shape.batch, inner), torch.randn(inner, shape.targets)
    seed = torch.randn(shape.batch, shape.targets)
    if not gradients:
        return lambda: features @ weights
    return lambda: (features @ weights, seed @ weights.T, features.T @ seed)


def _once(name: str) -> Callable[[], object]:
    """Return one forward and backward of a large layer, its code warmed up on one with few targets."""
    return [_evaluation_of(name, shape) for shape in (BROAD._replace(targets=8), BROAD)][1]


def _evaluation_of(name: str, shape: Shape) -> Callable[[], object]:
    ours = name in (OURS, PLAIN)
    layer = _our_layer(shape) if ours else peers()[name].build(shape.sources, shape.targets, shape.grid)
    case = _evaluation(layer, *_data(shape), gradients=True)
    case = _without_numba(case) if name == PLAIN else case
    if shape != BROAD:
        case()
    return case


if __name__ == "__main__":
    main()
