"""What an edge carries: terms that are added. And what a source node says about its splines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanscience._errors import GraphError
from kanscience.graph._numbers import Number, exact_from_json, exact_to_json

if TYPE_CHECKING:
    import sympy

ZERO = Number(0.0, 0)
ONE = Number(1.0, 1)


@dataclass(frozen=True, slots=True)
class Term:
    """``scale * f(slope * x + shift)`` with a library function f; the identity is ``scale * x`` alone.

    Args:
        function: name of a library function, or of a family of them.
        arguments: what picks the member of a family: exact sympy numbers or ints (``power``: the exponent),
            and for families of another kind text, truth values, terms, or tuples of all these.
        scale, slope, shift: Numbers; `Term.of` makes them from ints, floats and sympy numbers.
        trainable: whether a fit may change the three numbers.

    Example:
        >>> print(Term.of("sin", slope=2, shift=0.5))
        sin(2*x + 0.5)
    """

    function: str = "identity"
    arguments: tuple = ()
    scale: Number = ONE
    slope: Number = ONE
    shift: Number = ZERO
    trainable: bool = False

    def __post_init__(self) -> None:
        for name in ("scale", "slope", "shift"):
            if not isinstance(getattr(self, name), Number):
                raise GraphError(f"`{name}` is {getattr(self, name)!r}, not a Number. `Term.of` makes Numbers.")
        if self.is_identity and (self.slope.value != 1 or self.shift.value != 0):
            raise GraphError(
                f"the identity is `scale * x` alone, but has slope {self.slope} and shift {self.shift}. "
                "Multiply the slope into `scale`, and add the shift to the bias of the sum."
            )

    @classmethod
    def of(
        cls,
        function: str = "identity",
        *arguments: Any,
        scale: Number | float | sympy.Expr = ONE,
        slope: Number | float | sympy.Expr = ONE,
        shift: Number | float | sympy.Expr = ZERO,
        trainable: bool = False,
    ) -> Term:
        """Return a term from numbers of any kind: ``Term.of("power", 2, scale=sympy.pi)``."""
        numbers = map(Number.of, (scale, slope, shift))
        return cls(function, arguments, *numbers, trainable=trainable)

    @property
    def is_identity(self) -> bool:
        """Whether the term is ``scale * x``."""
        return self.function == "identity"

    def text(self, x: str = "x") -> str:
        """Return the term as text, with ``x`` for what goes into it."""
        if self.is_identity:
            return _times(self.scale, x)
        inside = _times(self.slope, x)
        if self.shift.value:
            inside = f"{inside} + {self.shift}".replace("+ -", "- ")
        arguments = "".join(f", {_argument_text(a)}" for a in self.arguments)
        return _times(self.scale, f"{self.function}({inside}{arguments})")

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class SplineTerm:
    """``base_weight * b(t) + sum of coefficients[i] * B[i](t)``; the basis is on the source node's ``axis``.

    Args:
        coefficients: one for each B-spline; None if the spline is free, to be drawn by ``from_graph``.
        base_weight: factor of the base function.
        trainable: whether a fit may change them.
    """

    coefficients: tuple[float, ...] | None = None
    base_weight: float = 0.0
    trainable: bool = True

    def __post_init__(self) -> None:
        if self.coefficients is not None:
            object.__setattr__(self, "coefficients", tuple(map(float, self.coefficients)))
        object.__setattr__(self, "base_weight", float(self.base_weight))

    @property
    def is_free(self) -> bool:
        """Whether there are no coefficients yet."""
        return self.coefficients is None

    def text(self, x: str = "x") -> str:
        """Return the term as text, with ``x`` for what goes into it."""
        return f"{'free ' if self.is_free else ''}spline({x})"

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class SplineAxis:
    """Knots, degree, base and domain of a source node, shared by the splines on all its edges.

    Args:
        knots: in ``t``, the source's value mapped from ``domain`` to [-1, 1]; never falling; ``degree`` of
            them lie on each side of the domain, so there are ``grid + 1 + 2 * degree``.
        degree: polynomial degree of the splines, 0 to 5.
        base: name of the base function.
        domain: (low, high) in the unit of the source; None as long as no data came: ``t`` is the value then.
        given: whether the domain was given by the user, and not taken from data.
    """

    knots: tuple[float, ...]
    degree: int
    base: str = "silu"
    domain: tuple[float, float] | None = None
    given: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "knots", tuple(map(float, self.knots)))
        object.__setattr__(self, "degree", int(self.degree))
        if self.domain is not None:
            low, high = map(float, self.domain)
            object.__setattr__(self, "domain", (low, high))
        problem = self._problem()
        if problem:
            raise GraphError(f"a spline axis with degree {self.degree} and knots {_short(self.knots)}: {problem}")

    def _problem(self) -> str:
        if not 0 <= self.degree <= 5:
            return "the degree must be 0 to 5."
        if len(self.knots) < 2 + 2 * self.degree:
            least = 2 + 2 * self.degree
            return f"it needs at least {least} knots (grid + 1 + 2 * degree), but has {len(self.knots)}."
        if not all(map(math.isfinite, self.knots)):
            return "knots must be finite."
        if any(a > b for a, b in zip(self.knots, self.knots[1:], strict=False)):
            return "knots must not fall."
        ends = self.knots[self.degree], self.knots[-self.degree - 1]
        if not (math.isclose(ends[0], -1, abs_tol=1e-6) and math.isclose(ends[1], 1, abs_tol=1e-6)):
            return f"knots are in t, from -1 to 1 in the domain, but these go from {ends[0]:g} to {ends[1]:g}."
        if self.domain is not None and not (-math.inf < self.domain[0] < self.domain[1] < math.inf):
            return f"its domain {self.domain} must be (low, high), finite, with low < high."
        return ""

    @property
    def grid(self) -> int:
        """Number of intervals inside the domain."""
        return len(self.knots) - 1 - 2 * self.degree

    @property
    def n_basis(self) -> int:
        """Number of B-splines, and so of coefficients of every spline on this axis."""
        return len(self.knots) - self.degree - 1

    @property
    def range(self) -> tuple[float, float]:
        """The domain, [-1, 1] as long as there is none."""
        return self.domain or (-1.0, 1.0)

    def to_json(self) -> dict[str, Any]:
        """Return the axis as a dict of JSON values."""
        domain = None if self.domain is None else list(self.domain)
        kind = {"degree": self.degree, "base": self.base}
        return {"knots": list(self.knots), **kind, "domain": domain, "given": self.given}

    @classmethod
    def from_json(cls, data: Any) -> SplineAxis:
        """Return the axis that ``to_json`` wrote."""
        return _built(cls, data)


def term_to_json(term: Term | SplineTerm) -> dict[str, Any]:
    """Return a term as a dict of JSON values; what is at its default is left out."""
    if isinstance(term, SplineTerm):
        coefficients = None if term.coefficients is None else list(term.coefficients)
        return {"spline": coefficients, "base_weight": term.base_weight, "trainable": term.trainable}
    data: dict[str, Any] = {"function": term.function}
    if term.arguments:
        data["arguments"] = [_argument_to_json(a) for a in term.arguments]
    for name, default in (("scale", ONE), ("slope", ONE), ("shift", ZERO)):
        number = getattr(term, name)
        if number != default or math.copysign(1, number.value) < 0:
            data[name] = number.to_json()
    if term.trainable:
        data["trainable"] = True
    return data


def term_from_json(data: Any) -> Term | SplineTerm:
    """Return the term that ``term_to_json`` wrote."""
    if isinstance(data, dict) and "spline" in data:
        coefficients = data["spline"]
        rest = {key: value for key, value in data.items() if key != "spline"}
        return _built(SplineTerm, {"coefficients": coefficients, **rest})
    if not isinstance(data, dict) or not isinstance(data.get("function"), str):
        raise GraphError(f"a term is written as an object with `function` or `spline`, not as {_short(data)}.")
    numbers = {key: Number.from_json(data[key]) for key in ("scale", "slope", "shift") if key in data}
    arguments = tuple(_argument_from_json(a) for a in data.get("arguments", ()))
    return _built(Term, {**data, **numbers, "arguments": arguments})


def _argument_to_json(argument: Any) -> Any:
    if isinstance(argument, Term):
        return ["term", term_to_json(argument)]
    if isinstance(argument, tuple):
        return ["tuple", *map(_argument_to_json, argument)]
    if argument is None or isinstance(argument, str | bool):
        return argument
    if isinstance(argument, float) or not (isinstance(argument, int) or hasattr(argument, "is_Rational")):
        raise GraphError(f"arguments of functions are exact (ints, sympy numbers, text, terms), not {argument!r}.")
    return exact_to_json(argument)


def _argument_from_json(data: Any) -> Any:
    match data:
        case None | str() | bool():
            return data
        case ["term", term]:
            return term_from_json(term)
        case ["tuple", *parts]:
            return tuple(map(_argument_from_json, parts))
    return exact_from_json(data)


def _built(kind: type, data: Any) -> Any:
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})
    except (TypeError, ValueError, AttributeError) as reason:
        raise GraphError(f"{_short(data)} is no {kind.__name__} ({reason}).") from None


def _argument_text(argument: Any) -> str:
    if isinstance(argument, tuple):
        return f"({', '.join(map(_argument_text, argument))})"
    return argument.text() if isinstance(argument, Term) else str(argument)


def _times(factor: Number, text: str) -> str:
    match str(factor):
        case "1":
            return text
        case "-1":
            return f"-{text}"
        case number if " " in number or "/" in number:  # a sum or a quotient
            return f"({number})*{text}"
        case number:
            return f"{number}*{text}"


def _short(data: Any) -> str:
    text = str(data)
    return text if len(text) <= 80 else f"{text[:77]}..."
