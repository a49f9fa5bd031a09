"""Curves to symbols: one edge, and the whole network."""

from kanscience.symbolic._canonical import without_redundancy
from kanscience.symbolic._constants import snap_constant
from kanscience.symbolic._snap import SnapCandidate, SnapReport, snap
from kanscience.symbolic._suggest import Candidate, Suggestions, suggest

__all__ = [
    "Candidate",
    "SnapCandidate",
    "SnapReport",
    "Suggestions",
    "snap",
    "snap_constant",
    "suggest",
    "without_redundancy",
]
