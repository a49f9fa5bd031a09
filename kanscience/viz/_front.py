"""The picture of a front: what each further operation buys."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kanscience.discovery import Discovery, Front
from kanscience.discovery import as_text as formula_text
from kanscience.viz._plot import plot
from kanscience.viz._style import GREY, INK, LABEL_SIZE, SYMBOLIC, Drawing, style

_LONGEST = 40  # characters of a formula beside its point


def draw_front(front: Front) -> Figure:
    """Draw loss, on a logarithmic axis, over complexity; the candidate that was taken in red.

    Formulas stand beside their points where there is room, first that of the taken one, then those of high score.
    """
    floor = _floor(front)
    losses = [max(candidate.loss, floor) for candidate in front]
    with style():
        figure = Drawing(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_yscale("log")
        axes.step([c.complexity for c in front], losses, where="post", color=GREY, linewidth=0.8, zorder=1)
        for candidate, loss in zip(front, losses, strict=True):
            colour = SYMBOLIC if candidate is front.best else INK
            low, high = max(loss - candidate.error, floor / 2), loss + candidate.error
            axes.plot([candidate.complexity] * 2, [low, high], color=colour, linewidth=0.8)
            axes.plot(candidate.complexity, loss, "o", color=colour, markersize=4)
        axes.set_ylim(floor / 3, max(losses) * 4)
        axes.set_xlim(left=min(c.complexity for c in front) - 0.4, right=1.25 * max(c.complexity for c in front) + 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("operations in the formula")
        axes.set_ylabel("loss (RMSE on the rows that decide)")
        _write_formulas(figure, axes, front, losses)
    return figure


@plot.register(Front)
def plot_front(front: Front) -> Figure:
    return draw_front(front)


@plot.register(Discovery)
def plot_discovery(discovery: Discovery) -> Figure:
    return draw_front(discovery.pareto)


def _write_formulas(figure: Figure, axes: Axes, front: Front, losses: Sequence[float]) -> None:
    figure.draw_without_rendering()  # from here on places are known
    frame, taken = axes.get_window_extent(), []
    order = sorted(range(len(front)), key=lambda k: (front[k] is not front.best, -front.scores[k]))
    for k in order:
        text = "; ".join(formula_text(formula, 3) for formula in front[k].formulas)
        label = axes.annotate(
            text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…",
            (front[k].complexity, losses[k]),
            (4, 4),
            textcoords="offset points",
            fontsize=LABEL_SIZE - 0.5,
            color=SYMBOLIC if front[k] is front.best else INK,
            parse_math=False,
        )
        box = label.get_window_extent()
        if box.x1 > frame.x1:  # no room to the right: left of the point, below the line
            label.set(position=(-4, -10), horizontalalignment="right")
            box = label.get_window_extent()
        if any(box.overlaps(other) for other in taken) or box.x0 < frame.x0:
            label.remove()
        else:
            taken.append(box)


def _floor(front: Front) -> float:
    """Return where the lowest loss is drawn on a logarithmic axis; for 0, where rounding would be."""
    positive = [candidate.loss for candidate in front if candidate.loss > 0]
    if len(positive) == len(front):
        return min(positive)
    return min([*positive, 1e-16 * max(positive, default=1.0)])
