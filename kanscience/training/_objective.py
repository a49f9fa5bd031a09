"""What a fit minimises: weighted residuals of a network on samples, or any callable of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience._errors import ShapeError
from kanscience.network import FlatView, jacobian
from kanscience.training._penalties import Penalty, quadratic_form

if TYPE_CHECKING:
    from kanscience.network import MultKAN


class Regression:
    """Weighted residuals ``weight * (network(x) - y)`` as a least-squares problem in the trainable numbers.

    Args:
        network: trained in place.
        x: (N, inputs), checked.
        y: (N, outputs).
        weights: (N, outputs); the loss is the sum of squares.
        penalty: what edges pay.
        center: (size,) numbers that the penalty draws towards; None is zero.
    """

    def __init__(
        self,
        network: MultKAN,
        x: Tensor,
        y: Tensor,
        weights: Tensor,
        penalty: Penalty | None = None,
        center: np.ndarray | None = None,
    ) -> None:
        self.network, self.x, self.y, self.weights = network, x, y, weights
        self.penalty, self.center = penalty, center
        self.view = FlatView(network)
        with torch.no_grad():  # the inputs and their knots stay: so do the first layer's features
            self._first = network.layers[0].features(network.sources(x))

    def start(self) -> np.ndarray:
        """Return the network's present numbers."""
        return self.view.read().numpy().astype(np.float64)

    def write(self, theta: np.ndarray) -> None:
        """Set the network's numbers."""
        self.view.write_(torch.from_numpy(theta))

    def residuals(self, theta: np.ndarray) -> np.ndarray:
        """Return (outputs * N,) residuals."""
        self.write(theta)
        with torch.no_grad():
            outputs = self.network.outputs(self.network.sources(self.x), self._first)
        return (self.weights.T * (outputs - self.y.T)).flatten().numpy()

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and their transposed Jacobian (size, outputs * N)."""
        self.write(theta)
        outputs, rows = jacobian(self.network, self.x, self.view, self._first)
        weights = self.weights.T
        residuals = (weights * (outputs - self.y.T)).flatten()
        rows = rows * weights[:, None]
        rows = rows[0] if len(rows) == 1 else rows.transpose(0, 1).flatten(1)
        return residuals.numpy(), rows.numpy()

    def quadratic(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the penalty around the present numbers as a quadratic form and its center."""
        if self.penalty is None or not self.penalty.strength:
            return None
        self.write(theta)
        center = np.zeros_like(theta) if self.center is None else self.center
        return quadratic_form(self.network, self.x, self.penalty), center


def checked_targets(targets: Tensor, rows: int, outputs: int) -> Tensor:
    """Return targets as (N, outputs).

    Raises:
        ShapeError: another number of rows, or of columns than the network has outputs.
    """
    y = targets[:, None] if targets.dim() == 1 else targets
    if y.dim() != 2 or tuple(y.shape) != (rows, outputs):
        raise ShapeError(
            f"`targets` must have shape ({rows}, {outputs}): one row for each of the {rows} rows of `inputs`, one column "
            f"for each of the network's {outputs} outputs; got {tuple(targets.shape)}."
        )
    return y


class ResidualLoss:
    """Residuals that any callable of the network returns, as a least-squares problem."""

    def __init__(self, network: MultKAN, loss: Callable[[MultKAN], Tensor]) -> None:
        self.network, self.loss = network, loss
        self.view = FlatView(network)

    def start(self) -> np.ndarray:
        """Return the network's present numbers."""
        return self.view.read().numpy().astype(np.float64)

    def write(self, theta: np.ndarray) -> None:
        """Set the network's numbers."""
        self.view.write_(torch.from_numpy(theta))

    def residuals(self, theta: np.ndarray) -> np.ndarray:
        """Return (M,) residuals."""
        self.write(theta)
        return self.loss(self.network).detach().flatten().numpy()

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and their transposed Jacobian, by one batched backward pass."""
        self.write(theta)
        residuals = self.loss(self.network).flatten()
        parameters = [p for p, _ in self.view.parts]
        seeds = torch.eye(len(residuals), dtype=residuals.dtype)
        found = torch.autograd.grad(residuals, parameters, seeds, is_grads_batched=True, allow_unused=True)
        rows = [
            (torch.zeros(len(residuals), p.numel()) if g is None else g.flatten(1))[:, index]
            for g, (p, index) in zip(found, self.view.parts, strict=True)
        ]
        return residuals.detach().numpy(), torch.cat(rows, dim=1).T.contiguous().double().numpy()

    def quadratic(self, theta: np.ndarray) -> None:
        """No penalty: a callable loss holds all that is wanted."""
        return
