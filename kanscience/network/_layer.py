"""One layer of the network: edges to subnodes (the papers' Phi), subnodes to nodes (their M)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kanscience.network._numbers import numbers, register_numbers
from kanscience.network._shape import LayerShape
from kanscience.network._splines import SplineEdges
from kanscience.network._terms import TermEdges

Features = tuple[Tensor, Tensor] | None


class Layer(nn.Module):
    """Psi = M after Phi, on arrays (node, sample)."""

    bias_trainable: Tensor

    def __init__(
        self,
        shape: LayerShape,
        splines: SplineEdges,
        terms: TermEdges,
        bias: Tensor,
        bias_trainable: Tensor,
        exact_bias: tuple = (),
    ) -> None:
        super().__init__()
        self.shape = shape
        self.splines = splines
        self.terms = terms
        self.register_buffer("bias_trainable", bias_trainable)
        register_numbers(self, "bias", bias, bias_trainable)
        self.exact_bias = exact_bias or (None,) * len(bias)  # sympy's number where there is one

    def subnodes(self, x: Tensor) -> Tensor:
        """Return (subnode, sample): the sums of the incoming edges."""
        sums = self.splines(x, self.bias) if self.has_splines else self.bias[:, None].expand(-1, x.shape[1])
        return sums + self.terms(x) if len(self.terms) else sums

    def features(self, x: Tensor) -> Features:
        """Return the spline and base features of the source values, None where no edge is a spline."""
        return self.splines.features(x) if self.has_splines else None

    def sums(self, x: Tensor, features: Features) -> Tensor:
        """Return (subnode, sample) for features that are already there."""
        if features is None:
            return self.subnodes(x)
        sums = self.bias[:, None] + self.splines.sums(*features)
        return sums + self.terms(x) if len(self.terms) else sums

    @property
    def bias(self) -> Tensor:
        """The biases of the sums, (subnode,), trained or not."""
        return numbers(self, "bias", self.bias_trainable)

    @property
    def has_splines(self) -> bool:
        """Whether any edge of the layer is a spline."""
        return self.splines.any_active

    def forward(self, x: Tensor) -> Tensor:
        """Return (node, sample)."""
        return multiply(self.subnodes(x), self.shape)


def multiply(subnodes: Tensor, shape: LayerShape) -> Tensor:
    """Return nodes from subnodes: sums as they are, then the products of consecutive subnodes."""
    if not shape.arities:
        return subnodes
    products = [subnodes[columns].prod(dim=0, keepdim=True) for columns in shape.product_columns()]
    return torch.cat([subnodes[: shape.sums], *products])
