"""From a table to a law."""

import numpy as np
import pandas as pd
import pytest
import sympy

import kanscience as ks
from kanscience.discovery import _discover
from kanscience.discovery._measurements import measurements, superfluous_columns
from tests.helpers_discovery import KEPLER, classical_routes, kepler

__all__ = ["classical_routes", "kepler"]

quick = pytest.mark.usefixtures("classical_routes")


def _planets():
    table = ks.load_table("planets")
    return table[KEPLER], table["period_yr"]


def _columns(rows=100, columns=2, seed=0):
    return np.random.default_rng(seed).uniform(1, 3, (rows, columns))


@quick
@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_keplers_law_comes_out_of_the_planets_exactly(seed):
    X, T = _planets()
    found = ks.discover(X, T, seed=seed)
    assert found.best.expression == sympy.Symbol("semi_major_axis_au") ** sympy.Rational(3, 2)
    assert found.inactive == ("eccentricity", "mass_earth")
    assert found.best.route == "power law"
    assert found.cross_validated
    np.testing.assert_allclose(found.predict(X), X["semi_major_axis_au"] ** 1.5, rtol=1e-14)
    assert found.network is not None
    np.testing.assert_allclose(found.network.predict(X), found.predict(X), rtol=1e-14)


@quick
def test_order_and_names_of_rows_and_columns_do_not_matter():
    X, T = _planets()
    rows = np.random.default_rng(3).permutation(len(T))
    shuffled = X.iloc[rows, [2, 0, 1]].rename(columns={"semi_major_axis_au": "q w"})
    found = ks.discover(shuffled, T.iloc[rows], seed=0)
    assert found.best.expression == sympy.Symbol("q w") ** sympy.Rational(3, 2)


@quick
@pytest.mark.parametrize("unit", [pytest.param(2.0**20, marks=pytest.mark.slow), 1.495978707e11])
def test_units_change_the_factor_only(unit):
    X, T = _planets()
    found = ks.discover(X.assign(semi_major_axis_au=X["semi_major_axis_au"] * unit), T, seed=0)
    (law,) = found.best.formulas
    (symbol,) = law.free_symbols
    factor = law / symbol ** sympy.Rational(3, 2)
    assert float(factor) == pytest.approx(unit**-1.5, rel=3e-4)
    assert found.inactive == ("eccentricity", "mass_earth")


@quick
def test_the_rows_that_report_are_seen_by_no_fit_and_no_choice():
    X = _columns(60)
    y = X[:, 0] * X[:, 1]
    honest = ks.discover(X, y, seed=1)
    reported = honest.held_out[0].rows
    assert len(reported) == 12
    spoiled = y.copy()
    spoiled[reported] = 1e6
    again = ks.discover(X, spoiled, seed=1)
    assert again.best.expression == honest.best.expression
    assert again.held_out[0].errors.rmse > 1e5


@quick
def test_same_seed_same_front():
    X = _columns(40)
    y = np.sin(X[:, 0]) + X[:, 1]
    one, other = (ks.discover(X, y, seed=5) for _ in range(2))
    assert [(c.expression, c.loss) for c in one.pareto] == [(c.expression, c.loss) for c in other.pareto]
    assert str(one.seed) in str(one)


@quick
def test_every_target_gets_its_own_formula():
    X = _columns(90)
    Y = pd.DataFrame({"u": X[:, 0] * X[:, 1], "v": X[:, 0] + 2 * X[:, 1]})
    found = ks.discover(pd.DataFrame(X, columns=["a", "b"]), Y, seed=0)
    a, b = sympy.symbols("a b")
    assert found.best.expression == [a * b, a + 2 * b]
    np.testing.assert_allclose(found.predict(X), Y, rtol=1e-13)
    assert found.network is not None
    np.testing.assert_allclose(found.network.predict(X), Y, rtol=1e-13)
    assert found.targets == ("u", "v")
    assert len(found.fronts) == 2
    assert "u = a*b" in str(found)


@quick
def test_constant_and_repeated_columns_are_named_and_left_out():
    X = _columns(50)
    table = pd.DataFrame({"a": X[:, 0], "one": 1.0, "again": X[:, 0], "b": X[:, 1]})
    found = ks.discover(table, X[:, 0] / X[:, 1], seed=0)
    assert str(found.best.expression) == "a/b"
    assert found.inactive == ("one", "again")
    assert "one was left out of the formulas: constant, 1" in str(found)
    assert "again was left out of the formulas: the same as a" in str(found)
    np.testing.assert_allclose(found.predict(table.to_numpy()), X[:, 0] / X[:, 1], rtol=1e-14)


@quick
def test_only_constant_columns_leave_a_constant():
    found = ks.discover(np.ones((40, 2)), np.arange(40.0), seed=0)
    assert found.best.complexity == 0
    assert found.inactive == ("x1", "x2")


@quick
@pytest.mark.parametrize("value", [0.0, 5.0, -2.5])
def test_a_constant_target_gives_that_number(value):
    found = ks.discover(_columns(40), np.full(40, value), seed=0)
    assert float(found.best.formulas[0]) == value
    assert found.best.complexity <= 2
    assert str(found)


@quick
@pytest.mark.parametrize("rows", [2, 3, 5, 12, 29])
def test_few_rows_are_an_ordinary_case(rows):
    X = _columns(rows)
    found = ks.discover(X, X[:, 0] ** 2, seed=0)
    assert np.isfinite(found.best.loss)
    if rows >= 12:
        assert str(found.best.expression) == "x1**2"


@quick
def test_standard_errors_of_the_target_count():
    X = _columns(200, 1)
    rng = np.random.default_rng(0)
    sigma = np.where(rng.random(200) < 0.5, 1e-3, 3.0)
    y = 3.7 * X[:, 0] + sigma * rng.normal(size=200)
    found = ks.discover(X, y, sigma=sigma, seed=0)
    plain = ks.discover(X, y, seed=0)
    error = [abs(float(d.predict([[1.0]])[0]) - 3.7) for d in (found, plain)]
    assert error[0] < 1e-3 < error[1]


@quick
def test_complexity_can_be_bounded():
    X = _columns(80)
    found = ks.discover(X, 3 * X[:, 0] ** 2 + X[:, 1] + 1, max_complexity=2, seed=0)
    assert all(candidate.complexity <= 2 for candidate in found.pareto)


@quick
def test_an_exact_constant_that_is_too_complex_becomes_its_value():
    found = ks.discover(_columns(40), np.full(40, 2 * np.pi), max_complexity=0, seed=0)
    assert found.best.complexity == 0
    assert float(found.best.expression) == pytest.approx(2 * np.pi, rel=1e-15)


def test_a_time_budget_that_binds_is_kept_and_reported():
    X = _columns(200, 4)
    found = ks.discover(X, np.sin(X).sum(axis=1), time_budget=0.01, seed=0)
    assert found.budget_bound
    assert "cut short" in str(found)
    assert found.seconds < 5


def test_a_time_budget_that_does_not_bind_is_reported_too(kepler):
    assert not kepler.budget_bound
    assert "no route was cut short" in str(kepler)


def test_it_shows_itself(kepler):
    text = str(kepler)
    assert text.startswith("period_yr = semi_major_axis_au**(3/2)\n")
    assert "inputs without influence: eccentricity, mass_earth" in text
    assert "RMSE" in text
    assert "<code>period_yr = semi_major_axis_au**(3/2)</code>" in kepler._repr_html_()
    assert "semi_major_axis_au**(3/2)" in repr(kepler)


def test_frames_are_read_by_name_and_wrong_widths_are_explained(kepler):
    X, _ = _planets()
    np.testing.assert_array_equal(kepler.predict(X[KEPLER[::-1]]), kepler.predict(X))
    with pytest.raises(ks.ShapeError, match="2 columns and the law takes 3, 'semi_major_axis_au', "):
        kepler.predict([[1.0, 2.0]])
    with pytest.raises(ks.DataError, match=r"row 0, column 'eccentricity' is missing"):
        kepler.predict([[1.0, np.nan, 1.0]])


@pytest.mark.usefixtures("as_users_call")
def test_what_is_no_candidate_and_no_folder_is_named(kepler):
    with pytest.raises(ks.OptionError, match="`candidate` must be a Candidate, got 'x'"):
        kepler.predict(_planets()[0], "x")
    for path in (None, ""):
        with pytest.raises(ks.FileError, match="`path` must be the name of a file or folder, got "):
            kepler.report(path)


X2, Y2 = np.ones((40, 2)) * np.arange(1.0, 41)[:, None], np.arange(40.0)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("X", "y", "options", "error", "message"),
    [
        ([[1.0, 2.0]], [1.0], {}, ks.DataError, "1 row "),
        (np.empty((0, 2)), [], {}, ks.DataError, "empty"),
        (np.empty((40, 0)), Y2, {}, ks.DataError, "no columns"),
        (X2, Y2[:7], {}, ks.ShapeError, "`X` has 40.*`y` has 7"),
        (np.where(X2 == 3, np.nan, X2), Y2, {}, ks.DataError, r"missing \(NaN\)"),
        (X2, np.where(Y2 == 3, np.inf, Y2), {}, ks.DataError, "inf"),
        (pd.DataFrame({"a": ["x", "y"] * 20}), Y2, {}, ks.DataError, "'a'.*text"),
        (X2, Y2, {"names": ["a"]}, ks.ShapeError, "1 entries"),
        (X2, Y2, {"names": ["a", "a"]}, ks.DataError, "'a'"),
        (X2, Y2, {"names": ["y", "b"]}, ks.DataError, "both an input and a target"),
        (X2, Y2, {"sigma": 0.0}, ks.DataError, "above 0"),
        (X2, Y2, {"time_budget": 0}, ks.OptionError, "time_budget"),
        (X2, Y2, {"max_complexity": -1}, ks.OptionError, "max_complexity"),
        (X2, Y2, {"seed": -1}, ks.OptionError, "seed"),
        (X2, Y2, {"library": ["sine"]}, ks.OptionError, "sine"),
        (X2, Y2, {"library": []}, ks.OptionError, "`library`"),
        (X2, Y2, {"library": 5}, ks.OptionError, "`library` is .*not 5"),
        (X2, Y2, {"seed": 2**70}, ks.OptionError, "seed"),
        (X2 * [1, 1e150], Y2, {}, ks.DataError, "Column 'x2' reaches 4e[+]151.*another unit"),
        (X2 * [1e-300, 1], Y2, {}, ks.DataError, "Column 'x1' reaches 4e-299"),
        (X2, Y2 * 1e300, {}, ks.DataError, "Column 'y' reaches 3.9e[+]301"),
        (X2, Y2 * 1e-300, {}, ks.DataError, "Column 'y' reaches 3.9e-299"),
        (X2, Y2 + 1j, {}, ks.DataError, "`y` holds complex"),
        (X2, np.ma.masked_equal(Y2, 3), {}, ks.DataError, "row 3.*missing"),
    ],
)
def test_what_cannot_be_used_is_answered_by_a_letter(X, y, options, error, message):
    with pytest.raises(error, match=message):
        ks.discover(X, y, **options)


@pytest.mark.parametrize("rows", [30, 31, 100])
def test_rows_are_divided_without_overlap(rows):
    data = measurements(np.ones((rows, 1)), np.arange(rows) * 1.0, None, ("a",), "y", 0)
    parts = [data.train, data.valid, data.test]
    assert sorted(np.concatenate(parts)) == list(range(rows))
    assert len(data.test) == round(0.2 * rows)


def test_superfluous_columns_are_found_and_the_first_of_equals_stays():
    X = np.array([[1.0, 0.0, -0.0, 5.0], [2.0, 1.0, 1.0, 5.0]])
    assert superfluous_columns(X, ("a", "b", "c", "d")) == {"c": "the same as b", "d": "constant, 5"}


def test_ctrl_c_ends_the_search_with_what_was_found(monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(_discover, "fitted_networks", interrupted)
    X = _columns(80)
    found = ks.discover(X, X[:, 0] ** 2, seed=0, time_budget=30)
    assert found.best.expression == sympy.Symbol("x1") ** 2
    assert "interrupted" in str(found)
    assert found.routes[-1].name == "accurate networks"
    assert "cut short: accurate networks" in str(found)


def test_columns_may_be_called_like_functions():
    X = _columns(80)
    found = ks.discover(X, X[:, 0] * X[:, 1] ** 2, names=("E", "sqrt"), seed=0, time_budget=2)
    np.testing.assert_allclose(found.predict(X), X[:, 0] * X[:, 1] ** 2, rtol=1e-9)
