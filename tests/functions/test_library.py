"""Laws of every library function, and of the library as a value.

A new function joins ``FUNCTIONS`` by its label and gives an oracle; it then inherits every law.
"""

import math
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.special
import sympy
import torch

from kanscience._errors import OptionError
from kanscience.functions import Family, Function, Library, as_library, default_library
from kanscience.graph import Term
from tests.helpers import tolerance

ORACLES = {
    "0": np.zeros_like,
    "x": lambda u: u,
    "exp": np.exp,
    "log": np.log,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "sigmoid": scipy.special.expit,
    "erf": scipy.special.erf,
    "sign": np.sign,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "arctanh": np.arctanh,
    "gaussian": lambda u: np.exp(-(u**2)),
    "x^2": np.square,
    "x^3": lambda u: u * u * u,
    "x^4": lambda u: np.square(np.square(u)),
    "x^5": lambda u: u * np.square(np.square(u)),
    "1/x": np.reciprocal,
    "1/x^2": lambda u: 1 / u / u,
    "1/x^3": lambda u: 1 / u / u / u,
    "1/x^4": lambda u: 1 / u / u / u / u,
    "1/x^5": lambda u: 1 / u / u / u / u / u,
    "sqrt": np.sqrt,
    "x^1.5": lambda u: u * np.sqrt(u),
    "1/sqrt": lambda u: 1 / np.sqrt(u),
    "x^(1/3)": lambda u: u ** (1 / 3),
    "J0": scipy.special.j0,
    "J1": scipy.special.j1,
    # members that the families make on demand
    "x^7": lambda u: u**7.0,
    "1/x^2.5": lambda u: u**-2.5,
    "x^(2/3)": lambda u: u ** (2 / 3),
    "J2": lambda u: scipy.special.jv(2, u),
    "J5": lambda u: scipy.special.jv(5, u),
    "J(-1)": lambda u: -scipy.special.j1(u),
    "Y0": scipy.special.y0,
    "Y3": lambda u: scipy.special.yv(3, u),
    "I0": scipy.special.i0,
    "I3": lambda u: scipy.special.iv(3, u),
    "K1": scipy.special.k1,
    "K(-2)": lambda u: scipy.special.kv(2, u),
    "2^x": np.exp2,
    "step(1/2)": lambda u: np.heaviside(u, 0.5),
    "maximum(0)": lambda u: np.maximum(u, 0),
    "minimum(1/5)": lambda u: np.minimum(u, 0.2),
    "piecewise": lambda u: np.where(u < 0.3, np.sin(u), np.where(u < 1, 1 + u**2, np.exp(u * np.cos(u)))),
    # known, but not tried by a search
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "erfc": scipy.special.erfc,
    "log_of_base": np.log,
    "sec": lambda u: 1 / np.cos(u),
    "csc": lambda u: 1 / np.sin(u),
    "cot": lambda u: 1 / np.tan(u),
    "sech": lambda u: 1 / np.cosh(u),
    "csch": lambda u: 1 / np.sinh(u),
    "coth": lambda u: 1 / np.tanh(u),
    "arcsec": lambda u: np.arccos(1 / u),
    "arccsc": lambda u: np.arcsin(1 / u),
    "arccot": lambda u: np.arctan(1 / u),
    "arcsech": lambda u: np.arccosh(1 / u),
    "arccsch": lambda u: np.arcsinh(1 / u),
    "arccoth": lambda u: np.arctanh(1 / u),
    "gamma": scipy.special.gamma,
    "loggamma": scipy.special.gammaln,
}
U = Term()
PIECES = (
    (("<", (U,), (Fraction(3, 10),)), (Term("sin"),)),
    (("and", ("<", (U,), (1,)), ("not", ("<=", (U,), (0,)))), (1, Term.of("power", 2))),
    (True, (Term("chain", ((Term("times", ((U,), (Term("cos"),))),), "exp")),)),
)
MADE = [
    default_library().resolve("power", (7,)),
    default_library().resolve("power", (-2.5,)),
    default_library().resolve("power", (Fraction(2, 3),)),
    *(default_library().resolve("besselj", (order,)) for order in (2, 5, -1)),
    *(default_library().resolve("bessely", (order,)) for order in (0, 3)),
    *(default_library().resolve("besseli", (order,)) for order in (0, 3)),
    *(default_library().resolve("besselk", (order,)) for order in (1, -2)),
    default_library().resolve("exponential", (2,)),
    default_library().resolve("step", (Fraction(1, 2),)),
    default_library().resolve("maximum", (0,)),
    default_library().resolve("minimum", (Fraction(1, 5),)),
    default_library().resolve("piecewise", PIECES),
]
FUNCTIONS = [
    pytest.param(function, id=function.label if len(function.label) < 20 else function.name)
    for function in (*default_library().functions, *MADE)
]


def oracle_of(function: Function):
    return ORACLES.get(function.label) or ORACLES[function.name]


def inner_points(function: Function, dtype=torch.float64, count: int = 41) -> torch.Tensor:
    """Return points inside the real domain, clear of its ends, of poles and of kinks."""
    lower, upper = max(function.lower, -2.5), min(function.upper, 2.5)
    margin = 0.04 * (upper - lower)
    u = torch.linspace(lower + margin, upper - margin, count, dtype=torch.float64)
    near_singular = (u.abs() < 0.05) | ((u.abs() - math.pi / 2).abs() < 0.05)
    near_singular |= ((u - u.round()).abs() < 0.05) & (u <= 1)  # gamma; pieces
    return u[~near_singular].to(dtype)


def needing_gradients(function: Function) -> torch.Tensor:
    return inner_points(function, count=13).requires_grad_()


WITHOUT_SPIKES = {"DiracDelta": lambda *_: 0.0}  # derivatives of steps, beside the step
WITHOUT_SPIKES |= {name: getattr(mpmath, name) for name in ("sec", "csc", "cot", "sech", "csch", "coth")}


@pytest.mark.parametrize("function", FUNCTIONS)
class TestEveryFunction:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    def test_torch_agrees_with_the_oracle_and_keeps_the_dtype(self, function, dtype):
        u = inner_points(function, dtype)
        values = function.torch(u)
        assert values.dtype == dtype
        oracle = torch.as_tensor(oracle_of(function)(u.double().numpy())).to(dtype)
        limits = tolerance(dtype)
        torch.testing.assert_close(values, oracle, rtol=limits["rtol"], atol=limits["atol"])

    def test_torch_agrees_with_sympy_in_thirty_digits(self, function):
        symbol = sympy.Symbol("u")
        formula = sympy.lambdify(symbol, function.sympy(symbol), "mpmath")
        u = inner_points(function)
        exact = [float(sympy.re(formula(sympy.Float(float(point), 30)._to_mpmath(100)))) for point in u]
        torch.testing.assert_close(function.torch(u), torch.tensor(exact, dtype=u.dtype), rtol=1e-13, atol=1e-14)

    def test_derivative_is_the_gradient_and_the_symbolic_derivative(self, function):
        u = needing_gradients(function)
        (gradient,) = torch.autograd.grad(function.torch(u).sum(), u)
        torch.testing.assert_close(function.slope_at(u.detach()), gradient, rtol=1e-12, atol=1e-13)
        symbol = sympy.Symbol("u", real=True)
        derivative = sympy.diff(function.sympy(symbol), symbol)
        slope = sympy.lambdify(symbol, derivative, [WITHOUT_SPIKES, "scipy"])
        oracle = np.array([complex(slope(point)).real for point in u.tolist()])
        torch.testing.assert_close(gradient, torch.as_tensor(oracle), rtol=1e-12, atol=1e-13)

    def test_it_is_twice_differentiable(self, function):
        assert torch.autograd.gradcheck(function.torch, needing_gradients(function))
        assert torch.autograd.gradgradcheck(function.torch, needing_gradients(function))
        assert torch.autograd.gradcheck(function.slope_at, needing_gradients(function))

    def test_it_is_not_a_number_outside_the_real_domain(self, function):
        outside = [end for end in (function.lower - 0.5, function.upper + 0.5) if math.isfinite(end)]
        for u in outside:
            assert torch.isnan(function.torch(torch.tensor(u, dtype=torch.float64)))
        assert torch.isfinite(function.torch(inner_points(function))).all()

    def test_a_nan_stays_a_nan(self, function):
        assert torch.isnan(function.torch(torch.tensor(math.nan)))

    def test_parity_holds_exactly_when_it_is_declared(self, function):
        u = inner_points(function)
        values, mirrored = function.torch(u), function.torch(-u)
        even = torch.allclose(mirrored, values, rtol=1e-13, atol=1e-14)
        odd = torch.allclose(mirrored, -values, rtol=1e-13, atol=1e-14)
        assert function.parity in (["even"] * even + ["odd"] * odd or [None])

    def test_a_declared_period_is_the_period(self, function):
        u = inner_points(function)
        if function.period is not None:
            again = function.torch(u + function.period)
            torch.testing.assert_close(again, function.torch(u), rtol=1e-11, atol=1e-12)

    def test_homogeneity_holds_exactly_when_it_is_declared(self, function):
        u = torch.linspace(0.05, 0.3, 11, dtype=torch.float64)
        values, doubled, tripled = (function.torch(k * u) for k in (1.0, 2.0, 3.0))
        nonzero = (values.abs() > 0).all()
        degree = torch.log2(doubled / values).mean().item() if nonzero else 0.0
        is_power = torch.allclose(doubled, 2**degree * values, rtol=1e-12) and torch.allclose(
            tripled, 3**degree * values, rtol=1e-12
        )
        if function.homogeneous is not None:
            assert is_power
            assert degree == pytest.approx(function.homogeneous, abs=1e-12)
            assert "slope" in function.redundant
        else:
            assert not (is_power and nonzero)

    def test_redundant_constants_can_be_replaced_by_scale_and_offset(self, function):
        one_sided = function.branch is not None or math.isfinite(function.lower)
        u = torch.linspace(0.2 if one_sided else -0.45, 0.5, 30, dtype=torch.float64)
        u = u + max(1.0, function.lower) if function.lower > 0 else u
        changed = {"slope": 1.3 * u, "shift": u + 0.3}
        basis = torch.stack([function.torch(u), torch.ones_like(u)], dim=1).numpy()
        for constant, argument in changed.items():
            target = function.torch(argument).numpy()
            fitted = basis @ np.linalg.lstsq(basis, target, rcond=None)[0]
            replaceable = np.allclose(fitted, target, rtol=0, atol=1e-11 * np.abs(target).max())
            assert replaceable == (constant in function.redundant)

    def test_the_branch_is_free_of_poles_and_stands_for_all_others(self, function):
        if function.branch is None:
            domain = torch.linspace(-1, 1, 2001, dtype=torch.float64).clamp(function.lower, function.upper)
            assert torch.isfinite(function.torch(domain)).all()
        else:
            ends = [end for end in function.branch if math.isfinite(end)]
            poles = function.torch(torch.tensor(ends, dtype=torch.float64)).abs() > 1e15
            assert poles.any()
            assert all(
                is_pole or end in (function.lower, function.upper) for end, is_pole in zip(ends, poles, strict=True)
            )

    @pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, on its first jvp
    def test_it_works_inside_the_transforms_of_torch(self, function):
        u = inner_points(function)
        slopes = torch.func.vmap(torch.func.grad(function.torch))(u)
        torch.testing.assert_close(slopes, function.slope_at(u), rtol=1e-12, atol=1e-13)
        rows = u.expand(3, -1)
        torch.testing.assert_close(torch.func.vmap(function.torch)(rows), function.torch(rows))
        _, tangents, *_ = torch.func.jvp(function.torch, (u,), (torch.ones_like(u),))
        torch.testing.assert_close(tangents, slopes, rtol=1e-12, atol=1e-13)
        bends = torch.func.vmap(torch.func.grad(torch.func.grad(function.torch)))(u)
        forwards = torch.func.vmap(torch.func.jacfwd(torch.func.jacfwd(function.torch)))(u)
        mixed = torch.func.vmap(torch.func.jacfwd(torch.func.grad(function.torch)))(u)
        torch.testing.assert_close(forwards, bends, rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(mixed, bends, rtol=1e-11, atol=1e-11)
        symbol = sympy.Symbol("u", real=True)
        oracle = sympy.lambdify(symbol, sympy.diff(function.sympy(symbol), symbol, 2), [WITHOUT_SPIKES, "scipy"])
        exact = torch.tensor([complex(oracle(point)).real for point in u.tolist()], dtype=u.dtype)
        torch.testing.assert_close(bends, exact, rtol=1e-10, atol=1e-10)

    def test_it_survives_pickle_and_is_found_again_by_name(self, function):
        again = pickle.loads(pickle.dumps(function))
        assert again == function
        assert hash(again) == hash(function)
        assert default_library().resolve(function.name, function.arguments) == function

    def test_label_is_unique_and_readable(self, function):
        labels = [f.label for f in (*default_library().functions, *MADE)]
        assert labels.count(function.label) == 1
        assert str(function) == function.label


def test_the_functions_of_searches_are_tried_cheap_first():
    library = default_library()
    only_known = {function.name for function in set(library.functions) - set(library.candidates)}
    reciprocal = {"sec", "csc", "cot", "sech", "csch", "coth"}
    inverse = {f"arc{name}" for name in (*reciprocal, "sinh", "cosh")}
    assert only_known == reciprocal | inverse | {"erfc", "log_of_base", "gamma", "loggamma"}
    prices = [function.complexity for function in library.candidates]
    assert prices == sorted(prices)


def test_a_nested_function_costs_what_is_in_it():
    resolve = default_library().resolve
    assert resolve("chain", ((Term("exp"),), "sin")).complexity == resolve("exp").complexity + resolve("sin").complexity
    assert resolve("times", ((Term("exp"),), (Term("sin"),))).complexity == 3  # two functions and the sign between
    assert resolve("largest", ((Term.of("sin", slope=3, shift=0.5),), (2,))).complexity == 5
    assert resolve("piecewise", PIECES).complexity > resolve("piecewise", PIECES[1:]).complexity > 4


def test_free_constants_are_counted_after_redundant_ones():
    library = default_library()
    counts = {label: library.resolve(label).n_constants for label in ("0", "x", "x^2", "exp", "log", "sin")}
    assert counts == {"0": 1, "x": 2, "x^2": 3, "exp": 3, "log": 3, "sin": 4}


@pytest.mark.parametrize("three_halves", [1.5, Fraction(3, 2), sympy.Rational(3, 2)])
def test_arguments_are_exact_numbers_however_they_are_written(three_halves):
    function = default_library().resolve("power", (three_halves,))
    assert function.arguments == (sympy.Rational(3, 2),)
    assert function is default_library().resolve("x^1.5")


def test_decimal_arguments_stay_decimal():
    function = default_library().resolve("power", (sympy.Float("0.1"),))
    assert str(function.sympy(sympy.Symbol("u"))) == "u**0.1"
    assert default_library().resolve("power", (sympy.Float(2.0),)).torch(torch.tensor(-3.0)) == 9


def test_irrational_arguments_stay_exact():
    function = default_library().resolve("power", (sympy.pi,))
    assert function.sympy(sympy.Symbol("u")) == sympy.Symbol("u") ** sympy.pi
    assert function.torch(torch.tensor(2.0, dtype=torch.float64)).item() == pytest.approx(2**math.pi, rel=1e-15)


def sinc() -> Function:
    return Function("sinc", torch.special.sinc, lambda u: sympy.sinc(sympy.pi * u), complexity=2, parity="even")


def test_a_users_function_is_added_to_a_new_library_only():
    library = default_library().with_functions(sinc())
    assert library.resolve("sinc").label == "sinc"
    assert "sinc" in str(library)
    with pytest.raises(OptionError, match="no function 'sinc'"):
        default_library().resolve("sinc")


def test_a_users_function_without_derivative_is_differentiated():
    u = torch.linspace(0.1, 2, 9, dtype=torch.float64)
    oracle = (torch.cos(math.pi * u) - torch.special.sinc(u)) / u
    torch.testing.assert_close(sinc().slope_at(u), oracle, rtol=1e-12, atol=1e-13)
    assert torch.autograd.gradcheck(sinc().slope_at, u.requires_grad_())


def test_a_function_of_the_same_name_gives_way():
    degrees = Function("sin", lambda u: torch.sin(torch.deg2rad(u)), lambda u: sympy.sin(u * sympy.pi / 180))
    library = default_library().with_functions(degrees)
    assert library.resolve("sin") is degrees
    assert [f for f in library.candidates if f.name == "sin"] == [degrees]
    assert default_library().resolve("sin") != degrees


def test_a_users_family_makes_members():
    def scaled_exponential(base):
        return Function(
            "exponential",
            torch=lambda u: float(base) ** u,
            sympy=lambda u: base**u,
            arguments=(base,),
        )

    library = default_library().with_families(Family("exponential", scaled_exponential, "exponential(base)"))
    two = library.resolve("exponential", (2,))
    assert two.label == "exponential(2)"
    assert two.sympy(sympy.Integer(3)) == 8


def test_restricting_the_candidates_keeps_the_vocabulary():
    library = default_library().only("sin", "x^2", "power")
    assert {f.name for f in library.candidates} == {"sin", "power"}
    assert library.resolve("cos").name == "cos"
    assert default_library().only("x^2").candidates == (default_library().resolve("x^2"),)


def test_as_library_takes_what_callers_pass():
    assert as_library(None) is default_library()
    assert as_library(default_library()) is default_library()
    assert [f.label for f in as_library(["sin", "identity"]).candidates] == ["x", "sin"]
    with pytest.raises(OptionError, match=r"write \['sin'\]"):
        as_library("sin")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("sine", (), "no function 'sine'.*sin, cos.*power"),
        ("sin", (2,), r"no function 'sin\(2\)'"),
        ("power", (), "any real number; given: none"),
        ("power", (1, 2), "given: 1, 2"),
        ("power", (sympy.I,), "finite real exponent, not I"),
        ("power", (sympy.Symbol("p"),), "exact numbers, not p"),
        ("besselj", (0.5,), "integer order, not 1/2"),
    ],
)
def test_an_unknown_function_is_refused_with_the_choices(name, arguments, message):
    with pytest.raises(OptionError, match=message):
        default_library().resolve(name, arguments)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"lower": 1.0, "upper": 1.0}, "empty domain"),
        ({"redundant": frozenset({"offset"})}, "may hold"),
    ],
)
def test_a_contradictory_function_is_refused(option, message):
    with pytest.raises(OptionError, match=message):
        Function("f", torch.sin, sympy.sin, **option)


def test_an_empty_library_says_so_in_its_error():
    with pytest.raises(OptionError, match="no function 'x'"):
        Library(()).resolve("x")


@pytest.mark.parametrize("name", ["besseli", "besselj"])
@pytest.mark.parametrize("order", [2, 3, 5])
@pytest.mark.parametrize("u", [1e-3, 1.1e-8, 0.9e-8, 1e-20, -1.5e-58])
def test_bessel_functions_of_small_arguments_keep_their_digits(name, order, u):
    found = float(default_library().resolve(name, (order,)).torch(torch.tensor([u], dtype=torch.float64))[0])
    assert found == pytest.approx(float(getattr(mpmath, name)(order, mpmath.mpf(u))), rel=1e-13)


def test_a_modified_bessel_function_vanishes_no_sooner_than_its_power():
    found = default_library().resolve("besseli", (3,)).torch(torch.tensor([1.5e-78], dtype=torch.float64))
    assert float(found[0]) == pytest.approx(float(mpmath.besseli(3, mpmath.mpf(1.5e-78))), rel=1e-13)
