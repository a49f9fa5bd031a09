"""The vocabulary of formulas: functions of one variable, libraries of them, and their fit to samples."""

from kanscience.functions._affine import AffineFit, affine_fit, affine_fits
from kanscience.functions._forms import real_value
from kanscience.functions._library import Family, Function, Library
from kanscience.functions._vocabulary import as_library, default_library

__all__ = [
    "AffineFit",
    "Family",
    "Function",
    "Library",
    "affine_fit",
    "affine_fits",
    "as_library",
    "default_library",
    "real_value",
]
