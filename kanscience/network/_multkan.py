"""MultKAN: layers in a row, and forward."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from kanscience._checks import check_degree, check_grid, check_interval, check_kind, shown
from kanscience._errors import OptionError
from kanscience._other_names import WRITTEN_HERE
from kanscience.datasets import plain_names
from kanscience.network._bases import base_named
from kanscience.network._initialize import Initialize, generator_from, usual_draw
from kanscience.network._layer import Features, Layer, multiply
from kanscience.network._numbers import numbers, register_numbers
from kanscience.network._rows import RowProgram
from kanscience.network._shape import LayerShape, Width, parse_width
from kanscience.network._splines import SplineEdges
from kanscience.network._tables import as_tensor, check_rows
from kanscience.network._terms import TermEdges
from kanscience.splines import uniform_knots

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_FUNCTIONS_OF_NETWORKS = frozenset(
    [
        "attribution",
        "deepen",
        "expression",
        "fit",
        "freeze",
        "jets",
        "perturb",
        "plot",
        "prune",
        "prune_inputs",
        "refine",
        "remove",
        "save",
        "set_function",
        "snap",
        "suggest",
        "to_graph",
        "trace",
        "widen",
    ]
)
Domain = tuple[float, float] | Sequence[Sequence[float] | np.ndarray] | np.ndarray | None


class MultKAN(nn.Module):
    """A Kolmogorov-Arnold network with multiplication nodes.

    Every edge carries a univariate function, at first the curve ``w*b(t) + sum(c[i]*B[i](t))`` with B-splines B and a
    base function b of the source's value mapped to t in [-1, 1]. Nodes are sums of edges, or products of such sums.

    Args:
        width: sizes of inputs, layers and outputs. ``[2, (3, [2, 3]), 1]`` has two inputs, three sums and two
            products of arity 2 and 3, one output; ``5`` is five sums, ``(5, 2)`` five sums and two products of arity 2.
        grid: intervals of every spline, 1 or more.
        degree: of the splines, 0 (steps) to 5.
        base: ``"silu"``, ``"identity"`` or ``"zero"``.
        domain: the inputs' range in the user's units, one pair or one per input. None: taken from the first data that
            the network is fitted to (until then -1...1). Outside, curves continue linearly.
        seed: of the initial coefficients; None draws a fresh one.
        dtype: ``torch.float64`` or ``torch.float32``.
        device: where the parameters live.
        initialize: draws coefficients and base weights; default the power law of arXiv 2509.03417, and random cubics
            where there is no base function.

    Raises:
        OptionError: an option is out of range; the message names its value.

    Example:
        >>> import kanscience as ks, torch
        >>> network = ks.MultKAN([2, (3, [2, 3]), 1], seed=0)
        >>> network(torch.zeros(4, 2, dtype=torch.float64)).shape
        torch.Size([4, 1])
        >>> print(network)
        MultKAN [2, (3, [2, 3]), 1]: 21 spline edges, 0 symbolic terms, 189 trainable numbers

    Source: Liu et al., arXiv 2404.19756 and arXiv 2408.10205.
    """

    constants_trainable: Tensor

    def __init__(
        self,
        width: Width,
        *,
        grid: int = 5,
        degree: int = 3,
        base: str = "silu",
        domain: Domain = None,
        seed: int | None = None,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str | None = None,
        initialize: Initialize | None = None,
    ) -> None:
        super().__init__()
        inputs, shapes = parse_width(width)
        check_options(grid, degree, base, dtype, device)
        draw = initialize or usual_draw(base)
        generator = generator_from(seed)
        sources = [inputs, *(shape.nodes for shape in shapes[:-1])]
        layers = [
            _spline_layer(n, shape, grid, degree, base, dtype, draw, generator)
            for n, shape in zip(sources, shapes, strict=True)
        ]
        for source, (low, high) in enumerate(domains(domain, inputs)):
            layers[0].splines.set_domain_(source, low, high)
            layers[0].splines.given[source] = True
        self._set_up(layers, inputs, range(shapes[-1].nodes))
        self.to(device)

    def _set_up(
        self,
        layers: Sequence[Layer],
        inputs: int,
        readout: Sequence[int],
        *,
        constants: Tensor | None = None,
        constants_trainable: Tensor | None = None,
        constant_names: Sequence[str] = (),
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        units: Sequence[str | None] = (),
        exact_constants: tuple = (),
    ) -> None:
        # The list type that torch hands out does not know what it holds.
        self.layers: Sequence[Layer] = nn.ModuleList(layers)  # type: ignore[assignment]
        self.n_inputs = inputs
        self.readout = tuple(readout)
        self.input_names = tuple(input_names) if input_names else plain_names(inputs)
        outputs = len(self.readout)
        default = ("y",) if outputs == 1 else tuple(f"y{i + 1}" for i in range(outputs))
        self.output_names = tuple(output_names) if output_names else default
        self.constant_names = tuple(constant_names)
        self.units = tuple(units) or (None,) * (inputs + len(self.constant_names) + outputs)
        values = layers[0].bias.new_zeros(0) if constants is None else constants
        trainable = torch.ones(len(values), dtype=torch.bool) if constants_trainable is None else constants_trainable
        self.register_buffer("constants_trainable", trainable)
        register_numbers(self, "constants", values, trainable)
        self.exact_constants = exact_constants or (None,) * len(values)
        self._program: RowProgram | None = None  # how a formula is evaluated; follows from the layers

    @classmethod
    def from_layers(cls, layers: Sequence[Layer], inputs: int, readout: Sequence[int], **names) -> MultKAN:
        """Build a network from finished layers; `kanscience.from_graph` is the public door."""
        network = cls.__new__(cls)
        nn.Module.__init__(network)
        network._set_up(layers, inputs, readout, **names)
        return network

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            call = f"ks.{name}(network, ...)" if name in _FUNCTIONS_OF_NETWORKS else WRITTEN_HERE.get(name)
            if call is None:
                raise
            raise AttributeError(f"a network has no method {name!r}: write {call}.") from None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_program": None}

    @property
    def constants(self) -> Tensor:
        """Values of the named constants, trained or not."""
        return numbers(self, "constants", self.constants_trainable)

    @property
    def shapes(self) -> tuple[LayerShape, ...]:
        """Sizes of the layers."""
        return tuple(layer.shape for layer in self.layers)

    @property
    def n_outputs(self) -> int:
        """Number of outputs read out of the last layer."""
        return len(self.readout)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the parameters."""
        return self._buffers["fixed_constants"].dtype  # type: ignore[union-attr]

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self._buffers["fixed_constants"].device  # type: ignore[union-attr]

    @property
    def width(self) -> list:
        """The sizes as the constructor takes them."""
        return [self.n_inputs, *(_width_entry(shape) for shape in self.shapes)]

    def forward(self, x: Tensor) -> Float[Tensor, "batch output"]:
        """Evaluate the network.

        Args:
            x: (N, inputs), one row a sample, in the user's units.

        Raises:
            ShapeError: the number of columns is not the number of inputs.
            DataError: ``x`` holds NaN or infinity (not checked inside torch.func and torch.compile).
        """
        check_inputs(self, x)
        return self.outputs(self.sources(x)).T

    def sources(self, x: Tensor) -> Tensor:
        """Return layer 0 as (node, sample), in the network's precision: the inputs, then the named constants."""
        x = x.to(self.dtype)
        if not self.constant_names:
            return x.T
        return torch.cat([x.T, self.constants[:, None].expand(-1, x.shape[0])])

    def outputs(self, nodes: Tensor, first: Features = None) -> Tensor:
        """Return (output, sample) from layer 0's (node, sample), unchecked: the inner loop of training.

        ``first`` are the first layer's features, where they are known already.
        """
        program = RowProgram.current(self._program, list(self.layers)) if first is None else None
        if program is not None:
            if program is not self._program:
                self._program = program
            if program.layers:
                return program.outputs(nodes, self.readout)
        for layer in self.layers:
            sums = layer.subnodes(nodes) if first is None else layer.sums(nodes, first)
            nodes, first = multiply(sums, layer.shape), None
        return self.read_out(nodes)

    def read_out(self, nodes: Tensor) -> Tensor:
        """Return the outputs' rows of the last layer's nodes."""
        everything = self.readout == tuple(range(nodes.shape[0]))
        return nodes if everything else nodes[list(self.readout)]

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the outputs as a numpy array: (N,) for one output, (N, outputs) for several.

        Args:
            X: (N, inputs) array, tensor or data frame. A frame's columns are found by the network's input names,
                in any order; a frame with none of these names is taken as it stands.

        Example:
            >>> import kanscience as ks
            >>> ks.MultKAN([2, 3, 1], seed=0).predict([[0.0, 0.5], [1.0, 2.0]]).shape
            (2,)
        """
        with torch.no_grad():
            y = self(as_tensor(self, X)).cpu()
            y = (y.float() if y.dtype == torch.bfloat16 else y).numpy()  # numpy has no such half precision
        return y[:, 0] if self.n_outputs == 1 else y

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        splines = sum(int(layer.splines.active.sum()) for layer in self.layers)
        terms = sum(len(layer.terms) for layer in self.layers)
        from kanscience.network._flat import FlatView

        return (
            f"MultKAN {self.width}: {splines} spline edges, {terms} symbolic terms, "
            f"{FlatView(self).size} trainable numbers"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        from kanscience._display import mimebundle

        return mimebundle(self)


def check_inputs(network: MultKAN, x: object) -> None:
    """Raise unless ``x`` is a finite (N, inputs) tensor."""
    if not isinstance(x, Tensor):
        kind = type(x).__name__
        raise OptionError(f"a network is called with a tensor, not {kind}; `network.predict(X)` takes any array.")
    check_rows(network, x, "x")


def check_network(network: object) -> None:
    """Raise unless it is a network."""
    check_kind("network", network, MultKAN, "Build one with ks.MultKAN, ks.from_graph or ks.compile_formula.")


def check_options(grid: object, degree: object, base: str, dtype: object, device: object) -> None:
    """Raise unless splines of this kind can be built there."""
    check_grid(grid)
    check_degree(degree)
    base_named(base)
    if dtype not in (torch.float32, torch.float64):
        raise OptionError(f"`dtype` must be torch.float64 or torch.float32, not {dtype!r}.")
    try:
        torch.empty(0, device=device)  # pyright: ignore[reportArgumentType, reportCallIssue]
    except (RuntimeError, TypeError, AssertionError) as reason:  # an unknown name, or a device that is not there
        says = str(reason).partition("\n")[0].rstrip(".")
        raise OptionError(f"`device` {shown(device)} cannot be used: {says}. 'cpu' is everywhere.") from None


def _spline_layer(
    sources: int,
    shape: LayerShape,
    grid: int,
    degree: int,
    base: str,
    dtype: torch.dtype,
    draw: Initialize,
    generator: torch.Generator,
) -> Layer:
    coefficients, weights = draw(sources, grid + degree, shape.subnodes, generator)
    if base == "zero":
        weights = torch.zeros_like(weights)
    rows = [uniform_knots(grid, degree)] * sources
    splines = SplineEdges(rows, degree, base, coefficients.to(dtype), weights.to(dtype))
    # A spline's coefficients hold its constant already: a trainable bias would be a second number for the same thing.
    bias, fixed = torch.zeros(shape.subnodes, dtype=dtype), torch.zeros(shape.subnodes, dtype=torch.bool)
    return Layer(shape, splines, TermEdges((), shape.subnodes, dtype), bias, fixed)


def domains(domain: object, inputs: int) -> list[tuple[float, float]]:
    """Return the domain of every input, from one pair for all or a pair for each; nothing where there is none."""
    if domain is None:
        return []
    entries = domain.tolist() if isinstance(domain, np.ndarray | Tensor) else domain
    if not (isinstance(entries, list | tuple) and any(isinstance(entry, Iterable) for entry in entries)):
        return [check_interval("domain", entries)] * inputs
    pairs = list(entries)
    if len(pairs) != inputs:
        raise OptionError(
            f"`domain` has {len(pairs)} pairs for {inputs} inputs; give one pair for all, or one for each."
        )
    return [check_interval("domain", pair) for pair in pairs]


def _width_entry(shape: LayerShape) -> int | tuple:
    if not shape.arities:
        return shape.sums
    binary = all(arity == 2 for arity in shape.arities)
    return (shape.sums, len(shape.arities)) if binary else (shape.sums, list(shape.arities))
