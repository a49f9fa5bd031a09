"""Our own words for tests."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeCallHintForwardRefException

if TYPE_CHECKING:
    import torch
    from sympy import Expr

TOLERANCES = {"float32": {"rtol": 2e-5, "atol": 2e-5}, "float64": {"rtol": 1e-12, "atol": 1e-12}}
"""The one tolerance table, by the name of the dtype."""


def tolerance(dtype: object, factor: float = 1.0) -> dict[str, float]:
    """Return rtol and atol for a torch or numpy dtype, ``factor`` times those of the table."""
    name = str(dtype).rpartition(".")[2]
    return {key: factor * value for key, value in TOLERANCES[name].items()}


def generator(seed: int) -> torch.Generator:
    """Return a local torch generator: no test draws from the global one."""
    import torch

    return torch.Generator().manual_seed(seed)


def uniform_inputs(rows: int, columns: int, seed: int, low: float = -1.0, high: float = 1.0) -> torch.Tensor:
    """Draw float64 inputs of shape (rows, columns), uniform in [low, high]."""
    import torch

    unit = torch.rand(rows, columns, generator=generator(seed), dtype=torch.float64)
    return low + (high - low) * unit


def assert_same_outputs(one: Callable, other: Callable, x: torch.Tensor, *, factor: float = 1.0) -> None:
    """Check that two functions of a tensor agree at ``x`` to ``factor`` times the tolerance of its dtype."""
    import torch

    close = tolerance(x.dtype, factor)
    torch.testing.assert_close(one(x), other(x), rtol=close["rtol"], atol=close["atol"])


def assert_same_function(
    one: Expr, other: Expr, *, ranges: dict[str, tuple[float, float]] | None = None, rtol: float = 1e-12
) -> None:
    """Check that two expressions have the same variables and agree at 50 points, (0.5, 1.5) unless said."""
    import sympy

    names = sorted({str(s) for s in one.free_symbols})
    assert names == sorted({str(s) for s in other.free_symbols}), f"{one} and {other} differ in their variables"
    rng = np.random.default_rng(0)
    bounds = [(ranges or {}).get(name, (0.5, 1.5)) for name in names]
    points = [rng.uniform(low, high, 50) for low, high in bounds]
    values = []
    for expression in (one, other):
        by_name = {str(s): s for s in expression.free_symbols}
        function = sympy.lambdify([by_name[name] for name in names], expression, ["numpy", "scipy"])
        values.append(np.broadcast_to(function(*points), (50,)))
    size = np.abs(values[1]).max()
    np.testing.assert_allclose(values[0], values[1], rtol=0, atol=rtol * max(size, np.finfo(float).tiny))


def permutations_of(count: int, how_many: int, seed: int) -> Iterable[list[int]]:
    """Yield some permutations of ``range(count)``."""
    rng = np.random.default_rng(seed)
    return ([int(i) for i in rng.permutation(count)] for _ in range(how_many))


def check_where_names_resolve(function: Callable) -> Callable:
    """Type-check calls with beartype, except where an annotation was imported for type checkers only.

    Heavy libraries are annotated but not imported (sympy, pandas, matplotlib); such functions run unchecked.
    """
    checked = beartype(conf=BeartypeConf(is_pep484_tower=True))(function)  # an int is a float too

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return checked(*args, **kwargs)
        except BeartypeCallHintForwardRefException:
            return function(*args, **kwargs)

    return call
