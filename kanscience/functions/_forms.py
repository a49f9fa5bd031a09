"""Parts that library functions are made of. Plain classes instead of lambdas: networks that hold them can be pickled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sympy import Expr


def real_value(number: Expr) -> float | None:
    """Return the float of an exact number; None if it is not real, or not finite."""
    value = number.evalf(30) if number.is_real is None else number
    if not value.is_real or not value.is_finite:
        return None
    return float(value)


@dataclass(frozen=True)
class SympyFunction:
    """A function of sympy by its name: sympy is imported when a formula is written, not before.

    ``first`` are arguments before the variable, the order of a Bessel function; ``last`` those after it.
    """

    name: str
    first: tuple = ()
    last: tuple = ()

    def __call__(self, u: Expr) -> Expr:
        import sympy

        return getattr(sympy, self.name)(*self.first, u, *self.last)


@dataclass(frozen=True)
class WithArguments:
    """``function(u, *arguments)``: a ``partial`` that can be compared, hashed and pickled."""

    function: Callable
    arguments: tuple

    def __call__(self, u):
        return self.function(u, *self.arguments)
