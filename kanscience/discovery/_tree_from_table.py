"""The structure of what made a table: surrogates are reduced, and the tree is read from what is left.

A reduced surrogate holds every structure that a refit has accepted exactly, and no other: its derivatives say it all.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kanscience._errors import DataError
from kanscience._typing import Matrix, Rows, Vector
from kanscience.discovery._measurements import check_scale, superfluous_columns
from kanscience.discovery._reduction import UNKNOWN, reduce
from kanscience.discovery._tables import Table
from kanscience.structure import PRIME, Block, Kind, StructureTree, derivatives_of, tree_from_derivatives

FEWEST_ROWS = 20
_MOST_ROWS = 4000  # time grows with them, and noise of a few per cent needs no more
_LEAST_CONFIDENCE = 0.5


def tree_from_table(X: Matrix, y: Vector, names: tuple[str, ...], name: str) -> StructureTree:
    """Return the tree of one target.

    Rows that stand in the table twice count once: left out alone, such a row would be predicted from itself. Of more
    than 4,000 rows a random part is used.

    A node's confidence says how far the weakest influence in it stands above what the surrogate leaves unexplained;
    nodes below one half are not divided off.

    Raises:
        DataError: fewer than 20 different rows, or numbers so large or small that their powers are no numbers.
    """
    idle = superfluous_columns(X, names)
    varying = [k for k, column in enumerate(names) if column not in idle]
    notes = tuple(f"{column} was left out: {why}" for column, why in idle.items())
    if np.ptp(y) == 0 or not varying:
        return StructureTree(names, frozenset(), {}, {}, name, notes)
    check_scale(np.column_stack([X, y]), (*names, name))
    rows, of_rows = _rows_to_fit(X[:, varying], y)
    X, y, notes = X[rows], y[rows], (*notes, *of_rows)
    found = reduce(Table.of(X[:, varying], y))
    d = derivatives_of(found, X[:, varying]) if found.error < UNKNOWN else None
    if d is None:
        return _unknown(varying, names, name, found.error, notes)
    tree = tree_from_derivatives(d, tuple(names[k] for k in varying))
    tree = _doubted(_with_columns(tree, varying, names, name), dict(zip(varying, d.strength, strict=True)), found.error)
    error = f"leave-one-out error: {found.error:.1g} of the spread of {name}"
    return replace(tree, notes=(*notes, *tree.notes, error))


def _rows_to_fit(X: Matrix, y: Vector) -> tuple[Rows, tuple[str, ...]]:
    """Return which rows to fit, in their order, and what to say about the others."""
    _, first = np.unique(np.column_stack([X, y]), axis=0, return_index=True)
    rows, notes = np.sort(first), []
    if len(rows) < len(y):
        notes.append(f"{len(y) - len(rows)} of {len(y)} rows repeat others and were left out")
    if len(rows) < FEWEST_ROWS:
        raise DataError(
            f"the structure of a table needs at least {FEWEST_ROWS} different rows; it has {len(rows)}"
            f"{f', the others of its {len(y)} repeat them' if len(rows) < len(y) else ''}. Measure at more places."
        )
    if len(rows) > _MOST_ROWS:
        notes.append(f"{_MOST_ROWS} of {len(rows)} rows were used")
        rows = np.sort(np.random.default_rng(0).choice(rows, _MOST_ROWS, replace=False))
    return rows, tuple(notes)


def _unknown(
    varying: list[int], names: tuple[str, ...], name: str, error: float, notes: tuple[str, ...]
) -> StructureTree:
    root = frozenset(varying)
    note = f"the rows do not show how {name} depends on them: {error:.0%} of its spread stay unexplained"
    if len(root) < 2:
        return StructureTree(names, root, {}, {}, name, (*notes, note))
    parts = tuple(frozenset({k}) for k in varying)
    return StructureTree(names, root, {root: Kind(PRIME, 0.0)}, {root: parts}, name, (*notes, note))


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
