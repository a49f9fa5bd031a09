"""The network and what is done with it."""

from kanscience.network._attribution import Scores, attribution
from kanscience.network._bases import base_named, base_names
from kanscience.network._convert import edge_ends, from_graph, functions_on_edges, in_precision, rebuilt, to_graph
from kanscience.network._deepen import deepen
from kanscience.network._files import load, save
from kanscience.network._flat import FlatView, layer_masks
from kanscience.network._freeze import freeze
from kanscience.network._initialize import generator_from, power_law, redraw_, smooth_curves
from kanscience.network._jacobian import Sweep, jacobian, sweep
from kanscience.network._jets import Jets, jets
from kanscience.network._multkan import MultKAN, check_network
from kanscience.network._numbers import parameter_of
from kanscience.network._perturb import perturb
from kanscience.network._places import check_edge, check_trace_of
from kanscience.network._prune import PruneReport, functions_of_constants, prune, prune_inputs, without_edges
from kanscience.network._refine import Grid, refine, refine_, rules_of_layers
from kanscience.network._remove import remove
from kanscience.network._set_function import set_function
from kanscience.network._shape import LayerShape, parse_width
from kanscience.network._sums import influences, layers_of_equals, with_sums, without_sum
from kanscience.network._trace import Trace, trace
from kanscience.network._widen import widen

__all__ = [
    "FlatView",
    "Grid",
    "Jets",
    "LayerShape",
    "MultKAN",
    "PruneReport",
    "Scores",
    "Sweep",
    "Trace",
    "attribution",
    "base_named",
    "base_names",
    "check_edge",
    "check_network",
    "check_trace_of",
    "deepen",
    "edge_ends",
    "freeze",
    "from_graph",
    "functions_of_constants",
    "functions_on_edges",
    "generator_from",
    "in_precision",
    "influences",
    "jacobian",
    "jets",
    "layer_masks",
    "layers_of_equals",
    "load",
    "parameter_of",
    "parse_width",
    "perturb",
    "power_law",
    "prune",
    "prune_inputs",
    "rebuilt",
    "redraw_",
    "refine",
    "refine_",
    "remove",
    "rules_of_layers",
    "save",
    "set_function",
    "smooth_curves",
    "sweep",
    "to_graph",
    "trace",
    "widen",
    "with_sums",
    "without_edges",
    "without_sum",
]
