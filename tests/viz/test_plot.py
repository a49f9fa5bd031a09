"""A picture shows every node and edge, quickly, and leaves everything as it was."""

import io
import itertools
import sys

import matplotlib
import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure

import kanscience as ks
from kanscience.functions import Function, default_library
from kanscience.graph import Graph, SplineTerm, Term, layers
from kanscience.viz._curves import edge_curves
from kanscience.viz._marks import curve_in_box
from kanscience.viz._style import SYMBOLIC, Drawing
from tests.helpers import uniform_inputs
from tests.helpers_graph import evaluate, formula_graphs, uniform_axis


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def boxes(figure: Figure) -> PolyCollection:
    (found,) = [c for c in figure.axes[0].collections if isinstance(c, PolyCollection)]
    return found


def curves(figure: Figure) -> LineCollection:
    return [c for c in figure.axes[0].collections if isinstance(c, LineCollection)][-1]


def markers(figure: Figure) -> int:
    """Count the nodes: the places where there is a mark; the sign of a sum is inside its circle."""
    scatters = [c for c in figure.axes[0].collections if type(c) is PathCollection]
    return len({tuple(place) for c in scatters for place in np.asarray(c.get_offsets()).tolist()})


def colours(lines: LineCollection) -> np.ndarray:
    return to_rgba_array(lines.get_colors())


@pytest.mark.parametrize("width", [[1, 1], [2, 5, 1], [2, (3, [2, 3]), 1], [5, 5, 4], [20, 4, 2]])
def test_every_node_and_edge_of_a_network_is_drawn(width):
    network = ks.MultKAN(width, seed=0)
    graph = ks.to_graph(network)
    figure = ks.plot(network)
    n_edges = len(list(graph.functions()))
    assert len(boxes(figure).get_paths()) == len(curves(figure).get_segments()) == n_edges
    assert markers(figure) == len(graph) - len(graph.nodes_of("output"))
    assert len(texts(figure)) == network.n_inputs + network.n_outputs


def test_an_edge_is_black_as_spline_red_as_symbol_and_a_line_as_identity():
    graph = ks.to_graph(ks.MultKAN([1, 3, 1], seed=0))
    graph.edges["input0", "sum1_0"]["function"] = (Term("sin"),)
    graph.edges["input0", "sum1_1"]["function"] = (Term(),)
    graph.edges["sum1_2", "sum2_0"]["function"] = ()
    figure = ks.plot(graph)
    drawn = [to_hex(colour) for colour in colours(curves(figure))]
    assert len(drawn) == 4  # an identity and a zero have no curve
    assert drawn.count(SYMBOLIC) == 1


def test_opacity_rises_with_the_score():
    network = ks.MultKAN([3, 1], seed=1)
    x = uniform_inputs(200, 3, seed=0) * torch.tensor([1.0, 0.3, 0.01], dtype=torch.float64)
    trace = ks.trace(network, x)
    scores = ks.attribution(network, trace).edges[0][:, 0]
    opacity = colours(curves(ks.plot(network, trace)))[:, 3]
    assert list(np.argsort(opacity)) == torch.argsort(scores).tolist()
    assert (colours(curves(ks.plot(network)))[:, 3] == 1).all()


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_pictures_go_to_every_format(form, tmp_path):
    path = tmp_path / f"law.{form}"
    ks.plot(ks.MultKAN([2, 2, 1], seed=0)).savefig(path)
    assert path.stat().st_size > 2000


def test_drawing_leaves_matplotlib_and_the_network_alone():
    network = ks.MultKAN([2, 2, 1], seed=0)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    settings_before = dict(matplotlib.rcParams)
    had_pyplot = "matplotlib.pyplot" in sys.modules
    ks.plot(network).savefig(io.BytesIO(), format="png")
    assert dict(matplotlib.rcParams) == settings_before
    assert ("matplotlib.pyplot" in sys.modules) == had_pyplot
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


@given(formula_graphs())
@settings(max_examples=5, deadline=None, derandomize=True)
def test_any_graph_is_drawn(graph):
    for either in (graph, layers(graph)):
        figure = ks.plot(either)
        figure.draw_without_rendering()
        assert len(texts(figure)) >= len(either.nodes_of("input")) + 1


def kepler_graph() -> Graph:
    graph = Graph()
    total = graph.add_sum(bias=1)
    graph.add_function(graph.add_input("semi_major_axis", "au"), total, Term.of("power", 2, scale=3))
    graph.add_function(graph.add_parameter("k", 0.25, "N/m"), total, Term("sin"))
    root = graph.add_sum()
    graph.add_function(total, root, Term("exp"))
    graph.add_output("period", root, "yr")
    return graph


def test_a_formula_graph_shows_names_values_and_functions():
    shown = texts(ks.plot(kepler_graph()))
    for text in ("semi_major_axis [au]", "period [yr]", "$k$ [N/m]", "$= 0.25$", r"$\sin(k)$", "$e^{◻}$", "$+1$"):
        assert text in shown, (text, shown)
    assert any(r"\mathrm{semi\_major\_axis}^{2}" in text for text in shown)
    assert not any("sin" in text for text in texts(ks.plot(kepler_graph(), labels=False)))


def test_labels_of_a_formula_graph_cover_no_other_label():
    graph = Graph()
    total = graph.add_sum()
    for index in range(6):
        graph.add_function(graph.add_input(f"x{index}"), total, Term.of("sin", scale=index + 2, shift=1))
    graph.add_output("f", total)
    figure = ks.plot(graph)
    figure.canvas.draw()
    extents = [text.get_window_extent() for text in figure.axes[0].texts]
    for a, b in itertools.combinations(extents, 2):
        assert not a.overlaps(b)


@pytest.mark.parametrize("inputs", [2, 5, 20])
def test_names_of_inputs_cover_no_other_name_and_stay_on_the_picture(inputs):
    graph = ks.to_graph(ks.MultKAN([inputs, 2, 1], seed=0))
    for index in range(inputs):
        graph.nodes[f"input{index}"]["name"] = f"temperature of oven {index}"
    figure = ks.plot(graph)
    figure.canvas.draw()
    extents = [text.get_window_extent() for text in figure.axes[0].texts]
    for a, b in itertools.combinations(extents, 2):
        assert not a.overlaps(b)
    for extent in extents:
        assert extent.x0 >= 0
        assert extent.y0 >= 0
        assert extent.x1 <= figure.bbox.x1
        assert extent.y1 <= figure.bbox.y1


@pytest.mark.parametrize("degree", [0, 1, 3, 5])
def test_curves_are_what_the_graph_computes(degree):
    rng = np.random.default_rng(degree)
    axis = uniform_axis(4, degree, domain=(2.0, 7.0))
    coefficients = tuple(rng.normal(size=axis.n_basis).tolist())
    graph = Graph()
    total = graph.add_sum()
    graph.add_input("x", axis=axis)
    graph.add_function("input0", total, SplineTerm(coefficients, 0.5), Term.of("sin", slope=3))
    graph.add_output("f", total)
    ((x, y),) = edge_curves(graph, [("input0", total)], default_library()).values()
    assert (x[0], x[-1]) == (2.0, 7.0)
    inside = slice(0, -1)  # scipy's splines of degree 0 end before the last knot
    np.testing.assert_allclose(y[inside], evaluate(graph, x[:, None])[inside, 0], atol=1e-12)


def test_curves_keep_to_where_the_function_is_real():
    graph = Graph()
    total = graph.add_sum()
    graph.add_function(graph.add_input("x"), total, Term("log"))
    graph.add_output("f", total)
    ((x, y),) = edge_curves(graph, [("input0", total)], default_library()).values()
    assert x[0] > 0
    assert np.isfinite(y).all()


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_curve_fills_its_box_whatever_its_unit(scale):
    x = np.linspace(-1, 1, 50)
    _, y = curve_in_box(np.stack([x, scale * (x**3 + 7)]))
    np.testing.assert_allclose([y.min(), y.max()], [-0.5, 0.5], atol=1e-6)


def test_a_constant_stays_in_the_middle_of_its_box():
    x = np.linspace(-1, 1, 50)
    assert (curve_in_box(np.stack([x, np.full(50, 3.0)]))[1] == 0).all()


@pytest.mark.parametrize("power", [1, 2])
def test_the_branches_beside_a_pole_can_be_seen(power):
    x = np.linspace(-1, 1, 64)
    y = curve_in_box(np.stack([x, x**-power]))[1]
    shown = y[np.isfinite(y)]
    assert np.ptp(shown) > 0.6
    assert np.ptp(y[:16]) > 0.05  # far from the pole


def test_a_narrow_peak_is_no_pole():
    x = np.linspace(-1, 1, 64)
    assert np.isfinite(curve_in_box(np.stack([x, np.exp(-200 * x**2)]))).all()


def test_free_splines_are_question_marks():
    graph = Graph()
    total = graph.add_sum()
    graph.add_function(graph.add_input("x"), total, SplineTerm())
    graph.add_output("f", total)
    for either in (graph, layers(graph)):
        assert "?" in texts(ks.plot(either))


def test_functions_of_the_user_are_drawn():
    library = default_library().with_functions(Function("cube", torch=lambda u: u**3, sympy=lambda u: u**3))
    graph = Graph()
    total = graph.add_sum()
    graph.add_function(graph.add_input("x"), total, Term("cube"))
    graph.add_output("f", total)
    network = ks.from_graph(graph, library=library)
    assert "$x^{3}$" in texts(ks.plot(network))
    assert "$x^{3}$" in texts(ks.plot(graph, library=library))


def test_what_has_no_picture_is_said():
    with pytest.raises(ks.OptionError, match="no picture of a str.*MultKAN"):
        ks.plot("law")


def test_graphs_show_themselves_in_notebooks():
    bundle = kepler_graph()._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Graph of 1 input, 1 parameter")
    assert "<svg" in bundle["image/svg+xml"]
    half_built = Graph()
    half_built.add_product()
    assert list(half_built._repr_mimebundle_()) == ["text/plain"]
    assert networkx.is_directed_acyclic_graph(half_built)


def test_figures_show_themselves_without_pyplot():
    figure = ks.plot(ks.MultKAN([1, 1], seed=0))
    assert isinstance(figure, Drawing)
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        ("exp(sin(pi*x) + y**2)", ["e^", r"\sin", "y^{2}"]),
        ("Piecewise((x**2, x < 1), (2*x - 1, True)) + besselj(0, y)", [r"\mathrm{for}", r"\mathrm{else}", "J_"]),
        ("max(x, 0)*gamma(y) + 2**x", [r"\max", r"\Gamma", "2^{x}"]),
        ("k*x + Heaviside(x - k)", ["k", r"\theta"]),
    ],
)
def test_the_functions_of_a_compiled_formula_stand_on_its_edges(formula, written):
    graph = ks.formula_graph(formula, parameters={"k": (2.0, "N/m")} if "k" in formula else None)
    labels = " ".join(texts(ks.plot(graph)))
    assert all(part in labels for part in written), labels
    assert isinstance(ks.plot(ks.from_graph(graph)), Figure)
