"""Tables in: CSV files, frames of any library, arrays; checked once, with letters that say what to do.

Everything numeric leaves here as a float64 array and a tuple of names. Frames may come from pandas, polars,
pyarrow or any other library that narwhals knows; pandas is imported only where a frame is made.
"""

from __future__ import annotations

import csv
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import (
    check_choice,
    check_finite,
    check_matrix,
    check_real_tensor,
    check_same_rows,
    did_you_mean,
    listed,
    shown,
)
from .._errors import DataError, FileError, ShapeError
from .._typing import ArrayLike, Matrix

if TYPE_CHECKING:
    import pandas as pd


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
        >>> planets = load_table("planets")
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

    Only an empty field, ``NA``, ``NaN`` and ``null`` are read as missing: a column of names may hold "None".

    Raises:
        FileError: the file is missing, a folder, empty, not UTF-8 text, or not a table.
        DataError: two columns of one name, or no rows.
    """
    import pandas as pd

    path = Path(path)
    header = _csv_header(path)
    _check_distinct(header, f"{path.name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # fields without a column, dropped
            table = pd.read_csv(
                path,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=["", "NA", "NaN", "nan", "null"],
                encoding="utf-8-sig",
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise FileError(
            f"{str(path)!r} is not a table with the columns {listed(header)}: {reason}. "
            "Every line needs as many fields as the first one; put quotes around fields that contain a comma."
        ) from error
    table.columns = header
    if table.empty:
        raise DataError(f"{str(path)!r} has the columns {listed(header)} and no rows below them. Add data.")
    return table


def _csv_header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except FileNotFoundError:
        near = did_you_mean(path.name, _sibling_names(path))
        raise FileError(f"There is no file {str(path)!r}, seen from {str(Path.cwd())!r}.{near}") from None
    except UnicodeDecodeError as error:
        raise FileError(
            f"{str(path)!r} is not text in UTF-8 ({error.reason} at byte {error.start}). "
            "Save the table as CSV in UTF-8; spreadsheets offer it in their export dialog."
        ) from error
    except csv.Error as error:
        raise FileError(f"{str(path)!r} is not a CSV file: {error}. Save the table as CSV in UTF-8.") from error
    except OSError as error:
        raise FileError(f"{str(path)!r} cannot be read: {error.strerror}. Pass the path of a CSV file.") from error
    header = [name.strip() for name in header]
    if not any(header):
        raise FileError(f"{str(path)!r} is empty. Its first line must name the columns.")
    if "" in header:
        raise DataError(
            f"Column {header.index('') + 1} of {str(path)!r} has no name: the first line is "
            f"{','.join(header)!r}. Name it there, or remove it."
        )
    return header


def _sibling_names(path: Path) -> list[str]:
    return [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []


def select_columns(
    table: ArrayLike,
    target: str | Sequence[str],
    *,
    inputs: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    sigma: str | Sequence[str] | None = None,
) -> tuple[Any, Any, Any]:
    """Split a frame into the frames of inputs, targets and standard errors, by the names of columns.

    Args:
        table: a frame of any library.
        target: the column, or columns, to be explained.
        inputs: columns to explain it with, in this order; None takes all that are not named elsewhere.
        ignore: columns to leave out when ``inputs`` is None.
        sigma: the column of standard errors of the target; one a target if there are several.

    Returns:
        ``(inputs, targets, sigma)``, frames of the library that came in; sigma is None where none is named.

    Raises:
        DataError: a name that is not in the table, with the near ones; a column in two roles; no inputs left.
    """
    frame = _as_frame(table)
    if frame is None:
        raise DataError(f"`table` must be a frame with named columns, got {type(table).__name__}.")
    _check_distinct(frame.columns, "The table")
    targets = _name_list(target)
    sigmas = _name_list(sigma) if sigma is not None else []
    ignored = _name_list(ignore)
    roles = {"target": targets, "sigma": sigmas, "ignore": ignored, "inputs": _name_list(inputs or ())}
    for role, names in roles.items():
        for name in names:
            _check_column(name, role, frame.columns)
        _check_distinct(names, f"`{role}`")
    if inputs is None:
        roles["inputs"] = [name for name in frame.columns if name not in {*targets, *sigmas, *ignored}]
    for one, other in combinations(roles, 2):
        shared = [name for name in roles[one] if name in roles[other]]
        if shared:
            raise DataError(
                f"{listed(shared)} is both `{one}` and `{other}`. A column has one role: take it out of one."
            )
    if not targets:
        raise DataError(f"`target` names no column. Choose one of {listed(frame.columns)}.")
    if not roles["inputs"]:
        raise DataError(f"No column is left as input beside {listed(targets)}: the table has {listed(frame.columns)}.")
    if sigmas and len(sigmas) != len(targets):
        raise DataError(f"`sigma` names {len(sigmas)} columns and `target` {len(targets)}: give one per target.")
    return (
        frame.select(roles["inputs"]).to_native(),
        frame.select(targets).to_native(),
        frame.select(sigmas).to_native() if sigmas else None,
    )


def as_matrix(X: ArrayLike, names: Sequence[str] | None = None, *, what: str = "X") -> tuple[Matrix, tuple[str, ...]]:
    """Return a table of inputs as a float64 array of its own, with its columns' names.

    Args:
        X: frame of any library, array, tensor or nested lists, (rows, columns). Booleans count as 0, 1.
        names: one per column; None takes a frame's own names, else "x1", "x2", …
        what: how messages call the table.

    Returns:
        ``(values, names)`` with ``values`` of shape (N, n), finite, in the unit of the data.

    Raises:
        ShapeError: not two axes, or not one name per column.
        DataError: no rows or columns; text, dates, missing or infinite values; a name given twice.

    Example:
        >>> as_matrix([[1, 2], [3, 4]])
        (array([[1., 2.],
               [3., 4.]]), ('x1', 'x2'))
    """
    values, own_names = _float_columns(X, what)
    check_matrix(what, values)
    if values.shape[1] == 0:
        raise DataError(f"`{what}` has no columns: shape {values.shape}. Pass at least one.")
    chosen = _column_names(names, own_names, values.shape[1], prefix="x", what=what)
    check_finite(what, values, chosen)
    return values, chosen


def as_columns(X: ArrayLike, names: Sequence[str], *, what: str = "X", owner: str = "the network") -> Matrix:
    """Return the inputs of something that takes columns of these names, as `as_matrix` does.

    A frame's columns are found by name where it has all of them, in whatever order they stand; else they are taken as
    they stand.

    Raises:
        ShapeError, DataError: as ``as_matrix``, and where there are more or fewer columns than names.

    Example:
        >>> import pandas as pd
        >>> as_columns(pd.DataFrame({"t": [0], "b": [1], "a": [2]}), ["a", "b"])
        array([[2., 1.]])
    """
    frame = _as_frame(X)
    if frame is not None and names and set(names) <= set(frame.columns):
        X = frame.select(list(names))
    values, _ = _float_columns(X, what)
    check_matrix(what, values)
    if values.shape[1] != len(names):
        raise ShapeError(
            f"`{what}` has {values.shape[1]} columns and {owner} takes {len(names)}, {listed(names)}: "
            f"shape {values.shape}. Pass these columns, in this order or as a frame with these names."
        )
    check_finite(what, values, names)
    return values


def as_target(
    y: ArrayLike, names: Sequence[str] | None = None, *, rows: int | None = None, what: str = "y"
) -> tuple[Matrix, tuple[str, ...]]:
    """Return targets as a float64 array (N, outputs) of its own, with their names.

    Args:
        y: (N,) or (N, outputs), in any form that ``as_matrix`` takes; a series gives its name.
        names: one per output; None takes a frame's or series' own, else "y", or "y1", "y2", …
        rows: how many rows the inputs have, if they must agree.
        what: how messages call it.

    Raises:
        ShapeError, DataError: as ``as_matrix``, and where ``rows`` differs.

    Example:
        >>> values, names = as_target([1.0, 2.0, 3.0])
        >>> values.shape, names
        ((3, 1), ('y',))
    """
    values, own_names = _float_columns(y, what)
    if values.ndim == 1:
        values = values[:, None]
    check_matrix(what, values)
    if values.shape[1] == 0:
        raise DataError(f"`{what}` has no columns: shape {values.shape}. Pass at least one.")
    if rows is not None:
        check_same_rows(**{"X": np.empty((rows, 0)), what: values})
    prefix = "y" if values.shape[1] > 1 else ""
    chosen = _column_names(names, own_names, values.shape[1], prefix=prefix, what=what)
    check_finite(what, values, chosen)
    return values, chosen


def as_sigma(sigma: ArrayLike, shape: tuple[int, int], *, what: str = "sigma") -> Matrix:
    """Return the standard errors of targets of the given shape, (N, outputs): float64, finite, above 0.

    Args:
        sigma: one number for all, (N,) for every output alike, or (N, outputs), in the unit of the targets.

    Raises:
        ShapeError: no such shape.
        DataError: a value that is missing, infinite, zero or negative.

    Example:
        >>> as_sigma(0.1, (2, 1))
        array([[0.1],
               [0.1]])
    """
    if isinstance(sigma, bool | np.bool_):
        raise DataError(f"`{what}` is {sigma}. Pass the standard errors themselves, or None where they are not known.")
    values, _ = _float_columns(sigma, what)
    if values.ndim == 1 and values.shape[0] == shape[0]:
        values = values[:, None]
    if values.shape not in ((), (shape[0], 1), shape):
        raise ShapeError(
            f"`{what}` must have shape {shape}, as the targets, or be one number, or one for each row; "
            f"it has shape {values.shape}."
        )
    check_finite(what, values)
    if not (values > 0).all():
        where = tuple(int(i) for i in np.argwhere(~(values > 0))[0])
        value, place = float(values[where]), f" in row {where[0]}" if where else ""
        reason = "0 would let one row decide alone" if value == 0 else "a standard error is a size and has no sign"
        raise DataError(
            f"`{what}` must be above 0, but it is {value:g}{place}: {reason}. Leave that row out, or give its true error."
        )
    return np.broadcast_to(values, shape).copy()


def _float_columns(data: ArrayLike, what: str) -> tuple[np.ndarray, list[str] | None]:
    """Return float64 values of whatever shape came in, and the names that came with them."""
    if data is None:
        raise DataError(f"`{what}` is None. Pass a frame or an array.")
    if hasattr(data, "detach"):  # a torch tensor, on any device
        check_real_tensor(what, data)
        return data.detach().cpu().double().numpy().copy(), None
    frame = _as_frame(data)
    if frame is not None:
        names = _own_names(data, frame)
        labels = names or [str(index) for index in range(len(frame.columns))]
        columns = [
            _float_column(column, label, what) for column, label in zip(frame.iter_columns(), labels, strict=True)
        ]
        values = np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))
        return values, names
    series = _as_series(data)
    if series is not None:
        name = series.name if isinstance(series.name, str) and series.name else None
        return _float_column(series, name or "0", what), [name] if name else None
    return _float_array(data, what), None


def _as_frame(data: ArrayLike) -> Any:
    import narwhals as nw

    try:
        frame = nw.from_native(data, pass_through=True)
    except nw.exceptions.DuplicateError:  # pandas allows it; no name would then say which column is meant
        _check_distinct(list(data.columns), type(data).__name__)
        raise
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return frame if isinstance(frame, nw.DataFrame) else None


def _as_series(data: ArrayLike) -> Any:
    import narwhals as nw

    series = nw.from_native(data, pass_through=True, allow_series=True)
    return series if isinstance(series, nw.Series) else None


def _own_names(data: Any, frame: Any) -> list[str] | None:
    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names):  # pandas numbers the columns of a bare array
        return None
    _check_distinct(names, type(data).__name__)
    return names


def _float_column(column: Any, label: str, what: str) -> np.ndarray:
    import narwhals as nw

    if column.dtype.is_temporal():
        raise DataError(
            f"Column {label!r} of `{what}` holds dates or times ({column.dtype}). Pass a number instead, "
            "such as the seconds or years since the first row, or leave the column out."
        )
    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        return column.cast(nw.Float64).to_numpy().astype(np.float64)  # missing becomes NaN
    return _floats_one_by_one(np.asarray(column.to_list(), dtype=object), f"column {label!r} of `{what}`")


def _float_array(data: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(data)
    except ValueError as error:  # nested lists whose rows differ in length
        raise ShapeError(f"`{what}` is not a rectangular table: {error}.") from error
    if array.dtype.kind == "c":
        raise DataError(f"`{what}` holds complex numbers. Pass real and imaginary parts as two columns.")
    if array.dtype.kind in "mM":
        raise DataError(
            f"`{what}` holds dates or times ({array.dtype}). Pass numbers, such as the years since the first."
        )
    plain = array.dtype.kind in "fiub"
    floats = array.astype(np.float64) if plain else _floats_one_by_one(array.astype(object), f"`{what}`")
    floats[np.ma.getmask(data)] = np.nan  # what a masked array hides is missing
    return floats


def _floats_one_by_one(values: np.ndarray, place: str) -> np.ndarray:
    floats = np.empty(values.shape)
    for index in np.ndindex(values.shape):
        value = values[index]
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            floats[index] = np.nan if value is None or _is_missing(value) else float(value)
        except (TypeError, ValueError):
            row = f"{shown(value)} in row {index[0]}" if index else shown(value)
            hint = " Its numbers are stored as text: convert them first." if _reads_as_number(value) else ""
            kind = "text" if isinstance(value, str) else type(value).__name__
            raise DataError(
                f"{place[0].upper()}{place[1:]} holds {kind} and not numbers: {row}.{hint} "
                "Leave the column out (on the command line: `--ignore`), "
                "or code it as numbers."
            ) from None
    return floats


def _is_missing(value: Any) -> bool:
    return type(value).__name__ in ("NAType", "NaTType")


def _reads_as_number(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+([.,]\d*)?([eE][-+]?\d+)?\s*", value) is not None


def _column_names(
    given: Sequence[str] | None, own: list[str] | None, count: int, *, prefix: str, what: str
) -> tuple[str, ...]:
    if given is None:
        return tuple(own or ([f"{prefix}{i + 1}" for i in range(count)] if prefix else ["y"]))
    names = _name_list(given)
    if len(names) != count:
        raise ShapeError(
            f"`names` has {len(names)} entries and `{what}` {count} columns: {listed(names)}. Pass one name per column."
        )
    wrong = [name for name in names if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise DataError(f"`names` must hold non-empty text, got {listed(wrong)}. Pass a name such as 'x1'.")
    _check_distinct(names, "`names`")
    return tuple(names)


def _name_list(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _check_column(name: str, role: str, columns: Sequence[str]) -> None:
    if name not in columns:
        raise DataError(
            f"There is no column {name!r}, given as `{role}`; the table has {listed(columns)}."
            f"{did_you_mean(name, columns)}"
        )


def _check_distinct(names: Iterable[str], place: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{place} has more than one column {listed(twice)}, so a name would not say which is meant. "
            "Rename or remove all but one."
        )
