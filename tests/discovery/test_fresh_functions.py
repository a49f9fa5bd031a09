"""Laws that nobody looked at: drawn from the library of functions, two to four inputs."""

import numpy as np
import pytest
import sympy

import kanscience as ks
from kanscience.discovery import _discover
from kanscience.discovery._formula import evaluate

ROWS, LOW, HIGH = 400, 0.3, 1.5


def _drawn(seed, with_products):
    """Return a law and its table: library functions of each input, added, or multiplied now and then."""
    rng = np.random.default_rng(seed)
    library = [f for f in ks.default_library().candidates if f.smooth and f.name not in ("identity", "zero")]
    names = [f"x{k + 1}" for k in range(rng.integers(2, 5))]
    X = rng.uniform(LOW, HIGH, (ROWS, len(names)))
    law = sympy.Integer(0)
    for name in names:
        function = library[rng.integers(len(library))]
        term = round(rng.uniform(0.5, 2), 2) * function.sympy(round(rng.uniform(0.3, 1), 2) * sympy.Symbol(name))
        law = law * term if with_products and law != 0 and rng.random() < 0.4 else law + term
    y = evaluate(law, names, X)
    real = np.isfinite(y)
    assert real.sum() > ROWS / 2
    return law, names, X[real], y[real]


def _error_over_spread(found):
    formula = found.held_out[0]
    assert formula.model == "formula"
    return formula.errors.rmse / np.std(formula.measured)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_sums_of_library_functions_are_found(seed, monkeypatch):
    monkeypatch.setattr(_discover, "fitted_networks", lambda *args, **options: None)  # those are not formulas
    _, names, X, y = _drawn(seed, with_products=False)
    found = ks.discover(X, y, names=names, seed=seed, time_budget=40)
    assert _error_over_spread(found) < 1e-3
    assert all(candidate.route for candidate in found.pareto)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 105))
def test_laws_with_products_are_approached(seed):
    _, names, X, y = _drawn(seed, with_products=True)
    assert _error_over_spread(ks.discover(X, y, names=names, seed=seed, time_budget=60)) < 0.1
