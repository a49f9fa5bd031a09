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
    train, weights = run.train, run.weights()
    curvatures = None if penalty is None else curvature_forms(network, penalty)

    def squares(rows: Tensor | None) -> Tensor:
        x, y, w = (train.x, train.y, weights) if rows is None else (train.x[rows], train.y[rows], weights[rows])
        residuals = w.T * (network.outputs(network.sources(x)) - y.T)
        value = (residuals**2).sum() * (len(train.x) / len(x))
        return value if penalty is None else value + penalty_value(network, x, penalty, curvatures)

    return squares
