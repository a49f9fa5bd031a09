"""Array aliases with named axes. Tensors are annotated where they are used: this file imports no torch."""

from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

ArrayLike: TypeAlias = Any
"""What public doors take: a torch tensor, a numpy array, a frame of any library, or nested lists."""

Matrix: TypeAlias = Float64[np.ndarray, "row column"]
"""A table of numbers, float64, shape (N, n)."""

Vector: TypeAlias = Float64[np.ndarray, " row"]
"""One number a row, float64, shape (N,)."""

Rows: TypeAlias = Int64[np.ndarray, " _"]
"""Some of the row numbers, int64, counted from 0."""

Edge: TypeAlias = tuple[int, int, int]
"""(layer, source, target): layer counted from 0, target counting subnodes."""

Node: TypeAlias = tuple[int, int]
"""(layer, node): layer 0 holds the inputs."""
