"""The structure of what made a table: surrogates are reduced, and the tree is read from what is left.

A reduced surrogate holds every structure that a refit has accepted exactly, and no other: its derivatives say it all.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kanscience._typing import Matrix, Vector
from kanscience.discovery._measurements import superfluous_columns
from kanscience.discovery._reduction import UNKNOWN, reduce
from kanscience.discovery._tables import Table
from kanscience.structure import PRIME, Block, Kind, StructureTree, derivatives_of, tree_from_derivatives

_LEAST_CONFIDENCE = 0.5


def tree_from_table(X: Matrix, y: Vector, names: tuple[str, ...], name: str) -> StructureTree:
    """Return the tree of one target.

    A node's confidence says how far the weakest influence in it stands above what the surrogate leaves unexplained;
    nodes below one half are not divided off.
    """
    idle = superfluous_columns(X, names)
    varying = [k for k, column in enumerate(names) if column not in idle]
    notes = tuple(f"{column} was left out: {why}" for column, why in idle.items())
    if np.ptp(y) == 0 or not varying:
        return StructureTree(names, frozenset(), {}, {}, name, notes)
    found = reduce(Table.of(X[:, varying], y))
    d = derivatives_of(found, X[:, varying]) if found.error < UNKNOWN else None
    if d is None:
        return _unknown(varying, names, name, found.error)
    tree = tree_from_derivatives(d, tuple(names[k] for k in varying))
    tree = _doubted(_with_columns(tree, varying, names, name), dict(zip(varying, d.strength, strict=True)), found.error)
    error = f"leave-one-out error: {found.error:.1g} of the spread of {name}"
    return replace(tree, notes=(*notes, *tree.notes, error))


def _unknown(varying: list[int], names: tuple[str, ...], name: str, error: float) -> StructureTree:
    root = frozenset(varying)
    note = f"the rows do not show how {name} depends on them: {error:.0%} of its spread stay unexplained"
    if len(root) < 2:
        return StructureTree(names, root, {}, {}, name, (note,))
    parts = tuple(frozenset({k}) for k in varying)
    return StructureTree(names, root, {root: Kind(PRIME, 0.0)}, {root: parts}, name, (note,))


def _with_columns(tree: StructureTree, columns: list[int], names: tuple[str, ...], name: str) -> StructureTree:
    """Return the tree of some columns as one of all of them."""

    def of(block: Block) -> Block:
        return frozenset(columns[k] for k in block)

    kinds = {of(block): replace(kind, terms=tuple(map(of, kind.terms))) for block, kind in tree.kinds.items()}
    return StructureTree(
        names, of(tree.root), kinds, {of(b): tuple(map(of, parts)) for b, parts in tree.parts.items()}, name
    )


def _doubted(tree: StructureTree, influences: dict[int, float], error: float) -> StructureTree:
    """Return the tree with confidences, without the blocks that are too uncertain."""
    kinds, parts, notes = dict(tree.kinds), dict(tree.parts), []
    for block in sorted(tree.kinds, key=len):
        certain = max(0.0, 1 - error / min(influences[k] for k in block))
        kinds[block] = replace(kinds[block], confidence=min(kinds[block].confidence, certain))
        if certain < _LEAST_CONFIDENCE and block != tree.root:
            above = min((other for other in kinds if block < other), key=len)
            parts[above] = tuple(sorted([p for p in parts[above] if p != block] + list(parts.pop(block)), key=min))
            kinds[above] = Kind(PRIME, certain)
            del kinds[block]
            notes.append(f"the rows do not tell whether {tree.written(block)} acts through one number")
    return replace(tree, kinds=kinds, parts=parts, notes=tuple(notes))
