"""The graph that formulas, networks and pictures share. Pure networkx, no torch."""

from kanscience.graph._export import from_graphml, from_json, to_graphml, to_json
from kanscience.graph._layers import layers
from kanscience.graph._layout import positions, routes, spread
from kanscience.graph._numbers import Number
from kanscience.graph._schema import Graph
from kanscience.graph._terms import ONE, ZERO, SplineAxis, SplineTerm, Term

__all__ = [
    "ONE",
    "ZERO",
    "Graph",
    "Number",
    "SplineAxis",
    "SplineTerm",
    "Term",
    "from_graphml",
    "from_json",
    "layers",
    "positions",
    "routes",
    "spread",
    "to_graphml",
    "to_json",
]
