"""What tests share: the folder of real data, and one thread so that bits do not depend on the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ganforge.core import plugins

# Small tensors on two threads that share two cores with others wait for each other more than they work.
torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, beside the checkout or named by GANFORGE_TEST_DATA."""
    folder = Path(os.environ.get("GANFORGE_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the folder of real test data; none at {folder} (set GANFORGE_TEST_DATA)")
    return folder


@pytest.fixture
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has run no plugin yet, and another one afterwards."""
    monkeypatch.setattr(plugins, "_found", {})
    monkeypatch.setattr(plugins, "_variable_read", False)
    monkeypatch.setenv(plugins.VARIABLE, "")
    yield
    for name in [name for name in sys.modules if name.startswith("ganforge_plugin_")]:
        del sys.modules[name]
