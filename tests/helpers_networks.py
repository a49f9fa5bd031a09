"""Networks for tests: one of every kind, and a twin in numpy and scipy that shares no code with the package.

A law about networks is written once with the ``network`` fixture of ``tests/conftest.py`` in mind:
``@every_kind`` runs it for all of them. A new kind is one function in ``KINDS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy
import torch
from scipy.interpolate import BSpline
from torch import Tensor
from torch.func import functional_call

from kanscience import MultKAN, from_graph
from kanscience.graph import Graph, SplineAxis, SplineTerm, Term
from kanscience.network import base_named, base_names, layer_masks
from tests.helpers import uniform_inputs

BASES = base_names()
_BASES = {  # written once more, for numpy; one that is not here is its own measure
    "silu": (lambda t: t / (1 + np.exp(-t)), lambda t: (1 + np.exp(-t) * (1 + t)) / (1 + np.exp(-t)) ** 2),
    "identity": (lambda t: t, np.ones_like),
    "zero": (np.zeros_like, np.zeros_like),
}
_FUNCTIONS = {"identity": lambda u: u, "sin": np.sin, "cos": np.cos, "exp": np.exp, "tanh": np.tanh}

UNEVEN = (-1.0, -0.4, 0.1, 0.25, 1.0)


def axis_on(interior: tuple[float, ...], degree: int = 3, **options) -> SplineAxis:
    """Return an axis with these interior knots, the outermost intervals repeated outside."""
    first, last = interior[1] - interior[0], interior[-1] - interior[-2]
    left = [interior[0] - k * first for k in range(degree, 0, -1)]
    right = [interior[-1] + k * last for k in range(1, degree + 1)]
    return SplineAxis((*left, *interior, *right), degree, **options)


def even(grid: int) -> tuple[float, ...]:
    """Return equally spaced interior knots."""
    return tuple((2 * i - grid) / grid for i in range(grid + 1))


def symbolic() -> MultKAN:
    """exp(sin(2x + k) * (y - g)/3) and x + sin(2x + k): shared sums, constants, two outputs, nothing but symbols."""
    graph = Graph()
    x, y = graph.add_input("x", "m"), graph.add_input("y")
    k, g = graph.add_parameter("k", 0.3, "rad"), graph.add_parameter("g", sympy.sqrt(2), trainable=False)
    s, d, e, f = graph.add_sum(), graph.add_sum(), graph.add_sum(bias=0.1, trainable=True), graph.add_sum()
    inner = graph.add_sum()
    graph.add_function(x, inner, Term.of(scale=2))
    graph.add_function(k, inner, Term())
    graph.add_function(inner, s, Term.of("sin", slope=1.1, trainable=True))
    graph.add_function(y, d, Term())
    graph.add_function(g, d, Term.of(scale=-1))
    product = graph.add_product(s, d)
    graph.add_function(product, e, Term.of("exp", slope=sympy.Rational(1, 3)))
    graph.add_function(x, f, Term.of(scale=0.7, trainable=True), Term.of("tanh", scale=0.5, slope=2, shift=0.25))
    graph.add_function(s, f, Term())
    graph.add_output("f", e, "J")
    graph.add_output("g", f)
    return from_graph(graph)


def mixed() -> MultKAN:
    """Splines and symbols side by side and on one edge, some frozen, some off; other knots for every source."""
    graph = Graph()
    x, y, z = (graph.add_input(name) for name in "xyz")
    k, g = graph.add_parameter("k", 0.4), graph.add_parameter("g", sympy.pi, trainable=False)
    graph.nodes[x]["axis"] = axis_on(UNEVEN, domain=(-1.5, 2.0), given=True)
    graph.nodes[y]["axis"] = axis_on(even(6), domain=(-0.75, 1.5))
    draw = np.random.default_rng(5)

    def spline(source: str, **options) -> SplineTerm:
        axis = graph.axis(source)
        assert axis is not None
        return SplineTerm(tuple(draw.normal(0, 0.5, axis.n_basis)), draw.normal(), **options)

    sums = [graph.add_sum(bias=0.25, trainable=True), graph.add_sum(bias=sympy.Rational(1, 3)), graph.add_sum()]
    factors = [graph.add_sum() for _ in range(3)]
    graph.add_function(x, sums[0], spline(x), Term.of("sin", scale=0.5, slope=2, trainable=True))
    graph.add_function(x, sums[1], spline(x, trainable=False))
    graph.add_function(y, sums[1], spline(y))
    graph.add_function(y, factors[0], spline(y))
    graph.add_function(z, sums[2], Term.of("cos", slope=1.5, shift=0.5), Term.of("cos", scale=0.2, trainable=True))
    graph.add_function(k, sums[2], Term.of("exp", scale=0.3))
    graph.add_function(z, factors[1], Term.of(scale=2))
    graph.add_function(g, factors[1], Term.of(scale=0.1, trainable=True))
    graph.add_function(x, factors[2], spline(x))
    product = graph.add_product(*factors)
    top, other = graph.add_sum(bias=-0.5), graph.add_sum()
    for node in (sums[0], product):
        graph.nodes[node]["axis"] = axis_on(even(3), domain=(-2.0, 2.0))
    graph.add_function(sums[0], top, spline(sums[0]))
    graph.add_function(sums[1], top, Term.of("tanh", trainable=True))
    graph.add_function(sums[2], top, Term())
    graph.add_function(product, top, spline(product), Term.of(scale=0.1))
    graph.add_function(product, other, spline(product, trainable=False))
    graph.add_function(sums[2], other, Term.of("sin", trainable=True))
    graph.add_output("u", other)
    graph.add_output("v", top, "kg")
    graph.add_output("w", top)
    return from_graph(graph)


def _domains(network: MultKAN) -> MultKAN:
    for layer in network.layers:  # every domain its own, none open
        for source in range(len(layer.splines.low)):
            layer.splines.set_domain_(source, -1.3 - 0.1 * source, 0.9 + 0.2 * source)
    return network


KINDS: dict[str, Callable[[], MultKAN]] = {
    "splines": lambda: MultKAN([3, 3, 2, 1], grid=4, seed=1),
    "steps": lambda: _domains(MultKAN([2, 3, 1], grid=4, degree=0, seed=2)),
    "broken lines": lambda: _domains(MultKAN([2, 3, 1], grid=4, degree=1, base="identity", seed=3)),
    "quintic": lambda: _domains(MultKAN([2, 3, 1], grid=3, degree=5, base="zero", seed=4)),
    "products": lambda: MultKAN([2, (1, [2, 3]), (1, [4])], grid=3, seed=5, domain=[(-1, 1), (-2, 1.5)]),
    "only products": lambda: MultKAN([2, (0, 2), (0, 1)], grid=3, degree=2, seed=6),
    "symbolic": symbolic,
    "mixed": mixed,
}

every_kind = pytest.mark.parametrize("kind", KINDS)
# PyTorch's own forward mode compiles a few formulas with torch.jit.script when it is first used.
forward_mode = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
both_dtypes = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)


def inputs_of(network: MultKAN, rows: int = 20, seed: int = 0, reach: float = 1.0) -> Tensor:
    """Draw inputs in the network's precision, uniform in [-reach, reach]."""
    return uniform_inputs(rows, network.n_inputs, seed, -reach, reach).to(network.dtype)


def twin(network: MultKAN, x: np.ndarray) -> np.ndarray:
    """Return the outputs (N, outputs) of a network, edge by edge in float64, splines by scipy."""
    with torch.no_grad():
        return _twin(network, x)


def _twin(network: MultKAN, x: np.ndarray) -> np.ndarray:
    values = [*np.asarray(x, dtype=np.float64).T]
    values += [np.full(len(x), float(value)) for value in network.constants]
    for layer in network.layers:
        sums = [np.full(len(x), float(bias)) for bias in layer.bias]
        splines, terms = layer.splines, layer.terms
        for s, t in splines.active.nonzero().tolist():
            coefficients = splines.coefficients[s, :, t].detach().double().numpy()
            knots = splines.axes.row(s).double().numpy()
            domain = float(splines.low[s]), float(splines.high[s])
            weight = float(splines.base_weights[s, t])
            sums[t] = sums[t] + curve(values[s], coefficients, weight, knots, splines.degree, splines.base, domain)
        numbers = (numbers.tolist() for numbers in (terms.scale, terms.slope, terms.shift))
        for term, scale, slope, shift in zip(terms.terms, *numbers, strict=True):
            sums[term.target] = sums[term.target] + scale * _FUNCTIONS[term.function.name](
                slope * values[term.source] + shift
            )
        products = [math.prod(sums[columns], start=np.ones(len(x))) for columns in layer.shape.product_columns()]
        values = sums[: layer.shape.sums] + products
    return np.stack([values[node] for node in network.readout], axis=1)


def curve(
    x: np.ndarray,
    coefficients: np.ndarray,
    base_weight: float,
    knots: np.ndarray,
    degree: int,
    base: str,
    domain: tuple[float, float],
) -> np.ndarray:
    """Return one spline edge by scipy: linear outside the domain, of degree 0 constant."""
    low, high = domain
    t = (2 * x - low - high) / (high - low)
    inside = np.clip(t, -1, 1)
    value, slope = _BASES.get(base) or (_in_numpy(base_named(base).value), _in_numpy(base_named(base).slope))
    spline = BSpline(knots, coefficients[: len(knots) - degree - 1], degree)
    last_step = knots[-degree - 2] if degree == 0 else 1.0  # scipy's last step ends before 1
    y = spline(np.where(inside == 1, (1 + last_step) / 2, inside)) + base_weight * value(inside)
    if degree == 0:
        return y
    return y + (t - inside) * (spline.derivative()(inside) + base_weight * slope(inside))


def _in_numpy(function: Callable[[Tensor], Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda t: function(torch.as_tensor(t)).numpy()


def vector_function(network: MultKAN) -> tuple[Callable[[Tensor, Tensor], Tensor], Tensor]:
    """Return the outputs as a function of all trainable numbers and the inputs, and these numbers, in `FlatView`'s order.

    Through ``torch.func.functional_call``: the network itself is not written.
    """
    masks = [
        (f"layers.{depth}.{_trained(name)}", mask)
        for depth, layer in enumerate(network.layers)
        for name, mask in layer_masks(layer).items()
    ]
    masks.append(("trained_constants", network.constants_trainable))
    originals = {name: network.get_parameter(name).detach() for name, _ in masks}
    theta = torch.cat([originals[name][mask] for name, mask in masks])
    sizes = [int(mask.sum()) for _, mask in masks]

    def outputs(theta: Tensor, x: Tensor) -> Tensor:
        parts = theta.split(sizes)
        state = {
            name: originals[name].index_put(mask.nonzero(as_tuple=True), part)
            for (name, mask), part in zip(masks, parts, strict=True)
        }
        return functional_call(network, state, (x,))

    return outputs, theta


def _trained(name: str) -> str:
    path, dot, leaf = name.rpartition(".")
    return f"{path}{dot}trained_{leaf}"


def state_of(network: MultKAN) -> dict[str, Tensor]:
    """Return a copy of all tensors of a network."""
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
