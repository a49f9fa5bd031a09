"""What the fits of a search share: the rows, the clock, and how one of them goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience.network import MultKAN
from kanscience.training import FitReport, Penalty, fit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

COARSE, FINE = (5,), (10, 20)
_STEPS = 60  # of every coarse fit


@dataclass(frozen=True, eq=False)
class SearchRows:
    """What every fit of a search sees."""

    X: Tensor
    y: Tensor
    sigma: Tensor | None
    valid: tuple[Tensor, Tensor]
    deadline: float

    @classmethod
    def of(
        cls, X: ArrayLike, y: ArrayLike, sigma: ArrayLike | None, valid: tuple[ArrayLike, ArrayLike], deadline: float
    ) -> SearchRows:
        """Return the rows as float64 tensors."""
        x, targets, *held = (torch.as_tensor(part, dtype=torch.float64) for part in (X, y, *valid))
        errors = None if sigma is None else torch.as_tensor(sigma, dtype=torch.float64)
        return cls(x, targets, errors, (held[0], held[1]), deadline)

    @property
    def spread(self) -> float:
        """The standard deviation of the targets."""
        return float(self.y.std(correction=0))

    def fitted(self, network: MultKAN, grids: Sequence | None = None, **options) -> FitReport:
        """Fit a network in place; the rows that decide stop it."""
        late = [lambda _: time.monotonic() > self.deadline]
        options = {"valid": self.valid, "progress": False, "callbacks": late, **options}
        report = fit(network, self.X, self.y, sigma=self.sigma, grids=grids, **options)
        if report.status == "interrupted":
            raise KeyboardInterrupt  # a single fit ends with a usable network, a search of many ends as a whole
        return report

    def penalised(self, network: MultKAN, penalty: Penalty, **options) -> None:
        """Fit a network in place under a penalty, to the end."""
        self.fitted(network, penalty=penalty, valid=None, **options)

    def loss_of(self, network: MultKAN, steps: int = _STEPS) -> float:
        """Fit a network in place on the coarse grid; return its loss on the rows that decide."""
        return valid_loss(self.fitted(network, COARSE, steps=steps))


def valid_loss(report: FitReport) -> float:
    """Return the loss on the rows that decide."""
    assert report.valid_loss is not None  # every one of these fits has rows that decide
    return report.valid_loss
