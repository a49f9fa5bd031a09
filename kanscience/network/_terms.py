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
from kanscience.network._numbers import numbers, register_numbers


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
    shaped: Tensor

    def __init__(self, terms: Sequence[EdgeTerm], targets: int, dtype: torch.dtype) -> None:
        super().__init__()
        key = lambda term: (term.function.name, repr(term.function.arguments))  # noqa: E731
        self.terms = tuple(sorted(terms, key=lambda term: (*key(term), term.source, term.target)))
        self.targets = targets
        groups = [list(group) for _, group in groupby(self.terms, key=key)]
        self.functions = tuple((group[0].function, len(group)) for group in groups)
        # Not in the state dict: `terms` says it already, and two tellings could disagree after loading.
        for name, dtype_of_it in (("source", torch.long), ("target", torch.long), ("trainable", torch.bool)):
            values = [getattr(term, name) for term in self.terms]
            self.register_buffer(name, torch.tensor(values, dtype=dtype_of_it), persistent=False)
        # Which terms are more than `scale * x`: the identity's slope is 1 and its shift 0 for ever.
        shaped = [term.function.name != "identity" for term in self.terms]
        self.register_buffer("shaped", self.trainable & torch.tensor(shaped, dtype=torch.bool), persistent=False)
        for name in ("scale", "slope", "shift"):
            values = [getattr(term, name).value for term in self.terms]
            trained = self.trainable if name == "scale" else self.shaped
            register_numbers(self, name, torch.tensor(values, dtype=dtype), trained)

    def __len__(self) -> int:
        return len(self.terms)

    @property
    def scale(self) -> Tensor:
        """The factors of the terms; gradients reach the trainable ones."""
        return numbers(self, "scale", self.trainable)

    @property
    def slope(self) -> Tensor:
        """The factors of the terms' arguments."""
        return numbers(self, "slope", self.shaped)

    @property
    def shift(self) -> Tensor:
        """What is added to the terms' arguments."""
        return numbers(self, "shift", self.shaped)

    def unscaled(self, x: Tensor) -> Tensor:
        """Return ``f(slope * x + shift)`` of every term, (term, sample)."""
        argument = self.slope[:, None] * x[self.source] + self.shift[:, None]
        blocks = argument.split([count for _, count in self.functions])
        return torch.cat([f.torch(block) for (f, _), block in zip(self.functions, blocks, strict=True)])

    def slopes(self, x: Tensor) -> Tensor:
        """Return ``f'(slope * x + shift)`` of every term, (term, sample)."""
        argument = self.slope[:, None] * x[self.source] + self.shift[:, None]
        blocks = argument.split([count for _, count in self.functions])
        return torch.cat([f.slope_at(block) for (f, _), block in zip(self.functions, blocks, strict=True)])

    def values(self, x: Tensor) -> Tensor:
        """Return every term's value, (term, sample)."""
        return self.scale[:, None] * self.unscaled(x)

    def forward(self, x: Tensor) -> Tensor:
        """Return the (target, sample) sums of the terms."""
        sums = x.new_zeros(self.targets, x.shape[1])
        return sums.index_add(0, self.target, self.values(x)) if self.terms else sums
