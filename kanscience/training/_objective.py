"""What a fit minimises: weighted residuals of a network on samples, or any callable of the network."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience.network import FlatView, sweep
from kanscience.training._blocks import normal_equations, parts_of
from kanscience.training._levenberg import Quadratic
from kanscience.training._penalties import Penalty
from kanscience.training._penalty_form import PenaltyForm
from kanscience.training._stack import structure_of

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
        pull: towards earlier numbers, where there is no penalty.
    """

    def __init__(
        self,
        network: MultKAN,
        x: Tensor,
        y: Tensor,
        weights: Tensor,
        penalty: Penalty | None = None,
        pull: Quadratic | None = None,
    ) -> None:
        self.network, self.x, self.y, self.weights = network, x, y, weights
        self.pull = pull
        self.form = PenaltyForm(network, x, penalty) if penalty is not None and penalty.strength else None
        self.view = FlatView(network)
        self.kinds = self.view.slices()
        self.parts = parts_of(network, self.view, x, y, weights)

    @cached_property
    def structure(self) -> tuple | None:
        """What problems share that can be evaluated side by side; None for one that is best left alone."""
        return structure_of(self.network, self.view, self.parts)

    def start(self) -> np.ndarray:
        """Return the network's present numbers."""
        return self.view.read().numpy().astype(np.float64)

    def write(self, theta: np.ndarray) -> None:
        """Set the network's numbers."""
        self.view.write_(torch.from_numpy(theta))

    @torch.no_grad()
    def loss(self, theta: np.ndarray) -> float:
        """Return the sum of squared residuals."""
        self.write(theta)
        network = self.network
        outputs = (network.outputs(network.sources(part.x), part.first) for part in self.parts)
        return sum(float((part.residuals(y) ** 2).sum()) for part, y in zip(self.parts, outputs, strict=True))

    def normal_equations(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the loss, ``J @ J.T`` and ``J @ residuals`` for the transposed Jacobian J."""
        self.write(theta)
        return normal_equations(self.network, self.view, self.parts)

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and their transposed Jacobian (size, outputs * N), all of it at once."""
        self.write(theta)
        done = sweep(self.network, self.x)
        residuals = self.weights.T * (done.outputs - self.y.T)
        done = done.scaled(self.weights.T)
        rows = [done.rows(output, self.view.trained) for output in range(len(residuals))]
        return residuals.flatten().numpy(), torch.cat(rows, dim=1).numpy()

    def quadratic(self, theta: np.ndarray) -> Quadratic | None:
        """Return what edges pay, or else the pull, around the present numbers."""
        if self.form is None:
            return self.pull
        self.write(theta)
        return Quadratic(self.form.matrix(), np.zeros_like(theta))


class WithFixedNumbers:
    """A least-squares problem with some of its numbers held where they are."""

    def __init__(self, problem: Regression, held: np.ndarray) -> None:
        self.problem, self.free = problem, np.flatnonzero(~held)
        self.whole = problem.start()
        ends = [np.searchsorted(self.free, (kind.start, kind.stop)) for kind in problem.kinds]
        self.kinds = [slice(int(start), int(stop)) for start, stop in ends if stop > start]

    def start(self) -> np.ndarray:
        """Return the free numbers."""
        return self.whole[self.free]

    def full(self, theta: np.ndarray) -> np.ndarray:
        """Return all numbers for these free ones."""
        whole = self.whole.copy()
        whole[self.free] = theta
        return whole

    def loss(self, theta: np.ndarray) -> float:
        """Return the sum of squared residuals."""
        return self.problem.loss(self.full(theta))

    def normal_equations(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the loss, and matrix and vector of the free numbers."""
        loss, matrix, gradient = self.problem.normal_equations(self.full(theta))
        return loss, matrix[np.ix_(self.free, self.free)], gradient[self.free]

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and the rows of the free numbers."""
        residuals, rows = self.problem.linearize(self.full(theta))
        return residuals, rows[self.free]

    def quadratic(self, theta: np.ndarray) -> None:
        """No penalty."""
        return


class ResidualLoss:
    """Residuals that any callable of the network returns, as a least-squares problem."""

    def __init__(self, network: MultKAN, loss: Callable[[MultKAN], Tensor]) -> None:
        self.network, self.callable = network, loss
        self.view = FlatView(network)
        self.kinds = self.view.slices()

    def start(self) -> np.ndarray:
        """Return the network's present numbers."""
        return self.view.read().numpy().astype(np.float64)

    def write(self, theta: np.ndarray) -> None:
        """Set the network's numbers."""
        self.view.write_(torch.from_numpy(theta))

    def loss(self, theta: np.ndarray) -> float:
        """Return the sum of squared residuals."""
        self.write(theta)
        residuals = self.callable(self.network).detach().double()
        return float((residuals**2).sum())

    def normal_equations(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the loss, ``J @ J.T`` and ``J @ residuals`` for the transposed Jacobian J."""
        residuals, rows = self.linearize(theta)
        return float(residuals @ residuals), rows @ rows.T, rows @ residuals

    def linearize(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and their transposed Jacobian, by one batched backward pass."""
        self.write(theta)
        residuals = self.callable(self.network).flatten()
        parts = [(p, index) for p, index in self.view.parts if len(index)]  # others may be frozen as PyTorch's users do
        if not parts:
            return residuals.detach().double().numpy(), np.zeros((0, len(residuals)))
        parameters = [p for p, _ in parts]
        seeds = torch.eye(len(residuals), dtype=residuals.dtype)
        found = torch.autograd.grad(residuals, parameters, seeds, is_grads_batched=True, allow_unused=True)
        rows = [
            (torch.zeros(len(residuals), p.numel()) if g is None else g.flatten(1))[:, index]
            for g, (p, index) in zip(found, parts, strict=True)
        ]
        return residuals.detach().double().numpy(), torch.cat(rows, dim=1).T.contiguous().double().numpy()

    def quadratic(self, theta: np.ndarray) -> None:
        """No penalty: a callable loss holds all that is wanted."""
        return
