"""Where to draw the nodes of a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import networkx

from kanscience.graph._schema import Graph

Point = tuple[float, float]
_SWEEPS = 8


def positions(graph: Graph) -> dict[str, Point]:
    """Return ``(across, along)`` for every node, layered or not.

    ``along`` runs from the inputs, at 0, to the outputs; ``across`` is centred on 0, and nodes at one height
    are at least 1 apart. The order within a height makes few edges cross (barycentres); in a layered graph it
    is the order of its positions.
    """
    return routes(graph)[0]


def routes(graph: Graph) -> tuple[dict[str, Point], dict[tuple[str, str], list[Point]]]:
    """Return the positions of the nodes, and for every edge the points it should run through, ends included.

    Edges that pass several heights get a point at each, where there is room for them.

    Source: Sugiyama, Tagawa, Toda, IEEE Trans. Syst. Man Cybern. 11 (1981) 109.
    """
    rank = _heights(graph)
    chains, neighbours, rows = _with_waypoints(graph, rank)
    if not graph.is_layered:
        _uncross(rows, neighbours)
    across = _straightened(rows, neighbours)
    place = {item: (across[item], height) for height, row in rows.items() for item in row}
    lines = {edge: [place[item] for item in chain] for edge, chain in chains.items()}
    return {node: place[node] for node in graph}, lines


def _heights(graph: Graph) -> dict[str, float]:
    if graph.is_layered:
        step = {"product": 0.35, "output": 0.7}
        return {node: data["layer"] + step.get(data["kind"], 0.0) for node, data in graph.nodes(data=True)}
    rank: dict[str, float] = {}
    order = list(networkx.topological_sort(graph))
    for node in order:
        rank[node] = max((rank[source] + 1 for source in graph.predecessors(node)), default=0.0)
    last = max(rank.values(), default=0.0)
    rank.update((node, last) for node in graph.nodes_of("output"))
    for node in graph.nodes_of("sum"):  # constants stand just before what they go into
        if graph.in_degree(node) == 0 and graph.out_degree(node) > 0:
            rank[node] = min(rank[reader] for reader in graph.successors(node)) - 1
    return rank


Item = str | tuple[str, str, float]  # a node, or a waypoint of an edge at a height
Rows = dict[float, list[Item]]
Neighbours = dict[Item, tuple[list[Item], list[Item]]]  # below and above


def _with_waypoints(graph: Graph, rank: Mapping[str, float]) -> tuple[dict, Neighbours, Rows]:
    heights = sorted(set(rank.values()))
    rows: Rows = {height: [] for height in heights}
    for node in sorted(graph, key=lambda n: (graph.nodes[n].get("position", 0), graph.nodes[n].get("index", 0))):
        rows[rank[node]].append(node)
    if graph.is_layered:  # sums and products stand in rows of their own, nothing passes by
        chains = {edge: list(edge) for edge in graph.edges}
    else:
        chains = {}
        for source, target in graph.edges:
            between = [h for h in heights if rank[source] < h < rank[target]]
            waypoints = [(source, target, height) for height in between]
            for waypoint in waypoints:
                rows[waypoint[2]].append(waypoint)
            chains[source, target] = [source, *waypoints, target]
    neighbours: Neighbours = defaultdict(lambda: ([], []))
    for chain in chains.values():
        for lower, upper in zip(chain, chain[1:], strict=False):
            neighbours[upper][0].append(lower)
            neighbours[lower][1].append(upper)
    return chains, neighbours, rows


def _uncross(rows: Rows, neighbours: Neighbours) -> None:
    heights = list(rows)
    for sweep in range(_SWEEPS):
        upwards = sweep % 2 == 0
        for height in heights if upwards else reversed(heights):
            place = {item: (i + 0.5) / len(row) for row in rows.values() for i, item in enumerate(row)}
            side = 0 if upwards else 1

            def barycentre(item: Item, place: dict[Item, float] = place, side: int = side) -> float:
                near = [place[other] for other in neighbours[item][side]]
                return sum(near) / len(near) if near else place[item]

            rows[height].sort(key=barycentre)


def _straightened(rows: Rows, neighbours: Neighbours) -> dict[Item, float]:
    # Every item wants to stand at the mean of its neighbours, at least 1 from the next (waypoints: 0.6).
    across = {item: i - (len(row) - 1) / 2 for row in rows.values() for i, item in enumerate(row)}
    for sweep in range(2 * _SWEEPS):
        for row in rows.values() if sweep % 2 == 0 else reversed(rows.values()):
            wanted = []
            for item in row:
                near = [across[other] for side in neighbours[item] for other in side]
                wanted.append(sum(near) / len(near) if near else across[item])
            across.update(zip(row, spread(wanted, _gaps(row)), strict=True))
    middle = (min(across.values(), default=0.0) + max(across.values(), default=0.0)) / 2
    return {item: x - middle for item, x in across.items()}


def _gaps(row: Sequence[Item]) -> list[float]:
    pairs = zip(row, row[1:], strict=False)
    return [1.0 if isinstance(a, str) and isinstance(b, str) else 0.6 for a, b in pairs]


def spread(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return the places nearest to the wanted ones, in least squares, that keep at least these gaps.

    Source: pool adjacent violators, Ayer et al., Ann. Math. Stat. 26 (1955) 641.
    """
    shift = [0.0]
    for gap in gaps:
        shift.append(shift[-1] + gap)
    pools: list[list[float]] = []  # sum and count of members that touch each other
    for place, offset in zip(wanted, shift, strict=False):
        pools.append([place - offset, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += count
    level = [total / count for total, count in pools for _ in range(int(count))]
    return [x + offset for x, offset in zip(level, shift, strict=False)]
