"""Before kanscience is imported: axis names and types of its functions are checked at run time."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import jaxtyping
import pytest

import tests.helpers  # the hook below looks it up by name

jaxtyping.install_import_hook("kanscience", f"{tests.helpers.__name__}.check_where_names_resolve")


@pytest.fixture(autouse=True, scope="session")
def _one_torch_thread():
    import torch

    torch.set_num_threads(1)  # many small networks: threads only wait for each other


@pytest.fixture
def as_users_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """No types are checked, so that values of a wrong one meet the checks that users meet."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top of the checkout."""
    return Path(__file__).parents[1]
