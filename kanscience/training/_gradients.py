"""The loss and its slopes, for first-order optimisers: row blocks after each other, so that memory is that of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanscience.training._penalties import curvature_forms, penalty_value

if TYPE_CHECKING:
    from kanscience.network import MultKAN
    from kanscience.training._penalties import Penalty

_NODE_VALUES = 2**19  # at once: enough to hide what a call costs, few enough to stay near the processor
Terms = Callable[[Tensor | None], Sequence[Callable[[], Tensor]]]


def rows_at_once(network: MultKAN) -> int:
    """Return how many rows are best evaluated together."""
    return max(_NODE_VALUES // sum(len(layer.splines.low) for layer in network.layers), 1024)


def terms_of(run: Any, penalty: Penalty | None) -> Terms:
    """Return the terms whose sum is the loss of some rows, by their indices (None: all rows).

    Each is a function without arguments, to be differentiated before the next one is called.
    """
    if run.train is None:
        return lambda _: [lambda: _own(run)]
    network, train = run.network, run.train
    weights = run.weights() if train.sigma is not None else run.weights()[:1]  # then all rows weigh the same
    weighted = weights * train.y
    curvatures = None if penalty is None else curvature_forms(network, penalty)
    size = rows_at_once(network)

    def squares(rows: Tensor | slice, share: float) -> Tensor:
        x, y, w = _of_rows(train.x, rows), _of_rows(weighted, rows), _of_rows(weights, rows)
        residuals = w.T * network.outputs(network.sources(x)) - y.T
        return residuals.square().sum() / share

    def paid(penalty: Penalty, rows: Tensor | None) -> Tensor:
        return penalty_value(network, train.x if rows is None else _of_rows(train.x, rows), penalty, curvatures)

    def terms(rows: Tensor | None) -> Sequence[Callable[[], Tensor]]:
        total = len(train.x)
        blocks = [slice(k, k + size) for k in range(0, total, size)] if rows is None else rows.split(size)
        share = 1.0 if rows is None else len(rows) / total
        found = [partial(squares, block, share) for block in blocks]
        return found if penalty is None else [*found, partial(paid, penalty, rows)]

    return terms


def value_and_slopes(
    terms: Sequence[Callable[[], Tensor]], parameters: Sequence[torch.nn.Parameter]
) -> tuple[Tensor, Sequence[Tensor | None]]:
    """Return the sum of the terms and its derivatives; None where a parameter does not enter."""
    value: Tensor = torch.zeros(())
    slopes: Sequence[Tensor | None] = [None] * len(parameters)
    for term in terms:
        one = term()
        found = torch.autograd.grad(one, parameters, allow_unused=True)
        value = value + one.detach()
        slopes = [b if a is None else a if b is None else a + b for a, b in zip(slopes, found, strict=True)]
    return value, slopes


def _own(run: Any) -> Tensor:
    value = run.loss(run.network)
    return value if value.dim() == 0 else (value**2).sum()


def _of_rows(array: Tensor, rows: Tensor | slice) -> Tensor:
    if len(array) == 1:
        return array
    return array[rows] if isinstance(rows, slice) else array.index_select(0, rows)
