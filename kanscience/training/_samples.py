"""The rows that a fit sees, checked once at its door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from kanscience._checks import check_finite, check_matrix, check_number
from kanscience._errors import DataError, OptionError, ShapeError
from kanscience.network._tables import as_tensor

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.network import MultKAN


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
    if inputs is None or targets is None:
        raise OptionError("`fit` needs `inputs` and `targets`, or a `loss` of the network.")
    train = _samples(network, inputs, targets, sigma, "inputs", "targets")
    if valid is None:
        return train, None
    if isinstance(valid, (int, float)):
        share = check_number("valid", valid, least=0, most=1, open_ends=True)
        order = torch.randperm(len(train.x), generator=generator)
        held = max(round(share * len(order)), 1)
        if held >= len(order):
            raise DataError(f"holding back {share:.0%} of {len(order)} rows leaves none to train on; pass valid=None.")
        return train.rows(order[held:]), train.rows(order[:held])
    if not isinstance(valid, (tuple, list)) or len(valid) != 2:
        raise OptionError(f"`valid` is a pair (inputs, targets), a share of the rows, or None; not {valid!r}.")
    return train, _samples(network, *valid, None, "valid inputs", "valid targets")


def _samples(network, inputs, targets, sigma, inputs_name, targets_name) -> Samples:
    x = as_tensor(network, inputs)
    check_matrix(inputs_name, x, network.n_inputs)
    check_finite(inputs_name, x, network.input_names)
    y = _as_column_tensor(network, targets, targets_name)
    if len(y) != len(x):
        raise ShapeError(f"`{inputs_name}` has {len(x)} rows and `{targets_name}` has {len(y)}; they must be as many.")
    y = checked_targets(y, len(x), network.n_outputs)
    check_finite(targets_name, y, network.output_names)
    if sigma is None:
        return Samples(x, y)
    errors = torch.as_tensor(np.asarray(sigma, dtype=np.float64).copy()).to(y)
    errors = errors.expand(y.shape) if errors.dim() == 0 else checked_targets(errors, *y.shape, name="sigma")
    check_finite("sigma", errors)
    if not bool((errors > 0).all()):
        raise DataError(f"`sigma` must be above 0 everywhere; its smallest value is {float(errors.min()):g}.")
    return Samples(x, y, errors)


def _as_column_tensor(network: MultKAN, values: ArrayLike, name: str) -> Tensor:
    if isinstance(values, Tensor):
        return values.to(device=network.device, dtype=network.dtype)
    try:
        array = np.asarray(values, dtype=np.float64).copy()  # a frame's own may be read-only
    except (TypeError, ValueError):
        raise DataError(f"`{name}` must hold numbers; it holds {type(values).__name__} that do not convert.") from None
    return torch.as_tensor(array, dtype=network.dtype, device=network.device)


def checked_targets(targets: Tensor, rows: int, outputs: int, name: str = "targets") -> Tensor:
    """Return targets, or what belongs to them, as (N, outputs).

    Raises:
        ShapeError: another number of rows, or of columns than the network has outputs.
    """
    y = targets[:, None] if targets.dim() == 1 else targets
    if y.dim() != 2 or tuple(y.shape) != (rows, outputs):
        raise ShapeError(
            f"`{name}` must have shape ({rows}, {outputs}): one row for each of the {rows} rows of `inputs`, one column "
            f"for each of the network's {outputs} outputs; got {tuple(targets.shape)}."
        )
    return y
