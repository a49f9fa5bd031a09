"""The folder that a discovery writes: complete, readable, and usable."""

import csv
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sympy

import kanscience as ks
from kanscience.discovery import Candidate, Front, HeldOut, law_network
from kanscience.discovery._discovery import Discovery, RouteRun
from kanscience.viz import contents, report
from kanscience.viz._held_out import draw_predictions, draw_residuals
from kanscience.viz._pages import Code, Heading, Table, as_html, as_markdown

A, B = sympy.symbols("a b")


def _discovery(formulas, targets=("y",), sigma=None, names=("a", "b")):
    """Return a small discovery without a search."""
    X = np.random.default_rng(0).uniform(1, 2, (20, 2))
    formula = formulas if len(formulas) > 1 else formulas[0]
    best = Candidate(formula, 3, 0.5, 0.1, "power law")
    ones: list = [sympy.Integer(1)] * len(formulas)
    front = Front([Candidate(ones, 0, 2.0, 0.1, "constant"), best])
    network = law_network(formulas, names, targets)
    assert network is not None
    predicted = network.predict(X).reshape(20, -1)
    held_out = [
        HeldOut(model, target, np.arange(20), predicted[:, k] + shift, predicted[:, k], sigma)
        for k, target in enumerate(targets)
        for model, shift in (("formula", 0.01 * X[:, 0]), ("mean", 1.0))
    ]
    return Discovery(
        best=best,
        pareto=front,
        fronts=(front,),
        network=network,
        names=names,
        targets=targets,
        inactive=(),
        held_out=tuple(held_out),
        cross_validated=True,
        inputs=X,
        seconds=1.0,
        time_budget=60.0,
        seed=0,
        notes=("c was left out of the formulas: constant, 1",),
        routes=(RouteRun("power laws", 0.5, 3, False),),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    discovery = _discovery([sympy.Float(0.1) * A**2 / B])
    return discovery, discovery.report(tmp_path_factory.mktemp("report") / "deep" / "er")


def test_every_file_is_there_and_nothing_else(written):
    discovery, folder = written
    assert sorted(path.name for path in folder.iterdir()) == sorted(contents(discovery))
    assert all(path.stat().st_size > 0 for path in folder.iterdir())


def test_the_python_file_is_the_formula_without_kanscience(written):
    discovery, folder = written
    assert "kanscience" not in "".join(re.findall(r"import \w+", (folder / "formula.py").read_text()))
    a, b = discovery.inputs.T
    np.testing.assert_allclose(
        runpy.run_path(str(folder / "formula.py"))["y"](a, b), discovery.predict(discovery.inputs), rtol=1e-15
    )


def test_the_text_file_keeps_all_digits(written):
    discovery, folder = written
    name, text = (folder / "formula.txt").read_text().strip().split(" = ")
    assert (name, sympy.sympify(text)) == ("y", discovery.best.expression)
    assert (folder / "formula.tex").read_text() == "\\[ y = \\frac{0.1 a^{2}}{b} \\]\n"


@pytest.mark.parametrize("page", ["report.md", "index.html"])
def test_the_pages_say_everything(written, page):
    discovery, folder = written
    text = (folder / page).read_text(encoding="utf-8")
    for part in ("The law of y", "0.1*a**2/b", "RMSE", "power law", "c was left out", *contents(discovery)):
        assert part in text


def test_the_html_page_needs_no_other_file(written):
    _, folder = written
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 4
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "http" not in text.replace("http-equiv", "")


def test_the_five_lines_load_the_network_and_predict(written):
    discovery, folder = written
    program = re.search(r"```python\n(.*?)```", (folder / "report.md").read_text(), re.S)
    assert program is not None
    lines = program[1].strip().splitlines()
    assert len(lines) == 5
    printed = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    ).stdout
    assert float(printed.strip("[]\n")) == pytest.approx(discovery.predict(discovery.inputs[:1])[0], rel=1e-7)


def test_tables_hold_front_errors_and_predictions(written):
    discovery, folder = written
    with (folder / "front.csv").open(newline="") as file:
        front = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in front] == [c.loss for c in discovery.pareto]
    assert [row["taken"] for row in front] == ["0", "1"]
    with (folder / "errors.csv").open(newline="") as file:
        errors = list(csv.DictReader(file))
    assert float(errors[0]["rmse"]) == discovery.held_out[0].errors.rmse
    assert len(pd.read_csv(folder / "predictions.csv")) == 40


def test_a_second_report_overwrites_its_files_and_keeps_the_others(written):
    _, folder = written
    (folder / "my notes.txt").write_text("mine")
    (folder / "formula.txt").write_text("old")
    try:
        _discovery([A + B]).report(folder)
        assert (folder / "my notes.txt").read_text() == "mine"
        assert (folder / "formula.txt").read_text() == "y = a + b\n"
    finally:
        (folder / "my notes.txt").unlink()
        _discovery([sympy.Float(0.1) * A**2 / B]).report(folder)


def test_several_targets_share_one_report(tmp_path):
    folder = _discovery([A * B, A + B], ("u", "v"), sigma=np.full(20, 0.1)).report(tmp_path / "two")
    assert (folder / "formula.txt").read_text() == "u = a*b\nv = a + b\n"
    module = runpy.run_path(str(folder / "formula.py"))
    assert (module["u"](2.0, 3.0), module["v"](2.0, 3.0)) == (6.0, 5.0)


def test_awkward_names_do_no_harm(tmp_path):
    names, target = ("mass <kg> & co", "10% $x_1$"), 'E|"é"'
    first, second = map(sympy.Symbol, names)
    folder = _discovery([first / second], (target,), names=names).report(tmp_path / "odd")
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "mass &lt;kg&gt; &amp; co" in html
    assert "<kg>" not in html


def test_names_that_the_font_lacks_are_no_warning(tmp_path):
    names = ("質量", "電荷")
    folder = _discovery([sympy.Symbol("質量") * 2], ("力",), names=names).report(tmp_path / "report")
    assert (folder / "formula.txt").read_text(encoding="utf-8") == "力 = 2*質量\n"


def test_a_folder_that_cannot_be_made_is_a_letter(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ks.FileError, match="Choose another folder"):
        _discovery([A]).report(tmp_path / "file" / "report")


def test_other_things_have_no_report():
    with pytest.raises(ks.OptionError, match="no pages for a int.*Discovery"):
        report(3, Path("nowhere"))


def test_front_and_discovery_have_pictures():
    discovery = _discovery([A * B])
    for thing in (discovery, discovery.pareto):
        (axes,) = ks.plot(thing).axes
        assert axes.get_yscale() == "log"
        assert "a*b" in [text.get_text() for text in axes.texts]


def test_an_exact_front_can_be_drawn():
    front = Front([Candidate(A, 0, 1.0, 0.1, "r"), Candidate(A * B, 1, 0.0, 0.0, "r")])
    (axes,) = ks.plot(front).axes
    assert all(np.isfinite(axes.get_ylim()))
    (axes,) = ks.plot(Front([Candidate(A, 0, 0.0, 0.0, "r")])).axes
    assert all(np.isfinite(axes.get_ylim()))


@pytest.mark.parametrize("measured", [np.linspace(-1, 1, 9), np.geomspace(1e-3, 1e3, 9), np.zeros(9)])
def test_predictions_can_be_drawn_for_any_range(measured):
    held = [HeldOut("formula", "y", np.arange(9), measured, measured * 1.1)]
    (axes,) = draw_predictions(held).axes
    assert axes.get_xscale() == ("log" if measured[-1] > 100 else "linear")
    draw_residuals(held)


def test_a_page_reads_alike_as_markdown_and_as_html(tmp_path):
    page = [Heading("T", 1), Table(["a", "formula"], [["1|2", "x<y"]], code=("formula",)), Code("print(1)", "python")]
    assert as_markdown(page) == "# T\n\n| a | formula |\n| --- | --- |\n| 1\\|2 | `x<y` |\n\n```python\nprint(1)\n```\n"
    assert "<td>1|2</td><td><code>x&lt;y</code></td>" in as_html("T", page, tmp_path)
