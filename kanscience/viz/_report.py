"""A folder that tells what was found: readable without kanscience, usable with it."""

from __future__ import annotations

import csv
import functools
import warnings
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from kanscience._checks import check_path
from kanscience._errors import FileError, OptionError
from kanscience.discovery import (
    ERROR_HEADER,
    FRONT_HEADER,
    Discovery,
    as_latex,
    as_mathml,
    as_python,
    as_text,
    latex_name,
)
from kanscience.discovery import python_names as names_in_python
from kanscience.network import save, trace
from kanscience.viz._front import draw_front
from kanscience.viz._held_out import draw_predictions, draw_residuals
from kanscience.viz._pages import Block, Code, Equation, Heading, Paragraph, Picture, Table, as_html, as_markdown
from kanscience.viz._plot import plot

_DPI = 150
_SHOWN = 0.5  # R² of models in the pictures beside the formula
_TRACED = 1000  # rows that the picture of the network is scored by

CONTENTS = {
    "report.md": "this report as text",
    "index.html": "the same as one page with its pictures, for a browser",
    "formula.txt": "the formula with all digits",
    "formula.tex": "the formula for a paper",
    "formula.py": "the formula as a numpy function; needs no kanscience",
    "front.csv": "all candidates: complexity, loss, its standard error, route, formula",
    "errors.csv": "errors of all models on held-out rows",
    "predictions.csv": "measured and predicted values of these rows",
    "front.png": "loss over complexity",
    "predictions.png": "predicted over measured values",
    "residuals.png": "predicted minus measured",
    "network.png": "the network",
    "network.safetensors": "the network, for `ks.load` and `kanscience predict`",
}
"""What a report holds: file -> what it contains."""


@functools.singledispatch
def report(thing: Any, path: str | PathLike[str]) -> Path:
    """Write the pages of ``thing`` into the folder ``path`` and return it.

    Files of the names that a report has are overwritten; nothing else in the folder is touched.

    Raises:
        FileError: the folder cannot be made or written.
        OptionError: there are no pages for such a thing.
    """
    known = ", ".join(kind.__name__ for kind in report.registry if kind is not object)
    raise OptionError(f"`report` has no pages for a {type(thing).__name__}. It writes of a {known}.")


@report.register(Discovery)
def write_discovery(discovery: Discovery, path: str | PathLike[str]) -> Path:
    folder = check_path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_formulas(discovery, folder)
        _write_tables(discovery, folder)
        with warnings.catch_warnings():  # names in a script that the font lacks are boxes there, and text in the pages
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            _write_pictures(discovery, folder)
        if discovery.network is not None:
            save(discovery.network, folder / "network.safetensors")
        page = _page(discovery, folder)
        title = f"The law of {', '.join(discovery.targets)}"
        (folder / "report.md").write_text(as_markdown(page), encoding="utf-8")
        (folder / "index.html").write_text(as_html(title, page, folder), encoding="utf-8")
    except OSError as error:
        raise FileError(
            f"The report cannot be written to {str(folder)!r}: {error.strerror or error}. Choose another folder."
        ) from None
    return folder


def contents(discovery: Discovery) -> dict[str, str]:
    """Return what the report of this discovery holds: file -> what it contains."""
    missing = () if discovery.network is not None else ("network.png", "network.safetensors")
    return {name: text for name, text in CONTENTS.items() if name not in missing}


# ---- files ---------------------------------------------------------------------------------------------------


def _write_formulas(discovery: Discovery, folder: Path) -> None:
    laws = list(zip(discovery.targets, discovery.best.formulas, strict=True))
    text = "".join(f"{target} = {as_text(formula, None)}\n" for target, formula in laws)
    (folder / "formula.txt").write_text(text, encoding="utf-8")
    equations = (f"\\[ {latex_name(target)} = {as_latex(formula)} \\]\n" for target, formula in laws)
    (folder / "formula.tex").write_text("".join(equations), encoding="utf-8")
    note = (
        f"{' and '.join(discovery.targets)} as found by kanscience. Arguments are numbers or numpy arrays, in the "
        "units of the data."
    )
    code = as_python(discovery.best.formulas, discovery.names, discovery.targets, note=note)
    (folder / "formula.py").write_text(code, encoding="utf-8")


def _write_tables(discovery: Discovery, folder: Path) -> None:
    front = discovery.pareto
    _write_csv(
        folder / "front.csv",
        ["taken", "complexity", "loss", "standard_error", "score", "route", "formula"],
        (
            [
                int(candidate is front.best),
                candidate.complexity,
                candidate.loss,
                candidate.error,
                score,
                candidate.route,
                "; ".join(as_text(formula, None) for formula in candidate.formulas),
            ]
            for candidate, score in zip(front, front.scores, strict=True)
        ),
    )
    _write_csv(
        folder / "errors.csv",
        ["model", "target", "rows", "rmse", "mae", "largest", "r2"],
        ([held.model, held.target, len(held.rows), *vars(held.errors).values()] for held in discovery.held_out),
    )
    _write_csv(
        folder / "predictions.csv",
        ["model", "target", "row", "measured", "predicted"],
        (
            [held.model, held.target, int(row), float(measured), float(predicted)]
            for held in discovery.held_out
            for row, measured, predicted in zip(held.rows, held.measured, held.predicted, strict=True)
        ),
    )


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _write_pictures(discovery: Discovery, folder: Path) -> None:
    # A model that is hardly better than the mean would only squeeze the others together.
    shown = [held for held in discovery.held_out if held.model == "formula" or held.errors.r2 > _SHOWN]
    pictures: dict[str, Figure] = {
        "front.png": draw_front(discovery.pareto),
        "predictions.png": draw_predictions(shown),
        "residuals.png": draw_residuals(shown),
    }
    network = discovery.network
    if network is not None:
        some = np.linspace(0, len(discovery.inputs) - 1, min(_TRACED, len(discovery.inputs))).astype(int)
        x = torch.as_tensor(discovery.inputs[some], dtype=network.dtype)
        pictures["network.png"] = plot(network, trace(network, x))
    for name, figure in pictures.items():
        figure.savefig(folder / name, dpi=_DPI)


# ---- the page ------------------------------------------------------------------------------------------------


def _page(discovery: Discovery, folder: Path) -> list[Block]:
    """Return the report, part by part."""
    return [
        Heading(f"The law of {', '.join(discovery.targets)}", 1),
        *_laws(discovery),
        Heading("Errors"),
        Paragraph(f"In the unit of the target, {discovery.rows_line()}."),
        Table(ERROR_HEADER, discovery.error_rows()),
        Picture("predictions.png", "Predicted over measured values of these rows."),
        Picture("residuals.png", "Predicted minus measured values of these rows."),
        Heading("Candidates"),
        Paragraph(
            "No simpler formula has a lower loss than these; the loss is the root mean square error on the rows that "
            "decide. Taken (→) is the simplest whose loss is within one standard error of the lowest. The score is by "
            "how much log(loss) falls with each operation more."
        ),
        Table(FRONT_HEADER, discovery.pareto.rows(), code=("formula",)),
        Picture("front.png", "What each further operation buys."),
        *_network(discovery, folder),
        Heading("Files"),
        Table(["file", "contains"], [[name, text] for name, text in contents(discovery).items()], code=("file",)),
        Heading("How it was found"),
        Paragraph(discovery.time_line() + "."),
        Table(
            ["route", "seconds", "formulas"],
            [[run.name, f"{run.seconds:.1f}", str(run.formulas)] for run in discovery.routes],
        ),
    ]


def _laws(discovery: Discovery) -> Iterable[Block]:
    for (target, text), formula in zip(discovery.formulas(), discovery.best.formulas, strict=True):
        yield Equation(f"{target} = {text}", as_mathml(formula, target))
    yield Paragraph(f"Found by: {discovery.best.route}.")
    if discovery.inactive:
        yield Paragraph(f"Inputs that it does not use: {', '.join(discovery.inactive)}.")
    for note in discovery.notes:
        yield Paragraph(f"{note}.")


def _network(discovery: Discovery, folder: Path) -> Iterable[Block]:
    if discovery.network is None:
        return
    yield Heading("The network")
    yield Picture("network.png", "Curves over the data; black: splines, red: functions of the library.")
    yield Paragraph("To load it and predict with it:")
    yield Code(five_lines(discovery, folder), "python")
    names = dict(zip(discovery.targets, names_in_python(discovery.targets), strict=True))
    yield Paragraph(
        f"The formula alone, without kanscience, is the function {', '.join(names.values())} in formula.py."
    )


def five_lines(discovery: Discovery, folder: Path) -> str:
    """Return the program that loads the network of a report and predicts with it."""
    row = {name: [float(value)] for name, value in zip(discovery.names, discovery.inputs[0], strict=True)}
    return "\n".join(
        (
            "import pandas as pd",
            "import kanscience as ks",
            f"network = ks.load({str(folder / 'network.safetensors')!r})",
            f"table = pd.DataFrame({row!r})  # or pd.read_csv(...)",
            "print(network.predict(table))",
        )
    )
