"""The front of several targets together, from the fronts of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kanscience.discovery._candidates import Candidate, Front


def joint_front(fronts: Sequence[Front], spreads: Sequence[float], rounding: Sequence[float]) -> Front:
    """Return candidates with one formula a target; a single front comes back as it is.

    The way starts with the simplest formula of every target and takes, step by step, the exchange that lowers the
    mean square most for each operation more. Losses are over the spread of their targets, pure numbers. ``.best``
    holds the best of every front.

    Args:
        fronts: none of them empty.
        spreads: standard deviation of each target, in its unit.
        rounding: loss of each target below which a formula is exact, in its unit.
    """
    if len(fronts) == 1:
        return fronts[0]
    at = [0] * len(fronts)
    way = [_together([front[k] for front, k in zip(fronts, at, strict=True)], spreads)]
    while steps := [
        (_gain(front, at[t], k, spreads[t]), t, k)
        for t, front in enumerate(fronts)
        for k in range(at[t] + 1, len(front))
    ]:
        _, t, k = max(steps)
        at[t] = k
        way.append(_together([front[k] for front, k in zip(fronts, at, strict=True)], spreads))
    picks = [front.best or front[0] for front in fronts]
    best = _together(picks, spreads)
    same = [candidate for candidate in way if candidate.formulas == best.formulas]
    best = same[0] if same else best
    limit = max(r / s for r, s in zip(rounding, spreads, strict=True))
    return Front([*way, best] if not same else way, limit, best=best)


def combined(losses: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Return the root mean square of losses, pure numbers, and its standard error from theirs."""
    loss = math.sqrt(sum(x**2 for x in losses) / len(losses))
    slope = math.sqrt(sum((x * e) ** 2 for x, e in zip(losses, errors, strict=True)))
    return loss, slope / (len(losses) * loss) if loss else 0.0


def _gain(front: Front, now: int, then: int, spread: float) -> float:
    fall = (front[now].loss ** 2 - front[then].loss ** 2) / spread**2
    return fall / max(front[then].complexity - front[now].complexity, 1)


def _together(candidates: Sequence[Candidate], spreads: Sequence[float]) -> Candidate:
    losses = [c.loss / s for c, s in zip(candidates, spreads, strict=True)]
    errors = [c.error / s for c, s in zip(candidates, spreads, strict=True)]
    loss, error = combined(losses, errors)
    return Candidate(
        expression=[formula for c in candidates for formula in c.formulas],
        complexity=sum(c.complexity for c in candidates),
        loss=loss,
        error=error,
        route="; ".join(dict.fromkeys(c.route for c in candidates)),
    )
