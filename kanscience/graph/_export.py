"""Graphs as text: JSON, and GraphML for other programs. Both come back exactly, floats bit for bit."""

from __future__ import annotations

import json
import re
from os import PathLike
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import networkx

from kanscience._errors import FileError, GraphError
from kanscience.graph._numbers import Number
from kanscience.graph._schema import Graph
from kanscience.graph._terms import SplineAxis, term_from_json, term_to_json

_FORMAT, _VERSION = "kanscience graph", 1


def to_json(graph: Graph, *, indent: int | None = None) -> str:
    """Return a graph as JSON text.

    Example:
        >>> graph = Graph()
        >>> total = graph.add_sum(bias=2)
        >>> _ = graph.add_output("f", total)
        >>> print(from_json(to_json(graph)))
        Graph of 1 sum, 1 output
        sum0 = 2
        f = sum0
    """
    graph.validate()
    nodes = [{"node": node, **_plain(data)} for node, data in graph.nodes(data=True)]
    edges = [{"source": source, "target": target, **_plain(data)} for source, target, data in _edges(graph)]
    data = {"format": _FORMAT, "version": _VERSION, "graph": graph.graph, "nodes": nodes, "edges": edges}
    try:
        return json.dumps(data, indent=indent, allow_nan=False)
    except (TypeError, ValueError) as reason:
        raise GraphError(f"`graph.graph` cannot be written as JSON ({reason}): {graph.graph}.") from None


def from_json(text: str) -> Graph:
    """Return the graph that ``to_json`` wrote.

    Raises:
        GraphError: the text is no such graph.
    """
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, RecursionError) as reason:
        raise GraphError(f"the text of a graph is damaged: it is no JSON ({reason}).") from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise GraphError(f"the text is JSON, but no graph of kanscience: it lacks `format: {_FORMAT}`.")
    _check_version(data)
    try:
        graph = Graph(**data["graph"])
        for node in data["nodes"]:
            graph.add_node(node.pop("node"), **_rich(node))
        for edge in data["edges"]:
            source, target = edge.pop("source"), edge.pop("target")
            if source not in graph or target not in graph:
                raise GraphError(f"edge {source!r} -> {target!r} of the text joins a node that is not there.")
            graph.add_edge(source, target, **_rich(edge))
    except (KeyError, TypeError, AttributeError) as reason:
        raise GraphError(f"the text of a graph is damaged ({type(reason).__name__}: {reason}).") from None
    return graph.validate()


def to_graphml(graph: Graph, path: str | PathLike[str]) -> None:
    """Write a graph for yEd, Gephi, Cytoscape and the like, with functions, numbers and axes as JSON text.

    Raises:
        GraphError: a name holds a character that XML cannot.
        FileError: the path cannot be written.
    """
    graph.validate()
    flat = networkx.DiGraph(kanscience=json.dumps({"version": _VERSION, "graph": graph.graph}))
    flat.add_nodes_from((_in_xml(node), _flat(data)) for node, data in graph.nodes(data=True))
    # Programs list edges by source; `order` brings back the order in which they run into a node.
    edges = enumerate(_edges(graph))
    flat.add_edges_from((source, target, {**_flat(data), "order": i}) for i, (source, target, data) in edges)
    try:
        networkx.write_graphml(flat, str(Path(path)))
    except OSError as reason:
        raise FileError(f"{str(path)!r} cannot be written: {reason.strerror}.") from None


def from_graphml(path: str | PathLike[str]) -> Graph:
    """Return the graph that ``to_graphml`` wrote.

    Raises:
        FileError: the file is missing or is no GraphML.
        GraphError: it is GraphML, but not of a graph of kanscience.
    """
    try:
        flat = networkx.read_graphml(str(Path(path)), node_type=str)
    except OSError as reason:
        raise FileError(f"{str(path)!r} cannot be read: {reason.strerror}.") from None
    except (ParseError, ValueError, KeyError, networkx.NetworkXError) as reason:
        raise FileError(f"{str(path)!r} is no GraphML file, or damaged: {reason}.") from None
    try:
        about = json.loads(flat.graph["kanscience"])
        _check_version(about)
        graph = Graph(**about["graph"])
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
        raise GraphError(f"{str(path)!r} holds a graph, but not one that kanscience wrote.") from None
    for node, data in flat.nodes(data=True):
        rich = _rich({key: _unflat(key, value) for key, value in data.items()})
        if rich.get("kind") in ("input", "parameter", "output"):
            rich.setdefault("unit", None)  # GraphML knows no None
        graph.add_node(node, **rich)
    for source, target, data in sorted(flat.edges(data=True), key=lambda edge: edge[2].get("order", 0)):
        rich = _rich({key: _unflat(key, value) for key, value in data.items() if key not in ("id", "order")})
        graph.add_edge(source, target, **rich)
    return graph.validate()


def _check_version(data: dict[str, Any]) -> None:
    version = data.get("version")
    if version != _VERSION:
        raise GraphError(f"the graph is of version {version}, this kanscience reads version {_VERSION}.")


def _edges(graph: Graph) -> list[tuple[str, str, dict[str, Any]]]:
    # By target: what runs into a node comes back in the same order.
    return [(source, target, data) for target in graph for source, _, data in graph.in_edges(target, data=True)]


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    plain = dict(data)
    for key, value in data.items():
        if isinstance(value, Number | SplineAxis):
            plain[key] = value.to_json()
        elif key == "function":
            plain[key] = [term_to_json(term) for term in value]
    return plain


def _rich(data: dict[str, Any]) -> dict[str, Any]:
    rich = dict(data)
    for key in {"value", "bias"} & data.keys():
        rich[key] = Number.from_json(data[key])
    if data.get("axis") is not None:
        rich["axis"] = SplineAxis.from_json(data["axis"])
    if "function" in data:
        rich["function"] = tuple(map(term_from_json, data["function"]))
    return rich


_AS_TEXT = ("value", "bias", "axis", "function")


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in _plain(data).items() if value is not None}
    return {
        key: json.dumps(value) if key in _AS_TEXT else _in_xml(value) if isinstance(value, str) else value
        for key, value in plain.items()
    }


def _unflat(key: str, value: Any) -> Any:
    if key not in _AS_TEXT:
        return value
    try:
        return json.loads(str(value), parse_constant=_refuse_constant)
    except json.JSONDecodeError as reason:
        start = str(value)[:60]
        raise GraphError(f"`{key}` in the GraphML file is no JSON text ({reason}): {start!r}.") from None


def _in_xml(text: str) -> str:
    if re.search("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text):
        raise GraphError(f"{text!r} holds a character that GraphML cannot. Rename it, or use `to_json`.")
    return text


def _refuse_constant(name: str) -> Any:
    raise GraphError(f"the text of a graph holds {name}; its numbers are finite.")
