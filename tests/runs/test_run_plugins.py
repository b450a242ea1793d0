"""A run keeps the plugins that it was trained with, and whoever opens it runs none of them unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganforge.cli import main
from ganforge.core import plugins
from ganforge.core.errors import DamageWarning
from ganforge.core.plugins import plugin
from ganforge.runs.folder import Run
from ganforge.runs.plugins import PluginError
from ganforge.runs.verify import verify
from tests import players
from tests.core.test_plugins import TILTED, runs_of

pytestmark = pytest.mark.usefixtures("no_plugins")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder of an objective that ``tilted.py`` declares, in a process that has not run that file."""
    file = tmp_path / "tilted.py"
    file.write_text(TILTED)
    plugin(file)
    data = players.points()
    made = Run.create(
        tmp_path / "run", recipe=players.recipe(objective="tilted"), space=data.space, data=data.manifest
    )
    monkeypatch.setattr(plugins, "_found", {})
    return made.path


def test_it_keeps_a_copy_and_says_what_it_declares(run: Path):
    assert (run / "plugins/tilted.py").read_text() == TILTED
    kept = json.loads((run / "run.json").read_text())["info"]["plugins"]
    assert [(each["file"], each["names"]) for each in kept] == [("plugins/tilted.py", ["tilted"])]


def test_a_file_that_declares_nothing_is_told(tmp_path: Path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    plugin(tmp_path / "empty.py")
    data = players.points()
    with pytest.warns(DamageWarning, match=r"empty\.py declares nothing"):
        Run.create(tmp_path / "run", recipe=players.recipe(), space=data.space, data=data.manifest)


@pytest.mark.parametrize("verb", ["sample", "check", "diagnose"])
def test_no_verb_runs_it_and_one_line_says_how_to_allow_it(
    run: Path, verb: str, capsys: pytest.CaptureFixture[str]
):
    assert main([verb, str(run)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"gan {verb}: {run} uses tilted of a plugin, which is never run unasked. If you trust the file, "
        f"allow it: --plugin {run}/plugins/tilted.py"
    ]
    assert runs_of(run / "plugins/tilted.py") == 0


@pytest.mark.parametrize("form", ["--plugin={}", "--plugin {}"])
def test_it_opens_where_it_is_allowed(run: Path, form: str, capsys: pytest.CaptureFixture[str]):
    words = form.format(run / "plugins/tilted.py").split()
    assert main(["sample", str(run), *words]) == 2
    assert "no checkpoint that can be read" in capsys.readouterr().err  # and so it was opened
    assert runs_of(run / "plugins/tilted.py") == 1
    assert main(["sample", str(run), "--plugin"]) == 2
    assert "--plugin takes a Python file" in capsys.readouterr().err


def test_another_file_of_the_same_names_is_told(run: Path, tmp_path: Path):
    (tmp_path / "tilted.py").write_text(f"{TILTED}\nx = 1\n")
    plugin(tmp_path / "tilted.py")
    with pytest.warns(DamageWarning, match="another file declares tilted here"):
        Run.open(run)


def test_what_the_run_does_not_use_is_not_asked_for(run: Path):
    record = json.loads((run / "run.json").read_text())
    record["recipe"]["objective"] = "hinge"
    (run / "run.json").write_text(json.dumps(record))
    assert Run.open(run, accepting=True).recipe.objective == "hinge"


def test_a_copy_that_has_changed_is_a_fault(run: Path):
    plugin(run.parent / "tilted.py")
    assert not [fault for fault in verify(run).faults if "plugins" in str(fault.file)]
    (run / "plugins/tilted.py").write_text("x = 1")
    assert [fault.what for fault in verify(run).faults if fault.file == Path("plugins/tilted.py")] == [
        f"{run}/plugins/tilted.py is not the file that the run was started with"
    ]


@pytest.mark.parametrize("file", ["../tilted.py", "/etc/passwd", "plugins/../../x.py"])
def test_a_place_outside_the_run_is_refused(run: Path, file: str):
    record = json.loads((run / "run.json").read_text())
    record["info"]["plugins"][0]["file"] = file
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(Exception, match=r"must lie in plugins/") as told:
        Run.open(run, accepting=True)
    assert not isinstance(told.value, PluginError)
