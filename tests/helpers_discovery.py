"""Discoveries for tests, quickly: without the routes that fit networks."""

from __future__ import annotations

from typing import Any

import pytest

from kanscience.discovery import _discover


@pytest.fixture
def classical_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `discover` look for power laws and polynomials only."""

    def none(*args: Any, **options: Any) -> None:
        return None

    def nothing(*args: Any, **options: Any) -> list:
        return []

    monkeypatch.setattr(_discover, "fitted_networks", none)
    monkeypatch.setattr(_discover, "formulas_of_networks", nothing)
