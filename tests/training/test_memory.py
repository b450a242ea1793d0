"""Too little memory: the same batch in smaller parts, and one clear line where they do not fit either."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganforge.cli import data, main
from ganforge.core.errors import MachineError, out_of_memory
from ganforge.runs.folder import Run
from ganforge.tasks.experiment import prepare, resume
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Trainer
from ganforge.training.rounds import Rounds
from tests import players


def trainer(folder: Path, *, parts: int = 1) -> Trainer:
    data = players.points(300)
    run = Run.create(folder, recipe=players.recipe(), space=data.space, data=data.manifest)
    return Trainer(run, data, Budget(kimg=0.64), Engine(parts=parts))


@pytest.fixture
def room_for(monkeypatch: pytest.MonkeyPatch):
    """Plant an accelerator's error wherever a part has more than so many rows, from a moment on."""
    play = Rounds.play

    def plant(rows: int, *, since: int = 0, error: Exception | None = None) -> list[int]:
        refused: list[int] = []

        def played(self: Rounds, progress: float = 0.0) -> None:
            if self.nimg >= since and self.recipe.batch // self.engine.parts > rows:
                refused.append(self.engine.parts)
                raise error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")
            play(self, progress)

        monkeypatch.setattr(Rounds, "play", played)
        return refused

    return plant


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    return trainer.rounds.tensors()["game"]


@pytest.mark.parametrize("since", [0, 320])
def test_a_batch_that_does_not_fit_is_played_in_parts(tmp_path: Path, room_for, since: int):
    """To the very end of a run that was cut from the start; that this is the whole batch's gradient, see
    test_referee.py."""
    fitting = trainer(tmp_path / "fitting", parts=4)
    fitting.train()
    batch = fitting.rounds.recipe.batch
    refused = room_for(batch // 4, since=since)
    cut = trainer(tmp_path / "cut")
    outcome = cut.train()
    assert outcome.finished
    assert outcome.nimg == 640
    assert refused == [1, 2]
    assert cut.engine.parts == 4
    assert cut.rounds.recipe.batch == batch
    for name, value in state(fitting).items():
        assert torch.equal(state(cut)[name], value), name
    run = Run.open(tmp_path / "cut")
    halved = [event["parts"] for event in run.events() if event["event"] == "out of memory"]
    assert halved == [2, 4]
    assert run.info["engine"]["parts"] == 4  # a resume begins with what fits
    ticks = [record["nimg"] for record in run.log()]
    assert ticks == sorted(set(ticks))


def test_three_halvings_and_then_one_line(tmp_path: Path, room_for):
    refused = room_for(0)
    with pytest.raises(
        MachineError, match=r"too little memory .* played in 8 parts too \(CUDA out of memory"
    ):
        trainer(tmp_path / "run").train()
    assert refused == [1, 2, 4, 8]


def test_a_batch_that_cannot_be_halved_is_said_to_be_whole(tmp_path: Path, room_for):
    room_for(0)
    data = players.points(300)
    run = Run.create(tmp_path / "run", recipe=players.recipe(batch=5), space=data.space, data=data.manifest)
    with pytest.raises(MachineError, match=r"with the batch of 5 played whole \(CUDA"):
        Trainer(run, data, Budget(kimg=0.1)).train()


def test_the_processors_allocator_counts_as_well(tmp_path: Path, room_for):
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert out_of_memory(caught.value)
    room_for(8, error=caught.value)
    lines: list[str] = []
    planted = trainer(tmp_path / "run")
    planted.on_event = lines.append
    assert planted.train().finished
    assert any("the batch of 16 is played in 2 parts of 8" in line for line in lines)


def test_other_errors_are_no_lack_of_memory(tmp_path: Path, room_for):
    room_for(0, error=RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        trainer(tmp_path / "run").train()


def test_the_command_says_it_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def exhausted(words: list[str]) -> int:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    monkeypatch.setattr(data, "main", exhausted)
    assert main(["data", "digits"]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("gan data: memory is exhausted (CUDA out of memory. Tried to allocate 2.00 GiB.)")


def test_a_resume_keeps_the_parts(tmp_path: Path, room_for):
    room_for(64)
    experiment = prepare("moons", kimg=2, changes={"batch": 256, "generator.width": 8})
    first = experiment.start(tmp_path / "run")
    first.train()
    assert first.engine.parts == 4
    assert resume(tmp_path / "run", kimg=3).engine.parts == 4
