"""Formulas in, graphs out, and back."""

from kanscience.compiler._compile import compile_formula, formula_graph
from kanscience.compiler._expression import expression, graph_and_library
from kanscience.compiler._parse import parse_formula
from kanscience.compiler._read import read

__all__ = ["compile_formula", "expression", "formula_graph", "graph_and_library", "parse_formula", "read"]
