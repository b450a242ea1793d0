"""`gan diagnose`: words for a person, JSON and an exit code for a script."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganforge.cli import diagnose
from ganforge.core.errors import DamageWarning, RunError, UsageError
from ganforge.data.cache import cache_folder
from ganforge.health.history import History
from ganforge.runs.folder import Run
from ganforge.studio.rundir import RunFolder
from ganforge.tasks import reexamination
from ganforge.tasks.experiment import prepare
from tests.conftest import Call
from tests.health.conftest import Bend, fixed, line, probe, scores, won


@pytest.fixture
def run(points_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A copy of a short run, under runs/ of an empty folder."""
    shutil.copytree(points_run, tmp_path / "runs" / "moons")
    monkeypatch.chdir(tmp_path)
    return Run.open(Path("runs/moons"))


def logged(run: Run, *bends: Bend, n: int = 17) -> None:
    """Give the run a log of ``n`` examinations, healthy but for the bends."""
    (run.path / "log.jsonl").unlink(missing_ok=True)
    for i in range(n):
        record: dict[str, Any] = line(i)
        for bend in bends:
            bend(record, i)
        run.add_log(record)


def test_a_failing_run_is_told_in_words_with_a_command_to_type(run: Run, capsys: pytest.CaptureFixture[str]):
    logged(run, scores(), fixed(0.001), *won())
    assert diagnose.main(["runs/moons"]) == 6
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert lines[0].startswith("runs/moons: failing: generator too weak, and ")
    assert lines[1] == "at kimg 16.0, from 17 examinations"
    assert "✗ failure: generator-too-weak" in lines
    assert "  page      docs/findings/generator-too-weak.md" in lines
    tries = re.findall(r"^  try       (.*)$", told, re.MULTILINE)
    assert tries[0].startswith(
        "gan train moons --recipe tiny --kimg 0.1 --seed 3 --set generator.learning_rate="
    )
    assert re.search(r"^  changes   generator.learning_rate 0.001 → ", told, re.MULTILINE)
    assert len(tries) == len(set(tries))


def test_the_command_to_type_is_the_one_that_was_typed_less_what_is_changed(
    run: Run, capsys: pytest.CaptureFixture[str]
):
    typed = ["/x/bin/gan", "train", "my pets", "--set", "generator.learning_rate=9", "batch=8"]
    run = replace(run, info={**run.info, "command": typed})
    run.write()
    logged(run, scores(), fixed(0.001), *won())
    diagnose.main(["runs/moons"])
    tries = re.findall(r"^  try       (.*)$", capsys.readouterr().out, re.MULTILINE)
    assert tries[0].startswith("gan train 'my pets' --set batch=8 --set generator.learning_rate=")


def test_a_weight_of_nothing_is_brought_back_to_the_recipes_own(
    gan: Call, capsys: pytest.CaptureFixture[str]
):
    """What the person typed is said again, and one thing of it is changed to something else than what ran."""
    typed = ["train", "moons", "--set", "penalties.r1.weight=0", "batch=32", "--kimg", "0.2", "--out", "run"]
    gan(*typed)
    run = Run.open("run")
    own = prepare("moons").recipe.value("penalties.r1.weight")
    assert (run.info["own"]["penalties.r1.weight"], run.info["changes"]["batch"]) == (own, 32)
    assert run.info["rescue"] is False  # an experiment is what it was asked to be
    run = replace(run, info={**run.info, "command": ["gan", *typed]})
    run.write()
    logged(run, scores(0.3))
    diagnose.main(["run"])
    told = capsys.readouterr().out
    tries = re.findall(r"^  try       (.*)$", told, re.MULTILINE)
    assert tries == [f"gan train moons --set batch=32 --kimg 0.2 --set penalties.r1.weight={own:g}"]
    assert f"penalties.r1.weight 0 → {own:g}" in told


def test_the_screen_the_report_the_studio_and_diagnose_say_the_same(gan: Call):
    """One verdict: in the same words wherever it is told, and twice as told by the log alone."""
    out = gan("train", "ring", "--set", "batch=64", "--kimg", "4", "--seed", "3", "--out", "run").out
    screen = re.findall(r"^verdict   (.*)$", out, re.MULTILINE)
    told = gan("diagnose", "run").out.splitlines()[0].removeprefix("run: ")
    report = Path("run/report.html").read_text()
    watch = RunFolder("0:run", Path("run")).summary()
    assert screen == [told]
    assert watch["verdict"]["words"] == told
    assert f"{told[:1].upper()}{told[1:]}." in report
    assert json.loads(gan("diagnose", "run", "--json").out)["verdict"] == told
    assert told.startswith(("failing: ", "needs attention: "))  # 60 rounds make no ring


def test_without_a_folder_the_last_run_is_meant(run: Run, capsys: pytest.CaptureFixture[str]):
    logged(run)
    assert diagnose.main([]) == 0
    told = capsys.readouterr().out
    assert told.startswith("runs/moons: healthy: equilibrium\n")
    assert "try " not in told


def test_a_warning_has_its_own_exit_code(run: Run, capsys: pytest.CaptureFixture[str]):
    logged(run, probe(told_training=0.95, told_held_out=0.75))
    assert diagnose.main(["runs/moons"]) == 5
    assert "! warning: discriminator-overfitting" in capsys.readouterr().out


def test_json_for_scripts(run: Run, capsys: pytest.CaptureFixture[str]):
    logged(run, scores(), fixed(0.001))
    code = diagnose.main(["runs/moons", "--json"])
    record = json.loads(capsys.readouterr().out)
    assert record["exit_code"] == code == 6
    assert (record["run"], record["healthy"], record["examinations"]) == ("runs/moons", False, 17)
    first = record["findings"][0]
    assert first["code"] == "generator-too-weak"
    assert run.recipe.with_changes(first["changes"]) != run.recipe


def test_a_short_run_says_that_it_is_short(run: Run, capsys: pytest.CaptureFixture[str]):
    (run.path / "log.jsonl").unlink()
    with pytest.warns(
        DamageWarning, match="is gone or holds nothing"
    ):  # there is a checkpoint, so there was a log
        assert diagnose.main(["runs/moons"]) == 0
    assert "nothing is logged yet" in capsys.readouterr().out
    run.add_log({"nimg": 100, "seconds": 1.0})
    assert diagnose.main(["runs/moons"]) == 0
    told = capsys.readouterr().out
    assert "from 0 examinations" in told
    assert "train for longer" in told
    assert "too-early" in told


def test_a_damaged_log_has_an_answer(run: Run, capsys: pytest.CaptureFixture[str]):
    logged(run)
    file = run.path / "log.jsonl"
    text = file.read_text().splitlines()
    file.write_text("\n".join([*text[:5], "{broken", "[]", "null", *text[5:], text[-1][:40]]))
    with pytest.warns(DamageWarning, match="4 lines are left out"):
        assert diagnose.main(["runs/moons"]) == 0
    assert "from 17 examinations" in capsys.readouterr().out


def test_what_cannot_be_done_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no run folder under runs/"):
        diagnose.main([])
    with pytest.raises(RunError, match="is not a run folder"):
        diagnose.main(["nowhere"])
    with pytest.raises(UsageError, match="no option --jsn"):
        diagnose.main(["--jsn"])


def test_a_look_measures_afresh_and_names_the_class(
    digits_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    run = Run.open(digits_run)
    after = reexamination.look(run, History.of(run), cache=cache_folder())
    seen = after.examined[-1]
    assert seen.nimg == run.checkpoint("newest", only=()).state["nimg"]
    assert seen.score("kernel_distance") > 0
    assert set(seen.classes) == set(run.space.classes)
    assert all(0 <= share <= 1 for share in seen.classes.values())

    classes = {**dict.fromkeys(run.space.classes, 0.9), "7": 0.3}
    lagging = replace(seen, record={**seen.record, "classes": classes})
    monkeypatch.setattr(reexamination, "look", lambda *_, **__: replace(after, examined=(lagging,)))
    diagnose.main([str(digits_run), "--look"])
    told = capsys.readouterr().out
    assert "! warning: class-lagging" in told
    assert "The class 7 lags: 30 % of its samples are recognised, 90 % of the median class's." in told
