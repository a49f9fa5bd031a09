"""How a block joins its parts: as a sum, a product, a sum inside a function, or in no such way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

import networkx
import numpy as np

from kanscience.structure._blocks import Block, PerTriple, ratio_above
from kanscience.structure._derivatives import Derivatives
from kanscience.structure._gauge import PairDerivatives, Yardsticks, pair_derivatives, strongest

ADDITIVE, MULTIPLICATIVE = "additive", "multiplicative"
GENERALIZED, PRIME = "generalized-additive", "prime"
KINDS = (ADDITIVE, MULTIPLICATIVE, GENERALIZED, PRIME)

CLEAR = 0.9  # a confidence above goes without saying
_ROUNDINGS = 50  # of a derivative: a constant has no more of them

Test = tuple[float, float, float]  # numerator, denominator and rounding floor, summed over points


@dataclass(frozen=True)
class Kind:
    """How a block joins its parts.

    Args:
        name: one of `KINDS`.
        confidence: 0 to 1, of the answer that was closest to its limit.
        constant: c of a product ``c + g*h``, in the unit of f, where f is the scale; 0 where it is rounding.
        terms: of a prime block that is a sum of overlapping parts: the variables of each; else empty.
    """

    name: str
    confidence: float
    constant: float | None = None
    terms: tuple[Block, ...] = ()


@dataclass(frozen=True, eq=False)
class Node:
    """A block with its parts and the scale that it is judged in; without a scale, yardsticks are None."""

    d: Derivatives
    dependence: PerTriple
    parts: tuple[Block, ...]
    yardsticks: Yardsticks | None

    def kind(self) -> Kind:
        """Return the first kind that fits, in the order: additive, prime, multiplicative, generalised."""
        limits, doubts = self.d.limits, []
        if self.yardsticks is not None:
            doubts.append(certainty(max(self.couplings.values()), limits.additive))
            if max(self.couplings.values()) <= limits.additive:
                return Kind(ADDITIVE, doubts[0])
        bent, limit = self._deviation_from_generalized()
        doubts.append(certainty(bent, limit))
        if bent > limit:
            return Kind(PRIME, min(doubts), terms=self._terms())
        if self.yardsticks is not None:
            worst = self._worst_pair(_multiplicative)
            doubts.append(certainty(worst, limits.third))
            if worst <= limits.third:
                return Kind(MULTIPLICATIVE, min(doubts), constant=self._constant() if self._is_root else None)
        return Kind(GENERALIZED, min(doubts))

    @cached_property
    def couplings(self) -> dict[tuple[int, int], float]:
        """How far from a sum each pair of parts is, by their places."""
        return {pair: self._pooled(_mixed, *pair) for pair in self._pairs()}

    def _deviation_from_generalized(self) -> tuple[float, float]:
        if len(self.parts) == 2:
            return self._pooled(_two_parts, 0, 1, yardsticks=()), self.d.limits.third
        return max(
            float(self.dependence[np.ix_(sorted(a), sorted(b), sorted(c))].max())
            for x, y, z in combinations(self.parts, 3)
            for a, b, c in ((x, y, z), (x, z, y), (y, z, x))
        ), self.d.limits.dependence

    def _worst_pair(self, test: Callable[[PairDerivatives], Test]) -> float:
        return max(self._pooled(test, *pair) for pair in self._pairs())

    def _pairs(self) -> list[tuple[int, int]]:
        return list(combinations(range(len(self.parts)), 2))

    def _pooled(
        self, test: Callable[[PairDerivatives], Test], one: int, other: int, yardsticks: Yardsticks | None = None
    ) -> float:
        """Return the ratio of a test between two parts, pooled over a few variables of each."""
        scale = self.yardsticks if yardsticks is None else yardsticks
        variables = product(strongest(self.d, self.parts[one]), strongest(self.d, self.parts[other]))
        sums = np.sum([test(pair_derivatives(self.d, i, j, scale or ())) for i, j in variables], axis=0)
        return float(ratio_above(*sums))

    @property
    def _is_root(self) -> bool:
        return sum(map(len, self.parts)) == len(self.d.strength)

    def _constant(self) -> float:
        """Return c from f_ij * (f - c) = f_i * f_j, weighted by f_ij; 0 where rounding is all it holds."""
        top = bottom = 0.0
        for one, other in self._pairs():
            i, j = strongest(self.d, self.parts[one])[0], strongest(self.d, self.parts[other])[0]
            mixed, slopes = self.d.hessian[:, i, j], self.d.gradient[:, i] * self.d.gradient[:, j]
            top += float(np.sum(mixed * (mixed * self.d.value - slopes)))
            bottom += float(np.sum(mixed**2))
        rounding = max(self.d.limits.additive, _ROUNDINGS * float((self.d.noise.gradient / self.d.strength).max()))
        constant = top / bottom
        return self.d.spread * constant if abs(constant) > rounding * float(np.abs(self.d.value).mean()) else 0.0

    def _terms(self) -> tuple[Block, ...]:
        """Return the sets of parts that are coupled each with each, where they are not all."""
        if self.yardsticks is None:
            return ()
        coupled = [pair for pair, size in self.couplings.items() if size > self.d.limits.additive]
        graph = networkx.Graph(coupled)
        graph.add_nodes_from(range(len(self.parts)))
        cliques = [
            frozenset().union(*(self.parts[place] for place in clique)) for clique in networkx.find_cliques(graph)
        ]
        return tuple(sorted(cliques, key=sorted)) if len(cliques) > 1 else ()


def certainty(ratio: float, limit: float) -> float:
    """Return how clearly a ratio lies on its side of a limit: 0 at the limit, 1 far from it."""
    return 1 - min(ratio / limit, limit / ratio) if ratio > 0 else 1.0


def _mixed(p: PairDerivatives) -> Test:
    """v_ij = 0."""
    natural = np.sqrt(np.abs(p.i).mean() * np.abs(p.j).mean()) * p.yard
    return np.abs(p.ij).sum(), (p.terms + natural).sum(), p.noise[1].sum()


def _two_parts(p: PairDerivatives) -> Test:
    """The mixed derivative of log|f_i/f_j| is zero, multiplied out."""
    i2, j2 = p.i**2, p.j**2
    terms = p.iij * p.i * j2, -p.ii * p.ij * j2, -p.ijj * p.j * i2, p.jj * p.ij * i2
    slopes = np.abs(p.i * p.j) * (np.abs(p.i) + np.abs(p.j))
    bottom = sum(map(np.abs, terms)) + np.abs(p.ij) * slopes
    ii, ij, jj, iij, ijj = p.noise
    floor = iij * np.abs(p.i) * j2 + ijj * np.abs(p.j) * i2
    floor = floor + (ii * j2 + jj * i2) * np.abs(p.ij) + ij * (np.abs(p.ii) * j2 + np.abs(p.jj) * i2)
    return np.abs(sum(terms)).sum(), bottom.sum(), floor.sum()


def _multiplicative(p: PairDerivatives) -> Test:
    """v_iij * v_i = v_ii * v_ij, and the same with i and j exchanged."""
    ii, ij, jj, iij, ijj = p.noise
    top = bottom = floor = 0.0
    for v_i, v_ii, v_iij, n_ii, n_iij in ((p.i, p.ii, p.iij, ii, iij), (p.j, p.jj, p.ijj, jj, ijj)):
        left, right = v_iij * v_i, v_ii * p.ij
        top += np.abs(left - right).sum()
        bottom += (np.abs(left) + np.abs(right) + np.abs(p.ij * v_i) * p.yard).sum()
        floor += (n_iij * np.abs(v_i) + n_ii * np.abs(p.ij) + ij * np.abs(v_ii)).sum()
    return top, bottom, floor
