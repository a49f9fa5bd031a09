"""Combinations of variables: does f depend on b and c through b/c alone?

f = F(s(b, c), rest) exactly when the gradients of f and s in (b, c) are parallel everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

import networkx
import numpy as np

from kanscience._errors import DataError, FormulaError
from kanscience._typing import ArrayLike, Matrix
from kanscience.compiler import compile_formula, parse_formula
from kanscience.structure._callables import functions_of, points_for
from kanscience.structure._derivatives import FEWEST_POINTS, column_scales
from kanscience.structure._kinks import check_smooth

if TYPE_CHECKING:
    import sympy

    from kanscience.structure._derivatives import Function, PerVariable

_LARGEST_DENOMINATOR = 6
_MOST = 0.5  # a share: a combination that is constant around more of the points than that says nothing
_SIMPLE = 1e-6  # how near a coefficient is to the fraction that it is written as, relative


@dataclass(frozen=True)
class Symmetry:
    """A combination of variables and how well a function depends on them through it alone.

    Args:
        formula: the combination.
        variables: the columns in it.
        family: "translation" (a ± b), "linear", "scaling" (a*b, a/b), "power" (a^p * b^q), "rotation" (a² + b²),
            "Lorentz" (a² - b²), "quadratic", or "given".
        score: 1 where the gradients of function and combination are parallel at all points, 0 where at none.
        share: of the points at which they are.
        holds: whether they are, but for rounding.
    """

    formula: str
    variables: tuple[int, ...]
    family: str
    score: float
    share: float
    holds: bool

    def __str__(self) -> str:
        return f"{self.formula} ({self.family}, score {self.score:.6g})"


@dataclass(frozen=True)
class _Family:
    """Combinations φ(a) + c*φ(b); ``weighted`` returns f_a and f_b over φ', times what makes both finite."""

    weighted: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    names: tuple[str, str, str]  # where all c are 1 in size and of one sign; where signs differ; else
    written: Callable[[Sequence[sympy.Symbol], Sequence[Any]], sympy.Expr]


def _sum_of_powers(power: int) -> Callable[[Sequence[Any], Sequence[Any]], Any]:
    return lambda symbols, factors: sum(c * s**power for s, c in zip(symbols, factors, strict=True))


def _product_of_powers(symbols: Sequence[Any], exponents: Sequence[Any]) -> Any:
    import sympy

    return sympy.Mul(*(s**c for s, c in zip(symbols, exponents, strict=True)))


_FAMILIES = (
    _Family(lambda f_a, f_b, a, b: (f_a, f_b), ("translation", "translation", "linear"), _sum_of_powers(1)),
    _Family(lambda f_a, f_b, a, b: (f_a * a, f_b * b), ("scaling", "scaling", "power"), _product_of_powers),
    _Family(lambda f_a, f_b, a, b: (f_a * b, f_b * a), ("rotation", "Lorentz", "quadratic"), _sum_of_powers(2)),
)


def has_symmetry(f: Callable[..., Any], x: ArrayLike, formula: str, *, names: Sequence[str] | None = None) -> bool:
    """Say whether f depends on the variables in a formula through that formula alone.

    Args:
        f, x, names: as in `discover_tree`.
        formula: any combination of the variables, such as ``"b/c"`` or ``"sqrt(a**2 + b**2)"``.

    Returns:
        True where it does at all points. A formula of one variable always holds.

    Raises:
        FormulaError: the formula cannot be read, or holds no variable of ``names``.
        DataError: as `discover_tree` does.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.random.default_rng(0).uniform(1, 2, (100, 3))
        >>> f = lambda x: x[:, 0] * (1 + (x[:, 1] / x[:, 2]) ** 2) ** 0.5
        >>> ks.has_symmetry(f, x, "b/c", names=["a", "b", "c"]), ks.has_symmetry(f, x, "b*c", names=["a", "b", "c"])
        (True, False)
    """
    return symmetry_in(f, x, formula, names=names).holds


def symmetry_in(f: Callable[..., Any], x: ArrayLike, formula: str, *, names: Sequence[str] | None = None) -> Symmetry:
    """Return how well f depends on the variables in a formula through that formula alone, as `has_symmetry` asks."""
    points, columns = points_for(f, x, names)
    parsed = parse_formula(formula, variables=columns)
    used = sorted(columns.index(str(symbol)) for symbol in parsed.free_symbols if str(symbol) in columns)
    if not used:
        raise FormulaError(
            f"{formula!r} holds none of the variables {', '.join(columns)}. Write a combination of them."
        )
    (combination,) = functions_of(compile_formula(parsed, columns), points)
    asked = _Gradients.of(functions_of(f, points), points, columns, combination)
    *of_f, combined = asked.values
    if (flat := np.mean(~combined.any(axis=1))) > _MOST:
        raise FormulaError(
            f"{formula!r} stays the same around {flat:.0%} of the points, so that no gradient shows what depends on "
            "it. Write a combination that varies."
        )
    pairs = list(combinations(used, 2))
    tests = [(g[:, i] * combined[:, j], g[:, j] * combined[:, i]) for g in of_f for i, j in pairs]
    return asked.symmetry(formula, tuple(used), "given", tests)


def find_symmetries(f: Callable[..., Any], x: ArrayLike, *, names: Sequence[str] | None = None) -> tuple[Symmetry, ...]:
    """Find combinations of two variables or more that a function depends on alone.

    Looked for are linear combinations (a + b, a - 2*b), products of powers (a*b, a/b, a*b**2) and sums of squares
    (a**2 + b**2, a**2 - b**2), their coefficients fitted.

    Args:
        f, x, names: as in `discover_tree`. Of several outputs all must have the symmetry.

    Returns:
        The combinations that hold, those of most variables first.

    Raises:
        DataError: as `discover_tree` does.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.random.default_rng(0).uniform(1, 2, (100, 3))
        >>> [found] = ks.find_symmetries(lambda x: x[:, 0] * np.sin(x[:, 1] / x[:, 2] ** 2), x, names=["a", "b", "c"])
        >>> print(found)
        b/c**2 (power, score 1)
    """
    points, columns = points_for(f, x, names)
    asked = _Gradients.of(functions_of(f, points), points, columns)
    found = [symmetry for family in _FAMILIES for symmetry in _of_family(family, asked, columns)]
    return tuple(sorted(found, key=lambda s: (-len(s.variables), s.variables)))


@dataclass(frozen=True, eq=False)
class _Gradients:
    """Gradients of several functions in ``x / scale``, the largest entry 1, where all of them are finite."""

    points: Matrix
    values: list[Matrix]
    scale: PerVariable
    limit: float

    @classmethod
    def of(
        cls, functions: Sequence[Function], x: Matrix, names: tuple[str, ...], combination: Function | None = None
    ) -> _Gradients:
        scale = column_scales(x, names)
        for function in functions:
            check_smooth(function, x, scale, names)
        functions = [*functions, combination] if combination else functions
        gradients = [function.gradient(x, scale) for function in functions]
        good = np.logical_and.reduce([np.isfinite(g).all(axis=1) for g in gradients])
        if good.sum() < FEWEST_POINTS:
            raise DataError(
                f"a symmetry needs at least {FEWEST_POINTS} points where the function, the combination and their "
                f"gradients are finite; here {int(good.sum())} of {len(x)} are. Pass more points inside their domains."
            )
        limit = max(function.limits.dependence for function in functions)
        return cls(x[good], [g[good] / (np.abs(g[good]).max() or 1.0) for g in gradients], scale, limit)

    @property
    def active(self) -> list[int]:
        """The variables that every function depends on."""
        strengths = [np.abs(g).mean(axis=0) for g in self.values]
        return [k for k in range(self.points.shape[1]) if all(s[k] > self.limit * s.max() for s in strengths)]

    def symmetry(
        self, formula: str, variables: tuple[int, ...], family: str, tests: list[tuple[np.ndarray, np.ndarray]]
    ) -> Symmetry:
        """Return the answer to whether the two sides of all tests are equal."""
        error, share = self.agreement(tests)
        return Symmetry(formula, variables, family, 1 - error, share, error <= self.limit)

    def agreement(self, tests: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
        """Return the largest relative difference between the sides of a test, and the least share of equal points."""
        errors, shares = [0.0], [1.0]
        for left, right in tests:
            gap, size = np.abs(left - right), np.abs(left) + np.abs(right)
            if size.sum() > 0:
                errors.append(float(gap.sum() / size.sum()))
                shares.append(float(np.mean(gap <= self.limit * np.maximum(size, size.mean()))))
        return max(errors), min(shares)


def _of_family(family: _Family, asked: _Gradients, names: tuple[str, ...]) -> Iterator[Symmetry]:
    pairs = networkx.Graph()
    for i, j in combinations(asked.active, 2):
        factor, tests = _fitted(family, asked, i, j)
        if np.isfinite(factor) and factor != 0 and asked.agreement(tests)[0] <= asked.limit:
            pairs.add_edge(i, j)
    for group in sorted(map(sorted, networkx.connected_components(pairs))):
        fits = [_fitted(family, asked, group[0], other) for other in group[1:]]
        factors = [Fraction(1), *(_simplest(factor) for factor, _ in fits)]
        formula = _formula(family, [names[k] for k in group], factors)
        tests = [test for _, of_pair in fits for test in of_pair]
        yield asked.symmetry(formula, tuple(group), _family_name(family, factors), tests)


def _fitted(family: _Family, asked: _Gradients, i: int, j: int) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
    """Return c of φ(x_i) + c*φ(x_j), and for every function the sides that should then be equal."""
    a, b = asked.points[:, i], asked.points[:, j]
    slopes = [g[:, [i, j]] / asked.scale[[i, j]] for g in asked.values]
    sides = [family.weighted(slope[:, 0], slope[:, 1], a, b) for slope in slopes]
    left, right = (np.concatenate(side) for side in zip(*sides, strict=True))
    with np.errstate(all="ignore"):
        largest = np.abs(left).max(), np.abs(right).max()
        left, right = left / largest[0], right / largest[1]
        ratio = largest[1] / largest[0]
        factor = float(ratio * np.sign(left @ right) * np.sqrt((right @ right) / (left @ left)))
    return factor, [(factor * p, q) for p, q in sides]


def _simplest(factor: float) -> Fraction | float:
    near = Fraction(factor).limit_denominator(_LARGEST_DENOMINATOR)
    return near if near and abs(factor - near) <= _SIMPLE * abs(factor) else factor


def _formula(family: _Family, names: Sequence[str], factors: Sequence[Fraction | float]) -> str:
    import sympy

    exact = [
        sympy.Rational(c.numerator, c.denominator) if isinstance(c, Fraction) else sympy.Float(c, 6) for c in factors
    ]
    return str(family.written([sympy.Symbol(name) for name in names], exact))


def _family_name(family: _Family, factors: Sequence[Fraction | float]) -> str:
    same_sign, mixed_signs, other = family.names
    if any(abs(c) != 1 for c in factors):
        return other
    return same_sign if all(c > 0 for c in factors) else mixed_signs
