"""A page written once and read twice: as Markdown, and as one HTML file with its pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class Block(Protocol):
    """A part of a page."""

    def markdown(self) -> str:
        """Return it as Markdown."""
        ...

    def html(self, folder: Path) -> str:
        """Return it as HTML; pictures are read from the folder."""
        ...


@dataclass(frozen=True)
class Heading:
    """A heading, of the page (1) or of a part of it (2)."""

    text: str
    level: int = 2

    def markdown(self) -> str:
        """Return it as Markdown."""
        return f"{'#' * self.level} {self.text}"

    def html(self, folder: Path) -> str:
        """Return it as HTML."""
        return f"<h{self.level}>{escape(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str

    def markdown(self) -> str:
        """Return it as Markdown."""
        return self.text

    def html(self, folder: Path) -> str:
        """Return it as HTML."""
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Code:
    """Text as it is: a formula, or lines of a program."""

    text: str
    language: str = ""

    def markdown(self) -> str:
        """Return it as Markdown."""
        return f"```{self.language}\n{self.text}\n```"

    def html(self, folder: Path) -> str:
        """Return it as HTML."""
        return f"<pre>{escape(self.text)}</pre>"


@dataclass(frozen=True)
class Equation:
    """An equation: as text in Markdown, set as mathematics in HTML."""

    text: str
    mathml: str

    def markdown(self) -> str:
        """Return it as Markdown."""
        return f"```\n{self.text}\n```"

    def html(self, folder: Path) -> str:
        """Return it as HTML."""
        return f'<div class="law">{self.mathml}</div>\n<pre>{escape(self.text)}</pre>'


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header; columns named in ``code`` hold formulas or file names."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    code: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Return it as Markdown."""
        rows = [[self._cell(name, text) for name, text in self._cells(row)] for row in self.rows]
        lines = [self.header, ["---"] * len(self.header), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def html(self, folder: Path) -> str:
        """Return it as HTML."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.header)
        body = "".join(
            f"<tr{' class=taken' if row[0] == '→' else ''}>{''.join(map(self._html_cell, self.header, row))}</tr>"
            for row in self.rows
        )
        return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'

    def _cells(self, row: Sequence[str]) -> list[tuple[str, str]]:
        return list(zip(self.header, row, strict=True))

    def _html_cell(self, name: str, text: str) -> str:
        return f"<td><code>{escape(text)}</code></td>" if name in self.code else f"<td>{escape(text)}</td>"

    def _cell(self, name: str, text: str) -> str:
        text = text.replace("|", "\\|")
        return f"`{text}`" if name in self.code and text else text


@dataclass(frozen=True)
class Picture:
    """A PNG file beside the page, and what it shows."""

    file: str
    caption: str

    def markdown(self) -> str:
        """Return it as Markdown."""
        return f"![{self.caption}]({self.file})"

    def html(self, folder: Path) -> str:
        """Return it as HTML, with the picture inside."""
        data = base64.b64encode((folder / self.file).read_bytes()).decode("ascii")
        source = f"data:image/png;base64,{data}"
        return (
            f'<figure><img src="{source}" alt="{escape(self.caption)}">'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )


_LOOK = """
body { font: 16px/1.5 Georgia, 'Times New Roman', serif; color: #1a1a1a; max-width: 46rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; font-size: .88rem; }
th, td { text-align: left; padding: .2rem .7rem .2rem 0; border-bottom: 1px solid #d5d8dd; vertical-align: top; }
tr.taken { font-weight: bold; color: #c4161c; }
pre { background: #f5f6f7; padding: .6rem .8rem; font-size: .85rem; white-space: pre-wrap; }
figure { margin: 1rem 0; } img { max-width: 100%; } figcaption { color: #6a6f78; font-size: .88rem; }
.wide { overflow-x: auto; } .law { font-size: 1.3rem; line-height: 1.9; }
"""


def as_markdown(blocks: Sequence[Block]) -> str:
    """Return the page as Markdown.

    Example:
        >>> print(as_markdown([Heading("Law", 1), Table(["a"], [["1"]])]))
        # Law
        <BLANKLINE>
        | a |
        | --- |
        | 1 |
        <BLANKLINE>
    """
    return "\n\n".join(block.markdown() for block in blocks) + "\n"


def as_html(title: str, blocks: Sequence[Block], folder: Path) -> str:
    """Return the page as one HTML file that needs no other."""
    body = "\n".join(block.html(folder) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_LOOK}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
