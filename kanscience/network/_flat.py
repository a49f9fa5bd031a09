"""All trainable numbers of a network as one vector, in a fixed order.

Layer by layer: spline coefficients (source, basis, target), base weights (source, target), then scale, slope and shift
of the symbolic terms, and the biases; last the named constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.network._numbers import parameter_of

if TYPE_CHECKING:
    from kanscience.network._layer import Layer
    from kanscience.network._multkan import MultKAN


KINDS = ("splines.coefficients", "splines.base_weights", "terms.scale", "terms.slope", "terms.shift", "bias")
"""Of the numbers of a layer, in their order."""


def layer_masks(layer: Layer) -> dict[str, Tensor]:
    """Return, for each parameter of a layer by its name, which of its numbers are trained.

    None of a parameter that `requires_grad_(False)` has frozen as PyTorch's users do.
    """
    splines, terms = layer.splines, layer.terms
    edge = splines.active & splines.trainable
    masks = (
        edge[:, None, :] & splines.axes.has_function()[:, :, None],
        edge if splines.base != "zero" else torch.zeros_like(edge),
        terms.trainable,
        terms.shaped,
        terms.shaped,
        layer.bias_trainable,
    )
    each = zip(KINDS, masks, strict=True)
    return {name: mask & parameter_of(layer, name).requires_grad for name, mask in each}


class FlatView:
    """Where each trainable number of a network stands: reads and writes them as one vector.

    Valid until the network's knots change (the coefficient tensors are then others).
    """

    def __init__(self, network: MultKAN) -> None:
        self.parts: list[tuple[torch.nn.Parameter, Tensor]] = []
        self.trained: list[dict[str, tuple[Tensor, ...]]] = []  # of each layer: indices of its numbers, axis by axis
        for layer in network.layers:
            masks = layer_masks(layer)
            self.trained.append({name: mask.nonzero(as_tuple=True) for name, mask in masks.items()})
            for name, mask in masks.items():
                self._add(parameter_of(layer, name), mask)
        constants = parameter_of(network, "constants")
        self._add(constants, network.constants_trainable & constants.requires_grad)
        self.sizes = [len(index) for _, index in self.parts]
        self.size = sum(self.sizes)

    def _add(self, parameter: torch.nn.Parameter, mask: Tensor) -> None:
        self.parts.append((parameter, mask.flatten().nonzero().flatten()))

    def slices(self) -> list[slice]:
        """Return where the numbers of each kind stand: the parts above, empty ones left out."""
        ends = accumulate(self.sizes, initial=0)
        return [slice(start, stop) for start, stop in pairwise(ends) if stop > start]

    def read(self) -> Tensor:
        """Return a copy of the numbers, (size,)."""
        return torch.cat([parameter.detach().flatten()[index] for parameter, index in self.parts])

    @torch.no_grad()
    def write_(self, vector: Tensor) -> None:
        """Set the numbers of the network."""
        for (parameter, index), values in zip(self.parts, vector.split(self.sizes), strict=True):
            parameter.view(-1)[index] = values.to(parameter)

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return the parameters that hold any of the numbers, in order."""
        return [parameter for parameter, index in self.parts if len(index)]

    def gather(self, slopes: Sequence[Tensor | None]) -> Tensor:
        """Return derivatives to the numbers, (size,), from those to the `parameters`; None counts as zero."""
        parts = [(parameter, index) for parameter, index in self.parts if len(index)]
        found = zip(slopes, parts, strict=True)
        return torch.cat([(torch.zeros_like(p) if g is None else g).flatten()[index] for g, (p, index) in found])

    def gradient(self, value: Tensor) -> Tensor:
        """Return the derivative of a scalar to the numbers, (size,)."""
        parameters = self.parameters()
        if not parameters:
            return value.new_zeros(0)
        return self.gather(torch.autograd.grad(value, parameters, allow_unused=True))
