"""One variable less at a time: derivatives propose a step, a refit of the smaller table decides."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanscience.discovery._proposals import proposals
from kanscience.discovery._surrogates import IDENTITY, KINDS, Kind, Surrogate, fit_surrogates
from kanscience.discovery._tables import Step, Table

_MISFIT = 0.3  # of derivatives: worse proposals are not tried
_TRIES = 12
_WORSE = 1.02  # a smaller table may fit that much worse
_EXACT = 1e-9  # errors below are rounding


@dataclass(frozen=True, eq=False)
class Reduced:
    """Steps from a table to a smaller one, and the surrogate there."""

    steps: tuple[Step, ...]
    table: Table
    surrogate: Surrogate
    first_error: float

    def __call__(self, columns: Tensor) -> Tensor:
        """Return v for a tensor (N, m) of the first table's columns."""
        stages = [list(columns.unbind(1))]
        for step in self.steps:
            stages.append(step.columns_of(stages[-1]))
        left = torch.stack(stages[-1], dim=1) if stages[-1] else columns[:, :0]
        value = self.surrogate(left)
        for step, before in zip(reversed(self.steps), reversed(stages[:-1]), strict=True):
            value = step.back(value, before)
        return value


def reduce(table: Table) -> Reduced:
    """Take variables out of a table as long as the smaller table fits as well."""
    found = fit_surrogates(table)
    steps: list[Step] = []
    first = found[0].error
    while table.columns.shape[1] > 1 and (accepted := _best_step(table, found)) is not None:
        step, table, found = accepted
        steps.append(step)
    return Reduced(tuple(steps), table, found[0], first)


def _best_step(table: Table, found: list[Surrogate]) -> tuple[Step, Table, list[Surrogate]] | None:
    limit = max(_WORSE * found[0].error, _EXACT)
    tried = [p for p in proposals(table, found[0]) if p.misfit < _MISFIT][:_TRIES]
    best = None
    for proposal in tried:
        smaller = proposal.step.reduced(table)
        if smaller is None:
            continue
        again = fit_surrogates(smaller, _kinds(found))
        if again and again[0].error <= limit and (best is None or again[0].error < 0.98 * best[2][0].error):
            best = proposal.step, smaller, again
    return best


def _kinds(found: list[Surrogate]) -> list[Kind]:
    kinds = [surrogate.kind for surrogate in found[:3]]
    return kinds + [kind for kind in KINDS if kind.transform is IDENTITY and kind not in kinds]
