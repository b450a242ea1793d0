"""Resuming what has changed, moved, or been tampered with."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganforge.runs.folder import Run
from tests.conftest import Call

TINY = ("--set", "generator.width=8", "discriminator.width=8", "batch=32")


def table(path: Path, rows: int) -> None:
    numbers = np.random.default_rng(0).normal(size=(rows, 2))
    path.write_text("x,y\n" + "".join(f"{x:.4f},{y:.4f}\n" for x, y in numbers))


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_changed_data_are_refused_with_the_difference(gan: Call, tmp_path: Path):
    table(tmp_path / "mine.csv", 300)
    assert gan("train", "mine.csv", "--kimg", "0.2", *TINY).code == 0
    table(tmp_path / "mine.csv", 310)
    refused = gan("train", "--resume", "runs/mine", "--kimg", "0.4")
    assert refused.code == 2
    assert re.search(r"have changed since.*(count|train) \d+ → \d+.*--accept-changes", refused.err), (
        refused.err
    )
    assert Run.open("runs/mine").checkpoint("newest").state["nimg"] == 224
    accepted = gan("train", "--resume", "runs/mine", "--kimg", "0.4", "--accept-changes")
    assert accepted.code == 0, accepted.err
    # What was accepted is the run's data from now on.
    assert any(event["event"] == "changes accepted" for event in Run.open("runs/mine").events())
    table(tmp_path / "moved.csv", 310)
    (tmp_path / "mine.csv").unlink()
    gone = gan("train", "--resume", "runs/mine", "--kimg", "0.6")
    assert gone.code == 2
    assert "mine.csv" in gone.err
    assert gan("train", "--resume", "runs/mine", "--kimg", "0.6", "--data-at", "moved.csv").code == 0


def test_a_run_that_does_not_say_which_data_it_had_goes_on_with_what_is_accepted_alone(
    gan: Call, points_run: Path, tmp_path: Path
):
    shutil.copytree(points_run, tmp_path / "run")
    edit(tmp_path / "run/run.json", lambda r: (r["data"].pop("fingerprint"), r.pop("own_sha256")))
    refused = gan("train", "--resume", "run", "--kimg", "1")
    assert refused.code == 2
    assert "its run.json does not say which examples it had" in refused.err


def test_a_changed_recipe_is_refused_with_the_difference(gan: Call, points_run: Path, tmp_path: Path):
    shutil.copytree(points_run, tmp_path / "run")
    edit(tmp_path / "run/run.json", lambda r: r["recipe"]["generator"].update(learning_rate=0.01))
    refused = gan("train", "--resume", "run", "--kimg", "0.2")
    assert refused.code == 2
    assert "generator.learning_rate 0.001 → 0.01." in refused.err
    assert "--accept-changes" in refused.err
    accepted = gan("train", "--resume", "run", "--kimg", "0.2", "--accept-changes")
    assert accepted.code == 0, accepted.err
    edit(tmp_path / "run/run.json", lambda r: r["recipe"]["generator"].update(width=9))
    assert gan("train", "--resume", "run", "--kimg", "0.3").code == 2
    impossible = gan("train", "--resume", "run", "--kimg", "0.3", "--accept-changes")
    assert impossible.code == 2
    assert impossible.err.count("\n") == 1
    assert "does not fit the recipe" in impossible.err
    sampled = gan("sample", "run")
    assert sampled.code == 2
    warned, refused = sampled.err.splitlines()
    assert "warning: run/run.json is not as ganforge wrote it" in warned
    assert "does not fit the recipe" in refused


def test_on_another_device_it_goes_on_and_says_that_bits_may_differ(
    gan: Call, points_run: Path, tmp_path: Path
):
    shutil.copytree(points_run, tmp_path / "run")
    before = Run.open("run").checkpoint("newest", ("average",))
    edit(tmp_path / "run/run.json", lambda r: r["info"]["engine"].update(device="cuda:7"))
    edit(tmp_path / "run/run.json", lambda r: r["info"].update(threads=64))
    moved = gan("train", "--resume", "run", "--kimg", "0.2")
    assert "run/run.json is not as ganforge wrote it" in moved.err
    assert moved.code == 0, moved.err
    assert re.search(r"moved: device cuda:7 → \S+, threads 64 → \d+; .* not bit for bit", moved.out)
    events = Run.open("run", accepting=True).events()
    assert [event["event"] for event in events][-3:] == ["resumed", "moved", "finished"]
    assert events[-3]["nimg"] == before.state["nimg"] == 112
    assert Run.open("run", accepting=True).checkpoint("newest").state["nimg"] == 208
    assert gan("train", "--resume", "run", "--kimg", "0.3", "--device", "cpu").code == 0


def test_on_the_same_machine_nothing_is_said(gan: Call, points_run: Path, tmp_path: Path):
    shutil.copytree(points_run, tmp_path / "run")
    assert "moved" not in gan("train", "--resume", "run", "--kimg", "0.2").out


class Hostile:
    """What runs a command where somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


def reseal(checkpoint: Path) -> None:
    """Make every checksum right again, as somebody who means harm would."""
    record = json.loads((checkpoint / "state.json").read_text())
    record.pop("own_sha256")
    for name in record["sha256"]:
        record["sha256"][name] = hashlib.sha256((checkpoint / name).read_bytes()).hexdigest()
    own = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    (checkpoint / "state.json").write_text(json.dumps({**record, "own_sha256": own}))


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "a pickle": lambda trap: pickle.dumps(Hostile(trap)),
    "a pickle of protocol 0": lambda trap: pickle.dumps(Hostile(trap), protocol=0),
    "cut": lambda trap: struct.pack("<Q", 64) + b'{"a":{"dtype":"F32","shape":[4],"data_offse',
    "a header of 100 MB": lambda trap: struct.pack("<Q", 100_000_000) + b"{" + b" " * 1000,
    "a header of 2^63": lambda trap: struct.pack("<Q", 2**63) + b"{}",
    "tensors of another place": lambda trap: (
        struct.pack("<Q", 62) + b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,99999999]}}  '
    ),
    "nothing": lambda trap: b"",
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("sealed", [False, True])
def test_no_code_of_a_hostile_checkpoint_runs(
    what: str, sealed: bool, gan: Call, points_run: Path, tmp_path: Path
):
    shutil.copytree(points_run, tmp_path / "run")
    trap = tmp_path / "trap"
    for checkpoint in (tmp_path / "run/checkpoints").iterdir():
        for name in ("game", "average", "optimisers"):
            (checkpoint / f"{name}.safetensors").write_bytes(HOSTILE[what](trap))
        if sealed:
            reseal(checkpoint)
    for words in (("train", "--resume", "run", "--kimg", "0.2"), ("sample", "run", "--seeds", "0")):
        answer = gan(*words)
        assert answer.code == 2
        assert "safetensors" in answer.err
        assert answer.err.count("\n") == 1
    assert not trap.exists()
    assert pickle.loads(pickle.dumps(3)) == 3
    os.system(f"touch {trap}")
    assert trap.exists()  # the trap itself works


NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[1, 2]",
    "a number": b"3",
    "no text": b"\xff\xfe\x00",
    "a nest": b"[" * 100_000,
    "no parts": b'{"format": 1}',
    "another format": b'{"format": 99}',
    "parts of another kind": b'{"format": 1, "recipe": 3, "space": [], "data": "x", "info": null}',
}


@pytest.mark.parametrize("what", NONSENSE)
def test_a_run_json_of_nonsense_is_refused(what: str, gan: Call, points_run: Path, tmp_path: Path):
    shutil.copytree(points_run, tmp_path / "run")
    (tmp_path / "run/run.json").write_bytes(NONSENSE[what])
    for words in (("train", "--resume", "run"), ("sample", "run")):
        answer = gan(*words)
        assert answer.code == 2
        assert answer.err.count("\n") == 1
        assert "run.json" in answer.err


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["space"].update(shape=[0]),
        lambda r: r["space"].update(offset=[1.0], shape=[2]),
        lambda r: r["space"].update(kind="smells"),
        lambda r: r["recipe"].update(batch=-1),
        lambda r: r["recipe"].update(latent_bits=10**9),
        lambda r: r["recipe"]["generator"].update(family="os.system"),
        lambda r: r["info"].update(budget={"kimg": 1, "minutes": 1}),
        lambda r: r["info"].update(budget=None),
        lambda r: r["info"].update(engine={"device": "nowhere"}),
        lambda r: r["info"].update(engine=3),
        lambda r: r.update(data={}),
        lambda r: r.update(info=[]),
    ],
)
def test_a_run_json_with_one_wrong_value_is_refused(
    change: Callable[[dict[str, Any]], object], gan: Call, points_run: Path, tmp_path: Path
):
    shutil.copytree(points_run, tmp_path / "run")
    edit(tmp_path / "run/run.json", change)
    answer = gan("train", "--resume", "run", "--kimg", "0.5", "--accept-changes")
    if answer.code:  # where no budget is kept, --kimg gives one
        assert answer.code == 2
        assert answer.err.count("\n") == 1


def test_a_state_of_nonsense_falls_back(gan: Call, points_run: Path, tmp_path: Path):
    shutil.copytree(points_run, tmp_path / "run")
    newest = max((tmp_path / "run/checkpoints").iterdir())
    (newest / "state.json").write_text(
        '{"format": 1, "state": [], "sha256": {"../../x": ""}, "own_sha256": 3}'
    )
    answer = gan("train", "--resume", "run", "--kimg", "0.2")
    assert answer.code == 0, answer.err
    assert f"checkpoint file {Path('run/checkpoints') / newest.name / 'state.json'} is damaged" in answer.out
