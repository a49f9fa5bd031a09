"""Networks of formulas, evaluated edge by edge on rows of samples.

A layer of curves is best computed as a whole. A compiled formula has few edges, most of them with trivial numbers: row
by row only what is there is computed, as numpy would, and a value that is handed on costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from kanscience._transforms import is_wrapped
from kanscience.network._layer import Layer

Row = Tensor  # (sample,)
_MOST_AT_ONCE = 65_536  # samples; longer rows leave the cache, and fresh memory for them takes longer than the work
Value = float | Tensor  # a fixed number, or a trained one, of no dimensions


class _Edge(NamedTuple):
    """One term: which row it reads, its function (None: the identity), and which of the layer's terms it is."""

    source: int
    function: Callable[[Tensor], Tensor] | None
    index: int


class _Numbers(NamedTuple):
    """Numbers as Python floats, and the indices of those that are trained."""

    name: str
    fixed: tuple[float, ...]
    trained: tuple[int, ...]

    @classmethod
    def of(cls, module: torch.nn.Module, name: str, trained: Tensor) -> _Numbers:
        fixed = module.get_buffer(f"fixed_{name}")
        return cls(f"trained_{name}", tuple(fixed.tolist()), tuple(trained.nonzero().flatten().tolist()))

    def now(self, module: torch.nn.Module) -> Sequence[Value]:
        if not self.trained:
            return self.fixed
        numbers: list[Value] = list(self.fixed)
        each = getattr(module, self.name).unbind()
        for index in self.trained:
            numbers[index] = each[index]
        return numbers


@dataclass(frozen=True, eq=False)
class _LayerProgram:
    """What a symbolic layer computes."""

    layer: Layer
    sums: tuple[tuple[_Edge, ...], ...]
    scale: _Numbers
    slope: _Numbers
    shift: _Numbers
    bias: _Numbers

    @classmethod
    def of(cls, layer: Layer) -> _LayerProgram:
        terms = layer.terms
        edges: list[list[_Edge]] = [[] for _ in range(layer.shape.subnodes)]
        for index, term in enumerate(terms.terms):
            function = None if term.function.name == "identity" else term.function.torch
            edges[term.target].append(_Edge(term.source, function, index))
        return cls(
            layer,
            tuple(map(tuple, edges)),
            scale=_Numbers.of(terms, "scale", terms.trainable),
            slope=_Numbers.of(terms, "slope", terms.shaped),
            shift=_Numbers.of(terms, "shift", terms.shaped),
            bias=_Numbers.of(layer, "bias", layer.bias_trainable),
        )

    def nodes(self, rows: Sequence[Row], zero: Row) -> list[Row]:
        """Return the rows of the layer's nodes."""
        terms = self.layer.terms
        scale, slope, shift = self.scale.now(terms), self.slope.now(terms), self.shift.now(terms)
        sums = []
        for edges, offset in zip(self.sums, self.bias.now(self.layer), strict=True):
            total = None
            for source, function, index in edges:
                row = rows[source]
                if function is not None:
                    row = function(_plus(_times(row, slope[index]), shift[index]))
                total = _added(total, row, scale[index])
            sums.append(_plus(zero if total is None else total, offset))
        return self._multiplied(sums)

    def _multiplied(self, sums: list[Row]) -> list[Row]:
        shape = self.layer.shape
        nodes = sums[: shape.sums]
        for columns in shape.product_columns():
            product, *others = sums[columns]
            for factor in others:
                product = product * factor
            nodes.append(product)
        return nodes


def _times(row: Row, number: Value) -> Row:
    return row if isinstance(number, float) and number == 1 else row * number


def _plus(row: Row, number: Value) -> Row:
    return row if isinstance(number, float) and number == 0 else row + number


def _added(total: Row | None, row: Row, factor: Value) -> Row:
    if total is None:
        return _times(row, factor)
    if isinstance(factor, float):
        return torch.add(total, row, alpha=factor)
    return total + factor * row


class _Watched(NamedTuple):
    """A buffer from which a program was made."""

    holder: dict[str, Tensor | None]
    name: str
    tensor: Tensor
    version: int


@dataclass(frozen=True, eq=False)
class RowProgram:
    """How a network is evaluated by rows, and what that follows from; without layers where it is not."""

    layers: tuple[_LayerProgram, ...]
    watched: tuple[_Watched, ...]

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> RowProgram:
        """Read the terms of all layers; a network with splines is none that goes by rows."""
        formula = not any(layer.has_splines for layer in layers)
        watched = tuple(part for layer in layers for part in _watched(layer) if formula or part.name == "active")
        return cls(tuple(map(_LayerProgram.of, layers)) if formula else (), watched)

    @classmethod
    def current(cls, known: RowProgram | None, layers: Sequence[Layer]) -> RowProgram | None:
        """Return the program of the layers, the known one while it holds; None where no value may be looked at."""
        if torch.compiler.is_compiling():
            return None
        if known is not None and known.is_current():
            return known
        if any(is_wrapped(part.tensor) for layer in layers for part in _watched(layer)):
            return None
        return cls.of(layers)

    def is_current(self) -> bool:
        """Whether the network still holds what was read."""
        for holder, name, tensor, version in self.watched:
            if holder[name] is not tensor or _version(tensor) != version:
                return False
        return True

    def outputs(self, nodes: Tensor, readout: Sequence[int]) -> Tensor:
        """Return (output, sample) from layer 0's (node, sample); ``readout`` picks the nodes of the last layer."""
        samples = nodes.shape[1]
        if samples > _MOST_AT_ONCE and not torch.is_grad_enabled():
            return torch.cat([self.outputs(part, readout) for part in nodes.split(_MOST_AT_ONCE, dim=1)], dim=1)
        rows, zero = nodes.unbind(), nodes.new_zeros(()).expand(samples)
        for layer in self.layers:
            rows = layer.nodes(rows, zero)
        return rows[readout[0]][None] if len(readout) == 1 else torch.stack([rows[node] for node in readout])


def _watched(layer: Layer) -> Iterator[_Watched]:
    for module, names in (
        (layer.splines, ("active",)),
        (layer.terms, ("fixed_scale", "fixed_slope", "fixed_shift", "trainable", "shaped")),
        (layer, ("fixed_bias", "bias_trainable")),
    ):
        for name in names:
            tensor = module.get_buffer(name)
            yield _Watched(module._buffers, name, tensor, _version(tensor))


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version  # those of inference mode count no changes
