"""The map of the folders in CONTRIBUTING.md, drawn from the imports: python docs/make_map.py"""

import ast
from pathlib import Path

import networkx as nx
from matplotlib.figure import Figure

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "kanscience"
BOX = 0.18  # half a box's height, in floors
SAYS = {
    "splines": "B-splines, kernels",
    "functions": "the library",
    "graph": "one networkx graph for all",
    "datasets": "tables, frames, units",
    "network": "MultKAN, and what changes it",
    "compiler": "formula → graph → formula",
    "training": "fits",
    "symbolic": "curves to functions",
    "structure": "module trees, symmetries",
    "discovery": "from a table to a law",
    "viz": "pictures and pages",
    "cli": "the command line",
}


def main() -> None:
    """Draw what imports what; an arrow that follows from two others is left out."""
    imports = nx.DiGraph((own, part) for own in SAYS for part in imported(own) if part in SAYS and part != own)
    shown = nx.transitive_reduction(imports)
    floors = [sorted(floor) for floor in nx.topological_generations(shown.reverse())]
    place = {part: ((k + 0.5) / len(floor), y) for y, floor in enumerate(floors) for k, part in enumerate(floor)}
    figure = Figure(figsize=(9, 1.05 * len(floors)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1), ylim=(-0.5, len(floors) - 0.5))
    axes.set_axis_off()
    for own, part in shown.edges:
        (x, y), (own_x, own_y) = place[part], place[own]
        arrow = {"arrowstyle": "-|>", "color": "0.6"}
        axes.annotate("", (x, y + BOX), (own_x, own_y - BOX), arrowprops=arrow)
    for part, (x, y) in place.items():
        box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "0.3"}
        name = f"{part}/" if (PACKAGE / part).is_dir() else f"{part}.py"
        axes.text(x, y, f"{name}\n{SAYS[part]}", ha="center", va="center", fontsize=8, bbox=box)
    figure.savefig(HERE / "map.png", dpi=130)


def imported(part: str) -> set[str]:
    """Return the parts of kanscience that the files of a part import."""
    found = set()
    for path in [*PACKAGE.glob(f"{part}.py"), *(PACKAGE / part).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            found |= {module.split(".")[1] for module in modules if module.startswith("kanscience.")}
    return found


if __name__ == "__main__":
    main()
