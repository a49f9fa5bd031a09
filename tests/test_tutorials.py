"""What every notebook keeps to. `make docs` runs them; `make tutorials` checks their numbers too."""

import ast
from pathlib import Path

import nbformat
import pytest

import kanscience as ks

NOTEBOOKS = sorted((Path(__file__).parent.parent / "tutorials").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks_numbered_from_one():
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{n:02d}_" for n in range(1, len(NOTEBOOKS) + 1)]
    assert NOTEBOOKS


def test_notebook_is_valid_and_begins_with_its_title(notebook):
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")


def test_notebook_has_no_outputs(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells), "clear all outputs before committing"


def test_size_is_switched_in_the_first_cell_of_code_alone(notebook):
    switching = ["KANSCIENCE_SMALL" in source for source in code_of(notebook)]
    assert switching[0]
    assert not any(switching[1:])


def test_last_cell_asserts_the_headline_numbers_at_full_size_only(notebook):
    (condition,) = ast.parse(code_of(notebook)[-1]).body
    assert isinstance(condition, ast.If)
    assert ast.unparse(condition.test) == "not small"
    assert any(isinstance(statement, ast.Assert) for statement in condition.body)


def test_notebook_uses_public_names_only(notebook):
    tree = ast.parse("\n".join(code_of(notebook)))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ks"
    }
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert used <= set(ks.__all__)
    assert not [module for module in modules if "._" in module]
