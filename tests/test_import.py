"""The front door: cheap to open, and every name behind it is there."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import kanscience as ks

HEAVY = ("torch", "numpy", "pandas", "sympy", "matplotlib", "scipy", "sklearn", "networkx", "narwhals", "numba")


def test_import_loads_no_heavy_library():
    script = f"import sys, kanscience; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("name", ks.__all__)
def test_public_name_is_there(name):
    home = importlib.import_module(f"kanscience.{ks._HOMES[name]}")
    assert getattr(ks, name) is getattr(home, name)
    assert name in dir(ks)


def test_type_checkers_see_the_same_names_in_the_same_places():
    tree = ast.parse(Path(ks.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == ks._HOMES


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Kan'"):
        ks.Kan  # noqa: B018


@pytest.mark.parametrize("name", [name for name, home in ks._HOMES.items() if home == "_errors"])
def test_errors_are_value_errors(name):
    assert issubclass(getattr(ks, name), ks.KanscienceError)
    assert issubclass(getattr(ks, name), ValueError)
