"""Graphs come back from text and from GraphML to the last bit."""

import json
import re

import networkx
import pytest
import sympy
from hypothesis import given, settings

from kanscience import FileError, GraphError
from kanscience.graph import Graph, Term, from_graphml, from_json, layers, to_graphml, to_json
from tests.helpers_graph import assert_same_graph, formula_graphs


@given(formula_graphs())
@settings(max_examples=20, deadline=None, derandomize=True)
def test_json_round_trip_is_exact(graph):
    assert_same_graph(from_json(to_json(graph)), graph)
    assert_same_graph(from_json(to_json(layers(graph))), layers(graph))


@given(graph=formula_graphs())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_graphml_round_trip_is_exact(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphml") / "graph.graphml"
    for either in (graph, layers(graph)):
        to_graphml(either, path)
        assert_same_graph(from_graphml(path), either)


def awkward_graph() -> Graph:
    graph = Graph(title="a <law> & its “name”")
    x = graph.add_input('  mass <kg> & "more"\t', "10³ K", node="<x> & y")
    total = graph.add_sum(bias=-0.0)
    piece = Term("piecewise", (("<", 1, (Term("sin"),)), (True, None, sympy.Rational(1, 3))))
    graph.add_function(x, total, Term.of("power", sympy.Rational(3, 2), scale=sympy.pi / 3), piece)
    graph.add_output("ω₀", total)
    return graph


def test_names_of_all_kinds_and_families_of_pieces_survive(tmp_path):
    graph = awkward_graph()
    assert_same_graph(from_json(to_json(graph)), graph)
    to_graphml(graph, tmp_path / "g.graphml")
    again = from_graphml(tmp_path / "g.graphml")
    assert_same_graph(again, graph)
    assert again.graph == graph.graph


def test_other_programs_can_read_the_graphml(tmp_path):
    to_graphml(awkward_graph(), tmp_path / "g.graphml")
    plain = networkx.read_graphml(tmp_path / "g.graphml")
    assert plain.nodes["output0"]["name"] == "ω₀"
    assert json.loads(plain.edges["<x> & y", "sum0"]["function"])[0]["function"] == "power"


def test_a_name_that_xml_cannot_hold_is_refused(tmp_path):
    graph = awkward_graph()
    graph.nodes["output0"]["name"] = "a\x00b"
    with pytest.raises(GraphError, match="a\\\\x00b"):
        to_graphml(graph, tmp_path / "g.graphml")
    assert from_json(to_json(graph)).output_names == ["a\x00b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        to_json(awkward_graph())[:-20],
        to_json(awkward_graph()).replace('"version": 1', '"version": 2'),
        to_json(awkward_graph()).replace('"kind": "sum"', '"kind": "max"'),
        to_json(awkward_graph()).replace('"target": "sum0"', '"target": "sum9"'),
        to_json(awkward_graph()).replace('"bias": -0.0', '"bias": NaN'),
        to_json(awkward_graph()).replace('"function": "power"', '"funktion": "power"'),
        to_json(awkward_graph()).replace('"Rational"', '"eval"'),
    ],
)
def test_damaged_text_is_refused(text):
    with pytest.raises(GraphError):
        from_json(text)


def test_missing_and_damaged_graphml_files_are_named(tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        from_graphml(tmp_path / "nowhere.graphml")
    (tmp_path / "bad.graphml").write_text("<graphml", encoding="utf-8")
    with pytest.raises(FileError, match="bad.graphml"):
        from_graphml(tmp_path / "bad.graphml")
    networkx.write_graphml(networkx.path_graph(3), tmp_path / "other.graphml")
    with pytest.raises(GraphError, match=r"other.graphml.*not one that kanscience wrote"):
        from_graphml(tmp_path / "other.graphml")


def test_graphml_of_another_version_is_refused(tmp_path):
    path = tmp_path / "g.graphml"
    to_graphml(awkward_graph(), path)
    text = path.read_text(encoding="utf-8")
    newer = re.sub(r'(version(?:"|&quot;): )1', r"\g<1>2", text, count=1)
    assert newer.count("2") == text.count("2") + 1
    path.write_text(newer, encoding="utf-8")
    with pytest.raises(GraphError, match="of version 2, this kanscience reads version 1"):
        from_graphml(path)
