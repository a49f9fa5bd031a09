"""The hub: one graph that formulas are read into, networks are built from, and pictures are drawn of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import networkx

from kanscience._errors import GraphError, OptionError
from kanscience.graph._numbers import Number
from kanscience.graph._terms import ZERO, SplineAxis, SplineTerm, Term
from kanscience.graph._validate import validate

if TYPE_CHECKING:
    import sympy

KINDS = ("input", "parameter", "sum", "product", "output")


class Graph(networkx.DiGraph):
    """A formula or a network as a directed graph: sums of univariate functions, and products of sums.

    ========= =================================== ============================================================
    kind      carries                             meaning
    ========= =================================== ============================================================
    input     index, name, unit                   one column of the data
    parameter name, value, unit, trainable        a named constant of the law, one trainable number
    sum       bias, trainable                     the sum of its incoming edges and its bias
    product   nothing                             the product of its incoming sums
    output    index, name, unit                   marks the node that is read out
    ========= =================================== ============================================================

    An edge into a sum carries ``function``, a tuple of ``Term`` and ``SplineTerm`` that are added. Edges into
    products and outputs carry nothing. A source of spline edges carries ``axis``, a ``SplineAxis``. In a
    layered graph, the picture of a network, every node also has ``layer`` and ``position``. Nodes are named
    by strings. All of networkx works on it.

    Example:
        >>> graph = Graph()
        >>> x, y = graph.add_input("x"), graph.add_input("y")
        >>> total = graph.add_sum(bias=1)
        >>> graph.add_function(x, total, Term.of("sin", slope=2))
        >>> graph.add_function(y, total, Term.of("power", 2))
        >>> graph.add_output("f", total)
        'output0'
        >>> print(graph)
        Graph of 2 inputs, 1 sum, 1 output
        sum0 = sin(2*x) + power(y, 2) + 1
        f = sum0
    """

    # What networkx calls to make copies and subgraphs of the same class.
    def to_directed_class(self) -> type[Graph]:
        """Return the class of directed copies."""
        return Graph

    # building

    def add_input(self, name: str, unit: str | None = None, *, node: str | None = None, **more: Any) -> str:
        """Add the next input and return its node."""
        index = len(self.nodes_of("input"))
        return self._add(node or f"input{index}", kind="input", index=index, name=name, unit=unit, **more)

    def add_parameter(
        self,
        name: str,
        value: Number | float | sympy.Expr,
        unit: str | None = None,
        *,
        trainable: bool = True,
        node: str | None = None,
        **more: Any,
    ) -> str:
        """Add a named constant and return its node."""
        node = node or f"parameter{len(self.nodes_of('parameter'))}"
        value = Number.of(value)
        return self._add(node, kind="parameter", name=name, value=value, unit=unit, trainable=trainable, **more)

    def add_sum(
        self,
        bias: Number | float | sympy.Expr = ZERO,
        *,
        trainable: bool = False,
        node: str | None = None,
        **more: Any,
    ) -> str:
        """Add a sum without edges and return its node."""
        node = node or self._fresh("sum")
        return self._add(node, kind="sum", bias=Number.of(bias), trainable=trainable, **more)

    def add_product(self, *sums: str, node: str | None = None, **more: Any) -> str:
        """Add the product of sums and return its node."""
        node = self._add(node or self._fresh("product"), kind="product", **more)
        self.add_edges_from((factor, node) for factor in sums)
        return node

    def add_output(
        self, name: str, source: str, unit: str | None = None, *, node: str | None = None, **more: Any
    ) -> str:
        """Add the next output, which reads ``source`` out, and return its node."""
        index = len(self.nodes_of("output"))
        node = self._add(node or f"output{index}", kind="output", index=index, name=name, unit=unit, **more)
        self.add_edge(source, node)
        return node

    def add_function(self, source: str, target: str, *terms: Term | SplineTerm) -> None:
        """Add terms to what runs from ``source`` into the sum ``target``."""
        present = self.edges[source, target]["function"] if self.has_edge(source, target) else ()
        self.add_edge(source, target, function=(*present, *terms))

    def _add(self, node: str, **attributes: Any) -> str:
        self.add_node(node, **attributes)
        return node

    def _fresh(self, stem: str) -> str:
        index = len(self.nodes_of(stem))
        while f"{stem}{index}" in self:
            index += 1
        return f"{stem}{index}"

    # asking

    def validate(self) -> Graph:
        """Check everything that this class promises, and return the graph itself.

        Raises:
            GraphError: with the node or edge that breaks the schema.
        """
        validate(self)
        return self

    def nodes_of(self, kind: str) -> list[str]:
        """Return the nodes of a kind; inputs and outputs by their index, the others as they were added."""
        found = [node for node, its in self.nodes(data="kind") if its == kind]
        if kind in ("input", "output"):
            found.sort(key=lambda node: self.nodes[node].get("index", 0))
        elif found and "position" in self.nodes[found[0]]:
            found.sort(key=lambda node: (self.nodes[node].get("layer", 0), self.nodes[node].get("position", 0)))
        return found

    def live_nodes(self) -> set[str]:
        """Return the nodes that an output reads, on however long a way, and all inputs, parameters and outputs."""
        outputs = self.nodes_of("output")
        read = set().union(*(networkx.ancestors(self, output) for output in outputs))
        return read.union(outputs, self.nodes_of("input"), self.nodes_of("parameter"))

    def functions(self) -> Iterator[tuple[str, str, tuple[Term | SplineTerm, ...]]]:
        """Go through ``(source, target, function)`` of all edges into sums."""
        for source, target, function in self.edges(data="function"):
            if function is not None:
                yield source, target, function

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, by index."""
        return [self.nodes[node]["name"] for node in self.nodes_of("input")]

    @property
    def parameter_names(self) -> list[str]:
        """Names of the parameters, in their order."""
        return [self.nodes[node]["name"] for node in self.nodes_of("parameter")]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, by index."""
        return [self.nodes[node]["name"] for node in self.nodes_of("output")]

    @property
    def is_layered(self) -> bool:
        """Whether every node has a layer and a position: then the graph is a network."""
        return all("layer" in data and "position" in data for _, data in self.nodes(data=True))

    @property
    def is_symbolic(self) -> bool:
        """Whether no edge holds a spline: then the graph is a formula."""
        return not any(isinstance(term, SplineTerm) for _, _, function in self.functions() for term in function)

    def axis(self, node: str) -> SplineAxis | None:
        """Return the spline axis of a node, or None."""
        return self.nodes[node].get("axis")

    # showing

    def __str__(self) -> str:
        order = list(networkx.lexicographical_topological_sort(self, key=self._reading_key()))
        return "\n".join([self._title()] + [line for node in order if (line := self._line(node))])

    def __repr__(self) -> str:
        return f"<{self._title()}>"

    def _title(self) -> str:
        counts = [(len(self.nodes_of(kind)), kind) for kind in KINDS]
        title = ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for n, kind in counts if n)
        return f"Graph of {title}" if title else "Graph without nodes"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from kanscience import _display

        try:
            return _display.mimebundle(self)
        except (GraphError, OptionError):  # half built, or with functions of the user's own: there is no picture
            return {"text/plain": repr(self)}

    def _reading_key(self):
        rank = {node: i for i, node in enumerate(self.nodes)}
        return lambda node: (
            self.nodes[node].get("layer", 0),
            KINDS.index(self.nodes[node]["kind"]),
            rank[node],
        )

    def _line(self, node: str) -> str:
        data = self.nodes[node]
        match data["kind"]:
            case "input":
                return f"{data['name']} in {data['unit']}" if data.get("unit") else ""
            case "parameter":
                return f"{data['name']} = {data['value']}" + (f" {data['unit']}" if data.get("unit") else "")
            case "sum":
                terms = [
                    term.text(self._name(source))
                    for source in self.predecessors(node)
                    for term in self.edges[source, node].get("function", ())
                ]
                bias = data.get("bias", ZERO)
                terms += [str(bias)] if bias.value or not terms else []
                return f"{node} = " + " + ".join(terms).replace("+ -", "- ")
            case "product":
                return f"{node} = " + " * ".join(map(self._name, self.predecessors(node)))
        return f"{data['name']} = " + ", ".join(map(self._name, self.predecessors(node)))

    def _name(self, node: str) -> str:
        data = self.nodes[node]
        return data["name"] if data["kind"] in ("input", "parameter") else node
