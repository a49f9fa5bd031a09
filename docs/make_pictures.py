"""The pictures of README.md: python docs/make_pictures.py"""

from pathlib import Path

import numpy as np

import kanscience as ks

HERE = Path(__file__).parent


def main() -> None:
    """Draw a fitted network, and the formula that was read from it."""
    X = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    network = ks.MultKAN([2, 5, 1], seed=4)
    ks.fit(network, X, y, steps=60)
    ks.plot(network, ks.trace(network, X)).savefig(HERE / "fitted.png", dpi=110)
    small = ks.MultKAN([2, 1, 1], seed=1)
    ks.fit(small, X, y, grids=(5, 10, 20), restarts=3, seed=0)
    formula, _ = ks.snap(small, X, y, seed=0)
    ks.plot(formula, ks.trace(formula, X)).savefig(HERE / "snapped.png", dpi=110)


if __name__ == "__main__":
    main()
