"""The command line, as a user meets it."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import kanscience as ks
from kanscience.cli import main
from tests.helpers_discovery import classical_routes

__all__ = ["classical_routes"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def table(tmp_path):
    X = np.random.default_rng(0).uniform(1, 3, (60, 3))
    frame = pd.DataFrame(X, columns=["a", "b", "c, with comma"])
    frame["label"] = "text"
    frame["y"] = 2 * frame["a"] / frame["b"]
    frame["z"] = frame["a"] + frame["b"]
    frame["error"] = 0.1
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.usefixtures("classical_routes")
def test_the_planets_of_the_demo(run, repository, tmp_path):
    done = run(
        *("discover", repository / "data" / "planets.csv", "--target", "period_yr"),
        *("--inputs", "semi_major_axis_au,eccentricity,mass_earth", "--out", "report/planets", "--seed", 0),
    )
    assert done.exit_code == 0
    assert done.output.startswith("period_yr = semi_major_axis_au**(3/2)\n")
    assert re.search(r"^formula +period_yr +0\.0549", done.output, re.M)
    for file in (tmp_path / "report" / "planets").iterdir():
        assert re.search(rf"planets/{file.name} +\w", done.output)
    assert done.stderr == ""  # no progress bar in a pipe


@pytest.mark.usefixtures("classical_routes")
def test_discover_show_predict_go_hand_in_hand(run, table, tmp_path):
    done = run("discover", table, "--target", "y", "--ignore", "label,z", "--sigma", "error", "--out", "out", "--quiet")
    assert done.exit_code == 0, done.output
    assert "y = 2*a/b" in done.output
    shown = run("show", "out/network.safetensors", "--plot", "law.svg")
    assert "inputs: a, b, c, with comma" in shown.output
    assert "y = 2*a/b" in shown.output
    assert (tmp_path / "law.svg").exists()
    assert run("show", "out").output == run("show", "out/network.safetensors").output
    assert run("predict", "out", table, "--out", "predicted.csv").exit_code == 0
    predicted = pd.read_csv(tmp_path / "predicted.csv")
    np.testing.assert_allclose(predicted["y_predicted"], predicted["y"], rtol=1e-12)
    pd.read_csv(table).drop(columns="y").to_csv(tmp_path / "new.csv", index=False)
    printed = run("predict", "out", "new.csv")
    assert printed.output.splitlines()[0].endswith(",error,y")


@pytest.mark.usefixtures("classical_routes")
def test_several_targets_and_names_with_commas(run, table):
    done = run("discover", table, "--target", "y,z", "--inputs", "a,b", "--inputs", "c, with comma", "--seed", 1)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("y = 2*a/b\nz = a + b\ninputs without influence: c, with comma\n")


def test_compile_draws_saves_and_is_shown_again(run, tmp_path):
    done = run("compile", "exp(sin(pi*x) + y**2)", "--plot", "law.svg", "--save", "law.kan")
    assert done.exit_code == 0, done.output
    assert "inputs: x, y" in done.output
    assert "f = exp(y**2 + sin(pi*x))" in done.output
    assert "<svg" in (tmp_path / "law.svg").read_text(encoding="utf-8")
    assert run("show", "law.kan").output.splitlines() == done.output.splitlines()[:4]


def test_compile_takes_variables_and_parameters(run):
    done = run("compile", "k*x", "--variables", "y,x", "--parameter", "k=1.5")
    assert "inputs: y, x\nparameters: k\n" in done.output
    assert "1 trainable numbers" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("2x",), "Products are written with \\*"),
        (("k*x", "--parameter", "k"), "write a name and its start value"),
        (("x + z", "--variables", "x"), "'z' is neither among the variables"),
        (("x", "--plot", "law.xyz"), "Name a PNG, SVG or PDF file"),
    ],
)
def test_compile_says_what_is_wrong_in_one_line(run, words, message):
    done = run("compile", *words)
    assert done.exit_code == 2
    assert re.search(message, done.stderr or done.output)
    assert "Traceback" not in done.output


def test_tree_says_how_a_formula_is_put_together(run, tmp_path):
    done = run("tree", "(a*b + log(c - 4))*d", "--range", "c=5:6", "--plot", "tree.svg")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[:3] == [
        "f(a, b, c, d): multiplicative",
        "  {a, b, c}: additive",
        "    {a, b}: multiplicative",
    ]
    assert "<svg" in (tmp_path / "tree.svg").read_text(encoding="utf-8")


def test_a_formula_may_be_longer_than_a_file_name(run):
    done = run("tree", "a*b" + " + 0*a" * 60)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("f(a, b): multiplicative")


def test_no_file_has_a_name_that_long(run):
    for command in (("show", "n" * 300), ("discover", "n" * 300, "--target", "y")):
        done = run(*command)
        assert done.exit_code == 2
        assert "names no file" in done.output


def test_tree_finds_what_is_behind_a_table(run, tmp_path):
    a, b, c, noise = np.random.default_rng(0).uniform(1, 2, (4, 100))
    table = pd.DataFrame({"a": a, "b": b, "c": c, "day": noise, "y": a * b + c})
    table.to_csv(tmp_path / "rows.csv", index=False)
    done = run("tree", "rows.csv", "--target", "y", "--ignore", "day", "--plot", "tree.png")
    assert done.output.splitlines()[:2] == ["y(a, b, c): additive", "  {a, b}: multiplicative"]
    assert (tmp_path / "tree.png").stat().st_size > 1000


def test_tree_reads_networks_within_their_own_domains(run, tmp_path):
    ks.save(ks.MultKAN([3, 1, 1], seed=0, domain=(-5, 5)), tmp_path / "n.kan")
    assert run("tree", "n.kan").output.startswith("f(x1, x2, x3): generalized-additive")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a*b", "--range", "a=1"), "write a variable and its ends"),
        (("a*b", "--range", "c=1:2"), "there is no such variable; it has a, b"),
        (("a*b", "--range", "2:1"), "must grow"),
        (("Max(a, b)",), "not twice differentiable"),
        (("2.5",), "holds no variables"),
        (("a*b", "--rows", 0), "--rows"),
        (("a*b", "--inputs", "a"), "say with --target what to explain"),
        (("few.csv", "--target", "y", "--range", "0:1"), "belong to a formula"),
        (("few.csv", "--target", "y", "--rows", 50), "belong to a formula"),
        (("n.kan", "--variables", "b,a"), "'n.kan' is a file"),
        (("few.csv", "--target", "y"), "at least 20 rows; it has 3"),
        (("none.kan",), "There is no file"),
        (("few.csv",), "say with --target which of its columns"),
    ],
)
def test_tree_says_what_is_wrong_in_one_line(run, tmp_path, words, message):
    (tmp_path / "few.csv").write_text("a,b,y\n1,2,3\n2,3,5\n3,5,8\n", encoding="utf-8")
    ks.save(ks.MultKAN([2, 1], seed=0), tmp_path / "n.kan")
    done = run("tree", *words)
    assert done.exit_code == 2
    assert re.search(message, done.stderr or done.output)


def test_show_names_what_is_still_a_spline(run, tmp_path):
    ks.save(ks.MultKAN([2, 3, 1], seed=0), tmp_path / "n.safetensors")
    shown = run("show", "n.safetensors")
    assert shown.output.splitlines()[0].startswith("MultKAN [2, 3, 1]: 9 spline edges")
    assert "=" not in shown.output


def _letter(done, *parts):
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    (line,) = done.output.strip().splitlines()
    assert line.startswith("Error: ")
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--target", "yy"), ("'yy'", "Did you mean 'y'?")),
        (("--target", "y", "--inputs", "a,q"), ("'q'", "inputs")),
        (("--target", "y"), ("'label'", "text", "--ignore")),
        (("--target", "label", "--inputs", "a"), ("'label'", "text")),
        (("--target", "y", "--inputs", "a,y"), ("'y'", "both")),
        (("--target", "y", "--inputs", "a", "--sigma", "z", "--time-budget", "-1"), ("time_budget", "-1")),
        (("--target", "y", "--inputs", "a", "--out", "table.csv"), ("table.csv", "folder")),
        (("--target", "y", "--inputs", "a", "--out", "table.csv/report"), ("table.csv/report", "folder")),
        (("--target", "y", "--inputs", "a", "--ignore", "a"), ("'a'", "both")),
    ],
)
def test_what_cannot_be_discovered_is_one_line_and_exit_code_2(run, table, words, parts):
    _letter(run("discover", table, *words), *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("empty",)),
        ("a,y\n", ("no rows",)),
        ("a,y\n1,2\n", ("1 row",)),
        ("a,a,y\n1,2,3\n", ("'a'", "more than one")),
        ("a,y\n1,2\n3\n", ("'bad.csv'", "'y' is missing in row 2")),
        ("a;y\n1,5;2\n;3\n", ("'bad.csv'", "'a' is missing in row 2")),
        ("a,y\n1,2,3\n", ("fields",)),
        ("a,y\n1,2\ninf,4\n", ("inf",)),
    ],
)
def test_tables_that_cannot_be_used_are_one_line_and_exit_code_2(run, tmp_path, text, parts):
    (tmp_path / "bad.csv").write_text(text)
    _letter(run("discover", "bad.csv", "--target", "y"), *parts)


def test_missing_and_damaged_files_are_one_line_and_exit_code_2(run, table, tmp_path):
    _letter(run("discover", "tabel.csv", "--target", "y"), "tabel.csv", "Did you mean 'table.csv'?")
    _letter(run("show", "nowhere.safetensors"), "nowhere.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    _letter(run("show", "broken.safetensors"), "broken.safetensors", "damaged")
    ks.save(ks.MultKAN([2, 1], seed=0), tmp_path / "n.safetensors")
    _letter(run("predict", "n.safetensors", table), "'x1'", "'x2'")
    _letter(run("show", "n.safetensors", "--plot", "n.xyz"), "n.xyz", "PNG")


def test_a_report_that_cannot_be_written_is_told_before_the_search(run, table, monkeypatch):
    monkeypatch.setattr("kanscience.discovery.discover", None)
    _letter(
        run("discover", table, "--target", "y", "--inputs", "a", "--out", "/proc/report"), "/proc/report", "written"
    )


def test_gaps_in_a_table_to_predict_for_are_located(run, tmp_path):
    ks.save(ks.MultKAN([2, 1], seed=0), tmp_path / "n.safetensors")
    (tmp_path / "new.csv").write_text("x1,x2\n1,2\n1,\n")
    _letter(run("predict", "n.safetensors", "new.csv"), "'new.csv'", "'x2' is missing in row 2")


def test_python_runs_the_package():
    done = subprocess.run([sys.executable, "-m", "kanscience", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: python -m kanscience ")


def test_usage_is_explained(run):
    assert run("discover", "t.csv").exit_code == 2
    for command in ((), ("discover",), ("show",), ("predict",)):
        done = run(*command, "--help")
        assert done.exit_code == 0
        assert "Usage" in done.output
    assert ks.__version__.split(".dev")[0] in run("--version").output


@pytest.mark.usefixtures("classical_routes")
def test_rows_with_a_missing_value_are_left_out_where_that_is_asked_for(run, table):
    frame = pd.read_csv(table)
    frame.loc[3, "y"], frame.loc[[5, 8], "a"], frame.loc[9, "z"] = None, None, None  # z is not looked at
    frame.to_csv("gaps.csv", index=False)
    words = ("discover", "gaps.csv", "--target", "y", "--inputs", "a,b", "--quiet", "--seed", 0)
    _letter(run(*words), "'a' is missing in row 6", "--drop-missing")
    done = run(*words, "--drop-missing")
    assert done.exit_code == 0, done.output
    assert done.stderr == "3 of 60 rows lack a value and are left out\n"
    assert "y = 2*a/b" in done.stdout
    _letter(run("tree", "a*b", "--drop-missing"), "--drop-missing", "--target")
    done = run("tree", "gaps.csv", "--target", "y", "--inputs", "a,b", "--drop-missing")
    assert "y(a, b): multiplicative" in done.stdout


def test_an_infinite_value_is_named_by_its_row_in_the_file_whatever_was_left_out(run, table):
    frame = pd.read_csv(table)
    frame.loc[3, "y"], frame.loc[7, "a"] = None, np.inf
    frame.to_csv("gaps.csv", index=False)
    letter = run("discover", "gaps.csv", "--target", "y", "--inputs", "a,b", "--drop-missing")
    _letter(letter, "'a' is inf in row 8")
    assert "leaves these rows out" not in letter.output
