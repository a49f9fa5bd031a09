"""The guards at the public door. Each message states the rule, shows the value, and offers the way out.

Arrays may be numpy arrays or torch tensors; neither library is imported before one of its arrays arrives.
"""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

from ._errors import DataError, FileError, OptionError, ShapeError

MAX_DEGREE = 5
_MOST_SEED = 2**63 - 1  # what every generator takes


def check_integer(name: str, value: object, *, least: int = 1, most: int | None = None) -> int:
    """Return ``value`` as an ``int`` inside ``[least, most]``; numpy integers are welcome, bools are not."""
    allowed = f"an integer of {least} or more" if most is None else f"an integer from {least} to {most}"
    try:
        number = operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise OptionError(f"`{name}` must be {allowed}, got {shown(value)}.") from None
    if isinstance(value, bool) or number < least or (most is not None and number > most):
        raise OptionError(f"`{name}` must be {allowed}, got {shown(value)}.")
    return number


def check_seed(seed: object) -> int:
    """Return ``seed`` as an ``int`` that every generator takes."""
    return check_integer("seed", seed, least=0, most=_MOST_SEED)


def check_grid(grid: object) -> int:
    """Return ``grid``, the number of intervals of a knot vector: 1 or more."""
    try:
        return check_integer("grid", grid)
    except OptionError as error:
        raise OptionError(
            f"{error} It counts the intervals of every curve: 5 is the usual start, 1 the coarsest."
        ) from None


def check_degree(degree: object) -> int:
    """Return ``degree``, the polynomial degree of splines: 0 to 5."""
    try:
        return check_integer("degree", degree, least=0, most=MAX_DEGREE)
    except OptionError as error:
        raise OptionError(f"{error} 3 gives cubic splines, 1 broken lines, 0 steps.") from None


def check_number(
    name: str, value: object, *, least: float = -math.inf, most: float = math.inf, open_ends: bool = False
) -> float:
    """Return ``value`` as a finite float inside ``[least, most]``; ``open_ends`` leaves the ends out."""
    finite = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    number = float(value) if finite else math.nan  # pyright: ignore[reportArgumentType]
    inside = least < number < most if open_ends else least <= number <= most
    if not inside:
        bounds = f"{'above' if open_ends else 'at least'} {least:g}" if least > -math.inf else ""
        upper = f"{'below' if open_ends else 'at most'} {most:g}" if most < math.inf else ""
        rule = " and ".join(part for part in (bounds, upper) if part)
        raise OptionError(f"`{name}` must be a finite number{f' {rule}' if rule else ''}, got {shown(value)}.")
    return number


def check_interval(name: str, pair: object) -> tuple[float, float]:
    """Return ``(low, high)`` with finite ``low < high``."""
    way_out = f"Write `{name}=(low, high)` with low < high."
    if isinstance(pair, str | Mapping) or not isinstance(pair, Iterable):
        raise OptionError(f"`{name}` must be a pair of numbers, got {shown(pair)}. {way_out}")
    ends = tuple(pair)
    if len(ends) != 2:
        raise OptionError(f"`{name}` must be a pair of numbers, got {len(ends)} of them: {shown(pair)}. {way_out}")
    low, high = (check_number(name, end) for end in ends)
    if not low < high:
        raise OptionError(f"`{name}` must grow from left to right, got ({low:g}, {high:g}). {way_out}")
    if not math.isfinite(high - low):
        raise OptionError(f"`{name}` is too wide for floating-point numbers: ({low:g}, {high:g}). Choose other units.")
    return low, high


def check_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` if it is among ``choices``; the message lists them and guesses what was meant."""
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    raise OptionError(f"`{name}` must be one of {listed(known)}, got {shown(value)}.{did_you_mean(value, known)}")


def check_width(width: object) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Read a width such as ``[2, (3, [2, 3]), 1]`` into ``(sums, arities)`` layer by layer, inputs first.

    A plain integer is that many sums; ``(5, 2)`` is five sums and two products of two factors each;
    ``(3, [2, 3])`` is three sums and one product of two, one of three factors.

    Raises:
        OptionError: fewer than two layers, an empty layer, products among the inputs, a product of one.

    Example:
        >>> check_width([2, (3, [2, 3]), 1])
        ((2, ()), (3, (2, 3)), (1, ()))
    """
    if isinstance(width, str) or not isinstance(width, Iterable):
        raise OptionError(f"`width` must be a list, one entry a layer, such as [2, 5, 1]; got {width!r}.")
    entries = list(width)
    if len(entries) < 2:
        raise OptionError(f"`width` needs the inputs and at least one layer, such as [2, 5, 1]; got {entries!r}.")
    if isinstance(entries[0], Sequence):
        raise OptionError(
            f"`width` must begin with the number of inputs, a plain integer; got {entries[0]!r}. "
            "Products begin in the layer after the inputs."
        )
    return tuple(_layer_width(index, entry) for index, entry in enumerate(entries))


def _layer_width(index: int, entry: Any) -> tuple[int, tuple[int, ...]]:
    where = f"width[{index}]"
    if not isinstance(entry, Sequence) or isinstance(entry, str):
        return check_integer(where, entry), ()
    if len(entry) != 2:
        raise OptionError(
            f"`{where}` must be a number of sums, or a pair (sums, products); got {entry!r}. "
            "(3, 2) is three sums and two products of two, (3, [2, 3]) a product of two and one of three."
        )
    sums = check_integer(f"{where}[0]", entry[0], least=0)
    if isinstance(entry[1], Sequence) and not isinstance(entry[1], str):
        arities = tuple(check_integer(f"{where}[1][{i}]", arity, least=2) for i, arity in enumerate(entry[1]))
    else:
        arities = (2,) * check_integer(f"{where}[1]", entry[1], least=0)
    if not sums and not arities:
        raise OptionError(f"`{where}` is an empty layer, {entry!r}: give it at least one sum or one product.")
    return sums, arities


def check_kind(name: str, value: object, kind: type, way_out: str) -> None:
    """Check that ``value`` is of this class, whose name the message says."""
    if not isinstance(value, kind):
        raise OptionError(f"`{name}` must be a {kind.__name__}, got {shown(value)}. {way_out}")


def check_path(path: object) -> Path:
    """Return ``path`` as a ``Path``: text that is not empty and can name a file, or what stands for a path."""
    if not isinstance(path, str | PathLike) or not str(path):
        raise FileError(f"`path` must be the name of a file or folder, got {shown(path)}.")
    checked = Path(path)  # pyright: ignore[reportArgumentType]
    with suppress(RuntimeError):  # a name that only begins with ~, and is nobody's
        checked = checked.expanduser()
    try:
        checked.exists()
    except OSError as reason:  # too long a name, say
        raise FileError(f"{shown(str(path))} names no file: {reason.strerror}. Pass another path.") from None
    return checked


def check_real_tensor(name: str, tensor: Any) -> None:
    """Check that a torch tensor holds real numbers, each in its place."""
    if tensor.is_complex():
        raise DataError(f"`{name}` holds complex numbers. Pass real and imaginary parts as two columns.")
    if tensor.is_sparse or "strided" not in str(tensor.layout):
        raise DataError(f"`{name}` is a sparse tensor. Pass `{name}.to_dense()`.")


def check_matrix(name: str, array: Any, columns: int | None = None, *, owner: str = "the network") -> None:
    """Check that ``array`` has shape (N, ``columns``) with N of 1 or more; ``owner`` needs them."""
    shape = tuple(array.shape)
    if len(shape) != 2:
        raise ShapeError(
            f"`{name}` must have shape (rows, columns), got {shape}. "
            f"For one column, pass `{name}.reshape(-1, 1)` (of a frame, `table[[column]]`); for one row, "
            f"`{name}.reshape(1, -1)`."
        )
    if columns is not None and shape[1] != columns:
        raise ShapeError(
            f"`{name}` has {shape[1]} columns and {owner} takes {columns}: shape {shape}. "
            f"Pass the {columns} columns that belong to it, in their order."
        )
    if shape[0] == 0:
        raise DataError(f"`{name}` is empty: shape {shape}. Pass at least one row.")


def check_same_rows(**arrays: Any) -> int:
    """Check that all arrays have as many rows as the first; returns that number.

    Example:
        >>> import numpy as np
        >>> check_same_rows(inputs=np.zeros((3, 2)), targets=np.zeros(3))
        3
    """
    rows = {name: tuple(array.shape)[0] for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        found = ", ".join(f"`{name}` has {count}" for name, count in rows.items())
        raise ShapeError(f"One row of each belongs to one measurement, but {found}. Pass arrays of equal length.")
    return next(iter(rows.values()))


def check_finite(name: str, array: Any, columns: Sequence[str] | None = None) -> None:
    """Check that a (N,) or (N, n) array holds neither NaN nor infinity; the message says where."""
    import numpy as np

    finite = np.asarray(array.detach().cpu().double().numpy() if hasattr(array, "detach") else array)
    finite = np.isfinite(finite)
    if finite.all():
        return
    where = tuple(int(i) for i in np.argwhere(~finite)[0])
    value = float(array[where])
    place = f"row {where[0]}" if where else "it"
    if len(where) > 1:
        place += f", column {repr(columns[where[1]]) if columns else where[1]}"
    kind = "missing (NaN)" if math.isnan(value) else f"{value:g}"
    count = int((~finite).sum())
    raise DataError(
        f"`{name}` must hold finite numbers, but the value in {place} is {kind}; "
        f"{count} of {finite.size} values are not finite. "
        f"Leave those rows out, or fill in the values, before passing `{name}`."
    )


def shown(value: object, most: int = 80) -> str:
    """Write a value for a message, cut after ``most`` characters.

    Example:
        >>> shown("five"), shown(list(range(100)), most=12)
        ("'five'", '[0, 1, 2, 3,… (list)')
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= most else f"{text[:most]}… ({type(value).__name__})"


def listed(names: Iterable[object], most: int = 30) -> str:
    """Write names for a message: quoted, with commas, cut after ``most``.

    Example:
        >>> listed(["a", "b"])
        "'a', 'b'"
    """
    known = [repr(name) for name in names]
    rest = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + rest


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" with the nearest choices, or nothing where none is near.

    Example:
        >>> did_you_mean("periodyr", ["period_yr", "mass"])
        " Did you mean 'period_yr'?"
    """
    folded = str(name).casefold()
    by_folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(folded, list(by_folded), n=3, cutoff=0.6)
    near += [choice for choice in by_folded if len(folded) > 1 and folded in choice and choice not in near]
    if not near:
        return ""
    return f" Did you mean {' or '.join(repr(by_folded[match]) for match in near[:3])}?"
