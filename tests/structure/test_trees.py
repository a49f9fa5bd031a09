"""From a function to its tree: the reference cases, and what must not change an answer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kanscience as ks
from kanscience.structure import tree_from_callable
from tests.helpers import uniform_inputs

ADDITIVE, MULTIPLICATIVE, GENERALIZED, PRIME = "additive", "multiplicative", "generalized-additive", "prime"

# formula: the kind of every block
CASES = {
    "a*b + c*d + e*f": {"abcdef": ADDITIVE, "ab": MULTIPLICATIVE, "cd": MULTIPLICATIVE, "ef": MULTIPLICATIVE},
    "(a+b)*(c+d)*(e+f)": {"abcdef": MULTIPLICATIVE, "ab": ADDITIVE, "cd": ADDITIVE, "ef": ADDITIVE},
    "sin((a+b)*(c+d)*(e+f))": {"abcdef": GENERALIZED, "ab": GENERALIZED, "cd": GENERALIZED, "ef": GENERALIZED},
    "a*sqrt(1 + (b/c)**2)": {"abc": MULTIPLICATIVE, "bc": GENERALIZED},
    "((a**2+b**2)**2 + (c**2+d**2)**2)**2 + ((e**2+f**2)**2 + (g**2+h**2)**2)**2": {
        "abcdefgh": ADDITIVE,
        **dict.fromkeys(["abcd", "efgh", "ab", "cd", "ef", "gh"], GENERALIZED),
    },
    "(a*b + c)*d": {"abcd": MULTIPLICATIVE, "abc": ADDITIVE, "ab": MULTIPLICATIVE},
    "exp(a*b) + c": {"abc": ADDITIVE, "ab": GENERALIZED},
    "sqrt(a**2 + b**2 + c**2)*d": {"abcd": MULTIPLICATIVE, "abc": GENERALIZED},
    "sin(a+b) + cos(b+c)": {"abc": PRIME},
    "exp(a*sin(b + c**2) + d)*e + f": {
        "abcdef": ADDITIVE,
        "abcde": MULTIPLICATIVE,
        "abc": GENERALIZED,
        "bc": GENERALIZED,
    },
    "0.01*a*b": {"ab": MULTIPLICATIVE},
    "a*b + 5": {"ab": MULTIPLICATIVE},
    "a + 2*b - c": {"abc": ADDITIVE},
    "a + b + c": {"abc": ADDITIVE},
    # labels that surprise
    "a**b": {"ab": GENERALIZED},
    "a*b/(a + b)": {"ab": GENERALIZED},
    "(a + b)/(1 + a*b)": {"ab": GENERALIZED},
    "a + b + a*b": {"ab": MULTIPLICATIVE},
    "sin((a + b)*(c + d))": {"abcd": GENERALIZED, "ab": GENERALIZED, "cd": GENERALIZED},
    "a*sin(b) + b**2": {"ab": PRIME},
    "a*exp(b) + b": {"ab": PRIME},
    "exp(a*b) + a": {"ab": PRIME},
    "a*b + b*c + c*a": {"abc": PRIME},
    "(a + b*c)*(d + e)*c": {"abcde": MULTIPLICATIVE, "abc": PRIME, "de": ADDITIVE},
}


def _points(n, rows=500, seed=0):
    return uniform_inputs(rows, n, seed, 0.5, 2.0).numpy()


def _numpy_function(formula, names):
    import sympy

    function = sympy.lambdify(names, ks.parse_formula(formula), "numpy")
    return lambda x: function(*x.T)


def _kinds(tree):
    return {"".join(tree.names[k] for k in sorted(block)): tree.kind(block) for block in tree.blocks}


@pytest.mark.parametrize("formula", CASES)
def test_the_network_of_a_formula_shows_its_tree(formula):
    network = ks.compile_formula(formula)
    tree = ks.discover_tree(network, _points(network.n_inputs), names=network.input_names)
    assert _kinds(tree) == CASES[formula]
    assert all(tree.confidence(block) > 0.9 for block in tree.blocks)


@pytest.mark.parametrize("formula", CASES)
def test_the_numpy_function_of_a_formula_shows_the_same_tree(formula):
    names = sorted({letter for block in CASES[formula] for letter in block})
    tree = ks.discover_tree(_numpy_function(formula, names), _points(len(names)), names=names)
    assert _kinds(tree) == CASES[formula]


@pytest.mark.parametrize(("formula", "constant"), [("a*b + 5", 5), ("a + b + a*b", -1), ("a*b", 0), ("3 - a/b", 3)])
def test_a_product_says_its_constant(formula, constant):
    tree = ks.discover_tree(ks.compile_formula(formula), _points(2), names=["a", "b"])
    assert tree.constant("ab") == pytest.approx(constant, abs=1e-9)


def test_overlapping_terms_of_a_prime_node_are_reported():
    tree = ks.discover_tree(ks.compile_formula("sin(a+b) + cos(b+c) + d**3*c"), _points(4), names=list("abcd"))
    assert tree.terms("abcd") == ({0, 1}, {1, 2}, {2, 3})
    assert ks.discover_tree(ks.compile_formula("a*b + b*c + c*a"), _points(3)).terms([0, 1, 2]) == ()
    assert ks.discover_tree(ks.compile_formula("sin(a*b*c) + a*b**2*c"), _points(3)).terms([0, 1, 2]) == ()


def test_variables_without_influence_are_reported_apart():
    tree = ks.discover_tree(lambda x: x[:, 0] * x[:, 3] + 0 * x[:, 1] + (x[:, 2] - x[:, 2]), _points(4))
    assert tree.inactive == {1, 2}
    assert tree.blocks == {frozenset({0, 3})}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [20, 100, 1000])
def test_few_points_are_enough(rows, seed):
    network = ks.compile_formula("exp(a*sin(b + c**2) + d)*e + f")
    tree = ks.discover_tree(network, _points(6, rows, seed), names=network.input_names)
    assert _kinds(tree) == CASES["exp(a*sin(b + c**2) + d)*e + f"]


@settings(deadline=None, max_examples=10)
@given(
    formula=st.sampled_from(["(a*b + c)*d", "sin((a + b)*(c + d))", "a*exp(b) + b*c + d", "a*b + c*d"]),
    powers=st.lists(st.integers(-20, 20), min_size=5, max_size=5),
    shifts=st.lists(st.floats(-50, 50), min_size=5, max_size=5),
    by_numpy=st.booleans(),
)
def test_units_and_offsets_change_nothing(formula, powers, shifts, by_numpy):
    factors, shifts = 2.0 ** np.array(powers), np.array(shifts)
    x = _points(4)
    f = _numpy_function(formula, list("abcd")) if by_numpy else ks.compile_formula(formula, list("abcd"))

    def moved(z):
        own = (lambda values: values) if by_numpy else torch.from_numpy
        return factors[4] * (f((z - own(shifts[:4])) / own(factors[:4])) + shifts[4])

    plain, other = tree_from_callable(f, x), tree_from_callable(moved, factors[:4] * x + shifts[:4])
    assert {b: other.kind(b) for b in other.blocks} == {b: plain.kind(b) for b in plain.blocks}


def test_several_outputs_give_a_tree_each_and_what_they_share():
    trees = ks.discover_tree(
        ks.compile_formula(["(a*b + c)*d", "exp(a*b + c) + d**2*c"]), _points(4), names=list("abcd")
    )
    assert isinstance(trees, tuple)
    assert [tree.name for tree in trees] == ["f1", "f2"]
    assert [tree.kind(range(4)) for tree in trees] == [MULTIPLICATIVE, PRIME]
    assert frozenset({0, 1}) in trees.shared


def test_any_callable_is_asked_in_its_own_way():
    x = _points(3)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(1))

        def forward(self, x):
            return self.factor * torch.sin(x[:, :1] * x[:, 1:2]) + x[:, 2:]

    def in_place(x):  # no transform of torch.func can follow
        columns = torch.empty_like(x)
        columns[:, 0] = x[:, 0] * x[:, 1]
        return torch.sin(columns[:, 0]) + x[:, 2]

    def without_gradient(x):
        with torch.no_grad():
            return torch.sin(x[:, 0] * x[:, 1]) + x[:, 2]

    functions = [
        Module(),
        Module().float(),
        in_place,
        without_gradient,
        lambda x: np.sin(x[:, 0] * x[:, 1]) + x[:, 2],
        lambda x: (np.sin(x[:, 0] * x[:, 1]) + x[:, 2]).reshape(-1, 1),
        lambda x: torch.sin(x[:, 0] * x[:, 1]) + x[:, 2],
    ]
    for f in functions:
        tree = ks.discover_tree(f, x, names=list("abc"))
        assert _kinds(tree) == {"abc": ADDITIVE, "ab": GENERALIZED}


def test_a_custom_function_with_a_wrong_forward_mode_is_still_read_right():
    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, u):
            ctx.save_for_backward(u)
            ctx.save_for_forward(u)
            return torch.sin(u)

        @staticmethod
        def backward(ctx, gradient):
            return gradient * torch.cos(ctx.saved_tensors[0])

        @staticmethod
        def jvp(ctx, tangent):
            return tangent * torch.cos(ctx.saved_tensors[0])

    tree = ks.discover_tree(lambda x: Sine.apply(x[:, 0] * x[:, 1]) + x[:, 2], _points(3), names=list("abc"))
    assert _kinds(tree) == {"abc": ADDITIVE, "ab": GENERALIZED}


def test_a_network_is_left_as_it_is():
    network = ks.MultKAN([3, 2, 1], seed=0, dtype=torch.float32)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    ks.discover_tree(network, _points(3))
    assert network.dtype == torch.float32
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("shape", "kind"), [([3, 1], ADDITIVE), ([3, 1, 1], GENERALIZED), ([3, (0, 3), 1], PRIME), ([3, 2, 1], PRIME)]
)
@pytest.mark.parametrize("degree", [2, 3, 5])
def test_the_shape_of_a_spline_network_shows(shape, kind, degree):
    network = ks.MultKAN(shape, seed=1, degree=degree, domain=(0.5, 2))
    tree = ks.discover_tree(network, _points(3))
    assert tree.kind(range(3)) == kind


@pytest.mark.parametrize("unit", [1e-200, 1e-20, 1e-6, 1e6, 1e20, 1e200])
@pytest.mark.parametrize("by_numpy", [False, True])
def test_units_far_from_one_change_nothing_but_the_constant(unit, by_numpy):
    x = uniform_inputs(300, 2, 0, 0.5, 2).numpy()
    wrap = (lambda f: lambda x: f(np.asarray(x))) if by_numpy else (lambda f: f)
    of_y = ks.discover_tree(wrap(lambda x: unit * (2 + x[:, 0] * x[:, 1])), x, names=["a", "b"])
    of_x = ks.discover_tree(wrap(lambda x: 2 + x[:, 0] / unit * x[:, 1]), x * [unit, 1], names=["a", "b"])
    assert (of_y.kind("ab"), of_x.kind("ab")) == ("multiplicative", "multiplicative")
    assert of_y.constant("ab") == pytest.approx(2 * unit, rel=1e-6)
    assert of_x.constant("ab") == pytest.approx(2, rel=1e-6)
    assert of_y.latex == f"f = {2 * unit:.6g} + g(a) \\, h(b)"


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_a_constant_that_is_rounding_is_none(size):
    tree = ks.discover_tree(lambda x: size * x[:, 0] * torch.exp(x[:, 1]), uniform_inputs(300, 2, 0), names=["a", "b"])
    assert tree.constant("ab") == 0
    assert str(tree).splitlines()[0] == "f(a, b): multiplicative"


def test_names_are_escaped_in_latex():
    x = uniform_inputs(300, 4, 0, 0.5, 2)
    tree = ks.discover_tree(lambda x: x.prod(dim=1), x, names=["v (m/s)", "a%b", "x^2", "$"])
    assert tree.latex == (r"f = g(\mathrm{v\ (m/s)}) \, h(\mathrm{a\%b}) \, k(\mathrm{x{\wedge}2}) \, p(\mathrm{\$})")
