"""One variable less at a time: derivatives propose a step, a refit of the smaller table decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from kanscience.discovery._gaussian_process import GaussianProcess, fit_gaussian_process
from kanscience.discovery._inner_blocks import block_steps
from kanscience.discovery._network_surrogate import NetworkSurrogate, fit_network_surrogate
from kanscience.discovery._proposals import every_step, proposals
from kanscience.discovery._splits import SumOfParts, find_split
from kanscience.discovery._surrogates import PLAIN, Kind, Surrogate, fit_surrogates
from kanscience.discovery._tables import Step, Table

_MISFIT = 0.25  # of derivatives: worse proposals are not tried
_WORSE = 1.02  # a smaller table may fit that much worse
_EXACT = 1e-9  # errors below are rounding
_MOST_TRIES = 20
UNKNOWN = 0.7  # of the spread of y: a surrogate that leaves more unexplained shows nothing
_POOR = 0.02  # errors of polynomials above may be more than noise
_USELESS = 0.1  # errors above are no ground for derivatives
_MUCH_BETTER = 0.9


Other: TypeAlias = GaussianProcess | NetworkSurrogate


@dataclass(frozen=True, eq=False)
class Reduced:
    """Steps from a table to a smaller one, and what was found there.

    Args:
        steps: in their order.
        inner: of the columns that are left: a surrogate, or a sum of parts.
        error: of the last table's surrogate.
    """

    steps: tuple[Step, ...]
    inner: Surrogate | Other | SumOfParts
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


def reduce(table: Table, known_to: float = 0.0) -> Reduced:
    """Take variables out of a table, and divide it into parts, as long as what is left fits as well.

    ``known_to`` is how well the table itself is known, as an error: smaller ones say nothing.
    """
    now = _State.of(table, known_to=known_to)
    steps: list[Step] = []
    while now.table.columns.shape[1] > 1 and now.error < UNKNOWN:
        found = now.step(("absent", "factor", "product"))
        if found is None and (split := find_split(now.table, now.surrogates, now.limit)) is not None:
            parts = tuple(reduce(part, split.error) for part in split.tables)
            return Reduced(tuple(steps), SumOfParts(split.kind, split.size, split.groups, parts), split.error)
        found = found or now.step(("sum", "squares")) or now.step(("offset factor", "homogeneous"))
        found = found or now.inner_block() or now.screened()
        if found is None:
            break
        step, now = found
        steps.append(step)
    return Reduced(tuple(steps), now.best, now.error)


@dataclass(frozen=True, eq=False)
class _State:
    """A table, its polynomial surrogates, the best first, and another surrogate where that is much better."""

    table: Table
    surrogates: list[Surrogate]
    other: Other | None = None
    known_to: float = 0.0

    @classmethod
    def of(cls, table: Table, with_others: bool = True, known_to: float = 0.0) -> _State:
        """Fit a table; a Gaussian process where polynomials do not follow, and a network where that does not either."""
        surrogates = fit_surrogates(table)
        return cls(table, surrogates, _better(table, surrogates[0].error) if with_others else None, known_to)

    @property
    def best(self) -> Surrogate | Other:
        return self.other or self.surrogates[0]

    @property
    def error(self) -> float:
        return self.best.error

    @property
    def limit(self) -> float:
        """What the error of a smaller table may be."""
        return max(_WORSE * self.error, self.known_to, _EXACT)

    def step(self, words: tuple[str, ...]) -> tuple[Step, _State] | None:
        """Return the first step of some kinds that derivatives propose and a refit accepts, and where it leads."""
        promising = [p for p in proposals(self.table, self.best) if p.misfit < _MISFIT and p.step.word in words]
        for proposal in promising[:_MOST_TRIES]:
            smaller = proposal.step.reduced(self.table)
            if smaller is not None and self._fits_as_well(smaller):
                return proposal.step, self._after(smaller)
        return None

    def inner_block(self) -> tuple[Step, _State] | None:
        """Return the first block of any kind that a refit accepts."""
        for step in block_steps(self.table, self.best):
            smaller = step.reduced(self.table)
            if smaller is not None and self._fits_as_well(smaller):
                return step, self._after(smaller)
        return None

    def _fits_as_well(self, smaller: Table) -> bool:
        again = fit_surrogates(smaller, self._kinds)
        if again and again[0].error <= self.limit:
            return True
        match self.other:
            case GaussianProcess():
                other = fit_gaussian_process(smaller)
            case NetworkSurrogate(hidden=hidden):
                other = fit_network_surrogate(smaller, self.error, (hidden,))
            case _:
                return False
        return other is not None and other.error <= self.limit

    def screened(self) -> tuple[Step, _State] | None:
        """Where the surrogate is too poor for derivatives: return the step after which the error is lowest."""
        if self.error < _USELESS:
            return None
        lowest, best = _MUCH_BETTER * self.error, None
        for step in every_step(self.table.columns.shape[1]):
            smaller = step.reduced(self.table)
            if smaller is None:
                continue
            again = fit_surrogates(smaller, [self.surrogates[0].kind, *PLAIN])
            if again and again[0].error < lowest:
                lowest, best = again[0].error, (step, smaller)
        return None if best is None else (best[0], self._after(best[1]))

    def _after(self, smaller: Table) -> _State:
        return _State.of(smaller, self.other is not None or self.error > _USELESS, self.known_to)

    @property
    def _kinds(self) -> list[Kind]:
        kinds = [surrogate.kind for surrogate in self.surrogates[:3]]
        return [*kinds, *(kind for kind in PLAIN if kind not in kinds)]


def _better(table: Table, error: float) -> Other | None:
    """Return a Gaussian process, or where that is poor too a network, that is much better than an error."""
    found: Other | None = None
    process = fit_gaussian_process(table) if error > _POOR else None
    if process is not None and process.error < _MUCH_BETTER * error:
        found, error = process, process.error
    network = fit_network_surrogate(table, error) if error > _USELESS else None
    if network is not None and network.error < _MUCH_BETTER * error:
        found = network
    return found
