"""Functions of one's own, called in formulas by their names."""

import numpy as np
import pytest
import sympy
import torch

import kanscience as ks

SINC = ks.Function("sinc", torch.special.sinc, lambda u: sympy.sinc(sympy.pi * u), parity="even")
LIBRARY = ks.default_library().with_functions(SINC)


def test_a_function_of_ones_own_is_compiled_wherever_it_stands():
    text = "a*sinc(2*x + 1)**2 + where(x > 0, sinc(a*x), 1) + sinc(1/2)"
    network = ks.compile_formula(text, ["a", "x"], library=LIBRARY)
    X = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    a, x = X.T
    expected = a * np.sinc(2 * x + 1) ** 2 + np.where(x > 0, np.sinc(a * x), 1) + np.sinc(0.5)
    np.testing.assert_allclose(network.predict(X), expected, rtol=1e-14, atol=1e-15)
    assert ks.compile_formula("3*sinc(x)", library=LIBRARY).width == [1, 1]


def test_it_is_read_as_an_undefined_function_that_compiles_again():
    x = sympy.Symbol("x")
    read = ks.parse_formula("2*sinc(x)", library=LIBRARY)
    assert read == 2 * sympy.Function("sinc")(x)
    assert ks.expression(ks.compile_formula(read, library=LIBRARY)) == [2 * sympy.sinc(sympy.pi * x)]


def test_functions_of_the_default_library_are_words_too():
    x, y = sympy.symbols("x y")
    assert ks.parse_formula("gaussian(x) + sigmoid(y)") == sympy.exp(-(x**2)) + 1 / (1 + sympy.exp(-y))


@pytest.mark.parametrize(
    ("text", "says"), [("sincc(x)", "Did you mean 'sinc'"), ("sinc(x, y)", "sinc takes 1 argument, not 2")]
)
def test_mistakes_are_told(text, says):
    with pytest.raises(ks.FormulaError, match=says):
        ks.compile_formula(text, library=LIBRARY)


def test_an_undefined_function_of_two_arguments_is_none_of_the_library():
    x, y = sympy.symbols("x y")
    with pytest.raises(ks.FormulaError, match="cannot be compiled"):
        ks.compile_formula(sympy.Function("sinc")(x, y), library=LIBRARY)
