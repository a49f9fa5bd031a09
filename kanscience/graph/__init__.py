"""The graph that formulas, networks and pictures share. Pure networkx, no torch."""

from kanscience.graph._export import from_graphml, from_json, to_graphml, to_json
from kanscience.graph._layers import layers
from kanscience.graph._layout import positions, routes, spread
from kanscience.graph._numbers import Number, exact_from_json, exact_to_json
from kanscience.graph._schema import Graph
from kanscience.graph._terms import SplineAxis, SplineTerm, Term, term_from_json, term_to_json

__all__ = [
    "Graph",
    "Number",
    "SplineAxis",
    "SplineTerm",
    "Term",
    "exact_from_json",
    "exact_to_json",
    "from_graphml",
    "from_json",
    "layers",
    "positions",
    "routes",
    "spread",
    "term_from_json",
    "term_to_json",
    "to_graphml",
    "to_json",
]
