"""The public door to structure: a function, a network, or a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kanscience import structure
from kanscience._errors import OptionError
from kanscience._typing import ArrayLike
from kanscience.structure import StructureTree, StructureTrees


def discover_tree(
    f: Callable[..., Any] | ArrayLike, x: ArrayLike, *, names: Sequence[str] | None = None
) -> StructureTree | StructureTrees:
    """Find how a function is put together: which variables act through one number, and how these are joined.

    Torch functions, modules and networks are differentiated exactly, numpy functions by differences.

    Args:
        f: a torch function or module of an (N, n) tensor, or a numpy function of an (N, n) array, rows independent.
            It returns (N,), or (N, outputs).
        x: (N, n) points inside its domain, 10 or more, as they would come from an experiment; in any unit.
        names: of the columns; None takes a frame's own, else x1, x2, …

    Returns:
        A `StructureTree`: ``.blocks``, ``.kind(block)``, ``.children(block)``, ``.inactive``, ``.to_graph()``;
        for several outputs a tuple of trees.

    Raises:
        DataError: fewer than ten points where everything is finite, a column that does not vary, a function that is
            not twice differentiable.
        OptionError: f takes neither tensors nor arrays.

    Example:
        >>> import kanscience as ks, torch
        >>> x = 1 + torch.rand(200, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> print(ks.discover_tree(ks.compile_formula("(a*b + sin(c))/d"), x, names=["a", "b", "c", "d"]))
        f(a, b, c, d): multiplicative
          {a, b, c}: additive
            {a, b}: multiplicative
              a
              b
            c
          d

    Source: W. M. Gorman, Rev. Econ. Stud. 35 (1968) 367; Liu et al., arXiv 2408.10205, section 4.3.
    """
    if callable(f):
        return structure.discover_tree(f, x, names=names)
    raise OptionError(f"`discover_tree` asks a function, not {type(f).__name__}.")
