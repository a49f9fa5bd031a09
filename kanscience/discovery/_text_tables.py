"""Tables of text, for terminals and for browsers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import chain, repeat


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = ()) -> str:
    """Return rows of cells as text in columns, numbers to the right, the columns in ``left`` to the left.

    Example:
        >>> print(aligned([("n", "name"), ("10", "a")], left=(1,)))
         n  name
        10  a
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]], bold: Sequence[bool] = ()) -> str:
    """Return a table as HTML; formulas in ``<code>``."""
    body = []
    for row, mark in zip(rows, chain(bold, repeat(False)), strict=False):
        cells = (
            f"<td><code>{escape(cell)}</code></td>" if name == "formula" else f"<td>{escape(cell)}</td>"
            for name, cell in zip(header, row, strict=True)
        )
        body.append(f"<tr{' style=font-weight:bold' if mark else ''}>{''.join(cells)}</tr>")
    heads = "".join(f"<th>{escape(name)}</th>" for name in header)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"
