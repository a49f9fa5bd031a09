"""The public door to structure: a function, a network, or a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from kanscience import structure
from kanscience._errors import DataError, OptionError
from kanscience._typing import ArrayLike, Matrix, Vector
from kanscience.datasets import as_matrix, as_target, check_no_target_among
from kanscience.discovery._networks import Targets
from kanscience.discovery._progress import time_bar
from kanscience.discovery._tree_from_table import FEWEST_ROWS, tree_from_table
from kanscience.network import MultKAN, in_precision
from kanscience.structure import (
    PRIME,
    StructureTree,
    StructureTrees,
    dependence,
    derivatives_of,
    points_for,
    strong_blocks,
)

_LOOKED_AT = 200  # points
_NEAR = 0.1  # dependence, 0 to 1: within a block it is some .01 in fitted networks; random curves make no such blocks


def discover_tree(
    f: Callable[..., Any] | ArrayLike, x: ArrayLike, *, names: Sequence[str] | None = None
) -> StructureTree | StructureTrees:
    """Find how a function is put together: which variables act through one number, and how these are joined.

    ``discover_tree(f, x)`` asks a function at points x. Torch functions, modules and networks are differentiated
    exactly, numpy functions by differences. An object that has only ``.predict`` is sampled at x. The curves of a fitted
    network come near a structure without having it: where the exact answer is that nothing divides it, the network's
    values at x are asked as a table.

    ``discover_tree(X, y)`` asks a table, noise and all. Surrogates are fitted (polynomials under transforms of y, then
    a Gaussian process); their derivatives propose steps that take one variable away, and a refit of the smaller table
    decides. Where the rows cannot tell, nothing is divided, and the tree says so. Of more than 4,000 rows a random
    part is used.

    Args:
        f: a torch function or module of an (N, n) tensor, or a numpy function of an (N, n) array, rows independent,
            that returns (N,) or (N, outputs); or the inputs of a table, (N, n).
        x: (N, n) points inside the domain of f, 10 or more, as they would come from an experiment; in any unit. Or
            the targets of a table, (N,) or (N, targets).
        names: of the columns; None takes a frame's own, else those of a law or network, else x1, x2, …

    Returns:
        A `StructureTree`: ``.blocks``, ``.kind(block)``, ``.children(block)``, ``.confidence(block)``, ``.inactive``,
        ``.to_graph()``; for several outputs a tuple of trees.

    Raises:
        DataError: fewer than ten points where everything is finite, a column that does not vary, a function that is
            not twice differentiable; missing values in a table.
        OptionError: f takes neither tensors nor arrays; its ``.predict`` fails.
        ShapeError: f or the table has the wrong number of rows or columns.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(1, 2, (300, 4))
        >>> law = ks.compile_formula("(a*b + sin(c))/d")
        >>> print(ks.discover_tree(law, X, names=["a", "b", "c", "d"]))
        f(a, b, c, d): multiplicative
          {a, b, c}: additive
            {a, b}: multiplicative
              a
              b
            c
          d
        >>> measured = law.predict(X) + 0.01 * rng.normal(size=300)
        >>> ks.discover_tree(X, measured).blocks == ks.discover_tree(law, X).blocks
        True

    Source: W. M. Gorman, Rev. Econ. Stud. 35 (1968) 367; Liu et al., arXiv 2408.10205, section 4.3.
    """
    if callable(f):
        found = structure.tree_from_callable(f, x, names=names)
        if not isinstance(f, MultKAN) or not any(layer.has_splines for layer in f.layers):
            return found
        trees = _of_fitted(f, *points_for(f, x, names), (found,) if isinstance(found, StructureTree) else found)
        return trees[0] if isinstance(found, StructureTree) else StructureTrees(trees)
    if isinstance(f, str):
        raise OptionError(
            f"the first argument must be a function or a table, not str; `ks.compile_formula({f!r})` is one."
        )
    if callable(getattr(f, "predict", None)):  # a frame may have a column of that name
        points, columns = as_matrix(x, names, what="x")
        return _from_table(points, columns, *as_target(_predicted(f, x, points), ["f"], rows=len(points)))
    X, columns = as_matrix(f, names)
    check_no_target_among(columns, x)
    return _from_table(X, columns, *as_target(x, rows=len(X)))


def _of_fitted(
    network: MultKAN, x: Matrix, names: tuple[str, ...], trees: Sequence[StructureTree]
) -> list[StructureTree]:
    """Return the trees of a network, those that are undivided as its values at x tell them, if these tell more."""
    found = []
    for k, tree in enumerate(trees):
        if _is_undivided(tree) and len(x) >= FEWEST_ROWS and _is_near_a_structure(network, k, x):
            values = np.reshape(network.predict(x), (len(x), -1))[:, k]
            of_values = _of_values(x, values.astype(float), names, tree.name)
            if not _is_undivided(of_values):
                tree = replace(of_values, notes=("read from the values of fitted curves", *of_values.notes))
        found.append(tree)
    return found


def _is_near_a_structure(network: MultKAN, output: int, x: Matrix) -> bool:
    """Return whether variables depend so little on others that fitted curves may hide a structure."""
    precise = in_precision(network, torch.float64)
    d = derivatives_of(lambda x: precise(x)[:, output], x[:_LOOKED_AT])
    if d is None:
        return False
    apart = dependence(d) > _NEAR
    return not apart.any() or len(strong_blocks(apart)) > 1


def _is_undivided(tree: StructureTree) -> bool:
    return tree.blocks == {tree.root} and tree.kind(tree.root) == PRIME and not tree.terms(tree.root)


def _predicted(f: Any, x: ArrayLike, points: Matrix) -> Any:
    """Return what a model predicts, for the caller's own frame where there is one: models may go by its names."""
    try:
        return f.predict(x if hasattr(x, "columns") else points)
    except Exception as reason:
        raise OptionError(
            f"`.predict` of the {type(f).__name__} failed for `x` of shape {points.shape}: "
            f"{type(reason).__name__}: {' '.join(str(reason).split())[:200]}. "
            "Pass points as the model was fitted to."
        ) from reason


def _of_values(X: Matrix, y: Vector, names: tuple[str, ...], output: str) -> StructureTree:
    with time_bar(None, None) as say:  # thousands of rows take some 20 s
        say(f"structure of {output}")
        return tree_from_table(X, y, names, output)


def _from_table(
    X: Matrix, names: tuple[str, ...], targets: Targets, outputs: tuple[str, ...]
) -> StructureTree | StructureTrees:
    if len(X) < FEWEST_ROWS:
        raise DataError(
            f"the structure of a table needs at least {FEWEST_ROWS} rows; it has {len(X)}. Measure at more places."
        )
    trees = [_of_values(X, targets[:, k].copy(), names, output) for k, output in enumerate(outputs)]
    return trees[0] if len(trees) == 1 else StructureTrees(trees)
