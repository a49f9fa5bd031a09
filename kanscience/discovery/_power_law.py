"""Power laws ``T(y) = c * x1**p1 * x2**p2 * ...``: straight lines in the logarithms."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kanscience._typing import Matrix, Rows, Vector
from kanscience.datasets import FEW_ROWS, Split, k_folds
from kanscience.discovery._candidates import Proposal
from kanscience.discovery._formula import Formula, Numbers, with_refitted
from kanscience.discovery._judge import rmse_with_error
from kanscience.discovery._simple_numbers import with_simple_numbers
from kanscience.discovery._spelling import as_text

if TYPE_CHECKING:
    import sympy

_FOLDS = 5  # from 30 rows on; below, each row is a fold
_MOST_ROWS = 2000  # that the search for exponents looks at; constants are fitted to all
_MOST_SIGNED = 8  # inputs that change sign, whose parities are tried in all combinations; others count as even
_INDEPENDENT = 1e-8  # part of a logarithm that those before it do not explain, below which it is left out
_LARGEST = 12  # exponents beyond are no power laws but exponentials
_LARGEST_LOG = 600.0  # of the factor: beyond, floats end
_ROUNDING = 1e-11  # losses over the size of y below which everything is exact
_SMOOTHINGS = 5
_ROUGH = 0.9  # loss over the spread above which a law explains next to nothing
_HOPELESS = 5.0  # loss over the lowest so far above which a transform is left


@dataclass(frozen=True)
class _Transform:
    """What of the target follows a power law: ``forward(y)``, undone by ``inverse(u, sign)`` with the sign of y."""

    label: str
    forward: Callable[[Vector], Vector]
    slope: Callable[[Vector], Vector]
    inverse: Callable[[Vector, float], Vector]
    sympy_inverse: Callable[[sympy.Expr, int], sympy.Expr]
    one_sign: bool = False  # whether y must not change its sign


def _ways() -> list[tuple[_Transform, bool]]:
    """Return the transforms, and whether errors are in proportion to y."""
    first, *others = _transforms()
    return [(first, False), (first, True), *((transform, False) for transform in others)]


def _transforms() -> tuple[_Transform, ...]:
    import sympy

    return (
        _Transform("", lambda y: y, np.ones_like, lambda u, s: u, lambda u, s: u),
        _Transform("y - 1", lambda y: y - 1, np.ones_like, lambda u, s: u + 1, lambda u, s: u + 1),
        _Transform("y + 1", lambda y: y + 1, np.ones_like, lambda u, s: u - 1, lambda u, s: u - 1),
        _Transform("log(y)", np.log, lambda y: 1 / y, lambda u, s: np.exp(u), lambda u, s: sympy.exp(u)),
        _Transform("exp(y)", np.exp, np.exp, lambda u, s: np.log(u), lambda u, s: sympy.log(u)),
        _Transform(
            "1 - y**2",
            lambda y: 1 - y**2,
            lambda y: 2 * np.abs(y),
            lambda u, s: s * np.sqrt(1 - u),
            lambda u, s: s * sympy.sqrt(1 - u),
            one_sign=True,
        ),
    )


def power_laws(
    X: Matrix,
    y: Vector,
    names: Sequence[str],
    *,
    weights: Vector | None = None,
    seed: int = 0,
    deadline: float = math.inf,
) -> list[Proposal]:
    """Return power laws of y and of some transforms of it, with exponents that are simple fractions if they may be.

    ``log|T(y)| = log|c| + sum(p * log|x|)`` is fitted with rows weighted by what an error of y means there, and for
    T(y) = y also with all rows alike, as errors in proportion to y want it. Signs of inputs count through odd
    exponents. Then one exponent at a time is set to 0, an integer, or a fraction with denominator 2 or 3, and the
    others are refitted, as long as the cross-validated error of y stays within one standard error of the lowest;
    0 is tried before integers, these before fractions. At last c becomes a simple number where the loss agrees.

    Args:
        X: (N, n) inputs. Rows with a zero take no part in the logarithms.
        y: (N,) target.
        names: of the columns.
        weights: of the rows, one over the variance of y; None: all alike.
        seed: of the folds.
        deadline: on ``time.monotonic()``, after which nothing new is begun; a law at hand is finished.

    Example:
        >>> x = np.linspace(1, 4, 40)[:, None]
        >>> "2*sqrt(x)" in [str(law.expression) for law in power_laws(x, 2 * np.sqrt(x[:, 0]), ["x"])]
        True
    """
    w = np.ones(len(y)) if weights is None else weights
    rng = np.random.default_rng(seed)
    looked_at = np.sort(rng.permutation(len(y))[:_MOST_ROWS])
    found: dict[str, Proposal] = {}
    lowest, size = math.inf, float(np.abs(y).max())
    for transform, in_proportion in _ways():
        if time.monotonic() > deadline or lowest <= _ROUNDING * size:
            break
        search = _Search.of(transform, X[looked_at], y[looked_at], w[looked_at], in_proportion, seed)
        if search is None:
            continue
        if not in_proportion:
            search = search.smoothed()
            loss, _ = search.loss({}, list(search.columns))
            if len(y) >= FEW_ROWS and not loss < min(_HOPELESS * lowest, _ROUGH * float(np.std(y)) or math.inf):
                continue
            lowest = min(lowest, loss)
        route = f"power law of {transform.label}" if transform.label else "power law"
        for law in search.laws():
            for expression in _finished(law, search, X, y, names, weights):
                found.setdefault(as_text(expression), Proposal(expression, route))
    return list(found.values())


@dataclass(frozen=True)
class _Law:
    """Exponents of the columns, exact fractions or floats, and log|c| with c's sign."""

    exponents: dict[int, sympy.Rational | float]
    log_size: float
    sign: int


@dataclass(frozen=True, eq=False)
class _Search:
    """One transform of the target, with the logarithms of everything and the parities of signs."""

    transform: _Transform
    in_proportion: bool
    y: Vector
    values: Vector  # T(y)
    weights: Vector  # of squared errors of y
    usable: np.ndarray  # rows with logarithms
    logs: Matrix  # (rows, columns) of |x|; -inf where x is 0
    signs: Matrix  # of x to the power of its parity
    parity: dict[int, int | None]  # of the inputs that change sign; None of those that are never positive
    target: Vector  # log|T(y)|; 0 where not usable
    certainty: Vector  # weights of squared errors of the logarithm
    columns: tuple[int, ...]  # that may carry an exponent
    sign: int  # of c
    branch: float  # sign of y, where the inverse needs one
    folds: tuple[Split, ...]

    def smoothed(self) -> _Search:
        """Return the search with logarithms linearised at the fitted law: there noise is not taken for signal.

        With m the law's T(y), ``log|m| + (T(y) - m) / m`` with certainty m**2 is a Gauss-Newton step in y itself.
        """
        best, lowest = self, self.loss({}, list(self.columns))[0]
        for _ in range(_SMOOTHINGS):
            free = list(best.columns)
            signs, size = best.model({}, free, best.fit({}, free), slice(None))
            with np.errstate(all="ignore"):
                m = signs * np.exp(size)
                target = size + (self.values - m) / m
                certainty = self.weights * (m / self.transform.slope(self.transform.inverse(m, self.branch))) ** 2
            usable = np.isfinite(target) & np.isfinite(certainty) & (certainty > 0)
            if usable.sum() < len(free) + 2:
                break
            certainty = np.where(usable, certainty, 0.0) / certainty[usable].max()
            trial = replace(best, usable=usable, target=np.where(usable, target, 0.0), certainty=certainty)
            loss = trial.loss({}, free)[0]
            if not loss < lowest:
                break
            best, lowest = trial, loss
        return best

    @classmethod
    def of(
        cls, transform: _Transform, X: Matrix, y: Vector, weights: Vector, in_proportion: bool, seed: int
    ) -> _Search | None:
        """Return the search, or None where the transform or the logarithms make no sense for these data."""
        with np.errstate(all="ignore"):
            values, slope, logs = transform.forward(y), transform.slope(y), np.log(np.abs(X))
            target = np.log(np.abs(values))
            certainty = np.ones(len(y)) if in_proportion else weights * (values / slope) ** 2
            certain_signs = np.nan_to_num(weights * values**2, posinf=0.0)
        usable = np.isfinite(target) & np.isfinite(certainty) & np.isfinite(logs).all(axis=1) & (certainty > 0)
        if usable.sum() < max(3, len(y) / 2) or not np.isfinite(values).all():
            return None
        if transform.one_sign and len(np.unique(np.sign(y))) > 1:
            return None
        certainty = np.where(usable, certainty, 0.0) / certainty[usable].max()
        columns = _independent_columns(logs[usable])
        if len(columns) > usable.sum() - 2:
            return None
        signs, parity, sign = _parities(X, values, certain_signs * usable)
        return cls(
            transform=transform,
            in_proportion=in_proportion,
            y=y,
            values=values,
            weights=weights,
            usable=usable,
            logs=logs,
            signs=signs,
            parity=parity,
            target=np.where(usable, target, 0.0),
            certainty=certainty,
            columns=columns,
            sign=sign,
            branch=float(np.sign(y[np.abs(y).argmax()])),
            folds=k_folds(len(y), len(y) if len(y) < FEW_ROWS else _FOLDS, seed=seed),
        )

    def laws(self) -> list[_Law]:
        """Return the fit with free exponents, and where snapping one after the other ends."""
        free, fixed = list(self.columns), {}
        lowest = self.loss(fixed, free)
        tolerance = _ROUNDING * (1.0 if self.in_proportion else float(np.abs(self.y).max()))
        begin = self.law(fixed, free)
        while free:
            options = [
                (price, self.loss({**fixed, k: exponent}, [j for j in free if j != k]), k, exponent)
                for k, value in zip(free, self.fit(fixed, free)[1:], strict=True)
                for price, exponent in self.fractions(k, float(value))
            ]
            lowest = min([lowest, *(option[1] for option in options)])
            allowed = max(lowest[0] + lowest[1], tolerance)
            agreeing = [option for option in options if option[1][0] <= allowed]
            if not agreeing:
                break
            _, _, k, exponent = min(agreeing, key=lambda option: option[:3])
            fixed[k] = exponent
            free.remove(k)
        end = self.law(fixed, free)
        return [begin, end] if fixed else [begin]

    def fractions(self, column: int, value: float) -> list[tuple[int, Any]]:
        """Return (price, exact exponent) near ``value``: 0, and the nearest with denominators 1, 2 and 3."""
        import sympy

        if not abs(value) <= _LARGEST:
            return []
        if column in self.parity:
            parity = self.parity[column]
            nearest = round(value) if parity is None else 2 * round((value - parity) / 2) + parity
            return [(0, sympy.Integer(0))] * (parity != 1) + [(1, sympy.Integer(nearest))] * (nearest != 0)
        found: dict[Any, int] = {sympy.Integer(0): 0}
        for denominator in (1, 2, 3):
            found.setdefault(sympy.Rational(round(value * denominator), denominator), denominator)
        return [(price, exponent) for exponent, price in found.items()]

    def fit(self, fixed: dict, free: list[int], rows: Rows | None = None) -> Numbers:
        """Return log|c| and the free exponents that fit the logarithms best."""
        rows = np.flatnonzero(self.usable) if rows is None else rows[self.usable[rows]]
        root = np.sqrt(self.certainty[rows])
        rest = self.target[rows] - sum(float(p) * self.logs[rows, k] for k, p in fixed.items())
        design = np.column_stack([np.ones(len(rows)), self.logs[np.ix_(rows, np.array(free, int))]])
        return np.linalg.lstsq(design * root[:, None], rest * root, rcond=None)[0]

    def loss(self, fixed: dict, free: list[int]) -> tuple[float, float]:
        """Return the cross-validated RMSE, of log|y| where errors are in proportion to y, and its standard error."""
        residuals = np.empty(len(self.y))
        for fold in self.folds:
            numbers, rows = self.fit(fixed, free, fold.train), fold.held_out
            if self.in_proportion:
                residuals[rows] = self.model(fixed, free, numbers, rows)[1] - self.target[rows]
            else:
                residuals[rows] = self.predicted(fixed, free, numbers, rows) - self.y[rows]
        if self.in_proportion:
            return rmse_with_error(residuals[self.usable])
        return rmse_with_error(residuals, self.weights)

    def predicted(self, fixed: dict, free: list[int], numbers: Numbers, rows: Rows) -> Numbers:
        """Return y at some rows."""
        with np.errstate(all="ignore"):
            signs, size = self.model(fixed, free, numbers, rows)
            return self.transform.inverse(signs * np.exp(size), self.branch)

    def model(self, fixed: dict, free: list[int], numbers: Numbers, rows: Rows | slice) -> tuple[Numbers, Numbers]:
        """Return sign and logarithm of T(y) at some rows."""
        powers = {**fixed, **dict(zip(free, numbers[1:], strict=True))}
        size = np.full(len(self.y), numbers[0])[rows]
        for k, p in powers.items():
            if p != 0:
                size = size + float(p) * self.logs[rows, k]
        return self.sign * np.prod(self.signs[rows], axis=1), size

    def law(self, fixed: dict, free: list[int]) -> _Law:
        """Return the law with these exponents, fitted to all rows."""
        numbers = self.fit(fixed, free)
        exponents = {**fixed, **{k: float(p) for k, p in zip(free, numbers[1:], strict=True)}}
        return _Law({k: p for k, p in sorted(exponents.items()) if p != 0}, float(numbers[0]), self.sign)


def _finished(
    law: _Law, search: _Search, X: Matrix, y: Vector, names: Sequence[str], weights: Vector | None
) -> list[sympy.Expr]:
    """Return the law as an expression fitted in y itself, and once more with simple numbers."""
    import sympy

    if abs(law.log_size) > _LARGEST_LOG or any(abs(p) > _LARGEST for p in law.exponents.values()):
        return []
    parity = search.parity
    factors = [_power(sympy.Symbol(names[k]), p, k in parity, parity.get(k) == 1) for k, p in law.exponents.items()]
    odd = sum(parity.get(k, 0) is None and p % 2 == 1 for k, p in law.exponents.items())
    size = sympy.Float(law.sign * (-1) ** odd * math.exp(law.log_size), 17)
    expression = search.transform.sympy_inverse(sympy.Mul(size, *factors), int(search.branch))
    if search.in_proportion:
        weights = np.divide(1.0, y**2, out=np.zeros_like(y), where=y != 0)
    formula = Formula(expression, tuple(names))
    expression = with_refitted(formula, X, y, weights).expression
    simple = with_simple_numbers(expression, names, X, y, weights)
    return [expression] if simple == expression else [expression, simple]


def _power(symbol: sympy.Symbol, exponent: sympy.Rational | float, signed: bool, odd: bool) -> sympy.Expr:
    import sympy

    if not isinstance(exponent, float):
        return symbol**exponent
    power = sympy.Float(exponent, 17)
    if not signed:
        return symbol**power
    return sympy.Abs(symbol) ** power * (sympy.sign(symbol) if odd else 1)


def _independent_columns(logs: Matrix) -> tuple[int, ...]:
    """Return the columns that a constant and the columns before them do not make up."""
    basis = [np.full(len(logs), len(logs) ** -0.5)]
    kept = []
    for k, column in enumerate(logs.T):
        rest = column
        for _ in range(2):  # twice is enough
            rest = rest - sum(float(b @ rest) * b for b in basis)
        if np.linalg.norm(rest) > _INDEPENDENT * np.linalg.norm(column):
            kept.append(k)
            basis.append(rest / np.linalg.norm(rest))
    return tuple(kept)


def _parities(X: Matrix, values: Vector, weights: Vector) -> tuple[Matrix, dict[int, int | None], int]:
    """Return the signs of x to the power of their parities, the parity of each input that changes sign, and c's sign.

    The parities are those whose product of signs agrees with the signs of ``values`` on rows of the most weight.
    """
    never_positive = [k for k, column in enumerate(X.T) if (column <= 0).all()]
    signed = [k for k, column in enumerate(X.T) if (column < 0).any() and (column > 0).any()]
    tried = signed[:_MOST_SIGNED]
    signs = np.sign(X)
    aim = weights * np.sign(values)
    best, choice, sign = -1.0, (0,) * len(tried), 1
    for parities in itertools.product((0, 1), repeat=len(tried)):
        product = np.prod(np.where(parities, signs[:, tried], 1.0), axis=1)
        agreement = float(aim @ product)
        if abs(agreement) > best * (1 + 1e-12):
            best, choice, sign = abs(agreement), parities, 1 if agreement >= 0 else -1
    powers = np.ones_like(X)
    parity = {**dict.fromkeys(signed, 0), **dict(zip(tried, choice, strict=True))}
    odd = [k for k, its in parity.items() if its]
    powers[:, odd] = signs[:, odd]
    return powers, {**parity, **dict.fromkeys(never_positive)}, sign
