"""Sums in disguise: which columns of a table can be told apart under a transform of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import networkx
import numpy as np
from torch import Tensor

from kanscience.discovery._chebyshev import Chain, Exponents, chains, features, group_chain
from kanscience.discovery._surrogates import PLAIN, Kind, Surrogate, fit_chain
from kanscience.discovery._tables import Table

Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Split:
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


def find_split(table: Table, found: list[Surrogate], limit: float) -> Surrogate | None:
    """Return a surrogate without terms that mix groups of columns, if it fits as well as the limit asks for.

    Under each transform, terms that mix two columns are left out; where the fit gets no worse the two are told apart.
    """
    for kind in [*PLAIN, *(s.kind for s in found[:4] if s.kind not in PLAIN)]:
        groups = _groups(table, kind, limit)
        if len(groups) > 1:
            split = fit_chain(table, kind, group_chain(groups, table.columns.shape[1], len(table.target)))
            if split is not None and split.error <= limit:
                return split
    return None


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


def groups_of(terms: Exponents) -> Groups:
    """Return the groups of columns that terms mix."""
    joined = networkx.Graph()
    joined.add_nodes_from(range(terms.shape[1]))
    for term in terms:
        columns = np.flatnonzero(term)
        joined.add_edges_from(zip(columns, columns[1:], strict=False))
    return tuple(tuple(sorted(int(k) for k in group)) for group in networkx.connected_components(joined))


def part_tables(table: Table, split: Surrogate) -> Iterator[tuple[tuple[int, ...], Table]]:
    """Yield each group with the table of its own part: what the other parts leave of the transformed target."""
    transform = split.kind.transform
    slope = transform.slope(split.fitted)
    target = split.fitted + (table.target / split.size - transform.inverse(split.fitted)) / slope
    scale = np.maximum(np.abs(slope * split.size) * table.scale, 1e-300)
    A = features(split.axes(table.columns), split.terms)
    groups = groups_of(split.terms)
    own = [split.terms[:, list(group)].any(axis=1) for group in groups]
    constant = split.coefficients[0] / len(groups)
    for group, mine in zip(groups, own, strict=True):
        others = A[:, ~mine] @ split.coefficients[~mine] - constant
        yield group, Table(table.columns[:, list(group)], target - others, scale, table.spread)
