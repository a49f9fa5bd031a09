"""Between networks and graphs, both ways exact to the last bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanscience._checks import check_kind
from kanscience._errors import GraphError, OptionError
from kanscience.functions import as_library, default_library
from kanscience.graph import Graph, Number, SplineAxis, SplineTerm, Term, layers
from kanscience.network._initialize import Initialize, generator_from, usual_draw
from kanscience.network._layer import Layer
from kanscience.network._multkan import Domain, MultKAN, check_network, check_options, domains
from kanscience.network._shape import LayerShape
from kanscience.network._splines import SplineEdges
from kanscience.network._terms import EdgeTerm, TermEdges
from kanscience.splines import uniform_knots

if TYPE_CHECKING:
    import sympy

    from kanscience._typing import Edge, Node
    from kanscience.functions import Function, Library


def to_graph(network: MultKAN) -> Graph:
    """Return the network as a layered graph: the picture of Psi = M o Phi that formulas, drawings and files share.

    Args:
        network: left as it is.

    Returns:
        A `Graph` from which `from_graph` builds the same network, bit for bit in the same ``dtype``.

    Example:
        >>> import kanscience as ks
        >>> print(ks.to_graph(ks.MultKAN([1, 1], seed=0)).nodes_of("sum"))
        ['sum1_0']
    """
    check_network(network)
    graph = Graph()
    sources = _add_sources(graph, network)
    for depth, layer in enumerate(network.layers, start=1):
        sources = _add_layer(graph, layer, sources, depth)
    units = network.units[len(network.input_names) + len(network.constant_names) :]
    for index, (name, unit) in enumerate(zip(network.output_names, units, strict=True)):
        source = sources[network.readout[index]]
        graph.add_output(name, source, unit, node=f"output{index}", layer=len(network.layers), position=index)
    return graph


def _add_sources(graph: Graph, network: MultKAN) -> list[str]:
    names = []
    units = network.units
    for index, name in enumerate(network.input_names):
        names.append(graph.add_input(name, units[index], node=f"input{index}", layer=0, position=index))
    for k, name in enumerate(network.constant_names):
        position = network.n_inputs + k
        value = _number(network.constants[k], network.exact_constants[k])
        trainable = bool(network.constants_trainable[k])
        node = f"parameter{k}"
        names.append(
            graph.add_parameter(
                name, value, units[position], trainable=trainable, node=node, layer=0, position=position
            )
        )
    return names


def _add_layer(graph: Graph, layer: Layer, sources: list[str], depth: int) -> list[str]:
    subnodes = [
        graph.add_sum(
            _number(layer.bias[j], layer.exact_bias[j]),
            trainable=bool(layer.bias_trainable[j]),
            node=f"sum{depth}_{j}",
            layer=depth,
            position=j,
        )
        for j in range(layer.shape.subnodes)
    ]
    _add_splines(graph, layer.splines, sources, subnodes)
    _add_terms(graph, layer.terms, sources, subnodes)
    sums = layer.shape.sums
    products = [
        graph.add_product(*subnodes[columns], node=f"product{depth}_{k}", layer=depth, position=sums + k)
        for k, columns in enumerate(layer.shape.product_columns())
    ]
    return subnodes[:sums] + products


def _add_splines(graph: Graph, splines: SplineEdges, sources: list[str], subnodes: list[str]) -> None:
    intervals = splines.intervals.tolist()
    # Where the last curve is gone (symbols took its place), a given domain stays for curves to come.
    wanted = splines.active.any(dim=1) | splines.given
    for s in wanted.nonzero().flatten().tolist():
        if graph.nodes[sources[s]]["kind"] == "parameter":
            continue  # never the source of a curve
        graph.nodes[sources[s]]["axis"] = SplineAxis(
            knots=tuple(splines.axes.row(s).tolist()),
            degree=splines.degree,
            base=splines.base,
            domain=None if splines.open[s] else (float(splines.low[s]), float(splines.high[s])),
            given=bool(splines.given[s]),
        )
    coefficients, base_weights = (numbers.detach() for numbers in splines.weights())
    by_edge, base_weights = coefficients.transpose(1, 2).tolist(), base_weights.tolist()
    for s, t in splines.active.nonzero().tolist():
        own = tuple(by_edge[s][t][: intervals[s] + splines.degree])
        term = SplineTerm(own, base_weights[s][t], bool(splines.trainable[s, t]))
        graph.add_function(sources[s], subnodes[t], term)


def _add_terms(graph: Graph, terms: TermEdges, sources: list[str], subnodes: list[str]) -> None:
    for term, *values in zip(terms.terms, terms.scale, terms.slope, terms.shift, strict=True):
        exact = term.scale.exact, term.slope.exact, term.shift.exact
        scale, slope, shift = map(_number, values, exact)
        function = term.function
        graph.add_function(
            sources[term.source],
            subnodes[term.target],
            Term(function.name, function.arguments, scale, slope, shift, term.trainable),
        )


def _number(value: Tensor, exact: sympy.Expr | int | None) -> Number:
    # In float32 the exact number's own float is a rounded one: compare there, and keep the exact number's float64.
    if exact is not None:
        number = Number.of(exact)
        if bool(torch.tensor(number.value, dtype=value.dtype) == value.detach().cpu()):
            return number
    return Number(float(value.detach()))


def from_graph(
    graph: Graph,
    *,
    library: Library | None = None,
    grid: int = 5,
    degree: int = 3,
    base: str = "silu",
    domain: Domain = None,
    seed: int | None = None,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
    initialize: Initialize | None = None,
) -> MultKAN:
    """Build the network that a graph pictures.

    Args:
        graph: layered as `to_graph` makes them, or any formula graph, which is put in layers first.
        library: where the functions on the edges are looked up; None is the default library.
        grid, degree, base, domain, seed, initialize: as in `MultKAN`; they fill only what the graph leaves open: splines
            without coefficients, and sources without knots.
        dtype, device: of the network.

    Raises:
        GraphError: the graph breaks the schema, or splines of different degree or base leave the nodes of one layer.
        OptionError: a function that the library does not know, or a number beyond the range of ``dtype``.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.MultKAN([2, 3, 1], seed=0)
        >>> again = ks.from_graph(ks.to_graph(network))
        >>> x = torch.zeros(1, 2, dtype=torch.float64)
        >>> bool(again(x) == network(x))
        True
    """
    check_kind(
        "graph",
        graph,
        Graph,
        "Networks become one by ks.to_graph, formulas by ks.formula_graph, a DiGraph by kanscience.graph.Graph(it).",
    )
    check_options(grid, degree, base, dtype, device)
    graph.validate()
    if dtype != torch.float64:  # that of every number of a graph
        _check_range(graph, dtype)
    if not graph.is_layered:
        graph = layers(graph)
    generator = generator_from(seed)
    fill = _Fill(grid, degree, base, initialize or usual_draw(base), generator, dtype)
    columns = _Columns(graph)
    known = as_library(library)
    built = [
        _layer(graph, columns.nodes[depth], columns.subnodes[depth + 1], columns.shapes[depth], known, fill)
        for depth in range(len(columns.shapes))
    ]
    inputs, outputs = graph.nodes_of("input"), graph.nodes_of("output")
    last = columns.nodes[-1]
    network = MultKAN.from_layers(
        built,
        len(inputs),
        [last.index(next(iter(graph.predecessors(node)))) for node in outputs],
        **_constants(graph, dtype),
        input_names=graph.input_names,
        output_names=graph.output_names,
        units=[graph.nodes[node].get("unit") for node in (*inputs, *graph.nodes_of("parameter"), *outputs)],
    )
    if domain is not None:
        _give_domains(built[0].splines, domains(domain, len(inputs)))
    return network.to(device)


def _check_range(graph: Graph, dtype: torch.dtype) -> None:
    numbers = [data[key] for _, data in graph.nodes(data=True) for key in ("bias", "value") if key in data]
    for _, _, terms in graph.functions():
        numbers += [n for t in terms if isinstance(t, Term) for n in (t.scale, t.slope, t.shift)]
    for number in numbers:
        here = torch.tensor(number.value, dtype=dtype)
        if bool(here.isinf()) or bool(here == 0) != (number.value == 0):
            raise OptionError(
                f"{number} is beyond the range of {dtype}, where it becomes {float(here):g}: pass dtype=torch.float64, or "
                "choose other units."
            )


def _constants(graph: Graph, dtype: torch.dtype) -> dict[str, Any]:
    # what `from_layers` takes of the parameters
    own = [graph.nodes[node] for node in graph.nodes_of("parameter")]
    return {
        "constants": torch.tensor([its["value"].value for its in own], dtype=dtype),
        "constants_trainable": torch.tensor([its.get("trainable", True) for its in own], dtype=torch.bool),
        "constant_names": [its["name"] for its in own],
        "exact_constants": tuple(its["value"].exact for its in own),
    }


def _give_domains(splines: SplineEdges, given: Sequence[tuple[float, float]]) -> None:
    # to the inputs that have none yet; a parameter has no curve
    for source, interval in enumerate(given):
        if splines.open[source]:
            splines.set_domain_(source, *interval)
            splines.given[source] = True


def rebuilt(network: MultKAN, graph: Graph, *functions: Function) -> MultKAN:
    """Return the network of an edited graph in the precision, place and vocabulary of the one it came from.

    ``functions`` are those that the edit brought in.
    """
    return from_graph(graph, library=_vocabulary(network, *functions), dtype=network.dtype, device=network.device)


def in_precision(network: MultKAN, dtype: torch.dtype) -> MultKAN:
    """Return the network in a precision: itself where it has that, else another one, exact numbers exact there too."""
    if network.dtype == dtype:
        return network
    return from_graph(to_graph(network), library=_vocabulary(network), dtype=dtype, device=network.device)


def functions_on_edges(network: MultKAN) -> tuple[Function, ...]:
    """Return the library functions of a network's terms, the user's own too."""
    return tuple(dict.fromkeys(function for layer in network.layers for function, _ in layer.terms.functions))


def _vocabulary(network: MultKAN, *functions: Function) -> Library | None:
    used = (*functions_on_edges(network), *functions)
    return default_library().with_functions(*used) if used else None


def edge_ends(network: MultKAN, edge: Edge) -> tuple[str, str]:
    """Return the names that the two ends of the edge ``(layer, source, target)`` have in `to_graph`."""
    layer, source, target = edge
    return node_name(network, (layer, source)), f"sum{layer + 1}_{target}"


def node_name(network: MultKAN, node: Node) -> str:
    """Return the name that the node ``(layer, node)`` has in `to_graph`."""
    layer, index = node
    if layer == 0:
        is_input = index < network.n_inputs
        return f"input{index}" if is_input else f"parameter{index - network.n_inputs}"
    sums = network.shapes[layer - 1].sums
    return f"sum{layer}_{index}" if index < sums else f"product{layer}_{index - sums}"


class _Columns:
    """The nodes of a layered graph by layer: sources in the order of their columns, and the subnodes of each."""

    def __init__(self, graph: Graph) -> None:
        starts = graph.nodes_of("input") + graph.nodes_of("parameter")
        self.nodes: list[list[str]] = [starts]
        self.subnodes: list[list[str]] = [[]]
        self.shapes: list[LayerShape] = []
        depth = max((graph.nodes[node]["layer"] for node in graph), default=0)
        by_layer: list[dict[str, list[str]]] = [{"sum": [], "product": []} for _ in range(depth + 1)]
        for kind in ("sum", "product"):
            for node in graph.nodes_of(kind):
                by_layer[graph.nodes[node]["layer"]][kind].append(node)
        for column in by_layer[1:]:
            arities = tuple(graph.in_degree(product) for product in column["product"])
            plain = len(column["sum"]) - sum(arities)
            self.shapes.append(LayerShape(plain, arities))
            self.subnodes.append(column["sum"])
            self.nodes.append(column["sum"][:plain] + column["product"])


class _Fill:
    """What a graph leaves open."""

    def __init__(self, grid, degree, base, initialize, generator, dtype) -> None:
        self.grid, self.degree, self.base, self.dtype = grid, degree, base, dtype
        self.initialize, self.generator = initialize, generator

    def axis(self) -> SplineAxis:
        return SplineAxis(tuple(uniform_knots(self.grid, self.degree).tolist()), self.degree, self.base)


def _layer(
    graph: Graph, sources: list[str], subnodes: list[str], shape: LayerShape, library: Library, fill: _Fill
) -> Layer:
    row = {node: index for index, node in enumerate(sources)}
    column = {node: index for index, node in enumerate(subnodes)}
    edges = [
        (row[source], column[target], term)
        for target in subnodes
        for source in graph.predecessors(target)
        for term in graph.edges[source, target]["function"]
    ]
    curves = [(s, t, term) for s, t, term in edges if isinstance(term, SplineTerm)]
    terms = [
        EdgeTerm(
            s, t, library.resolve(term.function, term.arguments), term.scale, term.slope, term.shift, term.trainable
        )
        for s, t, term in edges
        if isinstance(term, Term)
    ]
    splines = _splines(graph, sources, len(subnodes), curves, fill)
    biases = [graph.nodes[node].get("bias", Number(0.0, 0)) for node in subnodes]
    return Layer(
        shape,
        splines,
        TermEdges(terms, len(subnodes), fill.dtype),
        torch.tensor([bias.value for bias in biases], dtype=fill.dtype),
        torch.tensor([bool(graph.nodes[node].get("trainable", False)) for node in subnodes], dtype=torch.bool),
        tuple(bias.exact for bias in biases),
    )


def _splines(
    graph: Graph, sources: list[str], targets: int, curves: Iterable[tuple[int, int, SplineTerm]], fill: _Fill
) -> SplineEdges:
    curves = list(curves)
    with_curves = {s for s, _, _ in curves}
    said = {s: axis for s, node in enumerate(sources) if (axis := graph.axis(node)) is not None}
    said = {s: axis for s, axis in said.items() if s in with_curves or axis.given}
    axes = {s: said.get(s) or fill.axis() for s in with_curves}
    degree, base = _common_kind(sources, axes or dict(list(said.items())[:1]), fill)
    axes |= {s: axis for s, axis in said.items() if s not in axes and axis.degree == degree}
    rows = [
        torch.tensor(axes[s].knots, dtype=torch.float64) if s in axes else uniform_knots(1, degree)
        for s in range(len(sources))
    ]
    n_basis = max((len(row) for row in rows), default=2 * degree + 2) - degree - 1
    coefficients = torch.zeros(len(sources), n_basis, targets, dtype=torch.float64)
    weights = torch.zeros(len(sources), targets, dtype=torch.float64)
    active = torch.zeros(len(sources), targets, dtype=torch.bool)
    trainable = torch.ones(len(sources), targets, dtype=torch.bool)
    drawn: tuple[Tensor, Tensor] | None = None
    for s, t, term in curves:
        if bool(active[s, t]):
            raise GraphError(f"the edge from {sources[s]!r} to its sum {t} holds two splines. Add their coefficients.")
        active[s, t], trainable[s, t] = True, term.trainable
        if term.coefficients is None:
            drawn = drawn or fill.initialize(len(sources), n_basis, targets, fill.generator)
            size = axes[s].n_basis
            coefficients[s, :size, t] = drawn[0][s, :size, t]
            weights[s, t] = 0.0 if base == "zero" else drawn[1][s, t]
        else:
            coefficients[s, : len(term.coefficients), t] = torch.tensor(term.coefficients, dtype=torch.float64)
            weights[s, t] = term.base_weight
    splines = SplineEdges(
        rows, degree, base, coefficients.to(fill.dtype), weights.to(fill.dtype), active=active, trainable=trainable
    )
    for s, axis in (said | axes).items():
        if axis.domain is not None:
            splines.set_domain_(s, *axis.domain)
            splines.given[s] = axis.given
    return splines


def _common_kind(sources: list[str], axes: dict[int, SplineAxis], fill: _Fill) -> tuple[int, str]:
    kinds = {(axis.degree, axis.base): sources[s] for s, axis in axes.items()}
    if len(kinds) > 1:
        listed = "; ".join(f"{node!r} degree {degree}, base {base!r}" for (degree, base), node in kinds.items())
        raise GraphError(f"the splines of one layer share degree and base, but here: {listed}. Make them agree.")
    return next(iter(kinds), (fill.degree, fill.base))
