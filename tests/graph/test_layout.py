"""A drawing needs every node at a place of its own, and edges that run one way."""

import itertools

import networkx
from hypothesis import given, settings

from kanscience.graph import Graph, Term, layers, positions, routes
from tests.helpers_graph import formula_graphs


@given(formula_graphs())
@settings(max_examples=15, deadline=None, derandomize=True)
def test_nodes_of_one_height_keep_their_distance_and_edges_run_forwards(graph):
    for either in (graph, layers(graph)):
        place, lines = routes(either)
        assert set(place) == set(either)
        for (x1, y1), (x2, y2) in itertools.combinations(place.values(), 2):
            assert y1 != y2 or abs(x1 - x2) > 0.999
        for edge in either.edges:
            heights = [along for _, along in lines[edge]]
            assert heights == sorted(heights)
            assert (lines[edge][0], lines[edge][-1]) == (place[edge[0]], place[edge[1]])
            assert place[edge[0]][1] < place[edge[1]][1] or graph.nodes.get(edge[0], {}).get("kind") == "sum"


@given(formula_graphs())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_layered_graphs_keep_the_order_of_their_positions(graph):
    layered = layers(graph)
    place = positions(layered)
    for layer in set(networkx.get_node_attributes(layered, "layer").values()):
        for kind in ("input", "sum", "product", "output"):
            row = [n for n, d in layered.nodes(data=True) if d["layer"] == layer and d["kind"] == kind]
            row.sort(key=lambda node: layered.nodes[node]["position"])
            assert [place[n][0] for n in row] == sorted(place[n][0] for n in row)


def test_a_straight_chain_is_drawn_straight():
    graph = Graph()
    node = graph.add_input("x")
    for _ in range(5):
        last, node = node, graph.add_sum()
        graph.add_function(last, node, Term("sin"))
    graph.add_output("f", node)
    assert {across for across, _ in positions(graph).values()} == {0.0}
