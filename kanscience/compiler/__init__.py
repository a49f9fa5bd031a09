"""Formulas in, graphs out, and back."""

from kanscience.compiler._expression import expression, graph_and_library
from kanscience.compiler._read import read

__all__ = ["expression", "graph_and_library", "read"]
