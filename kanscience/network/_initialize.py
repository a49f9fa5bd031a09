"""Ways to draw initial coefficients. A network takes one as a function, so that another is a def away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._checks import check_seed

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN

Initialize = Callable[[int, int, int, torch.Generator], tuple[Tensor, Tensor]]


def generator_from(seed: int | None) -> torch.Generator:
    """Return a generator of its own; None seeds it from the machine. The global generator is left alone."""
    generator = torch.Generator()
    if seed is None:
        generator.seed()
        return generator
    return generator.manual_seed(check_seed(seed))


def power_law(sources: int, basis: int, targets: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw spline coefficients and base weights whose spread follows a power of the number of terms in a sum.

    With D basis functions and n sources the standard deviations are ``((D + 1) n)**-1.75`` for the coefficients and
    ``((D + 1) n)**-0.25`` for the base weights.

    Returns:
        Coefficients (source, basis, target) and base weights (source, target), float64.

    Source: Rigas et al., arXiv 2509.03417.
    """
    terms = (basis + 1) * max(sources, 1)
    coefficients = torch.randn(sources, basis, targets, generator=generator, dtype=torch.float64) * terms**-1.75
    weights = torch.randn(sources, targets, generator=generator, dtype=torch.float64) * terms**-0.25
    return coefficients, weights


def smooth_curves(sources: int, basis: int, targets: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw every curve as a random cubic of t whose spread is of the order of ``n**-0.5``, the base at zero.

    A start for networks without a base function, where the power law leaves nothing but rounding to begin from.
    """
    t = torch.linspace(-1, 1, basis, dtype=torch.float64)
    shapes = torch.stack([t, t**2 - 1 / 3, t**3 - 0.6 * t])
    weights = torch.randn(sources, 3, targets, generator=generator, dtype=torch.float64)
    weights *= torch.tensor([1.0, 0.5, 0.5], dtype=torch.float64)[:, None] * max(sources, 1) ** -0.5
    coefficients = torch.einsum("pb,spt->sbt", shapes, weights)
    return coefficients, torch.zeros(sources, targets, dtype=torch.float64)


def usual_draw(base: str) -> Initialize:
    """Return how splines are drawn beside a base function where nobody says otherwise."""
    return smooth_curves if base == "zero" else power_law


@torch.no_grad()
def redraw_(network: MultKAN, generator: torch.Generator) -> None:
    """Draw all trainable splines anew, in place, by `usual_draw`, and open the hidden domains again. Symbolic edges stay."""
    for depth, layer in enumerate(network.layers):
        splines = layer.splines
        if not layer.has_splines:
            continue
        draw = usual_draw(splines.base)
        sources, basis, targets = splines.coefficients.shape
        coefficients, weights = (drawn.to(splines.low) for drawn in draw(sources, basis, targets, generator))
        used = splines.active & splines.trainable
        size = used[:, None] & splines.axes.has_function()[:, :, None]
        splines.trained_coefficients.copy_(torch.where(size, coefficients, 0))
        if splines.base != "zero":
            splines.trained_base_weights.copy_(torch.where(used, weights, 0))
        if depth:
            splines.open |= ~splines.given
