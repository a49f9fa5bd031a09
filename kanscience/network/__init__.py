"""The network and what is done with it."""

from kanscience.network._attribution import Scores, attribution
from kanscience.network._bases import base_named
from kanscience.network._convert import edge_ends, from_graph, rebuilt, to_graph
from kanscience.network._files import load, save
from kanscience.network._flat import FlatView, layer_masks
from kanscience.network._initialize import generator_from, power_law, redraw_, smooth_curves
from kanscience.network._jacobian import Sweep, jacobian, sweep
from kanscience.network._multkan import MultKAN
from kanscience.network._prune import PruneReport, prune, prune_inputs, without_edges
from kanscience.network._refine import Grid, refine, refine_, rules_of_layers
from kanscience.network._shape import LayerShape
from kanscience.network._trace import Trace, trace

__all__ = [
    "FlatView",
    "Grid",
    "LayerShape",
    "MultKAN",
    "PruneReport",
    "Scores",
    "Sweep",
    "Trace",
    "attribution",
    "base_named",
    "edge_ends",
    "from_graph",
    "generator_from",
    "jacobian",
    "layer_masks",
    "load",
    "power_law",
    "prune",
    "prune_inputs",
    "rebuilt",
    "redraw_",
    "refine",
    "refine_",
    "rules_of_layers",
    "save",
    "smooth_curves",
    "sweep",
    "to_graph",
    "trace",
    "without_edges",
]
