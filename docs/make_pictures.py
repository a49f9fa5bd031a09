"""The picture of README.md: python docs/make_pictures.py"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

import kanscience as ks

HERE = Path(__file__).parent


def main() -> None:
    """Draw a fitted network beside the formula that was read from it."""
    X = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    network = ks.MultKAN([2, 5, 1], seed=4)
    ks.fit(network, X, y, steps=60)
    before = ks.plot(network, ks.trace(network, X))
    network = ks.MultKAN([2, 5, 1], seed=0)
    ks.fit(network, X, y, penalty=ks.Penalty(1e-2), steps=100)
    network, _ = ks.prune(network, ks.trace(network, X), node=0.1, edge=0.1)
    ks.fit(network, X, y, grids=(5, 10, 20))
    formula, _ = ks.snap(network, X, y, seed=0)
    side_by_side([before, ks.plot(formula, ks.trace(formula, X))], HERE / "hello.png")


def side_by_side(figures: list[Figure], path: Path) -> None:
    """Write several figures as one picture, at one height."""
    pictures = []
    for k, figure in enumerate(figures):
        part = path.with_suffix(f".{k}.png")
        figure.savefig(part, dpi=220)
        pictures.append(imread(part))
        part.unlink()
    height = 4.0
    widths = [height * picture.shape[1] / picture.shape[0] for picture in pictures]
    figure = Figure(figsize=(sum(widths), height))
    left = 0.0
    for picture, width in zip(pictures, widths, strict=True):
        axes = figure.add_axes((left / sum(widths), 0, width / sum(widths), 1))
        axes.imshow(picture)
        axes.set_axis_off()
        left += width
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
