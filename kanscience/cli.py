"""The command line: ``kanscience discover``, ``compile``, ``tree``, ``show``, ``predict``. Same words as in Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click

from kanscience._checks import check_integer, check_interval, check_path
from kanscience._errors import DataError, FileError, KanscienceError, OptionError

if TYPE_CHECKING:
    import pandas as pd

    from kanscience.graph import Graph
    from kanscience.network import MultKAN
    from kanscience.structure import StructureTree, StructureTrees

_NETWORK_FILE = "network.safetensors"


class _Letter(click.ClickException):
    """One line that says what is wrong and what to do."""

    exit_code = 2


class _Commands(click.Group):
    """Commands whose errors arrive as letters, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KanscienceError as error:
            raise _Letter(" ".join(str(error).split())) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kanscience")
def main() -> None:
    """Back and forth between data, networks, structure and formulas."""


@main.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", required=True, multiple=True, help="Column to explain; several with commas.")
@click.option("--inputs", multiple=True, help="Columns to explain it with; default: all others.")
@click.option("--ignore", multiple=True, help="Columns to leave out.")
@click.option("--sigma", multiple=True, help="Column with the standard error of the target.")
@click.option("--drop-missing", is_flag=True, help="Leave out rows in which a value is missing.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the report.")
@click.option("--max-complexity", type=int, help="Most operations of a formula.")
@click.option("--time-budget", type=float, default=120.0, show_default=True, help="Seconds; the report comes on top.")
@click.option("--seed", type=int, help="The same seed gives the same result.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def discover(
    data: Path,
    out: Path | None,
    max_complexity: int | None,
    time_budget: float,
    seed: int | None,
    quiet: bool,
    **selection: Any,
) -> None:
    """Find the law of a column of the table DATA (CSV)."""
    X, y, errors = _selected(data, **selection)
    if out is not None:
        _make_folder(out)
    from kanscience.discovery import discover as find

    found = find(
        X,
        y,
        sigma=errors,
        max_complexity=max_complexity,
        time_budget=time_budget,
        seed=seed,
        progress=False if quiet else None,
    )
    click.echo(str(found))
    if out is not None:
        found.report(out)
        click.echo(f"\n{_files(found, out)}")


def _selected(
    data: Path,
    target: Sequence[str],
    inputs: Sequence[str],
    ignore: Sequence[str],
    sigma: Sequence[str] = (),
    drop_missing: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Return inputs, targets and errors of a CSV file."""
    from kanscience.datasets import check_no_gaps, has_gaps, read_csv, select_columns

    table = read_csv(data)
    parts = select_columns(
        table,
        _columns(target, table),
        inputs=_columns(inputs, table) or None,
        ignore=_columns(ignore, table),
        sigma=_columns(sigma, table) or None,
    )
    columns = [name for part in parts if part is not None for name in part]
    gaps = has_gaps(table, columns) & drop_missing
    check_no_gaps(table, columns, data, left_out=gaps, way_out=" `--drop-missing` leaves these rows out.")
    if gaps.any():
        click.echo(f"{gaps.sum()} of {len(table)} rows lack a value and are left out", err=True)
        parts = [part if part is None else part.loc[~gaps] for part in parts]
    X, y, errors = parts
    return X, y, errors  # type: ignore[return-value]


def _make_folder(folder: Path) -> None:
    """Make the folder of a report: before a search of minutes, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FileError(
            f"--out {str(folder)!r} cannot be written: {error.strerror}. Give a folder for the report."
        ) from None


@main.command(name="compile")
@click.argument("formula")
@click.option("--variables", help="Names of the inputs, with commas; default: all names, sorted.")
@click.option("--parameter", "parameters", multiple=True, help="A constant to be fitted: k=1.0; may be repeated.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Draw the formula: a PNG, SVG or PDF file.")
@click.option("--save", type=click.Path(path_type=Path), help="File for the network.")
def compile_(
    formula: str, variables: str | None, parameters: Sequence[str], picture: Path | None, save: Path | None
) -> None:
    """Turn the text FORMULA into the network that computes it, exactly.

    One that begins with - comes last, after --.
    """
    from kanscience.compiler import formula_graph
    from kanscience.network import from_graph
    from kanscience.network import save as save_network

    graph = formula_graph(formula, variables, parameters=dict(map(_start_value, parameters)))
    network = from_graph(graph)
    if picture is not None:
        _draw(graph, picture)
    if save is not None:
        save_network(network, save)
    click.echo(_description(network))
    for path, what in ((picture, "its picture"), (save, "the network, for `kanscience show` and `predict`")):
        if path is not None:
            click.echo(f"{path}: {what}")


def _start_value(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise OptionError(f"--parameter {text!r}: write a name and its start value, as k=1.0.") from None


@main.command()
@click.argument("what")
@click.option("--target", multiple=True, help="Of a table (CSV): the column to explain; several with commas.")
@click.option("--inputs", multiple=True, help="Of a table: columns to explain it with; default: all others.")
@click.option("--ignore", multiple=True, help="Of a table: columns to leave out.")
@click.option("--variables", help="Of a formula: names of the inputs, with commas; default: all names, sorted.")
@click.option("--range", "ranges", multiple=True, help="Range of a variable, a=0.5:2, or of all: 0.5:2 (the default).")
@click.option("--drop-missing", is_flag=True, help="Leave out a table's rows in which a value is missing.")
@click.option("--rows", type=int, help="Of a formula or network: number of random points; default: 1000.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Draw the tree: a PNG, SVG or PDF file.")
def tree(
    what: str,
    target: Sequence[str],
    inputs: Sequence[str],
    ignore: Sequence[str],
    variables: str | None,
    ranges: Sequence[str],
    drop_missing: bool,
    rows: int | None,
    picture: Path | None,
) -> None:
    """Say how WHAT is put together: a formula, the network in a file, or the law behind a table (with --target)."""
    if target:
        if variables or ranges or rows is not None:
            raise OptionError(
                "--variables, --range and --rows belong to a formula; with --target the points are the table's."
            )
        from kanscience.discovery import discover_tree

        X, y, _ = _selected(Path(what), target, inputs, ignore, drop_missing=drop_missing)
        found = discover_tree(X, y)
    elif inputs or ignore or drop_missing:
        raise OptionError(
            "--inputs, --ignore and --drop-missing choose from a table; say with --target what to explain."
        )
    else:
        found = _tree_of_function(what, variables, ranges, 1000 if rows is None else rows)
    if picture is not None:
        _draw(found, picture)
    click.echo(str(found))
    if picture is not None:
        click.echo(f"{picture}: its picture")


def _tree_of_function(
    what: str, variables: str | None, ranges: Sequence[str], rows: int
) -> StructureTree | StructureTrees:
    from kanscience.compiler import compile_formula
    from kanscience.discovery import discover_tree

    check_integer("--rows", rows)
    file, is_file = Path(what), _exists(Path(what))
    if file.suffix == ".csv" and is_file:
        raise OptionError(f"{what!r} is a table: say with --target which of its columns to explain.")
    if file.suffix in (".csv", ".kan", ".safetensors") and not is_file:
        raise FileError(f"There is no file {what!r}, seen from {str(Path.cwd())!r}.")
    if is_file and variables:
        raise OptionError(f"--variables belongs to a formula; {what!r} is a file, whose network names its own inputs.")
    network = _network(file) if is_file else compile_formula(what, variables)
    if network.n_inputs == 0:
        raise DataError(f"{what!r} holds no variables, so it has no structure. Write a formula of some.")
    return discover_tree(network, _points(network, ranges, rows), names=network.input_names)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a formula may be longer than a file name
        return False


def _points(network: MultKAN, ranges: Sequence[str], rows: int) -> Any:
    """Return random points in the ranges that were given, else in the network's own domains, else from 0.5 to 2."""
    from kanscience.datasets import sample_uniform

    chosen = dict(map(_range, ranges))
    unknown = [name for name in chosen if name and name not in network.input_names]
    if unknown:
        names = ", ".join(network.input_names)
        raise OptionError(f"--range {unknown[0]}=…: there is no such variable; it has {names}.")
    splines = network.layers[0].splines
    ends = dict.fromkeys(network.input_names, chosen.get("", (0.5, 2.0)))
    for place, name in enumerate(network.input_names):
        if name in chosen:
            ends[name] = chosen[name]
        elif "" not in chosen and not splines.open[place]:
            ends[name] = float(splines.low[place]), float(splines.high[place])
    return sample_uniform(ends, rows, seed=0)


def _range(text: str) -> tuple[str, tuple[float, float]]:
    name, _, ends = text.rpartition("=")
    try:
        low, high = map(float, ends.split(":"))
    except ValueError:
        raise OptionError(f"--range {text!r}: write a variable and its ends, as a=0.5:2.") from None
    if not low < high:
        raise OptionError(f"--range {text!r} must grow from its low end to its high one, as a=0.5:2.")
    return name.strip(), check_interval("--range", (low, high))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Draw it too: a PNG, SVG or PDF file.")
def show(file: Path, picture: Path | None) -> None:
    """Say what a network FILE holds. A report folder stands for its network."""
    network = _network(file)
    if picture is not None:
        _draw(network, picture)
    click.echo(_description(network))
    if picture is not None:
        click.echo(f"{picture}: its picture")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="CSV file; default: to the screen.")
def predict(file: Path, data: Path, out: Path | None) -> None:
    """Predict with the network FILE for every row of the table DATA (CSV); columns are found by name."""
    from kanscience.datasets import check_no_gaps, read_csv

    network = _network(file)
    table = read_csv(data)
    missing = [name for name in network.input_names if name not in table.columns]
    if missing:
        raise DataError(
            f"{str(data)!r} lacks the columns {', '.join(map(repr, missing))} that the network takes; "
            f"it has {', '.join(map(repr, table.columns))}. Add or rename them."
        )
    check_no_gaps(table, network.input_names, data)
    _add_predictions(table, network)
    text = table.to_csv(index=False)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{str(out)!r} cannot be written: {error.strerror}. Choose another file.") from None
    click.echo(f"{out}: {len(table)} rows with {', '.join(network.output_names)} predicted")


def _add_predictions(table: pd.DataFrame, network: MultKAN) -> None:
    predicted = network.predict(table[list(network.input_names)]).reshape(len(table), -1)
    for name, column in zip(network.output_names, predicted.T, strict=True):
        table[f"{name}_predicted" if name in table.columns else name] = column


def _columns(given: Sequence[str], table: pd.DataFrame) -> list[str]:
    """Return the names in options that may be repeated or hold commas, as may names of columns."""
    parts = ([text] if text in table.columns else text.split(",") for text in given)
    return [name.strip() for part in parts for name in part if name.strip()]


def _network(file: Path) -> MultKAN:
    from kanscience.network import load

    return load(file / _NETWORK_FILE if check_path(file).is_dir() else file)


def _description(network: MultKAN) -> str:
    from kanscience.network import to_graph

    lines = [
        str(network),
        f"inputs: {', '.join(network.input_names)}",
        *([f"parameters: {', '.join(network.constant_names)}"] if network.constant_names else []),
        f"outputs: {', '.join(network.output_names)}",
    ]
    if to_graph(network).is_symbolic:
        from kanscience.compiler import expression
        from kanscience.discovery import as_text

        formulas = zip(network.output_names, expression(network), strict=True)
        lines += [f"{name} = {as_text(formula)}" for name, formula in formulas]
    return "\n".join(lines)


def _draw(thing: MultKAN | Graph | StructureTree | StructureTrees, picture: Path) -> None:
    from kanscience.viz import plot

    if not picture.suffix:
        raise FileError(f"{str(picture)!r} has no ending that says what to draw: name a PNG, SVG or PDF file.")
    try:
        plot(thing).savefig(picture)
    except OSError as error:
        raise FileError(
            f"{str(picture)!r} cannot be written: {error.strerror}. Make its folder first, or choose another."
        ) from None
    except ValueError as error:
        raise FileError(
            f"{str(picture)!r} cannot be drawn: {str(error).rstrip('.')}. Name a PNG, SVG or PDF file."
        ) from None


def _files(found: Any, folder: Path) -> str:
    from kanscience.discovery import aligned
    from kanscience.viz import contents

    rows = [(str(folder / name), text) for name, text in contents(found).items()]
    return aligned([("file", "contains"), *rows], left=(0, 1))
