"""Questions to any callable: which variables belong together, and how."""

from kanscience.structure._blocks import Block, dependence, strong_blocks
from kanscience.structure._callables import points_for
from kanscience.structure._derivatives import DIFFERENCES, EXACT, Derivatives, Limits, Noise
from kanscience.structure._discover import derivatives_of, tree_from_callable, tree_from_derivatives
from kanscience.structure._kinds import ADDITIVE, CLEAR, GENERALIZED, KINDS, MULTIPLICATIVE, PRIME, Kind
from kanscience.structure._separability import Separability, find_separability
from kanscience.structure._symmetries import Symmetry, find_symmetries, has_symmetry, symmetry_in
from kanscience.structure._tree import StructureTree, StructureTrees
from kanscience.structure._words import latex_name

__all__ = [
    "ADDITIVE",
    "CLEAR",
    "DIFFERENCES",
    "EXACT",
    "GENERALIZED",
    "KINDS",
    "MULTIPLICATIVE",
    "PRIME",
    "Block",
    "Derivatives",
    "Kind",
    "Limits",
    "Noise",
    "Separability",
    "StructureTree",
    "StructureTrees",
    "Symmetry",
    "dependence",
    "derivatives_of",
    "find_separability",
    "find_symmetries",
    "has_symmetry",
    "latex_name",
    "points_for",
    "strong_blocks",
    "symmetry_in",
    "tree_from_callable",
    "tree_from_derivatives",
]
