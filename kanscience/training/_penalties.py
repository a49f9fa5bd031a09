"""The papers' penalties on edges: L1, entropy, coefficient size and curvature.

The scale of an edge is the standard deviation of its curve over the samples, times the share that its subnode's
spread carries to the outputs (the attribution score, held fixed): dimensionless, and the same however the hidden
nodes are scaled. It comes from the covariance matrix of the source's features, so that nothing of shape
batch x source x target is ever made. Symbolic edges are chosen already and pay nothing.

How they enter Levenberg-Marquardt stands in ``_penalty_form.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._checks import check_number, shown
from kanscience._errors import OptionError
from kanscience.network import base_named
from kanscience.splines import curvature_matrix, dense_points, fit_coefficients

if TYPE_CHECKING:
    from kanscience.network import MultKAN


@dataclass(frozen=True)
class Penalty:
    """What a fit pays besides its loss (a mean square in units of the targets' variance, dimensionless).

    ``strength * (l1 * sum of edge scales + entropy * S + coefficient * sum of squares + curvature * integrals)``, with S
    the entropy of the edge scales of each layer, and the integrals those of ``curve''(t)**2`` over [-1, 1].

    Args:
        strength: 0 or more; 1e-5 hardly touches a fit, 1e-2 makes it sparse and coarse.
        l1: weight of the edge scales: removes edges.
        entropy: weight of their entropy: removes the smaller of two edges.
        coefficient: weight of squared spline coefficients: makes edges straight (with base ``"identity"``) or zero.
        curvature: weight of squared second derivatives: makes edges smooth. One number, or one for each layer.

    Example:
        >>> import kanscience as ks
        >>> ks.Penalty(1e-3, curvature=1)
        Penalty(strength=0.001, l1=1, entropy=2, coefficient=0, curvature=1)

    Source: L1 and entropy: Liu et al., arXiv 2404.19756, section 2.5; curvature: arXiv 2605.02190.
    """

    strength: float
    l1: float = 1
    entropy: float = 2
    coefficient: float = 0
    curvature: float | tuple[float, ...] = 0

    def __post_init__(self) -> None:
        for name in ("strength", "l1", "entropy", "coefficient"):
            check_number(name, getattr(self, name), least=0)
        for weight in self.curvature if isinstance(self.curvature, tuple) else (self.curvature,):
            check_number("curvature", weight, least=0)

    def of_layer(self, layer: int, layers: int) -> Penalty:
        """Return what the edges of one layer pay: the curvature's weight is a number there."""
        if not isinstance(self.curvature, tuple):
            return self
        if len(self.curvature) != layers:
            raise OptionError(
                f"`curvature` has {len(self.curvature)} weights for a network of {layers} layers: {self.curvature}. "
                "Give one number, or one for each layer."
            )
        return replace(self, curvature=self.curvature[layer])


def as_penalty(penalty: object, layers: int) -> Penalty | None:
    """Return a penalty that fits a network of so many layers; a number is its strength, None is none."""
    if isinstance(penalty, Real) and not isinstance(penalty, bool):
        return Penalty(check_number("penalty", penalty, least=0))
    if penalty is None:
        return None
    if not isinstance(penalty, Penalty):
        raise OptionError(f"`penalty` is a strength such as 1e-3, a ks.Penalty, or None; got {shown(penalty)}.")
    penalty.of_layer(0, layers)
    return penalty


def curvature_forms(network: MultKAN, penalty: Penalty) -> list[list[Tensor] | None]:
    """Return the curvature forms of each layer's sources, None where they cost nothing; valid as long as knots stay."""
    layers = network.layers
    costs = [penalty.of_layer(depth, len(layers)).curvature and layer.has_splines for depth, layer in enumerate(layers)]
    return [
        [curvature_form(layer.splines, s) for s in range(len(layer.splines.intervals))] if its else None
        for layer, its in zip(layers, costs, strict=True)
    ]


def penalty_value(
    network: MultKAN, x: Tensor, penalty: Penalty, curvatures: list[list[Tensor] | None] | None = None
) -> Tensor:
    """Return the penalty as a scalar that autograd differentiates (the shares that scales carry held fixed).

    ``curvatures`` are the `curvature_forms`, where they are known already.
    """
    total = x.new_zeros(())
    curvatures = curvature_forms(network, penalty) if curvatures is None else curvatures
    for depth, (layer, source, carried) in enumerate(sources_and_shares(network, x)):
        if not layer.has_splines:
            continue
        its = penalty.of_layer(depth, len(network.layers))
        gram = covariance(layer, source.detach())
        weights = torch.cat([layer.splines.weights()[0], layer.splines.weights()[1][:, None]], dim=1)
        squares = torch.einsum("sbt,sbc,sct->st", weights, gram, weights).clamp(min=1e-30)
        scales = torch.where(layer.splines.active, squares.sqrt() * carried, 0)
        share = scales / scales.sum().clamp(min=1e-30)
        entropy = -(share * share.clamp(min=1e-30).log()).sum()
        total = total + its.l1 * scales.sum() + its.entropy * entropy
        coefficients = weights[:, :-1] * carried
        total = total + its.coefficient * (coefficients**2).sum()
        for form, part in zip(curvatures[depth] or (), weights * carried, strict=False):
            total = total + its.curvature * ((form @ part) * part).sum()
    return penalty.strength * total


@torch.no_grad()
def sources_and_shares(network: MultKAN, x: Tensor) -> list[tuple]:
    """Return each layer, its source values, and what a unit of each subnode's spread carries to the outputs."""
    nodes = [network.sources(x)]
    for layer in network.layers:
        nodes.append(layer(nodes[-1]))
    readout = torch.tensor(network.readout, device=x.device)
    node_score = torch.bincount(readout, minlength=len(nodes[-1])).to(x)
    found = []
    for layer, source in zip(reversed(network.layers), reversed(nodes[:-1]), strict=True):
        score = node_score[list(layer.shape.node_of_subnode)]
        spread, scales = layer.subnodes(source).std(dim=1, correction=0), edge_scales(layer, source)
        rounding = 4 * torch.finfo(spread.dtype).eps * scales.sum(dim=0)  # is all that edges which cancel leave
        carried = torch.where(spread > rounding, score / spread, 0)
        found.insert(0, (layer, source, carried))
        node_score = (scales * carried).sum(dim=1)
    return found


def edge_scales(layer, source: Tensor) -> Tensor:
    """Return the standard deviation of every edge over the samples, (source, target), of curves from Gram matrices."""
    scales = torch.zeros_like(layer.splines.active, dtype=source.dtype)
    if layer.has_splines:
        weights = stacked(layer)
        scales = torch.einsum("sbt,sbc,sct->st", weights, covariance(layer, source), weights).clamp(min=0).sqrt()
    if len(layer.terms):  # few edges: their values one by one, with the curves beside them
        edges, edge_of_term = torch.stack([layer.terms.source, layer.terms.target]).unique(dim=1, return_inverse=True)
        values = source.new_zeros(edges.shape[1], source.shape[1])
        values = values.index_add(0, edge_of_term, layer.terms.values(source))
        if layer.has_splines:
            spline, smooth = layer.splines.features(source)
            features = torch.cat([spline, smooth[:, None]], dim=1)
            values = values + torch.einsum("ebn,eb->en", features[edges[0]], weights[edges[0], :, edges[1]])
        scales[edges[0], edges[1]] = values.std(dim=1, correction=0)
    return scales


def stacked(layer) -> Tensor:
    coefficients, base_weights = layer.splines.weights()
    return torch.cat([coefficients, base_weights[:, None]], dim=1).detach()


def covariance(layer, source: Tensor) -> Tensor:
    """Return (source, basis + 1, basis + 1): covariances of the features, the base function's last."""
    spline, smooth = layer.splines.features(source)
    features = torch.cat([spline, smooth[:, None]], dim=1)
    features = features - features.mean(dim=2, keepdim=True)
    return features @ features.transpose(1, 2) / features.shape[2]


def curvature_form(splines, source: int) -> Tensor:
    """Return (basis + 1, basis + 1): the curvature form of a source's curves, the base function's row last.

    The base function counts as the spline that is closest to it, so that a straight edge pays nothing, however spline
    and base share it.
    """
    knots, degree = splines.axes.row(source), splines.degree
    t = dense_points(knots, degree)
    base = fit_coefficients(t, base_named(splines.base).value(t)[:, None], knots, degree)
    with_base = torch.cat([torch.eye(len(base), dtype=base.dtype), base], dim=1)
    form = base.new_zeros(splines.axes.n_basis + 1, splines.axes.n_basis + 1)
    place = [*range(len(base)), splines.axes.n_basis]
    form[torch.tensor(place)[:, None], torch.tensor(place)] = with_base.T @ curvature_matrix(knots, degree) @ with_base
    return form
