"""A bar that shows what is going on, and how much time has passed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_REFRESH = 0.3  # seconds


@contextmanager
def time_bar(budget: float | None, progress: bool | None) -> Iterator[Callable[[str], None]]:
    """Show the passing of time inside this block; yields a function that says what is going on.

    Args:
        budget: seconds at which the bar is full; None: there is no end in sight, and only the seconds are told.
        progress: whether there is a bar; None: in terminals only.
    """
    from tqdm import tqdm

    total = None if budget is None else math.ceil(budget)
    begun, over = time.monotonic(), threading.Event()
    form = "{desc}{n:.0f} s" if total is None else "{desc}{percentage:3.0f}%|{bar}| {n:.0f} of {total:.0f} s"
    disable = None if progress is None else not progress
    with tqdm(total=total, disable=disable, leave=False, bar_format=form) as bar:

        def show() -> None:
            while not over.wait(_REFRESH):
                bar.n = min(time.monotonic() - begun, math.inf if total is None else total)
                bar.refresh()

        thread = threading.Thread(target=show, daemon=True)
        if not bar.disable:
            thread.start()
        try:
            yield bar.set_description
        finally:
            over.set()
            if thread.is_alive():
                thread.join()
