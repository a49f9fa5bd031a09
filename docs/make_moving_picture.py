"""A network finds its law, as a moving picture: python docs/make_moving_picture.py writes docs/learning.gif.

Every curve and every number in it is of the run that README.md tells in ten lines. It takes less than a minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sympy
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

import kanscience as ks

WIDTH, HEIGHT, NETWORK_HEIGHT = 900, 580, 420  # pixels
INK, RED = "#1a1a1a", "#c4161c"  # of ks.plot
LOOK = {"font.family": ["STIXGeneral", "DejaVu Sans"], "mathtext.fontset": "stix", "font.size": 17}

X, X_test = np.random.default_rng(0).uniform(-1, 1, (2, 1000, 2))
y, y_test = (np.exp(np.sin(np.pi * x1) + x2**2) for x1, x2 in (X.T, X_test.T))


@dataclass
class Scene:
    """A network, what is said about it, and for how long (ms); ``fade`` is how many frames lead over to it."""

    network: ks.MultKAN
    caption: str
    duration: int
    fade: int = 0
    formula: str = ""


def main() -> None:
    """Write the picture."""
    frames, durations = [], []
    for scene in story():
        frame = drawn(scene)
        steps = [between(frames[-1], frame, k / (scene.fade + 1)) for k in range(1, scene.fade + 1)]
        frames += [*steps, frame]
        durations += [70] * scene.fade + [scene.duration]
    write(frames, durations, Path(__file__).parent / "learning.gif")


def story() -> Iterator[Scene]:
    """Tell the run: training with a price on edges, pruning, finer grids, symbols, the formula."""
    for steps in (*range(17), 20, 30, 40, 50, 60):
        network = trained(steps)
        yield Scene(network, f"training, with a price on edges: step {steps}", 160 if 0 < steps < 60 else 800)
    network, _ = ks.prune(network, ks.trace(network, X), node=0.1, edge=0.1)
    yield Scene(network, "what carries nothing is pruned", 900, fade=6)
    for grid in (5, 10, 20):
        ks.fit(network, X, y, grids=grid, steps=20)
        yield Scene(network, f"without the price, on finer knots: {grid} intervals", 700)
    formula, report = ks.snap(network, X, y, seed=0)
    for edge, name in report.functions.items():
        network = ks.set_function(network, edge, name, trace=ks.trace(network, X))
        yield Scene(network, f"curves become symbols: {name.replace('x^2', '$x^2$')}", 700, fade=3)
    (law,) = ks.expression(formula)
    yield Scene(formula, "all constants refitted: the law, exact to rounding", 2800, 6, f"$y = {sympy.latex(law)}$")


def trained(steps: int) -> ks.MultKAN:
    """Return the network as it is after so many steps of its training."""
    network = ks.MultKAN([2, 5, 1], seed=0)
    ks.fit(network, X, y, penalty=ks.Penalty(1e-2), steps=steps)
    return network


def drawn(scene: Scene) -> Image.Image:
    """Return the network, the caption below it, and its test error as a dot on a ruler."""
    rmse = float(np.sqrt(np.mean((scene.network.predict(X_test) - y_test) ** 2)))
    with rc_context(LOOK):
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="white")
        figure.text(0.04, 0.2, scene.caption)
        figure.text(0.96, 0.2, f"test RMSE {as_math(rmse)}", ha="right")
        figure.text(0.68, 0.62, scene.formula, ha="center", va="center", fontsize=38)
        ruler = figure.add_axes((0.04, 0.11, 0.92, 0.04))
        ruler.set(xscale="log", xlim=(10, 1e-18), ylim=(-1, 1), yticks=[], xticks=[10.0**-n for n in range(0, 17, 4)])
        ruler.minorticks_off()
        ruler.spines[["left", "right", "top"]].set_visible(False)
        ruler.tick_params(labelsize=13)
        ruler.plot(max(rmse, 1e-18), 0, "o", color=RED, markersize=10, clip_on=False)
        frame = pixels(figure)
    picture = ks.plot(scene.network, ks.trace(scene.network, X), labels=bool(scene.formula))
    picture.set_dpi(min(NETWORK_HEIGHT / picture.get_figheight(), WIDTH / picture.get_figwidth()))
    network = pixels(picture)
    frame.paste(network, ((WIDTH - network.width) // (6 if scene.formula else 2), 5))
    return frame


def between(before: Image.Image, after: Image.Image, share: float) -> Image.Image:
    """Return the new frame with so much of its network, and the rest from the old one; what is written is new."""
    frame, above = after.copy(), (0, 0, WIDTH, NETWORK_HEIGHT + 10)
    frame.paste(Image.blend(before.crop(above), after.crop(above), share))
    return frame


def pixels(figure: Figure) -> Image.Image:
    """Return a figure as a picture, without alpha."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def as_math(number: float) -> str:
    """Return a number with two digits, as one would write it."""
    digits, exponent = f"{number:.1e}".split("e")
    return f"{number:.2g}" if number > 1e-3 else rf"${digits}\times 10^{{{int(exponent)}}}$"


def write(frames: list[Image.Image], durations: list[int], path: Path) -> None:
    """Write an endless GIF whose frames share one palette: from white to ink, to red, and to half of each."""
    ends = [np.array(to_rgb(colour)) for colour in (INK, RED)]
    ways = np.concatenate([np.linspace(1, end, 32) for end in (*ends, sum(ends) / 2)])
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.rint(255 * ways).astype(np.uint8).tobytes())
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0)


if __name__ == "__main__":
    main()
