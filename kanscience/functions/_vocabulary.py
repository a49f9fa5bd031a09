"""The default library, put together from the files that know functions by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from kanscience._checks import shown
from kanscience._errors import OptionError
from kanscience.functions._elementary import KNOWN_FUNCTIONS, TRIED_FUNCTIONS
from kanscience.functions._library import Library
from kanscience.functions._nested import NESTED_FAMILIES
from kanscience.functions._powers import LOG_OF_BASE, POWER_FAMILIES, make_power
from kanscience.functions._reciprocals import RECIPROCAL_FUNCTIONS
from kanscience.functions._special import BESSEL_FAMILIES, SPECIAL_FUNCTIONS
from kanscience.functions._steps import STEP_FAMILIES


@cache
def default_library() -> Library:
    """Return the library that every function of the toolkit uses unless it is given another.

    Example:
        >>> import kanscience as ks
        >>> ks.default_library().resolve("power", (2,)).label
        'x^2'
    """
    from sympy import Integer, Rational

    exponents = [2, 3, 4, 5, -1, -2, -3, -4, -5, *(Rational(n, 2) for n in (1, 3, -1)), Rational(1, 3)]
    powers = [make_power(Rational(exponent)) for exponent in exponents]
    families = (*POWER_FAMILIES, *BESSEL_FAMILIES, *STEP_FAMILIES, *NESTED_FAMILIES)
    bessels = [Library((), families).resolve("besselj", (Integer(order),)) for order in (0, 1)]
    known = Library((*KNOWN_FUNCTIONS, LOG_OF_BASE, *RECIPROCAL_FUNCTIONS, *SPECIAL_FUNCTIONS), families)
    return known.with_functions(*TRIED_FUNCTIONS, *powers, *bessels)


def as_library(library: Library | Sequence[str] | None) -> Library:
    """Return a library from what a caller may pass.

    Args:
        library: a library as it is; names or labels restrict the default library's candidates; None is the
            default library.

    Example:
        >>> [function.label for function in as_library(["sin", "x^2"]).candidates]
        ['x^2', 'sin']
    """
    if library is None:
        return default_library()
    if isinstance(library, Library):
        return library
    if isinstance(library, str):
        raise OptionError(f"`library` is a Library or a list of names: write [{library!r}], not {library!r}.")
    labels = list(library) if isinstance(library, Iterable) else []
    if not labels:
        raise OptionError(
            f"`library` is a Library, a list of names such as ['sin', 'x^2'], or None for all; not {shown(library)}."
        )
    return default_library().only(*labels)
