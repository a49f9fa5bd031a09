"""The public door: what a fit may be asked for, checked and handed on."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanscience._checks import check_choice, check_integer, check_kind, shown
from kanscience._errors import OptionError
from kanscience.network import FlatView, Grid, check_network, generator_from, rules_of_layers
from kanscience.training._courses import Course, followed
from kanscience.training._few_numbers import STEPS, is_regression
from kanscience.training._levels import train_levels
from kanscience.training._penalties import Penalty, as_penalty
from kanscience.training._report import FitReport, Progress
from kanscience.training._run import Run
from kanscience.training._samples import checked_samples
from kanscience.training._schedule import adopt_names_
from kanscience.training._side_by_side import SideBySide
from kanscience.training._threads import one_thread

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.network import MultKAN

OPTIMIZERS = ("auto", "lm", "lbfgs", "adam")
# Up to here Levenberg-Marquardt is the default.
_JACOBIAN_BYTES = 2**30
_NUMBERS = 4000  # whose normal equations, 128 MB, are factorised in .6 s: 200 steps end within minutes


def fit(
    network: MultKAN,
    inputs: ArrayLike | None,
    targets: ArrayLike | None,
    *,
    sigma: ArrayLike | float | None = None,
    valid: tuple[ArrayLike, ArrayLike] | float | None = None,
    optimizer: str = "auto",
    steps: int | None = None,
    grids: Grid | Sequence[Grid] | None = None,
    move_knots: bool | None = None,
    penalty: Penalty | float | None = None,
    batch_size: int | None = None,
    restarts: int = 0,
    shrink: bool | None = None,
    loss: Callable[[MultKAN], Tensor] | None = None,
    callbacks: Callable[[Progress], Any] | Sequence[Callable[[Progress], Any]] | None = None,
    progress: bool | None = None,
    seed: int | None = None,
) -> FitReport:
    """Train a network in place, from where it stands.

    A law with named constants, few trainable numbers (64 at most) and no curves is a nonlinear regression: it is fitted in
    Moré's trust region, dependable from far away, and ``report.parameters`` tells values and standard errors. A network on a
    GPU is trained by Adam.

    Args:
        network: its trainable numbers are written; nodes and edges never change. Knots may move and be refined.
        inputs: (N, inputs) array, tensor or frame in the user's units; None with a loss of its own.
        targets: (N,) or (N, outputs); None with a loss of its own.
        sigma: standard errors of the targets, one number, (N,) or (N, outputs), in the targets' unit, above 0. Residuals
            weigh ``1 / (sigma**2 + s**2)``, with s the scatter of the model itself, estimated with the fit. Of several
            targets a frame with their names is read by these.
        valid: rows that decide when to stop and which level is best: ``(inputs, targets)``, or the share of the rows
            to hold back (chosen by ``seed``). None: no early stop.
        optimizer: ``"lm"`` (Levenberg-Marquardt), ``"lbfgs"``, ``"adam"``; ``"auto"`` takes the first where its Jacobian
            fits into 1 GiB, of 4000 numbers at most, and no batch size is given, else Adam for a batch size, else L-BFGS.
        steps: most steps of each descent; a level has one, or one for each pull. Default 200 for LM (1000 for laws), 500
            for L-BFGS, 2000 for Adam.
        grids: grid extension, for instance ``(5, 10, 20, 40)``; an entry may be one number a layer. Every level is
            tried; held-back rows decide which one stays, without them the last. ``5`` is ``(5,)``.
        move_knots: whether hidden knots follow their ranges. None: yes, except where a domain was given; True moves the
            given domains of the inputs too, False nothing.
        penalty: what edges pay, see `Penalty`; a number is its strength.
        batch_size: rows a step (Adam).
        restarts: further starts from splines redrawn by the default, the best of which goes on. 0 continues the present
            network. Up to 7 are trained in full. More are heard first (Levenberg-Marquardt): 40 steps of each on a sample
            of the rows, in groups of 8 until one start stands out. With several grids this one is trained with as few
            hidden sums as do as well, and the curves of the others end as zero, unless a level shows that more are
            needed. 30 for deep networks.
        shrink: whether levels are trained with ever weaker pulls, the first level of a fresh network towards straight
            lines, finer ones towards the coarser curves; held-back rows choose. None: where these say that a level
            follows noise; True: from the beginning on, the most careful way; False: never.
        loss: any callable of the network, in place of data: a vector is residuals (least squares), a scalar is
            minimised as it is.
        callbacks: one or several, called with a `Progress` now and then; one that returns True stops the fit.
        progress: a bar. None: in terminals, after a second.
        seed: of held-back rows, batches and restarts.

    Returns:
        What happened; a poor fit is a value there, not an error.

    Raises:
        ShapeError, DataError, OptionError: the input is not usable; nothing was changed.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.linspace(-1, 1, 50)[:, None]
        >>> network = ks.MultKAN([1, 1], seed=0)
        >>> report = ks.fit(network, x, np.exp(x[:, 0]))
        >>> report.loss < 1e-3
        True

    Source: Levenberg-Marquardt: Nielsen, IMM report 1999-05; laws: Moré, Lecture Notes in Mathematics 630 (1978) 105; grid
        extension: Liu et al., arXiv 2404.19756.
    """
    course = course_of_fit(
        network,
        inputs,
        targets,
        sigma=sigma,
        valid=valid,
        optimizer=optimizer,
        steps=steps,
        grids=grids,
        move_knots=move_knots,
        penalty=penalty,
        batch_size=batch_size,
        restarts=restarts,
        shrink=shrink,
        loss=loss,
        callbacks=callbacks,
        progress=progress,
        seed=seed,
    )
    with one_thread(), torch.enable_grad():
        return followed(course, SideBySide())


def course_of_fit(
    network: MultKAN,
    inputs: ArrayLike | None,
    targets: ArrayLike | None,
    *,
    sigma: ArrayLike | float | None = None,
    valid: tuple[ArrayLike, ArrayLike] | float | None = None,
    optimizer: str = "auto",
    steps: int | None = None,
    grids: Grid | Sequence[Grid] | None = None,
    move_knots: bool | None = None,
    penalty: Penalty | float | None = None,
    batch_size: int | None = None,
    restarts: int = 0,
    shrink: bool | None = None,
    loss: Callable[[MultKAN], Tensor] | None = None,
    callbacks: Callable[[Progress], Any] | Sequence[Callable[[Progress], Any]] | None = None,
    progress: bool | None = None,
    seed: int | None = None,
) -> Course[FitReport]:
    """Check what `fit` takes, and return its course; nothing is changed before it is followed."""
    check_network(network)
    if network.dtype not in (torch.float32, torch.float64):
        raise OptionError(f"networks are fitted in float64 or float32, not in {network.dtype}: fit network.double().")
    check_choice("optimizer", optimizer, OPTIMIZERS)
    restarts = check_integer("restarts", restarts, least=0)
    steps = None if steps is None else check_integer("steps", steps, least=0)
    batch_size = None if batch_size is None else check_integer("batch_size", batch_size)
    penalty = as_penalty(penalty, len(network.layers))
    for name, flag in (("move_knots", move_knots), ("shrink", shrink), ("progress", progress)):
        if flag is not None:
            check_kind(name, flag, bool, "Pass True, False or None.")
    called = as_callbacks(callbacks)
    levels = [rules_of_layers(grid, len(network.layers), "a level of `grids`") for grid in _as_levels(grids)]
    generator = generator_from(seed)
    train, held = None, None
    if loss is None:
        train, held = checked_samples(network, inputs, targets, sigma, valid, generator)
    else:
        _check_own_loss(network, loss, inputs, targets)
        _check_without_rows(sigma=sigma, valid=valid, penalty=penalty, shrink=shrink, move_knots=move_knots)
    run = Run(network, train, held, loss, penalty, move_knots, called, generator)
    run.optimizer = _chosen_optimizer(optimizer, run, batch_size)
    _check_inference_mode(network, run.optimizer)
    usual = STEPS if is_regression(run) else {"lm": 200, "lbfgs": 500, "adam": 2000}[run.optimizer]
    run.steps = usual if steps is None else steps
    run.batch_size, run.shrink = batch_size, shrink
    return _named(inputs, targets, run, train_levels(run, levels, restarts, progress))


def _named(inputs: Any, targets: Any, run: Run, course: Course[FitReport]) -> Course[FitReport]:
    adopt_names_(run.network, inputs, targets)
    run.begun = time.perf_counter()
    return (yield from course)


def _chosen_optimizer(optimizer: str, run: Run, batch_size: int | None) -> str:
    if run.network.device.type != "cpu":
        if optimizer in ("lm", "lbfgs"):
            raise OptionError(
                f"optimizer {optimizer!r} computes on the processor, and the network lies on {run.network.device}: "
                "pass optimizer='adam', or fit network.cpu()."
            )
        return "adam"
    if batch_size is not None:
        if optimizer not in ("auto", "adam"):
            raise OptionError(f"`batch_size` belongs to optimizer 'adam', not to {optimizer!r}, which sees all rows.")
        if run.train is None:
            raise OptionError("`batch_size` needs `inputs` and `targets`; a loss of its own draws its own batches.")
        return "adam"
    if run.train is None:
        value = run.loss(run.network)  # type: ignore[misc]
        if optimizer == "lm" and value.dim() == 0:
            raise OptionError("optimizer 'lm' needs a loss that returns a vector of residuals, not a scalar.")
        return optimizer if optimizer != "auto" else ("lbfgs" if value.dim() == 0 else "lm")
    size = FlatView(run.network).size * run.train.y.numel() * 8
    if optimizer == "auto":
        return "lm" if size <= _JACOBIAN_BYTES and FlatView(run.network).size <= _NUMBERS else "lbfgs"
    return optimizer


def _check_inference_mode(network: MultKAN, optimizer: str) -> None:
    """Raise where torch has no gradients, or may not write the network's numbers."""
    inside = torch.is_inference_mode_enabled()
    if inside and optimizer != "lm":
        raise OptionError(f"{optimizer!r} needs gradients, and torch.inference_mode() has none: call `fit` outside it.")
    if not inside and network.layers[0].splines.low.is_inference():
        raise OptionError(
            "the network was made inside torch.inference_mode(), so its numbers cannot be written outside it. "
            "Make it and fit it at one place."
        )


def _as_levels(grids: Grid | Sequence[Grid] | None) -> list[Grid]:
    """Return the levels of a schedule; one grid alone is a schedule of one level."""
    if grids is None:
        return []
    return [grids] if isinstance(grids, str) or not isinstance(grids, Iterable) else list(grids)


def as_callbacks(callbacks: object) -> list[Callable[[Progress], Any]]:
    """Return what is called; one function alone, or None, does as well."""
    if callbacks is None:
        return []
    called: list[Any] = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    if not all(map(callable, called)):
        raise OptionError(f"`callbacks` are functions of a Progress, got {shown(callbacks)}.")
    for callback in called:
        try:
            inspect.signature(callback).bind(None)
        except TypeError as reason:
            raise OptionError(
                f"`callbacks` are called with one Progress, and {shown(callback)} cannot be: {reason}. "
                "Write one as `def told(line): print(line.step, line.loss)`."
            ) from None
        except ValueError:  # written in C, and does not say what it takes
            pass
    return called


def _check_own_loss(network: MultKAN, loss: object, inputs: ArrayLike | None, targets: ArrayLike | None) -> None:
    if not callable(loss):
        raise OptionError(f"`loss` is a function of the network, got {shown(loss)}.")
    if inputs is not None or targets is not None:
        raise OptionError("give either `inputs` and `targets`, or a `loss` that holds its own data, not both.")
    if bool(network.layers[0].splines.waiting().any()):
        raise OptionError(
            "a loss without inputs needs a network with a given domain: MultKAN(..., domain=(low, high))."
        )
    with torch.enable_grad():
        value = loss(network)
    if not isinstance(value, Tensor) or not value.is_floating_point():
        kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise OptionError(f"`loss` must return a tensor of floating-point numbers, got {kind}.")
    if not value.requires_grad and FlatView(network).size:
        raise OptionError(
            "`loss` returns a tensor that does not follow the network's numbers: compute it from network(x) with torch, "
            "without detach(), item() or numpy()."
        )


def _check_without_rows(**options: object) -> None:
    for name, value in options.items():
        if value is not None and value is not False:
            raise OptionError(
                f"`{name}` belongs to `inputs` and `targets`, and cannot be used with a loss of one's own. "
                "Put it into the loss."
            )
