"""Curves to symbols: one edge, and the whole network."""

from kanscience.symbolic._canonical import without_redundancy
from kanscience.symbolic._constants import snap_constant
from kanscience.symbolic._snap import snap
from kanscience.symbolic._snap_report import SnapCandidate, SnapReport
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
