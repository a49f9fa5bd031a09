"""Which rows are learnt from, and which are held out."""

from dataclasses import dataclass

import numpy as np

from kanscience._checks import check_integer, check_number, check_seed
from kanscience._errors import DataError, OptionError
from kanscience._typing import Rows

FEW_ROWS = 30
"""Below this many rows a single held-out part says little, and cross-validation is used."""


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers, each part ascending; together every row exactly once."""

    train: Rows
    held_out: Rows


def random_split(rows: int, *, fraction: float = 0.2, seed: int | None = None) -> Split:
    """Hold out a random part: ``round(fraction * rows)`` of the rows, at least one, and never all of them.

    Raises:
        OptionError: ``fraction`` is not strictly between 0 and 1.
        DataError: a single row, which cannot be both learnt from and held out.

    Example:
        >>> split = random_split(10, fraction=0.2, seed=0)
        >>> len(split.train), len(split.held_out)
        (8, 2)
    """
    fraction = check_number("fraction", fraction, least=0, most=1, open_ends=True)
    order = _shuffled(rows, seed)
    count = min(max(round(fraction * rows), 1), rows - 1)
    return _split(order, slice(0, count))


def k_folds(rows: int, folds: int = 5, *, seed: int | None = None) -> tuple[Split, ...]:
    """Deal the rows into ``folds`` held-out parts whose sizes differ by at most one.

    Raises:
        OptionError: ``folds`` is below 2 or above the number of rows.
        DataError: a single row.

    Example:
        >>> [len(fold.held_out) for fold in k_folds(13, 5, seed=0)]
        [3, 3, 3, 2, 2]
    """
    order = _shuffled(rows, seed)
    folds = check_integer("folds", folds, least=2)
    if folds > rows:
        raise OptionError(f"`folds` is {folds}, but there are only {rows} rows to deal. Pass at most {rows}.")
    return tuple(_split(order, slice(start, None, folds)) for start in range(folds))


def _shuffled(rows: int, seed: int | None) -> Rows:
    rows = check_integer("rows", rows, least=0)
    if rows < 2:
        raise DataError(
            f"A table of {rows} row{'s' * (rows != 1)} cannot be split into a part to learn from "
            "and a part to check with. Pass at least 2 rows."
        )
    return np.random.default_rng(None if seed is None else check_seed(seed)).permutation(rows)


def _split(order: Rows, held_out: slice) -> Split:
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[held_out]] = True
    return Split(train=np.flatnonzero(~chosen), held_out=np.flatnonzero(chosen))
