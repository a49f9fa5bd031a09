"""Single questions: separability and symmetries."""

import numpy as np
import pytest
import torch

import kanscience as ks
from kanscience.structure import symmetry_in
from tests.helpers import uniform_inputs

NAMES = list("abcd")


def ROOT(x):
    return x[:, 0] * (1 + (x[:, 1] / x[:, 2]) ** 2) ** 0.5


def _points(n, low=0.5, high=2.0):
    return uniform_inputs(300, n, 0, low, high).numpy()


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: lambda x: f(np.asarray(x)), lambda f: torch.nn.Sequential()])
def test_the_root_depends_on_b_over_c_and_not_on_b_times_c(wrap):
    f = wrap(ROOT) if not isinstance(wrap(ROOT), torch.nn.Module) else ks.compile_formula("a*sqrt(1 + (b/c)**2)")
    x = _points(3)
    assert ks.has_symmetry(f, x, "b/c", names=NAMES[:3])
    assert not ks.has_symmetry(f, x, "b*c", names=NAMES[:3])
    yes, no = (symmetry_in(f, x, text, names=NAMES[:3]) for text in ("b/c", "b*c"))
    assert (yes.share, yes.score) == (1.0, pytest.approx(1, abs=1e-8))
    assert no.share == 0.0


def test_any_formula_of_any_number_of_variables_can_be_asked():
    def f(x):
        return torch.sin(x[:, 0] * x[:, 1] + torch.exp(x[:, 2])) * x[:, 3]

    x = _points(4)
    assert ks.has_symmetry(f, x, "a*b", names=NAMES)
    assert ks.has_symmetry(f, x, "log(a) + log(b)", names=NAMES)
    assert ks.has_symmetry(f, x, "a*b + exp(c)", names=NAMES)
    assert ks.has_symmetry(f, x, "a", names=NAMES)
    assert not ks.has_symmetry(f, x, "a*b + c", names=NAMES)
    assert not ks.has_symmetry(f, x, "a*b*d", names=NAMES)


def test_formulas_are_read_safely_and_must_hold_variables():
    x = _points(3)
    with pytest.raises(ks.FormulaError):
        ks.has_symmetry(ROOT, x, "__import__('os')", names=NAMES[:3])
    with pytest.raises(ks.FormulaError, match="'speed'"):
        ks.has_symmetry(ROOT, x, "a/speed", names=NAMES[:3])
    with pytest.raises(ks.FormulaError, match="none of the variables"):
        ks.has_symmetry(ROOT, x, "2 + 3", names=NAMES[:3])


FOUND = {
    "sin(a - b)*c": ("a - b", "translation"),
    "tanh(a + b)*c": ("a + b", "translation"),
    "sin(2*a + 3*b - d)*c": ("a + 3*b/2 - d/2", "linear"),
    "exp(a*b) + c": ("a*b", "scaling"),
    "exp(a/b)*c": ("a/b", "scaling"),
    "exp(a**2/b**3) + sin(c)": ("a/b**(3/2)", "power"),
    "sin(a*b/d) + sqrt(c)": ("a*b/d", "scaling"),
    "sin(a**2 + b**2) + c": ("a**2 + b**2", "rotation"),
    "sqrt(9 + a**2 - b**2) + c": ("a**2 - b**2", "Lorentz"),
    "sqrt(9 + 2*a**2 - b**2) + c": ("a**2 - b**2/2", "quadratic"),
    "sin(a**2 + b**2 + c**2)*d": ("a**2 + b**2 + c**2", "rotation"),
}


@pytest.mark.parametrize("formula", FOUND)
def test_combinations_are_found(formula):
    network = ks.compile_formula(formula)
    found = ks.find_symmetries(network, _points(network.n_inputs), names=network.input_names)
    best = found[0]
    assert (best.formula, best.family) == FOUND[formula]
    assert best.score == pytest.approx(1, abs=1e-9)
    assert best.share == 1
    assert ks.has_symmetry(network, _points(network.n_inputs), best.formula, names=network.input_names)


def test_combinations_of_numpy_functions_are_found_over_both_signs():
    def f(x):
        return np.exp(x[:, 0] ** 2 + x[:, 1] ** 2) * x[:, 2]

    assert [found.formula for found in ks.find_symmetries(f, _points(3, -1, 1), names=NAMES[:3])] == ["a**2 + b**2"]


def test_coefficients_that_are_no_fractions_are_written_as_numbers():
    [found] = ks.find_symmetries(lambda x: np.sin(x[:, 0] + np.pi * x[:, 1]) * x[:, 2], _points(3), names=NAMES[:3])
    assert found.formula == "a + 3.14159*b"
    assert found.holds


def test_where_there_is_no_combination_none_is_found():
    assert ks.find_symmetries(ks.compile_formula("a*sin(b) + b**2"), _points(2)) == ()


def test_of_several_outputs_all_must_have_the_symmetry():
    both = ks.compile_formula(["sin(a*b) + c", "exp(a*b)*c"])
    one = ks.compile_formula(["sin(a*b) + c", "exp(a + b)*c"])
    x = _points(3)
    assert [found.formula for found in ks.find_symmetries(both, x, names=NAMES[:3])] == ["a*b"]
    assert ks.find_symmetries(one, x, names=NAMES[:3]) == ()
    assert not ks.has_symmetry(one, x, "a*b", names=NAMES[:3])


def test_separability_is_the_root_of_the_tree():
    x = _points(4)
    found = ks.find_separability(ks.compile_formula("2 + (a + b)*c*d"), x, names=NAMES)
    assert found.kind == "multiplicative"
    assert set(found.groups) == {frozenset({0, 1}), frozenset({2}), frozenset({3})}
    assert found.constant == pytest.approx(2)
    assert str(found) == r"multiplicative: f = 2 + (g(a) + h(b)) \, k(c) \, p(d)"
    prime = ks.find_separability(ks.compile_formula("sin(a+b) + cos(b+c)"), x[:, :3], names=NAMES[:3])
    assert (prime.kind, prime.terms) == ("prime", ({0, 1}, {1, 2}))
    alone = ks.find_separability(lambda x: x[:, 1] ** 2, x)
    assert (alone.groups, alone.inactive) == (({1},), {0, 2, 3})
    assert len(ks.find_separability(ks.compile_formula(["a*b", "a+b"]), x[:, :2])) == 2


def test_a_combination_that_stays_the_same_is_refused():
    with pytest.raises(ks.FormulaError, match="stays the same around 100% of the points"):
        ks.has_symmetry(ROOT, _points(3), "sign(b - c)", names=NAMES[:3])


@pytest.mark.parametrize("unit", [1e-200, 1e-6, 1e6, 1e200])
def test_symmetries_do_not_depend_on_units(unit):
    x = _points(3)
    scaled = x * np.array([unit, 1.0, 1.0])
    for f, points in (
        (lambda x: torch.sin(x[:, 0] / unit * x[:, 1]) + x[:, 2], scaled),
        (lambda x: unit * (torch.sin(x[:, 0] * x[:, 1]) + x[:, 2]), x),
    ):
        assert [found.formula for found in ks.find_symmetries(f, points, names=NAMES[:3])] == ["a*b"]
        assert ks.has_symmetry(f, points, "a*b", names=NAMES[:3])
        assert not ks.has_symmetry(f, points, "a/b", names=NAMES[:3])


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    "ask", [ks.find_separability, ks.find_symmetries, lambda X, y: ks.has_symmetry(X, y, "x1/x2")], ids=["s", "y", "h"]
)
def test_single_questions_of_a_table_are_sent_to_the_tree(ask):
    X = _points(2)
    with pytest.raises(ks.OptionError, match=r"of a table ask `ks\.discover_tree\(X, y\)`"):
        ask(X, X[:, 0])
