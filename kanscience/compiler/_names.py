"""The words of formula text: functions, constants, and what is neither."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sympy

from kanscience._checks import did_you_mean
from kanscience._errors import FormulaError
from kanscience.compiler._limits import check_power, excerpt
from kanscience.functions import default_library

if TYPE_CHECKING:
    from kanscience.functions import Function, Library

CONSTANTS = {
    "pi": sympy.pi,
    "π": sympy.pi,
    "E": sympy.E,
    "EulerGamma": sympy.EulerGamma,
    "GoldenRatio": sympy.GoldenRatio,
    "Catalan": sympy.Catalan,
}
_NO_NUMBERS = {
    "I": "the imaginary unit; formulas here are real",
    "oo": "infinity",
    "zoo": "infinity",
    "inf": "infinity",
    "nan": "not a number",
    "NaN": "not a number",
}


@dataclass(frozen=True)
class Word:
    """A function of formula text: how it is built and how many arguments it takes."""

    build: Callable[..., sympy.Expr]
    least: int = 1
    most: int | None = 1

    def takes(self, count: int) -> bool:
        """Return whether it can be called with that many arguments."""
        return self.least <= count <= (count if self.most is None else self.most)

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        if self.most is None:
            return f"{self.least} or more arguments"
        if self.least != self.most:
            return f"{self.least} or {self.most} arguments"
        return f"{self.least} argument{'s' if self.least > 1 else ''}"


_LARGEST_GAMMA = 200  # beyond, sympy would spend long on digits that no float holds


def _gamma(x: sympy.Expr) -> sympy.Expr:
    if x.is_number and abs(x) > _LARGEST_GAMMA:
        raise FormulaError(f"gamma({x}) is not within the range of floats.")
    return sympy.gamma(x)


def _loggamma(x: sympy.Expr) -> sympy.Expr:
    return sympy.loggamma(x, evaluate=not (x.is_number and abs(x) > _LARGEST_GAMMA))


def _factorial(x: sympy.Expr) -> sympy.Expr:
    return _gamma(x + 1)


def _log_to(base: int) -> Callable[[sympy.Expr], sympy.Expr]:
    return lambda x: sympy.log(x) / sympy.log(base)


def _log(x: sympy.Expr, base: sympy.Expr | None = None) -> sympy.Expr:
    return sympy.log(x) if base is None else sympy.log(x) / sympy.log(base)


def _power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    check_power(base, exponent, f"{excerpt(base)}**{excerpt(exponent)}")
    return base**exponent


def _square(x: sympy.Expr) -> sympy.Expr:
    return x**2


_MOST_COMPARED = 16  # sympy compares every value with every other


def _extreme(kind: Callable[..., sympy.Expr]) -> Callable[..., sympy.Expr]:
    def build(*values: sympy.Expr) -> sympy.Expr:
        count = sum(len(value.args) if value.func is kind else 1 for value in values)
        if count > _MOST_COMPARED:
            raise FormulaError(f"{kind} of {count} values; it takes at most {_MOST_COMPARED}.")
        return kind(*values)

    return build


def _words() -> dict[str, Word]:
    words = {
        "sqrt": Word(sympy.sqrt),
        "square": Word(_square),
        "exp": Word(sympy.exp),
        "log": Word(_log, 1, 2),
        "ln": Word(sympy.log),
        "log2": Word(_log_to(2)),
        "log10": Word(_log_to(10)),
        "pow": Word(_power, 2, 2),
        "power": Word(_power, 2, 2),
        "erf": Word(sympy.erf),
        "erfc": Word(sympy.erfc),
        "gamma": Word(_gamma),
        "loggamma": Word(_loggamma),
        "lgamma": Word(_loggamma),
        "factorial": Word(_factorial),
        "Heaviside": Word(sympy.Heaviside, 1, 2),
        "heaviside": Word(sympy.Heaviside, 1, 2),
    }
    for name in ("sin", "cos", "tan", "sec", "csc", "cot", "sinh", "cosh", "tanh", "sech", "csch", "coth"):
        words[name] = Word(getattr(sympy, name))
        inverse = Word(getattr(sympy, f"a{name}"))
        words[f"a{name}"] = words[f"arc{name}"] = inverse
    for name in ("besselj", "bessely", "besseli", "besselk"):
        words[name] = Word(getattr(sympy, name), 2, 2)
    aliases = {
        sympy.Abs: ("abs", "Abs", "fabs", "absolute"),
        sympy.sign: ("sign", "sgn"),
    }
    words.update((name, Word(function)) for function, names in aliases.items() for name in names)
    words.update((name, Word(_extreme(sympy.Max), 1, None)) for name in ("max", "Max", "maximum"))
    words.update((name, Word(_extreme(sympy.Min), 1, None)) for name in ("min", "Min", "minimum"))
    words.update((name, Word(sympy.atan2, 2, 2)) for name in ("atan2", "arctan2"))
    return words


WORDS = _words()
CONDITIONAL = ("Piecewise", "where")  # their arguments hold conditions
FUNCTION_NAMES = (*WORDS, *CONDITIONAL)


def normalised(name: str) -> str:
    """Return a name as Python reads it: letters that only look different (NFKC) are the same."""
    return unicodedata.normalize("NFKC", name)


def symbol_or_constant(name: str, declared: Iterable[str]) -> sympy.Expr:
    """Return what a name stands for where it is not called."""
    if name in declared:
        return sympy.Symbol(name)
    if name in CONSTANTS:
        return CONSTANTS[name]
    if name in _NO_NUMBERS:
        raise FormulaError(f"{name!r} is {_NO_NUMBERS[name]}. To have a variable of that name, declare it.")
    if name in FUNCTION_NAMES:
        raise FormulaError(
            f"{name!r} is a function: write {name}(...). To have a variable of that name, declare it, "
            f"as in compile_formula(text, [{name!r}, ...])."
        )
    if "·" in name:  # Python takes it for a letter
        raise FormulaError(f"{name!r}: products are written with *. To have a variable of that name, declare it.")
    return sympy.Symbol(name)


def functions_by_name(library: Library) -> dict[str, Function]:
    """Return the functions of a library that formulas may call by name, those that formulas know anyway left out."""
    return {f.name: f for f in library.functions if not f.arguments and f.name.isidentifier() and f.name not in WORDS}


def written(function: Function, argument: sympy.Expr) -> sympy.Expr:
    """Return a function of a library as sympy has it; one that no formula spells as an undefined function."""
    spelled = argument.is_number or function in default_library().functions
    return function.sympy(argument) if spelled else cast("Any", sympy.Function(function.name))(argument)


def no_such_function(name: str, declared: Iterable[str], others: Iterable[str] = ()) -> FormulaError:
    """Return the error for a call of something that is no function; ``others`` are those of a library."""
    if name in declared or (len(name) == 1 and name not in FUNCTION_NAMES) or name in CONSTANTS:
        return FormulaError(f"{name}(...) calls {name!r}, which is no function. To multiply, write {name}*(...).")
    return FormulaError(
        f"There is no function {name!r}.{did_you_mean(name, (*FUNCTION_NAMES, *others))} Formulas know "
        f"{', '.join((*FUNCTION_NAMES, *others))}. To multiply, write {name}*(...)."
    )
