"""The scale in which a node of the tree is judged: f itself at the root, the sibling's below a generalised sum.

Where f = F(g(x_A) + h(x_B), rest), the ratio f_i/f_l of i in A and l in B is g_i/h_l: with l as the yardstick, the
derivatives of g are known at every point, without a slice and without an integral. Here they are, multiplied by
powers of f_l so that nothing is divided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from kanscience.structure._derivatives import Derivatives

Pooled = Float[np.ndarray, " sample"]

_MOST_YARDSTICKS = 3
_MOST_PER_CHILD = 3

Yardsticks = tuple[int, ...]  # siblings' variables; none: f itself is the scale


@dataclass(frozen=True, eq=False)
class PairDerivatives:
    """Derivatives of a node's value v in two variables, over the points (and the yardsticks, one after the other).

    Args:
        i, j, ii, ij, jj, iij, ijj: derivatives of v.
        terms: sum of the sizes of the terms of ``ij``.
        yard: size of the yardstick's derivative f_l, 1 where f is the scale.
        noise: of ii, ij, jj, iij, ijj, in that order.
    """

    i: Pooled
    j: Pooled
    ii: Pooled
    ij: Pooled
    jj: Pooled
    iij: Pooled
    ijj: Pooled
    terms: Pooled
    yard: Pooled
    noise: tuple[Pooled, ...]


def pair_derivatives(d: Derivatives, i: int, j: int, yardsticks: Yardsticks) -> PairDerivatives:
    """Return the derivatives of a node's value in the variables i and j."""
    if not yardsticks:
        return _of_f(d, i, j)
    parts = [_by_yardstick(d, i, j, yardstick) for yardstick in yardsticks]
    arrays = [np.concatenate([getattr(p, name) for p in parts]) for name in _ARRAYS]
    noise = tuple(np.concatenate(of_one) for of_one in zip(*(p.noise for p in parts), strict=True))
    return PairDerivatives(*arrays, noise=noise)


_ARRAYS = ("i", "j", "ii", "ij", "jj", "iij", "ijj", "terms", "yard")


def _of_f(d: Derivatives, i: int, j: int) -> PairDerivatives:
    g, h, t, one = d.gradient, d.hessian, d.third, np.ones(len(d.gradient))
    second, third = d.noise.hessian, d.noise.third
    noise = tuple(one * size for size in (second[i, i], second[i, j], second[j, j], third[i, j], third[j, i]))
    mixed = h[:, i, j]
    return PairDerivatives(
        g[:, i], g[:, j], h[:, i, i], mixed, h[:, j, j], t[:, i, j], t[:, j, i], np.abs(mixed), one, noise
    )  # fmt: skip


def _by_yardstick(d: Derivatives, i: int, j: int, l: int) -> PairDerivatives:  # noqa: E741
    f_i, f_j, f_l = (d.gradient[:, k] for k in (i, j, l))
    f_ii, f_ij, f_jj = d.hessian[:, i, i], d.hessian[:, i, j], d.hessian[:, j, j]
    f_il, f_jl = d.hessian[:, i, l], d.hessian[:, j, l]
    return PairDerivatives(
        i=f_i,
        j=f_j,
        ii=f_ii * f_l - f_il * f_i,
        ij=f_ij * f_l - f_il * f_j,
        jj=f_jj * f_l - f_jl * f_j,
        iij=_third(d.third[:, i, j], d.third[:, i, l], f_ij, f_il, f_j, f_l),
        ijj=_third(d.third[:, j, i], d.third[:, j, l], f_ij, f_jl, f_i, f_l),
        terms=np.abs(f_ij * f_l) + np.abs(f_il * f_j),
        yard=np.abs(f_l),
        noise=(
            *(_second_noise(d, a, b, l) for a, b in ((i, i), (i, j), (j, j))),
            *(_third_noise(d, a, b, l) for a, b in ((i, j), (j, i))),
        ),
    )


def _third(f_iij: Pooled, f_iil: Pooled, f_ij: Pooled, f_il: Pooled, f_j: Pooled, f_l: Pooled) -> Pooled:
    """Return f_l**3 times the derivative of f_j/f_l, twice in i."""
    return f_iij * f_l**2 - 2 * f_il * f_l * f_ij + 2 * f_il**2 * f_j - f_j * f_iil * f_l


def _second_noise(d: Derivatives, i: int, j: int, l: int) -> Pooled:  # noqa: E741
    """Return the error of f_ij*f_l - f_il*f_j."""
    f_j, f_l, f_il = np.abs(d.gradient[:, j]), np.abs(d.gradient[:, l]), np.abs(d.hessian[:, i, l])
    return d.noise.hessian[i, j] * f_l + d.noise.hessian[i, l] * f_j + f_il * d.noise.gradient[j]


def _third_noise(d: Derivatives, i: int, j: int, l: int) -> Pooled:  # noqa: E741
    """Return the error of `_third`."""
    f_j, f_l, f_il = np.abs(d.gradient[:, j]), np.abs(d.gradient[:, l]), np.abs(d.hessian[:, i, l])
    of_third = d.noise.third[i, j] * f_l**2 + d.noise.third[i, l] * f_j * f_l
    return of_third + 2 * f_il * (d.noise.hessian[i, j] * f_l + d.noise.hessian[i, l] * f_j)


def yardsticks_beside(d: Derivatives, child: frozenset[int], children: tuple[frozenset[int], ...]) -> Yardsticks:
    """Return the strongest variable of each of the strongest siblings."""
    best = [strongest(d, other)[0] for other in children if other != child]
    return tuple(sorted(best, key=lambda k: -d.strength[k])[:_MOST_YARDSTICKS])


def strongest(d: Derivatives, block: frozenset[int]) -> list[int]:
    """Return the variables of a block that f depends on most: a few of them speak for all."""
    return sorted(block, key=lambda k: -d.strength[k])[:_MOST_PER_CHILD]
