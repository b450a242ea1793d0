"""Watch: runs that have ended, and one that is being trained beside."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganforge.core.errors import MachineError, RunError
from ganforge.runs.folder import Run
from ganforge.studio.opening import start_beside
from ganforge.studio.rundir import Roots, RunFolder, tail
from tests.processes import Gan
from tests.studio.conftest import Line, Running


def test_a_log_is_read_on_from_where_it_was(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    assert tail(path, 0).lines == []
    path.write_text('{"nimg": 1}\nnonsense\n{"nimg": 2}\n{"nim')
    first = tail(path, 0)
    assert [line["nimg"] for line in first.lines] == [1, 2]
    with path.open("a") as file:
        file.write('g": 3}\n')
    second = tail(path, first.next)
    assert [line["nimg"] for line in second.lines] == [3]
    assert not second.anew
    path.write_text('{"nimg": 9}\n')  # another file in its place
    assert tail(path, second.next).anew
    path.write_text("".join(f'{{"nimg": {i}}}\n' for i in range(1200)))
    place, seen = 0, list[int]()
    while (lines := tail(path, place)).lines:
        seen += [line["nimg"] for line in lines.lines]
        place = lines.next
    assert seen == list(range(1200))


def test_names_of_runs_stay_within_their_roots(runs: Path, tmp_path: Path):
    roots = Roots([runs, runs / "digits"])
    assert [run.name for run in roots.runs()] == ["0:digits", "1:."]
    assert roots.path("0:digits") == runs / "digits"
    (tmp_path / "secret").mkdir()
    (runs / "link").symlink_to(tmp_path / "secret")
    for name in ("0:../cache", "0:/etc", "2:digits", "digits", "0:nothing", "-1:digits", "0:link"):
        with pytest.raises(RunError):
            roots.path(name)
    (runs / "link").unlink()


def test_a_damaged_run_is_listed_with_the_reason(runs: Path, tmp_path: Path):
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "run.json").write_text('{"format": 1}')
    told = RunFolder("0:broken", folder).summary()
    assert "damaged" in told["error"]
    (folder / "run.json").write_text("{")
    assert "cannot be read" in RunFolder("0:broken", folder).summary()["error"]
    whole = RunFolder("0:digits", runs / "digits").summary()
    assert whole.keys() == told.keys()


def test_three_hundred_runs_are_listed_at_once(runs: Path, tmp_path: Path):
    for i in range(300):
        folder = tmp_path / f"run-{i:03d}"
        folder.mkdir()
        for name in ("run.json", "log.jsonl", "events.jsonl"):
            (folder / name).write_bytes((runs / "digits" / name).read_bytes())
    roots = Roots([tmp_path])
    began = time.process_time()
    listed = [run.summary(quick=True) for run in roots.runs()]
    assert time.process_time() - began < 1.0
    assert len(listed) == 300
    assert {one["state"] for one in listed} == {"finished"}
    whole = roots.runs()[0].summary()
    assert whole["findings"]
    assert whole == roots.runs()[0].summary(quick=True)  # what is known already is told at once


def test_everything_of_a_run_is_served(studio: Running):
    (run,) = studio.json("/api/watch/runs")["runs"]
    assert (run["run"], run["state"], run["space"]) == ("0:digits", "finished", "8×8 grey")
    assert run["nimg"] >= run["total_nimg"] == 3000
    assert run["score"]["key"] == "kernel_distance"
    details = studio.json("/api/watch/run?run=0:digits")
    assert details["recipe"]["name"] == "digits"
    log = studio.json("/api/watch/log?run=0:digits&from=0")
    assert log["lines"][0]["nimg"] == 0
    assert any("examination" in line for line in log["lines"])
    assert studio.json(f"/api/watch/log?run=0:digits&from={log['next']}")["lines"] == []
    assert studio.json("/api/watch/events?run=0:digits")["lines"][-1]["event"] == "finished"
    samples = studio.json("/api/watch/samples?run=0:digits")["samples"]
    assert [one["nimg"] for one in samples] == sorted(one["nimg"] for one in samples)
    status, picture = studio.ask(f"/api/watch/sample?run=0:digits&file={samples[0]['file']}")
    assert (status, picture[:4]) == (200, b"\x89PNG")
    for path in (
        "run?run=0:../x",
        "sample?run=0:digits&file=../run.json",
        "log?run=1:x",
        "report?run=0:digits",
    ):
        status, answer = studio.ask(f"/api/watch/{path}")
        assert status == 404
        assert "error" in json.loads(answer)
    status, answer = studio.ask("/api/watch/command", {"run": "0:digits", "command": "stop"})
    assert status == 409
    assert b"gan train --resume" in answer
    assert studio.ask("/api/watch/command", {"run": "0:digits", "command": "burn"})[0] == 409


def test_a_run_that_goes_on_is_followed_paused_saved_and_stopped(studio: Running, runs: Path):
    words = ("train", "ring", "--minutes", "5", "--out", str(runs / "live"))
    gan = Gan(*words, cwd=runs.parent)
    try:
        with studio.socket("/api/watch") as line:
            listed = line.call("runs")["runs"]
            assert all(run["run"] != "0:live" for run in listed)
            appeared(line, lambda: line.until("runs")["runs"], "0:live")
            assert line.call("follow", run="0:live")["summary"]["device"] == "cpu"
            first = line.until("log")
            assert first["lines"][0]["nimg"] == 0
            assert line.until("samples")["samples"][0]["nimg"] == 0
            later = line.until("log")
            assert later["lines"][-1]["nimg"] > first["lines"][-1]["nimg"]
            assert line.until("summary")["state"] == "training"
            commanded(line, "pause", "paused")
            kept = checkpoints(runs / "live")
            commanded(line, "resume", "training")
            commanded(line, "save", "training")
            until(lambda: checkpoints(runs / "live") - kept)
            kept = checkpoints(runs / "live")
            made = exported(line, runs, "0:live")  # this moment, and not the last that was saved
            assert checkpoints(runs / "live") - kept
            assert (made / "config.json").is_file()
            commanded(line, "pause", "paused")
            exported(line, runs, "0:live")
            until(lambda: summary(studio)["state"] == "paused")
            commanded(line, "resume", "training")
            commanded(line, "stop", None)
            assert gan.wait(60) == 143
            until(lambda: summary(studio)["state"] == "stopped")
            assert "not being trained" in line.refused("command", run="0:live", command="pause")
    finally:
        gan.send()
        gan.wait()
        shutil.rmtree(runs / "live", ignore_errors=True)


def appeared(line: Line, listed: Callable[[], list[dict[str, Any]]], name: str) -> None:
    until(lambda: name in [run["run"] for run in listed()])


def commanded(line: Line, what: str, state: str | None) -> None:
    told = line.call("command", run="0:live", command=what)
    assert told["words"]
    if state is not None:
        assert told["summary"]["state"] == state


def checkpoints(run: Path) -> set[str]:
    return {path.name for path in (run / "checkpoints").iterdir() if path.name.isdecimal()}


def summary(studio: Running) -> dict[str, Any]:
    return next(run for run in studio.json("/api/watch/runs")["runs"] if run["run"] == "0:live")


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def exported(line: Line, runs: Path, run: str) -> Path:
    """The model folder that 'Export …' writes."""
    task = line.call("export", run=run, form="folder")["task"]
    while (news := line.until("task"))["state"] == "running":
        assert news["task"] == task
    assert news["state"] == "done", news
    return Path(runs.parent / news["result"]["path"])


def test_this_moment_is_exported(studio: Running, runs: Path):
    with studio.socket("/api/watch") as line:
        made = exported(line, runs, "0:digits")
        assert (made / "config.json").is_file()
        models = {one["model"]: one["kind"] for one in studio.json("/api/explore/models")["models"]}
        assert models == {"0:digits": "run", "0:digits/exported/model": "folder"}
        assert "form is 'exe'" in line.refused("export", run="0:digits", form="exe")
        shutil.rmtree(runs / "digits" / "exported")


def test_a_run_is_deleted_once_and_only_where_nobody_trains_it(studio: Running, runs: Path, tmp_path: Path):
    copy = runs / "spare"
    shutil.copytree(runs / "digits", copy)
    listed = {run["run"]: run["path"] for run in studio.json("/api/watch/runs")["runs"]}
    asked = {"run": "0:spare", "path": listed["0:spare"]}
    assert studio.ask("/api/watch/delete", {"run": "0:../digits", "path": str(copy)})[0] == 404
    status, told = studio.ask("/api/watch/delete", {"run": "0:spare"})
    assert (status, "path must be" in json.loads(told)["error"]) == (409, True)
    with Run.open(copy).locked():
        status, told = studio.ask("/api/watch/delete", asked)
        assert (status, json.loads(told)["error"]) == (409, "it is being trained: stop it first")
        assert (copy / "run.json").is_file()
    assert studio.json("/api/watch/delete", asked) == {"words": "spare was deleted"}
    assert not copy.exists()
    assert not list(runs.glob(".deleted-*"))
    assert "0:spare" not in {run["run"] for run in studio.json("/api/watch/runs")["runs"]}
    assert studio.ask("/api/watch/delete", asked)[0] == 404


def test_the_studio_beside_a_training_ends_by_itself(runs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GANFORGE_STUDIO_LEFT", "1")
    address = start_beside(runs / "digits", browser=False)
    home, _, token = address.partition("?token=")
    about = urllib.request.Request(f"{home}api/about", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(about) as answer:
        assert json.loads(answer.read())["watch"] == "0:."

    def gone() -> bool:
        try:
            urllib.request.urlopen(about).close()
        except OSError:
            return True
        time.sleep(2.5)  # asking keeps it
        return False

    until(gone)


def test_a_studio_that_cannot_start_says_why(tmp_path: Path):
    with pytest.raises(MachineError, match="there is no"):
        start_beside(tmp_path / "nowhere", browser=False)
