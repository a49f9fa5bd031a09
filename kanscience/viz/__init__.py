"""Pictures and pages. Imported only when something is drawn."""

from kanscience.viz._plot import plot
from kanscience.viz._report import contents, report

__all__ = ["contents", "plot", "report"]
