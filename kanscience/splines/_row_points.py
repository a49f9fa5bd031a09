"""Points that lie row by row, (sample, source), for which the kernels of ``_rows.py`` run where numba is installed."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from kanscience import _numba
from kanscience.splines._axes import Axes
from kanscience.splines._basis import differentiated
from kanscience.splines._points import are_memory, is_plain
from kanscience.splines._team import products, run

DENSE_UP_TO = 16  # basis functions of a source, up to which one matrix product with all of them is quicker
# Fewer points are left to PyTorch. Steps of an optimiser come by the thousand, and gain from 2**10 on; a single evaluation
# of few points gains little, and must not wait the seconds that numba compiles for when its cache is empty.
FEWEST_POINTS, FEWEST_DIFFERENTIATED = 2**12, 2**10
_WORTH_SHARING = 2**14  # points, from which on other threads are worth waking
_SHARES = 2  # of the work for each thread: what one is late with, others take
_FEWEST_SAMPLES, _FEWEST_SOURCES, _FEWEST_SHARED = 2**7, 2**4, 2**13  # of a share of matrix products; points of one


class Table(NamedTuple):
    """What the kernels know of the knots, for one order of derivatives."""

    tensors: tuple[Tensor, ...]  # held, so that they stay where they are
    words: array  # of the call of a kernel, see `_rows.py`: sizes that follow from the knots, and where the tensors are


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
    parts = axes.knots, axes.intervals, axes.per_t, buckets, table, slopes, scale
    # Copies: a module's buffers may move in memory under the same name, `share_memory_` for one.
    tensors = tuple(tensor.detach().clone(memory_format=torch.contiguous_format) for tensor in parts)
    functions, pieces, powers = table.shape[1:]
    sizes = axes.n_basis, functions, powers, pieces, axes.knots.shape[1], max(buckets.shape[-1] - 1, 0), order
    places = (number for tensor in tensors for number in (tensor.data_ptr(), tensor.numel()))
    return Table(tensors, array("q", (*sizes, axes.uniform, *places)))


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
        points = cls(torch.empty_like(x, memory_format=torch.contiguous_format), axes, kernels, False)
        outside = points._flags("mapped")
        points._run("mapped", 0, 0, x=x, outside=outside, low=low, high=high)
        return replace(points, inside=not any(outside))

    @classmethod
    def with_sums(
        cls, x: Tensor, low: Tensor, high: Tensor, axes: Axes, kernels: ModuleType, coefficients: Tensor, bias: Tensor
    ) -> tuple[RowPoints, Tensor]:
        """Map values, and return their sums `forward` with bias (target,) too."""
        points = cls(torch.empty_like(x, memory_format=torch.contiguous_format), axes, kernels, False)
        y, name = x.new_empty(len(x), len(bias)), points._named("forward")
        places = {"x": x, "outside": points._flags(name), "low": low, "high": high}
        points._run(name, 0, len(bias), **places, coefficients=coefficients, bias=bias, result=y)
        return replace(points, inside=not any(places["outside"])), y

    def repeated(self, times: int) -> RowPoints:
        """Return all samples so many times, one set after the other."""
        return RowPoints(self.t.repeat(times, 1), self.axes, self.kernels, self.inside)

    def first(self, count: int) -> RowPoints:
        """Return the first of the samples."""
        return RowPoints(self.t[:count], self.axes, self.kernels, self.inside)

    @property
    def is_dense(self) -> bool:
        """Whether matrix products with all basis functions are the quicker way."""
        return self.axes.n_basis <= DENSE_UP_TO and products(self.t.dtype == torch.float32) != (0, 0)

    def take(self, *tensors: Tensor | None) -> bool:
        """Return whether these can be given to the methods."""
        return all(x is None or (x.dtype == self.t.dtype and is_plain(x)) for x in tensors)

    def forward(self, weights: Tensor | None, coefficients: Tensor, order: int) -> Tensor:
        """Return (sample, target)."""
        y = self.t.new_empty(len(self.t), coefficients.shape[2])
        self._sum("forward", order, y.shape[1], weights=weights, coefficients=coefficients, result=y)
        return y

    def dot(self, coefficients: Tensor, g: Tensor, order: int) -> Tensor:
        """Return (sample, source)."""
        q = torch.empty_like(self.t)
        self._sum("dot", order, g.shape[1], coefficients=coefficients, g=g, result=q)
        return q

    def dot_in_units(self, q: Tensor, coefficients: Tensor, g: Tensor, order: int, low: Tensor, high: Tensor) -> Tensor:
        """Add `dot` to q (sample, source), divide by half the widths of the domains (source,); q is overwritten."""
        q = q.contiguous()
        self._sum("dot", order, g.shape[1], coefficients=coefficients, g=g, low=low, high=high, result=q)
        return q

    def scatter(self, weights: Tensor | None, g: Tensor, order: int) -> Tensor:
        """Return (source, basis, target)."""
        c = self.t.new_empty(self.t.shape[1], self.axes.n_basis, g.shape[1])
        self._sum("scatter", order, g.shape[1], weights=weights, g=g, result=c)
        return c

    def _sum(self, name: str, order: int, targets: int, **arrays: Tensor | array | None) -> None:
        self._run(self._named(name), order, targets, **arrays)

    def _named(self, name: str) -> str:
        return f"dense_{name}" if self.is_dense else name

    def _shares(self, name: str) -> int:
        """Return into how many shares a kernel's work is divided."""
        samples, sources = self.t.shape
        if not name.startswith("dense_"):
            return _SHARES * _threads_for(self.t)
        # Of matrix products the last bits depend on their sizes: these must not depend on the threads.
        longest = sources // _FEWEST_SOURCES if name == "dense_scatter" else samples // _FEWEST_SAMPLES
        return max(min(longest, samples * sources // _FEWEST_SHARED), 1)

    def _flags(self, name: str) -> array:
        return array("f" if self.t.dtype == torch.float32 else "d", [0] * self._shares(name))

    def _run(self, name: str, order: int, targets: int, **arrays: Tensor | array | None) -> None:
        run(*self._call(name, order, targets, **arrays), _threads_for(self.t))

    def _call(self, name: str, order: int, targets: int, **arrays: Tensor | array | None):
        """Return a kernel, and what it is called with; names of arrays are those of `Arrays` in ``_rows.py``."""
        samples, sources = self.t.shape
        single, table = self.t.dtype == torch.float32, table_of(self.axes, order)
        library = products(single) if name.startswith("dense_") else (0, 0)
        call = array("q", (0, self._shares(name), *library, samples, sources, targets)) + table.words
        first, held, place_of = len(call), [], self.kernels.PLACE_OF
        call.frombytes(bytes(self.kernels.PLACES * call.itemsize))
        arrays["t"] = self.t
        for kind, numbers in arrays.items():
            if numbers is None:
                continue
            place = first + place_of[kind]
            if isinstance(numbers, array):
                call[place], call[place + 1] = numbers.buffer_info()
            else:
                numbers = numbers.contiguous()
                call[place], call[place + 1] = numbers.data_ptr(), numbers.numel()
            held.append(numbers)
        return self.kernels.address_of(name, single), call, held


def _threads_for(points: Tensor) -> int:
    return torch.get_num_threads() if points.numel() >= _WORTH_SHARING else 1


def row_points(x: Tensor, low: Tensor, high: Tensor, axes: Axes, *others: Tensor) -> RowPoints | None:
    """Return points of values x (sample, source), None where `row_kernels` has none for them."""
    kernels = row_kernels(x, low, high, axes, *others)
    return kernels and RowPoints.of(x.detach(), low, high, axes, kernels)


def row_kernels(x: Tensor, low: Tensor, high: Tensor, axes: Axes, *others: Tensor) -> ModuleType | None:
    """Return the kernels, where values x (sample, source), their domains and the others are all fit for them.

    None where PyTorch has to step in: few points, transforms, forward mode, other devices.
    """
    tensors = x, low, high, *others
    differentiated = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    fewest = FEWEST_DIFFERENTIATED if differentiated else FEWEST_POINTS
    if torch.compiler.is_compiling() or x.numel() < max(fewest, 1):
        return None
    dtype = axes.knots.dtype
    if not (all(tensor.dtype == dtype for tensor in tensors) and are_memory(*tensors)):
        return None
    if x.shape[1] != len(axes.knots) or not _are_plain(axes):
        return None
    return _numba.kernels("kanscience.splines._rows")
