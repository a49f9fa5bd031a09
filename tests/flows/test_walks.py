"""The walks of the library from end to end: what one part returns the next one takes, saved and loaded on the way."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sympy
import torch

import kanscience as ks
from kanscience.graph import from_graphml, to_graphml

FRAMES: dict[str, Callable] = {
    "array": lambda X, names: X,
    "tensor": lambda X, names: torch.as_tensor(X),
    "pandas": lambda X, names: pd.DataFrame(X, columns=names),
    "polars": lambda X, names: pl.DataFrame(X, schema=names),
}
BOTH_PRECISIONS = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


def rows(count: int, names: str, low: float, high: float, kind: str):
    """Draw a table of a kind, (count, len(names))."""
    X = np.random.default_rng(0).uniform(low, high, (count, len(names)))
    return X, FRAMES[kind](X, list(names))


@pytest.fixture
def stored(tmp_path):
    """Return what saves a network, and loads it again."""
    return lambda network: ks.load(ks.save(network, tmp_path / "network.kan"))


@BOTH_PRECISIONS
@pytest.mark.parametrize(
    ("kind", "formulas", "truth"),
    [
        ("pandas", "x + y**2", ["sin(x) + y**2"]),
        ("tensor", ["x + y**2", "x*y"], ["sin(x) + y**2", "x*y"]),
        ("array", "x*y", ["sin(x)*y"]),
    ],
)
def test_a_compiled_law_is_opened_trained_pruned_and_read(dtype, kind, formulas, truth, stored):
    X, table = rows(600, "xy", -2, 2, kind)
    targets = np.stack([sympy.lambdify(list("xy"), f)(*X.T) for f in truth], axis=1)
    y = targets[:, 0] if len(truth) == 1 else FRAMES[kind](targets, ["u", "v"])

    law = stored(ks.compile_formula(formulas, ["x", "y"], dtype=dtype))
    opened = stored(ks.perturb(law))
    np.testing.assert_allclose(opened.predict(table), law.predict(table), rtol=1e-6)
    ks.fit(opened, table, y, valid=0.2, grids=(5, 10, 20), seed=0)
    pruned, _ = ks.prune(stored(opened), ks.trace(opened, table))
    formula, report = ks.snap(stored(pruned), table, y, seed=0)

    found = ks.expression(stored(formula))
    assert [sympy.simplify(f - sympy.sympify(g)) for f, g in zip(found, truth, strict=True)] == [0] * len(truth)
    assert report.exact
    assert formula.dtype == dtype
    predicted = formula.predict(table).reshape(targets.shape)
    rounding = 8 * np.abs(targets).max() * torch.finfo(dtype).eps  # a few operations, on numbers up to the largest
    np.testing.assert_allclose(predicted, targets, rtol=0, atol=rounding)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("pandas", torch.float64),
        pytest.param("polars", torch.float32, marks=pytest.mark.slow),
        pytest.param("array", torch.float64, marks=pytest.mark.slow),
    ],
)
def test_data_become_a_network_its_tree_a_sparse_network_and_the_law(kind, dtype, stored):
    X, table = rows(400, "abc", 1, 3, kind)
    y = (X[:, 0] + np.sin(X[:, 1])) * X[:, 2]
    dense = ks.MultKAN([3, (2, 1), 1], seed=0, dtype=dtype)
    ks.fit(dense, table, y, valid=0.2, grids=(5, 10), seed=0)
    tree = ks.discover_tree(stored(dense), table)
    assert (tree.kind([0, 1, 2]), tree.kind([0, 1])) == ("multiplicative", "additive")

    sparse = stored(ks.from_graph(tree.to_graph(), seed=0, dtype=dtype))
    ks.fit(sparse, table, y, valid=0.2, grids=(5, 10), seed=0)
    formula, _ = ks.snap(stored(sparse), table, y, seed=0)
    (found,) = ks.expression(stored(formula), names=["a", "b", "c"])
    a, b, c = sympy.symbols("a b c")
    assert sympy.simplify(found - (a + sympy.sin(b)) * c) == 0


@BOTH_PRECISIONS
@pytest.mark.parametrize(
    ("formulas", "names", "parameters"),
    [
        ("a*exp(-b*x)/3 + x**2", "x", {"a": 2.0, "b": (0.25, "1/s")}),
        (["k*sqrt(x**2 + y**2)", "besselj(1, x)", "Piecewise((x, x < y), (y, True))"], "xy", {"k": 1.5}),
    ],
)
def test_a_formula_its_graph_a_file_its_graph_and_a_network_are_one_function(
    formulas, names, parameters, dtype, tmp_path, stored
):
    _, table = rows(50, names, 0.5, 3, "pandas")
    graph = ks.formula_graph(formulas, list(names), parameters=parameters)
    to_graphml(graph, tmp_path / "law.graphml")
    network = stored(ks.from_graph(from_graphml(tmp_path / "law.graphml"), dtype=dtype))
    to_graphml(ks.to_graph(network), tmp_path / "network.graphml")
    again = ks.from_graph(from_graphml(tmp_path / "network.graphml"), dtype=dtype)

    direct = ks.compile_formula(formulas, list(names), parameters=parameters, dtype=dtype)
    assert np.array_equal(network.predict(table), direct.predict(table))
    assert np.array_equal(again.predict(table), direct.predict(table))
    assert ks.expression(again) == ks.expression(direct)
    assert again.constant_names == tuple(parameters)
    assert again.input_names == tuple(names)
