"""Whatever can be called, as functions of one output each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from kanscience._errors import DataError, OptionError, ShapeError
from kanscience._typing import ArrayLike, Matrix, Vector
from kanscience.datasets import as_columns, as_matrix, names_of
from kanscience.structure._derivatives import spread_of
from kanscience.structure._differences import ArrayFunction
from kanscience.structure._exact import TorchFunction

if TYPE_CHECKING:
    from kanscience.structure._derivatives import Function

_SAME, _SAME_SIZE = 1e-5, 1e-6  # of the spread and of the size: float32 answers differ by less with the batch


def points_for(f: Any, x: ArrayLike, names: Sequence[str] | None) -> tuple[Matrix, tuple[str, ...]]:
    """Return points and the names of their columns; a network's inputs are found by name in a frame."""
    if not callable(f):
        raise OptionError(
            f"a function of the points is needed, not {type(f).__name__}; of a table ask `ks.discover_tree(X, y)`, and "
            "of a network fitted to it this."
        )
    inputs, columns = getattr(f, "input_names", ()), names_of(x)
    if columns and set(inputs) & set(columns):
        x = as_columns(x, inputs, what="x")
        names = names or (inputs if set(inputs) <= set(columns) else columns)
    points, known = as_matrix(x, names, what="x")
    own = not names and not columns and len(inputs) == len(known)  # a law knows what the columns of an array are
    return points, tuple(inputs) if own else known


def functions_of(f: Callable[..., Any], x: Matrix) -> list[Function]:
    """Return the outputs of a callable, each as a function that can be differentiated.

    Torch functions are differentiated by torch: they are known by what they return for a tensor that wants a gradient.
    All others are asked for arrays and differentiated by differences. Modules are asked as a float64 copy.

    Raises:
        OptionError: f is not callable, or takes neither tensors nor arrays.
        ShapeError: it does not return one row for each row of x.
        DataError: it returns something that is no real number, or a row's answer depends on the other rows.
    """
    if isinstance(f, nn.Module):
        f = copy.deepcopy(f).cpu().double().eval().requires_grad_(False)
    points = torch.from_numpy(x).requires_grad_()
    try:
        with torch.enable_grad():
            answer = f(points)
    except Exception as reason:  # a function of arrays may fail in any way when it meets a tensor
        return _functions_of_arrays(f, x, reason)
    if isinstance(answer, Tensor) and answer.requires_grad:
        outputs = _columns(answer, len(x)).shape[1]
        epsilon = torch.finfo(answer.dtype).eps
        return _with_rows_alone([_torch_function(f, output, epsilon) for output in range(outputs)], x)
    return _functions_of_arrays(_detached(f) if isinstance(answer, Tensor) else f, x, None)


def _with_rows_alone(functions: list[Function], x: Matrix) -> list[Function]:
    """Return the functions, if their answer for a row is always the same, whatever rows are asked with it."""
    some = np.arange(len(x))[::-3]
    for function in functions:
        value = function.values(x)
        among_all, among_some = value[some], function.values(x[some])
        known = np.isfinite(value)
        both = np.isfinite(among_all) & np.isfinite(among_some)
        if not both.any():
            continue
        largest = np.abs(value[known]).max()
        allowed = _SAME * spread_of(value[known]) + _SAME_SIZE * largest
        if (worst := np.abs(among_all[both] - among_some[both]).max()) > allowed:
            raise DataError(
                f"the function's answer for a row changes by up to {worst:.2g} when it is asked with other rows, or "
                "again: means over the batch, running sums, batch normalisation, dropout and random numbers do that. "
                "Make each row's answer its own (for a module inside: `.eval()`)."
            )
    return functions


def _torch_function(f: Callable[[Tensor], Tensor], output: int, epsilon: float) -> Function:
    return TorchFunction(lambda x: _columns(f(x), len(x))[:, output], epsilon)


def _functions_of_arrays(f: Callable[[Matrix], Any], x: Matrix, failed: Exception | None) -> list[Function]:
    try:
        with np.errstate(all="ignore"):
            answer = f(x.copy())
    except Exception as reason:
        about_tensors = f"For a tensor it raised {_said(failed)}. " if failed else ""
        raise OptionError(
            f"the function can be asked neither with a tensor nor with an array of shape {x.shape}: "
            f"{about_tensors}For an array it raised {_said(reason)}."
        ) from reason
    outputs = _array_columns(answer, len(x)).shape[1]
    return _with_rows_alone([_array_function(f, output) for output in range(outputs)], x)


def _array_function(f: Callable[[Matrix], Any], output: int) -> Function:
    def column(x: Matrix) -> Vector:
        return _array_columns(f(x.copy()), len(x))[:, output]

    return ArrayFunction(column)


def _detached(f: Callable[[Tensor], Tensor]) -> Callable[[Matrix], np.ndarray]:
    return lambda x: f(torch.from_numpy(x)).detach().numpy()


def _array_columns(answer: Any, rows: int) -> Matrix:
    if isinstance(answer, Tensor):
        answer = answer.detach().cpu().numpy()
    _check_real(answer)
    try:
        values = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"the function must return numbers, not {type(answer).__name__}: {answer!r}.") from None
    return _columns(np.full(rows, values) if values.ndim == 0 else values, rows)


def _columns(answer: Any, rows: int) -> Any:
    """Return (N, outputs), from tensors and arrays alike."""
    shape = tuple(answer.shape)
    _check_real(answer)
    if len(shape) not in (1, 2) or shape[0] != rows or 0 in shape:
        raise ShapeError(
            f"the function must return one row for each of the {rows} rows it gets, shape ({rows},) or "
            f"({rows}, outputs); it returned shape {shape}."
        )
    return answer if len(shape) == 2 else answer[:, None]


def _check_real(answer: Any) -> None:
    if answer is None:
        raise DataError("the function returned None. Let it return a number for each row.")
    if torch.is_complex(answer) if isinstance(answer, Tensor) else np.iscomplexobj(answer):
        raise DataError("the function must return real numbers, not complex ones. Ask its `.real`, `.imag` or `abs`.")


def _said(reason: Exception | None) -> str:
    return f"{type(reason).__name__}: {' '.join(str(reason).split())[:200]}"
