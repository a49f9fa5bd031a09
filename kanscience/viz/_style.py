"""The look that all pictures share, without pyplot and its global state."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

INK = "#1a1a1a"
GREY = "#8a8f98"
SYMBOLIC = "#c4161c"  # the paper's red
MIXED = "#7b3fa0"  # an edge with both a spline and library functions
BLUE = "#1f5fa8"

NAME_SIZE = 10.0  # points
LABEL_SIZE = 8.0
_FONTS = ["STIXGeneral", "DejaVu Sans"]
_RC: dict[Any, Any] = {
    "font.family": _FONTS,
    "mathtext.fontset": "stix",
    "font.size": NAME_SIZE,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": LABEL_SIZE,
    "ytick.labelsize": LABEL_SIZE,
    "savefig.dpi": "figure",
    "figure.dpi": 150,
}


class Drawing(Figure):
    """A matplotlib Figure that shows itself in a notebook without pyplot."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


@contextmanager
def style() -> Iterator[None]:
    """Draw in the shared look inside this block, and leave matplotlib's own settings alone."""
    with matplotlib.rc_context(_RC):
        yield


def canvas(width: float, height: float, scale: float = 1.0) -> tuple[Drawing, Axes]:
    """Return a figure and its one axes, which fills it; the unit of the axes is an inch, times ``scale``."""
    figure = Drawing(figsize=(width * scale, height * scale))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    return figure, axes


def text_size(text: str, points: float, math: bool = False) -> tuple[float, float]:
    """Return width and height of a text in inches."""
    if not text:
        return 0.0, 0.0
    font = FontProperties(family=_FONTS, size=points, math_fontfamily="stix")
    width, height, _ = text_to_path.get_text_width_height_descent(text, font, math)
    return width / 72, height / 72


_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"),
    *("xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
)
_SYMBOL = re.compile(rf"([A-Za-z]|{'|'.join(_GREEK)})(?:_?(\d+)|_([A-Za-z]{{1,2}}))?('*)")


def name_as_math(name: str) -> str:
    """Return a short name as mathtext, italic with its index (``x1``, ``theta_0``, ``m_e``); "" for other names.

    Example:
        >>> name_as_math("theta_0"), name_as_math("x1"), name_as_math("period_yr")
        ('$\\\\theta_{0}$', '$x_{1}$', '')
    """
    match = _SYMBOL.fullmatch(name)
    if not match:
        return ""
    letter, digits, letters, primes = match.groups()
    primes = "′" * len(primes)
    letter = f"\\{letter}" if letter in _GREEK else letter
    index = digits or letters
    return f"${letter}{primes}_{{{index}}}$" if index else f"${letter}{primes}$"
