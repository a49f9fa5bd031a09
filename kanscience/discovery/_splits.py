"""Sums in disguise: which columns of a table can be told apart under a transform of the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import networkx
import numpy as np
from torch import Tensor

from kanscience._typing import Vector
from kanscience.discovery._chebyshev import Chain, Exponents, chains, features, group_chain
from kanscience.discovery._surrogates import PLAIN, Kind, Surrogate, fit_chain, fit_surrogates
from kanscience.discovery._tables import Table

Groups = tuple[tuple[int, ...], ...]

_SWEEPS = 4  # of parts fitted in turn: more of them change errors in the third digit
_MOST_LEVERAGE = 0.95  # of a row on its own prediction, all parts together
_HOPELESS = 0.1  # of the spread of y: a polynomial that bad shows no groups


@dataclass(frozen=True, eq=False)
class SumOfParts:
    """``v = size * inverse(constant + sum of parts)``, each part a function of a group of columns.

    Args:
        groups: the columns of each part.
        parts: called with a tensor of the group's columns.
    """

    kind: Kind
    size: float
    groups: Groups
    parts: tuple[Callable[[Tensor], Tensor], ...]

    def __call__(self, columns: Tensor) -> Tensor:
        """Return v for a tensor (N, m)."""
        total = sum(part(columns[:, list(group)]) for group, part in zip(self.groups, self.parts, strict=True))
        return self.size * self.kind.transform.inverse(total)


@dataclass(frozen=True, eq=False)
class Parts:
    """A sum under a transform of the target: its groups of columns, with a table of each, and the error of it all."""

    kind: Kind
    size: float
    groups: Groups
    tables: tuple[Table, ...]
    error: float


def find_split(table: Table, found: list[Surrogate], limit: float) -> Parts | None:
    """Return the parts of a sum under some transform, if together they fit as well as the limit asks for.

    Under each transform, terms that mix two columns are left out; where the fit gets no worse the two are told apart.
    A polynomial may be poor only because a part of the sum asks for a transform of its own (d + exp(...)): then each
    part is fitted in turn to what the others leave.
    """
    kinds = [*PLAIN, *(s.kind for s in found[:4] if s.kind not in PLAIN)]
    for kind in kinds:
        split = _told_apart(table, kind, limit)
        if split is not None and split.error <= limit:
            return _as_it_is(table, split)
    worse = limit / max(found[0].error, np.finfo(float).tiny)
    for own in found:
        if own.kind in kinds and limit < own.error < _HOPELESS:
            split = _told_apart(table, own.kind, worse * own.error)
            parts = split and _fitted_in_turn(table, split)
            if parts and parts.error <= limit:
                return parts
    return None


def _told_apart(table: Table, kind: Kind, limit: float) -> Surrogate | None:
    """Return the surrogate of a kind without terms that need not be; None where all columns are mixed."""
    groups = _groups(table, kind, limit)
    if len(groups) == 1:
        return None
    return fit_chain(table, kind, group_chain(groups, table.columns.shape[1], len(table.target)))


def _as_it_is(table: Table, split: Surrogate) -> Parts:
    groups = _groups_of(split.terms)
    parts = [_part_values(table, split, group) for group in groups]
    tables = [_left_by_others(table, split, *part, split.fitted) for part in zip(groups, parts, strict=True)]
    return Parts(split.kind, split.size, groups, tuple(tables), split.error)


def _fitted_in_turn(table: Table, split: Surrogate) -> Parts | None:
    """Fit every part of a split to what the others leave, each under the best transform of its own."""
    groups = _groups_of(split.terms)
    values = [_part_values(table, split, group) for group in groups]
    leverage = np.zeros((len(groups), len(table.target)))
    tables: list[Table] = []
    for _ in range(_SWEEPS):
        tables = []
        for k, group in enumerate(groups):
            tables.append(_left_by_others(table, split, group, values[k], np.sum(values, axis=0)))
            best = next(iter(fit_surrogates(tables[k])), None)
            if best is None:
                return None
            values[k] = best.size * best.kind.transform.inverse(best.fitted)
            leverage[k] = best.leverage(tables[k].target)
    total = np.sum(values, axis=0)
    predicted = split.size * split.kind.transform.inverse(total)
    error = (table.target - predicted) / (1 - np.minimum(leverage.sum(axis=0), _MOST_LEVERAGE))
    return Parts(split.kind, split.size, groups, tuple(tables), table.error_of(table.target - error))


def _groups(table: Table, kind: Kind, limit: float) -> Groups:
    count = table.columns.shape[1]
    joined = networkx.Graph()
    joined.add_nodes_from(range(count))
    for i, j in combinations(range(count), 2):
        if networkx.has_path(joined, i, j):
            continue
        apart = [_without(chain, i, j) for chain in chains(count, len(table.target))]
        errors = [fit.error for chain in apart if (fit := fit_chain(table, kind, chain)) is not None]
        if not errors or min(errors) > limit:
            joined.add_edge(i, j)
    return tuple(tuple(sorted(group)) for group in networkx.connected_components(joined))


def _without(chain: Chain, i: int, j: int) -> Chain:
    """Return the chain without terms that mix two columns."""
    left = (chain.terms[:, i] == 0) | (chain.terms[:, j] == 0)
    counts = np.cumsum(left)
    return Chain(chain.terms[left], tuple(dict.fromkeys(int(counts[size - 1]) for size in chain.sizes)))


def _groups_of(terms: Exponents) -> Groups:
    """Return the groups of columns that terms mix."""
    joined = networkx.Graph()
    joined.add_nodes_from(range(terms.shape[1]))
    for term in terms:
        columns = np.flatnonzero(term)
        joined.add_edges_from(zip(columns, columns[1:], strict=False))
    return tuple(tuple(sorted(int(k) for k in group)) for group in networkx.connected_components(joined))


def _part_values(table: Table, split: Surrogate, group: tuple[int, ...]) -> Vector:
    """Return a part's values; the constant is divided among all."""
    mine = split.terms[:, list(group)].any(axis=1)
    A = features(split.axes(table.columns), split.terms[mine])
    return A @ split.coefficients[mine] + split.coefficients[0] / len(_groups_of(split.terms))


def _left_by_others(table: Table, split: Surrogate, group: tuple[int, ...], part: Vector, total: Vector) -> Table:
    """Return the table of a group's own part: what the other parts leave of the transformed target.

    Given are the part and the sum of all, about which the transform is made linear.
    """
    transform = split.kind.transform
    slope = transform.slope(total)
    target = total + (table.target / split.size - transform.inverse(total)) / slope
    scale = np.maximum(np.abs(slope * split.size) * table.scale, 1e-300)
    return Table(table.columns[:, list(group)], target - (total - part), scale, table.spread)
