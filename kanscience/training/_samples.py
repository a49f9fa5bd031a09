"""The rows that a fit sees, checked once at its door."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience._checks import check_finite, check_number, shown
from kanscience._errors import DataError, OptionError, ShapeError
from kanscience.datasets import as_sigma, as_target, check_no_target_among, names_of
from kanscience.network import check_network
from kanscience.network._tables import as_tensor

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.network import MultKAN


_MOST = 1e150  # and the least its inverse: squares stay in the range of float64


@dataclass(frozen=True, eq=False)
class Samples:
    """Checked rows: inputs (N, n), targets (N, outputs), standard errors of the targets or None."""

    x: Tensor
    y: Tensor
    sigma: Tensor | None = None

    def rows(self, index: Tensor) -> Samples:
        """Return some of the rows."""
        return Samples(self.x[index], self.y[index], None if self.sigma is None else self.sigma[index])


def checked_samples(
    network: MultKAN,
    inputs: ArrayLike | None,
    targets: ArrayLike | None,
    sigma: ArrayLike | float | None,
    valid: tuple[ArrayLike, ArrayLike] | float | None,
    generator: torch.Generator,
) -> tuple[Samples, Samples | None]:
    """Return the rows to train on and the rows held back, checked; see `kanscience.fit` for the arguments.

    Raises:
        ShapeError, DataError, OptionError: the input is not usable.
    """
    check_network(network)
    if inputs is None or targets is None:
        raise OptionError("`fit` needs `inputs` and `targets`, or a `loss` of the network.")
    train = _samples(network, inputs, targets, sigma, "inputs", "targets")
    if valid is None:
        return train, None
    if isinstance(valid, Real):
        return held_back(train, valid, generator)
    if not isinstance(valid, tuple | list) or len(valid) != 2 or any(part is None for part in valid):
        raise OptionError(f"`valid` is a pair (inputs, targets), a share of the rows, or None; not {shown(valid)}.")
    return train, _samples(network, *valid, None, "valid inputs", "valid targets")


def held_back(samples: Samples, share: object, generator: torch.Generator) -> tuple[Samples, Samples]:
    """Return the rows to train on and a share of them, drawn at random, that is held back."""
    share = check_number("valid", share, least=0, most=1, open_ends=True)
    order = torch.randperm(len(samples.x), generator=generator)
    held = max(round(share * len(order)), 1)
    if held >= len(order):
        raise DataError(f"holding back {share:g} of {len(order)} rows leaves none to train on; pass valid=None.")
    return samples.rows(order[held:]), samples.rows(order[:held])


def _samples(network, inputs, targets, sigma, inputs_name, targets_name) -> Samples:
    if isinstance(targets, str):
        column = f"table[{targets!r}]"
        raise DataError(f"`{targets_name}` is the text {targets!r}: pass the column, {column}, and inputs without it.")
    x = as_tensor(network, inputs, inputs_name)
    # Checked as they came, a tensor's gradient and place aside; what is finite may still be beyond the network's precision.
    values, names = as_target(targets, what=targets_name)
    columns = names_of(inputs)
    used = columns if len(columns) == network.n_inputs else network.input_names
    check_no_target_among(used if columns else (), targets, what=inputs_name)
    if len(values) != len(x):
        raise ShapeError(
            f"`{inputs_name}` has {len(x)} rows and `{targets_name}` has {len(values)}; they must be as many."
        )
    y = torch.as_tensor(values).to(x)
    if y.shape[1] != network.n_outputs:
        raise ShapeError(
            f"`{targets_name}` must have shape ({len(x)}, {network.n_outputs}), one column for each of the network's "
            f"{network.n_outputs} outputs; got {tuple(values.shape)}."
        )
    check_finite(targets_name, y, network.output_names)
    _check_squares(targets_name, y, values)
    if sigma is None:
        return Samples(x, y)
    errors = as_sigma(sigma, (len(y), y.shape[1]), names)
    _check_squares("sigma", torch.as_tensor(errors).to(y), errors)
    return Samples(x, y, torch.as_tensor(errors).to(y))


def _check_squares(name: str, y: Tensor, values: np.ndarray) -> None:
    """Raise where the squares of a column, whose sum is minimised, are none in floating-point numbers."""
    for column, exact in zip(y.T, np.abs(values).max(axis=0), strict=True):
        representable = exact == 0 or (1 / _MOST <= exact <= _MOST and bool(column.any()))
        if not representable:
            raise DataError(
                f"`{name}` reaches {exact:g}, and squares of such numbers leave the range of {y.dtype}: "
                "choose another unit for it."
            )
