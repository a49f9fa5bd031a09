"""A formula as a graph, and as a network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import sympy

from kanscience._checks import did_you_mean, shown
from kanscience._errors import FormulaError, GraphError
from kanscience.compiler._affine import Affine, Nodes, checked_number
from kanscience.compiler._lower import Lowering
from kanscience.compiler._names import normalised
from kanscience.compiler._parse import parse_formula
from kanscience.compiler._types import Expr
from kanscience.functions import as_library
from kanscience.graph import Graph, Number
from kanscience.network import from_graph

if TYPE_CHECKING:
    from kanscience.functions import Library
    from kanscience.network import MultKAN

Formula = str | sympy.Expr
Formulas = Formula | Sequence[Formula]
Variables = str | Iterable[str | sympy.Symbol] | None
Parameters = Mapping[str, Any] | None


def compile_formula(
    formula: Formulas,
    variables: Variables = None,
    *,
    parameters: Parameters = None,
    library: Library | None = None,
    **network_options: Any,
) -> MultKAN:
    """Turn a formula into the network that computes it, exactly.

    Every edge of the network is a library function, every number the formula's own. All numbers stay fixed in a fit
    except the named parameters.

    Args:
        formula: text, a sympy expression, or a list of them, one for each output.
        variables: names of the inputs, in the order of the columns; ``"x y"`` or ``["x", "y"]``. None: all names in
            the formula that are no parameters, sorted (x2 before x10). Declared names shadow constants and functions.
        parameters: start values of named constants that a fit may change: ``{"k": 1.0}``, with a unit
            ``{"k": (1.0, "N/m")}``.
        library: whose functions the formula may call by name, those of your own too; None is the default library.
        network_options: of `from_graph`, such as ``dtype``.

    Returns:
        A network whose outputs differ from numpy's by rounding. Outside the real domain it is NaN, as numpy is (of the
        formula that sympy makes of the text: ``exp(log(x))`` is x);
        ``x**y`` with a symbolic exponent is exp(y*log(x)): real for x >= 0, NaN for x < 0 whatever y is.

    Raises:
        FormulaError: the formula cannot be read; it holds a function that there is none for, a name that is neither
            variable nor parameter, or a constant that is not finite. The message names the part.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.compile_formula("exp(sin(pi*x) + y**2)")
        >>> network(torch.tensor([[0.5, 1.0]], dtype=torch.float64)).item()
        7.38905609893065
        >>> print(network)
        MultKAN [2, 1, 1]: 0 spline edges, 3 symbolic terms, 0 trainable numbers
    """
    graph = formula_graph(formula, variables, parameters=parameters, library=library)
    return from_graph(graph, library=library, **network_options)


def formula_graph(
    formulas: Formulas,
    variables: Variables = None,
    *,
    parameters: Parameters = None,
    library: Library | None = None,
) -> Graph:
    """Return the graph of formulas: inputs and parameters, sums of functions, products, each computed once.

    Args:
        formulas: text, a sympy expression, or a list of them, one for each output.
        variables, parameters, library: as in `compile_formula`.

    Returns:
        A formula graph: any DAG, not put in layers yet. `from_graph` makes it a network, `plot` draws it.

    Raises:
        FormulaError: as `compile_formula` does.

    Example:
        >>> import kanscience as ks
        >>> print(ks.formula_graph("exp(a*b) + sin(a*b)"))
        Graph of 2 inputs, 3 sums, 1 product, 1 output
        sum0 = a
        sum1 = b
        product0 = sum0 * sum1
        sum2 = exp(product0) + sin(product0)
        y = sum2
    """
    names, constants = _variable_names(variables), _start_values(parameters)
    declared = [*(names or ()), *constants]
    if not isinstance(formulas, str | sympy.Basic | Iterable) or isinstance(formulas, Mapping | Set):
        kind = type(formulas).__name__
        raise FormulaError(f"a formula is text or a sympy expression, or several are a list of them, not {kind}.")
    written = [formulas] if isinstance(formulas, str | sympy.Basic) else list(formulas)
    if not written:
        raise FormulaError("there is no formula in the list. Give one for each output.")
    known = as_library(library)
    expressions = [_expression(formula, declared, known) for formula in written]
    symbols = _symbols(expressions)
    inputs = _inputs(symbols, names, constants)
    nodes = Nodes(known)
    for name in inputs:
        nodes.graph.add_input(name)
    for name, (value, unit) in constants.items():
        nodes.graph.add_parameter(name, value, unit)
    node_of = dict(zip([*inputs, *constants], list(nodes.graph), strict=True))
    values = {symbol: Affine.of_node(node_of[name]) for name, symbol in symbols.items()}
    lowering = Lowering(nodes, values)
    for name, expression in zip(_output_names(len(expressions), node_of), expressions, strict=True):
        try:
            nodes.output(name, lowering.value(expression))
        except RecursionError:
            raise FormulaError(f"{shown(expression)} is nested too deeply.") from None
    graph = nodes.graph
    graph.remove_nodes_from(set(graph) - graph.live_nodes())
    return graph


def _expression(formula: Any, declared: Iterable[str], library: Library) -> sympy.Expr:
    if isinstance(formula, str):
        return parse_formula(formula, variables=declared, library=library)
    if not isinstance(formula, sympy.Expr):
        kind = type(formula).__name__
        raise FormulaError(f"a formula is text or a sympy expression, not {kind}: {shown(formula)}.")
    return formula


def _symbols(expressions: Sequence[sympy.Expr]) -> dict[str, Expr]:
    found: dict[str, Expr] = {}
    for symbol in set().union(*(expression.free_symbols for expression in expressions)):
        name = str(getattr(symbol, "name", symbol))
        if name in found:
            raise FormulaError(
                f"there are two different symbols {name!r}, with different assumptions. Replace one by the other."
            )
        found[name] = symbol
    return found


def _variable_names(variables: Variables) -> list[str] | None:
    if variables is None:
        return None
    if isinstance(variables, sympy.Expr) or not isinstance(variables, Iterable):
        raise FormulaError(f"`variables` are names, as ['x', 'y'], not {shown(variables)}; the formula comes first.")
    listed = re.split(r"[\s,]+", variables.strip()) if isinstance(variables, str) else list(variables)
    names = [normalised(str(name)) for name in listed if str(name)]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise FormulaError(f"variable {repeated[0]!r} is declared twice: {names}.")
    return names


def _start_values(parameters: Parameters) -> dict[str, tuple[Number, str | None]]:
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise FormulaError(f"`parameters` gives start values by name, as {{'k': 1.0}}, not {parameters!r}.")
    found = {}
    for name, given in parameters.items():
        value, unit = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        try:
            found[normalised(str(name))] = checked_number(value), unit
        except (GraphError, FormulaError) as reason:
            raise FormulaError(
                f"parameter {name!r} starts at {given!r}: {reason} Write 1.0, or (1.0, 'N/m') with a unit."
            ) from None
    return found


def _inputs(symbols: Mapping[str, sympy.Symbol], names: list[str] | None, constants: Mapping[str, Any]) -> list[str]:
    if names is None:
        return sorted((name for name in symbols if name not in constants), key=_natural_order)
    both = [name for name in names if name in constants]
    if both:
        raise FormulaError(f"{both[0]!r} is declared as a variable and as a parameter. Choose one.")
    declared = [*names, *constants]
    unknown = sorted(name for name in symbols if name not in declared)
    if unknown:
        raise FormulaError(
            f"{unknown[0]!r} is neither among the variables {names} nor among the parameters {list(constants)}."
            f"{did_you_mean(unknown[0], declared)}"
        )
    return names


def _natural_order(name: str) -> list:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _output_names(count: int, taken: Iterable[str]) -> list[str]:
    taken = set(taken)
    for stem in ("y", "f", "output"):
        names = [stem] if count == 1 else [f"{stem}{i + 1}" for i in range(count)]
        if not taken.intersection(names):
            return names
    return [f"output_{i + 1}" for i in range(count)]
