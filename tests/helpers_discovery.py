"""Discoveries for tests, quickly: without the routes that fit networks."""

from __future__ import annotations

from typing import Any

import pytest

import kanscience as ks
from kanscience.discovery import _discover

KEPLER = ["semi_major_axis_au", "eccentricity", "mass_earth"]


@pytest.fixture
def classical_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `discover` look for power laws and polynomials only."""
    _without_networks(monkeypatch)


@pytest.fixture(scope="module")
def kepler() -> ks.Discovery:
    """Return what the classical routes discover in the planets, once for all tests that only look at it."""
    table = ks.load_table("planets")
    with pytest.MonkeyPatch.context() as patch:
        _without_networks(patch)
        return ks.discover(table[KEPLER], table["period_yr"], time_budget=300, seed=0)


def _without_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: Any, **options: Any) -> None:
        return None

    def nothing(*args: Any, **options: Any) -> list:
        return []

    monkeypatch.setattr(_discover, "fitted_networks", none)
    monkeypatch.setattr(_discover, "network_candidates", nothing)
