"""A function on an edge, by the scientist's own hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanscience._errors import OptionError
from kanscience.functions import Function, affine_fit, as_library
from kanscience.graph import Number, Term
from kanscience.network._convert import edge_ends, rebuilt, to_graph
from kanscience.network._graph_edits import add_to_bias
from kanscience.network._places import check_edge, check_trace_of

if TYPE_CHECKING:
    import sympy

    from kanscience._typing import Edge
    from kanscience.functions import Library
    from kanscience.network._multkan import MultKAN
    from kanscience.network._trace import Trace


def set_function(
    network: MultKAN,
    edge: Edge,
    function: str | Function,
    *arguments: int | sympy.Expr,
    scale: float | sympy.Expr | None = None,
    slope: float | sympy.Expr | None = None,
    shift: float | sympy.Expr | None = None,
    trace: Trace | None = None,
    trainable: bool = True,
    library: Library | None = None,
) -> MultKAN:
    """Return a network with ``scale * f(slope * x + shift)`` on one edge, in place of whatever it carried.

    Args:
        network: left as it is.
        edge: ``(layer, source, target)``, target counting the sums under products one by one. It may carry nothing yet.
        function: a name or label of the library, ``"sin"``, ``"x^2"``, ``"besselj"``; or a `Function` of your own.
        arguments: exact numbers that pick the member of a family: ``"besselj", 2``.
        scale, slope, shift: the numbers, 1, 1 and 0 where they are left out; exact where they are sympy numbers.
        trace: where it is given, the numbers are fitted to the values that the edge has there; an offset goes into the
            bias of the sum.
        trainable: whether a fit may change the numbers.
        library: where names are looked up; None is the default library.

    Raises:
        OptionError: no such edge or function, numbers beside a trace, or an edge that the function cannot follow.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.set_function(ks.MultKAN([1, 1], seed=0), (0, 0, 0), "sin", slope=2)
        >>> ks.expression(network)
        [sin(2*x1)]
    """
    edge = check_edge(network, edge)
    chosen = _chosen(function, arguments, library)
    graph = to_graph(network)
    source, target = edge_ends(network, edge)
    if trace is None:
        numbers = _Affine.of(scale, slope, shift)
    elif (scale, slope, shift) == (None, None, None):
        numbers = _fitted(network, trace, edge, chosen)
    else:
        raise OptionError("with a `trace` the numbers are fitted: leave out `scale`, `slope` and `shift`.")
    if chosen.name == "identity":
        numbers = numbers.of_identity()
    add_to_bias(graph, target, numbers.offset)
    graph.add_edge(source, target, function=_terms(chosen, numbers, trainable))
    return rebuilt(network, graph, chosen)


@dataclass(frozen=True)
class _Affine:
    """The numbers of ``scale * f(slope * x + shift) + offset``."""

    scale: Number
    slope: Number
    shift: Number
    offset: float = 0.0

    @classmethod
    def of(cls, scale: Any, slope: Any, shift: Any) -> _Affine:
        """Return what was given, and 1, 1 and 0 for what was not."""
        scale, slope = (Number.of(1 if number is None else number) for number in (scale, slope))
        return cls(scale, slope, Number.of(0 if shift is None else shift))

    def of_identity(self) -> _Affine:
        """Return the same line as a factor and an offset."""
        scale = self.scale.sympy() * self.slope.sympy()
        offset = self.offset + self.scale.value * self.shift.value
        return _Affine(Number.of(scale), Number.of(1), Number.of(0), offset)


def _chosen(function: str | Function, arguments: tuple, library: Library | None) -> Function:
    if isinstance(function, Function):
        return function
    if not isinstance(function, str):
        raise OptionError(f"`function` is a name such as 'sin' or a `Function`, not {function!r}.")
    return as_library(library).resolve(function, arguments)


def _fitted(network: MultKAN, trace: Trace, edge: Edge, function: Function) -> _Affine:
    check_trace_of(network, trace)
    layer, source, target = edge
    x, y = trace.nodes[layer][:, source], trace.edges[layer][:, source, target]
    fit = affine_fit(function, x.double().cpu().numpy(), y.double().cpu().numpy())
    if not fit.r2 > 0:
        raise OptionError(
            f"{function.label!r} follows nothing of the values that edge {edge} has in the trace. "
            "`ks.suggest(network, trace, edge)` says which functions do; or give the numbers yourself."
        )
    return _Affine(Number(fit.scale), Number(fit.slope), Number(fit.shift), fit.offset)


def _terms(function: Function, numbers: _Affine, trainable: bool) -> tuple[Term, ...]:
    if function.name == "zero":
        return ()
    return (Term(function.name, function.arguments, numbers.scale, numbers.slope, numbers.shift, trainable),)
