"""Layers are as few as there can be, and hand on as little as that allows: a linear program agrees."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import linprog

from kanscience.graph import Graph
from kanscience.graph._layers import _can_be_factor, _without_dead_parts
from kanscience.graph._ranks import node_layers
from tests.helpers_graph import formula_graphs


def gap(graph: Graph, source: str, target: str) -> int:
    kind = graph.nodes[target]["kind"]
    if kind == "product":
        return int(not _can_be_factor(graph, source))
    return int(kind == "sum")


def handed_on(graph: Graph, layer: dict[str, int]) -> int:
    needed = {node: [layer[r] - gap(graph, node, r) for r in graph.successors(node)] for node in graph}
    return sum(max(needed[node]) - layer[node] for node in graph if needed[node])


def least_handed_on(graph: Graph, depth: int) -> int:
    index = {node: i for i, node in enumerate(graph)}
    n = len(index)
    rules, limits = [], []

    def at_most(smaller: int, larger: int, difference: int) -> None:
        row = np.zeros(2 * n)
        row[smaller] += 1
        row[larger] -= 1
        rules.append(row)
        limits.append(-difference)

    for node, i in index.items():
        at_most(i, n + i, 0)
        for reader in graph.successors(node):
            at_most(i, index[reader], gap(graph, node, reader))
            at_most(index[reader], n + i, -gap(graph, node, reader))
    ends = {"input": (0, 0), "parameter": (0, 0), "sum": (1, depth), "product": (0, depth), "output": (depth, depth)}
    bounds = [ends[graph.nodes[node]["kind"]] for node in graph] + [(0, depth)] * n
    cost = np.r_[-np.ones(n), np.ones(n)]
    return round(linprog(cost, A_ub=np.array(rules), b_ub=limits, bounds=bounds).fun)


@pytest.mark.parametrize("examples", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_no_other_layers_hand_on_less(examples):
    some = settings(max_examples=examples, deadline=None, derandomize=True)
    some(given(formula_graphs(splines=False, most_nodes=14))(assert_no_other_layers_hand_on_less))()


def assert_no_other_layers_hand_on_less(graph: Graph) -> None:
    live = _without_dead_parts(graph)
    layer = node_layers(live, _can_be_factor)
    depth = max(layer[output] for output in live.nodes_of("output"))
    assert all(layer[target] >= layer[source] + gap(live, source, target) for source, target in live.edges)
    assert handed_on(live, layer) == least_handed_on(live, depth)


def test_no_other_layers_are_fewer():
    graph = Graph()
    node = graph.add_input("x")
    for _ in range(5):
        node, last = graph.add_sum(), node
        graph.add_edge(last, node, function=())
    graph.add_output("f", node)
    assert node_layers(graph, _can_be_factor)[node] == 5
