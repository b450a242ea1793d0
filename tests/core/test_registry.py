"""Declarations are found by their names, when they are asked for, and a misspelt name says which is near."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganforge.core.errors import RecipeError
from ganforge.core.registry import Registry
from tests import processes

GAME = "from made_rooms import Game\nclass {}(Game):\n    name = {!r}\n    words = 'a game'\n"


class Thing:
    def __init__(self, name: str) -> None:
        self.name, self.words = name, "a thing"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package made_rooms.games of two games and a base."""
    folder = tmp_path / "made_rooms" / "games"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("class Game:\n    name = ''\n    words = ''\n")
    (folder / "__init__.py").write_text("")
    (folder / "base.py").write_text("from made_rooms import Game\nclass Base(Game):\n    pass\n")
    (folder / "chess.py").write_text(GAME.format("Chess", "chess"))
    (folder / "go.py").write_text("from made_rooms.games.chess import Chess\n" + GAME.format("Go", "go"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "made_rooms"]:
        del sys.modules[name]


def games() -> Registry:
    from made_rooms import Game  # pyright: ignore[reportMissingImports]

    return Registry("game", Game, "made_rooms.games")


def test_what_a_package_declares_is_found_when_it_is_asked_for(room: Path):
    known = games()
    assert "made_rooms.games.chess" not in sys.modules
    assert list(known) == ["chess", "go"]  # a base has no name; what is imported from elsewhere counts once
    assert known["go"].__module__ == "made_rooms.games.go"
    assert "poker" not in known
    with pytest.raises(KeyError):
        known["poker"]


def test_a_misspelt_name_says_which_is_near(room: Path):
    with pytest.raises(RecipeError, match=r"unknown game 'ches'; there is chess, go\. Did you mean 'chess'"):
        games().find("ches")


def test_a_class_does_not_inherit_the_name_of_another(room: Path):
    text = "from made_rooms.games.chess import Chess\nclass Blitz(Chess):\n    pass\n"
    (room / "blitz.py").write_text(text)
    assert list(games()) == ["chess", "go"]


def test_two_of_one_name_are_refused(room: Path):
    (room / "twin.py").write_text(GAME.format("Twin", "go"))
    with pytest.raises(RecipeError, match="the game go is declared twice"):
        games().find("chess")


def test_objects_can_be_declarations_too(room: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.modules[__name__], "ONE", Thing("one"), raising=False)
    assert list(Registry("thing", Thing, __name__)) == ["one"]


def test_the_declarations_themselves_import_nothing_heavy():
    words = "import sys, ganforge.core.declared; print([n for n in ('torch', 'numpy') if n in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, env=processes.environment(), check=True
    )
    assert ran.stdout.strip() == "[]"
