"""Every Python block of the README prints what stands below it, and its files are there."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```\n+```text\n(.*?)```", README, flags=re.DOTALL)


def test_python_blocks_print_what_stands_below_them():
    assert len(BLOCKS) == README.count("```python")
    names: dict[str, object] = {}
    for code, expected in BLOCKS:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "README.md", "exec"), names)
        assert printed.getvalue().strip() == expected.strip()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_links_lead_to_files_of_the_project(target):
    assert (ROOT / target).exists()


def test_every_file_of_a_report_stands_in_the_table():
    from kanscience.viz._report import CONTENTS

    cells = [cell.strip() for line in README.splitlines() if line.startswith("| `") for cell in line.split("|")[1:-1]]
    assert dict(zip(cells[::2], cells[1::2], strict=True)) == {f"`{name}`": what for name, what in CONTENTS.items()}


def measured(page: str, pattern: str) -> list[str]:
    """Return the numbers that a page of results gives, in whole ones."""
    return [f"{float(number):.0f}" for number in re.findall(pattern, (ROOT / "benchmarks" / page).read_text())]


@pytest.mark.parametrize(
    ("row", "page", "pattern"),
    [
        ("time to the best loss of pykan", "results_training.md", r"median speed-up (\d+)×"),
        ("final error there", "results_training.md", r"median ratio of the RMSE (\d+)"),
    ],
)
def test_ratios_beside_pykan_are_those_of_the_benchmarks(row, page, pattern):
    (line,) = (line for line in README.splitlines() if line.startswith(f"| {row}"))
    assert re.findall(r"1/(\d+)", line) == measured(page, pattern)
    assert f"(benchmarks/{page})" in line


def times_ours_with_gradients() -> str:
    """Return the table whose first column is the time without numba over the time with it."""
    page = (ROOT / "benchmarks" / "results_layer.md").read_text()
    return page.partition("Times ours:")[2].partition("## Forward alone")[0]


def test_a_layer_beside_that_of_pykan_is_as_measured():
    shape = r"^\| 10\d\d × (?:5 × 5|64 × 64|256 × 256), 5 \| [\d.]+ \| ([\d.]+) \|"
    times = re.findall(shape, times_ours_with_gradients(), flags=re.MULTILINE)
    (line,) = (
        line for line in README.splitlines() if line.startswith("| a layer of 5×5, 64×64, 256×256, with gradients")
    )
    assert re.findall(r"1/(\d+)", line) == [f"{float(time):.0f}" for time in times]
    assert len(times) == 3


def test_times_and_counts_are_those_of_the_benchmarks():
    page = (ROOT / "benchmarks" / "results_suggest.md").read_text()
    ours, pykan = re.findall(r"\| 1,000 \| ([\d.]+) \| [\d.]+ \| (\d+)", page)[0]
    assert f"[{float(ours) / 1000:.2f} s](benchmarks/results_suggest.md) | {float(pykan) / 1000:.0f} s" in README
    layers = re.findall(r"^\| \d+ × .*?\| ([\d.]+) \|", times_ours_with_gradients(), flags=re.MULTILINE)
    assert f"[{min(map(float, layers)):.1f} to {max(map(float, layers)):.0f} times as fast]" in README
    compiled = (ROOT / "benchmarks" / "results_compile.md").read_text()
    assert "| equations with error ≤ 1e-12 | 120 of 120 |" in compiled
    assert "| largest error | 1e-14 |" in compiled
    nuclides = (ROOT / "data" / "nuclear_binding.csv").read_text().splitlines()
    assert f"{len(nuclides) - 1:,} nuclides" in README


def test_the_two_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    commands = re.findall(r"make (\w[\w-]*)", README)
    assert commands
    assert set(commands) <= set(targets)


def test_the_commands_of_the_readme_are_commands_of_the_program():
    from kanscience.cli import main

    commands = set(re.findall(r"^ {4}kanscience (\w+)", README, flags=re.MULTILINE))
    assert commands
    assert commands <= set(main.commands)
