"""Mistakes that first-time users and experts make, each really made: the right answer, or a letter with the way out."""

import copy
import pickle
import re
import warnings

import networkx
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sympy
import torch
from click.testing import CliRunner

import kanscience as ks
from kanscience.cli import main
from kanscience.training import _levels
from tests.helpers_networks import state_of

pytestmark = pytest.mark.usefixtures("as_users_call")

X = np.random.default_rng(0).uniform(0.5, 1.5, (40, 2))
Y = X[:, 0] * np.exp(X[:, 1])
TABLE = pd.DataFrame({"v [m/s]": X[:, 0], "T": X[:, 1], "y": Y})
INPUTS = TABLE[["v [m/s]", "T"]]
WORDS = [*map(str, X[1:, 1]), "-"]


def network(*, inputs: int = 2, outputs: int = 1, **options) -> ks.MultKAN:
    return ks.MultKAN([inputs, 1, outputs], grid=2, seed=0, **options)


def fit(inputs=X, targets=Y, *, of: ks.MultKAN | None = None, **options) -> ks.FitReport:
    return ks.fit(of or network(), inputs, targets, **{"steps": 3, **options})


def fitted(inputs=X) -> ks.MultKAN:
    fit(inputs, of=(one := network()))
    return one


def in_inference_mode(do):
    with torch.inference_mode():
        return do()


class Container:
    """Arrays of several kinds in one, as xarray has them."""

    def __array__(self, *_, **__):
        raise TypeError("cannot directly convert to an array")


FIRST_TIME = {
    "X and y swapped": (lambda: fit(Y, X), ks.ShapeError, r"got \(40,\)\. For one column, pass"),
    "one column of a frame": (lambda: fit(TABLE["T"]), ks.ShapeError, r"`table\[\[column\]\]`"),
    "the target by its name": (
        lambda: fit(TABLE, "y"),
        ks.DataError,
        r"pass the column, table\['y'\], and inputs with",
    ),
    "the target's name for a tree": (lambda: ks.discover_tree(TABLE, "y"), ks.DataError, r"as table\[name\]"),
    "the target left among the inputs": (
        lambda: fit(TABLE, TABLE["y"], of=network(inputs=3)),
        ks.DataError,
        "'y' is both an input and a target. Leave",
    ),
    "the target left in a tree's table": (lambda: ks.discover_tree(TABLE, TABLE["y"]), ks.DataError, "both an input"),
    "y as words": (
        lambda: fit(targets=list("ab") * 20),
        ks.DataError,
        "holds text and not numbers: 'a' in row 0. Leave",
    ),
    "y as numbers in quotes": (lambda: fit(targets=list(map(str, Y))), ks.DataError, "stored as text: convert them"),
    "a dash among numbers": (
        lambda: fit(INPUTS.assign(T=WORDS)),
        ks.DataError,
        "Column 'T' .* '-' in row 39, 1 in all",
    ),
    "a gap in a column": (
        lambda: fit(INPUTS.assign(T=INPUTS["T"].where(X[:, 1] > X[3, 1]))),
        ks.DataError,
        r"row \d+, column 'T' is missing \(NaN\)",
    ),
    "a column y for two outputs": (
        lambda: fit(X, Y[:, None], of=network(outputs=2)),
        ks.ShapeError,
        r"each of the network's 2 outputs; got \(40, 1\)",
    ),
    "a column that came another time": (
        lambda: fitted(INPUTS).predict(INPUTS[["T"]]),
        ks.DataError,
        r"lacks the columns 'v \[m/s\]'; the network takes",
    ),
    "numbers beyond floats": (
        lambda: fit([[10**400, 1]] * 3, [1, 2, 3]),
        ks.DataError,
        "beyond the range of floats in row",
    ),
    "width as text": (lambda: ks.MultKAN("2,5,1"), ks.OptionError, r"such as \[2, 5, 1\]; got '2,5,1'"),
    "a flag as text": (lambda: fit(progress="no"), ks.OptionError, "`progress` .* got 'no'. Pass True, False or None"),
    "the formula of splines": (lambda: ks.expression(network()), ks.NotSymbolicError, "Run `ks.snap"),
    "sin x": (lambda: ks.compile_formula("sin x"), ks.FormulaError, r"Arguments stand in parentheses: sin\(x\)"),
    "x²": (lambda: ks.compile_formula("2*x²"), ks.FormulaError, r"Powers are written \*\*"),
    "|x|": (lambda: ks.compile_formula("|x|"), ks.FormulaError, r"Write abs\(x\)"),
    "signs from a page": (lambda: ks.compile_formula("a × b"), ks.FormulaError, r"Write - for −, \* for ×"),
    "a dot for a product": (lambda: ks.compile_formula("a·b"), ks.FormulaError, r"'a·b': products are written with \*"),
    "a decimal comma": (lambda: ks.compile_formula("1,5*x"), ks.FormulaError, "decimals have a point"),
    "half a formula": (lambda: ks.compile_formula("a*b +"), ks.FormulaError, "Its end is missing"),
    "a method that is a function": (lambda: network().fit(X, Y), AttributeError, r"write ks\.fit\(network, \.\.\.\)"),
}

EXPERT = {
    "pykan's class": (lambda: ks.KAN([2, 1]), AttributeError, r"Write ks\.MultKAN\(width\)"),
    "pykan's dataset": (
        lambda: fit({"train_input": X}),
        ks.DataError,
        "holds dict .* Pass a frame, an array or a tensor",
    ),
    "pykan's order of kanpiler": (
        lambda: ks.compile_formula(sympy.symbols("x y"), sympy.sympify("x*y")),
        ks.FormulaError,
        "`variables` are names, .*the formula comes first",
    ),
    "a function for a formula": (lambda: ks.compile_formula(np.sin), ks.FormulaError, "text or a sympy .* not ufunc"),
    "bare networkx": (lambda: ks.from_graph(networkx.DiGraph()), ks.OptionError, "formulas by ks.formula_graph"),
    "a trace of another network": (
        lambda: ks.plot(ks.MultKAN([2, 3, 1]), ks.trace(network(), X)),
        ks.ShapeError,
        r"trace=ks.trace\(network, X\)",
    ),
    "half precision": (lambda: fit(of=network().half()), ks.OptionError, r"fit network\.double\(\)"),
    "bfloat16": (lambda: fit(of=network().to(torch.bfloat16)), ks.OptionError, r"not in torch.bfloat16"),
    "gradients in inference mode": (
        lambda: in_inference_mode(lambda: fit(optimizer="adam")),
        ks.OptionError,
        "'adam' needs gradients, .* call `fit` outside",
    ),
    "a network of inference mode": (
        lambda: fit(of=in_inference_mode(network)),
        ks.OptionError,
        "made inside torch.inference_mode",
    ),
    "a callback of nothing": (lambda: fit(callbacks=lambda: None), ks.OptionError, "called with one Progress, and <f"),
    "a callback of two": (lambda: fit(callbacks=[print, lambda a, b: 0]), ks.OptionError, "missing a required .* 'b'"),
    "rows that are not there": (
        lambda: ks.fit_many([network()], X, Y, rows=[[0, 40]]),
        ks.OptionError,
        "names row 40, but .* from 0 to 39",
    ),
    "a mask that is too short": (
        lambda: ks.fit_many([network()], X, Y, rows=[[True, False]]),
        ks.ShapeError,
        "a mask of 2 entries for 40 rows",
    ),
    "a sparse matrix": (
        lambda: fit(scipy.sparse.csr_matrix(X)),
        ks.DataError,
        "holds csr_matrix .* Pass a frame",
    ),
    "what genfromtxt returns": (
        lambda: fit(np.ones(3, dtype=[("a", float), ("b", float)]), np.ones(3)),
        ks.DataError,
        r"structured array: pass pandas.DataFrame\(inputs\)",
    ),
    "a frame with some of a law's names": (
        lambda: ks.discover_tree(ks.compile_formula("a*exp(b)"), TABLE.set_axis(["a", "c", "y"], axis=1)),
        ks.DataError,
        "`x` lacks the columns 'b'",
    ),
    "formulas in a dict": (
        lambda: ks.compile_formula({"force": "m*a", "energy": "m*v**2/2"}),
        ks.FormulaError,
        "several are a list of them, not dict",
    ),
    "a column of no name": (
        lambda: fit(pd.DataFrame(X, columns=[None, "b"])),
        ks.DataError,
        "called nan, which is no name, and others have names: 'b'|called None, which is no name",
    ),
    "lists in cells": (
        lambda: fit(pl.DataFrame({"a": [[1.0, 2.0]] * 40, "b": X[:, 1]})),
        ks.DataError,
        "'a' of `inputs` holds list and not numbers",
    ),
    "a container of arrays": (lambda: fit(Container()), ks.DataError, r"of the kind Container: pass a frame"),
    "targets whose squares are 0": (
        lambda: fit(targets=Y * 1e-170),
        ks.DataError,
        r"`targets` reaches 6\.58\d*e-170, .* choose another unit",
    ),
    "errors beyond all squares": (lambda: fit(sigma=1e300), ks.DataError, r"`sigma` reaches 1e\+300"),
    "errors of other targets": (
        lambda: fit(
            targets=pd.DataFrame({"u": Y, "v": Y}), sigma=pd.DataFrame({"v": Y, "w": Y}), of=network(outputs=2)
        ),
        ks.DataError,
        "`sigma` has the columns 'v', 'w' and the targets are 'u', 'v'",
    ),
    "constants beyond float32": (
        lambda: ks.compile_formula("1e50*x", dtype=torch.float32),
        ks.OptionError,
        "1e[+]?50 is beyond the range of torch.float32, where it becomes inf: pass dtype=torch.float64",
    ),
    "constants that vanish in float32": (
        lambda: ks.compile_formula("k*x", parameters={"k": 1e-60}, dtype=torch.float32),
        ks.OptionError,
        "where it becomes 0",
    ),
    "a file of nobody's": (lambda: ks.load("~nobody-here/law.kan"), ks.FileError, "nobody-here"),
    "a folder for a file": (lambda: ks.save(network(), "."), ks.FileError, "'.' is a folder. Name the file in it"),
    "numpy's function in a library": (
        lambda: ks.default_library().with_functions(np.sin),
        ks.OptionError,
        r"must be a Function, .* Write ks\.Function",
    ),
    "a picture of text": (lambda: ks.plot("x**2"), ks.OptionError, r"Of a formula, draw ks\.formula_graph\(formula\)"),
    "pykan's option of a picture": (
        lambda: ks.plot(network(), beta=3),
        TypeError,
        r"plot_network\(\) got an unexpected keyword argument 'beta'",
    ),
    "one set of rows for many": (
        lambda: ks.fit_many([network(), network()], X, Y, rows=np.arange(9)),
        ks.OptionError,
        "a list of 2 arrays, one for each network",
    ),
}


@pytest.mark.parametrize("name", [*FIRST_TIME, *EXPERT])
def test_a_mistake_gets_a_letter(name):
    make, error, says = {**FIRST_TIME, **EXPERT}[name]
    with pytest.raises(error, match=says):
        make()


def test_files_that_are_no_networks_get_a_letter(tmp_path):
    ks.save(network(), tmp_path / "law.kan")
    (tmp_path / "notes.txt").write_text("no network", encoding="utf-8")
    for name, says in {
        "lwa.kan": "there is no file .* Did you mean 'law.kan'",
        "": "is a folder, no file. In that folder: 'law.kan'",
        "notes.txt": "no safetensors file .* Write networks with ks.save",
    }.items():
        with pytest.raises(ks.FileError, match=says):
            ks.load(tmp_path / name)


CSV = {
    "names.csv": "a,b,y\n1,2,3\n",
    "bare.csv": "1,2,3\n4,5,6\n",
    "blanks.txt": "a b y\n1 2 3\n",
    "units.csv": "a,b,y\nm,s,kg\n" + "1,2,3\n" * 5,
}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("discover bare.csv --target y", "Are the names missing\\? The first line"),
        ("discover blanks.txt --target y", "has blanks between its fields: 'a b y'. Put commas there"),
        ("discover units.csv --target y", "Column 'a' of `X` holds text among its numbers: 'm' in row 0"),
        ("discover nmaes.csv --target y", "Did you mean 'names.csv'"),
        ("tree a*b --range a=2:1", "--range 'a=2:1' must grow .* as a=0.5:2"),
        ("compile x**2 --plot no/such.svg", "cannot be written: No such .* Make its folder first"),
        ("show names.csv", "Write networks with ks.save"),
    ],
)
def test_the_command_line_says_it_in_one_line(tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    for name, text in CSV.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, words.split(), catch_exceptions=False)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert re.search(says, done.stderr)


@pytest.mark.parametrize("size", [1e-30, 1e-19, 1e19, 1e30])
def test_single_precision_takes_targets_in_any_unit(size):
    """Squares of 1e-19, a charge in coulombs, are 0 in float32: a fit of nothing was reported as perfect."""
    one = network(dtype=torch.float32)
    report = ks.fit(one, X, Y * size, steps=30)
    rmse = np.sqrt(np.mean((one.predict(X).astype(float) / size - Y) ** 2))
    assert 0 < rmse < 0.1
    assert report.loss / size == pytest.approx(rmse, rel=1e-3)
    errors = np.full(len(Y), size)
    assert ks.fit(one, X, Y * size, sigma=errors, steps=0).loss == pytest.approx(report.loss, rel=1e-3)


def test_a_law_is_asked_by_the_names_of_its_inputs():
    law = ks.compile_formula("a*exp(b) + log(c)", ["a", "b", "c"])
    frame = pd.DataFrame(np.random.default_rng(0).uniform(1, 2, (50, 3)), columns=["c", "b", "a"])
    expected = "f(a, b, c): additive\n  {a, b}: multiplicative\n    a\n    b\n  c"
    assert str(ks.discover_tree(law, frame)) == expected
    assert ks.has_symmetry(ks.compile_formula("a*sin(b/c)", ["a", "b", "c"]), frame, "b/c")


def test_frames_are_fitted_without_a_word():
    shuffled = INPUTS[["T", "v [m/s]"]]
    one = fitted(INPUTS)
    np.testing.assert_array_equal(one.predict(shuffled), one.predict(INPUTS))
    lazy = network()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(pl.LazyFrame(INPUTS.to_dict("list")), of=lazy)
        ks.fit_many([network()], pl.LazyFrame(INPUTS.to_dict("list")), Y, rows=[range(30)], steps=1)
    assert lazy.input_names == ("v [m/s]", "T")
    np.testing.assert_array_equal(lazy.predict(X), one.predict(X))
    assert fit(TABLE, TABLE["y"], of=one).steps == 3  # its inputs are known by name: y is not among them


@pytest.mark.parametrize("rows", [[0, 1], [0] * 40])
def test_hardly_any_rows_give_a_plain_law(rows):
    found = ks.discover(X[rows], Y[rows], time_budget=2, seed=0)
    assert found.best.complexity <= 2
    np.testing.assert_allclose(found.predict(X[rows]), Y[rows], atol=np.ptp(Y[rows]) + 1e-9)


def test_copies_and_half_precision_predict():
    one = fitted()
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        np.testing.assert_array_equal(other.predict(X), one.predict(X))
    half = fitted().to(torch.bfloat16)
    np.testing.assert_array_equal(half.predict(X), half(torch.from_numpy(X)).float().numpy(force=True)[:, 0])


def test_an_interrupt_before_the_first_step_changes_nothing(monkeypatch):
    def interrupted(network, x):
        raise KeyboardInterrupt

    one = network()
    before = state_of(one)
    monkeypatch.setattr(_levels, "adopt_domains_", interrupted)  # kernels may be compiled there, which takes seconds
    with pytest.raises(KeyboardInterrupt):
        fit(of=one)
    monkeypatch.undo()
    after = state_of(one)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert fit(of=one).loss == fit().loss


def test_the_console_shows_a_line():
    one = network()
    assert repr(one) == "<MultKAN [2, 1, 1]: 3 spline edges, 0 symbolic terms, 18 trainable numbers>"
    assert not hasattr(one, "fit")
    trace = ks.trace(one, X)
    for thing in (trace, ks.default_library(), ks.suggest(one, trace, (0, 0, 0), library=["x", "exp"])):
        assert re.fullmatch(r"<(Trace of 40|Library of \d+|Suggestions, best first: \w+, \w+).*>", repr(thing))
