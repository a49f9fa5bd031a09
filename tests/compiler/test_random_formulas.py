"""Random formulas are compiled, or refused with a reason; they are never wrong."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter

import pytest
import sympy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kanscience as ks
from tests.helpers_oracle import SLACK, UndecidedError, known

ONE = (
    *("exp", "log", "sqrt", "abs", "sign", "Heaviside", "erf", "erfc", "gamma", "loggamma"),
    *("sin", "cos", "tan", "sec", "csc", "cot", "sinh", "cosh", "tanh", "sech", "csch", "coth"),
    *("asin", "acos", "atan", "asec", "acsc", "acot", "asinh", "acosh", "atanh", "asech", "acsch", "acoth"),
)
TWO = ("max", "min", "atan2", "Piecewise", "x**y", "+", "-", "*", "/")
NUMBERED = ("besselj", "bessely", "besseli", "besselk", "x**n", "x**(p/q)", "2**x")
VOCABULARY = (*ONE, *TWO, *NUMBERED)
VARIABLES = ("a", "b", "c")
DEEPEST = 6
POINTS = ((0.37, 1.63, -0.84), (-1.21, 0.58, 2.17), (2.42, -0.29, 0.91))


@st.composite
def formulas(draw: st.DrawFn, depth: int = DEEPEST) -> str:
    """Draw the text of a formula; each function of the vocabulary with the same probability."""
    if depth == 0:
        return draw(leaves())
    name = draw(st.sampled_from(VOCABULARY))
    inner = formulas(depth - 1)
    if name in ONE:
        return f"{name}({draw(inner)})"
    if name in NUMBERED:
        n, q = draw(st.integers(-3, 4)), draw(st.integers(2, 5))
        match name:
            case "x**n":
                return f"({draw(inner)})**({n})"
            case "x**(p/q)":
                return f"({draw(inner)})**({n}/{q})"
            case "2**x":
                return f"{q}**({draw(inner)})"
        return f"{name}({abs(n)}, {draw(inner)})"
    one, two = draw(inner), draw(formulas(draw(st.integers(0, depth - 1))))
    if draw(st.booleans()):
        one, two = two, one
    match name:
        case "max" | "min" | "atan2":
            return f"{name}({one}, {two})"
        case "Piecewise":
            limit = draw(leaves())
            return f"Piecewise(({one}, {draw(leaves())} < {limit}), ({two}, True))"
        case "x**y":
            return f"({one})**({two})"
    return f"({one}) {name} ({two})"


def leaves() -> st.SearchStrategy[str]:
    """Draw a variable, more often than a number."""
    numbers = st.sampled_from(["2", "3", "1/2", "pi", "0.7", "1.5", "E"])
    return st.one_of(*[st.sampled_from(VARIABLES)] * 5, numbers)


def check(text: str, seen: Counter, refused: Counter) -> None:
    """Compile a formula and compare it at some points."""
    names = _functions_in(text)
    seen.update(names)
    seen[""] += 1
    try:
        network = ks.compile_formula(text, VARIABLES)
        expression = ks.parse_formula(text)
    except ks.FormulaError:
        refused.update(names)
        refused[""] += 1
        return
    values = network(torch.tensor(POINTS, dtype=torch.float64))[:, 0].tolist()
    for point, found in zip(POINTS, values, strict=True):
        try:
            expected = known(expression, {sympy.Symbol(n): v for n, v in zip(VARIABLES, point, strict=True)})
        except UndecidedError:
            continue
        if expected.value is None:
            assert math.isnan(found), f"{text} at {point}: {found} instead of NaN"
        else:
            assert abs(found - expected.value) <= SLACK * expected.error, f"{text} at {point}: {found}, {expected}"


def _functions_in(text: str) -> set[str]:
    operators = {
        operator for operator in ("+", "-", "*", "/", "**") if f") {operator} (" in text or f"){operator}(" in text
    }
    return set(re.findall(r"[A-Za-z]\w+(?=\()", text)) | operators


def run(examples: int, *, derandomize: bool) -> str:
    """Check many formulas, at least four in five of which compile; return what was refused."""
    seen, refused = Counter(), Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=derandomize,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(1, DEEPEST).flatmap(formulas))
    def each(text: str) -> None:
        check(text, seen, refused)

    each()
    assert refused[""] <= 0.2 * seen[""]
    rates = sorted(((refused[name] / seen[name], name) for name in seen if name), reverse=True)
    title = f"{seen['']} random formulas, {refused[''] / seen['']:.1%} refused; of those with each function:"
    return f"\n{title}\n{', '.join(f'{name} {rate:.0%}' for rate, name in rates)}\n"


def test_random_formulas_are_compiled_or_refused_and_never_wrong(capsys):
    refused = run(50, derandomize=True)
    with capsys.disabled():
        sys.stdout.write(refused)


@pytest.mark.slow
def test_many_random_formulas_are_compiled_or_refused_and_never_wrong(capsys):
    refused = run(20_000, derandomize=False)
    with capsys.disabled():
        sys.stdout.write(refused)
