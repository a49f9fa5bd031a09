"""Laws of the suggestions for one edge, on curves whose function is known."""

import math
from collections.abc import Callable

import pytest
import sympy
import torch
from torch import Tensor

from kanscience._errors import OptionError, ShapeError
from kanscience.functions import Library, default_library
from kanscience.network import MultKAN, Trace, trace
from kanscience.symbolic import Candidate, Suggestions, snap, suggest
from tests.helpers import generator, uniform_inputs

NETWORK = MultKAN([2, 3, 1], seed=0)
EDGE = (0, 1, 2)


def trace_of(curve: Callable[[Tensor], Tensor], x: Tensor) -> Trace:
    """Return the trace of a network whose edge ``EDGE`` takes the values of a curve, every other edge none."""
    layer, source, target = EDGE
    edges = (torch.zeros(len(x), 2, 3, dtype=x.dtype), torch.zeros(len(x), 3, 1, dtype=x.dtype))
    edges[layer][:, source, target] = curve(x[:, source])
    subnodes = tuple(values.sum(dim=1) for values in edges)
    outside = (torch.zeros(2, dtype=torch.long), torch.zeros(3, dtype=torch.long))
    return Trace(nodes=(x, *subnodes), subnodes=subnodes, edges=edges, outputs=subnodes[-1], outside=outside)


def suggested(curve: Callable[[Tensor], Tensor], x: Tensor | None = None, **options) -> Suggestions:
    x = uniform_inputs(400, 2, seed=0) if x is None else x
    return suggest(NETWORK, trace_of(curve, x), EDGE, **options)


CURVES = {
    "x": lambda u: 2 * u - 1,
    "x^2": lambda u: (u - 0.3) ** 2,
    "x^3": lambda u: u**3 + 4,
    "sin": lambda u: torch.sin(math.pi * u),
    "exp": lambda u: 0.5 * torch.exp(-1.5 * u),
    "tanh": lambda u: torch.tanh(3 * u),
    "abs": lambda u: torch.abs(u - 0.1),
    "log": lambda u: torch.log(u + 1.5),
    "sqrt": lambda u: torch.sqrt(u + 1.2),
    "1/x": lambda u: 1 / (u + 1.3),
    "gaussian": lambda u: torch.exp(-4 * u**2),
    "J0": lambda u: default_library().resolve("J0").torch(20 * u),
}


@pytest.mark.parametrize("label", CURVES)
@pytest.mark.parametrize("distortion", [0.0, 1e-4])
def test_the_right_function_comes_first_on_a_curve_with_the_error_of_a_spline(label, distortion):
    curve = CURVES[label]
    first = suggested(lambda u: curve(u) + distortion * curve(u).std() * torch.sin(17 * u))[0]
    assert first.function.label == label
    assert first.r2 >= 1 - 2 * distortion**2


@pytest.mark.parametrize("label", CURVES)
def test_the_formula_is_the_curve(label):
    first = suggested(CURVES[label])[0]
    formula = sympy.lambdify(sympy.Symbol("u"), first.expression(sympy.Symbol("u")), ["numpy", "scipy"])
    u = uniform_inputs(400, 2, seed=0)[:, EDGE[1]]
    torch.testing.assert_close(torch.as_tensor(formula(u.numpy())), CURVES[label](u), rtol=1e-9, atol=1e-9)


def test_noise_does_not_make_the_formula_longer():
    noise = 0.05 * torch.randn(400, generator=generator(1), dtype=torch.float64)
    for label in ("x", "x^2", "exp"):
        curve = CURVES[label]
        assert suggested(lambda u, curve=curve: curve(u) + noise)[0].function.label == label


def test_a_function_with_more_free_numbers_stands_below_one_that_is_as_close():
    order = [candidate.function.label for candidate in suggested(lambda u: u**2 + 1e-3 * torch.sin(7 * u))]
    assert order.index("x^2") < min(order.index(label) for label in ("sin", "cos", "cosh", "gaussian", "J0"))


def test_the_order_does_not_depend_on_units():
    x = uniform_inputs(300, 2, seed=3)
    plain = suggested(torch.sin, x)
    scaled = suggested(lambda u: 1e-9 * torch.sin(u / 1e6) + 5e-9, 1e6 * x)
    assert [c.function for c in plain[:5]] == [c.function for c in scaled[:5]]


def test_single_precision_curves_are_not_read_beyond_their_digits():
    x = uniform_inputs(300, 2, seed=0).float()
    assert suggested(lambda u: u**2, x)[0].function.label == "x^2"


def test_a_constant_curve_is_the_constant():
    first = suggested(lambda u: torch.full_like(u, 3.0))[0]
    assert (first.function.label, first.offset, str(first)) == ("0", 3.0, "3")
    assert math.isnan(first.r2)


def test_a_constant_source_is_an_ordinary_case():
    x = torch.full((20, 2), 0.5, dtype=torch.float64)
    assert suggested(torch.sin, x)[0].function.label == "0"


def test_the_library_and_top_restrict_the_candidates():
    few = suggested(torch.sin, library=["x", "x^2", "x^3"])
    assert {candidate.function.label for candidate in few} == {"x", "x^2", "x^3"}
    assert len(suggested(torch.sin, top=4)) == 4
    assert suggested(torch.sin, top=4) == suggested(torch.sin)[:4]


def test_suggestions_print_as_a_table():
    table = suggested(lambda u: 3 * u**2 + 0.25, top=3)
    lines = str(table).splitlines()
    assert len(lines) == 4
    assert lines[0].split()[0] == "function"
    assert lines[1].startswith("x^2")
    assert table._repr_html_().count("<tr>") == 4
    assert isinstance(table[0], Candidate)


def test_a_candidate_prints_as_its_formula_in_six_digits():
    candidate = Candidate(default_library().resolve("sin"), 2.0, 3.14159265, 0.0, 1.5, 1.0, 0.0, 5, 0.0)
    assert str(candidate) == "2*sin(3.14159*x) + 1.5"


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("edge", "message"),
    [
        ((2, 0, 0), r"no layer 2 in \(2, 0, 0\): it goes from 0 to 1"),
        ((-1, 0, 0), "no layer -1"),
        ((0, 2, 0), r"no source 2 in \(0, 2, 0\): it goes from 0 to 1"),
        ((0, 0, 3), "no target 3 .*: it goes from 0 to 2"),
        ((0.0, 0, 0), r"integers from 0, not \(0.0, 0, 0\)"),
        ((0, 0), "an edge is"),
        (None, "an edge is"),
    ],
)
def test_an_edge_that_does_not_exist_is_refused(edge, message):
    x = uniform_inputs(10, 2, seed=0)
    with pytest.raises(OptionError, match=message):
        suggest(NETWORK, trace_of(torch.sin, x), edge)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 2.5}, "`top` must be an integer of 1 or more, got 2.5"),
        ({"top": -1}, "got -1"),
        ({"library": []}, r"\['sin', 'x\^2'\].*not \[\]"),
        ({"library": 5}, "not 5"),
        ({"library": [5]}, "no function 5"),
    ],
)
def test_an_option_that_cannot_be_is_named(options, message):
    with pytest.raises(OptionError, match=message):
        suggested(torch.sin, **options)


@pytest.mark.usefixtures("as_users_call")
def test_a_trace_of_another_network_is_refused():
    x = uniform_inputs(10, 2, seed=0)
    with pytest.raises(ShapeError, match="`trace` is of a network whose layers have edges"):
        suggest(MultKAN([2, 4, 1], seed=0), trace_of(torch.sin, x), EDGE)
    with pytest.raises(OptionError, match="`trace` must be a Trace"):
        suggest(NETWORK, x, EDGE)


def test_an_unknown_function_is_refused():
    with pytest.raises(OptionError, match="no function 'sine'"):
        suggested(torch.sin, library=["sine"])


def test_a_library_without_candidates_is_named():
    network, x = MultKAN([1, 1], seed=0), uniform_inputs(50, 1, seed=0)
    with pytest.raises(OptionError, match="no candidates to try"):
        suggest(network, trace(network, x), (0, 0, 0), library=Library(()))
    with pytest.raises(OptionError, match="no candidates to try"):
        snap(network, x, x, library=Library(()))
