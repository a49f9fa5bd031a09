"""Tables in, checked once, with letters that say what to do: which columns play which role, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from kanscience._checks import check_finite, check_matrix, check_same_rows, did_you_mean, listed
from kanscience._errors import DataError, ShapeError
from kanscience._typing import ArrayLike, Matrix
from kanscience.datasets._values import as_frame, check_distinct, float_columns, names_of, reads_as_number


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
    frame = as_frame(table)
    if frame is None:
        raise DataError(
            f"`table` must be a frame with named columns, got {type(table).__name__}. Pass `pandas.DataFrame(...)`."
        )
    check_distinct(frame.columns, "The table")
    targets = _name_list(target)
    sigmas = _name_list(sigma) if sigma is not None else []
    ignored = _name_list(ignore)
    roles = {"target": targets, "sigma": sigmas, "ignore": ignored, "inputs": _name_list(inputs or ())}
    for role, names in roles.items():
        for name in names:
            _check_column(name, role, frame.columns)
        check_distinct(names, f"`{role}`")
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
        raise DataError(
            f"No column is left as input beside {listed(targets)}: the table has {listed(frame.columns)}. "
            "Name `inputs`, or ignore fewer."
        )
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
    values, own_names = float_columns(X, what)
    check_matrix(what, values)
    if values.shape[1] == 0:
        raise DataError(f"`{what}` has no columns: shape {values.shape}. Pass at least one.")
    chosen = _column_names(names, own_names, values.shape[1], prefix="x", what=what)
    check_finite(what, values, chosen)
    return values, chosen


def as_columns(X: ArrayLike, names: Sequence[str], *, what: str = "X", owner: str = "the network") -> Matrix:
    """Return the inputs of something that takes columns of these names, as `as_matrix` does.

    A frame's columns are found by name, in whatever order they stand. One with none of the names is taken as it
    stands; so is one with some of the names x1, x2, …, which are given where there are none.

    Raises:
        ShapeError, DataError: as ``as_matrix``, where a frame has some of the names, but not all, and where there are
            more or fewer columns than names.

    Example:
        >>> import pandas as pd
        >>> as_columns(pd.DataFrame({"t": [0], "b": [1], "a": [2]}), ["a", "b"])
        array([[2., 1.]])
    """
    frame = as_frame(X)
    missing = [] if frame is None else [name for name in names if name not in frame.columns]
    named = len(missing) < len(names) and (not missing or tuple(names) != plain_names(len(names)))
    if frame is not None and named:
        if missing:
            raise DataError(
                f"`{what}` lacks the columns {listed(missing)}; {owner} takes {listed(names)}. "
                "Pass a frame with all of them, or an array with columns in this order."
            )
        X = frame.select(list(names))
    values, own_names = float_columns(X, what)
    check_matrix(what, values)
    if values.shape[1] != len(names):
        raise ShapeError(
            f"`{what}` has {values.shape[1]} columns and {owner} takes {len(names)}, {listed(names)}: "
            f"shape {values.shape}. Pass these columns, in this order or as a frame with these names."
        )
    check_finite(what, values, own_names or names)
    return values


def check_no_target_among(inputs: Sequence[str], y: ArrayLike, *, what: str = "X") -> None:
    """Raise where one of the inputs' names came with a target too: it would be explained by itself."""
    shared = [name for name in names_of(y) if name in inputs]
    if shared:
        raise DataError(f"{listed(shared)} is both an input and a target. Leave the column out of `{what}`.")


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
    values, own_names = float_columns(y, what)
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


def as_sigma(sigma: ArrayLike, shape: tuple[int, int], targets: Sequence[str] = ()) -> Matrix:
    """Return the standard errors of targets of the given shape, (N, outputs): float64, finite, above 0.

    Args:
        sigma: one number for all, (N,) for every output alike, or (N, outputs), in the unit of the targets.
        shape: of the targets.
        targets: their names; a frame of errors with the same names, in whatever order, is read by them.

    Raises:
        ShapeError: no such shape.
        DataError: a value that is missing, infinite, zero or negative; a frame with some of the names, but not all.

    Example:
        >>> as_sigma(0.1, (2, 1))
        array([[0.1],
               [0.1]])
    """
    if isinstance(sigma, bool | np.bool_):
        raise DataError(f"`sigma` is {sigma}. Pass the standard errors themselves, or None where they are not known.")
    values, names = float_columns(sigma, "sigma")
    if len(targets) > 1 and names and set(names) & set(targets):
        if set(names) != set(targets):
            raise DataError(f"`sigma` has the columns {listed(names)} and the targets are {listed(targets)}.")
        values = values[:, [names.index(name) for name in targets]]
    if values.ndim == 1 and values.shape[0] == shape[0]:
        values = values[:, None]
    if values.shape not in ((), (shape[0], 1), shape):
        raise ShapeError(
            f"`sigma` must have shape {shape}, as the targets, or be one number, or one for each row; "
            f"it has shape {values.shape}."
        )
    check_finite("sigma", values)
    if not (values > 0).all():
        where = tuple(int(i) for i in np.argwhere(~(values > 0))[0])
        value, place = float(values[where]), f" in row {where[0]}" if where else ""
        reason = "0 would let one row decide alone" if value == 0 else "a standard error is a size and has no sign"
        raise DataError(
            f"`sigma` must be above 0, but it is {value:g}{place}: {reason}. Leave that row out, or give its true error."
        )
    return np.broadcast_to(values, shape).copy()


def plain_names(count: int, prefix: str = "x") -> tuple[str, ...]:
    """Return the names of columns that have none: x1, x2, …"""
    return tuple(f"{prefix}{i + 1}" for i in range(count))


def _column_names(
    given: Sequence[str] | None, own: list[str] | None, count: int, *, prefix: str, what: str
) -> tuple[str, ...]:
    if given is None:
        return tuple(own or (plain_names(count, prefix) if prefix else ["y"]))
    names = _name_list(given)
    if len(names) != count:
        raise ShapeError(
            f"`names` has {len(names)} entries and `{what}` {count} columns: {listed(names)}. Pass one name per column."
        )
    wrong = [name for name in names if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise DataError(f"`names` must hold non-empty text, got {listed(wrong)}. Pass a name such as 'x1'.")
    check_distinct(names, "`names`")
    return tuple(names)


def _name_list(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _check_column(name: str, role: str, columns: Sequence[str]) -> None:
    if name not in columns:
        near = did_you_mean(name, columns)
        if all(map(reads_as_number, columns)):
            near = " Are the names missing? The first line of a file names its columns."
        raise DataError(f"There is no column {name!r}, given as `{role}`; the table has {listed(columns)}.{near}")
