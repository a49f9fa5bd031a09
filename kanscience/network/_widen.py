"""More nodes in a layer, and more inputs: the function stays what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kanscience._checks import check_integer, listed
from kanscience._errors import OptionError
from kanscience.network._convert import rebuilt, to_graph
from kanscience.network._curves import NewCurves, varying
from kanscience.network._graph_edits import columns, relabelled, subnodes_of

if TYPE_CHECKING:
    from kanscience.graph import Graph
    from kanscience.network._multkan import MultKAN


def widen(
    network: MultKAN,
    layer: int = 0,
    sums: int = 0,
    products: int | Sequence[int] = (),
    *,
    inputs: Sequence[str] = (),
    grid: int | None = None,
    degree: int = 3,
    base: str = "silu",
    seed: int | None = None,
) -> MultKAN:
    """Return a network with more nodes in one hidden layer, or with more inputs; its function is the same.

    Edges that lead to a new node carry curves drawn at random, those that leave it curves that are zero, so that a fit
    can use it. The factors of a new product are 1 plus their curves. New inputs have curves that are zero.

    Args:
        network: left as it is.
        layer: the hidden layer, as counted in ``network.width``: 1 is the first after the inputs.
        sums: how many sums to add, after those that are there.
        products: how many products of two factors to add, or their arities: ``(2, 3)``.
        inputs: names of columns to add after the present ones, in place of nodes.
        grid, degree, base: of new curves, where their layer has none yet; see `kanscience.MultKAN`. A ``grid`` of None is
            the layer's finest, else 5.
        seed: of the curves that are drawn; None draws a fresh one.

    Raises:
        OptionError: no hidden layer of that number, nothing to add, an arity below 2, a name that is taken.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.MultKAN([2, 1, 1], seed=0)
        >>> wider = ks.widen(network, 1, sums=2, products=(2, 3), seed=0)
        >>> wider.width
        [2, (3, [2, 3]), 1]
        >>> x = torch.rand(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> bool(torch.allclose(wider(x), network(x), rtol=1e-14))
        True
        >>> ks.widen(network, inputs=["temperature"]).input_names
        ('x1', 'x2', 'temperature')
    """
    graph = to_graph(network)
    curves = NewCurves(graph, grid, degree, base, seed)
    if inputs:
        _check_inputs_alone(layer, sums, products)
        _add_inputs(graph, curves, inputs)
    else:
        arities = _arities(sums, products)
        _check_hidden(network, layer)
        _add_nodes(graph, curves, layer, sums, arities)
    return rebuilt(network, relabelled(graph))


def _add_inputs(graph: Graph, curves: NewCurves, names: Sequence[str]) -> None:
    if isinstance(names, str):
        raise OptionError(f"`inputs` is a list of names: write [{names!r}], not {names!r}.")
    taken = graph.input_names + graph.parameter_names
    for name in names:
        if not isinstance(name, str) or not name or name in taken:
            raise OptionError(f"a new input needs a name of its own, not {name!r}; taken are {listed(taken)}.")
        taken.append(name)
    here = len(columns(graph)[0])
    added = [graph.add_input(name, layer=0, position=here + k) for k, name in enumerate(names)]
    curves.add(added, _sums_of_layer(graph, 1), scale=0.0)


def _add_nodes(graph: Graph, curves: NewCurves, layer: int, sums: int, arities: Sequence[int]) -> None:
    before = columns(graph)
    sources = [node for node in before[layer - 1] if node in varying(graph)]
    followers = _sums_of_layer(graph, layer + 1)
    last = len(graph)  # behind everything that is there
    new_sums = [graph.add_sum(layer=layer, position=last + k) for k in range(sums)]
    new_products = []
    for arity in arities:
        factors = [graph.add_sum(bias=1, layer=layer, position=last + len(graph)) for _ in range(arity)]
        new_products.append(graph.add_product(*factors, layer=layer, position=last + len(graph)))
    new_nodes = new_sums + new_products
    curves.add(sources, [subnode for node in new_nodes for subnode in subnodes_of(graph, node)], scale=1.0)
    curves.add(new_nodes, followers, scale=0.0)


def _sums_of_layer(graph: Graph, layer: int) -> list[str]:
    return [node for node in graph.nodes_of("sum") if graph.nodes[node]["layer"] == layer]


def _arities(sums: int, products: int | Sequence[int]) -> tuple[int, ...]:
    check_integer("sums", sums, least=0)
    if not isinstance(products, Sequence):
        products = (2,) * check_integer("products", products, least=0)
    arities = tuple(check_integer(f"products[{k}]", arity, least=2) for k, arity in enumerate(products))
    if not sums and not arities:
        raise OptionError("there is nothing to add: give `sums`, `products` or `inputs`.")
    return arities


def _check_hidden(network: MultKAN, layer: int) -> None:
    depth = len(network.layers)
    if depth == 1:
        raise OptionError("the network has no hidden layer to widen. `ks.deepen(network)` gives it one.")
    try:
        check_integer("layer", layer, least=1, most=depth - 1)
    except OptionError as error:
        raise OptionError(
            f"{error} Hidden layers count as in `network.width`, {network.width}: 1 is the first after the inputs. "
            "For new inputs pass `inputs=[names]`."
        ) from None


def _check_inputs_alone(layer: int, sums: int, products: int | Sequence[int]) -> None:
    if layer or sums or products:
        raise OptionError("`inputs` adds columns and nothing else: widen hidden layers in a call of their own.")
