"""Threads that do not get their cores are given up, and a resume goes on as before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganforge.runs.folder import Run
from ganforge.tasks.experiment import resume
from ganforge.training import loop, pace
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Trainer
from ganforge.training.pace import Pace
from tests import players


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Clocks:
    """Both clocks of :mod:`time`, moved by hand."""

    def __init__(self) -> None:
        self.wall = self.processor = 100.0

    def perf_counter(self) -> float:
        return self.wall

    def process_time(self) -> float:
        return self.processor

    def pass_by(self, wall: float, processor: float) -> None:
        self.wall += wall
        self.processor += processor


def test_threads_without_their_cores_are_noticed_and_looked_at_seldom(monkeypatch: pytest.MonkeyPatch):
    clocks = Clocks()
    monkeypatch.setattr(pace, "time", clocks)
    watch = Pace(Engine(threads=2))
    clocks.pass_by(9.0, 6.0)
    assert not watch.falls_short()  # too soon to say
    clocks.pass_by(1.1, 0.7)
    assert watch.falls_short()
    watch.stays()
    clocks.pass_by(39.0, 20.0)
    assert not watch.falls_short()
    clocks.pass_by(1.1, 0.7)
    assert watch.falls_short()
    clocks.pass_by(60.0, 118.0)
    assert not watch.falls_short()  # both have a core each
    for engine in (Engine(threads=1), Engine(threads=1, parts=2, workers=2), Engine(torch.device("meta"))):
        alone = Pace(engine)
        clocks.pass_by(60.0, 1.0)
        assert not alone.falls_short()  # who waits for nobody loses nothing by it


def trainer(folder: Path, **options: object) -> Trainer:
    data = players.points(300)
    engine = Engine(threads=2)
    info = {"engine": engine.to_json(), "threads": 2, "budget": Budget(kimg=0.64).to_json()}
    run = Run.create(folder, recipe=players.recipe(), space=data.space, data=data.manifest, info=info)
    return Trainer(run, data, Budget(kimg=0.64), engine, **options)


def test_a_busy_machine_takes_threads_away_and_a_resume_keeps_it_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loop, "fewer_threads", lambda engine, *_, **__: replace(engine, threads=1))
    said: list[str] = []
    slow = trainer(tmp_path / "slow", on_event=said.append)
    monkeypatch.setattr(Pace, "falls_short", lambda self: self._cores > 0 and slow.nimg == 320)
    saved: list[int] = []
    save = Trainer.save
    monkeypatch.setattr(Trainer, "save", lambda self: (saved.append(self.nimg), save(self))[1])
    outcome = slow.train()
    assert outcome.finished
    assert 320 in saved  # what was played on two threads is not played again on one
    assert torch.get_num_threads() == 1
    assert [line for line in said if "on with one thread" in line]
    run = Run.open(tmp_path / "slow")
    events = [event for event in run.events() if event["event"] == "fewer threads"]
    assert [(event["nimg"], event["threads"], event["before"]) for event in events] == [(320, 1, 2)]
    assert run.info["engine"]["threads"] == run.info["threads"] == 1
    assert Engine.from_json(run.info["engine"]).threads == 1
    monkeypatch.setattr("ganforge.tasks.experiment.load_again", lambda *_, **__: players.points(300))
    monkeypatch.setattr("ganforge.tasks.experiment.source_of", lambda run: ("points", None))
    again = resume(tmp_path / "slow", kimg=0.96)
    assert again.engine.threads == 1
    assert again.train().nimg == 960
    assert not [event for event in run.events() if event["event"] == "moved"]
