"""What a library function is, and a library as a value. The vocabulary itself is in ``_vocabulary.py``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import torch as _torch
from torch import Tensor

from kanscience._checks import check_kind
from kanscience._errors import OptionError

if TYPE_CHECKING:
    from sympy import Expr


@dataclass(frozen=True)
class Function:
    """One function u -> f(u) of one real variable, in every language the toolkit speaks.

    Two functions are equal when name, arguments and torch function are.

    Args:
        name: what the function is called; the members of a family share it (``"power"``).
        torch: the true function, elementwise, twice differentiable, NaN outside the real domain.
        sympy: the same function of a sympy expression.
        complexity: how many tokens it adds to a formula: identity 0, sin 1, square 1.
        arguments: exact fixed arguments, sympy numbers: ``(Rational(3, 2),)`` of ``power``.
        label: what people type and read, ``"x^1.5"``; the name where it is left out.
        lower: smallest u with a real value.
        upper: largest u with a real value.
        branch: the open interval between two poles, or a pole and an end of the domain, in which a fit keeps all its
            samples. None where there are no poles. Other branches must be mirror images or periods of this one.
        derivative: torch function of f'(u); None takes it by autograd.
        parity: ``"even"``, ``"odd"`` or None.
        period: the T of f(u + T) = f(u), or None.
        homogeneous: the p of f(k*u) = k**p * f(u) for all k > 0, or None.
        redundant: which of ``"scale"``, ``"slope"`` and ``"shift"`` the others can replace in
            scale*f(slope*u + shift) + offset. The slope of a homogeneous function always is.
        smooth: False where f' jumps (abs, sign).

    Example:
        >>> import kanscience as ks, sympy
        >>> square = ks.Function("square", torch=lambda u: u * u, sympy=lambda u: u**2, parity="even")
        >>> square.sympy(sympy.Symbol("a"))
        a**2
    """

    name: str
    torch: Callable[[Tensor], Tensor]
    sympy: Callable[[Expr], Expr] = field(compare=False)
    complexity: int = field(default=1, compare=False)
    arguments: tuple = ()
    label: str = field(default="", compare=False)
    lower: float = field(default=-math.inf, compare=False)
    upper: float = field(default=math.inf, compare=False)
    branch: tuple[float, float] | None = field(default=None, compare=False)
    derivative: Callable[[Tensor], Tensor] | None = field(default=None, compare=False)
    parity: Literal["even", "odd"] | None = field(default=None, compare=False)
    period: float | None = field(default=None, compare=False)
    homogeneous: float | None = field(default=None, compare=False)
    redundant: frozenset[str] = field(default=frozenset(), compare=False)
    smooth: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise OptionError(
                f"Function {self.name!r} has an empty domain: lower is {self.lower}, upper is {self.upper}."
            )
        redundant = frozenset(self.redundant)
        if self.homogeneous is not None:
            redundant |= {"slope"}
        if not redundant <= {"scale", "slope", "shift"}:
            raise OptionError(f"`redundant` may hold 'scale', 'slope', 'shift'; {self.name!r} has {sorted(redundant)}.")
        object.__setattr__(self, "redundant", redundant)
        if not self.label:
            arguments = ", ".join(map(str, self.arguments))
            object.__setattr__(self, "label", f"{self.name}({arguments})" if arguments else self.name)

    @property
    def n_constants(self) -> int:
        """How many free numbers scale*f(slope*x + shift) + offset holds: a line 2, x^2 3, sin 4."""
        return 4 - len(self.redundant)

    def slope_at(self, u: Tensor) -> Tensor:
        """Return f'(u), by ``derivative`` where it is given, else by autograd."""
        if self.derivative is not None:
            return self.derivative(u)
        values, pull_back, *_ = _torch.func.vjp(self.torch, u)
        return pull_back(_torch.ones_like(values))[0]

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Family:
    """Functions that differ in exact fixed arguments: ``power(p)``, ``besselj(n)``.

    Args:
        name: shared by all members.
        make: from exact arguments, most often sympy numbers, to the member; raises ``OptionError`` for arguments it
            does not take.
        usage: one line for error messages: ``"power(p), p any real number"``.
        nested: whether the arguments hold terms with functions of their own; ``make`` then takes the library first.
    """

    name: str
    make: Callable[..., Function]
    usage: str
    nested: bool = False


@dataclass(frozen=True)
class Library:
    """A vocabulary: functions known by name, families that make members, and what a search tries.

    A library is a value. Adding a function returns a new one; there is nothing global to register with.

    Args:
        functions: known by name and arguments, or by label.
        families: make any further member from its arguments.
        candidates: what the symbolic search tries, cheap first.

    Example:
        >>> import kanscience as ks, torch, sympy
        >>> sinc = ks.Function("sinc", torch=torch.special.sinc, sympy=lambda u: sympy.sinc(sympy.pi * u))
        >>> library = ks.Library((), ()).with_functions(sinc)
        >>> library.resolve("sinc").name
        'sinc'
    """

    functions: tuple[Function, ...]
    families: tuple[Family, ...] = ()
    candidates: tuple[Function, ...] = ()

    def resolve(self, name: str, arguments: tuple = ()) -> Function:
        """Return the function of this name (or label) and these exact arguments.

        Args:
            name: a name, or without arguments a label: ``"power"``, ``"x^2"``, ``"sin"``.
            arguments: exact numbers; ints, fractions, floats (taken as the binary fraction that they are)
                or sympy numbers, decimals among them. For nested families also text, truth values, terms, and
                tuples of all these.

        Raises:
            OptionError: unknown name, or arguments that the family does not take; the choices are listed.
        """
        exact = tuple(_exact(argument) for argument in arguments)
        for function in self.functions:
            if function.arguments == exact and function.name == name:
                return function
        for function in self.functions:
            if not exact and function.label == name:
                return function
        for family in self.families:
            if family.name == name:
                return _member(family, (self, *exact) if family.nested else exact)
        called = f"{name}({', '.join(map(str, arguments))})" if arguments else name
        raise OptionError(f"The library has no function {called!r}. {self._choices()}")

    def with_functions(self, *functions: Function) -> Library:
        """Return a library that also knows, and tries, these functions. They replace any of the same name."""
        for function in functions:
            check_kind("function", function, Function, "Write ks.Function(name, torch=..., sympy=...).")
        labels = {function.label for function in functions}
        keys = {(function.name, function.arguments) for function in functions}

        def others(known: tuple[Function, ...]) -> tuple[Function, ...]:
            return tuple(f for f in known if f.label not in labels and (f.name, f.arguments) not in keys)

        return replace(
            self,
            functions=others(self.functions) + functions,
            candidates=_cheap_first(others(self.candidates) + functions),
        )

    def with_families(self, *families: Family) -> Library:
        """Return a library that also makes the members of these families."""
        names = {family.name for family in families}
        return replace(self, families=tuple(f for f in self.families if f.name not in names) + families)

    def only(self, *labels: str) -> Library:
        """Return this library with the candidates of these labels or names; it still resolves all others.

        A family's name keeps all its candidates: ``only("power", "sin")``.

        Raises:
            OptionError: a label that the library does not know.
        """
        chosen = []
        for label in labels:
            matching = [f for f in self.candidates if label in (f.label, f.name)]
            chosen += matching or [self.resolve(label)]
        return replace(self, candidates=_cheap_first(tuple(dict.fromkeys(chosen))))

    def _choices(self) -> str:
        labels = ", ".join(function.label for function in self.functions)
        families = "; ".join(family.usage for family in self.families)
        return f"It knows {labels}" + (f"; and the families {families}." if families else ".")

    def __repr__(self) -> str:
        return f"<Library of {len(self.functions)} functions; tried: {self}>"

    def __str__(self) -> str:
        return ", ".join(function.label for function in self.candidates)


def _cheap_first(functions: tuple[Function, ...]) -> tuple[Function, ...]:
    # Stable: functions of one price keep their order.
    return tuple(sorted(functions, key=lambda f: (f.complexity, f.n_constants)))


def _member(family: Family, arguments: tuple) -> Function:
    try:
        return family.make(*arguments)
    except TypeError as error:
        given = ", ".join(map(str, arguments[1:] if family.nested else arguments)) or "none"
        raise OptionError(
            f"{family.name!r} is a family and takes its arguments exactly: {family.usage}; given: {given}."
        ) from error


def _exact(argument: object) -> Any:
    import sympy

    if isinstance(argument, tuple):
        return tuple(map(_exact, argument))
    if isinstance(argument, str | bool) or hasattr(argument, "function"):  # a term stays as it is
        return argument
    if isinstance(argument, float):
        return sympy.Rational(argument)
    number = sympy.sympify(argument, strict=True)
    if not getattr(number, "is_number", False):
        raise OptionError(f"The fixed arguments of a function are exact numbers, not {argument!r}.")
    return number
