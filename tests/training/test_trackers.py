"""Trackers get the numbers of each line; nothing that goes wrong in one ends a training."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ganforge
from ganforge.core.errors import RecipeError, UsageError
from ganforge.runs.folder import Run
from ganforge.training.clock import Budget
from ganforge.training.loop import Tick, Trainer
from ganforge.training.trackers import TRACKERS, numbers, tracked
from tests import players


def trainer(tmp_path: Path, kimg: float = 0.064) -> Trainer:
    data, recipe = players.points(), players.recipe()
    run = Run.create(tmp_path / "run", recipe=recipe, space=data.space, data=data.manifest)
    return Trainer(run, data, Budget(kimg=kimg), tick_nimg=16)


class Stand(ModuleType):
    """A stand-in for a tracker's package, which keeps what it is told."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **options: Any) -> None:
            self.calls.append((name, (arguments, options)))

        return call


@pytest.mark.parametrize(("name", "logs"), [("wandb", "log"), ("trackio", "log"), ("mlflow", "log_metrics")])
def test_a_tracker_is_begun_gets_every_line_and_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, logs: str
):
    stand = Stand(name)
    monkeypatch.setitem(sys.modules, name, stand)
    one = trainer(tmp_path)
    with tracked(one, [name]):
        one.train()
    called = [call for call, _ in stand.calls]
    assert called[0] in ("init", "start_run")
    assert called[-1] in ("finish", "end_run")
    assert called.count(logs) >= len(one.run.log()) == 5  # an examination retells its line
    values = [arguments[0] for call, (arguments, _) in stand.calls if call == logs]
    assert values[-1]["discriminator_loss"] == one.run.log()[-1]["discriminator_loss"]["mean"]
    examined = [line for line in one.run.log() if line.get("examination", {}).get("scores")]
    assert any(name.startswith("scores/") for line in values for name in line) == bool(examined)


def test_a_tracker_that_fails_is_noted_and_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stand = Stand("wandb")
    stand.log = lambda *_: 1 / 0
    monkeypatch.setitem(sys.modules, "wandb", stand)
    one = trainer(tmp_path)
    with tracked(one, ["wandb"]):
        assert one.train().finished
    assert "tracking failed" in {event["event"] for event in one.run.events()}


def test_what_is_not_there_is_named_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UsageError, match="pip install wandb"), tracked(trainer(tmp_path), ["wandb"]):
        pass
    with pytest.raises(RecipeError, match=r"unknown tracker 'tensorbord'.*tensorboard"):
        TRACKERS.find("tensorbord")
    assert set(TRACKERS) == {"tensorboard", "wandb", "trackio", "mlflow"}


def test_numbers_are_finite_means_and_values():
    record = {
        "nimg": 5,
        "progress": 0.5,
        "margin": {"mean": 1.5, "deviation": 2.0, "positive": 0.1},
        "fake_logits": {"mean": float("nan")},
        "examination": {"headline": "x", "scores": {"x": {"value": 2.0}, "y": {"value": None}}},
    }
    assert numbers(record) == {"progress": 0.5, "margin": 1.5, "scores/x": 2.0}


def test_a_caller_can_stop_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def enough(tick: Tick) -> None:
        if tick.nimg:
            raise ganforge.StopTraining("far enough")

    run = ganforge.train("moons", kimg=1000, on_tick=enough, generator__width=8, discriminator__width=8)
    last = run.events()[-1]
    assert (last["event"], last["reason"]) == ("interrupted", "stopped by far enough")
    assert 0 < last["nimg"] < 1_000_000
    assert run.checkpoint("newest").nimg == last["nimg"]


def test_a_run_shows_itself_in_a_notebook(tmp_path: Path):
    one = trainer(tmp_path)
    assert "<img" not in one.run._repr_html_()
    one.train()
    assert "data:image/png;base64,iVBOR" in one.run._repr_html_()
    assert "points" in one.run._repr_html_()


def test_a_notebook_gets_a_line_that_moves_and_the_newest_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from ganforge.tasks.notebook import in_notebook

    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert in_notebook() is None
    shown: list[Any] = []

    class Shown:
        def __init__(self, what: Any) -> None:
            shown.append(self)
            self.seen = [what]

        def update(self, what: Any) -> None:
            self.seen.append(what)

    display = ModuleType("IPython.display")
    display.HTML = lambda text: text  # type: ignore[attr-defined]
    display.Image = lambda filename: filename  # type: ignore[attr-defined]
    display.display = lambda what, display_id: Shown(what)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    show = in_notebook()
    assert show is not None
    one = trainer(tmp_path)
    one.on_tick = show
    one.train()
    line, sheet = shown
    assert len(line.seen) == len(sheet.seen) >= len(one.run.log())
    assert "64 examples · 100 %" in line.seen[-1]
    assert sheet.seen[-1] == str(one.run.samples[-1])
