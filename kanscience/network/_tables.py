"""From what users hold, arrays and frames, to the network's tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.network._multkan import MultKAN


def as_tensor(network: MultKAN, X: ArrayLike) -> Tensor:
    """Return (N, inputs) in the network's precision and place.

    A frame's columns are found by the network's input names where it has all of them, in whatever order they stand;
    else they are taken as they stand.
    """
    if isinstance(X, Tensor):
        return X.to(device=network.device, dtype=network.dtype)
    if network.n_inputs == 0 and getattr(X, "shape", ())[1:] == (0,):  # a constant
        return torch.empty(len(X), 0, dtype=network.dtype, device=network.device)  # pyright: ignore[reportArgumentType]
    from kanscience.datasets import as_matrix

    columns = [str(c) for c in getattr(X, "columns", ())]
    named = columns and set(network.input_names) <= set(columns)
    matrix, _ = as_matrix(X[list(network.input_names)] if named else X)
    return torch.as_tensor(matrix, dtype=network.dtype, device=network.device)
