"""Propose an exact number for a fitted one. Whether it is taken, the loss of the whole formula decides."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sympy import Expr

_DENOMINATORS = (*range(1, 13), 16, 20, 25, 50, 100)  # small, or a short decimal fraction
_FACTORS = {  # as sympy reads it: value, price in nats
    "1": (1.0, 0.0),
    "pi": (math.pi, 2.0),
    "E": (math.e, 3.0),
    "sqrt(2)": (math.sqrt(2), 3.0),
    "1/pi": (1 / math.pi, 3.5),
}
_LARGEST_NUMERATOR = 10_000
_FRACTION = 1.5  # nats of having a denominator at all


def snap_constant(value: float, tolerance: float) -> Expr | None:
    """Return the simplest exact number within a tolerance, or None where none is simple enough to mean something.

    Candidates are 0, integers n, rationals n/d, and both times pi, e, sqrt(2) or 1/pi. An integer costs log(1 + |n|),
    a denominator 1.5 + log d more, pi 2, 1/pi 3.5, and e and sqrt(2) 3. Between any two numbers there is some rational, so a
    candidate must not cost more than the digits that are known, log(|value|/tolerance).

    Args:
        value: the fitted number.
        tolerance: how far the exact number may be from it, for instance a few standard errors; not negative.

    Example:
        >>> snap_constant(1.5707, 1e-3), snap_constant(0.3333, 1e-3), snap_constant(0.7389, 1e-3)
        (pi/2, 1/3, None)
    """
    if not math.isfinite(value) or math.isnan(tolerance):
        return None
    if abs(value) <= tolerance:
        return _exact(0, 1, "1")
    tolerance = max(tolerance, 4 * math.ulp(value))
    price, _, n, d, factor = min(_candidates(value, tolerance), default=(math.inf, 0.0, 0, 1, "1"))
    return _exact(n, d, factor) if price <= math.log(abs(value) / tolerance) else None


def _candidates(value: float, tolerance: float) -> Iterator[tuple[float, float, int, int, str]]:
    # price, distance, numerator, denominator, factor; the nearest numerator for each denominator
    for name, (factor, price) in _FACTORS.items():
        for d in _DENOMINATORS:
            n = round(value / factor * d)
            distance = abs(value - n / d * factor)
            if 0 < abs(n) <= _LARGEST_NUMERATOR and distance <= tolerance and math.gcd(n, d) == 1:
                fraction = _FRACTION + math.log(d) if d > 1 else 0.0
                yield price + math.log1p(abs(n)) + fraction, distance, n, d, name


def _exact(n: int, d: int, factor: str) -> Expr:
    import sympy

    return sympy.Rational(n, d) * sympy.sympify(factor)
