"""From a table to a law."""

from kanscience.discovery._candidates import FRONT_HEADER, Candidate, Front, Proposal
from kanscience.discovery._discover import discover
from kanscience.discovery._discovery import ERROR_HEADER, Discovery, HeldOut
from kanscience.discovery._ensemble import Ensemble, fit_ensemble, fit_network
from kanscience.discovery._law_network import law_network
from kanscience.discovery._shapes import ShapeResult, law_of_shape
from kanscience.discovery._spelling import as_latex, as_mathml, as_python, as_text, python_names
from kanscience.discovery._text_tables import aligned
from kanscience.discovery._tree import discover_tree
from kanscience.structure import latex_name

__all__ = [
    "ERROR_HEADER",
    "FRONT_HEADER",
    "Candidate",
    "Discovery",
    "Ensemble",
    "Front",
    "HeldOut",
    "Proposal",
    "ShapeResult",
    "aligned",
    "as_latex",
    "as_mathml",
    "as_python",
    "as_text",
    "discover",
    "discover_tree",
    "fit_ensemble",
    "fit_network",
    "latex_name",
    "law_network",
    "law_of_shape",
    "python_names",
]
