"""What function the curve on one edge could be."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from kanscience._checks import check_integer
from kanscience.functions import AffineFit, affine_fits, as_library
from kanscience.network import check_edge, check_trace_of
from kanscience.symbolic._ranking import candidates_of

if TYPE_CHECKING:
    from sympy import Expr

    from kanscience.functions import Function, Library
    from kanscience.network import MultKAN, Trace

_ROUNDING = 1000  # times machine epsilon: an amplitude of misfit below this is arithmetic
_COLUMNS = ("function", "1 - R²", "complexity", "nats", "formula")


@dataclass(frozen=True)
class Candidate:
    """One function for the curve on an edge, scale*f(slope*x + shift) + offset.

    Args:
        function: f.
        scale, slope, shift, offset: in the units of the edge.
        r2: share of the variance of the curve that it explains; NaN for a constant curve.
        misfit: 1 - r2, exact where r2 rounds to 1.
        complexity: tokens of f and free numbers.
        description_length: nats to write down the residuals and the formula; lower is better.
    """

    function: Function
    scale: float
    slope: float
    shift: float
    offset: float
    r2: float
    misfit: float
    complexity: int
    description_length: float

    def expression(self, x: Expr) -> Expr:
        """Return the formula in x."""
        return _formula(self, x, digits=17)

    def __str__(self) -> str:
        import sympy

        return str(_formula(self, sympy.Symbol("x"), digits=6))


class Suggestions(tuple[Candidate, ...]):
    """Candidates, best first, that print as a table."""

    def __repr__(self) -> str:
        return f"<Suggestions, best first: {', '.join(str(one.function) for one in self)}>"

    def __str__(self) -> str:
        rows = [_COLUMNS, *map(_row, self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        rows = [_COLUMNS, *map(_row, self)]
        cells = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def suggest(
    network: MultKAN,
    trace: Trace,
    edge: tuple[int, int, int],
    *,
    library: Library | Sequence[str] | None = None,
    top: int | None = None,
) -> Suggestions:
    """Return library functions that the curve on one edge could be, best first.

    Each is fitted to the values that the edge takes in the trace. They are ordered by description length,
    ``m/2 * log(1 - R²) + complexity/2 * log n``, the first part for the residuals, the second for the formula: log(n)/2
    nats for a free number and as much for a token, so that sin stands below x^2 where both are about as close (it has one
    more free number). n is the number of samples. An edge's curve is no measurement: its deviation from a function is
    another smooth curve, and counts only as the m runs of equal sign of the residuals of the closest candidate, not as n
    independent errors (m = n where the closest is exact to rounding).

    Args:
        network: the one that was traced.
        trace: from ``ks.trace(network, x)``; the samples decide on which stretch of the curve functions compare.
        edge: (layer, source, target), the target counting subnodes.
        library: a library, or names and labels of its functions such as ``["sin", "x^2"]``.
        top: at most so many candidates.

    Raises:
        OptionError: the network has no such edge, or the library no such function, or no candidates at all.
        ShapeError: the trace is of another network.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.MultKAN([1, 1], seed=0)
        >>> x = torch.linspace(-1, 1, 100, dtype=torch.float64)[:, None]
        >>> len(ks.suggest(network, ks.trace(network, x), (0, 0, 0), top=3))
        3
    """
    check_trace_of(network, trace)
    layer, source, target = check_edge(network, edge)
    most = None if top is None else check_integer("top", top)
    x = trace.nodes[layer][:, source]
    rounding = (_ROUNDING * torch.finfo(x.dtype).eps) ** 2
    x, y = (values.detach().cpu().double().numpy() for values in (x, trace.edges[layer][:, source, target]))
    fits = affine_fits(candidates_of(as_library(library)), x, y)
    errors = _independent_errors(fits, x, y, rounding)
    candidates = [_candidate(fit, errors, len(x), rounding) for fit in fits]
    return Suggestions(sorted(candidates, key=lambda c: (round(c.description_length, 3), abs(c.shift)))[:most])


def _independent_errors(fits: list[AffineFit], x: np.ndarray, y: np.ndarray, rounding: float) -> int:
    closest = min(fits, key=lambda fit: fit.misfit)
    if closest.misfit <= rounding:
        return len(x)
    positive = (y - closest(x))[np.argsort(x, kind="stable")] > 0
    return 1 + int((positive[1:] != positive[:-1]).sum())


def _candidate(fit: AffineFit, errors: int, n: int, rounding: float) -> Candidate:
    complexity = fit.function.complexity + fit.function.n_constants
    misfit = 1.0 if math.isnan(fit.misfit) else fit.misfit + rounding
    return Candidate(
        fit.function,
        fit.scale,
        fit.slope,
        fit.shift,
        fit.offset,
        fit.r2,
        fit.misfit,
        complexity,
        errors / 2 * math.log(misfit) + complexity / 2 * math.log(n),
    )


def _formula(candidate: Candidate, x: Expr, digits: int) -> Expr:
    scale, slope, shift, offset = (
        _number(value, digits) for value in (candidate.scale, candidate.slope, candidate.shift, candidate.offset)
    )
    return scale * candidate.function.sympy(slope * x + shift) + offset


def _number(value: float, digits: int) -> Expr:
    import sympy

    rounded = float(f"{value:.{digits}g}")
    return sympy.Integer(int(rounded)) if rounded.is_integer() and abs(rounded) < 1e6 else sympy.Float(rounded, digits)


def _row(candidate: Candidate) -> tuple[str, ...]:
    return (
        candidate.function.label,
        f"{candidate.misfit:.2g}",
        str(candidate.complexity),
        f"{candidate.description_length:.1f}",
        str(candidate),
    )
