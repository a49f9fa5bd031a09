"""Normal equations at a price that does not grow with the grid.

A row of the Jacobian holds, of every curve, only the ``degree + 1`` functions that are not zero there. Where grids are
fine nearly all of the dense product ``J @ J.T`` is with zeros; here the products of the others are added where they
belong, row by row. For that numba is needed; without it the dense product is right too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience import _numba
from kanscience.network._flat import KINDS
from kanscience.network._jacobian import term_rows
from kanscience.splines import local_basis

if TYPE_CHECKING:
    from kanscience.network import FlatView, MultKAN
    from kanscience.network._jacobian import Sweep, Trained
    from kanscience.network._layer import Layer

_CELL = 4.0e-9  # seconds for a product of four numbers with four
_ZERO, _ONE = 0, 1  # rows of the right factors
Local = tuple[Tensor, Tensor]  # (source, function, row) values that are not zero, (source, row) index of the first one


@dataclass(frozen=True)
class _LayerSize:
    """What the places of a layer's numbers follow from; kinds without a trained number have size 0."""

    sources: int
    functions: int
    basis: int
    targets: int
    coefficients: bool
    base_weights: bool
    terms: tuple[int, int, int]
    bias: int


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the derivatives that may differ from 0 come from and go to; see `add_products` for the arrays."""

    lefts: np.ndarray
    rights: np.ndarray
    axis: np.ndarray
    base: np.ndarray
    stride: np.ndarray
    size: int  # of the matrix, numbers that are not trained included
    starts: tuple[int, ...]  # of each kind in it, -1 for a kind without trained numbers

    @property
    def seconds_a_row(self) -> float:
        """The price."""
        runs = len(self.base)
        return _CELL * runs * (runs + 1) / 2


class _Runs:
    """Collects runs of four."""

    def __init__(self) -> None:
        self.lefts: list[int] = []
        self.rights: list[int] = []
        self.place: list[tuple[int, int, int]] = []

    def add(self, factors: Sequence[tuple[int, int]], start: int, axis: int = 0, stride: int = 0) -> None:
        """Add neighbours in the matrix, each with its rows of the left and right factors."""
        padded = [*factors, *[(0, _ZERO)] * (-len(factors) % 4)]
        self.lefts += [left for left, _ in padded]
        self.rights += [right for _, right in padded]
        self.place += [(axis, start + k, stride) for k in range(0, len(padded), 4)]


@lru_cache(maxsize=64)
def _layout(sizes: tuple[_LayerSize, ...], constants: int) -> Layout:
    runs, at, left, right, axis, starts = _Runs(), 0, 1, 2, 1, []  # row 0 of the left factors is 1, of the axes 0
    for size in sizes:
        targets = range(right, right + size.targets)
        starts.append(at if size.coefficients else -1)
        for source in range(size.sources if size.coefficients else 0):
            rows = range(left + source * size.functions, left + (source + 1) * size.functions)
            runs.add([(row, t) for row in rows for t in targets], at, axis + source, size.targets)
            at += size.basis * size.targets
        left += size.sources * size.functions
        starts.append(at if size.base_weights else -1)
        if size.base_weights:
            factors = [(left + source, t) for source in range(size.sources) for t in targets]
            runs.add(factors, at)
            at += len(factors)
        left += size.sources
        for count in size.terms:
            starts.append(at if count else -1)
            runs.add([(left + k, _ONE) for k in range(count)], at)
            at, left = at + count, left + count
        starts.append(at if size.bias else -1)
        if size.bias:
            runs.add([(0, t) for t in targets], at)
            at += size.targets
        right, axis = right + size.targets, axis + size.sources
    starts.append(at if constants else -1)
    runs.add([(left + k, _ONE) for k in range(constants)], at)
    at += constants
    axes, bases, strides = np.array(runs.place, dtype=np.int64).reshape(-1, 3).T.copy()
    lefts, rights = np.array(runs.lefts, dtype=np.int64), np.array(runs.rights, dtype=np.int64)
    return Layout(lefts, rights, axes, bases, strides, at, tuple(starts))


def _sizes(network: MultKAN, view: FlatView) -> tuple[_LayerSize, ...]:
    found = []
    for depth, layer in enumerate(network.layers):
        counts = view.sizes[len(KINDS) * depth : len(KINDS) * (depth + 1)]
        axes = layer.splines.axes
        found.append(
            _LayerSize(
                len(layer.splines.low) if layer.has_splines else 0,
                axes.degree + 1,
                axes.n_basis,
                len(layer.bias),
                counts[0] > 0,
                counts[1] > 0,
                (counts[2], counts[3], counts[4]),
                counts[5],
            )
        )
    return tuple(found)


@dataclass(frozen=True, eq=False)
class SparseProduct:
    """How the normal equations of one network are gathered."""

    layout: Layout
    places: np.ndarray | None  # of the trained numbers in the layout; None: all are, in order
    first: Local | None  # of the first layer
    kernels: ModuleType

    @classmethod
    def of(cls, network: MultKAN, view: FlatView, x: Tensor, dense: float) -> SparseProduct | None:
        """Return it for these rows; None where the dense product, that takes so many seconds, serves better."""
        layout = _layout(_sizes(network, view), view.sizes[-1])
        if x.device.type != "cpu" or len(x) * network.n_outputs * layout.seconds_a_row > dense / 2:
            return None  # and a saving of less would not be felt
        kernels = _numba.kernels("kanscience.training._fours")
        return kernels and cls(
            layout, _places(layout, network, view), local(network.layers[0], network.sources(x)), kernels
        )

    @torch.no_grad()
    def normal_equations(
        self, locals_: Sequence[Local | None], sweep: Sweep, trained: list[Trained], residuals: Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ``J @ J.T`` and ``J @ residuals``.

        Args:
            locals_: of each layer; None where no edge is a spline.
            sweep: scaled by the rows' weights.
            trained: of each layer, as in `FlatView.trained`.
            residuals: (output, row).
        """
        layout = self.layout
        width = layout.size + 3  # runs of four may end beyond
        matrix, gradient = np.zeros((width, width)), np.zeros(width)
        interval = np.concatenate(
            [np.zeros((1, residuals.shape[1]), np.int64), *(i.numpy() for _, i in filter(None, locals_))]
        )
        for output, its in enumerate(residuals):
            left, right = _factors(locals_, sweep, trained, output)
            arrays = layout.lefts, layout.rights, layout.axis, layout.base, layout.stride
            self.kernels.add_products(left, right, interval, *arrays, its.double().numpy(), matrix, gradient)
        if self.places is not None:
            lower = matrix[np.ix_(self.places, self.places)]
            return self._mirrored(lower), gradient[self.places]
        return self._mirrored(matrix), gradient[: layout.size]

    def _mirrored(self, lower: np.ndarray) -> np.ndarray:
        size = self.layout.size if self.places is None else len(self.places)
        mirrored = np.empty((size, size))
        self.kernels.mirror(lower, size, mirrored)
        return mirrored


def local(layer: Layer, x: Tensor) -> Local | None:
    """Return the functions of a layer's sources that are not zero at x (source, row)."""
    if not layer.has_splines:
        return None
    values, first = local_basis(layer.splines.mapped(x), layer.splines.axes)
    return values, first[:, 0]


def _factors(
    locals_: Sequence[Local | None], sweep: Sweep, trained: list[Trained], output: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that derivatives are products of, as `_layout` numbers them."""
    rows = sweep.outputs.shape[1]
    one, zero = sweep.outputs.new_ones(1, rows), sweep.outputs.new_zeros(1, rows)
    left, right = [one], [zero, one]
    for part, its, numbers in zip(sweep.layers, locals_, trained, strict=True):
        delta = part.deltas[output]
        right.append(delta)
        if its is not None:
            assert part.features is not None
            left += [its[0].flatten(0, 1), part.features[1]]
        if len(part.layer.terms):
            left += term_rows(part.layer.terms, part.x, delta, numbers)
    left.append(sweep.constants[output])
    return torch.cat(left).double().numpy(), torch.cat(right).double().numpy()


def _places(layout: Layout, network: MultKAN, view: FlatView) -> np.ndarray | None:
    """Return where the trained numbers stand in the layout; of terms and constants it holds the trained ones alone."""
    found = []
    for k, ((_, index), start) in enumerate(zip(view.parts, layout.starts, strict=True)):
        alone = k == len(view.parts) - 1 or KINDS[k % len(KINDS)].startswith("terms.")
        found.append(start + (np.arange(len(index)) if alone else index.numpy()))
    places = np.concatenate(found)
    return None if len(places) == layout.size and (np.diff(places) == 1).all() else places
