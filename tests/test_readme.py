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
