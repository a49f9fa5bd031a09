"""Imports point downwards: a file imports from its own folder or from a lower floor. `FLOORS` has the lowest first."""

import ast
from collections.abc import Iterator
from pathlib import Path

FLOORS = (
    {"_errors", "_other_names", "_checks", "_typing", "_display", "_transforms", "_numba"},
    {"splines", "functions", "graph", "datasets"},
    {"network"},
    {"compiler", "training"},
    {"symbolic", "structure"},
    {"discovery"},
    {"viz", "estimator"},
    {"cli"},
    {"__main__"},
)
FLOOR = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
EXCEPTION = "_display.py"  # the lazy way from an object to its picture
PACKAGE = Path(__file__).parents[1] / "kanscience"


def _imported_parts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, part) of every import from kanscience in a file, wherever in the file it stands."""
    folder = ["kanscience", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            modules = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node.lineno, m.split(".")[1]) for m in modules if m.startswith("kanscience."))


def _may_import(own: str, part: str) -> bool:
    same_place = part == own or FLOOR[part] == FLOOR[own] == 0  # the files of floor 0 are one folder
    return same_place or FLOOR[part] < FLOOR[own]


def test_every_import_points_downwards():
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if own == "__init__" or path.name == EXCEPTION:
            continue
        assert own in FLOOR, f"{path}: say in FLOORS on which floor {own!r} stands"
        for line, part in _imported_parts(path):
            if part in FLOOR and not _may_import(own, part):
                wrong.append(f"{path.relative_to(PACKAGE.parent)}:{line} imports {part}")
    assert not wrong, "\n".join(["imports that do not point downwards:", *wrong])
