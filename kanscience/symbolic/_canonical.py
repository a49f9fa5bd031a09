"""One way of writing a symbolic network among the many that are the same function.

``c*f(a*x + b)`` chains have more numbers than freedom: a hidden sum may be scaled and shifted if the functions that
read it undo it. Here every such freedom is used up by setting a number to exactly 0 or 1, so that what remains free is
what the data determine, and constants look like the law's own.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from kanscience.graph import ONE, ZERO, Graph, Number, Term

if TYPE_CHECKING:
    from kanscience.functions import Function, Library


def canonical(graph: Graph, library: Library) -> Graph:
    """Return the same function with as few free numbers as its structure needs.

    Args:
        graph: layered. Only sums are touched whose readers are all symbolic terms.
        library: of the functions on the edges.
    """
    before, graph = graph, graph.copy()
    for source, target, _ in list(graph.functions()):
        _simplify_edge(graph, source, target, library)
    hidden = [n for kind in ("sum", "product") for n in graph.nodes_of(kind)]
    for node in sorted(hidden, key=lambda n: -graph.nodes[n]["layer"]):
        if _readers_are_symbolic(graph, node):
            _normalise(graph, node, library)
    _free_what_changed(graph, before)
    return graph


def _free_what_changed(graph: Graph, before: Graph) -> None:
    """Let numbers be trained that were fixed and have taken over a factor or an offset: they are others now."""
    for source, target, terms in list(graph.functions()):
        fixed = [term for term in before.edges[source, target]["function"] if not term.trainable]
        changed = [isinstance(term, Term) and not term.trainable and term not in fixed for term in terms]
        freed = (replace(term, trainable=True) if its else term for term, its in zip(terms, changed, strict=True))
        graph.edges[source, target]["function"] = tuple(freed)
    for node in graph.nodes_of("sum"):
        if graph.nodes[node]["bias"] != before.nodes[node]["bias"]:
            graph.nodes[node]["trainable"] = True


def _simplify_edge(graph: Graph, source: str, target: str, library: Library) -> None:
    """Write the terms of an edge without redundant numbers, their offsets in the bias."""
    offset = 0.0
    terms = []
    for term in graph.edges[source, target]["function"]:
        if isinstance(term, Term) and not term.is_identity:
            term, gained = without_redundancy(term, library.resolve(term.function, term.arguments))
            offset += gained
        terms.append(term)
    graph.edges[source, target]["function"] = tuple(terms)
    _add_to_bias(graph, target, offset)


def without_redundancy(term: Term, function: Function) -> tuple[Term, float]:
    """Return a term with slope ±1 or shift 0 where scale and offset can stand in, and the offset gained.

    Shifts of periodic functions come within half a period.
    """
    scale, slope, shift = term.scale.value, term.slope.value, term.shift.value
    offset = 0.0
    slope_number, shift_number = term.slope, term.shift
    if "slope" in function.redundant and abs(slope) not in (0.0, 1.0):
        gain, constant = _stretched(function, abs(slope))
        scale, offset = scale * gain, scale * constant
        slope, shift = slope / abs(slope), shift / abs(slope)
        slope_number, shift_number = Number.of(int(slope)), Number(shift) if shift else ZERO
    if function.parity and slope < 0:
        sign = 1 if function.parity == "even" else -1
        scale, slope, shift = sign * scale, -slope, -shift
        exactly = slope_number.is_exact and slope == 1
        slope_number, shift_number = ONE if exactly else Number(slope), Number(shift) if shift else ZERO
    if "shift" in function.redundant and shift != 0:
        gain, constant = _moved(function, shift)
        offset += scale * constant
        scale, shift_number = scale * gain, ZERO
    if function.period and abs(shift) > function.period / 2:
        shift = math.remainder(shift, function.period)
        shift_number = Number(shift)
    if not (math.isfinite(scale) and math.isfinite(offset)) or (scale == 0) != (term.scale.value == 0):
        return term, 0.0  # exp(800) has no place in a factor
    if scale == term.scale.value:
        return replace(term, slope=slope_number, shift=shift_number), offset
    return replace(term, scale=Number(scale), slope=slope_number, shift=shift_number), offset


def _stretched(function: Function, factor: float) -> tuple[float, float]:
    """Return (gain, constant) of ``f(factor*u) = gain*f(u) + constant``."""
    if function.homogeneous is not None:
        return factor**function.homogeneous, 0.0
    return _gain_and_constant(function, torch.tensor([1.0, 2.0], dtype=torch.float64), factor, 0.0)


def _moved(function: Function, shift: float) -> tuple[float, float]:
    """Return (gain, constant) of ``f(u + shift) = gain*f(u) + constant``."""
    return _gain_and_constant(function, torch.tensor([0.0, 1.0], dtype=torch.float64), 1.0, shift)


def _gain_and_constant(function: Function, u: torch.Tensor, factor: float, shift: float) -> tuple[float, float]:
    plain, changed = function.torch(u), function.torch(factor * u + shift)
    gain = float((changed[1] - changed[0]) / (plain[1] - plain[0]))
    return gain, float(changed[0]) - gain * float(plain[0])


def _readers_are_symbolic(graph: Graph, node: str) -> bool:
    readers = [n for n in graph.successors(node) if graph.nodes[n]["kind"] == "sum"]
    functions = [graph.edges[node, reader]["function"] for reader in readers]
    only_sums = len(readers) == graph.out_degree(node)
    return only_sums and bool(readers) and all(isinstance(term, Term) for terms in functions for term in terms)


def _normalise(graph: Graph, node: str, library: Library) -> None:
    """Choose scale and shift of a node so that what reads it has slope 1 and shift 0."""
    readers = [(reader, term) for reader in graph.successors(node) for term in graph.edges[node, reader]["function"]]
    shaped = [term for _, term in readers if not term.is_identity]
    is_sum = graph.nodes[node]["kind"] == "sum"
    has_scale = _has_a_scale(graph, node)
    if shaped:
        reference = shaped[0]
        factor = 1.0 if has_scale else reference.slope.value
        shift = reference.shift.value * factor / (reference.slope.value or 1.0)
        _rescale(graph, node, factor, shift if is_sum else 0.0, library)
        functions = [library.resolve(term.function, term.arguments) for term in shaped]
        free_scale = all("slope" in f.redundant for f in functions)
        if is_sum and len(shaped) == len(readers) and all("shift" in f.redundant for f in functions):
            _rescale(graph, node, 1.0, -graph.nodes[node]["bias"].value, library)
            graph.nodes[node].update(bias=ZERO)
    else:
        free_scale = True
    if free_scale and not has_scale:
        leading = _leading_scale(graph, node)
        if leading:
            _rescale(graph, node, 1 / leading, 0.0, library)
            _mark_leading(graph, node)
    if not shaped and is_sum:
        # A sum that is only handed on: its constant belongs to what comes after.
        _rescale(graph, node, 1.0, -graph.nodes[node]["bias"].value, library)
        graph.nodes[node].update(bias=ZERO)


def _has_a_scale(graph: Graph, node: str) -> bool:
    """Return whether a fixed term, with others beside it, says how large a node is (of a product: one of its sums)."""
    factors = [node] if graph.nodes[node]["kind"] == "sum" else list(graph.predecessors(node))
    for factor in factors:
        terms = [term for source in graph.predecessors(factor) for term in graph.edges[source, factor]["function"]]
        if len(terms) > 1 and any(isinstance(t, Term) and not t.trainable and t.scale.value for t in terms):
            return True
    return False


def _leading_terms(graph: Graph, node: str) -> list[tuple[str, str, int]]:
    """Return (source, sum, index) of the leading term of each factor of a node (a sum is its own factor)."""
    factors = [node] if graph.nodes[node]["kind"] == "sum" else list(graph.predecessors(node))
    found = []
    for factor in factors:
        terms = [
            (abs(term.scale.value), source, factor, k)
            for source in graph.predecessors(factor)
            for k, term in enumerate(graph.edges[source, factor]["function"])
            if isinstance(term, Term)
        ]
        if terms:
            first = max(terms, key=lambda t: t[0])
            # the first of those about as large: rounding must not decide the sign of a formula
            found.append(next(t[1:] for t in terms if t[0] >= (1 - 1e-6) * first[0]))
    return found


def _leading_scale(graph: Graph, node: str) -> float:
    scale = 1.0
    for source, factor, k in _leading_terms(graph, node):
        scale *= graph.edges[source, factor]["function"][k].scale.value
    return scale


def _mark_leading(graph: Graph, node: str) -> None:
    """Set the leading scale of every factor to exactly 1, each factor divided by its own."""
    for source, factor, k in _leading_terms(graph, node):
        value = graph.edges[source, factor]["function"][k].scale.value
        if graph.nodes[node]["kind"] == "product":
            _scale_sum(graph, factor, 1 / value)
        terms = list(graph.edges[source, factor]["function"])
        terms[k] = replace(terms[k], scale=ONE)
        graph.edges[source, factor]["function"] = tuple(terms)


def _rescale(graph: Graph, node: str, factor: float, shift: float, library: Library) -> None:
    """Replace the node's value u by ``factor*u + shift``; what reads it undoes the change."""
    if factor == 1 and shift == 0:
        return
    if graph.nodes[node]["kind"] == "sum":
        _scale_sum(graph, node, factor)
        _add_to_bias(graph, node, shift)
    elif factor != 1:
        # A product takes its factor on its first sum; `_mark_leading` shares it out.
        _scale_sum(graph, next(iter(graph.predecessors(node))), factor)
    for reader in list(graph.successors(node)):
        offset, terms = 0.0, []
        for term in graph.edges[node, reader]["function"]:
            if term.is_identity:
                scale = term.scale.value / factor
                offset -= scale * shift
                terms.append(term if factor == 1 else replace(term, scale=Number(scale)))
            else:
                slope = term.slope.value / factor
                moved = term.shift.value - slope * shift
                function = library.resolve(term.function, term.arguments)
                close = abs(moved) <= 1e-15 * abs(term.shift.value)
                changed = replace(
                    term,
                    slope=ONE if slope == 1 else Number(slope),
                    shift=ZERO if moved == 0 or close else Number(moved),
                )
                changed, gained = without_redundancy(changed, function)
                offset += gained
                terms.append(changed)
        graph.edges[node, reader]["function"] = tuple(terms)
        _add_to_bias(graph, reader, offset)


def _scale_sum(graph: Graph, node: str, factor: float) -> None:
    if factor == 1:
        return
    bias = graph.nodes[node]["bias"]
    graph.nodes[node]["bias"] = ZERO if bias.value == 0 else Number(bias.value * factor)
    for source in graph.predecessors(node):
        edge = graph.edges[source, node]
        edge["function"] = tuple(replace(term, scale=Number(term.scale.value * factor)) for term in edge["function"])


def _add_to_bias(graph: Graph, node: str, offset: float) -> None:
    if offset:
        graph.nodes[node]["bias"] = Number(graph.nodes[node]["bias"].value + offset)
