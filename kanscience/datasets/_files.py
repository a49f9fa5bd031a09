"""Tables in files: CSV as people and programs write it, and the tables that travel along.

Pandas is imported only where a frame is made.
"""

from __future__ import annotations

import csv
import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kanscience._checks import check_choice, check_path, did_you_mean, listed
from kanscience._errors import DataError, FileError
from kanscience.datasets._values import check_distinct, reads_as_number

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = (",", ";", "\t")
_LOOKED_AT = 1000  # lines, to see how a file is written


def table_names() -> tuple[str, ...]:
    """Return the names that ``load_table`` knows.

    Example:
        >>> table_names()
        ('feynman_equations', 'nuclear_binding', 'planets')
    """
    return tuple(sorted(path.stem for path in _tables_folder().glob("*.csv")))


def load_table(name: str) -> pd.DataFrame:
    """Return one of the tables that travel with kanscience.

    Args:
        name: "planets", "nuclear_binding", or another of ``kanscience.datasets.table_names()``.

    Returns:
        A frame with ``.attrs``: "title", "source", "licence", "notes" and "units" (column -> unit, "1" for a
        pure number, None for text).

    Raises:
        OptionError: there is no such table; the message lists them.

    Example:
        >>> import kanscience as ks
        >>> planets = ks.load_table("planets")
        >>> len(planets), planets.attrs["units"]["semi_major_axis_au"]
        (13, 'au')
    """
    path = _tables_folder() / f"{check_choice('name', name, table_names())}.csv"
    table = read_csv(path)
    table.attrs.update(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    return table


def _tables_folder() -> Path:
    installed = Path(__file__).with_name("tables")  # where the wheel puts the top-level folder data/
    return installed if installed.is_dir() else Path(__file__).parents[2] / "data"


def read_csv(path: str | PathLike[str]) -> pd.DataFrame:
    """Read a CSV file whose first line names the columns; text columns may be among them.

    Fields are separated by commas, semicolons or tabs, as the first line says; without commas between them, numbers may
    have decimal commas. Lines before it that are empty or begin with ``#`` are left out; where numbers follow them, the
    last of them names the columns. Only an empty field, ``NA``, ``NaN`` and ``null`` are read as missing: a column of
    names may hold "None".

    Raises:
        FileError: the file is missing, a folder, empty, not UTF-8 text, or not a table.
        DataError: two columns of one name, or no rows.
    """
    import pandas as pd

    path = check_path(path)
    form = _csv_form(path)
    check_distinct(form.header, f"{path.name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # fields without a column, dropped
            table = pd.read_csv(
                path,
                sep=form.separator,
                decimal=form.decimal,
                skiprows=form.skipped,
                skipinitialspace=form.separator != "\t",
                keep_default_na=False,
                na_values=["", "NA", "NaN", "nan", "null"],
                encoding="utf-8-sig",
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        more = isinstance(error, pd.errors.ParserWarning)
        reason = "its lines have more fields" if more else " ".join(str(error).split())
        raise FileError(
            f"{str(path)!r} is not a table with the columns {listed(form.header)}: {reason}. Every line needs as many "
            "fields as the first one; put quotes around fields that contain a comma, and points into decimal numbers."
        ) from error
    table.columns = form.header
    if table.empty:
        raise DataError(f"{str(path)!r} has the columns {listed(form.header)} and no rows below them. Add data.")
    return table


@dataclass(frozen=True)
class _CsvForm:
    """How a CSV file is written: the names of its columns, the lines before them, and the signs in use."""

    header: list[str]
    skipped: int
    separator: str
    decimal: str


def _csv_form(path: Path) -> _CsvForm:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(islice(file, _LOOKED_AT))
    except FileNotFoundError:
        near = did_you_mean(path.name, _sibling_names(path))
        raise FileError(f"There is no file {str(path)!r}, seen from {str(Path.cwd())!r}.{near}") from None
    except UnicodeDecodeError as error:
        raise FileError(
            f"{str(path)!r} is not text in UTF-8 ({error.reason} at byte {error.start}). "
            "Save the table as CSV in UTF-8; spreadsheets offer it in their export dialog."
        ) from error
    except OSError as error:
        raise FileError(f"{str(path)!r} cannot be read: {error.strerror}. Pass the path of a CSV file.") from error
    skipped = sum(1 for _ in takewhile(_is_remark, lines))
    if skipped == len(lines):
        raise FileError(f"{str(path)!r} is empty. Its first line must name the columns.")
    if skipped and lines[skipped - 1].startswith("#") and _is_numeric(lines[skipped]):
        skipped -= 1  # as numpy.savetxt writes them
        lines[skipped] = lines[skipped].lstrip("#")
    separator = max(_SEPARATORS, key=lines[skipped].count)  # the first where none is there
    header = _fields(path, lines[skipped:], separator)
    blanks = [line.split() for line in lines[skipped : skipped + 2]]
    if len(header) == 1 and len(blanks) == 2 and 1 < len(blanks[0]) == len(blanks[1]) and _are_numbers(blanks[1]):
        raise FileError(
            f"{str(path)!r} has blanks between its fields: {lines[skipped].strip()!r}. Put commas there, or in Python "
            "read it by pandas.read_csv(path, sep=r'\\s+') and pass the frame."
        )
    body = "".join(lines[skipped + 1 :])
    commas = separator != "," and re.search(r"\d,\d", body) and not re.search(r"\d\.\d", body)
    return _CsvForm(header, skipped, separator, "," if commas else ".")


def _is_remark(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _is_numeric(line: str) -> bool:
    return _are_numbers(re.split(r"[,;\t]", line))


def _are_numbers(fields: list[str]) -> bool:
    return all(map(reads_as_number, fields))


def _fields(path: Path, lines: list[str], separator: str) -> list[str]:
    try:
        header = [name.strip() for name in next(csv.reader(lines, delimiter=separator))]
    except csv.Error as error:
        raise FileError(f"{str(path)!r} is not a CSV file: {error}. Save the table as CSV in UTF-8.") from error
    if "" in header:
        raise DataError(
            f"Column {header.index('') + 1} of {str(path)!r} has no name: the first line is "
            f"{separator.join(header)!r}. Name it there, or remove it."
        )
    return header


def _sibling_names(path: Path) -> list[str]:
    return [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []


def has_gaps(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return which rows lack a number in any of these columns, (rows,)."""
    return table[list(columns)].isna().to_numpy().any(axis=1)  # type: ignore[union-attr, return-value]


def check_no_gaps(
    table: pd.DataFrame,
    columns: Sequence[str],
    path: str | PathLike[str],
    *,
    left_out: np.ndarray | bool = False,
    way_out: str = "",
) -> None:
    """Check that no number is missing or infinite in these columns of a table that was read from a file.

    Args:
        table, columns, path: what was read, and from where.
        left_out: (rows,) which are not looked at.
        way_out: what the caller offers where a value is missing.

    Raises:
        DataError: the message names the file, the row below the names of columns counted from 1, and the column.
    """
    for name in columns:
        values = table[name].to_numpy()
        bad = ~(np.isfinite(values) | left_out) if values.dtype.kind == "f" else np.zeros(0, dtype=bool)
        if bad.any():
            row = int(np.argmax(bad))
            kind = "missing" if np.isnan(values[row]) else f"{values[row]:g}"
            raise DataError(
                f"{str(path)!r}: column {name!r} is {kind} in row {row + 1} below the names; {int(bad.sum())} of "
                f"{len(table)} rows are like that. Fill in the values, remove these rows, or leave the column out."
                f"{way_out if kind == 'missing' else ''}"
            )
