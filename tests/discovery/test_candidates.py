"""Which formulas stay, and which is taken."""

import math

import pytest
import sympy

from kanscience.discovery._candidates import Candidate, Front
from kanscience.discovery._formula import complexity
from kanscience.discovery._joint import joint_front

A, B = sympy.symbols("a b")


def _candidate(complexity, loss, error=0.0, expression=A, route="test"):
    return Candidate(expression, complexity, loss, error, route)


def test_front_keeps_what_no_simpler_one_equals():
    losses = [(1, 5.0), (2, 6.0), (3, 2.0), (3, 3.0), (5, 2.0), (8, 1.0)]
    front = Front([_candidate(*pair) for pair in reversed(losses)])
    assert [(c.complexity, c.loss) for c in front] == [(1, 5.0), (3, 2.0), (8, 1.0)]


def test_formulas_that_are_not_finite_are_not_on_the_front():
    assert not Front([_candidate(1, math.inf), _candidate(2, math.nan)])
    assert Front([]).best is None


@pytest.mark.parametrize(("error", "taken"), [(0.5, 8), (1.0, 3), (4.0, 1)])
def test_best_is_the_simplest_within_one_standard_error_of_the_lowest(error, taken):
    front = Front([_candidate(1, 5.0), _candidate(3, 2.0), _candidate(8, 1.0, error)])
    assert front.best is not None
    assert front.best.complexity == taken


def test_within_rounding_the_simplest_is_taken():
    front = Front([_candidate(1, 1e-3), _candidate(2, 3e-15), _candidate(9, 1e-16)], rounding=1e-14)
    assert front.best is not None
    assert front.best.complexity == 2
    assert len(front) == 2


def test_at_equal_complexity_an_exact_number_is_simpler_than_a_fitted_one():
    exact, fitted = _candidate(1, 2.0, 0.5, 2 * A), _candidate(1, 1.9, 0.5, sympy.Float(2.01) * A)
    front = Front([fitted, exact])
    assert [c.expression for c in front] == [exact.expression, fitted.expression]
    assert front.best is exact


def test_scores_are_the_fall_of_the_logarithm_for_each_operation():
    front = Front([_candidate(1, math.e**2), _candidate(3, 1.0)])
    assert front.scores == [0.0, pytest.approx(1.0)]


def test_tables_mark_the_pick_and_name_the_route():
    front = Front([_candidate(1, 2.0, route="power law"), _candidate(40, 1.0, 0.1, sympy.Add(*sympy.symbols("x:60")))])
    lines = str(front).splitlines()
    assert lines[0].split() == ["complexity", "loss", "±", "score", "formula", "route"]
    assert "power law" in lines[1]
    assert lines[2].startswith("→")
    assert "…" in lines[2]
    assert "<table>" in front._repr_html_()


@pytest.mark.parametrize(
    ("formula", "operations"),
    [
        (A, 0),
        (sympy.Integer(5), 0),
        (A ** sympy.Rational(3, 2), 1),
        (A ** sympy.Float(1.5), 1),
        (A / 3, 1),
        (2 * A / 3 + B, 2),
        (1 / A**2, 2),
        (sympy.sin(sympy.pi * A) - B, 3),
    ],
    ids=str,
)
def test_complexity_counts_operations_and_takes_fractions_for_numbers(formula, operations):
    assert complexity(formula) == operations


def test_two_fronts_become_one_that_ends_at_the_best_of_both():
    one = Front([_candidate(0, 4.0, expression=A), _candidate(2, 1.0, expression=A * B)])
    other = Front([_candidate(0, 300.0, expression=B), _candidate(1, 1.0, expression=A + B)])
    both = joint_front([one, other], spreads=[4.0, 300.0], rounding=[0.0, 0.0])
    assert [c.expression for c in both] == [[A, B], [A, A + B], [A * B, A + B]]
    assert both[0].loss == pytest.approx(1.0)
    assert both.best is both[-1]
    assert joint_front([one], [1.0], [0.0]) is one
