"""The layers that ours is measured beside, with the settings that their authors recommend, and a look whether they learn.

efficient-kan and fast-kan are not on the package index. Theirs here are benchmark-only re-derivations of the published
algorithms: no code of theirs was at hand, so their own may be somewhat faster or slower.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu

DEGREE = 3


@dataclass(frozen=True)
class Peer:
    """Another implementation of a layer.

    Args:
        build: (sources, targets, grid) to a module from (batch, sources) to (batch, targets), float32.
        settings: in words, for the page.
        package: the importable module that it needs; "" for those written here.
    """

    build: Callable[[int, int, int], nn.Module]
    settings: str
    package: str = ""

    @property
    def installed(self) -> bool:
        return not self.package or importlib.util.find_spec(self.package) is not None


def peers() -> dict[str, Peer]:
    """Return the peers that are installed, by name."""
    return {name: peer for name, peer in _ALL.items() if peer.installed}


def settings() -> str:
    """Return a list of the peers' settings."""
    rest = "".join(f"\n- {name}: not installed" for name, peer in _ALL.items() if not peer.installed)
    return "\n".join(f"- {name}: {peer.settings}" for name, peer in peers().items()) + rest


def check_that_it_learns(name: str, peer: Peer) -> float:
    """Return what share of the variance of exp(sin πx + y²) two layers leave after a short training; raise above 5 %."""
    x = torch.rand(500, 2) * 2 - 1
    y = torch.exp(torch.sin(torch.pi * x[:, :1]) + x[:, 1:] ** 2)
    model = nn.Sequential(peer.build(2, 5, 5), peer.build(5, 1, 5))
    if name == "MLP":
        model = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(600):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
    left = float(loss.detach() / y.var())
    if not left < 0.05:
        raise RuntimeError(f"{name} does not learn: {left:.0%} of the variance is left. Its times would mean nothing.")
    return left


class EfficientKAN(nn.Module):
    """efficient-kan's algorithm: every B-spline at every point by the recursion of Cox and de Boor, one product.

    ``y = W silu(x) + (scale * C) B(x)`` with B of shape (batch, source, grid + degree), and a scale for each edge.
    """

    def __init__(self, sources: int, targets: int, grid: int) -> None:
        super().__init__()
        step = 2 / grid
        knots = torch.arange(-DEGREE, grid + DEGREE + 1) * step - 1
        self.register_buffer("knots", knots.expand(sources, -1).contiguous())
        self.base = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(targets, sources), a=5**0.5))
        self.scale = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(targets, sources), a=5**0.5))
        noise = (torch.rand(targets, sources, grid + DEGREE) - 0.5) * 0.1 / grid
        self.coefficients = nn.Parameter(noise)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.coefficients * self.scale[:, :, None]
        return linear(silu(x), self.base) + linear(self.basis(x).flatten(1), weights.flatten(1))

    def basis(self, x: Tensor) -> Tensor:
        """Return (batch, source, grid + degree)."""
        t, x = self.knots, x[:, :, None]
        basis = ((x >= t[:, :-1]) & (x < t[:, 1:])).to(x.dtype)
        for k in range(1, DEGREE + 1):
            rise = (x - t[:, : -k - 1]) / (t[:, k:-1] - t[:, : -k - 1])
            fall = (t[:, k + 1 :] - x) / (t[:, k + 1 :] - t[:, 1:-k])
            basis = rise * basis[:, :, :-1] + fall * basis[:, :, 1:]
        return basis


class FastKAN(nn.Module):
    """fast-kan's algorithm: Gaussians of the normalised inputs in place of splines (arXiv 2405.06721).

    ``y = W silu(x) + C exp(-((z - centre) / spacing)**2)`` with z the inputs after a layer normalisation and as many
    centres as a spline of this grid has basis functions, from -2 to 2.
    """

    def __init__(self, sources: int, targets: int, grid: int) -> None:
        super().__init__()
        centres = torch.linspace(-2, 2, grid + DEGREE)
        self.register_buffer("centres", centres)
        self.per_spacing = float(1 / (centres[1] - centres[0]))
        self.norm = nn.LayerNorm(sources)
        self.spline = nn.Linear(sources * len(centres), targets, bias=False)
        nn.init.trunc_normal_(self.spline.weight, std=0.1)
        self.base = nn.Linear(sources, targets)

    def forward(self, x: Tensor) -> Tensor:
        distance = (self.norm(x)[:, :, None] - self.centres) * self.per_spacing
        return self.spline(torch.exp(-(distance**2)).flatten(1)) + self.base(silu(x))


class _PykanLayer(nn.Module):
    def __init__(self, sources: int, targets: int, grid: int) -> None:
        super().__init__()
        from kan.KANLayer import KANLayer

        self.layer = KANLayer(sources, targets, num=grid, k=DEGREE)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]  # beside the output it returns every edge's values


def _inkan_layer(sources: int, targets: int, grid: int, compiled: bool) -> nn.Module:
    from inkan import KANLayer

    return KANLayer(sources, targets, grid_size=grid, compile_basis=compiled)


_ALL = {
    "pykan": Peer(
        _PykanLayer, "`KANLayer(num=grid, k=3)`, other settings as they are; its symbolic half is not run", "kan"
    ),
    "inkan": Peer(
        lambda sources, targets, grid: _inkan_layer(sources, targets, grid, compiled=True),
        "`KANLayer(grid_size=grid)`, as it is: the basis goes through `torch.compile` (not counted)",
        "inkan",
    ),
    "inkan, eager": Peer(
        lambda sources, targets, grid: _inkan_layer(sources, targets, grid, compiled=False),
        "`KANLayer(grid_size=grid, compile_basis=False)`",
        "inkan",
    ),
    "efficient-kan*": Peer(
        EfficientKAN,
        "*re-derived from the published algorithm*: cubic splines on [-1, 1], SiLU base, a scale for each edge",
    ),
    "fast-kan*": Peer(
        FastKAN,
        "*re-derived from the published algorithm*: grid + 3 Gaussians on [-2, 2], layer normalisation, SiLU base",
    ),
    "MLP": Peer(
        lambda sources, targets, grid: nn.Sequential(nn.Linear(sources, targets), nn.SiLU()), "`Linear` and SiLU"
    ),
}
