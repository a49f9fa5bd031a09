"""Formulas that compete: each with its complexity, its loss, and the route by which it was found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanscience.discovery._formula import complexity
from kanscience.discovery._spelling import as_text
from kanscience.discovery._text_tables import aligned, html_table

if TYPE_CHECKING:
    import sympy

    from kanscience.network import MultKAN

_WIDEST = 72  # characters of a formula in a table


@dataclass(frozen=True)
class Proposal:
    """What a route hands in: a formula in the names of the columns, and its network where it has one."""

    expression: sympy.Expr
    route: str
    network: MultKAN | None = None


@dataclass(frozen=True)
class Candidate:
    """A formula that was judged.

    Args:
        expression: in plain symbols with the names of the inputs; a list of them for several targets.
        complexity: number of operations, as ``sympy.count_ops`` counts them, summed over the targets.
        loss: root mean square error on the rows that decide, in the unit of the target; for several targets over
            their spreads, a pure number.
        error: standard error of ``loss``.
        route: how it was found.
        network: the same formula as a network, where there is one.
    """

    expression: sympy.Expr | list[sympy.Expr]
    complexity: int
    loss: float
    error: float
    route: str
    network: MultKAN | None = None

    @property
    def formulas(self) -> list[sympy.Expr]:
        """The expressions as a list, of one target too."""
        return self.expression if isinstance(self.expression, list) else [self.expression]

    @property
    def free_constants(self) -> int:
        """How many fitted numbers, not exact ones, the formulas hold."""
        import sympy

        return sum(len(formula.atoms(sympy.Float)) for formula in self.formulas)

    def __str__(self) -> str:
        formulas = "; ".join(map(as_text, self.formulas))
        return f"{formulas}  (loss {self.loss:.3g} ± {self.error:.1g}, complexity {self.complexity}, {self.route})"


class Front(tuple[Candidate, ...]):
    """The candidates that no simpler one equals in loss, simplest first; ``best`` is the one to take.

    ``.best`` is the simplest whose loss is within one standard error of the lowest, or within rounding of it.
    """

    best: Candidate | None

    def __new__(cls, candidates: Iterable[Candidate], rounding: float = 0.0, *, best: Candidate | None = None) -> Front:
        """Sort out the candidates; losses below ``rounding``, in the unit of the losses, count as exact."""
        front = super().__new__(cls, _undominated(candidates, rounding))
        front.best = best or _simplest_as_good_as_any(front, rounding)
        return front

    @property
    def scores(self) -> list[float]:
        """By how much log(loss) falls with each operation more than the entry before; 0 for the first."""
        scores = [0.0] * len(self)
        for k in range(1, len(self)):
            fall = math.log(max(self[k - 1].loss, 1e-300) / max(self[k].loss, 1e-300))
            scores[k] = fall / max(self[k].complexity - self[k - 1].complexity, 1)
        return scores

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of the table: mark, complexity, loss, its error, score, formula, route."""
        return [
            (
                "→" if candidate is self.best else "",
                str(candidate.complexity),
                f"{candidate.loss:.4g}",
                f"{candidate.error:.2g}",
                f"{score:.3g}",
                "; ".join(map(as_text, candidate.formulas)),
                candidate.route,
            )
            for candidate, score in zip(self, self.scores, strict=True)
        ]

    def __str__(self) -> str:
        rows = [(*row[:5], _cut(row[5], _WIDEST), row[6]) for row in self.rows()]
        return aligned([FRONT_HEADER, *rows], left=(0, 5, 6))

    def __repr__(self) -> str:
        return f"<Front of {len(self)} candidates, best: {self.best}>"

    def _repr_html_(self) -> str:
        return html_table(FRONT_HEADER, self.rows(), bold=[row[0] != "" for row in self.rows()])


FRONT_HEADER = ("", "complexity", "loss", "±", "score", "formula", "route")


def candidate_of(proposal: Proposal, loss: float, error: float) -> Candidate:
    """Return a proposal with its judgement."""
    return Candidate(
        proposal.expression, complexity(proposal.expression), loss, error, proposal.route, proposal.network
    )


def _undominated(candidates: Iterable[Candidate], rounding: float) -> list[Candidate]:
    front: list[Candidate] = []
    judged = sorted(
        (candidate for candidate in candidates if math.isfinite(candidate.loss)),
        key=lambda c: (c.complexity, c.free_constants, c.loss),
    )
    lowest = {c.complexity: c for c in sorted(judged, key=lambda c: -c.loss)}
    for candidate in judged:
        # At equal complexity an exact number is simpler than a fitted one, if it serves as well.
        rival = lowest[candidate.complexity]
        if candidate.loss > max(rival.loss + rival.error, rounding):
            continue
        if not front or (candidate.loss < front[-1].loss and front[-1].loss > rounding):
            front.append(candidate)
    return front


def _simplest_as_good_as_any(front: Sequence[Candidate], rounding: float) -> Candidate | None:
    if not front:
        return None
    lowest = min(front, key=lambda candidate: candidate.loss)
    limit = max(lowest.loss + lowest.error, rounding)
    return next(candidate for candidate in front if candidate.loss <= limit)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
