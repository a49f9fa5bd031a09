"""The lazy way from an object to its picture and its pages.

Networks, graphs, fits and discoveries live below ``viz``, which knows how to draw them. Their ``_repr_*_``
methods and ``.report()`` come here, and only then is ``viz`` imported. This is the one file that imports
from a higher floor; ``tests/test_floors.py`` names it as the exception.
"""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(thing: object, **options: Any) -> Figure:
    """Return the picture of anything that ``ks.plot`` draws."""
    from .viz import plot

    return plot(thing, **options)


def svg(thing: object, **options: Any) -> str:
    """Return the picture as SVG text, for ``_repr_svg_`` and pages."""
    text = io.StringIO()
    figure(thing, **options).savefig(text, format="svg", bbox_inches="tight")
    return text.getvalue()


def mimebundle(thing: object, **options: Any) -> dict[str, str]:
    """Return what ``_repr_mimebundle_`` gives a notebook: the readable line, and the picture beside it."""
    return {"text/plain": str(thing), "image/svg+xml": svg(thing, **options)}


def report(thing: object, path: str | PathLike[str], **options: Any) -> Path:
    """Write the pages of ``thing`` into the folder ``path`` and return it."""
    from .viz import report as write_report

    return write_report(thing, path, **options)
