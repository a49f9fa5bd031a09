"""The picture of a front: what each further operation buys."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kanscience.discovery import Candidate, Front
from kanscience.discovery import as_text as formula_text
from kanscience.viz._style import GREY, INK, LABEL_SIZE, SYMBOLIC, Drawing, style

_LONGEST = 48  # characters of a formula beside its point


def draw_front(front: Front, unit: str = "") -> Figure:
    """Draw loss, on a logarithmic axis, over complexity; the candidate that was taken in red.

    Args:
        front: of one target, or of several together.
        unit: of the losses, for the label of the axis.
    """
    floor = _floor(front)
    with style():
        figure = Drawing(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        x = [candidate.complexity for candidate in front]
        y = [max(candidate.loss, floor) for candidate in front]
        axes.step(x, y, where="post", color=GREY, linewidth=0.8, zorder=1)
        for candidate, loss in zip(front, y, strict=True):
            _draw_candidate(axes, candidate, loss, floor, candidate is front.best)
        axes.set_yscale("log")
        axes.set_ylim(floor / 3 if floor else None, max(y) * 4)
        width = max(x) - min(x)
        axes.set_xlim(min(x) - 0.03 * width - 0.3, max(x) + 0.45 * width + 1.2)  # room for the last formula
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("operations in the formula")
        axes.set_ylabel("loss (RMSE on rows that decide)" + (f", {unit}" if unit else ""))
    return figure


def _draw_candidate(axes: Axes, candidate: Candidate, loss: float, floor: float, taken: bool) -> None:
    colour = SYMBOLIC if taken else INK
    low, high = max(loss - candidate.error, floor / 2), loss + candidate.error
    axes.plot([candidate.complexity] * 2, [low, high], color=colour, linewidth=0.8)
    axes.plot(candidate.complexity, loss, "o", color=colour, markersize=5 if taken else 4)
    text = "; ".join(formula_text(formula, 3) for formula in candidate.formulas)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    axes.annotate(
        text,
        (candidate.complexity, loss),
        (4, 4),
        textcoords="offset points",
        fontsize=LABEL_SIZE - 0.5,
        color=colour,
        parse_math=False,
    )


def _floor(front: Front) -> float:
    """Return where the lowest loss is drawn on a logarithmic axis; for 0, where rounding would be."""
    positive = [candidate.loss for candidate in front if candidate.loss > 0]
    if len(positive) == len(front):
        return min(positive)
    return min([*positive, 1e-16 * max(positive, default=1.0)])
