"""Run folders damaged by chance, opened by every verb. A thousand of them: benchmarks/damaged_runs.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import damaged_runs
from benchmarks.damaged_runs import KINDS, Found, tried
from ganforge.core.errors import DamageWarning, RunError
from ganforge.core.space import Space
from ganforge.runs import checkpoint
from ganforge.runs.files import sealed, write_atomically
from ganforge.runs.folder import Run
from ganforge.runs.inputs import read_inputs
from ganforge.runs.tensors import with_checksum
from ganforge.runs.verify import verify
from tests import players, translations


def _made(path: Path) -> Run:
    data = players.points()
    return Run.create(path, recipe=players.recipe(), space=data.space, data=data.manifest)


def test_no_damage_ends_in_a_traceback_or_changes_a_result_without_a_word(tmp_path: Path):
    tallies = tried(tmp_path, "points", 5)
    assert sum(tally.times for tally in tallies.values()) == 5
    assert not [line for tally in tallies.values() for line in tally.failures]


def test_what_changes_without_a_word_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A test of the test: a verb that gives something else each time."""
    calls = iter(range(1000))
    found = damaged_runs.called

    def forgetful(name: str, run: Path, out: Path, seconds: float = 10.0) -> Found:
        if name != "sample":
            return Found("", 0, "")
        real = found(name, run, out)
        return Found(f"{real.gave} {next(calls)}", 0, "")

    monkeypatch.setattr(damaged_runs, "called", forgetful)
    tallies = tried(tmp_path, "points", 2)
    assert sum(len(tally.failures) for tally in tallies.values()) >= 1


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_of_each_kind(kind: str, tmp_path: Path):
    tallies = tried(tmp_path, kind, 100)
    assert not [line for tally in tallies.values() for line in tally.failures]


def test_a_header_of_an_array_that_breaks_off_is_named(tmp_path: Path):
    """numpy reads it with Python's own tokenizer, whose error is no ValueError."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "made").mkdir()
    whole = tmp_path / "whole.npy"
    np.save(whole, np.zeros(3))
    header = whole.read_bytes().replace(b"(3,)", b"((((")
    (tmp_path / "made" / "seed.npy").write_bytes(header)
    faults = verify(tmp_path).faults
    assert "made/seed.npy" in [fault.file.as_posix() for fault in faults]


def test_a_model_folder_without_its_config_is_named(tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "exported" / "model").mkdir(parents=True)
    (tmp_path / "exported" / "model" / "model.safetensors").write_bytes(b"x")
    faults = {fault.file.as_posix(): fault.what for fault in verify(tmp_path).faults}
    assert faults["exported/model/config.json"] == "it is not there"


def test_scores_that_hold_none_are_named(tmp_path: Path):
    run = _made(tmp_path / "run")
    (run.path / "scores.json").write_text(sealed({"length": 3}))
    with pytest.warns(DamageWarning, match="scores.json"):
        assert run.scores() == {}


def test_a_space_has_as_many_offsets_as_scales():
    with pytest.raises(AssertionError, match="as many offsets"):
        Space.from_json({"kind": "points", "shape": [2], "scale": [1.0, 2.0]})


def test_lines_of_another_file_are_named_and_left_out(tmp_path: Path):
    """Events have moments, too, and checksums that match."""
    run = _made(tmp_path / "run")
    run.add_log({"nimg": 1})
    run.add_event("examined", nimg=2)
    for name, other, left in (
        ("log.jsonl", "events.jsonl", run.log),
        ("events.jsonl", "log.jsonl", run.events),
    ):
        own, foreign = (run.path / name).read_bytes(), (run.path / other).read_bytes()
        (run.path / name).write_bytes(own + foreign)
        with pytest.warns(DamageWarning, match=f"{name}: a line is damaged and left out .*none of {name}"):
            assert len(left()) == 1
        assert f"none of {name}" in str([f.what for f in verify(run.path).faults])
        (run.path / name).write_bytes(own)


@pytest.mark.parametrize(
    "fields",
    [
        {"rounds": [3]},
        {"refused": None},
        {"examination": 5},
        {"progress": "half"},
        {"growth": {}},
        {"since": []},
    ],
)
def test_a_line_with_a_field_of_another_kind_is_named_and_left_out(tmp_path: Path, fields: dict[str, Any]):
    run = _made(tmp_path / "run")
    run.add_log({"nimg": 1, "rounds": 1, "progress": None})
    run.add_log({"nimg": 2, **fields})
    with pytest.warns(DamageWarning, match=r"log.jsonl: a line is damaged and left out \(line 2"):
        assert [line["nimg"] for line in run.log()] == [1]


@pytest.mark.parametrize(
    "fields",
    [
        {"standing": {"best": []}},
        {"standing": {"best_high": "low"}},
        {"standing": {"since_best": 0.5}},
        {"standing": {"worth_keeping": 3}},
        {"noted": {"loss": 3}},
        {"noted": {"loss": [1.0, 2.0, None, 0.0]}},
        {"noted": {"loss": [1.0, 2.0]}},
        {"closing": "soon"},
    ],
)
def test_a_state_with_a_field_of_another_kind_is_no_state(tmp_path: Path, fields: dict[str, Any]):
    tensors = {"average": {"w": torch.ones(3)}}
    sums = {"noted": {"loss": [1.0, float("nan"), 2.0, 0.0]}, "standing": {"best": None, "best_high": 3}}
    sound = checkpoint.write_checkpoint(tmp_path, state={"nimg": 3, **sums}, tensors=tensors)
    assert checkpoint.read_checkpoint(sound).nimg == 3
    other = checkpoint.write_checkpoint(tmp_path, state={"nimg": 4, **fields}, tensors=tensors)
    with pytest.raises(RunError, match=r"state\.json is damaged"):
        checkpoint.read_checkpoint(other)


def test_inputs_without_targets_are_named_by_their_file(tmp_path: Path):
    data = translations.clean()
    run = Run.create(tmp_path / "run", recipe=translations.thin("pix2pix", data), space=data.space, data={})
    inputs = torch.zeros(2, *data.space.shape)
    write_atomically(run.path / "inputs.safetensors", with_checksum({"inputs": inputs}))
    with pytest.raises(RunError, match=r"inputs\.safetensors has no targets; gan train --resume"):
        read_inputs(run)


def test_another_sealed_file_in_place_of_a_models_description_is_a_fault(tmp_path: Path):
    """The result of a question has a checksum, too, and ``gan check`` passed over it."""
    run = _made(tmp_path / "run")
    folder = run.path / "exported" / "model"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text(sealed({"question": "interpolate", "files": []}))
    what = [fault.what for fault in verify(run.path).faults if fault.file.name == "config.json"]
    assert what == ["it is no description of a model: it names no weights"]
