"""Points drawn uniformly from given ranges."""

from collections.abc import Mapping, Sequence

import numpy as np

from kanscience._checks import check_integer, check_interval, check_seed
from kanscience._errors import OptionError
from kanscience._typing import Matrix


def sample_uniform(
    ranges: Mapping[str, Sequence[float]] | Sequence[Sequence[float]], rows: int, *, seed: int | None = None
) -> Matrix:
    """Draw ``rows`` points, every column uniform in its range and independent of the others.

    Args:
        ranges: one (low, high) per column, or a mapping from the columns' names to them; ends included.
        rows: 1 or more.
        seed: the same seed gives the same points; None draws fresh ones.

    Returns:
        Shape (rows, number of ranges), columns in the order of ``ranges``.

    Raises:
        OptionError: no ranges, or one that is not a growing pair of finite numbers.

    Example:
        >>> sample_uniform({"a": (0, 1), "b": (5, 6)}, 1000, seed=0).shape
        (1000, 2)
    """
    named = dict(ranges) if isinstance(ranges, Mapping) else {f"ranges[{i}]": r for i, r in enumerate(ranges)}
    if not named:
        raise OptionError("`ranges` is empty: give one (low, high) per column.")
    rows = check_integer("rows", rows)
    low, high = np.array([check_interval(name, pair) for name, pair in named.items()]).T
    generator = np.random.default_rng(None if seed is None else check_seed(seed))
    return generator.uniform(low, high, size=(rows, len(named)))
