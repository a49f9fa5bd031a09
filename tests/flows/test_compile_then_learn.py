"""A law is compiled, opened by hand, and data improve on it."""

import numpy as np
import pytest
import sympy

import kanscience as ks
from tests.helpers import assert_same_function


def columns(rows: int, *ranges: tuple[float, float], seed: int = 0) -> np.ndarray:
    """Draw a table, (rows, columns), uniform in the ranges."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(low, high, rows) for low, high in ranges], axis=1)


def rmse(network: ks.MultKAN, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.sqrt(np.mean((network.predict(x) - y) ** 2)))


def test_the_relativistic_correction_of_the_kinetic_energy_is_found_as_a_formula():
    law = ks.compile_formula("m*v**2/2", ["m", "v"])
    x = columns(300, (0.5, 3), (-0.9, 0.9))
    m, v = x.T
    energy = m * (1 / np.sqrt(1 - v**2) - 1)

    deep = ks.deepen(law, 0)  # m, v -> m, v -> m * v**2 / 2
    deep = ks.set_function(deep, (0, 1, 1), "x^2", trainable=False)  # the square is taken first ...
    deep = ks.set_function(deep, (1, 1, 1), "identity")  # ... and what becomes of it is for data to say
    np.testing.assert_allclose(deep.predict(x), law.predict(x), rtol=1e-15)
    opened = ks.perturb(deep, edges_or_nodes=(1, 1, 1))
    assert rmse(opened, x, energy) == pytest.approx(rmse(law, x, energy))
    ks.fit(opened, x, energy, grids=(5, 10, 20, 40), valid=0.2, seed=0)
    found, _ = ks.snap(opened, x, energy, seed=0)

    correction = ks.expression(found)[0] - ks.expression(law)[0]
    expected = sympy.sympify("m*(1/sqrt(1 - v**2) - 1 - v**2/2)")
    assert_same_function(correction, expected, ranges={"m": (0.5, 3), "v": (-0.9, 0.9)}, rtol=1e-10)


def test_the_doppler_law_deeper_wider_perturbed_and_trained():
    law = ks.compile_formula("omega_0*(1 + v/c)/sqrt(1 - v**2/c**2)", ["omega_0", "v", "c"])
    x = columns(400, (0.5, 2), (-0.5, 0.5), (0.8, 1.2))
    deeper = ks.deepen(law)
    wider = ks.widen(ks.widen(deeper, 1, sums=2, seed=0), 1, products=(2, 3), seed=1)
    opened = ks.perturb(wider)
    assert (len(deeper.width), opened.width[1]) == (len(law.width) + 1, (3, [2, 2, 2, 3]))
    for network in (deeper, wider, opened):
        np.testing.assert_allclose(network.predict(x), law.predict(x), rtol=1e-14)

    omega, v, _ = x.T
    measured = law.predict(x) * (1 + 0.1 * np.sin(3 * v)) + 0.05 * omega**2
    report = ks.fit(opened, x, measured, valid=0.2, steps=40, seed=0)
    assert report.history[0].loss == pytest.approx(rmse(law, x, measured), rel=0.1)  # four fifths of the rows
    assert report.valid_loss < 1e-2 * report.history[0].loss
    assert sum(len(layer.terms) for layer in opened.layers) == 9  # the law is still in it, and one identity


YOUNG, POISSON = sympy.Integer(1), sympy.Rational(1, 5)
MU = YOUNG / (2 * (1 + POISSON))
LAME = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON))
ENTRIES = [f"F{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3)]


def neo_hookean(rows: int = 1000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return deformation gradients (rows, 9), their determinants, and Kirchhoff stresses (rows, 3, 3)."""
    rng = np.random.default_rng(0)
    gradient = np.eye(3) + 0.2 * rng.uniform(-1, 1, (rows, 3, 3))
    volume = np.linalg.det(gradient)
    shape = float(MU) * (gradient @ gradient.transpose(0, 2, 1) - np.eye(3))
    return gradient.reshape(rows, 9), volume, shape + float(LAME) * np.log(volume)[:, None, None] * np.eye(3)


@pytest.mark.slow
def test_linear_elasticity_is_extended_to_the_neo_hookean_shear_stress():
    gradient, _, stress = neo_hookean()
    prior = ks.compile_formula(MU * (sympy.Symbol("F12") + sympy.Symbol("F21")), ENTRIES)
    assert rmse(prior, gradient, stress[:, 0, 1]) > 5e-3
    opened = ks.widen(ks.deepen(prior, 0), 1, products=3, grid=1, degree=1, base="zero", seed=0)
    assert rmse(opened, gradient, stress[:, 0, 1]) == pytest.approx(rmse(prior, gradient, stress[:, 0, 1]))
    ks.fit(opened, gradient, stress[:, 0, 1], valid=0.2, seed=0)
    assert rmse(opened, gradient, stress[:, 0, 1]) < 1e-14

    opened, _ = ks.prune(opened, ks.trace(opened, gradient), node=1e-6, edge=1e-6)
    found, _ = ks.snap(opened, gradient, stress[:, 0, 1], seed=0)
    polynomial = sympy.Poly(ks.expression(found)[0], *sympy.symbols(ENTRIES))
    clear = {monomial: value for monomial, value in polynomial.terms() if abs(value) > 1e-9}
    expected = sympy.Poly(MU * sympy.sympify("F11*F21 + F12*F22 + F13*F23"), *polynomial.gens)
    assert clear.keys() == dict(expected.terms()).keys()
    for value in clear.values():
        assert float(value) == pytest.approx(float(MU), rel=1e-12)


def test_linear_elasticity_is_extended_to_the_neo_hookean_normal_stress():
    gradient, volume, stress = neo_hookean(500)
    linear = LAME * sympy.sympify("F11 + F22 + F33 - 3") + 2 * MU * (sympy.Symbol("F11") - 1)
    prior = ks.compile_formula(linear, ENTRIES)
    x, y = np.column_stack([gradient, volume]), stress[:, 0, 0]
    opened = ks.perturb(ks.freeze(ks.widen(prior, inputs=["J"]), trainable=True))
    assert rmse(opened, x, y) == pytest.approx(rmse(prior, gradient, y))
    ks.fit(opened, x, y, grids=(3, 6, 12), valid=0.2, seed=0)
    opened, _ = ks.prune(opened, ks.trace(opened, x), node=0, edge=1e-3)
    ks.fit(opened, x, y, grids=(6, 12, 24, 48), valid=0.2, seed=0)
    found, report = ks.snap(opened, x, y, seed=0)
    assert report.exact
    expected = MU * sympy.sympify("F11**2 + F12**2 + F13**2 - 1") + LAME * sympy.log(sympy.Symbol("J"))
    assert_same_function(ks.expression(found)[0], expected, rtol=1e-10)


def test_a_heuristic_that_may_use_one_more_column():
    """Naismith's rule for hikers, whose data also hold what they carry."""
    rule = ks.compile_formula("pace*distance + climb/600", ["distance", "climb"], parameters={"pace": (0.2, "h/km")})
    x = columns(250, (2, 30), (0, 1500), (0, 25))
    distance, climb, load = x.T
    hours = distance / 4.5 + climb / 600 + 0.002 * load**2 + 0.02 * np.random.default_rng(1).normal(size=250)
    without = ks.fit(rule, x[:, :2], hours)
    assert without.loss > 0.3

    wider = ks.widen(rule, inputs=["load"])
    wider = ks.remove(wider, [(0, 2, 1), (0, 2, 2)])  # it adds to the time, and changes no pace
    ks.fit(wider, x, hours, valid=0.2, seed=0)
    found, _ = ks.snap(wider, x, hours, library=["x", "x^2", "exp", "sqrt"], seed=0)
    report = ks.fit(found, x, hours)
    assert report.loss == pytest.approx(0.02, rel=0.15)
    pace = report.parameters["pace"]
    assert abs(pace.value - 1 / 4.5) < 4 * pace.error < 1e-3
    assert pace.unit == "h/km"
    formula = ks.expression(found)[0]
    assert formula.diff(sympy.Symbol("load"), 2).subs({"load": 10.0}) == pytest.approx(0.004, rel=0.05)
