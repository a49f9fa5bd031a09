"""A tree becomes a sparse network that has the same tree, and is seen."""

import networkx
import numpy as np
import pytest
import torch

import kanscience as ks
from kanscience.graph import SplineTerm
from tests.helpers import uniform_inputs

FORMULAS = [
    "(a*b + c)*d",
    "exp(a*b) + c",
    "sqrt(a**2 + b**2 + c**2)*d + e",
    "exp(a*sin(b + c**2) + d)*e + f",
    "sin((a + b)*(c + d))",
    "a*sin(b) + b**2",
    "(3 + a*b)*(c + d)",
    "a*b + 5",
    "sin(a)",
]


def _points(n, rows=150):
    return uniform_inputs(rows, n, 0, 0.5, 2.0).numpy()


def _tree(formula, **options):
    network = ks.compile_formula(formula)
    return ks.discover_tree(network, _points(network.n_inputs), names=network.input_names, **options)


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_network_of_a_tree_has_the_same_tree(formula):
    tree = _tree(formula)
    network = ks.from_graph(tree.to_graph(), seed=1, degree=5)
    assert network.input_names == tree.names
    assert network.output_names == ("f",)
    X = _points(len(tree.names), rows=300)
    ks.fit(network, X, ks.compile_formula(formula).predict(X), steps=40, seed=0)
    again = ks.discover_tree(network, X[:100], names=tree.names)
    assert again.blocks == tree.blocks
    assert {b: again.kind(b) for b in again.blocks} == {b: tree.kind(b) for b in tree.blocks}


def test_every_curve_is_free_and_products_are_products():
    graph = _tree("exp(a*sin(b + c**2) + d)*e + f").to_graph().validate()
    functions = [term for *_, function in graph.functions() for term in function]
    assert all(term.is_free if isinstance(term, SplineTerm) else term.is_identity for term in functions)
    assert sum(isinstance(term, SplineTerm) for term in functions) == 8  # six variables, two outer functions
    [product] = graph.nodes_of("product")
    assert graph.in_degree(product) == 3


def test_terms_of_a_prime_node_get_networks_of_their_own():
    graph = _tree("sin(a+b) + cos(b+c)").to_graph()
    hidden = [node for node in graph.nodes_of("sum") if graph.in_degree(node) == 2]
    assert len(hidden) == 2 * (2 * 2 + 1)
    assert not any({"input0", "input2"} <= set(graph.predecessors(node)) for node in hidden)


def test_variables_without_influence_stay_inputs():
    tree = ks.discover_tree(lambda x: x[:, 0] * x[:, 2], _points(3))
    network = ks.from_graph(tree.to_graph(), seed=0)
    assert network.n_inputs == 3
    constant = ks.discover_tree(lambda x: 0 * x[:, 0] + 2, _points(2))
    assert ks.from_graph(constant.to_graph()).n_inputs == 2


def test_the_network_of_a_tree_learns_what_a_product_of_sums_is():
    network = ks.compile_formula("(a*b + c)*d")
    X = _points(4)
    sparse = ks.from_graph(ks.discover_tree(network, X).to_graph(), grid=10, seed=0)
    ks.fit(sparse, X, network.predict(X), steps=60, seed=0)
    fresh = uniform_inputs(300, 4, 1, 0.6, 1.9).numpy()
    assert np.abs(sparse.predict(fresh) - network.predict(fresh)).max() < 1e-3


# seeing


def test_a_tree_is_written_as_an_outline():
    assert str(_tree("exp(a*sin(b + c**2) + d)*e + f")).splitlines() == [
        "f(a, b, c, d, e, f): additive",
        "  {a, b, c, d, e}: multiplicative",
        "    {a, b, c}: generalized-additive",
        "      a",
        "      {b, c}: generalized-additive",
        "        b",
        "        c",
        "    d",
        "    e",
        "  f",
    ]
    assert str(_tree("a*b + 5")).splitlines()[0] == "f(a, b): multiplicative around 5"
    assert repr(_tree("a*b + 5")) == "<StructureTree f(a, b): multiplicative around 5>"


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("exp(a + sin(b)) + c*d*(exp(a + sin(b)))**2", "f = g(h(a) + k(b), p(c) + q(d))"),
        ("a*b + 5", r"f = 5 + g(a) \, h(b)"),
        ("(3 + a*b)*(c + d)", r"f = (g + h(a) \, k(b)) \, (p(c) + q(d))"),
        ("a*sin(b) + b**2", "f = g(a, b)"),
        ("sin(a+b) + cos(b+c)", "f = g(a, b) + h(b, c)"),
        ("sin((a + b)*(c + d))", "f = g(h(k(a) + p(b)) + q(r(c) + s(d)))"),
        ("a*b*c*sin(a*b + c) + c**3", "f = g(h(a) + k(b), c)"),
        ("sin(a)", "f = g(a)"),
    ],
)
def test_a_tree_is_written_as_a_formula(formula, latex):
    assert _tree(formula).latex == latex


def test_letters_do_not_repeat_names_and_long_names_are_upright():
    x = _points(2)
    tree = ks.discover_tree(lambda x: torch.sin(x[:, 0] * x[:, 1]) + x[:, 1], x, names=["g", "mass_kg"])
    assert tree.latex == r"f = h(g, \mathrm{mass\_kg})"


def test_networkx_gets_the_tree():
    tree = _tree("(a*b + c)*d")
    graph = tree.to_networkx()
    assert networkx.is_arborescence(graph)
    assert set(graph) == tree.blocks | {frozenset({k}) for k in range(4)}
    assert graph.nodes[tree.root]["kind"] == "multiplicative"
    assert graph.nodes[frozenset({0, 1})]["label"] == "{a, b}"
    assert [node for node in graph if graph.out_degree(node) == 0] == [frozenset({k}) for k in range(4)]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_picture_shows_every_block_and_every_name(formula):
    tree = _tree(formula)
    figure = ks.plot(tree)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(figure.axes[0].patches) == len(tree.blocks)
    for block in tree.blocks:
        assert tree.kind(block) in texts
    for name in tree.names:
        assert f"${name}$" in texts


def test_boxes_do_not_overlap():
    figure = ks.plot(_tree("((a**2+b**2)**2 + (c**2+d**2)**2)**2 + ((e**2+f**2)**2 + (g**2+h**2)**2)**2"))
    boxes = [patch.get_bbox() for patch in figure.axes[0].patches]
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    width, height = figure.get_size_inches()
    assert all(0 < box.x0 < box.x1 < width and 0 < box.y0 < box.y1 < height for box in boxes)


def test_several_trees_and_trees_without_blocks_are_drawn():
    both = ks.discover_tree(ks.compile_formula(["a*b", "a + b + 0*c"], "a b c"), _points(3))
    assert "no influence: c" in [text.get_text() for text in ks.plot(both).axes[0].texts]
    nothing = ks.discover_tree(lambda x: 0 * x[:, 0] + 2, _points(2))
    assert "f: constant" in [text.get_text() for text in ks.plot(nothing).axes[0].texts]


def test_a_notebook_shows_outline_picture_and_formula():
    shown = _tree("a*b + 5")._repr_mimebundle_()
    assert shown["text/plain"].startswith("f(a, b)")
    assert "<svg" in shown["image/svg+xml"]
    assert shown["text/latex"] == r"$f = 5 + g(a) \, h(b)$"
