"""What tests share: the folder of real data, and one thread so that bits do not depend on the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

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
