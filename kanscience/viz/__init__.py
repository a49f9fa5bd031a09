"""Pictures. Imported only when something is drawn."""

from kanscience.viz._plot import plot

__all__ = ["plot"]
