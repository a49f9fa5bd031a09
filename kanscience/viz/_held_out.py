"""Pictures of predictions for rows that no model was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kanscience.discovery import HeldOut
from kanscience.viz._style import BLUE, GREY, INK, LABEL_SIZE, SYMBOLIC, Drawing, style

_COLOURS = (SYMBOLIC, BLUE, INK)
_MARKS = ("o", "^", "s")
_DECADES = 1.5  # of positive values, from which on axes are logarithmic


def draw_predictions(held_out: Sequence[HeldOut]) -> Figure:
    """Draw predicted over measured values, one panel a target; perfect predictions lie on the line."""
    return _panels(held_out, _predictions, "measured", "predicted", size=(3.6, 3.4))


def draw_residuals(held_out: Sequence[HeldOut]) -> Figure:
    """Draw predicted minus measured over measured values, one panel a target."""
    return _panels(held_out, _residuals, "measured", "predicted − measured", size=(5.6, 2.9))


def _panels(
    held_out: Sequence[HeldOut],
    draw: Callable[[Axes, Sequence[HeldOut]], None],
    x_label: str,
    y_label: str,
    size: tuple[float, float],
) -> Figure:
    targets = list(dict.fromkeys(held.target for held in held_out))
    with style():
        figure = Drawing(figsize=(size[0] * len(targets), size[1]), layout="constrained")
        for axes, target in zip(figure.subplots(1, len(targets), squeeze=False)[0], targets, strict=True):
            draw(axes, [held for held in held_out if held.target == target])
            axes.set_xlabel(f"{target}, {x_label}", parse_math=False)
            axes.set_ylabel(y_label)
            axes.legend(fontsize=LABEL_SIZE, handletextpad=0.2)
    return figure


def _predictions(axes: Axes, held_out: Sequence[HeldOut]) -> None:
    everything = np.concatenate([held_out[0].measured, *(held.predicted for held in held_out)])
    everything = everything[np.isfinite(everything)]
    low, high = everything.min(), everything.max()
    logarithmic = _spans_decades(everything)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
        margin = (high / low) ** 0.05
        low, high = low / margin, high * margin
    else:
        margin = 0.05 * (high - low) or 1.0
        low, high = low - margin, high + margin
    axes.plot([low, high], [low, high], color=GREY, linewidth=0.8, zorder=0)
    for k, held in enumerate(held_out):
        _points(axes, k, held, held.predicted)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")


def _residuals(axes: Axes, held_out: Sequence[HeldOut]) -> None:
    if _spans_decades(held_out[0].measured):
        axes.set_xscale("log")
    axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
    for k, held in enumerate(held_out):
        _points(axes, k, held, held.predicted - held.measured)
    sigma = held_out[0].sigma
    if sigma is not None and len(sigma) <= 200:
        last = held_out[-1]
        axes.errorbar(
            last.measured, last.predicted - last.measured, sigma, fmt="none", ecolor=GREY, linewidth=0.6, zorder=0
        )


def _points(axes: Axes, k: int, held: HeldOut, values: np.ndarray) -> None:
    size = 4.5 if len(values) <= 100 else 2.5
    axes.plot(
        held.measured,
        values,
        _MARKS[k % len(_MARKS)],
        color=_COLOURS[k % len(_COLOURS)],
        markersize=size,
        alpha=0.7,
        markeredgewidth=0,
        label=f"{held.model}: RMSE {held.errors.rmse:.3g}",
    )


def _spans_decades(values: np.ndarray) -> bool:
    values = values[np.isfinite(values)]
    return bool(values.min() > 0) and float(np.log10(values.max() / values.min())) > _DECADES
