"""Sums of power laws and library functions: one term after the other, all numbers refitted together."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from kanscience._typing import Matrix, Vector
from kanscience.discovery._candidates import Proposal
from kanscience.discovery._formula import Formula, Numbers, with_refitted
from kanscience.discovery._simple_numbers import with_simple_numbers
from kanscience.discovery._spelling import as_text
from kanscience.discovery._sum_fit import SumOfTerms
from kanscience.discovery._terms import CurveTerm, Inputs, PowerTerm, Term
from kanscience.discovery._whole_numbers import with_lowest_frequencies
from kanscience.functions import affine_fits
from kanscience.training import levenberg_marquardt

if TYPE_CHECKING:
    import sympy

    from kanscience.functions import Library

_MOST_ROWS = 2000  # that the search looks at; numbers are fitted to all
_MOST_TERMS = 8
_ROWS_A_NUMBER = 3  # at least
_SEARCH = 0.8  # of the time; the rest is for simple numbers
_MOST_SIMPLIFIED = 12  # fitted numbers of a formula that simple ones are looked for
_EXPONENTS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0)  # from which those of positive columns are fitted
_WHOLE = (1, 2, 3)  # of other columns
_MOST_FACTORS = 3
_KEPT = 20  # products that are tried with one factor more
_BINS = 256  # of a column, whose means library functions are first fitted to
_TRIALS = 6  # products, and as many library functions, that a joint refit is tried with
_FINALISTS = 3
_QUICK, _THOROUGH = (12, 1e-3), (60, 1e-6)  # steps and tolerance to judge a term by, and to finish
_SHORTER = 5.0  # nats that make an exchange worth while
_NEW = 1e-6  # part of a term beyond what is reached, below which it brings nothing
_TOKEN = 2.0  # nats: one of some eight usual choices
_ROUNDING = 1e-26  # mean square over variance that float64 arithmetic leaves of an exact law

Start: TypeAlias = tuple[Term, Numbers]
"""A term and the numbers from which its fit begins."""

AnyStart = TypeVar("AnyStart", bound=Start)


def sums(
    X: Matrix,
    y: Vector,
    names: Sequence[str],
    *,
    library: Library,
    weights: Vector | None = None,
    seed: int = 0,
    deadline: float = math.inf,
) -> list[Proposal]:
    """Return sums ``c0 + c1*t1 + c2*t2 + ...`` with one term, two, three and so on.

    A term is a product of powers with fitted exponents, or ``f(a*x + b)`` with a function of the library and one
    input. The next term is the one after whose joint refit the description is shortest: ``N/2 log(mean square)`` and
    the price of its operations and numbers. Then each term is taken out in turn, and another put in its place where
    that is shorter still. It ends where one more term costs more than it brings. Constants become simple numbers
    where the loss agrees.

    Args:
        X: (N, n) inputs. Columns that are not positive have whole exponents.
        y: (N,) target.
        names: of the columns.
        library: of the functions to choose from.
        weights: of the rows, one over the variance of y; None: all alike.
        seed: of the rows that are looked at, where there are many.
        deadline: on ``time.monotonic()``, after which nothing new is begun.

    Example:
        >>> from kanscience.functions import default_library
        >>> X = np.random.default_rng(0).uniform(1, 3, (60, 2))
        >>> y = 2 * np.sqrt(X[:, 0]) * X[:, 1] - np.sin(5 * X[:, 1])
        >>> found = sums(X, y, ["a", "b"], library=default_library())
        >>> print(found[-1].expression)
        2*sqrt(a)*b - sin(5*b)
    """
    w = np.ones(len(y)) if weights is None else weights
    rows = np.sort(np.random.default_rng(seed).permutation(len(y))[:_MOST_ROWS])
    now = time.monotonic()
    until = now + _SEARCH * (deadline - now)
    search = _Search(Inputs(X[rows]), y[rows], np.sqrt(w[rows]), library, until)
    found: dict[str, Proposal] = {}
    for its in list(search.run()):
        formula = Formula(search.expression(its, names), tuple(names))
        if len(rows) < len(y) and time.monotonic() < deadline:
            formula = with_refitted(formula, X, y, weights)
        variants = [formula]
        lowest = Formula(with_lowest_frequencies(formula.expression, names, X), formula.names)
        if lowest.expression != formula.expression:
            variants.append(with_refitted(lowest, X, y, weights))
        route = f"sum of {len(its.terms)} term{'s' * (len(its.terms) > 1)}"
        for variant in variants:
            found.setdefault(as_text(variant.expression), Proposal(variant.expression, route))
            if len(variant.constants) <= _MOST_SIMPLIFIED and time.monotonic() < deadline:
                simple = with_simple_numbers(variant.expression, names, X, y, weights, deadline)
                found.setdefault(as_text(simple), Proposal(simple, route))
    return list(found.values())


@dataclass(frozen=True, eq=False)
class _Sum:
    """Terms with the numbers inside them, and the length of the description."""

    terms: tuple[Term, ...]
    numbers: Numbers
    square: float  # of the weighted residuals
    length: float


class _Search:
    """One table on its way to a sum."""

    def __init__(self, inputs: Inputs, y: Vector, root: Vector, library: Library, deadline: float) -> None:
        self.inputs, self.y, self.root, self.deadline = inputs, y, root, deadline
        self.functions = [f for f in library.candidates if not {"slope", "shift"} <= f.redundant]
        self.exponents = {k: _EXPONENTS if k in inputs.positive else _WHOLE for k in inputs.varying}
        self.square = SumOfTerms((), inputs, y, root).loss(np.empty(0))  # about the mean

    @property
    def late(self) -> bool:
        """Whether nothing new is to be begun."""
        return time.monotonic() > self.deadline

    def run(self) -> Iterator[_Sum]:
        """Go through the sums of one term, two, three and so on."""
        if self.square <= _ROUNDING * float(np.sum((self.root * self.y) ** 2)):
            return
        best = _Sum((), np.empty(0), self.square, self.length((), self.square))
        while len(best.terms) < _MOST_TERMS:
            longer = self.grown(best)
            if not longer.length < best.length:
                return
            best = longer
            while (other := self.exchanged(best)) is not None:
                best = other
            yield best

    # ---- judging ---------------------------------------------------------------------------------------------

    def fitted(self, terms: tuple[Term, ...], start: Numbers, effort: tuple[int, float] = _QUICK) -> _Sum:
        """Return the sum of these terms, its numbers fitted from a start."""
        problem = SumOfTerms(terms, self.inputs, self.y, self.root)
        numbers, square = start, problem.loss(start)
        if len(start) and math.isfinite(square):
            steps, tolerance = effort
            done = levenberg_marquardt(problem, start, steps=steps, tolerance=tolerance)
            numbers, square = done.theta, done.loss
        return _Sum(terms, numbers, square, self.length(terms, square))

    def length(self, terms: Sequence[Term], square: float) -> float:
        """Return the nats of the residuals, with this sum of their squares, and of the terms."""
        rows = len(self.y)
        if not math.isfinite(square) or _ROWS_A_NUMBER * (1 + sum(term.count + 1 for term in terms)) > rows:
            return math.inf
        number = 0.5 * math.log(rows) + 3
        price = sum(_TOKEN * term.operations + number * (term.count + 1) for term in terms)
        return 0.5 * rows * math.log(square / self.square + _ROUNDING) + price

    # ---- moves -----------------------------------------------------------------------------------------------

    def grown(self, its: _Sum) -> _Sum:
        """Return the best sum with one term more; its own where there is none."""
        problem = SumOfTerms(its.terms, self.inputs, self.y, self.root)
        solved = problem.solved(its.numbers)
        assert solved is not None  # else its description would be infinitely long
        promise = _Promise(self, solved.residuals, problem.tangent(its.numbers, solved))
        return self.best_of(its.terms, its.numbers, self.starts(promise, solved.residuals)) or its

    def exchanged(self, its: _Sum) -> _Sum | None:
        """Return a shorter sum with another term in the place of one of its terms, if there is one."""
        problem = SumOfTerms(its.terms, self.inputs, self.y, self.root)
        solved = problem.solved(its.numbers)
        assert solved is not None
        for k, place in enumerate(problem.places if len(its.terms) > 1 else ()):
            terms, numbers = its.terms[:k] + its.terms[k + 1 :], np.delete(its.numbers, place)
            others = SumOfTerms(terms, self.inputs, self.y, self.root)
            alone = others.solved(numbers)
            if alone is None:
                continue
            # What a term is known as: itself, and what all of them leave over. Finer differences mean nothing.
            term = self.root * solved.factors[k + 1] * its.terms[k].values(its.numbers[place], self.inputs)
            promise = _Promise(self, alone.residuals, others.tangent(numbers, alone), floor=its.square)
            other = self.best_of(terms, numbers, self.starts(promise, solved.residuals + term))
            if other is not None and other.length < its.length - _SHORTER:
                return other
        return None

    def best_of(self, terms: tuple[Term, ...], numbers: Numbers, starts: Sequence[Start]) -> _Sum | None:
        """Return the shortest sum of these terms and one that is begun; None where time is over."""
        trials: list[_Sum] = []
        for term, begin in starts:
            if self.late:
                return None
            trials.append(self.fitted((*terms, term), np.concatenate([numbers, begin])))
        trials.sort(key=lambda trial: trial.length)
        finished = [self.fitted(trial.terms, trial.numbers, _THOROUGH) for trial in trials[:_FINALISTS]]
        return min(finished, key=lambda trial: trial.length, default=None)

    def starts(self, promise: _Promise, curve: Vector) -> list[Start]:
        """Return the products that promise most, and the library functions that follow a weighted curve."""
        return [*self.products(promise), *promise.best(self.curves(curve), _TRIALS)]

    def products(self, promise: _Promise) -> list[tuple[PowerTerm, Numbers]]:
        """Return products of one factor, two and so on, of which the best get another factor."""
        factors = [{k: p} for k, exponents in self.exponents.items() for p in exponents]
        found = kept = promise.best([self.product(its) for its in factors], _KEPT)
        for _ in range(min(_MOST_FACTORS, len(self.exponents)) - 1):
            if self.late:
                break
            longer = {}
            for (term, numbers), factor in itertools.product(kept, factors):
                exponents = term.exponents(numbers)
                if not exponents.keys() & factor.keys():
                    its = dict(sorted({**exponents, **factor}.items()))
                    longer[tuple(its.items())] = self.product(its)
            kept = promise.best(list(longer.values()), _KEPT)
            found = found + kept
        return promise.best(found, _TRIALS)

    def product(self, exponents: dict[int, float]) -> tuple[PowerTerm, Numbers]:
        """Return the product of these powers."""
        fitted = [k for k in exponents if k in self.inputs.positive]
        whole = tuple((k, int(p)) for k, p in exponents.items() if k not in self.inputs.positive)
        return PowerTerm(tuple(fitted), whole), np.array([exponents[k] for k in fitted], float)

    def curves(self, residuals: Vector) -> list[Start]:
        """Return for each column and function the curve that follows the residuals best."""
        found: list[Start] = []
        for k in self.inputs.varying:
            if self.late:
                break
            for fit in affine_fits(self.functions, *self.means(k, residuals)):
                if math.isfinite(fit.misfit) and fit.scale:
                    term = CurveTerm(fit.function, k, math.copysign(1.0, fit.slope))
                    found.append((term, term.start(fit.slope, fit.shift)))
        return found

    def means(self, column: int, residuals: Vector) -> tuple[Numbers, Numbers, Numbers]:
        """Return the means of a column and of the residuals over its different values or bins, and their weights."""
        values, place = self.inputs.distinct[column]
        if len(values) > _BINS:
            place = place * _BINS // len(values)
        weights = np.bincount(place, self.root**2)
        x = np.bincount(place, self.root**2 * self.inputs.centred[:, column]) / weights
        return x, np.bincount(place, self.root * residuals) / weights, weights

    # ---- the result ------------------------------------------------------------------------------------------

    def expression(self, its: _Sum, names: Sequence[str]) -> sympy.Expr:
        """Return the sum in the user's units."""
        import sympy

        symbols = [sympy.Symbol(name) for name in names]
        problem = SumOfTerms(its.terms, self.inputs, self.y, self.root)
        solved = problem.solved(its.numbers)
        assert solved is not None  # else its description would be infinitely long
        offset, parts = float(solved.factors[0]), []
        for term, place, factor in zip(its.terms, problem.places, solved.factors[1:], strict=True):
            written = term.written(its.numbers[place], self.inputs, symbols)
            offset += factor * written.offset
            parts.append(sympy.Float(float(factor * written.factor), 17) * written.expression)
        return sympy.Add(sympy.Float(float(offset), 17), *parts)


@dataclass(frozen=True, eq=False)
class _Promise:
    """What a further term can explain of the residuals, to first order in changes of all numbers."""

    search: _Search
    residuals: Vector
    reached: Matrix  # orthonormal basis of what the sum reaches already
    floor: float = 0.0  # of the squares: below, terms do not differ

    def best(self, starts: Sequence[AnyStart], count: int) -> list[AnyStart]:
        """Return the terms with the shortest descriptions."""
        if not starts:
            return []
        search = self.search
        residuals = self.residuals - self.reached @ (self.reached.T @ self.residuals)
        square = float(residuals @ residuals)
        with np.errstate(all="ignore"):
            columns = np.stack([term.values(numbers, search.inputs) for term, numbers in starts], axis=1)
            columns *= search.root[:, None]
            columns /= np.linalg.norm(columns, axis=0)
            rest = columns - self.reached @ (self.reached.T @ columns)
            size = np.linalg.norm(rest, axis=0)
            left = np.where(size > _NEW, square - (residuals @ rest / size) ** 2, square)
        lengths = [
            search.length([term], max(its, self.floor)) for (term, _), its in zip(starts, left.tolist(), strict=True)
        ]
        return [starts[k] for k in np.argsort(lengths, kind="stable")[:count] if math.isfinite(lengths[k])]
