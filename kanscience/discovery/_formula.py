"""Expressions as numpy functions, and least squares for their constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float64

from kanscience._errors import FormulaError
from kanscience._typing import Matrix, Vector
from kanscience.discovery._spelling import as_text

if TYPE_CHECKING:
    import sympy

_TIGHT = 1e-15  # steps of least squares over the constants' size that end it: formulas are often exact
_STALLED = 1e-10  # relative fall of the sum of squares that ends it
_ROUNDS = 30


def complexity(expression: sympy.Expr) -> int:
    """Return the number of operations: ``+ - * / **``, signs and functions, as ``sympy.count_ops`` counts them.

    Symbols and numbers are 0, and fractions are numbers: sympy would count a division in each.

    Example:
        >>> import sympy
        >>> a, b = sympy.symbols("a b")
        >>> complexity(a ** sympy.Rational(3, 2)), complexity(2 * a / 3 - sympy.sin(b))
        (1, 3)
    """
    import sympy

    if expression.is_Number:
        return 0
    fractions = [number for number in expression.atoms(sympy.Rational) if number.q != 1]
    names = {number: sympy.sign(number) * sympy.Dummy(positive=True) for number in fractions}
    return int(sympy.count_ops(expression.xreplace(names)))


Numbers: TypeAlias = Float64[np.ndarray, " _"]
"""Values of the constants of a formula."""


@dataclass(frozen=True, eq=False)
class Formula:
    """An expression whose floats are parameters: integers, fractions and pi stay as they are.

    Args:
        expression: in plain symbols with the names of the inputs.
        names: of the columns of X, in their order.

    Example:
        >>> import sympy
        >>> formula = Formula(sympy.Float(2.0) * sympy.Symbol("a") ** 2, ("a",))
        >>> formula.constants, formula(np.array([[3.0]]))
        (array([2.]), array([18.]))
    """

    expression: sympy.Expr
    names: tuple[str, ...]

    @cached_property
    def floats(self) -> tuple[sympy.Float, ...]:
        """The floats in the expression, each once."""
        import sympy

        return tuple(sorted(self.expression.atoms(sympy.Float), key=float))

    @cached_property
    def constants(self) -> Numbers:
        """Their values."""
        return np.array([float(number) for number in self.floats])

    def __call__(self, X: Matrix, constants: Numbers | None = None) -> Vector:
        """Return one value a row; NaN where the formula is not real or overflows to something undefined."""
        numbers = self.constants if constants is None else constants
        with np.errstate(all="ignore"):
            values = np.asarray(self._function(*X.T, *numbers))
        if np.iscomplexobj(values):
            values = np.where(np.imag(values) == 0, np.real(values), np.nan)
        return np.broadcast_to(values, (len(X),)).astype(np.float64)

    def with_constants(self, constants: Sequence[Any]) -> Any:
        """Return the expression with other numbers in the places of its floats, exact ones as they are."""
        import sympy

        new = [sympy.Float(c, 17) if isinstance(c, float) else c for c in constants]
        return self.expression.xreplace(dict(zip(self.floats, new, strict=True)))

    @cached_property
    def _function(self) -> Callable[..., Any]:
        import sympy

        inputs = [sympy.Symbol(name) for name in self.names]
        unknown = self.expression.free_symbols - set(inputs)
        if unknown:
            raise FormulaError(
                f"The formula {as_text(self.expression)} holds {sorted(map(str, unknown))}, and the columns are "
                f"{list(self.names)}. Write it in the names of the columns."
            )
        # A column may be called sqrt or E: in the code that is generated no name of the data appears.
        arguments = [sympy.Dummy(f"x{k}") for k in range(len(inputs))]
        numbers = [sympy.Dummy(f"c{k}") for k in range(len(self.floats))]
        body = self.expression.xreplace(dict(zip([*inputs, *self.floats], [*arguments, *numbers], strict=True)))
        return sympy.lambdify([*arguments, *numbers], body, ["scipy", "numpy"])


def evaluate(expression: sympy.Expr, names: Sequence[str], X: Matrix) -> Vector:
    """Return the values of an expression at the rows of X; NaN where it is not real."""
    return Formula(expression, tuple(names))(X)


def with_refitted(formula: Formula, X: Matrix, y: Vector, weights: Vector | None = None) -> Formula:
    """Return the formula with the constants that `refitted` finds."""
    constants = [float(c) for c in refitted(formula, X, y, weights)]
    return Formula(formula.with_constants(constants), formula.names)


def refitted(
    formula: Formula,
    X: Matrix,
    y: Vector,
    weights: Vector | None = None,
    *,
    start: Numbers | None = None,
    free: Sequence[bool] | None = None,
) -> Numbers:
    """Return constants with the least ``sum(weights * (formula - y)**2)``.

    Args:
        formula: its structure stays.
        X, y: rows where the formula is not finite are left out.
        weights: (N,); None counts every row alike.
        start: of the constants; None starts from the present ones.
        free: which constants may change; None all.
    """
    from scipy.optimize import least_squares

    start = (formula.constants if start is None else start).copy()
    chosen = np.flatnonzero(np.ones(len(start), bool) if free is None else np.asarray(free, bool))
    finite = np.isfinite(formula(X, start))
    if not len(chosen) or not finite.any():
        return start
    X, y = X[finite], y[finite]
    root = np.ones(len(y)) if weights is None else np.sqrt(weights[finite])
    unit = np.linalg.norm(root * y) or 1.0  # sums of squares near 1: tolerances then mean the same in every unit

    def residuals(theta: Numbers) -> Vector:
        constants = start.copy()
        constants[chosen] = theta
        return np.nan_to_num(root * (formula(X, constants) - y) / unit, nan=1e10, posinf=1e10, neginf=-1e10)

    done = least_squares(
        residuals,
        start[chosen],
        method="lm" if len(y) >= len(chosen) else "trf",
        x_scale=np.where(start[chosen] == 0, 1.0, np.abs(start[chosen])),
        ftol=_STALLED,
        xtol=_TIGHT,
        gtol=_TIGHT,
        max_nfev=_ROUNDS * (len(chosen) + 1),
    )
    best = start.copy()
    best[chosen] = done.x
    return best


def jacobian(formula: Formula, X: Matrix, constants: Numbers) -> Float64[np.ndarray, "row constant"]:
    """Return the derivatives (N, constants) of the formula with respect to its constants, by central differences."""
    columns = []
    for k, value in enumerate(constants):
        step = np.zeros(len(constants))
        step[k] = 6e-6 * max(abs(value), 1e-3)
        columns.append((formula(X, constants + step) - formula(X, constants - step)) / (2 * step[k]))
    return np.stack(columns, axis=1) if columns else np.empty((len(X), 0))
