"""Questions to any callable: which variables belong together, and how."""

from kanscience.structure._derivatives import DIFFERENCES, EXACT, Derivatives, Limits, Noise
from kanscience.structure._discover import discover_tree, tree_from_derivatives
from kanscience.structure._tree import StructureTree, StructureTrees

__all__ = [
    "DIFFERENCES",
    "EXACT",
    "Derivatives",
    "Limits",
    "Noise",
    "StructureTree",
    "StructureTrees",
    "discover_tree",
    "tree_from_derivatives",
]
