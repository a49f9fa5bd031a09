"""A deep network is first trained with as few of its sums as serve.

From random curves a network with more sums than a law needs finds its way more often than a small one. But it ends in one
of many approximations that use all sums, and stays there however fine the grid. So the start that found its way gives up
sum after sum, the least influential first, as long as the others make up for it; what is left is trained level by level,
and stands at last in the whole network, whose other sums carry nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanscience.network import influences, layers_of_equals, with_sums, without_sum
from kanscience.training._courses import Course
from kanscience.training._descent import descend

if TYPE_CHECKING:
    from kanscience.network import MultKAN
    from kanscience.training._run import Run

_CLOSE = 3.0  # times the loss with all sums: that much a coarse grid costs fewer sums that can say the same
_REFUSALS = 3  # sums that cannot be given up, one after the other, until no more are asked


def give_up_sums(run: Run) -> Course[dict[int, list[int]]]:
    """Leave in the run a network with as few sums as serve.

    Args:
        run: a short one, of a start that found its way; its network is replaced.

    Returns:
        By layer, from 0: the sums that stay, as they stood in the network before; nothing where no sum was given up.
    """
    assert run.train is not None
    bound = _CLOSE * run.judged()
    kept = {depth: list(range(run.network.layers[depth].shape.sums)) for depth in layers_of_equals(run.network)}
    refused: set[tuple[int, int]] = set()
    given_up = False
    while len(refused) < _REFUSALS and not run.stopping:
        asked = [place for _, *place in influences(run.network, run.train.x) if tuple(place) not in refused]
        if not asked:
            break
        depth, spared = asked[0]
        before = run.network
        run.network = without_sum(before, depth, spared, run.train.x)
        yield from descend(run, None)
        if run.judged() <= bound:
            del kept[depth][spared]
            refused, given_up = set(), True
        else:
            run.network = before
            refused.add((depth, spared))
    return kept if given_up else {}


def put_back(network: MultKAN, kept: dict[int, list[int]], whole: MultKAN) -> MultKAN:
    """Return a network with the sums of the whole one; those that were not kept carry nothing."""
    places = {}
    for depth, sums in kept.items():
        now = {sum_: place for place, sum_ in enumerate(sums)}
        places[depth] = [now.get(k) for k in range(whole.layers[depth].shape.sums)]
    return with_sums(network, places)
