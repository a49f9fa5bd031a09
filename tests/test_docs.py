"""The documentation leaves out no public name."""

import re
from pathlib import Path

import kanscience

DOCS = Path(__file__).parents[1] / "docs"


def test_the_api_page_lists_every_public_name_once():
    listed = re.findall(
        r"^\.\. auto\w+:: kanscience\.(\w+)$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == kanscience.__all__


def test_pages_name_only_what_there_is():
    for page in DOCS.rglob("*.md"):
        if "_build" not in page.parts:
            for name in re.findall(r"\bks\.(\w+)\b", page.read_text(encoding="utf-8")):
                assert name in kanscience.__all__, f"{page.name}: ks.{name}"
