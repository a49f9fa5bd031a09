"""Back and forth between data, networks, structure and formulas.

    >>> import kanscience as ks

Every public name is listed here once and loaded when it is first used, so that this import stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:  # what type checkers and editors see; tests/test_import.py keeps it equal to _HOMES
    from ._errors import DataError as DataError
    from ._errors import FileError as FileError
    from ._errors import FormulaError as FormulaError
    from ._errors import GraphError as GraphError
    from ._errors import KanscienceError as KanscienceError
    from ._errors import NotSymbolicError as NotSymbolicError
    from ._errors import OptionError as OptionError
    from ._errors import ShapeError as ShapeError
    from .compiler import compile_formula as compile_formula
    from .compiler import expression as expression
    from .compiler import formula_graph as formula_graph
    from .compiler import parse_formula as parse_formula
    from .datasets import load_table as load_table
    from .discovery import Discovery as Discovery
    from .discovery import discover as discover
    from .discovery import discover_tree as discover_tree
    from .functions import Function as Function
    from .functions import Library as Library
    from .functions import default_library as default_library
    from .network import Jets as Jets
    from .network import MultKAN as MultKAN
    from .network import attribution as attribution
    from .network import deepen as deepen
    from .network import freeze as freeze
    from .network import from_graph as from_graph
    from .network import jets as jets
    from .network import load as load
    from .network import perturb as perturb
    from .network import prune as prune
    from .network import prune_inputs as prune_inputs
    from .network import refine as refine
    from .network import remove as remove
    from .network import save as save
    from .network import set_function as set_function
    from .network import to_graph as to_graph
    from .network import trace as trace
    from .network import widen as widen
    from .structure import StructureTree as StructureTree
    from .structure import find_separability as find_separability
    from .structure import find_symmetries as find_symmetries
    from .structure import has_symmetry as has_symmetry
    from .symbolic import snap as snap
    from .symbolic import suggest as suggest
    from .training import FitReport as FitReport
    from .training import Penalty as Penalty
    from .training import fit as fit
    from .training import fit_many as fit_many
    from .viz import plot as plot

_HOMES: dict[str, str] = {
    # the network
    "MultKAN": "network",
    "trace": "network",
    "jets": "network",
    "Jets": "network",
    "attribution": "network",
    "prune": "network",
    "prune_inputs": "network",
    "refine": "network",
    "widen": "network",
    "deepen": "network",
    "perturb": "network",
    "set_function": "network",
    "remove": "network",
    "freeze": "network",
    "save": "network",
    "load": "network",
    # training
    "fit": "training",
    "fit_many": "training",
    "FitReport": "training",
    "Penalty": "training",
    # curves to symbols
    "suggest": "symbolic",
    "snap": "symbolic",
    "expression": "compiler",
    "Function": "functions",
    "Library": "functions",
    "default_library": "functions",
    # formulas to networks
    "parse_formula": "compiler",
    "formula_graph": "compiler",
    "compile_formula": "compiler",
    # the hub
    "to_graph": "network",
    "from_graph": "network",
    # which variables belong together, and how
    "discover_tree": "discovery",
    "StructureTree": "structure",
    "find_separability": "structure",
    "find_symmetries": "structure",
    "has_symmetry": "structure",
    # from a table to a law
    "load_table": "datasets",
    "discover": "discovery",
    "Discovery": "discovery",
    "plot": "viz",
    # what can go wrong
    "KanscienceError": "_errors",
    "ShapeError": "_errors",
    "DataError": "_errors",
    "OptionError": "_errors",
    "FormulaError": "_errors",
    "NotSymbolicError": "_errors",
    "GraphError": "_errors",
    "FileError": "_errors",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        from ._checks import did_you_mean
        from ._other_names import WRITTEN_HERE

        hint = f" Write {WRITTEN_HERE[name]}." if name in WRITTEN_HERE else did_you_mean(name, _HOMES)
        raise AttributeError(f"module 'kanscience' has no attribute {name!r}.{hint}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value  # the next look-up no longer comes here
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
