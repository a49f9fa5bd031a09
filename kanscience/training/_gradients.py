"""The loss as a scalar that autograd differentiates, for first-order optimisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from kanscience.training._penalties import curvature_forms, penalty_value

if TYPE_CHECKING:
    from kanscience.training._penalties import Penalty


def loss_of(run: Any, penalty: Penalty | None) -> Callable[[Tensor | None], Tensor]:
    """Return the loss as a function of row indices (None: all rows)."""
    network = run.network
    if run.train is None:

        def own(_: Tensor | None) -> Tensor:
            value = run.loss(network)
            return value if value.dim() == 0 else (value**2).sum()

        return own
    train, curvatures = run.train, None if penalty is None else curvature_forms(network, penalty)
    weights = run.weights() if train.sigma is not None else run.weights()[:1]  # then all rows weigh the same
    weighted = weights * train.y

    def squares(rows: Tensor | None) -> Tensor:
        x, y, w = _of_rows(train.x, rows), _of_rows(weighted, rows), _of_rows(weights, rows)
        # Nodes come row after row in memory: transposed ones make every operation of the layers several times slower.
        residuals = w.T * network.outputs(network.sources(x).contiguous()) - y.T
        value = residuals.square().sum() * (len(train.x) / len(x))
        return value if penalty is None else value + penalty_value(network, x, penalty, curvatures)

    return squares


def _of_rows(array: Tensor, rows: Tensor | None) -> Tensor:
    return array if rows is None or len(array) == 1 else array.index_select(0, rows)
