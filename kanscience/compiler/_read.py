"""A graph as formulas: every node is read once, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import networkx

from kanscience._checks import shown
from kanscience._errors import NotSymbolicError, OptionError
from kanscience.compiler._extremes import with_extremes
from kanscience.compiler._limits import quick
from kanscience.functions import as_library
from kanscience.graph import Graph, SplineTerm, Term

if TYPE_CHECKING:
    import sympy

    from kanscience.functions import Library

_MOST_NAMED = 12  # edges in an error message


def read(
    graph: Graph,
    *,
    library: Library | None = None,
    names: Sequence[str] | None = None,
    simplify: bool = False,
    allow_splines: bool = False,
) -> list[sympy.Expr]:
    """Return the formula of every output.

    Args:
        graph: layered or not.
        library: where the functions on the edges are looked up; None is the default library.
        names: of the inputs, in their order, in place of those in the graph.
        simplify: whether sympy simplifies the formulas; that can take long, and rounds floats.
        allow_splines: whether edges that are still splines stay in the formula as named functions:
            ``phi_0_1_2`` runs in layer 0 from source 1 to subnode 2.

    Returns:
        One expression for each output, its symbols plain ``sympy.Symbol(name)``. Numbers are exact where the
        graph's are, else floats with all their digits.

    Raises:
        NotSymbolicError: edges are still splines; it lists them.
        OptionError: ``names`` does not fit the inputs, or the library lacks a function.

    Example:
        >>> from kanscience.graph import Graph, Term
        >>> graph = Graph()
        >>> x = graph.add_input("x")
        >>> total = graph.add_sum(bias=1)
        >>> graph.add_function(x, total, Term.of("sin", slope=2), Term.of("power", 2, scale=3))
        >>> _ = graph.add_output("f", total)
        >>> read(graph)
        [3*x**2 + sin(2*x) + 1]
    """
    import sympy

    graph.validate()
    alive = graph.live_nodes()
    if not allow_splines:
        _check_no_splines(graph, alive)
    known = as_library(library)
    value: dict[str, sympy.Expr] = dict(_symbols(graph, names))

    def edge_value(source: str, target: str) -> list[sympy.Expr]:
        function = graph.edges[source, target]["function"]
        parts = [_term_value(known, term, value[source]) for term in function if isinstance(term, Term)]
        if any(isinstance(term, SplineTerm) for term in function):
            parts.append(cast("Any", sympy.Function(_spline_name(graph, source, target)))(value[source]))
        return parts

    for node in networkx.topological_sort(graph):
        before = list(graph.predecessors(node))
        match graph.nodes[node]["kind"]:
            case "sum" if node in alive:
                bias = graph.nodes[node].get("bias")
                parts = [part for source in before for part in edge_value(source, node)]
                value[node] = sympy.Add(*with_extremes(parts), *([] if bias is None else [bias.sympy()]))
            case "product" if node in alive:
                value[node] = sympy.Mul(*(value[source] for source in before))
            case "output":
                value[node] = value[before[0]]
    formulas = [value[node] for node in graph.nodes_of("output")]
    return [sympy.simplify(formula) for formula in formulas] if simplify else formulas


def _check_no_splines(graph: Graph, alive: set[str]) -> None:
    edges = [(s, t, function) for s, t, function in graph.functions() if function and s in alive and t in alive]
    left = [(s, t) for s, t, function in edges if any(isinstance(term, SplineTerm) for term in function)]
    if not left:
        return
    named = ", ".join(str(_edge_index(graph, *edge)) for edge in left[:_MOST_NAMED])
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    raise NotSymbolicError(
        f"{len(left)} of {len(edges)} edges are still splines, so there is no closed formula: {named}{more}. "
        "Run `ks.snap(network, inputs, targets)` first, or pass `allow_splines=True` to keep them as named "
        "functions."
    )


def _edge_index(graph: Graph, source: str, target: str) -> tuple:
    # As everywhere: (layer, source, target), the target counting subnodes. Formula graphs have only names.
    if not graph.is_layered:
        return source, target
    source_data, target_data = graph.nodes[source], graph.nodes[target]
    return source_data["layer"], source_data["position"], target_data["position"]


def _spline_name(graph: Graph, source: str, target: str) -> str:
    return "_".join(["phi", *map(str, _edge_index(graph, source, target))])


def _symbols(graph: Graph, names: Sequence[str] | None) -> Mapping[str, sympy.Expr]:
    import sympy

    inputs, parameters = graph.nodes_of("input"), graph.nodes_of("parameter")
    chosen = graph.input_names if names is None else [names] if isinstance(names, str) else list(names)
    if len(chosen) != len(inputs):
        raise OptionError(f"`names` needs one name for each of {len(inputs)} inputs, but is {chosen}.")
    wrong = [name for name in chosen if not isinstance(name, str) or not name]
    if wrong:
        raise OptionError(f"`names` holds names of inputs, such as 'x1'; {shown(wrong[0])} is none.")
    everything = [*chosen, *graph.parameter_names]
    repeated = sorted({name for name in everything if everything.count(name) > 1})
    if repeated:
        raise OptionError(f"`names` and names of parameters must differ, but {repeated[0]!r} is there twice.")
    symbols: dict[str, sympy.Expr] = dict(zip(inputs, map(sympy.Symbol, chosen), strict=True))
    for node in parameters:
        symbols[node] = sympy.Symbol(graph.nodes[node]["name"])
    return symbols


def _term_value(library: Library, term: Term, x: sympy.Expr) -> sympy.Expr:
    if term.is_identity:
        return term.scale.sympy() * x
    function = library.resolve(term.function, term.arguments)
    inner = term.slope.sympy() * x + term.shift.sympy()
    with quick(inner):
        value = function.sympy(inner)
    return term.scale.sympy() * value
