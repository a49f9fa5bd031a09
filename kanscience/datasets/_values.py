"""Whatever users hold, as float64 values and the names that came with them.

Frames may come from pandas, polars, pyarrow or any other library that narwhals knows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from numbers import Number
from typing import Any

import numpy as np

from kanscience._checks import check_real_tensor, listed, shown
from kanscience._errors import DataError, ShapeError
from kanscience._typing import ArrayLike


def float_columns(data: ArrayLike, what: str) -> tuple[np.ndarray, list[str] | None]:
    """Return float64 values of whatever shape came in, and the names that came with them."""
    if data is None:
        raise DataError(f"`{what}` is None. Pass a frame or an array.")
    if hasattr(data, "detach"):  # a torch tensor, on any device
        check_real_tensor(what, data)
        return data.detach().cpu().double().numpy().copy(), None
    frame = as_frame(data)
    if frame is not None:
        names = _own_names(data, frame) or None
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


def names_of(data: ArrayLike) -> list[str]:
    """Return the names that came with a frame or a series, none where there are none."""
    frame = as_frame(data)
    if frame is not None:
        return _own_names(data, frame)
    series = _as_series(data)
    return [series.name] if series is not None and isinstance(series.name, str) else []


def as_frame(data: ArrayLike) -> Any:
    """Return a narwhals frame of data that are one, else None."""
    import narwhals as nw

    try:
        frame = nw.from_native(data, pass_through=True)
    except nw.exceptions.DuplicateError:  # pandas allows it; no name would then say which column is meant
        check_distinct(list(data.columns), type(data).__name__)
        raise
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return frame if isinstance(frame, nw.DataFrame) else None


def _as_series(data: ArrayLike) -> Any:
    import narwhals as nw

    series = nw.from_native(data, pass_through=True, allow_series=True)
    return series if isinstance(series, nw.Series) else None


def _own_names(data: Any, frame: Any) -> list[str]:
    """Return the names of a frame's columns, none where its labels are numbers, as pandas gives those of an array."""
    names = list(frame.columns)
    texts = [name for name in names if isinstance(name, str)]
    if not texts:
        return []
    if len(texts) < len(names) or "" in texts:
        label = next(name for name in names if not isinstance(name, str) or not name)
        raise DataError(
            f"one of the columns of {type(data).__name__} is called {label!r}, which is no name, and others have names: "
            f"{listed(filter(None, texts))}. Rename that column, or leave it out."
        )
    check_distinct(names, type(data).__name__)
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
    values = np.empty(len(column), dtype=object)
    for row, value in enumerate(column.to_list()):  # lists in cells would make axes of their own
        values[row] = value
    return _floats_one_by_one(values, f"column {label!r} of `{what}`")


def _float_array(data: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(data)
    except ValueError as error:  # nested lists whose rows differ in length
        raise ShapeError(f"`{what}` is not a rectangular table: {error}.") from error
    except TypeError as error:  # a container of several arrays
        kind = type(data).__name__
        raise DataError(
            f"`{what}` is of the kind {kind}: pass a frame (`{what}.to_dataframe()`), or an array."
        ) from error
    if array.dtype.names:
        raise DataError(f"`{what}` is a structured array: pass pandas.DataFrame({what}), which has its columns.")
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
        except OverflowError:
            raise DataError(
                f"{place[0].upper()}{place[1:]} holds a number beyond the range of floats in row {index[0]}. "
                "Choose another unit."
            ) from None
        except (TypeError, ValueError):
            raise DataError(f"{place[0].upper()}{place[1:]} {_not_numbers(values, index)}") from None
    return floats


def _not_numbers(values: np.ndarray, index: tuple[int, ...]) -> str:
    """Return what a letter says of a column whose value there is no number, and the way out."""
    value = values[index] if index else values.item()
    kind = "text" if isinstance(value, str) else type(value).__name__
    if not index:
        way_out = "the column itself, such as table[name]" if kind == "text" else "a frame, an array or a tensor"
        return f"holds {kind} and not numbers: {shown(value)}. Pass {way_out}."
    numbers = np.array([reads_as_number(other) or isinstance(other, Number) for other in values.flat])
    words = [row for row in np.flatnonzero(~numbers) if isinstance(values.flat[row], str)]
    if words and len(words) < numbers.sum():  # a remark or a line of units made a column of numbers one of text
        row = np.unravel_index(words[0], values.shape)[0]
        return (
            f"holds text among its numbers: {shown(values.flat[words[0]])} in row {row}, {len(words)} in all. "
            "Remove these rows, or leave their field empty, and read the table again."
        )
    hint = " Its numbers are stored as text: convert them first." if reads_as_number(value) else ""
    return (
        f"holds {kind} and not numbers: {shown(value)} in row {index[0]}.{hint} "
        "Leave the column out (on the command line: `--ignore`), or code it as numbers."
    )


def _is_missing(value: Any) -> bool:
    return type(value).__name__ in ("NAType", "NaTType")


def reads_as_number(value: object) -> bool:
    """Return whether it is text that spells a number, decimal commas included."""
    return isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+([.,]\d*)?([eE][-+]?\d+)?\s*", value) is not None


def check_distinct(names: Iterable[str], place: str) -> None:
    """Raise where a name is there twice; ``place`` is where."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{place} has more than one column {listed(twice)}, so a name would not say which is meant. "
            "Rename or remove all but one."
        )
