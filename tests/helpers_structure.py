"""Random functions whose structure is known: the generated family of the tree converter.

A function is drawn as a tree of sums, products and prime templates with outer functions. What its structure is, after
everything that can be merged is merged, is worked out here from the drawn tree itself, at 40 digits: no line is shared
with `kanscience.structure`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np

ADDITIVE, MULTIPLICATIVE = "additive", "multiplicative"
GENERALIZED, PRIME = "generalized-additive", "prime"
PAIRS = [  # all that can stand below one another
    *((ADDITIVE, kind) for kind in (MULTIPLICATIVE, GENERALIZED, PRIME)),
    *((MULTIPLICATIVE, kind) for kind in (ADDITIVE, MULTIPLICATIVE, GENERALIZED, PRIME)),
    *((GENERALIZED, kind) for kind in (MULTIPLICATIVE, GENERALIZED, PRIME)),
    *((PRIME, kind) for kind in (GENERALIZED, PRIME)),
]
ROWS = 300
WEAKEST = 3e-3  # of what makes a kind what it is; what is weaker is drawn anew
EXACT = 1e-15
DIGITS = 40

Block = frozenset[int]


class Unclear(Exception):
    """The drawn function is too near to one of another structure."""


# One-variable functions, each with an interval that it is used on, in words that numpy, torch and mpmath know.

CURVES: dict[str, tuple[Callable[[Any, Any], Any], tuple[float, float]]] = {
    "identity": (lambda m, t: t, (-1.0, 1.0)),
    "square": (lambda m, t: t**2, (0.4, 1.6)),
    "parabola": (lambda m, t: t**2, (-0.8, 1.3)),
    "cube": (lambda m, t: t**3, (0.5, 1.5)),
    "sine": (lambda m, t: m.sin(t), (-1.0, 2.4)),
    "cosine": (lambda m, t: m.cos(t), (0.3, 2.5)),
    "exp": (lambda m, t: m.exp(t), (-1.0, 1.0)),
    "log": (lambda m, t: m.log(t), (0.4, 3.0)),
    "sqrt": (lambda m, t: m.sqrt(t), (0.3, 3.0)),
    "tanh": (lambda m, t: m.tanh(t), (-1.2, 1.2)),
    "inverse": (lambda m, t: 1 / t, (0.5, 2.0)),
    "bell": (lambda m, t: m.exp(-(t**2)), (-0.7, 1.5)),
    "logistic": (lambda m, t: 1 / (1 + m.exp(-t)), (-1.5, 2.0)),
}
BENT = [name for name in CURVES if name != "identity"]

TEMPLATES: dict[
    int, list[Callable[[Any, Any], Any]]
] = {  # joins that are none of the other kinds, arguments in 0.5...1.5
    2: [
        lambda m, u: u[0] * m.sin(2 * u[1]) + u[1] ** 2,
        lambda m, u: u[0] * m.exp(u[1]) + u[1],
        lambda m, u: m.exp(u[0] * u[1]) + u[0],
    ],
    3: [
        lambda m, u: u[0] * u[1] + u[1] * u[2] + u[2] * u[0],
        lambda m, u: m.sin(u[0] + u[1]) + m.cos(u[1] + u[2]),
        lambda m, u: u[0] * m.exp(u[1] * u[2]) + u[1],
    ],
    4: [
        lambda m, u: u[0] * u[1] + u[1] * u[2] + u[2] * u[3],
        lambda m, u: m.sin(u[0] * u[1]) + u[1] * u[2] ** 2 + u[3] * u[0],
    ],
}


@dataclass(eq=False)
class Part:
    """A node: ``a * curve(slope * core + shift) + b`` of a core that is one variable, a sum, product or template."""

    join: str  # "variable", "sum", "product", "template"
    curve: str = "identity"
    slope: float = 1.0
    shift: float = 0.0
    a: float = 1.0
    b: float = 0.0
    children: list[Part] = field(default_factory=list)
    variable: int = -1
    template: Callable[[Any, Any], Any] | None = None
    disguise: str = ""

    @property
    def variables(self) -> Block:
        """The columns below."""
        return frozenset({self.variable}).union(*(c.variables for c in self.children)) - {-1}

    def of_core(self, core: Any, m: Any) -> Any:
        """Return the value for a value of the core."""
        return self.a * CURVES[self.curve][0](m, self.slope * core + self.shift) + self.b

    def core(self, x: Sequence[Any], m: Any, disguised: bool = False) -> Any:
        """Return what the curve is taken of."""
        if self.join == "variable":
            return x[self.variable]
        values = [child.value(x, m, disguised) for child in self.children]
        if self.join == "template":
            return self.template(m, values)
        if self.join == "sum":
            if disguised and self.disguise == "log of exponentials":
                return m.log(math.prod(m.exp(v) for v in values))
            return sum(values)
        if disguised and self.disguise == "exponential of logs":
            return m.exp(sum(m.log(v) for v in values))
        return math.prod(values)

    def value(self, x: Sequence[Any], m: Any, disguised: bool = False) -> Any:
        """Return the value for columns x, with the functions of numpy, torch or mpmath."""
        value = self.of_core(self.core(x, m, disguised), m)
        if disguised and self.disguise == "root of a square":
            return m.sqrt(value**2)
        if disguised and self.disguise == "large offset":
            return (value + 1e4) - 1e4
        return value

    def written(self) -> str:
        """Return the function as text, for the messages of tests."""
        inside = (
            f"x{self.variable}"
            if self.join == "variable"
            else f"{self.join}({', '.join(c.written() for c in self.children)})"
        )
        return f"{self.a:.3g}*{self.curve}({self.slope:.3g}*{inside} + {self.shift:.3g}) + {self.b:.3g}"


@dataclass(eq=False)
class Sample:
    """A function, points, and its true structure."""

    part: Part
    x: np.ndarray
    kinds: dict[Block, str]
    disguised: bool
    seed: int

    def torch(self, x: Any) -> Any:
        """Return f of a tensor."""
        import torch

        return self.part.value(x.unbind(1), torch, self.disguised)

    def numpy(self, x: np.ndarray) -> np.ndarray:
        """Return f of an array."""
        return self.part.value(tuple(x.T), np, self.disguised)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(kind of the parent, kind) of every block but the root."""
        return [(self.kinds[min((o for o in self.kinds if b < o), key=len)], kind) for b, kind in self.kinds.items()
                if any(b < o for o in self.kinds)]  # fmt: skip


def sample(seed: int) -> Sample:
    """Return the function of a number: the pair of kinds it is drawn for goes round with the number."""
    for attempt in range(1000):
        rng = np.random.default_rng([seed, attempt])
        try:
            return _drawn(rng, PAIRS[seed % len(PAIRS)], seed)
        except Unclear:
            continue
    raise AssertionError(f"no clear function for seed {seed}")


def _drawn(rng: np.random.Generator, pair: tuple[str, str], seed: int) -> Sample:
    n = int(rng.integers(3 if pair[0] != PRIME or pair[1] != PRIME else 4, 11))
    units = 10.0 ** rng.uniform(-3, 3, n)
    x = units * rng.uniform(0.5, 2.0, (ROWS, n))
    draw = _Draw(rng, x, pair)
    columns = [int(k) for k in rng.permutation(n)]
    root_kind = pair[0] if rng.random() < 0.6 else str(rng.choice([ADDITIVE, MULTIPLICATIVE, GENERALIZED, PRIME]))
    part = draw.inner(root_kind, columns, "root")
    kinds = Truth(part, x).kinds
    if pair not in Sample(part, x, kinds, False, seed).pairs:
        raise Unclear
    disguised = bool(seed % 2)
    found = Sample(part, x, kinds, disguised, seed)
    if disguised:
        _disguise(part, x, rng)
    _check_strengths(found)
    return found


# drawing


class _Draw:
    def __init__(self, rng: np.random.Generator, x: np.ndarray, pair: tuple[str, str]) -> None:
        self.rng, self.x, self.pair, self.placed = rng, x, pair, False

    def inner(self, kind: str, columns: list[int], place: str) -> Part:
        """Return a node that is meant to be of a kind; ``place`` says what its value goes into."""
        groups = self._groups(kind, columns)
        if kind == PRIME:
            part = Part("template", children=[])
            part.template = TEMPLATES[len(groups)][self.rng.integers(len(TEMPLATES[len(groups)]))]
            inside = "template"
        else:
            as_product = kind == MULTIPLICATIVE or (kind == GENERALIZED and self.rng.random() < 0.4)
            inside = "product" if as_product else "sum"
            part = Part(inside)
        for group in groups:
            part.children.append(self._child(kind, group, inside))
        part.curve = self._curve(kind, place, part.join)
        self._settle(part, place)
        return part

    def _groups(self, kind: str, columns: list[int]) -> list[list[int]]:
        most = min(len(columns), 4 if kind == PRIME else 5)
        count = int(self.rng.integers(2, most + 1))
        if not self.placed and kind == self.pair[0] and len(columns) > 2:
            count = min(count, len(columns) - 1)
        cuts = sorted(self.rng.choice(np.arange(1, len(columns)), count - 1, replace=False).tolist())
        return [columns[a:b] for a, b in zip([0, *cuts], [*cuts, len(columns)], strict=True)]

    def _child(self, kind: str, group: list[int], inside: str) -> Part:
        if len(group) == 1:
            return self._leaf(group[0], inside)
        wanted = [child for parent, child in PAIRS if parent == kind]
        if kind == self.pair[0] and not self.placed:
            self.placed = True
            child = self.pair[1]
        else:
            child = str(self.rng.choice(wanted))
        if self.rng.random() < 0.1:
            child = str(self.rng.choice([ADDITIVE, MULTIPLICATIVE]))  # often merges with what is above
        return self.inner(child, group, inside)

    def _leaf(self, column: int, inside: str) -> Part:
        leaf = Part("variable", variable=column, curve=str(self.rng.choice(list(CURVES))))
        self._settle(leaf, inside)
        return leaf

    def _curve(self, kind: str, place: str, join: str) -> str:
        if kind in (ADDITIVE, MULTIPLICATIVE):
            if place == "product" and kind == MULTIPLICATIVE and self.rng.random() < 0.3:
                return "exp"
            return "identity"
        return str(self.rng.choice(BENT)) if kind == GENERALIZED else str(self.rng.choice(list(CURVES)))

    def _settle(self, part: Part, place: str) -> None:
        """Choose the numbers so that the curve is used on its interval and the value lies where it is wanted."""
        core = part.core(tuple(self.x.T), np)
        low, high = CURVES[part.curve][1]
        merges = part.join == "product" and self.rng.random() < 0.25
        if part.curve == "identity" and (merges or self.rng.random() < 0.3):
            part.slope, part.shift = 1.0, 0.0
        elif part.join == "product" and part.curve != "exp" and core.min() > 0 and low > 0 and merges:
            part.slope, part.shift = high / float(core.max()), 0.0
        else:
            part.slope = (high - low) / float(core.max() - core.min())
            part.shift = low - part.slope * float(core.min())
        value = part.of_core(core, np)
        wanted = {"root": (-1, 2), "sum": (-1, 1), "product": (0.5, 2), "template": (0.5, 1.5)}[place]
        if place == "product" and part.join == "variable" and self.rng.random() < 0.15:
            wanted = (-1, 2)
        if place == "root" and self.rng.random() < 0.5:
            return
        if place == "product" and value.min() > 0 and self.rng.random() < 0.3:
            part.a, part.b = 1.5 / float(value.max()), 0.0
            return
        sign = float(self.rng.choice([-1, 1])) if part.join == "variable" else 1.0
        part.a = sign * (wanted[1] - wanted[0]) * self.rng.uniform(0.6, 1) / float(value.max() - value.min())
        part.b = wanted[0] - min(part.a * float(value.min()), part.a * float(value.max()))


def _disguise(part: Part, x: np.ndarray, rng: np.random.Generator) -> None:
    columns = tuple(x.T)
    possible = ["", "large offset"]
    if part.value(columns, np).min() > 0.05:
        possible.append("root of a square")
    if part.join == "sum":
        possible.append("log of exponentials")
    if part.join == "product" and all(child.value(columns, np).min() > 0.05 for child in part.children):
        possible.append("exponential of logs")
    if part.join != "variable":
        part.disguise = str(rng.choice(possible))
    for child in part.children:
        _disguise(child, x, rng)


def _check_strengths(found: Sample) -> None:
    """Raise unless every variable matters."""
    y = found.part.value(tuple(found.x.T), np)
    for k in range(found.x.shape[1]):
        moved = found.x.copy()
        moved[:, k] += 1e-4 * moved[:, k].std()
        slope = np.abs(found.part.value(tuple(moved.T), np) - y).mean() / 1e-4 / y.std()
        if not slope > WEAKEST:
            raise Unclear


# the truth


@dataclass(frozen=True, eq=False)
class _Term:
    """A child of a node of the true tree: how its value enters the node's sum, ``factor * (value or log|value|)``."""

    part: Part
    in_log: bool
    factor: Any

    def of(self, value: Any) -> Any:
        return self.factor * (mpmath.log(abs(value)) if self.in_log else value)


class Truth:
    """The true structure of a drawn function.

    A sum or product node is a function L of a sum S: of its children's values, or of their logarithms. In the scale
    of its parent it is additive where L is affine, multiplicative where it is c + k*exp(alpha*S); a child whose own
    sum enters affinely is no node of its own.
    """

    def __init__(self, root: Part, x: np.ndarray) -> None:
        self.points = [[mpmath.mpf(float(v)) for v in row] for row in x[:: len(x) // 8]]
        self.kinds: dict[Block, str] = {}
        with mpmath.workdps(DIGITS):
            self._go(root, lambda value: value)

    def _go(self, part: Part, scale: Callable[[Any], Any] | None) -> None:
        if part.join == "variable":
            return
        if part.join == "template":
            self.kinds[part.variables] = PRIME
            for child in part.children:
                self._go(child, None)
            return
        kind, rate = (GENERALIZED, None) if scale is None else self._kind(part, scale)
        self.kinds[part.variables] = kind
        for term in self._terms(part):
            self._go(term.part, (lambda v, t=term: mpmath.exp(rate * t.of(v))) if kind == MULTIPLICATIVE else term.of)

    def _terms(self, part: Part) -> Iterator[_Term]:
        in_log = part.join == "product"
        for child in part.children:
            direct = _Term(child, in_log, mpmath.mpf(1))
            if child.join in ("sum", "product"):
                bend, _, slope, _ = self._bend(child, direct.of)
                if self._is_zero(bend):
                    yield from (_Term(t.part, t.in_log, slope * t.factor) for t in self._terms(child))
                    continue
            yield direct

    def _kind(self, part: Part, scale: Callable[[Any], Any]) -> tuple[str, Any]:
        bend, unlike_exp, _, rate = self._bend(part, scale)
        if self._is_zero(bend):
            return ADDITIVE, None
        return (MULTIPLICATIVE, rate) if self._is_zero(unlike_exp) else (GENERALIZED, None)

    def _is_zero(self, size: Any) -> bool:
        if EXACT < size < WEAKEST:
            raise Unclear
        return bool(size <= EXACT)

    def _bend(self, part: Part, scale: Callable[[Any], Any]) -> tuple[Any, Any, Any, Any]:
        """Return how far the link is from a line and from an exponential over the range it sees, slope and rate."""
        cores = [part.core(x, mpmath.mp) for x in self.points]
        is_product = part.join == "product"
        sums = [mpmath.log(abs(c)) if is_product else c for c in cores]
        middle = sum(sums) / len(sums)
        spread = mpmath.sqrt(sum((s - middle) ** 2 for s in sums) / len(sums))
        first, second, third = [], [], []
        for s, core in zip(sums, cores, strict=True):
            sign = mpmath.sign(core)
            link = lambda t, sign=sign: scale(part.of_core(sign * mpmath.exp(t) if is_product else t, mpmath.mp))  # noqa: E731
            _, d1, d2, d3 = [k * mpmath.factorial(i) for i, k in enumerate(mpmath.taylor(link, s, 3))]
            first.append(d1), second.append(d2), third.append(d3)
        mean = lambda values: sum(map(abs, values)) / len(values)  # noqa: E731
        bend = mean(second) * spread / mean(first)
        unlike = (
            mean([c * a - b**2 for a, b, c in zip(first, second, third, strict=True)]) * spread**2 / mean(first) ** 2
        )
        steepest = max(range(len(first)), key=lambda i: abs(first[i]))
        return bend, unlike, first[steepest], second[steepest] / first[steepest]
