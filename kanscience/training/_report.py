"""What a fit reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Parameter:
    """A named constant after the fit, in its own unit; ``error`` is its standard error, inf where undetermined."""

    value: float
    error: float
    reason: str = ""
    unit: str | None = None

    @property
    def is_determined(self) -> bool:
        """Whether the data, or the scientist who held it fixed, say what it is."""
        return math.isfinite(self.error)

    def undetermined(self, reason: str) -> Parameter:
        """Return the constant with an infinite error, unless it was held fixed."""
        return self if self.reason else replace(self, error=math.inf, reason=reason)

    def with_error(self, error: float, reason: str = "") -> Parameter:
        """Return the constant with a standard error, or with the reason why it has none."""
        return self.undetermined(reason) if reason else replace(self, error=float(error))

    def texts(self) -> tuple[str, str]:
        """Return value and error as text, the value to the second digit of the error."""
        if not self.error or not self.is_determined:
            return f"{self.value:.6g}", "" if not self.error else "inf"
        digits = math.floor(math.log10(abs(self.value) or self.error)) - math.floor(math.log10(self.error)) + 2
        return f"{self.value:#.{min(max(digits, 1), 17)}g}".rstrip("."), f"{self.error:.2g}"

    def __str__(self) -> str:
        value, error = self.texts()
        unit = f" {self.unit}" if self.unit else ""
        return f"{value} ± {error or 0}{unit}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Progress:
    """One line of a fit's history; losses are root mean squares in the targets' unit (several outputs: pooled).

    Of a loss of one's own, the root mean square of its residuals, or the scalar that it returns.
    """

    step: int
    grid: tuple[int, ...]
    loss: float
    valid_loss: float | None = None


@dataclass(frozen=True)
class FitReport:
    """How a fit went.

    ``status`` is "converged", "step limit", "stopped" (a callback), "interrupted" (Ctrl-C; the network holds the best
    so far) or "not finite" (the start gave no finite loss; nothing was changed). ``loss`` is the root mean square residual
    of the rows fitted to, ``valid_loss`` of those held back, in the targets' unit (``measure`` says "RMSE"; "loss" where it
    is one's own); ``grid`` the finest grid of each layer, ``scatter`` the scatter of the model itself beside the given
    errors, ``shrinkage`` the strength of the pull that held-back rows chose, 0 for none; ``history`` has a `Progress` for
    every few steps.

    Of a network with named constants ``parameters["k"]`` holds value and standard error, ``correlations["k"]["m"]`` the
    correlation of two of them, ``freedom`` the degrees of freedom (rows less determined numbers) and ``chi2_per_freedom``
    the sum of squared residuals over them, residuals in units of ``sigma`` where it was given, else in the targets' own.
    Standard errors are scaled by the residuals where there is no ``sigma``; else they follow from it, and from the scatter
    of the model where the residuals are larger.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> law = ks.compile_formula("k*x", ["x"], parameters={"k": (1.0, "N/m")})
        >>> report = ks.fit(law, [[1.0], [2.0], [3.0]], [2.1, 3.9, 6.1], sigma=0.1)
        >>> print(report.parameters["k"])
        2.014 ± 0.031 N/m
    """

    status: str
    optimizer: str
    loss: float
    valid_loss: float | None
    steps: int
    seconds: float
    grid: tuple[int, ...]
    measure: str = field(default="RMSE", repr=False)  # what the losses are; "loss" where they are one's own
    scatter: float = 0.0  # of the model itself, in the targets' unit; where `sigma` was given
    shrinkage: float = 0.0  # strength of the pull towards the coarser curve that validation chose
    history: tuple[Progress, ...] = field(default=(), repr=False)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    correlations: Mapping[str, Mapping[str, float]] = field(default_factory=dict, repr=False)
    freedom: int | None = None
    chi2_per_freedom: float | None = None

    def __str__(self) -> str:
        grids = f"; grids {list(self.grid)}" if max(self.grid) > 1 else ""  # a law without curves has none
        lines = [
            f"{self.optimizer}: {self.status} after {self.steps} steps, {self.seconds:.2f} s{grids}",
            f"{self.measure} {self.loss:.4g}"
            + ("" if self.valid_loss is None else f", validation {self.valid_loss:.4g}"),
        ]
        if self.chi2_per_freedom is not None:
            lines[-1] += f"; chi2 per degree of freedom {self.chi2_per_freedom:.4g}, {self.freedom} degrees of freedom"
        if self.scatter:
            lines.append(f"scatter of the model beside the given errors: {self.scatter:.4g}")
        return "\n".join([*lines, *_table(self.parameters, self.correlations)])

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


def _table(parameters: Mapping[str, Parameter], correlations: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return a line for each constant: value, standard error, unit, its correlations with those above it."""
    cells = []
    above: list[str] = []
    for name, parameter in parameters.items():
        value, error = parameter.texts()
        row = [name, "=", value, "±" if error else "", error, parameter.unit or "", parameter.reason]
        if name in correlations:
            row += [f"{correlations[name][other]:+.3f}" for other in above]
            above.append(name)
        cells.append(row)
    if len(above) > 1:
        head = [""] * 7 + [f"corr. {above[0]}", *above[1:-1]]
        cells.insert(0, head)
    columns = max(map(len, cells), default=0)
    cells = [row + [""] * (columns - len(row)) for row in cells]
    kept = [k for k in range(columns) if any(row[k] for row in cells)]
    width = {k: max(len(row[k]) for row in cells) for k in kept}
    return [" ".join(row[k].ljust(width[k]) for k in kept).rstrip() for row in cells]
