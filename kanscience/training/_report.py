"""What a fit reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Parameter:
    """A named constant after the fit, in its own unit; ``error`` is its standard error, inf where undetermined."""

    value: float
    error: float
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.value:.6g} ± {self.error:.2g}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Progress:
    """One line of a fit's history; losses are root mean squares in the targets' unit (several outputs: pooled)."""

    step: int
    grid: tuple[int, ...]
    loss: float
    valid_loss: float | None = None


@dataclass(frozen=True)
class FitReport:
    """How a fit went.

    ``status`` is "converged", "step limit", "stopped" (a callback), "interrupted" (Ctrl-C; the network holds the best
    so far) or "not finite" (the start gave no finite loss; nothing was changed).
    """

    status: str
    optimizer: str
    loss: float
    valid_loss: float | None
    steps: int
    seconds: float
    grid: tuple[int, ...]
    scatter: float = 0.0  # of the model itself, in the targets' unit; where `sigma` was given
    shrinkage: float = 0.0  # strength of the pull towards the coarser curve that validation chose
    history: tuple[Progress, ...] = field(default=(), repr=False)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.optimizer}: {self.status} after {self.steps} steps, {self.seconds:.2f} s; grids {list(self.grid)}",
            f"RMSE {self.loss:.4g}" + ("" if self.valid_loss is None else f", validation {self.valid_loss:.4g}"),
        ]
        if self.scatter:
            lines.append(f"scatter of the model beside the given errors: {self.scatter:.4g}")
        lines += [f"{name} = {parameter}" for name, parameter in self.parameters.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"
