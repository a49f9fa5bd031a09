"""The derivative of every output to every trainable number, by one backward sweep an output.

The network is linear in the coefficients of each layer, so with the features F of a layer and the sensitivity
``delta[t] = d output / d subnode[t]`` the Jacobian of a coefficient ``(s, b, t)`` is ``F[s, b] * delta[t]``: no second
differentiation, and nothing of shape batch x source x target that is not the answer itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.network._flat import FlatView
from kanscience.network._layer import Features, Layer, multiply

if TYPE_CHECKING:
    from kanscience.network._multkan import MultKAN


def jacobian(
    network: MultKAN, x: Tensor, view: FlatView | None = None, first: Features | None = None
) -> tuple[Tensor, Tensor]:
    """Return the outputs and their Jacobian in the order of `FlatView`.

    Args:
        network: left as it is.
        x: (N, inputs), unchecked.
        view: of this network; made where it is not given.
        first: the first layer's features of ``x``, where they are known already.

    Returns:
        Outputs (output, N) and Jacobian (output, size, N).
    """
    view = view or FlatView(network)
    n_constants = len(network.constants)
    nodes = network.sources(x).detach().requires_grad_(n_constants > 0)
    origin, sources, features, subnodes = nodes, [], [], []
    with torch.enable_grad():
        for layer in network.layers:
            sources.append(nodes.detach())
            features.append(first if first is not None and nodes is origin else layer.features(nodes))
            sums = layer.sums(nodes, features[-1])
            subnodes.append(sums if sums.requires_grad else sums.requires_grad_())
            nodes = multiply(sums, layer.shape)
        outputs = network.read_out(nodes)
        wanted = [*subnodes, *([origin] if n_constants else [])]
        rows = []
        for output in outputs:
            deltas = torch.autograd.grad(
                output.sum(), wanted, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            parts = zip(network.layers, sources, features, deltas, view.trained, strict=False)
            blocks = [block for part in parts for block in _layer_rows(*part)]
            if n_constants:  # what the output gains from a constant's row of layer 0, one number for all samples
                blocks.append(deltas[-1][network.n_inputs :][network.constants_trainable])
            rows.append(torch.cat(blocks))
    return outputs.detach(), rows[0][None] if len(rows) == 1 else torch.stack(rows)


def _layer_rows(
    layer: Layer, x: Tensor, features: Features, delta: Tensor, trained: dict[str, tuple[Tensor, ...]]
) -> list[Tensor]:
    blocks = []
    if features is not None:
        spline, smooth = features[0].detach(), features[1].detach()
        s, b, t = trained["splines.coefficients"]
        blocks.append(spline[s, b].mul_(delta[t]))
        s, t = trained["splines.base_weights"]
        blocks.append(smooth[s] * delta[t])
    if len(layer.terms):
        blocks += _term_rows(layer, x, delta, trained)
    blocks.append(delta[trained["bias"]])
    return blocks


@torch.no_grad()
def _term_rows(layer: Layer, x: Tensor, delta: Tensor, trained: dict[str, tuple[Tensor, ...]]) -> list[Tensor]:
    terms = layer.terms
    to_term = delta[terms.target]
    to_argument = terms.scale[:, None] * terms.slopes(x) * to_term
    return [
        (terms.unscaled(x) * to_term)[trained["terms.scale"]],
        (to_argument * x[terms.source])[trained["terms.slope"]],
        to_argument[trained["terms.shift"]],
    ]
