"""A network as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kanscience.compiler._read import read
from kanscience.functions import as_library
from kanscience.graph import Graph
from kanscience.network import MultKAN, check_network, functions_on_edges, to_graph

if TYPE_CHECKING:
    import sympy

    from kanscience.functions import Library


def expression(
    network: MultKAN | Graph,
    *,
    names: Sequence[str] | None = None,
    simplify: bool = False,
    allow_splines: bool = False,
    library: Library | None = None,
) -> list[sympy.Expr]:
    """Return the formula of every output of a network, in the user's units.

    Args:
        network: left as it is. A graph does as well.
        names: of the inputs, in place of the network's own.
        simplify: whether sympy simplifies the formulas, which can take long.
        allow_splines: whether edges that are still splines stay as named functions: ``phi_0_1_2`` runs in
            layer 0 from source 1 to subnode 2.
        library: where the functions of a graph are looked up. A network knows its own.

    Returns:
        One expression for each output; its symbols are plain ``sympy.Symbol(name)``, of named parameters too. sympy prints
        a name such as ``T-T0`` as it is: rename such columns before you read formulas off them.

    Raises:
        NotSymbolicError: edges are still splines; it lists them.
        OptionError: ``names`` does not fit the inputs.

    Example:
        >>> import kanscience as ks
        >>> ks.expression(ks.MultKAN([1, 1], seed=0), names=["t"], allow_splines=True)
        [phi_0_0_0(t)]
    """
    graph, known = graph_and_library(network, library)
    return read(graph, library=known, names=names, simplify=simplify, allow_splines=allow_splines)


def graph_and_library(network: MultKAN | Graph, library: Library | None = None) -> tuple[Graph, Library]:
    """Return the graph of a network, and a library with all functions on its edges, the user's own too."""
    known = as_library(library)
    if isinstance(network, Graph):
        return network, known
    check_network(network)
    on_edges = functions_on_edges(network)
    return to_graph(network), known.with_functions(*on_edges) if on_edges else known
