"""A resumed training is the uninterrupted one, bit for bit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from ganforge.core.errors import DivergenceError, MachineError, RunError
from ganforge.core.recipe import Penalty, Recipe
from ganforge.data import Dataset
from ganforge.runs import files
from ganforge.runs.folder import Run
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Outcome, Tick, Trainer
from ganforge.training.rounds import Rounds
from ganforge.training.signals import StopRequest
from tests import players

CASES = {
    "points": lambda: (players.recipe(), players.points()),
    "residual pictures with classes": lambda: (
        players.picture_recipe("residual", conditional=True),
        players.pictures(classes=3),
    ),
    "dcgan, whose statistics are buffers": lambda: (
        players.picture_recipe("dcgan", penalties=(), objective="non_saturating"),
        players.pictures(shape=(3, 16, 16)),
    ),
    "growing, stopped before its last level": lambda: (
        players.picture_recipe("growing", growth=(0.4, 0.3)),
        players.pictures(shape=(3, 64, 64)),
    ),
    "packed, lecam, adaptive": lambda: (
        players.recipe(
            packing=2, objective="hinge", penalties=(Penalty(name="lecam"), Penalty(name="r1", every=4))
        ),
        players.points(),
    ),
}


def flat(rounds: Rounds) -> dict[str, torch.Tensor]:
    return {f"{part}.{name}": v for part, named in rounds.tensors().items() for name, v in named.items()}


def assert_same(a: Rounds, b: Rounds) -> None:
    ours, theirs = flat(a), flat(b)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
    assert (a.nimg, a.rounds) == (b.nimg, b.rounds)


def trainer(folder: Path, recipe: Recipe, data: Dataset, kimg: float, **options: object) -> Trainer:
    run = (
        Run.open(folder)
        if folder.exists()
        else Run.create(folder, recipe=recipe, space=data.space, data=data.manifest)
    )
    return Trainer(run, data, Budget(kimg=kimg), Engine(), tick_nimg=160, **options)


def stop_at(nimg: int) -> StopRequest:
    """A request that comes true at a tick."""
    request = StopRequest()

    def on_tick(tick: Tick) -> None:
        if tick.nimg >= nimg:
            request.ask("the test", 130)

    request.on_tick = on_tick
    return request


@pytest.mark.parametrize("case", CASES)
def test_half_save_load_half_is_the_whole(case: str, tmp_path: Path):
    recipe, data = CASES[case]()
    whole = trainer(tmp_path / "whole", recipe, data, 0.64)
    assert whole.train().finished
    first = trainer(tmp_path / "cut", recipe, data, 0.64)
    request = stop_at(320)
    first.on_tick = request.on_tick
    outcome = first.train(request)
    assert outcome == Outcome(False, "stopped by the test", 130, 320, outcome.seconds, outcome.watching)
    second = trainer(tmp_path / "cut", recipe, data, 0.64)
    assert second.train().finished
    assert second.nimg == 640
    assert_same(whole.rounds, second.rounds)
    assert [line["nimg"] for line in second.run.log()] == [0, 160, 320, 480, 640]
    kinds = [event["event"] for event in second.run.events() if "finding" not in event]
    assert kinds == ["interrupted", "resumed", "finished"]


def test_another_seed_is_another_training():
    recipe, data = CASES["points"]()
    a, b = Rounds(recipe, data, Engine()), Rounds(players.recipe(seed=4), data, Engine())
    a.play()
    b.play()
    assert any(not torch.equal(value, flat(b)[name]) for name, value in flat(a).items())


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
@pytest.mark.parametrize("name", ["game.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named_and_passed_over(damage, name: str, tmp_path: Path):
    recipe, data = CASES["points"]()
    first = trainer(tmp_path / "run", recipe, data, 0.32)
    first.rounds.play()
    first.run.add_log({"nimg": first.nimg})  # as before any save
    first.save()
    for _ in range(3):
        first.rounds.play()
    first.save()
    older, newer = sorted((tmp_path / "run" / "checkpoints").iterdir())
    damage(newer / name)
    said: list[str] = []
    second = trainer(tmp_path / "run", recipe, data, 0.32, on_event=said.append)
    assert second.train().finished
    assert len(said) == 1
    assert str(newer / name) in said[0]
    whole = trainer(tmp_path / "whole", recipe, data, 0.32)
    whole.train()
    assert_same(whole.rounds, second.rounds)
    assert older.name == f"{recipe.batch:012d}"


def test_what_a_killed_save_left_behind_is_ignored_and_cleaned(tmp_path: Path):
    recipe, data = CASES["points"]()
    first = trainer(tmp_path / "run", recipe, data, 0.16)
    first.train()
    stray = tmp_path / "run" / "checkpoints" / ".tmp-99-000000000999"
    stray.mkdir()
    (stray / "game.safetensors").write_bytes(b"half")
    second = trainer(tmp_path / "run", recipe, data, 0.32)
    assert second.train().finished
    assert not stray.exists()


def test_a_full_disk_leaves_the_former_checkpoint_intact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recipe, data = CASES["points"]()
    first = trainer(tmp_path / "run", recipe, data, 0.32)
    first.rounds.play()
    first.run.add_log({"nimg": first.nimg})
    first.save()

    def full(path: Path, content: bytes, *, lasting: bool = True) -> None:
        path.write_bytes(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write", full)
    first.rounds.play()
    with pytest.raises(MachineError, match="disk is full"):
        first.save()
    monkeypatch.undo()
    names = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert names == [f"{recipe.batch:012d}"]
    second = trainer(tmp_path / "run", recipe, data, 0.32)
    assert second.train().finished


def test_an_unreadable_run_is_refused_not_restarted(tmp_path: Path):
    recipe, data = CASES["points"]()
    first = trainer(tmp_path / "run", recipe, data, 0.16)
    first.train()
    for path in (tmp_path / "run" / "checkpoints").glob("*/state.json"):
        path.write_text("{}")
    with pytest.raises(RunError, match="no checkpoint that can be read"):
        trainer(tmp_path / "run", recipe, data, 0.32).train()


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path):
    recipe, data = CASES["points"]()
    trainer(tmp_path / "run", recipe, data, 0.16).train()
    wide = recipe.with_changes({"generator.width": 32})
    run = Run.open(tmp_path / "run")
    other = Run(run.path, wide, run.space, run.data, run.info)
    with pytest.raises(RunError, match="does not fit"):
        Trainer(other, data, Budget(kimg=0.32)).train()


def test_two_trainings_in_one_folder_are_refused(tmp_path: Path):
    recipe, data = CASES["points"]()
    first = trainer(tmp_path / "run", recipe, data, 0.16)
    with first.run.locked(), pytest.raises(RunError, match="another process"):
        trainer(tmp_path / "run", recipe, data, 0.16).train()


def test_numbers_that_are_not_finite_stop_training_with_the_last_checkpoint_good(tmp_path: Path):
    recipe, data = CASES["points"]()
    first = trainer(tmp_path / "run", recipe, data, 1.6)
    first.rounds.play()
    first.save()
    before = {name: value.clone() for name, value in flat(first.rounds).items()}
    with torch.no_grad():
        next(iter(first.rounds.game.players["generator"].parameters())).mul_(float("nan"))
    with pytest.raises(DivergenceError, match="not finite") as caught:
        first._loop(StopRequest())
    assert caught.value.exit_code == 4
    second = trainer(tmp_path / "run", recipe, data, 1.6)
    second._resume()
    assert all(torch.equal(value, before[name]) for name, value in flat(second.rounds).items())


def test_watching_is_never_fatal(tmp_path: Path):
    recipe, data = CASES["points"]()

    def broken(_: Tick) -> None:
        raise OSError("the browser has gone")

    first = trainer(tmp_path / "run", recipe, data, 0.32, on_tick=broken)
    assert first.train().finished
    assert any(event["event"] == "watching failed" for event in first.run.events())


def test_a_slow_first_look_is_no_measure_of_the_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tick = Trainer.tick

    def slow(self: Trainer, *, examine: bool = False) -> None:
        time.sleep(3.0 if self.nimg == 0 else 0.0)
        tick(self, examine=examine)

    monkeypatch.setattr(Trainer, "tick", slow)
    ticks: list[Tick] = []
    trainer(tmp_path / "run", players.recipe(), players.points(), 0.64, on_tick=ticks.append).train()
    first = next(tick for tick in ticks if tick.nimg)
    assert first.seconds > 3.0
    assert first.seconds_left is not None
    assert first.seconds_left < 3.0  # three quarters are left: nine seconds, were the look counted


def test_each_moment_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn: list[int] = []
    data = players.points()
    codec = type(data.space.codec)
    shown = codec.show

    def count(*arguments: Any, **named: Any) -> Any:
        drawn.append(1)
        return shown(*arguments, **named)

    monkeypatch.setattr(codec, "show", count)
    run = trainer(tmp_path / "run", players.recipe(), data, 0.48)
    run.train()
    assert len(drawn) == len(run.run.samples) == len(run.run.log())
