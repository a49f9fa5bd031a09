"""From what users hold, arrays and frames, to the network's tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kanscience._checks import check_finite, check_matrix, check_real_tensor
from kanscience._transforms import inside_transform
from kanscience.datasets import as_columns

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.network._multkan import MultKAN


def as_tensor(network: MultKAN, X: ArrayLike, what: str = "X") -> Tensor:
    """Return (N, inputs) in the network's precision and place, finite; messages call it ``what``.

    A frame's columns are found by the network's input names, in whatever order they stand; a frame with none of these
    names is taken as it stands.

    Raises:
        ShapeError, DataError: it is no table of real numbers with a column for each input, or a frame with some of the
            names only.
    """
    if isinstance(X, Tensor):
        check_real_tensor(what, X)
        x = X.to(device=network.device, dtype=network.dtype)
    else:
        matrix = as_columns(X, network.input_names, what=what)
        x = torch.as_tensor(matrix, dtype=network.dtype, device=network.device)
    check_rows(network, x, what)
    return (
        x.contiguous()
    )  # on some processors last bits depend on the layout: the same rows shall give the same results


def check_rows(network: MultKAN, x: Tensor, what: str) -> None:
    """Raise unless ``x`` is a (N, inputs) tensor of real, finite numbers."""
    check_matrix(what, x, network.n_inputs)
    if inside_transform(x) or not x.numel():
        return
    check_real_tensor(what, x)
    low, high = x.detach().aminmax()  # one pass over memory; NaN where there is any
    if not (math.isfinite(low) and math.isfinite(high)):
        check_finite(what, x, network.input_names)
