"""Change parameters, never nodes or edges."""

from kanscience.training._fit import fit
from kanscience.training._penalties import Penalty
from kanscience.training._report import FitReport, Parameter, Progress

__all__ = ["FitReport", "Parameter", "Penalty", "Progress", "fit"]
