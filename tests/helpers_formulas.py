"""Our own words for tests of the compiler."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy
import torch

import kanscience as ks


def feynman_cases() -> list[tuple[str, str, list[str], np.ndarray]]:
    """Return name, formula, variables and ranges (variable, 2) of the 120 equations."""
    table = ks.load_table("feynman_equations")
    return [(row.filename, row.formula, *_ranges(row.variables)) for row in table.itertuples()]


def _ranges(text: str) -> tuple[list[str], np.ndarray]:
    parts = [part.split(":") for part in text.split(";")]
    return [part[0] for part in parts], np.array([[float(end) for end in part[1:]] for part in parts])


def uniform(ranges: np.ndarray, rows: int, seed: int = 0) -> np.ndarray:
    """Draw points, uniform in the ranges."""
    return np.random.default_rng(seed).uniform(ranges[:, 0], ranges[:, 1], (rows, len(ranges)))


def values_by_numpy(expression: sympy.Expr, names: Sequence[str], X: np.ndarray) -> np.ndarray:
    """Return what sympy's lambdify computes; NaN where the value is not real."""
    function = sympy.lambdify([sympy.Symbol(name) for name in names], expression, ["scipy", "numpy"])
    with np.errstate(all="ignore"):
        values = np.broadcast_to(np.asarray(function(*X.T)), len(X))
    return np.where(values.imag == 0, values.real, np.nan) if np.iscomplexobj(values) else values.astype(float)


def assert_network_is(expression: sympy.Expr, network: ks.MultKAN, X: np.ndarray, tolerance: float = 1e-12) -> None:
    """Check the network of one formula against lambdify: NaN at the same points, else within rounding."""
    expected = values_by_numpy(expression, network.input_names, X)
    found = network(torch.from_numpy(X)).detach().numpy()[:, 0]
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    real = np.isfinite(expected)
    assert real.any()
    np.testing.assert_array_equal(found[~real], expected[~real])
    assert np.abs(found - expected)[real].max() <= tolerance * np.abs(expected[real]).max()
