"""`gan` called within the test's own process, and runs to call it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ganforge.cli import main
from ganforge.tasks.experiment import prepare
from ganforge.training import probe
from tests import players


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Call = Callable[..., Answer]


@pytest.fixture
def gan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call `gan` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(probe, "_SECONDS", 0.01)

    def call(*words: object) -> Answer:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # a help page
            code = int(end.code or 0)
        return Answer(code, *capsys.readouterr())

    return call


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
