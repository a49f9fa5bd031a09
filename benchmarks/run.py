"""Every benchmark in one run, and one page and picture of the goals that they measure.

    pip install -e '.[fast,benchmarks]' && python benchmarks/run.py [--short] [--only layer adam] [--collect]

Each benchmark runs in a process of its own and writes its own page; one that fails is named at the end and the others go
on. Short runs leave out the benchmarks that have no short form.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from _machine import GOALS, conditions, product_peak, results_path, table

_FARTHEST = 5.0  # times better than the goal that the picture shows; a difference may even be below 0
FOLDER = Path(__file__).parent
EXPLANATION = """
All ratios are of numbers measured in one run of one benchmark. Each benchmark's own page says on which machine, what was
measured and how; those marked * are re-derived from the published algorithms. Goals that are counts of solved cases, of
laws, deep networks, structure and ensembles, stand on those pages. An import that takes less than PyTorch's does not
load it.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a first look; writes *_short files")
    parser.add_argument("--only", nargs="+", help="names such as `layer`")
    parser.add_argument("--collect", action="store_true", help="run nothing, collect the pages that are there")
    given = parser.parse_args()
    scripts = [script for script in sorted(FOLDER.glob("bench_*.py")) if not given.only or _name(script) in given.only]
    if given.short:
        scripts = [script for script in scripts if "given.short" in script.read_text()]
    failed = [] if given.collect else [script.name for script in scripts if not _succeeds(script, given.short)]
    _collect(given.short)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _name(script: Path) -> str:
    return script.stem.removeprefix("bench_")


def _succeeds(script: Path, short: bool) -> bool:
    print(f"== {script.name}", flush=True)
    return not subprocess.run([sys.executable, script, *(["--short"] if short else [])], check=False).returncode


def _collect(short: bool) -> None:
    pages = {script: results_path(str(script), short) for script in sorted(FOLDER.glob("bench_*.py"))}
    pages = {script: page for script, page in pages.items() if page.exists()}
    rows, places = [], []
    for page in pages.values():
        found = _goals(page.read_text())
        rows += [[*row, f"[{page.stem}]({page.name})"] for row in found]
        places += found
    path = FOLDER / f"results{'_short' if short else ''}.md"
    links = "\n".join(f"- [{_title(page)}]({page.name}): `{script.name}`" for script, page in pages.items())
    sections = [
        "# Benchmarks",
        conditions(),
        f"- One large float32 product here: {product_peak() / 1e9:.0f} GF/s",
        EXPLANATION.strip(),
        "## Goals",
        table(("what", "goal", "reached", "met", "measured in"), rows),
        f"![Goals]({path.with_suffix('.png').name})",
        "## Pages",
        links,
    ]
    path.write_text("\n\n".join(sections) + "\n")
    _draw(places, path.with_suffix(".png"))
    print(path.read_text())


def _title(page: Path) -> str:
    return page.read_text().partition("\n")[0].removeprefix("# ")


def _goals(text: str) -> list[list[str]]:
    """Return the rows of a page's table of goals."""
    lines = text.partition(GOALS)[2].strip().splitlines()
    return [line.strip("| ").split(" | ") for line in _until_blank(lines)[2:]]


def _until_blank(lines: Sequence[str]) -> Sequence[str]:
    return lines[: lines.index("")] if "" in lines else lines


def _draw(rows: Sequence[Sequence[str]], path: Path) -> None:
    """Draw how many times better than its goal each number is: to the right of the line it is met."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.24 * len(rows)), layout="constrained")
    for place, (_, goal, reached, _) in enumerate(rows):
        sign, limit = goal.split()
        better = float(limit) / max(float(reached), 1e-9) if sign == "≤" else float(reached) / float(limit)
        better = min(better, _FARTHEST)
        axes.barh(place, better - 1, left=1, color="C0" if better >= 1 else "C3")
        label = f" {reached} ({goal})"
        axes.text(max(better, 1), place, label, va="center", fontsize=7)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=7)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 2)  # room for the numbers
    axes.axvline(1, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("times better than the goal (reached, and in brackets the goal)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
