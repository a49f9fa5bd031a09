"""Everything that kanscience raises on purpose. Each message names the value and the way out."""


class KanscienceError(ValueError):
    """Parent of all errors of kanscience. A ``ValueError``, so that ordinary handlers catch it."""


class ShapeError(KanscienceError):
    """Two arrays, or an array and a network, disagree on a size."""


class DataError(KanscienceError):
    """A table or its values cannot be used: text, missing or infinite values, no rows, an unknown column."""


class OptionError(KanscienceError):
    """An option is outside its range, or a name is not among its choices."""


class FormulaError(KanscienceError):
    """A formula cannot be read, built or evaluated; the message names the subexpression."""


class NotSymbolicError(FormulaError):
    """A closed formula was asked of a network whose edges are still splines."""


class GraphError(KanscienceError):
    """A graph breaks the schema of ``kanscience.graph``."""


class FileError(KanscienceError):
    """A file is missing, damaged, or of another kind or version."""
