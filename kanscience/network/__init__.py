"""The network and what is done with it."""

from kanscience.network._attribution import Scores, attribution
from kanscience.network._convert import from_graph, to_graph
from kanscience.network._flat import FlatView, layer_masks
from kanscience.network._initialize import power_law, redraw_, smooth_curves
from kanscience.network._jacobian import jacobian
from kanscience.network._multkan import MultKAN
from kanscience.network._shape import LayerShape
from kanscience.network._trace import Trace, trace

__all__ = [
    "FlatView",
    "LayerShape",
    "MultKAN",
    "Scores",
    "Trace",
    "attribution",
    "from_graph",
    "jacobian",
    "layer_masks",
    "power_law",
    "redraw_",
    "smooth_curves",
    "to_graph",
    "trace",
]
