"""The symbolic edges of one layer: ``scale * f(slope * x + shift)``, each library function run once a layer.

Arrays are laid out ``(source, sample)``, samples last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from kanscience.functions import Function
from kanscience.graph import Number


@dataclass(frozen=True)
class EdgeTerm:
    """One symbolic term and the edge that it stands on."""

    source: int
    target: int
    function: Function
    scale: Number
    slope: Number
    shift: Number
    trainable: bool = False


class TermEdges(nn.Module):
    """All symbolic terms of a layer, sorted by function so that each function sees one contiguous block."""

    source: Tensor
    target: Tensor
    trainable: Tensor

    def __init__(self, terms: Sequence[EdgeTerm], targets: int, dtype: torch.dtype) -> None:
        super().__init__()
        key = lambda term: (term.function.name, repr(term.function.arguments))  # noqa: E731
        self.terms = tuple(sorted(terms, key=lambda term: (*key(term), term.source, term.target)))
        self.targets = targets
        groups = [list(group) for _, group in groupby(self.terms, key=key)]
        self.functions = tuple((group[0].function, len(group)) for group in groups)
        for name in ("scale", "slope", "shift"):
            values = [getattr(term, name).value for term in self.terms]
            self.register_parameter(name, nn.Parameter(torch.tensor(values, dtype=dtype)))
        self.register_buffer("source", torch.tensor([term.source for term in self.terms], dtype=torch.long))
        self.register_buffer("target", torch.tensor([term.target for term in self.terms], dtype=torch.long))
        self.register_buffer("trainable", torch.tensor([term.trainable for term in self.terms], dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.terms)

    def numbers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return scale, slope and shift; gradients reach the trainable terms only."""
        held = (torch.where(self.trainable, p, p.detach()) for p in (self.scale, self.slope, self.shift))
        scale, slope, shift = held
        return scale, slope, shift

    def has_slope(self) -> Tensor:
        """Return which terms are more than ``scale * x``: the identity's slope is 1 and its shift 0 for ever."""
        flags = [term.function.name != "identity" for term in self.terms]
        return torch.tensor(flags, dtype=torch.bool, device=self.source.device)

    def unscaled(self, x: Tensor) -> Tensor:
        """Return ``f(slope * x + shift)`` of every term, (term, sample)."""
        _, slope, shift = self.numbers()
        argument = slope[:, None] * x[self.source] + shift[:, None]
        blocks = argument.split([count for _, count in self.functions])
        return torch.cat([f.torch(block) for (f, _), block in zip(self.functions, blocks, strict=True)])

    def slopes(self, x: Tensor) -> Tensor:
        """Return ``f'(slope * x + shift)`` of every term, (term, sample)."""
        argument = self.slope[:, None] * x[self.source] + self.shift[:, None]
        blocks = argument.split([count for _, count in self.functions])
        return torch.cat([_slope(f, block) for (f, _), block in zip(self.functions, blocks, strict=True)])

    def values(self, x: Tensor) -> Tensor:
        """Return every term's value, (term, sample)."""
        return self.numbers()[0][:, None] * self.unscaled(x)

    def forward(self, x: Tensor) -> Tensor:
        """Return the (target, sample) sums of the terms."""
        sums = x.new_zeros(self.targets, x.shape[1])
        return sums.index_add(0, self.target, self.values(x)) if self.terms else sums


def _slope(function: Function, argument: Tensor) -> Tensor:
    if function.derivative is not None:
        return function.derivative(argument)
    with torch.enable_grad():
        argument = argument.detach().requires_grad_()
        (slope,) = torch.autograd.grad(function.torch(argument).sum(), argument)
    return slope
