"""A file of a person's own is run where it is asked for, and then declares what commands call by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganforge.core.declared import OBJECTIVES
from ganforge.core.errors import RecipeError, UsageError
from ganforge.core.plugins import VARIABLE, plugin
from tests import processes

TILTED = """
from pathlib import Path
from ganforge.objectives.adversarial import Hinge, Separate

with Path(__file__).with_name("ran.txt").open("a") as file:
    file.write("ran\\n")

class Tilted(Separate):
    name = "tilted"
    words = "hinge with a smaller margin on fakes"

    def of_reals(self, real):
        return (1.0 - real).relu()

    def of_fakes(self, fake):
        return (0.5 + fake).relu()

    def _generator(self, real, fake):
        return -fake
"""


@pytest.fixture
def tilted(tmp_path: Path) -> Path:
    file = tmp_path / "tilted.py"
    file.write_text(TILTED)
    return file


def runs_of(file: Path) -> int:
    ran = file.with_name("ran.txt")
    return len(ran.read_text().splitlines()) if ran.exists() else 0


pytestmark = pytest.mark.usefixtures("no_plugins")


def test_what_it_declares_stands_among_the_others_and_what_it_imports_counts_once(tilted: Path):
    before = list(OBJECTIVES)
    plugin(tilted)
    assert list(OBJECTIVES) == [*before, "tilted"]
    assert OBJECTIVES.origin("tilted").__file__ == str(tilted)
    assert OBJECTIVES.origin("hinge").__name__ == "ganforge.objectives.adversarial"
    assert [file.name for file in tilted.parent.iterdir() if file.name != "ran.txt"] == ["tilted.py"]


def test_the_same_content_is_run_once_wherever_it_lies(tilted: Path):
    copy = tilted.with_name("copy.py")
    copy.write_bytes(tilted.read_bytes())
    assert plugin(tilted) is plugin(copy)
    assert runs_of(tilted) == 1


def test_two_files_that_declare_one_name_are_refused_by_their_names(tilted: Path):
    other = tilted.with_name("other.py")
    other.write_text(f"{TILTED}\n# otherwise\n")
    plugin(tilted)
    plugin(other)
    with pytest.raises(RecipeError, match=r"tilted is declared twice, in \S*/tilted.py and in \S*/other.py"):
        OBJECTIVES.find("tilted")


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ("    def _generator(self, real, fake):\n        return -fake\n", "lacks _generator"),
        ("    words", "lacks words"),
    ],
)
def test_a_declaration_that_is_not_whole_says_what_it_lacks(tilted: Path, lacking: str, words: str):
    assert lacking in TILTED
    tilted.write_text(TILTED.replace(lacking, "" if "def" in lacking else "    other"))
    plugin(tilted)
    with pytest.raises(RecipeError, match=rf"objective tilted of \S*/tilted.py {words}"):
        OBJECTIVES.find("tilted")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\nx.y", "line 2 cannot be used (AttributeError"),
        ("x =", "line 1 cannot be used (SyntaxError"),
        ("def f():\n    import nix\nf()", "line 2 cannot be used (ModuleNotFoundError"),
    ],
)
def test_a_file_that_fails_is_named_with_its_line(tmp_path: Path, text: str, line: str):
    file = tmp_path / "bad.py"
    file.write_text(text)
    with pytest.raises(UsageError) as told:
        plugin(file)
    assert line in str(told.value)
    assert "\n" not in str(told.value)
    file.write_text("x = 1")
    plugin(file)
    with pytest.raises(UsageError, match="cannot be read"):
        plugin(tmp_path / "nix.py")


def test_processes_that_are_started_here_declare_the_same(tilted: Path):
    plugin(tilted)
    words = "from ganforge.core.declared import OBJECTIVES; print(list(OBJECTIVES)[-1])"
    environment = processes.environment(**{VARIABLE: os.environ[VARIABLE]})
    ran = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, env=environment)
    assert (ran.stdout, ran.stderr) == ("tilted\n", "")
