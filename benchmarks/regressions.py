"""Textbook nonlinear regressions: laws, the truth behind the data, and two starts, one of them far away.

Each law is a formula of one or two columns and named parameters. Magnitudes of the parameters range over ten decades and
more, as in tables of measurements; the noise is a share of the spread of the law over the columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """One regression.

    Args:
        name: what it is called.
        formula: of the columns and the parameters.
        columns: their ranges; nearly evenly spaced for one column, random for two.
        truth: the parameters behind the data.
        near: a start as somebody who looked at the data would give it.
        far: a start of somebody who did not.
        rows: how many measurements.
        noise: standard deviation, as a share of the law's spread.
        twins: groups of parameters that may change places, as the terms of a sum of exponentials.
        even: parameters whose sign changes nothing, or only those of others among them.
    """

    name: str
    formula: str
    columns: Mapping[str, tuple[float, float]]
    truth: Mapping[str, float]
    near: Mapping[str, float]
    far: Mapping[str, float]
    rows: int = 40
    noise: float = 0.02
    twins: tuple[tuple[str, ...], ...] = ()
    even: tuple[str, ...] = ()

    def inputs(self, seed: int) -> np.ndarray:
        """Return the columns, (rows, columns)."""
        rng = np.random.default_rng((seed, 1))
        if len(self.columns) == 1:
            ((low, high),) = self.columns.values()
            unrest = (
                0.3 * (high - low) / self.rows * rng.uniform(-1, 1, self.rows)
            )  # else fast oscillations pass for slow
            return np.clip(np.linspace(low, high, self.rows) + unrest, low, high)[:, None]
        return np.stack([rng.uniform(low, high, self.rows) for low, high in self.columns.values()], axis=1)

    def order(self, values: np.ndarray) -> np.ndarray:
        """Return an order of the parameters in which twins stand sorted by their last parameter."""
        names = list(self.truth)
        places = [[names.index(name) for name in twin] for twin in self.twins]
        order = np.arange(len(names))
        for here, there in zip(places, sorted(places, key=lambda place: values[place[-1]]), strict=True):
            order[here] = there
        return order

    def canonical(self, values: np.ndarray) -> np.ndarray:
        """Return parameters without the sign of even ones, and twins in order."""
        signs = [abs(v) if name in self.even else v for name, v in zip(self.truth, values, strict=True)]
        return np.array(signs)[self.order(np.array(signs))]

    def noisy(self, exact: np.ndarray, seed: int) -> np.ndarray:
        """Return measurements of these exact values."""
        rng = np.random.default_rng((seed, 2))
        return exact + self.noise * exact.std() * rng.normal(size=len(exact))


def _case(name: str, formula: str, columns: dict, truth: dict, near: tuple, far: tuple, **more) -> Case:
    starts = [dict(zip(truth, start, strict=True)) for start in (near, far)]
    return Case(name, formula, columns, truth, *starts, **more)


CASES = (
    _case(
        "saturating growth",
        "a*(1 - exp(-k*t))",
        {"t": (0.5, 20)},
        {"a": 240.0, "k": 0.15},
        (200, 0.3),
        (1, 1e-4),
    ),
    _case(
        "logistic growth",
        "c/(1 + exp(b - r*t))",
        {"t": (0, 30)},
        {"c": 550.0, "b": 4.0, "r": 0.35},
        (400, 3, 0.2),
        (100, 10, 1),
    ),
    _case(
        "Gompertz growth",
        "c*exp(-b*exp(-r*t))",
        {"t": (0, 25)},
        {"c": 83.0, "b": 6.0, "r": 0.25},
        (60, 4, 0.2),
        (1000, 1, 0.02),
    ),
    _case(
        "Richards growth",
        "c/(1 + exp(b - r*t))**(1/m)",
        {"t": (1, 15)},
        {"c": 700.0, "b": 5.0, "r": 0.75, "m": 1.3},
        (600, 4, 0.5, 1),
        (100, 10, 1, 1),
        rows=60,
        noise=0.01,
    ),
    _case(
        "Weibull growth",
        "a - b*exp(-k*t**p)",
        {"t": (0.5, 40)},
        {"a": 70.0, "b": 62.0, "k": 0.02, "p": 1.4},
        (60, 50, 0.05, 1),
        (100, 10, 1e-4, 3),
        rows=60,
        noise=0.01,
    ),
    _case(
        "radioactive decay over a background",
        "a*exp(-k*t) + d",
        {"t": (0, 3e4)},
        {"a": 4.2e3, "k": 1.21e-4, "d": 310.0},
        (3e3, 3e-4, 100),
        (1, 1e-2, 1),
        noise=0.01,
    ),
    _case(
        "two exponentials",
        "a*exp(-k*t) + b*exp(-l*t)",
        {"t": (0, 5)},
        {"a": 3.0, "k": 0.4, "b": 5.0, "l": 3.0},
        (2, 0.2, 3, 2),
        (1, 5, 1, 10),
        rows=60,
        noise=0.005,
        twins=(("a", "k"), ("b", "l")),
    ),
    _case(
        "nearly collinear exponentials",
        "a*exp(-k*t) + b*exp(-l*t)",
        {"t": (0, 4)},
        {"a": 1.0, "k": 1.0, "b": 2.0, "l": 1.6},
        (0.8, 0.8, 1.5, 2),
        (1, 0.1, 1, 5),
        rows=200,
        noise=1e-3,
        twins=(("a", "k"), ("b", "l")),
    ),
    _case(
        "three exponentials",
        "a*exp(-k*t) + b*exp(-l*t) + c*exp(-m*t)",
        {"t": (0, 1.2)},
        {"a": 0.1, "k": 1.0, "b": 0.9, "l": 3.0, "c": 1.6, "m": 5.0},
        (0.5, 0.7, 0.7, 2, 1, 4),
        (1.2, 0.3, 5.6, 5.5, 6.5, 7.6),
        rows=200,
        noise=1e-4,
        twins=(("a", "k"), ("b", "l"), ("c", "m")),
    ),
    _case(
        "exponential with an offset, decades apart",
        "a + b*exp(k*t)",
        {"t": (0, 1e-6)},
        {"a": 3e7, "b": 2.5e4, "k": 4e6},
        (2e7, 1e4, 3e6),
        (1, 1, 1e6),
        noise=0.01,
    ),
    _case(
        "Michaelis-Menten",
        "v*s/(k + s)",
        {"s": (2e-2, 1.1)},
        {"v": 212.0, "k": 0.064},
        (150, 0.1),
        (1, 10),
        rows=30,
    ),
    _case(
        "Michaelis-Menten in moles",
        "v*s/(k + s)",
        {"s": (1e-7, 1e-4)},
        {"v": 3.1e-9, "k": 1.7e-5},
        (2e-9, 1e-5),
        (1, 1),
        rows=30,
    ),
    _case(
        "Hill",
        "v*s**n/(k**n + s**n)",
        {"s": (0.1, 20)},
        {"v": 85.0, "k": 3.4, "n": 2.6},
        (70, 2, 2),
        (10, 15, 1),
    ),
    _case(
        "substrate inhibition",
        "v*s/(k + s + s**2/h)",
        {"s": (0.1, 50)},
        {"v": 40.0, "k": 2.5, "h": 15.0},
        (30, 1, 10),
        (1, 100, 1),
        noise=0.01,
    ),
    _case(
        "Arrhenius",
        "a*exp(-e/(8.314462618*T))",
        {"T": (500, 800)},
        {"a": 3.4e11, "e": 1.03e5},
        (1e11, 9.5e4),
        (1e9, 5e4),
        rows=30,
    ),
    _case(
        "modified Arrhenius",
        "a*T**n*exp(-e/T)",
        {"T": (300, 2500)},
        {"a": 2.1e-3, "n": 1.8, "e": 4.2e3},
        (1e-3, 1.5, 3e3),
        (1e-2, 1, 1e3),
        rows=60,
        noise=0.005,
    ),
    _case(
        "vapour pressure",
        "a*exp(b/(T + c))",
        {"T": (50, 125)},
        {"a": 5.6e-3, "b": 6180.0, "c": 345.0},
        (2e-2, 5500, 330),
        (2e-2, 4000, 250),
        rows=20,
        noise=1e-3,
    ),
    _case(
        "rational",
        "(a + b*x + c*x**2)/(1 + d*x + e*x**2)",
        {"x": (-3, 3)},
        {"a": 1.7, "b": 0.8, "c": 0.9, "d": 0.3, "e": 0.25},
        (1, 1, 1, 0.1, 0.1),
        (10, 10, 10, 1, 1),
        rows=80,
        noise=0.01,
    ),
    _case(
        "cubic over cubic",
        "(a + b*x + c*x**2 + d*x**3)/(1 + e*x + f*x**2 + g*x**3)",
        {"x": (-3, 2)},
        {"a": 1290.0, "b": 1490.0, "c": 583.0, "d": 75.0, "e": 0.97, "f": 0.4, "g": 0.05},
        (1300, 1500, 500, 75, 1, 0.4, 0.05),
        (1000, 1000, 400, 40, 0.7, 0.3, 0.03),
        rows=60,
        noise=0.003,
    ),
    _case(
        "enzyme of two sites",
        "a*(x**2 + b*x)/(x**2 + c*x + d)",
        {"x": (0.06, 4)},
        {"a": 0.193, "b": 0.19, "c": 0.123, "d": 0.136},
        (0.25, 0.39, 0.415, 0.39),
        (25, 39, 41.5, 39),
        rows=30,
        noise=0.01,
    ),
    _case(
        "Gaussian peak",
        "a*exp(-((x - m)/w)**2)",
        {"x": (400, 500)},
        {"a": 1.55, "m": 451.5, "w": 5.8},
        (1, 455, 10),
        (1, 430, 30),
        rows=60,
        even=("w",),
    ),
    _case(
        "two Gaussian peaks on a decay",
        "a*exp(-k*x) + b*exp(-((x - m)/w)**2) + c*exp(-((x - n)/v)**2)",
        {"x": (1, 250)},
        {"a": 99.0, "k": 0.0105, "b": 101.0, "m": 67.5, "w": 23.0, "c": 72.0, "n": 179.0, "v": 18.5},
        (94, 0.0105, 99, 63, 25, 71, 180, 20),
        (50, 0.02, 50, 80, 40, 50, 160, 40),
        rows=250,
        noise=0.05,
        twins=(("b", "w", "m"), ("c", "v", "n")),
        even=("w", "v"),
    ),
    _case(
        "Lorentzian line",
        "a*w**2/((f - m)**2 + w**2) + d",
        {"f": (2.8e9, 3.0e9)},
        {"a": 4.5e-6, "w": 6.2e6, "m": 2.901e9, "d": 1.1e-6},
        (3e-6, 1e7, 2.905e9, 1e-6),
        (1e-6, 3e7, 2.88e9, 0),
        rows=100,
        even=("w",),
    ),
    _case(
        "damped oscillation",
        "exp(-g*t)*(a*cos(w*t) + b*sin(w*t))",
        {"t": (0, 10)},
        {"a": 1.8, "b": -0.8, "g": 0.2, "w": 3.0},
        (1.5, 0, 0.1, 2.9),
        (1, 1, 1, 3.4),
        rows=80,
        noise=0.05,
        even=("b", "w"),
    ),
    _case(
        "tides",
        "h + a*cos(w*t) + b*sin(w*t) + c*cos(v*t) + d*sin(v*t)",
        {"t": (0, 60)},
        {"h": 10.5, "a": 3.0, "b": 0.5, "w": 0.52, "c": -1.5, "d": 0.6, "v": 0.24},
        (10, 2, 1, 0.51, -1, 1, 0.25),
        (0, 1, 1, 0.55, 1, 1, 0.2),
        rows=160,
        noise=0.1,
        twins=(("a", "b", "w"), ("c", "d", "v")),
    ),
    _case(
        "power law",
        "b*x**p",
        {"x": (1.3, 8.5)},
        {"b": 0.77, "p": 3.86},
        (0.5, 3),
        (1, 0.1),
        noise=0.01,
    ),
    _case(
        "power law with an offset",
        "a*(x + b)**p",
        {"x": (10, 120)},
        {"a": 2500.0, "b": 46.7, "p": -0.93},
        (2000, 40, -0.8),
        (1, 1, -2),
        rows=80,
        noise=0.003,
    ),
    _case(
        "decay of a magnetisation",
        "b*(t + c)**(-1/p)",
        {"t": (7.4, 450)},
        {"b": -2523.0, "c": 46.7, "p": 0.93},
        (-1500, 45, 0.85),
        (-2000, 50, 0.8),
        rows=150,
        noise=0.003,
    ),
    _case(
        "gas adsorption",
        "q*b*p/(1 + b*p)",
        {"p": (1e3, 5e5)},
        {"q": 6.4, "b": 2.1e-5},
        (5, 1e-5),
        (1, 1),
    ),
    _case(
        "diode",
        "i*(exp(v/n) - 1)",
        {"v": (0, 0.7)},
        {"i": 2e-10, "n": 0.034},
        (1e-10, 0.033),
        (1e-6, 0.1),
        noise=0.01,
    ),
    _case(
        "catalysis with two gases",
        "k*p*q/(1 + a*p + b*q)**2",
        {"p": (0.05, 3), "q": (0.05, 3)},
        {"k": 34.0, "a": 1.9, "b": 3.1},
        (20, 1, 2),
        (1, 0.01, 10),
        rows=60,
    ),
    _case(
        "enzyme with a competitor",
        "v*s/(k*(1 + c/i) + s)",
        {"s": (0.1, 20), "c": (0, 10)},
        {"v": 12.0, "k": 1.4, "i": 2.2},
        (10, 1, 1),
        (1, 10, 0.1),
        rows=60,
    ),
    _case(
        "inverse power over a floor",
        "a + b*x**p",
        {"x": (0.1, 10)},
        {"a": 5e-3, "b": 2.2e-2, "p": -0.9},
        (1e-3, 1e-2, -0.7),
        (1, 1, 1),
        noise=0.01,
    ),
)
