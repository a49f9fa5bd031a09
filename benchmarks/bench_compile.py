"""Formulas as networks: the time to compile and to evaluate, beside numpy (sympy's lambdify) and pykan's compiler.

pip install -e '.[benchmarks]' && python benchmarks/bench_compile.py
"""

from __future__ import annotations

import contextlib
import io
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sympy
import torch
from _machine import arguments, medians_in_turn, table, write_results

import kanscience as ks

ROWS = 10_000
DOPPLER = "omega_0*(1 + v/c)/sqrt(1 - v**2/c**2)"
EXPLANATION = f"""
All 120 equations of the Feynman benchmark, points uniform in their ranges, float64. "Compile" is `ks.compile_formula` from
text to network, for all 120 together. "Forward" is the network without gradients at {ROWS:,} points, its check of the inputs
included, over the time of the numpy function that sympy's `lambdify` writes of the same formula, on contiguous columns;
both are medians, in turn. "Error" is max|network - numpy| / max|numpy|. Below, the Doppler law `{DOPPLER}`
beside the network that pykan's compiler makes of it, in its own float32.
"""


def main() -> None:
    arguments(__doc__)
    warnings.simplefilter("ignore")
    cases = [_case(row) for row in ks.load_table("feynman_equations").itertuples()]
    sections = [_all_equations(cases), _doppler()]
    write_results(Path(__file__).with_name("results_compile.md"), "Compiled formulas", EXPLANATION, sections)


Case = tuple[str, str, list[str], np.ndarray]


def _case(row) -> Case:
    parts = [part.split(":") for part in row.variables.split(";")]
    ranges = np.array([[float(low), float(high)] for _, low, high in parts])
    X = np.random.default_rng(0).uniform(ranges[:, 0], ranges[:, 1], (ROWS, len(parts)))
    return row.filename, row.formula, [part[0] for part in parts], X


def _all_equations(cases: list[Case]) -> str:
    ks.compile_formula("x + 1")
    begun = time.process_time()
    networks = [ks.compile_formula(formula, names) for _, formula, names, _ in cases]
    compiled = time.process_time() - begun
    ratios, errors = [], []
    for (_, formula, names, X), network in zip(cases, networks, strict=True):
        by_numpy = _numpy_function(formula, names, X)
        expected, found = by_numpy(), network.predict(X)
        errors.append(np.abs(found - expected).max() / np.abs(expected).max())
        seconds = medians_in_turn({"network": _forward(network, X), "numpy": by_numpy}, seconds=0.1)
        ratios.append(seconds["network"] / seconds["numpy"])
    rows = [
        ["compile all 120", f"{compiled:.2f} s"],
        ["forward over lambdify, median", f"{statistics.median(ratios):.1f}"],
        ["forward over lambdify, worst (two factors)", f"{max(ratios):.1f}"],
        ["equations with error ≤ 1e-12", f"{sum(error <= 1e-12 for error in errors)} of {len(errors)}"],
        ["largest error", f"{max(errors):.0e}"],
    ]
    return table(("120 equations", ""), rows)


def _numpy_function(formula: str, names: list[str], X: np.ndarray) -> Callable[[], np.ndarray]:
    symbols = [sympy.Symbol(name) for name in names]
    function = sympy.lambdify(symbols, ks.parse_formula(formula, variables=names))
    columns = [np.ascontiguousarray(column) for column in X.T]
    return lambda: function(*columns)


def _forward(network: Callable[[torch.Tensor], torch.Tensor], X: np.ndarray) -> Callable[[], torch.Tensor]:
    x = torch.from_numpy(X)

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return network(x)

    return forward


def _doppler() -> str:
    from kan.compiler import kanpiler

    names = ["omega_0", "v", "c"]
    X = np.random.default_rng(0).uniform([1, 1, 3], [5, 2, 10], (ROWS, 3))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = kanpiler([sympy.Symbol(name) for name in names], sympy.sympify(DOPPLER))
    ours = ks.compile_formula(DOPPLER, names)
    expected = _numpy_function(DOPPLER, names, X)()
    x = torch.from_numpy(X).to(torch.get_default_dtype())
    seconds = medians_in_turn(
        {
            "numpy": _numpy_function(DOPPLER, names, X),
            "kanscience": _forward(ours, X),
            "pykan": _forward(theirs, x.numpy()),
        },
        seconds=10,
    )
    with torch.no_grad():
        found = {"numpy": expected, "kanscience": ours.predict(X), "pykan": theirs(x)[:, 0].double().numpy()}
    rows = [
        [name, f"{1e3 * value:.3f}", f"{value / seconds['kanscience']:.1f}", f"{_error(found[name], expected):.0e}"]
        for name, value in seconds.items()
    ]
    return table((f"Doppler law, {ROWS:,} points", "milliseconds", "times ours", "error"), rows)


def _error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


if __name__ == "__main__":
    main()
