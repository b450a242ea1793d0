"""Runs to call `gan` on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.tasks.experiment import prepare
from tests import players


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on pictures with classes."""
    tiny = players.recipe(kimg=0.1)
    trainer = prepare("digits", recipe=tiny).start(tmp_path_factory.mktemp("runs") / "digits")
    assert trainer.train().finished
    return trainer.run.path


@pytest.fixture(scope="session")
def points_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on points."""
    tiny = players.recipe(kimg=0.1)
    trainer = prepare("moons", recipe=tiny).start(tmp_path_factory.mktemp("runs") / "moons")
    assert trainer.train().finished
    return trainer.run.path
