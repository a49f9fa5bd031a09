"""Points that lie row by row, (sample, source), for which the kernels of ``_rows.py`` run where numba is installed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from kanscience._transforms import inside_transform
from kanscience.splines._axes import Axes
from kanscience.splines._basis import differentiated
from kanscience.splines._points import is_plain, keep_freed_memory
from kanscience.splines._team import run

DENSE_UP_TO = 16  # basis functions of a source, up to which one matrix product with all of them is quicker
FEWEST_POINTS = 2**12  # below, the calls cost more than the arithmetic, whoever does it
_SHARES = 4  # of the work for each thread: what one is late with, others take


class Table(NamedTuple):
    """What the kernels know of the knots, for one order of derivatives: tensors, and where these lie."""

    tensors: tuple[Tensor, ...]
    places: list[int]  # address and length of each
    pieces: int
    powers: int
    buckets: int


def _are_plain(axes: Axes) -> bool:
    """Return whether the kernels can read the knots, looked at once."""
    if "plain" not in axes.tables:
        of_ours = axes.knots.dtype in (torch.float32, torch.float64) and axes.polynomials.dtype == axes.knots.dtype
        parts = axes.knots, axes.intervals, axes.per_t, axes.polynomials
        axes.tables["plain"] = of_ours and all(map(is_plain, parts))
    return axes.tables["plain"]


def table_of(axes: Axes, order: int) -> Table:
    """Return what the kernels know of these knots, computed once for each order."""
    found = axes.tables.get(order)
    if found is None:
        found = axes.tables[order] = _table(axes, order)
    return found


def _table(axes: Axes, order: int) -> Table:
    table, slopes = _padded(_differentiated(axes, order), axes.degree), _padded(_differentiated(axes, 1), axes.degree)
    factor = axes.per_t[:, :1] if axes.uniform else torch.ones_like(axes.per_t[:, :1])
    scale = torch.stack([factor[:, 0] ** order, factor[:, 0]])
    buckets = axes.intervals.new_zeros(0) if axes.uniform else _buckets(axes)
    tensors = tuple(
        x.contiguous() for x in (axes.knots, axes.intervals, axes.per_t, buckets, table, slopes, scale)
    )
    places = [number for x in tensors for number in (x.data_ptr(), x.numel())]
    return Table(tensors, places, table.shape[2], table.shape[3], max(buckets.shape[-1] - 1, 0))


def _differentiated(axes: Axes, order: int) -> Tensor:
    """Return the derivatives' polynomials, (power, source or 1, function, interval or 1)."""
    polynomials = axes.polynomials
    for _ in range(order):
        polynomials = differentiated(polynomials)
    if axes.uniform:
        return polynomials
    return polynomials * (axes.per_t[:, None] ** order).nan_to_num().to(polynomials)


def _padded(polynomials: Tensor, degree: int) -> Tensor:
    """Return the polynomials with powers last, zeros for those that derivatives lack; never fewer than a cubic's."""
    powers = max(degree + 1, 4) - len(polynomials)
    return torch.nn.functional.pad(polynomials.permute(1, 2, 3, 0), (0, powers)).contiguous()


def _buckets(axes: Axes) -> Tensor:
    """Return the interval at each of equally spaced places, two for every interval, (source, bucket + 1)."""
    count = 2 * int(axes.intervals.max())
    places = torch.linspace(-1, 1, count + 1, dtype=torch.float64)
    interior = axes.knots[:, axes.degree : axes.knots.shape[1] - axes.degree].double().contiguous()
    found = torch.searchsorted(interior, places.expand(len(interior), -1).contiguous(), right=True) - 1
    return found.clamp(min=0).minimum(axes.intervals[:, None] - 1)


@dataclass(frozen=True, eq=False)
class RowPoints:
    """Points t (sample, source) and their knots, all in memory and without gradients; see `row_points`.

    Weights are (sample, source), coefficients (source, basis, target), g (sample, target). None of them is checked here.
    """

    t: Tensor
    axes: Axes
    kernels: ModuleType
    inside: bool  # all of them lie in [-1, 1]

    @classmethod
    def of(cls, x: Tensor, low: Tensor, high: Tensor, axes: Axes, kernels: ModuleType) -> RowPoints:
        """Map values x (sample, source) from their domains onto [-1, 1]."""
        x = x.contiguous()
        t, outside = torch.empty_like(x), x.new_zeros(_SHARES * torch.get_num_threads())
        cls(x, axes, kernels, False)._run("mapped", 0, 0, outside, low, high, t)
        return cls(t, axes, kernels, inside=not outside.any())

    @property
    def is_dense(self) -> bool:
        """Whether a matrix product with all basis functions is the quicker way."""
        return self.axes.n_basis <= DENSE_UP_TO

    def take(self, *tensors: Tensor | None) -> bool:
        """Return whether these can be given to the methods."""
        return all(x is None or (x.dtype == self.t.dtype and is_plain(x)) for x in tensors)

    def forward(self, weights: Tensor | None, coefficients: Tensor, order: int) -> Tensor:
        """Return (sample, target)."""
        if self.is_dense:
            return self.fill(weights, order) @ coefficients.flatten(0, 1)
        y = self.t.new_empty(len(self.t), coefficients.shape[2])
        self._run("forward", order, y.shape[1], weights, coefficients, None, y)
        return y

    def dot(self, coefficients: Tensor, g: Tensor, order: int) -> Tensor:
        """Return (sample, source)."""
        q = torch.empty_like(self.t)
        if self.is_dense:
            self._run("pick", order, 0, None, g @ coefficients.flatten(0, 1).T, None, q)
        else:
            self._run("dot", order, g.shape[1], None, coefficients, g, q)
        return q

    def scatter(self, weights: Tensor | None, g: Tensor, order: int) -> Tensor:
        """Return (source, basis, target)."""
        shape = self.t.shape[1], self.axes.n_basis, g.shape[1]
        if self.is_dense:
            return (self.fill(weights, order).T @ g).view(shape)
        c = self.t.new_empty(shape)
        self._run("scatter", order, g.shape[1], weights, None, g, c)
        return c

    def fill(self, weights: Tensor | None, order: int) -> Tensor:
        """Return all basis functions at all points, (sample, source * basis)."""
        features = self.t.new_empty(len(self.t), self.t.shape[1] * self.axes.n_basis)
        self._run("fill", order, 0, weights, None, None, features)
        return features

    def _run(self, name: str, order: int, targets: int, *arrays: Tensor | None) -> None:
        samples, sources = self.t.shape
        known, threads = table_of(self.axes, order), torch.get_num_threads()
        shares = _SHARES * threads if threads > 1 else 1
        axes, weights = self.axes, arrays[0]
        call = [0, shares, samples, sources, targets, axes.n_basis, axes.degree + 1, known.powers, known.pieces]
        call += [axes.knots.shape[1], known.buckets, order, axes.uniform, weights is not None, *known.places]
        held = [None if x is None else x.contiguous() for x in (self.t, *arrays)]
        call += [number for x in held for number in ((0, 0) if x is None else (x.data_ptr(), x.numel()))]
        row = np.array(call, dtype=np.int64)
        run(self.kernels.address_of(name, self.t.dtype == torch.float32), row.ctypes.data, threads)


def row_points(x: Tensor, low: Tensor, high: Tensor, axes: Axes, *others: Tensor) -> RowPoints | None:
    """Return points of values x (sample, source) for the kernels, where these and the others are all fit for them.

    None where PyTorch has to step in: few points, transforms, forward mode, other devices.
    """
    if inside_transform(x, *others) or x.numel() < max(FEWEST_POINTS, 1):
        return None
    if torch.is_grad_enabled():
        x, *others = (tensor.detach() for tensor in (x, *others))
    tensors = x, low, high, *others
    one_dtype = all(tensor.dtype == axes.knots.dtype for tensor in tensors)
    if not (one_dtype and x.shape[1] == len(axes.knots) and all(map(is_plain, tensors)) and _are_plain(axes)):
        return None
    kernels = _kernels()
    return kernels and RowPoints.of(x, low, high, axes, kernels)


@cache
def _kernels() -> ModuleType | None:
    try:
        from kanscience.splines import _rows
    except ImportError:  # numba is not installed, or not for this version of Python or numpy
        return None
    keep_freed_memory()
    return _rows
