"""The pictures of README.md: python docs/make_pictures.py"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

import kanscience as ks

HERE = Path(__file__).parent
DOTS = 150  # an inch
HEAD = 0.3  # inches for titles


def main() -> None:
    """Draw all."""
    pendulum()
    gravity()


def pendulum() -> None:
    """Draw a law compiled for small angles beside what larger ones make of it."""
    law = ks.compile_formula("m*g*theta", ["theta", "m", "g"])
    X = np.random.default_rng(0).uniform([0, 1, 9], [1.5, 2, 10], (500, 3))
    force = X[:, 1] * X[:, 2] * np.sin(X[:, 0])
    opened = ks.perturb(law)
    ks.fit(opened, X, force, valid=0.2, grids=(5, 10), seed=0)
    opened, _ = ks.prune(opened, ks.trace(opened, X))
    formula, _ = ks.snap(opened, X, force, seed=0)
    stages = {"the law": law, "opened, and trained": opened, "read": formula}
    figures = {title: ks.plot(network, ks.trace(network, X)) for title, network in stages.items()}
    side_by_side(figures, HERE / "pendulum.png")


def gravity() -> None:
    """Draw the tree of gravity beside the network that it becomes, trained."""
    law = ks.compile_formula(
        "G*m1*m2/((x2 - x1)**2 + (y2 - y1)**2 + (z2 - z1)**2)", ["G", "m1", "m2", "x1", "x2", "y1", "y2", "z1", "z2"]
    )
    rng = np.random.default_rng(1)
    X = rng.uniform([1, 1, 1, 3, 1, 3, 1, 3, 1], [2, 2, 2, 4, 2, 4, 2, 4, 2], (1000, 9))
    force = law.predict(X).ravel()
    measured = force + 0.01 * force.std() * rng.normal(size=1000)
    tree = replace(ks.discover_tree(X, measured, names=law.input_names), name="F")
    network = ks.from_graph(tree.to_graph(), seed=0)
    ks.fit(network, X, measured, valid=0.2, grids=(5, 10, 20), restarts=6, seed=0)
    figures = {"the modules": ks.plot(tree), "their network, trained": ks.plot(network, ks.trace(network, X))}
    side_by_side(figures, HERE / "tree.png")


def side_by_side(figures: dict[str, Figure], path: Path) -> None:
    """Write several figures as one picture, in one scale, each under its title."""
    pictures = []
    for figure in figures.values():
        part = path.with_suffix(".part.png")
        figure.savefig(part, dpi=DOTS)
        pictures.append(imread(part))
        part.unlink()
    sizes = [(picture.shape[1] / DOTS, picture.shape[0] / DOTS) for picture in pictures]
    width, height = sum(w for w, _ in sizes), max(h for _, h in sizes)
    whole, left = Figure(figsize=(width, height + HEAD)), 0.0
    for title, picture, (w, h) in zip(figures, pictures, sizes, strict=True):
        axes = whole.add_axes((left / width, (height - h) / 2 / (height + HEAD), w / width, h / (height + HEAD)))
        axes.imshow(picture)
        axes.set_axis_off()
        whole.text((left + w / 2) / width, height / (height + HEAD), title, ha="center", va="bottom", fontsize=11)
        left += w
    whole.savefig(path, dpi=DOTS)


if __name__ == "__main__":
    main()
