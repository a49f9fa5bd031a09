"""One fit on its way: what it fits to, how good it is by now, and its history."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from kanscience.training._gradients import rows_at_once
from kanscience.training._report import Progress
from kanscience.training._schedule import snapshot
from kanscience.training._weights import normalised_weights

if TYPE_CHECKING:
    from kanscience.network import MultKAN
    from kanscience.training._penalties import Penalty
    from kanscience.training._samples import Samples


@dataclass
class Run:
    """One fit on its way."""

    network: MultKAN
    train: Samples | None
    held: Samples | None
    loss: Callable[[MultKAN], Tensor] | None
    penalty: Penalty | None
    move_knots: bool | None
    callbacks: list
    generator: torch.Generator
    optimizer: str = "lm"
    steps: int = 200
    batch_size: int | None = None
    shrink: bool | None = None
    scatter: float = 0.0
    step: int = 0
    damping: float = 1e-2
    status: str = "step limit"
    stopping: bool = False
    fresh: bool = True  # never fitted
    history: list[Progress] = field(default_factory=list)
    best_held: tuple[float, dict] = (np.inf, {})  # of the present descent: judged, snapshot
    bar: Any = None
    begun: float = field(default_factory=time.perf_counter)
    _known: dict[int, tuple[Samples, _Numbers, Tensor]] = field(default_factory=dict)

    def weights(self) -> Tensor:
        assert self.train is not None
        return normalised_weights(self.train.y, self.train.sigma, self.scatter)

    def rmse(self, samples: Samples | None) -> float:
        """Return the root mean square residual, weighted where errors are given, in the unit of the targets."""
        if samples is None:
            return float("nan")
        squares = self._residuals(samples).double() ** 2  # in single precision those of 1e-19 would be 0
        if samples.sigma is None:
            return float(squares.mean().sqrt())
        weights = 1 / (samples.sigma.double() ** 2 + self.scatter**2)
        return float(((weights * squares).sum() / weights.sum()).sqrt())

    def _residuals(self, samples: Samples) -> Tensor:
        """Return (N, outputs) residuals; those of a network that nobody has written since are known."""
        now = _Numbers.of(self.network)
        known = self._known.get(id(samples))
        if known is None or known[0] is not samples or not known[1].are(now):
            known = samples, now, residuals_of(self.network, samples)
            self._known[id(samples)] = known
        return known[2]

    @property
    def measure(self) -> str:
        """Return what the losses of the history are called."""
        return "RMSE" if self.train is not None else "loss"

    def all_inputs(self) -> Tensor:
        """Return the inputs of all rows: ranges hold those that are held back too (inputs tell nothing of targets)."""
        assert self.train is not None
        return self.train.x if self.held is None else torch.cat([self.train.x, self.held.x])

    def judged(self) -> float:
        """Return the loss that decides: of the held-back rows, else of the rows trained on."""
        if self.train is None:
            return loss_value(self.network, self.loss)
        return self.misfit(self.held if self.held is not None else self.train)

    @torch.no_grad()
    def misfit(self, samples: Samples | None) -> float:
        """Return the root mean square residual as the fit weighs it: small outputs count beside large ones."""
        assert self.train is not None
        assert samples is not None
        if samples.sigma is not None or self.network.n_outputs == 1:
            return self.rmse(samples)
        units = 1 / normalised_weights(self.train.y, None, 0.0)[0]
        return float(((self._residuals(samples) / units) ** 2).mean().sqrt())

    def record(self) -> None:
        """Add a line to the history and tell the callbacks."""
        grid = tuple(int(layer.splines.intervals.max()) for layer in self.network.layers)
        valid = None if self.held is None else self.rmse(self.held)
        loss = self.rmse(self.train) if self.train is not None else loss_value(self.network, self.loss)
        if self.held is not None and self.judged() < self.best_held[0]:
            self.best_held = self.judged(), snapshot(self.network)
        self.tell(Progress(self.step, grid, loss, valid))

    def tell(self, line: Progress) -> None:
        """Add a line to the history, ask the callbacks whether to stop, and move the bar."""
        self.history.append(line)
        told = [callback(line) for callback in self.callbacks]
        self.stopping |= any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in told)
        if self.bar is not None:
            self.bar.update(self.step - self.bar.n)
            valid = "" if line.valid_loss is None else f", validation {line.valid_loss:.3g}"
            self.bar.set_postfix_str(f"{self.measure} {line.loss:.3g}{valid}")


@dataclass(frozen=True, eq=False)
class _Numbers:
    """The tensors of a network, and how often each had been written."""

    tensors: tuple[Tensor, ...]
    versions: tuple[int, ...] | None  # None: those of inference mode count no changes

    @classmethod
    def of(cls, network: MultKAN) -> _Numbers:
        tensors = tuple(_tensors(network))
        uncounted = any(tensor.is_inference() for tensor in tensors)
        return cls(tensors, None if uncounted else tuple(tensor._version for tensor in tensors))

    def are(self, others: _Numbers) -> bool:
        """Return whether these are known to be the same numbers."""
        if self.versions is None or others.versions is None:
            return False
        same = len(self.tensors) == len(others.tensors) and all(map(operator.is_, self.tensors, others.tensors))
        return same and self.versions == others.versions


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    # What `parameters` and `buffers` list too, without their look for names and for tensors that are shared.
    for numbers in (module._parameters, module._buffers):
        yield from (tensor for tensor in numbers.values() if tensor is not None)
    for part in module._modules.values():
        if part is not None:
            yield from _tensors(part)


@torch.no_grad()
def residuals_of(network: MultKAN, samples: Samples) -> Tensor:
    """Return (N, outputs): prediction minus target."""
    blocks = samples.x.split(rows_at_once(network))
    return torch.cat([network.outputs(network.sources(x)).T for x in blocks]) - samples.y


def loss_value(network: MultKAN, loss: Callable[[MultKAN], Tensor] | None) -> float:
    """Return a scalar loss as it is, of a vector its root mean square."""
    assert loss is not None
    value = loss(network).detach()
    return float(value) if value.dim() == 0 else float((value**2).mean().sqrt())
