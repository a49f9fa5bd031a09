"""Laws as networks: sums and products of powers, and a function of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kanscience._errors import GraphError, OptionError
from kanscience.functions import default_library
from kanscience.graph import Graph, Number, Term, layers
from kanscience.network import MultKAN, from_graph

if TYPE_CHECKING:
    import sympy


def law_network(expressions: Sequence[sympy.Expr], names: Sequence[str], targets: Sequence[str]) -> MultKAN | None:
    """Return the network that computes these formulas, all its numbers fixed; None where it cannot be said.

    Args:
        expressions: built of sums, products, powers with a number as exponent, and functions of the library.
        names: of all inputs, used or not.
        targets: names of the outputs, one for each expression.

    Example:
        >>> import sympy
        >>> law = law_network([sympy.Symbol("a") ** sympy.Rational(3, 2)], ["a", "e"], ["T"])
        >>> float(law.predict([[4.0, 0.1]])[0])
        8.0
    """
    graph = Graph()
    nodes: dict[Any, str] = {}
    for name in names:
        nodes[_symbol(name)] = graph.add_input(name)
    try:
        for expression, target in zip(expressions, targets, strict=True):
            graph.add_output(target, _sum(graph, nodes, expression))
        return from_graph(layers(graph), seed=0)
    except (OptionError, GraphError):
        return None


def _symbol(name: str) -> sympy.Symbol:
    import sympy

    return sympy.Symbol(name)


def _sum(graph: Graph, nodes: dict[Any, str], expression: Any) -> str:
    """Add a sum node with the value of the expression; equal expressions share one."""
    import sympy

    key = ("sum", expression)
    if key in nodes:
        return nodes[key]
    constant, rest = expression.as_coeff_Add()
    total = graph.add_sum(constant)
    for term in sympy.Add.make_args(rest):
        if term != 0:
            factor, factors = term.as_coeff_Mul()
            _add_term(graph, nodes, total, factor, factors)
    nodes[key] = total
    return total


def _add_term(graph: Graph, nodes: dict[Any, str], total: str, scale: Any, term: Any) -> None:
    if term.is_number:
        graph.nodes[total]["bias"] = Number.of(graph.nodes[total]["bias"].sympy() + scale * term)
    elif term.is_Symbol:
        graph.add_function(_input(nodes, term), total, Term.of(scale=scale))
    elif term.is_Mul:
        numbers, rest = term.as_independent(*term.free_symbols, as_Add=False)
        if numbers != 1:
            _add_term(graph, nodes, total, scale * numbers, rest)
            return
        product = ("product", term)
        if product not in nodes:
            nodes[product] = graph.add_product(*(_sum(graph, nodes, factor) for factor in term.args))
        graph.add_function(nodes[product], total, Term.of(scale=scale))
    elif term.is_Pow and term.exp.is_number:
        graph.add_function(_source(graph, nodes, term.base), total, Term.of("power", term.exp, scale=scale))
    else:
        argument = term.args[-1]
        function = next((f for f in default_library().candidates if f.sympy(argument) == term), None)
        if function is None:
            raise OptionError(f"The library has no function for {term}.")
        edge = Term.of(function.name, *function.arguments, scale=scale)
        graph.add_function(_source(graph, nodes, argument), total, edge)


def _source(graph: Graph, nodes: dict[Any, str], expression: Any) -> str:
    return _input(nodes, expression) if expression.is_Symbol else _sum(graph, nodes, expression)


def _input(nodes: dict[Any, str], symbol: Any) -> str:
    if symbol not in nodes:
        raise OptionError(f"{symbol} is no input.")
    return nodes[symbol]
