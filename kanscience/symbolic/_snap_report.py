"""What became of the splines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanscience.network import MultKAN

Edge = tuple[int, int, int]
"""Layer, source, target."""


@dataclass(frozen=True)
class SnapCandidate:
    """One symbolic network on the way: its complexity (tokens), and its RMSE on the rows that decide."""

    complexity: int
    loss: float
    network: MultKAN

    def __str__(self) -> str:
        from kanscience.compiler import expression

        formulas = ", ".join(map(str, expression(self.network)))
        return f"{self.complexity:4d}  {self.loss:.3g}  {formulas}"


@dataclass(frozen=True)
class SnapReport:
    """How splines became symbols.

    ``front`` holds the candidates that no other beats in both complexity and loss, simplest first; ``loss`` is the
    RMSE of the chosen one on the rows that decide, ``spline_loss`` that of the network before, both in the unit of the
    targets. ``exact`` says that the loss is rounding's.
    """

    loss: float
    spline_loss: float
    exact: bool
    functions: dict[Edge, str]
    front: tuple[SnapCandidate, ...]

    def __str__(self) -> str:
        lines = [f"RMSE {self.loss:.3g} (splines: {self.spline_loss:.3g})", "complexity, loss, formula:"]
        return "\n".join(lines + [str(candidate) for candidate in self.front])
