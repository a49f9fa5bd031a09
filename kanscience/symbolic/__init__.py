"""Curves to symbols: one edge, and the whole network."""

from kanscience.symbolic._constants import snap_constant
from kanscience.symbolic._snap import SnapCandidate, SnapReport, snap

__all__ = ["SnapCandidate", "SnapReport", "snap", "snap_constant"]
