"""The spline edges of one layer.

Arrays inside a layer are laid out ``(source, sample)``, samples last, and parameters ``(source, basis, target)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import is_not

import torch
from torch import Tensor, nn

from kanscience._transforms import inside_transform
from kanscience.network._bases import base_named
from kanscience.network._numbers import numbers, register_numbers
from kanscience.network._row_sums import Curves, row_sums
from kanscience.splines import (
    Axes,
    all_inside,
    dense_features,
    dense_points,
    fit_coefficients,
    row_kernels,
    spline_sums,
)


@dataclass(frozen=True, eq=False)
class _Derived:
    """What follows from the buffers of `SplineEdges`, and the buffers that it follows from."""

    buffers: tuple[Tensor, ...]
    axes: Axes
    trained: Tensor | None  # which coefficients are trained; None: all
    any_active: bool

    @classmethod
    def of(cls, knots: Tensor, intervals: Tensor, active: Tensor, trainable: Tensor, degree: int) -> _Derived:
        buffers = knots, intervals, active, trainable
        axes = Axes.from_padded(knots, intervals, degree)
        trained = (active & trainable)[:, None, :] & axes.has_function()[:, :, None]
        if inside_transform(*buffers):
            return cls(buffers, axes, trained, any_active=True)
        return cls(buffers, axes, None if bool(trained.all()) else trained, bool(active.any()))


class SplineEdges(nn.Module):
    """Curves ``w*b(t) + sum(c[i]*B[i](t))`` on the edges from n sources to m targets.

    t is the source's value mapped affinely from its domain to [-1, 1]. Outside the domain a curve continues linearly, of
    degree 0 constantly. ``active`` says which edges exist: the numbers of the others are zero and have no gradient.
    """

    low: Tensor
    high: Tensor
    knots: Tensor
    intervals: Tensor
    given: Tensor
    open: Tensor
    trained_coefficients: nn.Parameter
    trained_base_weights: nn.Parameter
    active: Tensor
    trainable: Tensor

    def __init__(
        self,
        rows: list[Tensor],
        degree: int,
        base: str,
        coefficients: Tensor,
        base_weights: Tensor,
        *,
        active: Tensor | None = None,
        trainable: Tensor | None = None,
    ) -> None:
        """Build from one knot vector per source, coefficients and base weights."""
        super().__init__()
        sources, targets = base_weights.shape
        dtype = coefficients.dtype
        axes = Axes.of(rows, degree)
        self.degree = degree
        self.base = base
        everywhere = torch.ones(sources, targets, dtype=torch.bool)
        self.register_buffer("low", -torch.ones(sources, dtype=dtype))
        self.register_buffer("high", torch.ones(sources, dtype=dtype))
        self.register_buffer("given", torch.zeros(sources, dtype=torch.bool))  # the user's domain: never moved
        self.register_buffer("open", torch.ones(sources, dtype=torch.bool))  # to be taken from the first data
        self.register_buffer("active", everywhere.clone() if active is None else active)
        self.register_buffer("trainable", everywhere.clone() if trainable is None else trainable)
        self.register_buffer("knots", axes.knots.to(dtype))
        self.register_buffer("intervals", axes.intervals)
        edge = self.active & self.trainable
        self.trained_coefficients = nn.Parameter(coefficients.new_zeros(0))
        self.register_buffer("fixed_coefficients", coefficients.new_zeros(0))
        self._derived: _Derived | None = None
        self._set_coefficients(coefficients)
        register_numbers(self, "base_weights", torch.where(self.active, base_weights, 0), edge)
        self.register_load_state_dict_post_hook(_forget_derived)

    def __getstate__(self):
        return {**self.__dict__, "_derived": None}

    def forget_derived(self) -> None:
        """Recompute what follows from the buffers at the next call: they have been written from outside."""
        self._derived = None

    def _now(self) -> _Derived:
        known, own = self._derived, self._buffers
        buffers = own["knots"], own["intervals"], own["active"], own["trainable"]
        # Other tensors stand there where torch.func.functional_call lends others.
        if known is None or any(map(is_not, known.buffers, buffers)):
            known = _Derived.of(*buffers, self.degree)  # type: ignore[arg-type]
            if not inside_transform(*buffers, known.axes.polynomials):  # type: ignore[arg-type]
                self._derived = known
        return known

    @property
    def axes(self) -> Axes:
        """The knots of the sources."""
        return self._now().axes

    @property
    def any_active(self) -> bool:
        """Whether there is any curve."""
        return self._now().any_active

    @property
    def coefficients(self) -> Tensor:
        """All spline coefficients, (source, basis, target), trained or not."""
        return self.weights()[0]

    @property
    def base_weights(self) -> Tensor:
        """All base weights, (source, target), trained or not."""
        return self.weights()[1]

    def _set_coefficients(self, coefficients: Tensor) -> None:
        used = self.active[:, None] & self.axes.has_function()[:, :, None]
        trained = used & self.trainable[:, None]
        learns = self.trained_coefficients.requires_grad
        self.trained_coefficients = nn.Parameter(torch.where(trained, coefficients, 0).contiguous(), learns)
        fixed = used & ~trained
        some = bool(fixed.any())
        self.fixed_coefficients = torch.where(fixed, coefficients, 0) if some else coefficients.new_zeros(0)

    def mapped(self, x: Tensor) -> Tensor:
        """Return (source, sample) coordinates t, -1 to 1 inside the domains."""
        half = (self.high - self.low) / 2
        return (x - self.low[:, None]) / half[:, None] - 1  # in this form rounding never leads out of the domain

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return spline features (source, basis, sample) and base features (source, sample)."""
        return self._features(self.mapped(x.contiguous()), self.axes)

    def _features(self, t: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
        base = base_named(self.base)
        return dense_features(t, axes), base.continued(t, all_inside(t), self.degree)

    def weights(self) -> tuple[Tensor, Tensor]:
        """Return coefficients and base weights as the forward pass uses them: gradients reach trainable edges only."""
        return self._weights(self._now().trained)

    def _weights(self, trained: Tensor | None) -> tuple[Tensor, Tensor]:
        if trained is None:
            return self.trained_coefficients, self.trained_base_weights
        fixed = self.fixed_coefficients if self.fixed_coefficients.numel() else 0
        coefficients = torch.where(trained, self.trained_coefficients, fixed)
        return coefficients, numbers(self, "base_weights", self.active & self.trainable)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the (target, sample) sums of the curves and, where there are any, of biases (target,)."""
        now = self._now()
        axes, (coefficients, base_weights) = now.axes, self._weights(now.trained)
        bias = base_weights.new_zeros(base_weights.shape[1]) if bias is None else bias
        kernels = row_kernels(x.T, self.low, self.high, axes, coefficients, base_weights, bias)
        if kernels is None:
            return bias[:, None] + self.sums(*self.features(x))
        base = None if self.base == "zero" else base_named(self.base)
        curves = Curves(self.low, self.high, axes, base, kernels)
        return row_sums(x.T, coefficients, base_weights, bias, curves).T

    def sums(self, spline: Tensor, smooth: Tensor) -> Tensor:
        """Return the (target, sample) sums for features that are already there."""
        coefficients, base_weights = self.weights()
        sums = spline_sums(spline, coefficients)
        return sums if self.base == "zero" else torch.addmm(sums, base_weights.T, smooth)

    def values(self, x: Tensor) -> Tensor:
        """Return every curve's value, (source, target, sample)."""
        spline, smooth = self.features(x)
        coefficients, base_weights = self.weights()
        return torch.einsum("sbn,sbt->stn", spline, coefficients) + base_weights[:, :, None] * smooth[:, None]

    def count_outside(self, x: Tensor) -> Tensor:
        """Return, per source, how many samples lie outside the domain (beyond rounding)."""
        return (self.mapped(x).abs() > 1 + 8 * torch.finfo(x.dtype).eps).sum(dim=1)

    def waiting(self) -> Tensor:
        """Return which sources have curves and no domain yet."""
        return self.open & self.active.any(dim=1)

    @torch.no_grad()
    def set_domain_(self, source: int, low: float, high: float) -> None:
        """Map another interval onto [-1, 1], the curves stretched with it."""
        self.low[source], self.high[source] = _widened(low, high)
        self.open[source] = False

    @torch.no_grad()
    def adopt_domains_(self, x: Tensor) -> None:
        """Take the domains that are still open from data, the curves mapped affinely onto them."""
        for source in self.waiting().nonzero().flatten().tolist():
            self.set_domain_(source, float(x[source].min()), float(x[source].max()))

    @torch.no_grad()
    def move_(self, rows: list[Tensor], low: Tensor, high: Tensor, x: Tensor | None = None) -> None:
        """Express the same curves on other knots and domains: exactly where the new knots contain the old ones.

        Elsewhere by least squares on a dense grid and, where given, at the samples x (source, sample).
        """
        axes = Axes.of([row.to(self.knots) for row in rows], self.degree)
        alike = len({len(row) for row in rows}) == 1 and axes.knots.device.type == "cpu"
        fitted = self._refitted_together if alike else self._refitted
        coefficients = fitted(axes, low, high, x)
        self.knots, self.intervals, self.low, self.high = axes.knots, axes.intervals, low.clone(), high.clone()
        self._set_coefficients(coefficients)

    def _refitted(self, axes: Axes, low: Tensor, high: Tensor, x: Tensor | None) -> Tensor:
        """Return the coefficients of the same curves on other knots and domains, source by source."""
        coefficients = self.low.new_zeros(len(low), axes.n_basis, self.active.shape[1])
        base, base_weights = base_named(self.base), self.base_weights.double()
        for source in range(len(low)):  # in float64 whatever the network's precision: a solution loses digits
            row, left, half = axes.row(source).double(), low[source].double(), (high - low)[source].double() / 2
            t = dense_points(row, self.degree)
            if x is not None:
                sample = (x[source].double() - left) / half - 1
                t = torch.cat([t, sample[sample.abs() <= 1]])
            target = self._curves(source, left + half * (t + 1)) - base.value(t)[:, None] * base_weights[source]
            fitted = fit_coefficients(t, target, row, self.degree)
            coefficients[source, : len(fitted)] = fitted
        return coefficients

    def _refitted_together(self, axes: Axes, low: Tensor, high: Tensor, x: Tensor | None) -> Tensor:
        """Return the same, of sources with equally many knots, in one go."""
        axes = Axes.from_padded(axes.knots.double(), axes.intervals, self.degree)
        half, base = ((high - low) / 2).double()[:, None], base_named(self.base)
        t = torch.stack([dense_points(row, self.degree) for row in axes.knots])
        counts = torch.ones_like(t)
        if x is not None:
            samples = (x.double() - low.double()[:, None]) / half - 1
            inside = samples.abs() <= 1
            t = torch.cat([t, torch.where(inside, samples, 0.0)], dim=1)
            counts = torch.cat([counts, inside.double()], dim=1)
        before = (low.double()[:, None] + half * (t + 1) - ((self.low + self.high) / 2).double()[:, None]) / (
            (self.high - self.low).double()[:, None] / 2
        )
        now = self.axes
        spline, smooth = self._features(before, Axes.from_padded(now.knots.double(), now.intervals, self.degree))
        coefficients, base_weights = (numbers.double() for numbers in self.weights())
        smooth = smooth - base.value(t)  # the base goes on beside the new spline
        target = spline.transpose(1, 2) @ coefficients + smooth[:, :, None] * base_weights[:, None]
        features = dense_features(t, axes) * counts[:, None]
        found = torch.linalg.lstsq(features.transpose(1, 2), target * counts[:, :, None], driver="gels").solution
        return found.to(self.low)

    def _curves(self, source: int, x: Tensor) -> Tensor:
        """Return (sample, target) values of one source's curves, in float64."""
        low, high = self.low[source].double(), self.high[source].double()
        row = self.axes.row(source).double()
        t = (x - (low + high) / 2) / ((high - low) / 2)
        spline, smooth = self._features(t[None], Axes.of([row], self.degree))
        coefficients, base_weights = (numbers[source].double() for numbers in self.weights())
        return spline[0].T @ coefficients[: len(row) - self.degree - 1] + smooth[0][:, None] * base_weights


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return the interval, or where it is a point one of the point's own size around it (so that units scale it)."""
    if low < high:
        return low, high
    half = abs(low) / 2 or 1.0
    return low - half, low + half


def _forget_derived(module: SplineEdges, _keys: object) -> None:
    module.forget_derived()
