"""Many networks fitted at once: from several starts, with several penalties, to several samples of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kanscience._checks import check_integer, check_seed, shown
from kanscience._errors import OptionError, ShapeError
from kanscience.datasets import as_frame
from kanscience.training._courses import Course, Question, followed, together
from kanscience.training._fit import as_callbacks, course_of_fit
from kanscience.training._report import FitReport, Progress
from kanscience.training._side_by_side import SideBySide
from kanscience.training._threads import one_thread

if TYPE_CHECKING:
    from kanscience._typing import ArrayLike
    from kanscience.network import Grid, MultKAN
    from kanscience.training._penalties import Penalty


def fit_many(
    networks: Sequence[MultKAN],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    sigma: ArrayLike | float | None = None,
    valid: tuple[ArrayLike, ArrayLike] | float | None = None,
    rows: Sequence[ArrayLike] | None = None,
    optimizer: str = "auto",
    steps: int | None = None,
    grids: Grid | Sequence[Grid] | None = None,
    move_knots: bool | None = None,
    penalty: Penalty | float | Sequence[Penalty | float | None] | None = None,
    restarts: int = 0,
    shrink: bool | None = None,
    callbacks: Callable[[Progress], Any] | Sequence[Callable[[Progress], Any]] | None = None,
    seed: int | Sequence[int] | None = None,
    threads: int | None = None,
) -> tuple[FitReport, ...]:
    """Train several networks in place, side by side: each as `kanscience.fit` would, all in less time.

    A small network leaves a processor idle between its many short operations. Networks of one structure (width, degree,
    number of knots, what is trained) share them: Levenberg-Marquardt steps of all are computed together, each with a
    damping, a penalty and an end of its own. Others, and other optimisers, are right too, and only take their time.

    Args:
        networks: different objects; of one structure for speed.
        inputs, targets, sigma, optimizer, steps, grids, move_knots, restarts, shrink: as in `kanscience.fit`.
        valid: as there; of a share, every network holds back rows of its own, drawn by its seed.
        rows: for each network the rows that it sees, held-back ones included: indices, which may repeat (a bootstrap), or
            a mask. None: all see all.
        penalty: one for all, or one (or None) for each network.
        callbacks: called with the `Progress` of every network; one that returns True stops the network that it was called
            for.
        seed: network k is fitted with ``seed + k``; or a seed for each.
        threads: of the processor, among which the networks are shared out. None: one for each core. Results do not depend
            on it beyond rounding.

    Returns:
        A report for each network, in their order.

    Raises:
        ShapeError, DataError, OptionError: something is not usable; nothing was changed.

    Example:
        >>> import kanscience as ks, numpy as np
        >>> x = np.linspace(-1, 1, 50)[:, None]
        >>> networks = [ks.MultKAN([1, 2, 1], grid=3, seed=seed) for seed in range(4)]
        >>> reports = ks.fit_many(networks, x, np.exp(x[:, 0]), steps=20)
        >>> max(report.loss for report in reports) < 1e-3
        True
    """
    networks, interrupted = _checked_networks(networks), Event()
    options = {
        "sigma": sigma,
        "valid": valid,
        "optimizer": optimizer,
        "steps": steps,
        "grids": grids,
        "move_knots": move_knots,
        "restarts": restarts,
        "shrink": shrink,
        "callbacks": [*as_callbacks(callbacks), lambda _: interrupted.is_set()],
        "progress": False,
    }
    seeds, penalties = _seeds(seed, len(networks)), _one_each("penalty", penalty, len(networks))
    samples = _samples_of_each(inputs, targets, sigma, rows, len(networks))
    courses = [
        course_of_fit(network, **{**options, **its, "penalty": price, "seed": number})
        for network, its, price, number in zip(networks, samples, penalties, seeds, strict=True)
    ]
    threads = (torch.get_num_threads() if threads is None else check_integer("threads", threads)) or 1
    return tuple(_followed_in_threads(courses, min(threads, len(courses)), interrupted))


def _followed_in_threads(courses: list[Course[FitReport]], threads: int, interrupted: Event) -> list[FitReport]:
    """Follow the courses to their ends, a share of them in each thread; Ctrl-C ends all, each where it is best."""

    def share(some: list[Course[FitReport]]) -> list[FitReport]:
        with torch.enable_grad():
            return followed(together([_watched(course, interrupted) for course in some]), _Interruptible(interrupted))

    with one_thread():
        shares = [courses[k::threads] for k in range(threads)]
        if threads == 1:
            return share(courses)
        with ThreadPoolExecutor(threads, "kanscience", initializer=torch.set_num_threads, initargs=(1,)) as pool:
            futures = [pool.submit(share, some) for some in shares]
            try:
                found = [future.result() for future in futures]
            except KeyboardInterrupt:
                interrupted.set()
                found = [future.result() for future in futures]
    return [found[k % threads][k // threads] for k in range(len(courses))]


def _watched(course: Course[FitReport], interrupted: Event) -> Course[FitReport]:
    report = yield from course
    if report.status == "interrupted":  # one was asked for all of them
        interrupted.set()
    stopped_with_it = interrupted.is_set() and report.status == "stopped"
    return replace(report, status="interrupted") if stopped_with_it else report


class _Interruptible:
    """Answers, until Ctrl-C was pressed: from then on every question raises it, once."""

    def __init__(self, interrupted: Event) -> None:
        self.interrupted, self.told, self.answerer = interrupted, False, SideBySide()

    def __call__(self, questions: Sequence[Question]) -> list[Any]:
        if self.interrupted.is_set() and not self.told:
            self.told = True
            raise KeyboardInterrupt
        return self.answerer(questions)


def _checked_networks(networks: object) -> list[MultKAN]:
    if not isinstance(networks, Sequence) or not networks:
        raise OptionError(f"`networks` is a list of one network or more, not {shown(networks)}.")
    if len({id(network) for network in networks}) < len(networks):
        raise OptionError("`networks` holds the same network twice: each is trained in place, so pass copies.")
    return list(networks)


def _one_each(name: str, value: object, count: int) -> list[Any]:
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise OptionError(f"`{name}` has {len(value)} entries for {count} networks; give one for all, or one for each.")
    return list(value)


def _seeds(seed: object, count: int) -> list[int | None]:
    if seed is None or isinstance(seed, list | tuple):
        return _one_each("seed", seed, count)
    first = check_seed(seed)
    return [first + k for k in range(count)]


def _samples_of_each(
    inputs: Any, targets: Any, sigma: Any, rows: Sequence[ArrayLike] | None, count: int
) -> list[dict[str, Any]]:
    """Return the samples of each network; all have the very same where no rows are chosen."""
    if rows is None:
        return [{"inputs": inputs, "targets": targets}] * count
    if hasattr(inputs, "collect"):  # a lazy frame
        inputs = inputs.collect()
    chosen = [np.asarray(its) for its in _rows_of_each(rows, count)]
    found = []
    for its in chosen:
        if its.ndim != 1 or its.dtype.kind not in "iub":
            raise OptionError(f"`rows` holds indices or a mask for each network, got an entry {shown(its)}.")
        if hasattr(inputs, "__len__"):
            _check_rows_exist(its, len(inputs))
        each = {"inputs": _taken(inputs, its), "targets": _taken(targets, its)}
        if sigma is not None and np.ndim(sigma):
            each["sigma"] = _taken(sigma, its)
        found.append(each)
    return found


def _rows_of_each(rows: Any, count: int) -> list[Any]:
    its = list(rows) if np.iterable(rows) else []
    if len(its) != count or not all(map(np.ndim, its)):
        raise OptionError(
            f"`rows` is a list of {count} arrays, one for each network: indices or a mask; got {shown(rows)}."
        )
    return its


def _check_rows_exist(rows: np.ndarray, count: int) -> None:
    if rows.dtype.kind == "b":
        if len(rows) != count:
            raise ShapeError(f"`rows` holds a mask of {len(rows)} entries for {count} rows. Pass one for each row.")
        return
    outside = rows[(rows < -count) | (rows >= count)]
    if outside.size:
        raise OptionError(f"`rows` names row {outside[0]}, but there are {count}: rows go from 0 to {count - 1}.")


def _taken(values: Any, rows: np.ndarray) -> Any:
    """Return some rows of an array, a tensor or a frame of any kind."""
    if isinstance(values, torch.Tensor):
        return values[torch.as_tensor(rows)]
    frame = as_frame(values)
    if frame is not None:
        return frame[np.flatnonzero(rows) if rows.dtype.kind == "b" else rows].to_native()
    return np.asarray(values)[rows]
