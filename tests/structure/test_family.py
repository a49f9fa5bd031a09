"""Three hundred random functions: every block and every kind, exactly."""

from collections import Counter
from itertools import combinations

import mpmath
import numpy as np
import pytest

from kanscience.structure import tree_from_callable
from tests.helpers_structure import ADDITIVE, CURVES, MULTIPLICATIVE, PAIRS, PRIME, TEMPLATES, Sample, sample

FEWEST, FEW, ALL = range(10), range(30), range(300)


some = pytest.mark.parametrize("seeds", [FEWEST, pytest.param(FEW, marks=pytest.mark.slow)], ids=len)


def _found(f, x):
    tree = tree_from_callable(f, x)
    return {block: tree.kind(block) for block in tree.blocks}


def _wrong(seeds, ask) -> list[int]:
    return [known.seed for known in map(sample, seeds) if _found(ask(known), known.x) != known.kinds]


@some
def test_random_trees_are_found_exactly(seeds):
    assert _wrong(seeds, lambda known: known.torch) == []


@some
def test_random_trees_are_found_from_numpy_functions(seeds):
    assert _wrong(seeds, lambda known: known.numpy) == []


@pytest.mark.slow
def test_three_hundred_random_trees():
    assert len(_wrong(ALL, lambda known: known.torch)) <= 1
    assert len(_wrong(ALL, lambda known: known.numpy)) <= 9


# the generator itself


@pytest.mark.slow
def test_the_family_holds_every_pair_of_kinds_often():
    pairs = Counter(pair for seed in ALL for pair in sample(seed).pairs)
    assert min(pairs[pair] for pair in PAIRS) >= 20
    assert set(pairs) == set(PAIRS)


def test_half_of_the_family_is_disguised_and_sizes_run_from_three_to_ten():
    known = [sample(seed) for seed in FEW]
    assert sum(one.disguised for one in known) == len(known) / 2
    sizes = {one.x.shape[1] for one in known}
    assert min(sizes) == 3
    assert max(sizes) == 10


@pytest.mark.parametrize("seed", FEW)
def test_a_disguise_changes_nothing_but_rounding(seed):
    known = sample(seed)
    columns = tuple(known.x.T)
    plain, disguised = known.part.value(columns, np), known.part.value(columns, np, True)
    np.testing.assert_allclose(disguised, plain, atol=1e-9 * plain.std(), rtol=1e-9)
    np.testing.assert_allclose(known.numpy(known.x[:3]), known.numpy(known.x)[:3], rtol=1e-12)


@pytest.mark.parametrize("seed", FEW)
def test_the_truth_of_a_root_is_its_definition(seed):
    """By differences of f over two settings of two parts, without derivatives: what sums and products are."""
    known = sample(seed)
    root = max(known.kinds, key=len)
    inside = [block for block in known.kinds if block < root]
    largest = [block for block in inside if not any(block < other for other in inside)]
    parts = [*largest, *({k} for k in root - frozenset().union(*largest))]
    one, other = (sorted(part) for part in parts[:2])
    with mpmath.workdps(40):
        corners = [_corners(known, one, other, row) for row in range(0, 40, 8)]
        sums = [abs(pp - pm - mp + mm) / (abs(pp - pm) + abs(mp - mm)) for pp, pm, mp, mm in corners]
        # f - c is a product exactly when pp*mm - pm*mp = c*(pp + mm - pm - mp), with one c
        ratios = [(pp * mm - pm * mp, pp + mm - pm - mp, abs(pp * mm)) for pp, pm, mp, mm in corners]
        products = [
            abs(a * ratios[0][1] - b * ratios[0][0]) / (size * abs(b) + mpmath.eps) for a, b, size in ratios[1:]
        ]
    if known.kinds[root] != PRIME:  # whose parts may be coupled in any way
        assert (max(sums) < 1e-20) == (known.kinds[root] == ADDITIVE)
        assert (max(products, default=0) < 1e-20) == (known.kinds[root] == MULTIPLICATIVE) or known.kinds[
            root
        ] == ADDITIVE


def _corners(known: Sample, one: list[int], other: list[int], row: int) -> list:
    """Return f where the variables of two parts come from one row or another: (both, first, second, none)."""
    values = []
    for from_first in (True, False):
        for from_second in (True, False):
            x = known.x[row].copy()
            x[one] = known.x[row + 1, one] if from_first else x[one]
            x[other] = known.x[row + 1, other] if from_second else x[other]
            values.append(known.part.value([mpmath.mpf(float(v)) for v in x], mpmath.mp))
    return values


@pytest.mark.parametrize("seed", FEW)
def test_the_blocks_of_the_truth_act_through_one_number(seed):
    """Exchange rates inside a block do not change with what is outside, here by differences at 40 digits."""
    known = sample(seed)
    step = mpmath.mpf(10) ** -12
    with mpmath.workdps(60):
        for block in known.kinds:
            outside = sorted(frozenset(range(known.x.shape[1])) - block)
            i, j = sorted(block)[0], sorted(block)[-1]
            rates = []
            for row in (0, 1):
                x = [mpmath.mpf(float(v)) for v in known.x[0]]
                for k in outside:
                    x[k] = mpmath.mpf(float(known.x[row, k]))
                rates.append(_slope(known, x, i, step) / _slope(known, x, j, step))
            assert abs(rates[0] - rates[1]) < 1e-8 * abs(rates[0])


def _slope(known: Sample, x: list, k: int, step) -> mpmath.mpf:
    width = step * abs(x[k])
    left, right = ([v + side * width if place == k else v for place, v in enumerate(x)] for side in (-1, 1))
    return (known.part.value(right, mpmath.mp) - known.part.value(left, mpmath.mp)) / (2 * width)


@pytest.mark.parametrize(
    ("size", "place"), [(size, place) for size in TEMPLATES for place in range(len(TEMPLATES[size]))]
)
def test_the_templates_are_neither_sums_nor_products_in_disguise(size, place):
    """log|F_i/F_j| of two arguments has a mixed derivative; with more, no two keep their exchange rate."""

    def f(*u):
        return TEMPLATES[size][place](mpmath.mp, u)

    def rate(i, j, u):
        return mpmath.log(abs(mpmath.diff(f, u, _once(i, size)) / mpmath.diff(f, u, _once(j, size))))

    with mpmath.workdps(40):
        at = tuple(mpmath.mpf(value) / 100 for value in (71, 113, 89, 131)[:size])
        for i, j in combinations(range(size), 2):
            others = [(i, j)] if size == 2 else [(k,) for k in range(size) if k not in (i, j)]
            orders = [tuple(int(k in along) for k in range(size)) for along in others]
            assert max(abs(mpmath.diff(lambda *u, i=i, j=j: rate(i, j, u), at, order)) for order in orders) > 0.01


def _once(k: int, size: int) -> tuple[int, ...]:
    return tuple(int(k == place) for place in range(size))


def test_curves_are_steep_on_their_intervals():
    for name, (curve, (low, high)) in CURVES.items():
        values = curve(np, np.linspace(low, high, 100))
        assert np.isfinite(values).all(), name
        assert np.ptp(values) > 0.3, name
