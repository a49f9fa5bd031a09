"""The network of a formula is that formula, and the formula comes back from it."""

import mpmath
import numpy as np
import pytest
import sympy
import torch
from sympy.abc import a, b, x

import kanscience as ks
from kanscience import FormulaError, compile_formula, formula_graph
from kanscience.graph import layers
from tests.helpers_formulas import assert_network_is, values_by_numpy

SILENTLY_WRONG_ELSEWHERE = (
    "sin(5*a) + cos(3*a)",
    "a**2 + a",
    "b*(a + sin(a))",
    "exp(a**2 + a)",
    "pi*(a*b + 1)",
    "sqrt(2)*(sin(a) + 1)",
    "sin(pi*(a + 1))",
    "exp(pi*(a**2 + 1))",
    "a**2.5",
    "a**(-3/2)",
    "a*b*c + b*c*sin(a) + a*b*c*exp(a)",
)
CRASHING_ELSEWHERE = (
    *("3/7", "pi", "a", "2*a + 1", "a**b", "2**a", "a**(1/3)", "a**6", "sinh(a)", "cosh(a)", "abs(a)", "max(a, b)"),
    *("min(a, b, c)", "max(a, 1/3)", "erf(a)", "atan2(a, b)", "Piecewise((a, a < 0), (a**2, True))", "gamma(a)"),
    *("besselj(0, a)", "besselj(3, a)"),
)
OTHERS = (
    *("bessely(1, a)", "besseli(2, a)", "besselk(0, a)", "loggamma(a + 2)", "erfc(a)", "sign(a*b)", "Heaviside(a - b)"),
    *("Heaviside(a, 1)", "sec(a)*csc(b) - cot(c)", "sech(a)*csch(b) + coth(c)", "asinh(a)", "acosh(a + 2)", "atanh(a)"),
    *("asec(a + 3) - acsc(3 + b)", "acot(a)*asech(b**2)", "acsch(a + 2) + acoth(b + 3)", "arccos(a*b) + arcsin(a/2)"),
    *("a**a", "(a + 2)**(a*b)", "exp(a)**b", "0.1*a**0.1", "pi**a", "a/b/c", "1/(a*b) + a*b", "(a - b)**8"),
    *("abs(exp(a))", "max(sin(a), cos(a), a)", "min(a, a**2)", "tan(a)**2 + log(b)**3", "1e-200*a + 1e200*b"),
    "Piecewise((log(a), a > 0), (0, True))",
    "Piecewise((exp(a*sin(a) + 1), a**2 < 0.5), (max(a, a**2), a < 0.9), (besselj(2, a), True))",
    "Piecewise((sqrt(a*b), a*b > 0.1), (a*b, True))",
    "Piecewise((a, (a > 0) & ~(a >= 1/2) | Eq(a, 3)), (-a, True))",
)
SEVERAL_VARIABLES = (
    "max(a, b)*c",
    "min(a*b, b + c, 0.2)",
    "atan2(a*b, a - b)",
    "Piecewise((a*b, a < b), (sqrt(a - b), True))",
    "Piecewise((log(a), a > 0), (b, True))",
    "Piecewise((exp(2), b < a), (a, True))",
    "where((a > 0) & (b > 0), log(a*b), exp(-b))",
    "where((a > 0) | (b >= 0), a + b, 1/(abs(a) + abs(b)))",
    "Piecewise((1, a < b), (2, Eq(b, c)), (c, ~(a*c < b)), (0, True))",
)
ANGLE = "atan2(a, b)"  # comes back as the same function, by steps
ALL = (*SILENTLY_WRONG_ELSEWHERE, *CRASHING_ELSEWHERE, *OTHERS, *SEVERAL_VARIABLES)


def points(names, rows: int = 400) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (rows, len(names)))


@pytest.mark.parametrize("formula", ALL)
def test_the_network_is_the_formula(formula):
    network = compile_formula(formula)
    assert not any(parameter.any() for parameter in network.parameters())  # every number is fixed
    assert_network_is(ks.parse_formula(formula), network, points(network.input_names))


@pytest.mark.parametrize("formula", [f for f in ALL if f not in (*SEVERAL_VARIABLES, ANGLE)])
def test_the_formula_comes_back(formula):
    expression = ks.parse_formula(formula)
    (found,) = ks.expression(compile_formula(formula))
    assert sympy.simplify(found - expression.replace(sympy.re, lambda u: u)) == 0


@pytest.mark.parametrize("formula", ALL)
def test_the_formula_that_comes_back_after_saving_is_the_same_function(formula, tmp_path):
    network = compile_formula(formula)
    ks.save(network, tmp_path / "law.kan")
    loaded = ks.load(tmp_path / "law.kan")
    X = points(network.input_names, 50)
    inputs = torch.from_numpy(X)
    torch.testing.assert_close(loaded(inputs), network(inputs), rtol=0, atol=0, equal_nan=True)
    (found,) = ks.expression(loaded)
    assert [found] == ks.expression(network)
    assert_network_is(found, network, X, tolerance=1e-10)


def test_constants_have_all_their_digits():
    # 2**157 turns of which only the last counts: by mpmath with 200 digits
    network = compile_formula("cot(2**(5**pi))*x")
    with mpmath.workdps(200):
        expected = mpmath.cot(mpmath.mpf(2) ** (mpmath.mpf(5) ** mpmath.pi))
    assert network.predict(np.array([[1.0]]))[0] == pytest.approx(float(expected), rel=1e-15)
    assert compile_formula("x*(sin(1)**2 + cos(1)**2 - 1)").predict(np.array([[1.0]])) == 0.0


def test_numbers_come_back_as_they_were_written():
    formula = "a/3 + sqrt(2)*b**(2/7) + exp(pi*a + E) + 0.1*c"
    (found,) = ks.expression(compile_formula(formula))
    assert found == ks.parse_formula(formula)


@pytest.mark.parametrize("formula", ["max(a, b)", "min(a, b)*c + max(2*a, b)", "max(a, b, c)", "2*min(a*b, c) + 1"])
def test_the_larger_and_the_smaller_come_back(formula):
    assert ks.expression(compile_formula(formula)) == [ks.parse_formula(formula)]


@pytest.mark.parametrize("power", ["a**b", "a**(2*b)", "(a*b)**(c - 1)", "a**a"])
def test_symbolic_powers_come_back(power):
    assert ks.expression(compile_formula(power)) == [ks.parse_formula(power)]


class TestPowersOfZero:
    def test_zero_to_any_power(self):
        network = compile_formula("a**b")
        exponents = torch.tensor([2.0, 0.5, 0.0, -1.0], dtype=torch.float64)
        x = torch.stack([torch.zeros(4, dtype=torch.float64), exponents], dim=1)
        assert network(x)[:, 0].tolist() == [0.0, 0.0, 1.0, np.inf]

    def test_the_jacobian_at_zero(self):
        network = compile_formula("k*x**p", parameters={"k": 2.0, "p": 1.5})
        network(torch.zeros(1, 1, dtype=torch.float64)).sum().backward()
        assert network.trained_constants.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("y", "x"), [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1e-200, 1e-200), (-1e200, 1e200)])
def test_the_angle_on_the_axes_and_far_out(y, x):
    network = compile_formula("atan2(y, x)", ["y", "x"])
    assert network.predict(np.array([[y, x]], dtype=float)) == pytest.approx(np.arctan2(y, x), rel=1e-15)


def test_the_smaller_of_very_different_numbers():
    network = compile_formula("min(a, b)")
    assert network.predict(np.array([[1e36, 1.0], [-1e300, 1e300], [2.0, 2.0]])).tolist() == [1.0, -1e300, 2.0]


def nodes_of(formula, kind: str) -> int:
    return len(formula_graph(formula).nodes_of(kind))


def test_each_product_is_computed_once():
    chain = "+".join(f"x{i}*x{i + 1}" for i in range(1, 11))
    assert nodes_of(chain, "product") == 10
    assert len(layers(formula_graph(chain)).nodes_of("product")) == 10
    assert nodes_of("exp(a*b) + sin(a*b) + a*b", "product") == 1
    assert nodes_of("2*a*b + exp(-a*b/3)", "product") == 1
    assert nodes_of(["a*b", "sin(a*b)", "b*a*pi"], "product") == 1


@pytest.mark.parametrize("others", [[], [sympy.sin(b)]])
def test_a_factor_that_occurs_twice_under_two_names_is_a_square(others):
    factors = [a + b, sympy.re(a) + sympy.re(b), *others]
    found = ks.expression(compile_formula(sympy.Mul(*factors, evaluate=False)))[0]
    assert found == sympy.Mul((a + b) ** 2, *others)


def test_terms_of_one_variable_share_an_edge():
    graph = formula_graph("sin(5*a) + cos(3*a) + a**2 + a + exp(a)")
    assert graph.number_of_edges() == 2  # one of five terms, and the output
    assert compile_formula("sin(5*a) + cos(3*a)").width == [1, 1]


def test_nothing_is_expanded():
    network = compile_formula("(a - b)**8")
    X = np.array([[1.0, 1.0 - 1e-9]])
    assert network.predict(X)[0] == pytest.approx((X[0, 0] - X[0, 1]) ** 8, rel=1e-14)


class TestNames:
    def test_they_are_sorted_as_people_count(self):
        assert compile_formula("x10 + x2 + x1").input_names == ("x1", "x2", "x10")

    def test_variables_give_order_and_may_be_unused(self):
        network = compile_formula("x - y", "y, x z")
        assert network.input_names == ("y", "x", "z")
        assert network.predict(np.array([[1.0, 3.0, np.pi]])) == 2.0

    def test_outputs_avoid_the_names_of_inputs(self):
        assert compile_formula("x + 1").output_names == ("y",)
        assert compile_formula("y + 1").output_names == ("f",)
        assert compile_formula(["x", "2*x"]).output_names == ("y1", "y2")

    def test_a_letter_that_only_looks_different_is_the_same_variable(self):
        assert compile_formula("ℎ*2", ["h"]).input_names == ("h",)


class TestParameters:
    def test_each_is_one_node_with_a_start_value_and_a_unit(self):
        network = compile_formula("k*x + sin(k*y) + c", parameters={"k": (1.5, "N/m"), "c": sympy.pi})
        graph = ks.to_graph(network)
        assert network.constant_names == ("k", "c")
        assert graph.nodes["parameter0"]["unit"] == "N/m"
        assert graph.nodes["parameter0"]["trainable"]
        assert network.predict(np.array([[2.0, 1.0]]))[0] == pytest.approx(3 + np.sin(1.5) + np.pi)
        assert ks.expression(network) == [ks.parse_formula("k*x + sin(k*y) + c")]

    def test_they_alone_are_trainable(self):
        network = compile_formula("2*k*x + 3", parameters={"k": 1.0})
        network(torch.ones(1, 1, dtype=torch.float64)).sum().backward()
        gradients = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        assert gradients.tolist() == [2.0]

    def test_they_may_be_exponents(self):
        network = compile_formula("a**p + 2**p", parameters={"p": 3})
        assert network.predict(np.array([[2.0]]))[0] == pytest.approx(16)


def test_several_outputs_constants_and_no_inputs():
    network = compile_formula(["a*b", "a", "2", "a*b"])
    assert network.predict(np.array([[2.0, 3.0]])).tolist() == [[6.0, 2.0, 2.0, 6.0]]
    constant = compile_formula("3*pi")
    assert constant(torch.empty(5, 0, dtype=torch.float64)).shape == (5, 1)
    assert constant.predict(np.empty((2, 0))).tolist() == [3 * np.pi] * 2


def test_sympy_expressions_are_taken_as_they_are():
    t = sympy.Symbol("t", positive=True)
    network = compile_formula(sympy.sqrt(t**2) + sympy.Max(t, 1))
    assert network.predict(np.array([[2.0]])) == 4.0
    assert ks.expression(network) == [sympy.Symbol("t") + sympy.Max(1, sympy.Symbol("t"))]


BAD: dict = {
    "unknown function": ([sympy.Function("f")(x)], r"f\(x\) cannot be compiled.*no library function 'f'.*There are"),
    "floor": ([sympy.floor(x) + 1], r"floor\(x\) cannot be compiled"),
    "zeta": ([sympy.zeta(x)], r"zeta\(x\)"),
    "order": (["besselj(1/2, x)"], "integer orders, not 1/2"),
    "symbolic order": (["besselj(a, x)"], "integer orders, not a"),
    "negative base": (["(-2)**x"], "base must be positive"),
    "imaginary": ([sympy.I * x], "no finite real number"),
    "infinite": ([x + sympy.oo], "no finite real number"),
    "overflow": (["1e200*(1e200*x)"], "range of floats"),
    "underflow": (["1e-200*(1e-200*x)"], "too small"),
    "open cases": ([sympy.Piecewise((a, a < b))], "leaves cases open"),
    "no formula": ([[]], "no formula"),
    "undeclared": (["x + z", ["x", "y"]], r"'z' is neither among the variables \['x', 'y'\]"),
    "twice": (["x", ["x", "x"]], "declared twice"),
    "two symbols": ([x + sympy.Symbol("x", real=True)], "two different symbols 'x'"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_compiled_is_named(arguments, message):
    with pytest.raises(FormulaError, match=message):
        formula_graph(*arguments)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"x": 1.0}, "as a variable and as a parameter"),
        ({"k": "one"}, "'k' starts at 'one'"),
        ({"k": float("inf")}, "'k' starts at inf"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, message):
    with pytest.raises(FormulaError, match=message):
        formula_graph("k*x", ["x"], parameters=parameters)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, on its first jvp
def test_gradients_and_hessians_of_special_functions_are_those_of_sympy():
    formula = "besselj(0, a*b) + gamma(a + 1)*bessely(1, b) + exp(a)**b + besselk(2, b)*atan2(a, b) + max(a, b)"
    network, symbols = compile_formula(formula), (a, b)
    expression = ks.parse_formula(formula)
    f = lambda x: network(x[None])[0, 0]  # noqa: E731
    for point in ([0.3, 0.8], [0.9, 0.4], [1.7, 2.2]):
        x = torch.tensor(point, dtype=torch.float64)
        X = np.array([point])
        slopes = [values_by_numpy(expression.diff(s), "ab", X)[0] for s in symbols]
        np.testing.assert_allclose(torch.func.grad(f)(x).detach(), slopes, rtol=1e-12)
        bends = [[values_by_numpy(expression.diff(s, t).replace(sympy.DiracDelta, lambda *_: sympy.S.Zero), "ab", X)[0]
                  for t in symbols] for s in symbols]  # fmt: skip
        for hessian in (torch.func.hessian(f)(x), torch.func.jacfwd(torch.func.jacfwd(f))(x)):
            np.testing.assert_allclose(hessian.detach(), bends, rtol=1e-11)


def test_a_piece_that_is_not_taken_does_not_spoil_gradients():
    for formula in ("Piecewise((log(a), a > 0), (a, True))", "Piecewise((log(a)*b, a > 0), (a, True))"):
        network = compile_formula(formula, "a b")
        gradient = torch.func.grad(lambda x, network=network: network(x[None])[0, 0])
        assert gradient(torch.tensor([-1.0, 2.0], dtype=torch.float64)).tolist() == [1.0, 0.0]


def test_a_piece_that_is_not_taken_sees_inputs_for_which_it_is_real_at_every_step():
    network = compile_formula("Piecewise((c, a < c), (cot(besseli(4, acosh(a))), True))", "a c")
    assert network.predict(np.array([[-1.2, 2.0]])).tolist() == [2.0]  # acosh(a) is not real there
    assert np.isfinite(network.predict(np.array([[3.0, 2.0]]))).all()


def test_options_reach_the_network():
    assert compile_formula("sin(a) + c", dtype=torch.float32).dtype == torch.float32
