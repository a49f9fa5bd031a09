"""One variable less at a time: derivatives propose a step, a refit of the smaller table decides."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanscience.discovery._proposals import proposals
from kanscience.discovery._splits import Split, find_split, groups_of, part_tables
from kanscience.discovery._surrogates import IDENTITY, KINDS, Kind, Surrogate, fit_surrogates
from kanscience.discovery._tables import Step, Table

_MISFIT = 0.25  # of derivatives: worse proposals are not tried
_WORSE = 1.02  # a smaller table may fit that much worse
_EXACT = 1e-9  # errors below are rounding
_MOST_TRIES = 20


@dataclass(frozen=True, eq=False)
class Reduced:
    """Steps from a table to a smaller one, and what was found there.

    Args:
        steps: in their order.
        inner: of the columns that are left: a surrogate, or a sum of parts.
        first_error, error: of the first and of the last table's surrogate.
    """

    steps: tuple[Step, ...]
    inner: Surrogate | Split
    first_error: float
    error: float

    def __call__(self, columns: Tensor) -> Tensor:
        """Return v for a tensor (N, m) of the first table's columns."""
        stages = [list(columns.unbind(1))]
        for step in self.steps:
            stages.append(step.columns_of(stages[-1]))
        left = torch.stack(stages[-1], dim=1) if stages[-1] else columns[:, :0]
        value = self.inner(left)
        for step, before in zip(reversed(self.steps), reversed(stages[:-1]), strict=True):
            value = step.back(value, before)
        return value


def reduce(table: Table) -> Reduced:
    """Take variables out of a table, and divide it into parts, as long as what is left fits as well."""
    found = fit_surrogates(table)
    first, steps = found[0].error, []
    inner: Surrogate | Split = found[0]
    while table.columns.shape[1] > 1:
        limit = max(_WORSE * found[0].error, _EXACT)
        accepted = _step(table, found, limit, last_rank=4)
        if accepted is None and (split := find_split(table, found, limit)) is not None:
            return Reduced(tuple(steps), _parts(table, split), first, split.error)
        accepted = accepted or _step(table, found, limit, first_rank=5)
        if accepted is None:
            break
        step, table, found = accepted
        steps.append(step)
    return Reduced(tuple(steps), found[0], first, found[0].error)


def _parts(table: Table, split: Surrogate) -> Split:
    parts = [reduce(part) for _, part in part_tables(table, split)]
    return Split(split.kind, split.size, groups_of(split.terms), tuple(parts))


def _step(
    table: Table, found: list[Surrogate], limit: float, first_rank: int = 0, last_rank: int = 9
) -> tuple[Step, Table, list[Surrogate]] | None:
    """Return the first proposal that a refit accepts, with the smaller table and its surrogates."""
    promising = [p for p in proposals(table, found[0]) if p.misfit < _MISFIT and first_rank <= p.step.rank <= last_rank]
    for proposal in promising[:_MOST_TRIES]:
        smaller = proposal.step.reduced(table)
        if smaller is None:
            continue
        again = fit_surrogates(smaller, _kinds(found))
        if again and again[0].error <= limit:
            return proposal.step, smaller, fit_surrogates(smaller)
    return None


def _kinds(found: list[Surrogate]) -> list[Kind]:
    kinds = [surrogate.kind for surrogate in found[:3]]
    return kinds + [kind for kind in KINDS if kind.transform is IDENTITY and kind not in kinds]
