"""Tables that travel along hold known facts; tables that users bring are read, or refused with a way out."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import kanscience as ks
from kanscience import DataError, FileError, OptionError, ShapeError
from kanscience.datasets import (
    as_matrix,
    as_sigma,
    as_target,
    check_no_gaps,
    load_table,
    names_of,
    read_csv,
    select_columns,
    table_names,
)


@pytest.mark.parametrize("name", table_names())
def test_every_table_says_its_source_and_a_unit_for_each_column(name):
    table = load_table(name)
    assert list(table.attrs["units"]) == list(table.columns)
    assert table.attrs["source"]
    assert table.attrs["title"]
    for column, unit in table.attrs["units"].items():
        assert (unit is None) == (not pd.api.types.is_numeric_dtype(table[column]))


def test_tables_have_their_rows():
    rows = {name: len(load_table(name)) for name in table_names()}
    assert rows == {"planets": 13, "nuclear_binding": 2425, "feynman_equations": 120}


def test_planets_obey_keplers_third_law():
    planets = ks.load_table("planets")
    kepler = planets.semi_major_axis_au**1.5
    np.testing.assert_allclose(planets.period_yr, kepler, rtol=7e-4)  # the masses inside an orbit shorten it


def test_planets_have_the_gravity_of_rock_ice_or_gas():
    planets = load_table("planets").set_index("name")
    density = planets.mass_earth * 5.972e24 / (4 / 3 * np.pi * (planets.radius_km * 1e3) ** 3)
    assert density.between(600, 5600).all()
    assert density.idxmin() == "Saturn"
    assert density.idxmax() == "Earth"


@pytest.mark.parametrize(
    ("z", "n", "energy"), [(8, 8, 127.619), (26, 30, 492.260), (28, 34, 545.262), (82, 126, 1636.430)]
)
def test_known_nuclei_have_their_binding_energy(z, n, energy):
    nuclei = load_table("nuclear_binding").set_index(["Z", "N"])
    assert nuclei.A[z, n] == z + n
    assert nuclei.binding_energy_MeV[z, n] == pytest.approx(energy, abs=2e-3)


def test_nickel_62_is_bound_most_tightly():
    nuclei = load_table("nuclear_binding")
    best = nuclei.loc[(nuclei.binding_energy_MeV / nuclei.A).idxmax()]
    assert (best.Z, best.N) == (28, 34)


def test_nuclides_are_distinct_measured_and_heavy_enough():
    nuclei = load_table("nuclear_binding")
    assert not nuclei.duplicated(["Z", "N"]).any()
    assert (nuclei.A == nuclei.Z + nuclei.N).all()
    assert nuclei.A.min() == 16
    assert nuclei.uncertainty_MeV.between(1e-7, 1).all()


def test_committed_nuclides_are_what_the_script_writes(repository, tmp_path):
    script = tmp_path / "make_nuclear_binding.py"
    script.write_text((repository / "data" / script.name).read_text())
    subprocess.run([sys.executable, str(script)], check=True, capture_output=True)
    committed = (repository / "data" / "nuclear_binding.csv").read_text()
    assert (tmp_path / "nuclear_binding.csv").read_text() == committed


def test_unknown_table_lists_the_known_ones():
    with pytest.raises(OptionError, match=r"'planets', got 'planet'. Did you mean 'planets'\?"):
        load_table("planet")


# --- files that users bring


def _write(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_keeps_names_numbers_text_and_gaps(tmp_path):
    table = read_csv(_write(tmp_path, '\ufeffname, a ,b\n"None", 1,2.5\n"x, y",3,\n'))
    assert list(table.columns) == ["name", "a", "b"]
    assert table.name.tolist() == ["None", "x, y"]
    assert table.a.tolist() == [1, 3]
    assert np.isnan(table.b[1])


def test_csv_numbers_are_read_to_the_last_bit(tmp_path):
    numbers = np.random.default_rng(0).uniform(-1, 1, 200) * 10.0 ** np.arange(-100, 100)
    table = read_csv(_write(tmp_path, "a\n" + "\n".join(map(repr, numbers.tolist()))))
    assert table.a.tolist() == numbers.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,2\n-0.25,3\n",
        "a;b\n1.5;2\n-0.25;3\n",
        "a;b\r\n1,5;2\r\n-0,25;3\r\n",
        "a\tb\n1.5\t2\n-0.25\t3\n",
        "a\tb\n1,5\t2\n-0,25\t3\n",
        "\n\na,b\n1.5,2\n-0.25,3\n",
        "# from the\n# laboratory, 2020\n\na,b\n1.5,2\n-0.25,3\n",
        "# from the laboratory\n# a, b\n1.500000e+00,2.0\n-2.500000e-01,3.0\n",
    ],
)
def test_csv_of_other_programs_is_read(tmp_path, text):
    table = read_csv(_write(tmp_path, text))
    assert list(table.columns) == ["a", "b"]
    assert table.to_numpy().tolist() == [[1.5, 2], [-0.25, 3]]


def test_csv_with_semicolons_and_commas_in_names_and_text(tmp_path):
    table = read_csv(_write(tmp_path, 'a;b;"mass, kg"\nx, y;1.5;2\n'))
    assert list(table.columns) == ["a", "b", "mass, kg"]
    assert table.to_numpy().tolist() == [["x, y", 1.5, 2]]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("a,y\n1,2\n,4\n5,\n", "'data.csv': column 'a' is missing in row 2 below the names; 1 of 3 rows"),
        ("a,y\n1,2\n3,4\n5,-inf\n", "column 'y' is -inf in row 3"),
    ],
)
def test_a_gap_is_located_in_its_file(tmp_path, text, letter):
    table = read_csv(_write(tmp_path, text))
    with pytest.raises(DataError, match=letter):
        check_no_gaps(table, ["a", "y"], "data.csv")
    check_no_gaps(table, [], "data.csv")


@pytest.mark.parametrize(
    ("text", "error", "letter"),
    [
        ("", FileError, "is empty. Its first line must name the columns"),
        ("\n\n", FileError, "is empty"),
        ("# nothing\n\n", FileError, "is empty"),
        ("a,b\n1,5,2,5\n", FileError, "more fields.*points into decimal numbers"),
        ("a;b;a\n1;2;3\n", DataError, "more than one column 'a'"),
        ("a,b\n", DataError, "'a', 'b' and no rows"),
        ("a,b\n1,2\n1,2,3\n", FileError, "as many fields as the first"),
        ("a,b\n1,2,3\n1,2,3\n", FileError, "as many fields as the first"),
        ("a,b,a\n1,2,3\n", DataError, "more than one column 'a'"),
        ("a,,b\n1,2,3\n", DataError, "Column 2 .* has no name"),
        (b"a,b\n\xff\xfe,2\n", FileError, "UTF-8"),
        (b"\xff\xfea\x00", FileError, "UTF-8"),
    ],
)
def test_damaged_csv_gets_one_clear_letter(tmp_path, text, error, letter):
    path = _write(tmp_path, text)
    with pytest.raises(error, match=letter) as caught:
        read_csv(path)
    assert "data.csv" in str(caught.value)


def test_missing_file_suggests_its_neighbour(tmp_path):
    _write(tmp_path, "a\n1\n", "planets.csv")
    with pytest.raises(FileError, match=r"There is no file .*planet.csv.*Did you mean 'planets.csv'\?"):
        read_csv(tmp_path / "planet.csv")
    with pytest.raises(FileError, match="cannot be read"):
        read_csv(tmp_path)


# --- columns by name

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}


@pytest.fixture(params=FRAMES)
def make_frame(request):
    return FRAMES[request.param]


def test_columns_are_selected_in_any_library(make_frame):
    frame = make_frame({"name": ["u", "v"], "a": [1, 2], "b": [True, False], "y": [5.0, 6.0], "dy": [0.1, 0.2]})
    X, y, sigma = select_columns(frame, "y", ignore=["name"], sigma="dy")
    values, names = as_matrix(X)
    assert names == ("a", "b")
    np.testing.assert_array_equal(values, [[1, 1], [2, 0]])
    np.testing.assert_array_equal(as_target(y)[0], [[5], [6]])
    np.testing.assert_array_equal(as_sigma(sigma, (2, 1)), [[0.1], [0.2]])
    reordered = select_columns(frame, "y", inputs=["b", "a"])[0]
    assert as_matrix(reordered)[1] == ("b", "a")


@pytest.mark.parametrize(
    ("options", "letter"),
    [
        ({"target": "periodyr"}, r"no column 'periodyr', given as `target`; .*Did you mean 'period_yr'\?"),
        ({"target": "period_yr", "inputs": ["mass"]}, r"given as `inputs`.*'mass_earth'\?"),
        ({"target": "period_yr", "ignore": ["nam"]}, r"given as `ignore`.*'name'\?"),
        ({"target": "period_yr", "inputs": ["period_yr"]}, "both `target` and `inputs`"),
        ({"target": "period_yr", "inputs": ["mass_earth"], "ignore": ["mass_earth"]}, "both `ignore` and `inputs`"),
        ({"target": "period_yr", "inputs": ["mass_earth"], "sigma": "mass_earth"}, "both `sigma` and `inputs`"),
        ({"target": "period_yr", "inputs": ["name", "name"]}, "more than one column 'name'"),
        ({"target": []}, "`target` names no column"),
        ({"target": ["name", "period_yr", "mass_earth"]}, "No column is left as input"),
    ],
)
def test_wrong_column_names_get_a_letter(make_frame, options, letter):
    frame = make_frame({"name": ["a"], "period_yr": [1.0], "mass_earth": [1.0]})
    with pytest.raises(DataError, match=letter):
        select_columns(frame, **options)


# --- values


@pytest.mark.parametrize(
    "X",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], dtype=np.int32),
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True),
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.bfloat16),
        np.ma.array([[1, 2], [3, 4]], mask=False),
        pd.DataFrame([[1, 2], [3, 4]]),
        np.array([[1, 2], [3, 4]], dtype=object),
    ],
    ids=["list", "numpy", "torch", "bfloat16", "nothing masked", "unnamed frame", "objects"],
)
def test_matrix_is_the_same_whatever_it_came_in(X):
    values, names = as_matrix(X)
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [[1, 2], [3, 4]])
    assert names == ("x1", "x2")
    assert as_matrix(X, ["a", "b"])[1] == ("a", "b")


def test_matrix_is_a_copy():
    X = np.zeros((2, 2))
    as_matrix(X)[0][:] = 1
    assert (X == 0).all()


def test_lazy_frame_and_series_are_read():
    assert as_matrix(pl.DataFrame({"a": [1, 2]}).lazy())[1] == ("a",)
    assert as_target(pd.Series([1, 2], name="T"))[1] == ("T",)
    assert as_target(pl.Series("T", [1, 2]))[1] == ("T",)
    assert as_target(np.zeros((3, 2)))[1] == ("y1", "y2")


@pytest.mark.parametrize(
    ("X", "error", "letter"),
    [
        (None, DataError, "is None"),
        (np.zeros(3), ShapeError, r"reshape\(-1, 1\)"),
        (np.zeros((0, 2)), DataError, "is empty"),
        (np.zeros((2, 0)), DataError, "no columns"),
        ([[1, 2], [3]], ShapeError, "not a rectangular table"),
        ([["a", 1]], DataError, "holds text and not numbers: 'a' in row 0"),
        ([[1.0, np.nan]], DataError, r"row 0, column 'x2' is missing"),
        ([[1.0], [-np.inf]], DataError, "row 1, column 'x1' is -inf"),
        (np.zeros((2, 1), dtype=complex), DataError, "complex"),
        (torch.zeros(2, 1, dtype=torch.complex64), DataError, "complex"),
        (torch.zeros(2, 1).to_sparse(), DataError, r"`X.to_dense\(\)`"),
        (np.ma.masked_equal([[1, 2], [3, 4]], 3), DataError, "row 1, column 'x1' is missing"),
        (pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])}), DataError, "Column 't' of `X` holds dates"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), DataError, "more than one column"),
        ({"a": [1]}, DataError, "holds dict and not numbers"),
    ],
)
def test_bad_inputs_get_a_letter(X, error, letter):
    with pytest.raises(error, match=letter) as caught:
        as_matrix(X)
    assert isinstance(caught.value, ks.KanscienceError)


def test_text_and_missing_values_are_located_in_any_library(make_frame):
    with pytest.raises(DataError, match=r"Column 'a' of `X` holds text .*: 'two' in row 1.*--ignore"):
        as_matrix(make_frame({"a": [None, "two"]}))
    with pytest.raises(DataError, match="'1,5' in row 0. Its numbers are stored as text"):
        as_matrix(make_frame({"a": ["1,5"]}))
    with pytest.raises(DataError, match=r"row 1, column 'a' is missing"):
        as_matrix(make_frame({"a": [1, None]}))


def test_nullable_integers_of_pandas_are_numbers_or_missing():
    assert as_matrix(pd.DataFrame({"a": pd.array([1, 2], dtype="Int64")}))[0].tolist() == [[1], [2]]
    with pytest.raises(DataError, match="is missing"):
        as_matrix(pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}))


@pytest.mark.parametrize(
    ("names", "error", "letter"),
    [
        (["a"], ShapeError, "1 entries and `X` 2 columns"),
        (["a", "a"], DataError, "more than one column 'a'"),
        (["a", ""], DataError, "non-empty text"),
        ("ab", ShapeError, "1 entries"),
    ],
)
def test_bad_names_get_a_letter(names, error, letter):
    with pytest.raises(error, match=letter):
        as_matrix(np.zeros((2, 2)), names)


def test_targets_with_other_rows_than_the_inputs_are_refused():
    with pytest.raises(ShapeError, match="`X` has 3, `y` has 2"):
        as_target([1.0, 2.0], rows=3)


@pytest.mark.parametrize(
    ("bad", "letter"),
    [([0.1, 0.0], "it is 0 in row 1"), (-1.0, "it is -1"), ([0.1] * 3, "must have shape"), (True, "is True")],
)
def test_bad_standard_errors_get_a_letter(bad, letter):
    with pytest.raises((DataError, ShapeError), match=f"`sigma`.*{letter}"):
        as_sigma(bad, (2, 1))


def test_standard_errors_reach_every_output():
    np.testing.assert_array_equal(as_sigma(0.5, (2, 2)), np.full((2, 2), 0.5))
    np.testing.assert_array_equal(as_sigma([1, 2], (2, 2)), [[1, 1], [2, 2]])


def test_sidecars_are_beside_every_table(repository):
    for path in (repository / "data").glob("*.csv"):
        assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["licence"]


def test_errors_of_several_targets_are_read_by_their_names():
    sigma = pd.DataFrame({"v": [1.0, 2.0], "u": [3.0, 4.0]})
    np.testing.assert_array_equal(as_sigma(sigma, (2, 2), ("u", "v")), [[3, 1], [4, 2]])
    np.testing.assert_array_equal(as_sigma(sigma, (2, 2), ("y1", "y2")), [[1, 3], [2, 4]])


@pytest.mark.parametrize("labels", [None, [0.5, 1.5], [("a", "b"), ("a", "c")]])
def test_columns_whose_labels_are_no_text_have_no_names(labels):
    frame = pd.DataFrame(np.eye(2), columns=labels)
    assert names_of(frame) == []
    assert as_matrix(frame)[1] == ("x1", "x2")
