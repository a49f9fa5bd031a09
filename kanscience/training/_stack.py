"""Regressions of networks of one structure, evaluated side by side.

Arrays carry a first axis for the member: numbers (member, size), nodes (member, node, row). The curves of all members
are evaluated as those of one layer with member x source sources, and summed by one batched product. Features of the
first layer, which the members share where inputs and knots are the same, are never found twice. The Jacobians, too large
to be held for all members at once, follow one after the other in one array that stays in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience.network._bases import base_named
from kanscience.network._flat import KINDS
from kanscience.network._jacobian import LayerSweep, Sweep, term_rows
from kanscience.splines import Axes, dense_features, local_basis, local_sums

if TYPE_CHECKING:
    from kanscience.network import FlatView, MultKAN
    from kanscience.network._layer import Layer
    from kanscience.network._shape import LayerShape
    from kanscience.network._splines import SplineEdges
    from kanscience.training._blocks import Part
    from kanscience.training._objective import Regression

Normal = tuple[float, np.ndarray, np.ndarray]


def structure_of(network: MultKAN, view: FlatView, parts: Sequence[Part]) -> tuple | None:
    """Return what problems must share to be stacked; None for one that is best left alone.

    That is all but numbers, knots, rows and what edges pay. Alone stay problems with more rows or numbers than one sweep
    takes at once, for which there is enough to do in each.
    """
    part, *others = parts
    if others or len(part.blocks) > 1 or network.constant_names or part.x.device.type != "cpu":
        return None
    layers = tuple(
        (layer.shape, layer.splines.degree, layer.splines.base, layer.splines.axes.n_basis, layer.has_splines)
        for layer in network.layers
    )
    masks = tuple(index.numpy().tobytes() for _, index in view.parts)
    active = tuple(layer.splines.active.numpy().tobytes() for layer in network.layers)
    return layers, masks, active, network.readout, network.dtype, part.x.shape, network.n_outputs, part.sparse is None


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Numbers of one kind of all members: those that are not trained, and where the trained ones go."""

    fixed: Tensor  # (member, ...)
    index: Tensor  # of the trained ones in the flattened shape
    place: slice  # of these in the flat vector

    def filled(self, theta: Tensor) -> Tensor:
        """Return (member, ...), the trained ones from theta (member, size)."""
        trained = theta[:, self.place]
        if len(self.index) == self.fixed[0].numel():
            return trained.reshape(self.fixed.shape)
        filled = self.fixed.clone()
        filled.flatten(1)[:, self.index] = trained
        return filled


@dataclass(frozen=True, eq=False)
class _Curves:
    """The spline edges of one layer of all members."""

    axes: Axes  # of member x source sources
    low: Tensor  # (member * source, 1)
    half: Tensor
    base: str
    degree: int

    @classmethod
    def of(cls, members: Sequence[SplineEdges]) -> _Curves:
        one = members[0]
        low, high = torch.cat([m.low for m in members])[:, None], torch.cat([m.high for m in members])[:, None]
        knots, intervals = torch.cat([m.knots for m in members]), torch.cat([m.intervals for m in members])
        return cls(Axes.from_padded(knots, intervals, one.degree), low, (high - low) / 2, one.base, one.degree)

    def mapped(self, x: Tensor) -> Tensor:
        """Return (member * source, row) coordinates of x (member, source, row)."""
        return (x.flatten(0, 1) - self.low) / self.half - 1

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return spline features (member, source, basis, row) and base features (member, source, row)."""
        t, members = self.mapped(x), (len(x), -1)
        inside = t.clamp(-1, 1)
        base = base_named(self.base)
        smooth = base.value(inside)
        if self.degree:
            smooth = torch.addcmul(smooth, base.slope(inside), t - inside)
        return dense_features(t, self.axes).unflatten(0, members), smooth.unflatten(0, members)

    def local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the functions that are not zero at x: (member, source, function, row), (member, source, row)."""
        values, first = local_basis(self.mapped(x), self.axes)
        return values.unflatten(0, (len(x), -1)), first[:, 0].unflatten(0, (len(x), -1))

    def to_sources(self, x: Tensor, coefficients: Tensor, base_weights: Tensor, delta: Tensor) -> Tensor:
        """Return derivatives to the sources, (member, source, row), from those to the sums, (member, subnode, row)."""
        t = self.mapped(x)
        inside = t.clamp(-1, 1)
        weighted = coefficients.flatten(1, 2) @ delta
        weighted = weighted.unflatten(1, coefficients.shape[1:3]).flatten(0, 1)
        total = local_sums(weighted, inside, self.axes, order=1)
        if self.base != "zero":
            total += base_named(self.base).slope(inside) * (base_weights @ delta).flatten(0, 1)
        if self.degree == 0:
            total *= inside == t
        return (total / self.half).unflatten(0, (len(x), -1))


@dataclass(frozen=True, eq=False)
class _Layer:
    """One layer of all members."""

    shape: LayerShape
    members: tuple[Layer, ...]
    curves: _Curves | None
    numbers: dict[str, _Numbers]

    def sums(self, x: Tensor, features: tuple[Tensor, Tensor] | None, theta: Tensor) -> Tensor:
        """Return (member, subnode, row)."""
        bias = self.numbers["bias"].filled(theta)[:, :, None]
        if features is None:
            sums = bias.expand(-1, -1, x.shape[-1]).clone()
        else:
            coefficients = self.numbers["splines.coefficients"].filled(theta)
            sums = coefficients.flatten(1, 2).transpose(1, 2) @ features[0].flatten(-3, -2)
            if self.curves is not None and self.curves.base != "zero":
                sums += self.numbers["splines.base_weights"].filled(theta).transpose(1, 2) @ features[1]
            sums += bias
        for member, layer in enumerate(self.members):
            if len(layer.terms):
                sums[member] += layer.terms(x[member])
        return sums

    def to_sources(self, x: Tensor, theta: Tensor, delta: Tensor) -> Tensor:
        """Return derivatives to the sources from those to the sums."""
        found = torch.zeros_like(x)
        if self.curves is not None:
            coefficients = self.numbers["splines.coefficients"].filled(theta)
            base_weights = self.numbers["splines.base_weights"].filled(theta)
            found += self.curves.to_sources(x, coefficients, base_weights, delta)
        for member, layer in enumerate(self.members):
            terms = layer.terms
            if len(terms):
                slopes = (terms.scale * terms.slope)[:, None] * terms.slopes(x[member])
                found[member].index_add_(0, terms.source, slopes * delta[member, terms.target])
        return found


class Stack:
    """Regressions of one structure (see `structure_of`)."""

    def __init__(self, problems: Sequence[Regression]) -> None:
        self.problems = tuple(problems)
        networks = [problem.network for problem in problems]
        parts = [problem.parts[0] for problem in problems]
        view = problems[0].view
        places = [slice(a, b) for a, b in pairwise(accumulate(view.sizes, initial=0))]
        self.trained, self.layers = view.trained, []
        for depth, layer in enumerate(networks[0].layers):
            members = tuple(network.layers[depth] for network in networks)
            here = range(len(KINDS) * depth, len(KINDS) * (depth + 1))
            numbers = {
                kind: _Numbers(torch.stack([_values(m, kind) for m in members]), view.parts[k][1], places[k])
                for kind, k in zip(KINDS, here, strict=True)
            }
            curves = _Curves.of([m.splines for m in members]) if layer.has_splines else None
            self.layers.append(_Layer(layer.shape, members, curves, numbers))
        self.size, self.readout, self.n_outputs = view.size, list(networks[0].readout), networks[0].n_outputs
        self.x = torch.stack([part.x.T for part in parts])
        self.y = torch.stack([part.y.T for part in parts])
        self.weights = torch.stack([part.weights.T for part in parts])
        self.first = self._first_features(parts)

    def _first_features(self, parts) -> tuple[Tensor, Tensor] | None:
        curves, kept = self.layers[0].curves, [part.first for part in parts]
        if curves is None:
            return None
        if all(first is kept[0] or (first and kept[0] and torch.equal(first[0], kept[0][0])) for first in kept):
            spline, smooth = kept[0] or curves.features(self.x)
            return (spline[None], smooth[None]) if kept[0] else (spline, smooth)
        return curves.features(self.x)

    def _forward(self, theta: Tensor) -> tuple[Tensor, list[tuple]]:
        """Return outputs (member, output, row), and of each layer sources, features and sums."""
        nodes, seen = self.x, []
        for layer in self.layers:
            features = self.first if layer is self.layers[0] else layer.curves and layer.curves.features(nodes)
            sums = layer.sums(nodes, features, theta)
            seen.append((nodes, features, sums))
            nodes = _multiplied(sums, layer.shape)
        return nodes[:, self.readout], seen

    def _written(self, thetas: Sequence[np.ndarray]) -> Tensor:
        if any(len(layer.members[0].terms) for layer in self.layers):  # symbols are evaluated by their own networks
            for problem, theta in zip(self.problems, thetas, strict=True):
                problem.write(theta)
        return torch.from_numpy(np.stack(thetas)).to(self.x)

    @torch.no_grad()
    def losses(self, thetas: Sequence[np.ndarray]) -> list[float]:
        """Return every member's sum of squared residuals."""
        outputs, _ = self._forward(self._written(thetas))
        return ((self.weights * (outputs - self.y)) ** 2).sum(dim=(1, 2)).tolist()

    @torch.no_grad()
    def normal_equations(self, thetas: Sequence[np.ndarray]) -> list[Normal]:
        """Return of every member the loss, ``J @ J.T`` and ``J @ residuals``."""
        theta = self._written(thetas)
        outputs, seen = self._forward(theta)
        residuals = self.weights * (outputs - self.y)
        deltas = self._deltas(theta, seen)
        sparse = self.problems[0].parts[0].sparse is not None
        return self._sparse(residuals, seen, deltas) if sparse else self._dense(residuals, seen, deltas)

    def _sparse(self, residuals: Tensor, seen: list[tuple], deltas: list[list[Tensor]]) -> list[Normal]:
        hidden = [
            layer.curves and layer.curves.local(its[0]) for layer, its in zip(self.layers[1:], seen[1:], strict=True)
        ]
        found = []
        for member, problem in enumerate(self.problems):
            product = problem.parts[0].sparse
            assert product is not None
            sweeps = [
                LayerSweep(
                    layer.members[member],
                    nodes[member],
                    features and (features[0][member % len(features[0])], features[1][member % len(features[1])]),
                    torch.stack([delta[member] for delta in its]),
                )
                for layer, (nodes, features, _), its in zip(self.layers, seen, deltas, strict=True)
            ]
            its = residuals[member]
            done = Sweep(its, tuple(sweeps), its.new_zeros(len(its), 0, its.shape[1]))
            locals_ = [product.first, *(part and (part[0][member], part[1][member]) for part in hidden)]
            matrix, gradient = product.normal_equations(locals_, done, self.trained, its)
            found.append((float((its.double() ** 2).sum()), matrix, gradient))
        return found

    def _dense(self, residuals: Tensor, seen: list[tuple], deltas: list[list[Tensor]]) -> list[Normal]:
        members, rows = len(residuals), residuals.shape[-1]
        jacobian = residuals.new_empty(self.size, self.n_outputs, rows)
        flat, found = jacobian.flatten(1).double().numpy(), []
        for member in range(members):
            for output in range(self.n_outputs):
                self._fill(jacobian[:, output], member, output, seen, deltas)
            if jacobian.dtype != torch.float64:
                flat = jacobian.flatten(1).double().numpy()
            its = residuals[member].flatten().double().numpy()
            found.append((float(its @ its), flat @ flat.T, flat @ its))  # numpy's symmetric product: half the work
        return found

    def _deltas(self, theta: Tensor, seen: list[tuple]) -> list[list[Tensor]]:
        """Return for each layer and output the weighted derivatives to its sums, (member, subnode, row)."""
        members, rows = len(theta), self.x.shape[-1]
        deltas: list[list[Tensor]] = [[] for _ in self.layers]
        for output, node in enumerate(self.readout):
            delta = self.x.new_zeros(members, self.layers[-1].shape.nodes, rows)
            delta[:, node] = self.weights[:, output]
            for depth in reversed(range(len(self.layers))):
                nodes, _, sums = seen[depth]
                layer = self.layers[depth]
                delta = _to_subnodes(sums, delta, layer.shape)
                deltas[depth].append(delta)
                if depth:
                    delta = layer.to_sources(nodes, theta, delta)
        return deltas

    def _fill(self, rows: Tensor, member: int, output: int, seen: list[tuple], deltas: list[list[Tensor]]) -> None:
        """Write one member's derivatives of an output into rows (size, row)."""
        for layer, (nodes, features, _), found, trained in zip(self.layers, seen, deltas, self.trained, strict=True):
            delta, at = found[output][member], {kind: rows[its.place] for kind, its in layer.numbers.items()}
            if features is not None:
                spline, smooth = (part[member % len(part)] for part in features)
                _fill_coefficients(at["splines.coefficients"], spline, delta, *trained["splines.coefficients"])
                s, t = trained["splines.base_weights"]
                if len(s):
                    torch.mul(smooth[s], delta[t], out=at["splines.base_weights"])
            terms = layer.members[member].terms
            if len(terms):
                kinds = ("terms.scale", "terms.slope", "terms.shift")
                for kind, its in zip(kinds, term_rows(terms, nodes[member], delta, trained), strict=True):
                    at[kind].copy_(its)
            at["bias"].copy_(delta[trained["bias"]])


def _values(layer: Layer, kind: str) -> Tensor:
    part, _, name = kind.rpartition(".")
    return getattr(getattr(layer, part) if part else layer, name).detach()


def _multiplied(sums: Tensor, shape: LayerShape) -> Tensor:
    if not shape.arities:
        return sums
    products = [sums[:, columns].prod(dim=1, keepdim=True) for columns in shape.product_columns()]
    return torch.cat([sums[:, : shape.sums], *products], dim=1)


def _to_subnodes(sums: Tensor, delta: Tensor, shape: LayerShape) -> Tensor:
    if not shape.arities:
        return delta
    parts = [delta[:, : shape.sums]]
    for k, columns in enumerate(shape.product_columns()):
        factors = sums[:, columns]
        others = [torch.cat([factors[:, :i], factors[:, i + 1 :]], 1).prod(dim=1) for i in range(factors.shape[1])]
        parts.append(delta[:, shape.sums + k, None] * torch.stack(others, dim=1))
    return torch.cat(parts, dim=1)


def _fill_coefficients(rows: Tensor, features: Tensor, delta: Tensor, s: Tensor, b: Tensor, t: Tensor) -> None:
    sources, basis, samples = features.shape
    if len(s) == sources * basis * len(delta):  # all of them, in order: nothing to look up
        torch.mul(features[:, :, None], delta, out=rows.view(sources, basis, len(delta), samples))
    elif len(s):
        torch.mul(features[s, b], delta[t], out=rows)
