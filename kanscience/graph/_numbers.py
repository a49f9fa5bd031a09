"""A float beside the exact number that it stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from kanscience._errors import GraphError

if TYPE_CHECKING:
    import sympy

# What an exact number may be built from, by the names of sympy's classes. Anything else has no JSON form, and
# files can name nothing else. A constant stands beside its name in sympy.
_CONSTANTS = {
    "Pi": "pi",
    "Exp1": "E",
    "GoldenRatio": "GoldenRatio",
    "EulerGamma": "EulerGamma",
    "Catalan": "Catalan",
}
_HEADS = (
    *("Add", "Mul", "Pow", "exp", "log", "Abs", "sign", "Max", "Min"),
    *("sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "atan2"),
    *("asec", "acsc", "acot", "sinh", "cosh", "tanh", "coth", "sech", "csch"),
    *("asinh", "acosh", "atanh", "acoth", "asech", "acsch"),
    *("erf", "erfc", "gamma", "loggamma", "besselj", "bessely", "besseli", "besselk"),
)
_MOST_BITS = 4096  # of one integer in a file: 1,233 decimal digits


@dataclass(frozen=True, slots=True)
class Number:
    """A float, with the exact number it came from.

    The exact number speaks wherever its own float is ``value`` bit for bit: until training changes that.

    Args:
        value: what is computed with.
        exact: a real sympy number or an int; None if there is only the float.

    Example:
        >>> import sympy
        >>> Number.of(sympy.pi / 2)
        Number(1.5707963267948966, pi/2)
        >>> Number(1.57, sympy.pi / 2).sympy()  # trained: the float counts
        1.5700000000000001
    """

    value: float
    exact: sympy.Expr | int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))  # numpy's floats print as numpy's

    @classmethod
    def of(cls, number: Number | float | sympy.Expr | Any) -> Number:
        """Return the Number of an int, a float or a real sympy number.

        Raises:
            GraphError: the number is complex, not finite as a float, or not a number at all.
        """
        if isinstance(number, Number):
            return number
        if isinstance(number, int):
            return cls(_float_of(int(number)), int(number))
        if isinstance(number, float):
            return cls(float(number))
        if hasattr(number, "is_Float"):
            return cls(_float_of(number), number)
        try:  # numpy's and torch's scalars
            scalar = number.item()  # type: ignore[union-attr]
        except (AttributeError, ValueError, RuntimeError):  # no array, or one of several numbers
            raise GraphError(f"a number must be an int, a float or a sympy number, not {number!r}.") from None
        return cls.of(scalar)

    def sympy(self) -> sympy.Expr:
        """Return the exact number while its float is ``value``, else ``value`` with all its digits."""
        import sympy

        if self.is_exact:
            return cast("sympy.Expr", sympy.sympify(self.exact))
        return sympy.Float(self.value, 17)

    @property
    def is_exact(self) -> bool:
        """Whether the exact number still speaks."""
        return self.exact is not None and _float_of(self.exact) == self.value

    def to_json(self) -> Any:
        """Return the float alone, or ``[float, exact]`` with the exact number as nested lists."""
        return self.value if self.exact is None else [self.value, exact_to_json(self.exact)]

    @classmethod
    def from_json(cls, data: Any) -> Number:
        """Return the Number that ``to_json`` wrote, bit for bit."""
        match data:
            case [int() | float() as value, exact] if not isinstance(value, bool):
                return cls(float(value), exact_from_json(exact))
            case int() | float() if not isinstance(data, bool):
                return cls(float(data))
        raise GraphError(f"a number is written as a float or as [float, exact number], not {data!r}.")

    def __str__(self) -> str:
        decimal = getattr(self.exact, "is_Float", False)
        return str(self.exact) if self.is_exact and not decimal else f"{self.value:.6g}"

    def __repr__(self) -> str:
        return f"Number({self.value!r})" if self.exact is None else f"Number({self.value!r}, {self.exact})"


def exact_to_json(number: sympy.Expr | int) -> Any:
    """Write an exact number as nested lists: 3/2 as ``["Rational", 3, 2]``, sqrt(2) as ``["Pow", 2, ...]``.

    Raises:
        GraphError: the number holds something that is not on the list of this file.
    """
    import sympy

    match number:
        case int() | sympy.Integer():
            return int(number)
        case sympy.Rational():
            return ["Rational", int(number.p), int(number.q)]
        case sympy.Float():
            sign, mantissa, exponent, _ = number._mpf_
            return ["Float", int(sign), int(mantissa), int(exponent), int(number._prec)]
    name = type(number).__name__
    if name in _CONSTANTS:
        return [name]
    if name in _HEADS and number.args:
        return [name, *(exact_to_json(cast("sympy.Expr", part)) for part in number.args)]
    raise GraphError(f"the exact number {number} cannot be written to a file: {name} is not one of {_known()}.")


def exact_from_json(data: Any) -> sympy.Expr | int:
    """Rebuild what ``exact_to_json`` wrote. Nothing is parsed and nothing is evaluated."""
    import sympy

    match data:
        case int() if not isinstance(data, bool) and data.bit_length() <= _MOST_BITS:
            return data
        case ["Rational", int(p), int(q)] if q > 0 and max(p.bit_length(), q.bit_length()) <= _MOST_BITS:
            return sympy.Rational(p, q)
        case ["Float", int(sign), int(mantissa), int(exponent), int(bits)] if 0 < bits <= _MOST_BITS:
            return sympy.Float((sign, mantissa, exponent, mantissa.bit_length()), precision=bits)
        case [str(name)] if name in _CONSTANTS:
            return getattr(sympy, _CONSTANTS[name])
        case [str(name), *parts] if name in _HEADS and parts:
            arguments = [sympy.sympify(exact_from_json(part)) for part in parts]
            return getattr(sympy, name)(*arguments, evaluate=False)
    raise GraphError(f"{data!r} is no exact number, which is an int or a list that begins with {_known()}.")


def _known() -> str:
    return ", ".join(("Rational", "Float", *_CONSTANTS, *_HEADS))


def _float_of(number: Any) -> float:
    # Correctly rounded: Python's integer division is; a sympy number gets 30 digits first.
    try:
        if isinstance(number, int):
            value = float(number)
        elif number.is_Rational:
            value = int(number.p) / int(number.q)
        else:
            value = _evaluated(number)
    except (OverflowError, TypeError) as reason:
        raise GraphError(f"{number} is not a real number within the range of floats ({reason}).") from None
    if not math.isfinite(value):
        raise GraphError(f"{number} is {value}; the numbers of a graph are finite.")
    return value


_PRECISIONS = (30, 60, 120, 240, 480)  # decimal digits


def _evaluated(number: sympy.Expr) -> float:
    # The digits of cot(1e47) are lost unless the argument has 47 more: two precisions must agree.
    import sympy

    value = float(number.evalf(_PRECISIONS[0]))
    if not number.atoms(sympy.Function):
        return value
    for digits in _PRECISIONS[1:]:
        before, value = value, float(number.evalf(digits))
        if value == before:
            return value
        if abs(value) < 1e-10 * abs(before) < 1e-40:
            return 0.0  # sin(1)**2 + cos(1)**2 - 1: nothing is left but what the precision leaves
    raise GraphError(f"{number} cannot be evaluated: its digits change up to a precision of {_PRECISIONS[-1]}.")
