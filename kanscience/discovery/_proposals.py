"""What the derivatives of a surrogate suggest: steps that take a variable out of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import torch
from torch import Tensor

from kanscience._typing import Matrix, Vector
from kanscience.discovery._tables import Combination, Step, Table, kept

_INNER = 0.7  # share of the rows, farthest from the edges
_DENOMINATORS = (1, 2, 3)
_LARGEST = 6
_EXPONENTS = tuple(Fraction(p, 2) for p in (2, -2, 4, -4, 1, -1, 6, -6))


@dataclass(frozen=True)
class ProposedStep:
    """A step, and how badly the derivatives fit it: 0 exactly, 1 not at all."""

    step: Step
    misfit: float


def proposals(table: Table, surrogate: Callable[[Tensor], Tensor]) -> list[ProposedStep]:
    """Return what the derivatives suggest, the best fitting first."""
    slopes = _Slopes.of(table, surrogate)
    found = [*slopes.absent(), *slopes.factors(), *slopes.pairs(), *slopes.offset_factors(), *slopes.homogeneous()]
    return sorted(found, key=lambda proposal: (proposal.step.rank, proposal.misfit))


def every_step(count: int) -> Iterator[Step]:
    """Yield the simple steps that a table of so many columns may allow, for where derivatives are of no use."""
    for i in range(count):
        for p in _EXPONENTS:
            yield Step("factor", _all_but(count, i), ((i, p),))
    for i, j in combinations(range(count), 2):
        for word in ("product", "sum", "squares"):
            for c in (Fraction(1), Fraction(-1)):
                yield Step(word, (*_all_but(count, i, j), _combined(word, i, j, c)))


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Values and derivatives at inner rows, in y's units."""

    x: Matrix
    value: Vector
    gradient: Matrix
    scale: Vector
    typical: float

    @classmethod
    def of(cls, table: Table, surrogate: Callable[[Tensor], Tensor]) -> _Slopes:
        inner = inner_rows(table.columns)
        x = table.columns[inner]
        points = torch.from_numpy(x).requires_grad_()
        with torch.enable_grad():
            value = surrogate(points) + 0 * points.sum(dim=1)  # a constant has a gradient too
            (gradient,) = torch.autograd.grad(value.sum(), points)
        scale = table.scale[inner]
        good = np.isfinite(gradient.numpy()).all(axis=1)
        value, gradient = value.detach().numpy() * scale, gradient.numpy() * scale[:, None]
        return cls(x[good], value[good], gradient[good], scale[good], table.spread)

    @property
    def count(self) -> int:
        return self.x.shape[1]

    def log_slope(self, i: int) -> Vector:
        return self.x[:, i] * self.gradient[:, i]

    def absent(self) -> Iterator[ProposedStep]:
        for i in range(self.count):
            strength = _rms(self.gradient[:, i] * self.x[:, i].std()) / self.typical
            yield ProposedStep(Step("absent", _all_but(self.count, i)), strength)

    def factors(self) -> Iterator[ProposedStep]:
        for i in range(self.count):
            slope = self.log_slope(i)
            exponent = float(slope @ self.value / (self.value @ self.value))
            for p in _near(exponent):
                misfit = _misfit(slope - float(p) * self.value, slope)
                yield ProposedStep(Step("factor", _all_but(self.count, i), ((i, p),)), misfit)

    def offset_factors(self) -> Iterator[ProposedStep]:
        """f = offset + x_i**p * F(others), that is L_i = p*(f - offset)."""
        for i in range(self.count):
            slope = self.log_slope(i)
            (p, q), *_ = np.linalg.lstsq(np.stack([self.value, self.scale], axis=1), slope, rcond=None)
            for exact in _near(float(p)):
                if exact == 0:
                    continue
                offset = -float(
                    np.sum((slope - float(exact) * self.value) * self.scale) / np.sum(self.scale**2)
                ) / float(exact)
                misfit = _misfit(slope - float(exact) * (self.value - offset * self.scale), slope)
                yield ProposedStep(Step("offset factor", _all_but(self.count, i), ((i, exact),), offset), misfit)

    def pairs(self) -> Iterator[ProposedStep]:
        for i, j in combinations(range(self.count), 2):
            a, b = self.x[:, i], self.x[:, j]
            for word, left, right in (
                ("product", self.log_slope(i), self.log_slope(j)),
                ("sum", self.gradient[:, i], self.gradient[:, j]),
                ("squares", self.gradient[:, i] * b, self.gradient[:, j] * a),
            ):
                for c in _near(_ratio(left, right)):
                    if c == 0:
                        continue
                    misfit = _misfit(left - float(c) * right, left, float(c) * right)
                    yield ProposedStep(Step(word, (*_all_but(self.count, i, j), _combined(word, i, j, c))), misfit)

    def homogeneous(self) -> Iterator[ProposedStep]:
        """f = x_j**b * F(x_i * x_j**-c), that is L_j = b*f - c*L_i."""
        for i, j in permutations(range(self.count), 2):
            own, other = self.log_slope(j), self.log_slope(i)
            (b, c), *_ = np.linalg.lstsq(np.stack([self.value, -other], axis=1), own, rcond=None)
            for exact_b in _near(float(b)):
                for exact_c in _near(float(c)):
                    if exact_b == 0 or exact_c == 0:
                        continue
                    gap = own - float(exact_b) * self.value + float(exact_c) * other
                    misfit = _misfit(gap, own, float(exact_b) * self.value, float(exact_c) * other)
                    new = Combination(((i, Fraction(1), Fraction(1)), (j, Fraction(1), -exact_c)), product=True)
                    step = Step("homogeneous", (*_all_but(self.count, i, j), new), ((j, exact_b),))
                    yield ProposedStep(step, misfit)


def _combined(word: str, i: int, j: int, c: Fraction) -> Combination:
    """Return the combination whose derivatives by i and j are in the ratio c."""
    one = Fraction(1)
    match word:
        case "product":
            return Combination(((i, one, Fraction(c.numerator)), (j, one, Fraction(c.denominator))), product=True)
        case "sum":
            return Combination(((i, c, one), (j, one, one)))
    return Combination(((i, c, Fraction(2)), (j, one, Fraction(2))))


def _near(value: float) -> list[Fraction]:
    """Return simple fractions near a value."""
    if not np.isfinite(value) or abs(value) > _LARGEST:
        return []
    found = {Fraction(round(value * d), d) for d in _DENOMINATORS}
    return [fraction for fraction in found if abs(float(fraction) - value) < 0.12 * max(1.0, abs(value))]


def _ratio(left: Vector, right: Vector) -> float:
    size = float(np.sqrt((left @ left) / max(float(right @ right), 1e-300)))
    return size if left @ right > 0 else -size


def _misfit(gap: Vector, *terms: Vector) -> float:
    size = sum(_rms(term) for term in terms) / len(terms)
    return _rms(gap) / size if size > 0 else np.inf


def _rms(values: Vector) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _all_but(count: int, *left_out: int) -> tuple[Combination, ...]:
    return tuple(kept(k) for k in range(count) if k not in left_out)


def inner_rows(columns: Matrix) -> np.ndarray:
    """Return which rows lie away from the edges of all columns."""
    ranks = columns.argsort(axis=0).argsort(axis=0)
    distance = np.abs(2 * ranks / (len(columns) - 1) - 1).max(axis=1)
    return distance <= np.quantile(distance, _INNER)
