"""Rolled back, changed in one thing, gone on with: recorded, bounded, and repeatable bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganforge.core.errors import DivergenceError, RunError
from ganforge.health.diagnosis import Diagnosis
from ganforge.health.finding import Finding
from ganforge.health.history import History
from ganforge.runs.folder import Run
from ganforge.runs.sampler import load
from ganforge.training import loop, rescue, watch
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Trainer
from ganforge.training.progress import MOST_RESCUES, RunProgress
from ganforge.training.signals import StopRequest
from tests import players
from tests.training.test_resume import assert_same

RATE = {"discriminator.learning_rate": 1e-4}
BEST_AT_320 = {0: 9.0, 160: 3.0, 320: 1.0} | dict.fromkeys(range(480, 1281, 160), 2.0)


def failure(nimg: int, changes: dict[str, object] = RATE) -> Finding:
    return Finding(
        code="planted", severity="failure", nimg=nimg, evidence={}, meaning="Planted.", changes=changes
    )


def found(*findings: Finding) -> Diagnosis:
    return Diagnosis(findings=findings, nimg=0)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examinations every 160 of 1,280 examples."""
    monkeypatch.setattr(watch, "LEAST_NIMG", 160)
    monkeypatch.setattr(watch, "EXAMINATIONS", 8)
    monkeypatch.setattr(watch, "FEWEST", 8)


@pytest.fixture
def fails_from(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Plant a failure between two moments, as long as the discriminator has its first rate."""

    def plant(first: int, last: int, changes: dict[str, object] = RATE) -> None:
        def diagnose(history: History) -> Diagnosis:
            nimg = history.examined[-1].nimg
            mended = history.recipe.discriminator.learning_rate == 1e-4
            return found(failure(nimg, changes)) if first <= nimg <= last and not mended else found()

        monkeypatch.setattr(loop, "diagnose", diagnose)

    return plant


def trainer(folder: Path, **options: object) -> Trainer:
    data = players.points(300)
    data = replace(data, held_out=data.train)
    if folder.exists():
        run = Run.open(folder)
    else:
        run = Run.create(folder, recipe=players.recipe(), space=data.space, data=data.manifest)
    return Trainer(run, data, Budget(kimg=1.28), Engine(), rescue=True, tick_nimg=10**9, **options)


def events(run: Run, kind: str) -> list[dict[str, object]]:
    return [event for event in run.events() if event["event"] == kind]


def test_bad_samples_are_looked_at_twice_as_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def looks(ill: bool) -> int:
        monkeypatch.setattr(watch, "EXAMINATIONS", 8)
        monkeypatch.setattr(watch, "FEWEST", 4)
        monkeypatch.setattr(watch, "bad", lambda _: ill)
        training = trainer(tmp_path / str(ill))
        assert training.train().finished
        return sum("examination" in line and line["nimg"] > 0 for line in training.run.log())

    assert looks(ill=True) == 2 * looks(ill=False) == 8


def test_a_failure_seen_twice_rolls_back_to_the_best_and_changes_one_thing(
    tmp_path: Path, fails_from, monkeypatch
):
    monkeypatch.setattr(loop, "bad", lambda _: False)
    score_of(monkeypatch, BEST_AT_320)
    fails_from(480, 10_000)
    training = trainer(tmp_path / "run")
    outcome = training.train()
    assert outcome.finished
    assert training.nimg == 1280
    (rescue,) = events(training.run, "rescued")
    assert rescue["nimg"] == 640  # once at 480 may be chance
    assert rescue["back_to"] == 320
    assert rescue["changes"] == RATE
    assert training.rounds.recipe.discriminator.learning_rate == 1e-4
    assert training.run.recipe.discriminator.learning_rate == 1e-3  # run.json says what was asked for
    last = training.run.checkpoint("newest")
    assert training.run.recipe_at(last).discriminator.learning_rate == 1e-4
    nimg = [line["nimg"] for line in training.run.log()]
    assert nimg == sorted(set(nimg))
    assert nimg[-1] == 1280


def test_once_is_not_enough_and_without_the_rescue_nothing_is_done(tmp_path: Path, fails_from):
    fails_from(480, 480)
    once = trainer(tmp_path / "once")
    once.train()
    assert not events(once.run, "rescued")
    assert [event["nimg"] for event in events(once.run, "finding")] == [480]
    assert [event["nimg"] for event in events(once.run, "finding gone")] == [640]
    fails_from(480, 10_000)
    left = trainer(tmp_path / "left")
    left.rescue = False
    left.train()
    assert not events(left.run, "rescued")


def test_where_even_the_best_is_bad_the_run_begins_anew(tmp_path: Path, fails_from, monkeypatch):
    monkeypatch.setattr(loop, "bad", lambda _: True)
    fails_from(480, 10_000)
    training = trainer(tmp_path / "run")
    assert training.train().finished
    (rescue,) = events(training.run, "rescued")
    assert rescue["back_to"] == 0
    changed = players.recipe().with_changes(RATE)
    data = training.dataset
    run = Run.create(tmp_path / "fresh", recipe=changed, space=data.space, data=data.manifest)
    fresh = Trainer(run, data, Budget(kimg=1.28), Engine(), tick_nimg=10**9)
    fresh.train()
    assert_same(training.rounds, fresh.rounds)


@pytest.mark.parametrize("best_is_bad", [False, True])
def test_a_rescued_run_is_repeated_and_resumed_bit_for_bit(
    tmp_path: Path, fails_from, monkeypatch, best_is_bad: bool
):
    monkeypatch.setattr(loop, "bad", lambda _: best_is_bad)
    score_of(monkeypatch, BEST_AT_320)
    fails_from(480, 10_000)
    whole, again = trainer(tmp_path / "whole"), trainer(tmp_path / "again")
    whole.train()
    again.train()
    assert_same(whole.rounds, again.rounds)
    for stop in (320, 800, 960):  # before the rescue, and after it
        request = StopRequest()
        cut = trainer(tmp_path / f"cut-{stop}")

        def look(tick: loop.Tick, cut: Trainer = cut, request: StopRequest = request, stop: int = stop):
            if tick.nimg >= stop and (stop < 640 or cut.run_progress.rescues):
                request.ask("the test", 130)

        cut.on_tick = look
        assert not cut.train(request).finished
        resumed = trainer(tmp_path / f"cut-{stop}")
        assert resumed.train().finished
        assert_same(whole.rounds, resumed.rounds)
        assert resumed.run_progress == whole.run_progress


def test_there_is_an_end_to_rescues(tmp_path: Path, fails_from):
    fails_from(160, 10_000, {"batch": 16})  # changes nothing
    training = trainer(tmp_path / "run")
    assert training.train().finished
    assert len(events(training.run, "rescued")) == MOST_RESCUES
    assert len(training.run_progress.rescues) == MOST_RESCUES


def test_a_change_that_does_not_fit_is_recorded_and_training_goes_on(tmp_path: Path, fails_from):
    fails_from(480, 10_000, {"no_such_key": 1})
    training = trainer(tmp_path / "run")
    assert training.train().finished
    assert events(training.run, "rescue failed")
    assert not events(training.run, "rescued")


def poison(training: Trainer, nimg: int) -> None:
    """A NaN in the generator, once, when ``nimg`` examples have been shown at the first rate."""
    play = loop.Rounds.play

    def poisoned(rounds: loop.Rounds, progress: float = 0.0) -> None:
        if rounds.nimg == nimg and rounds.recipe.generator.learning_rate == 1e-3:
            with torch.no_grad():
                next(iter(rounds.game.players["generator"].parameters())).mul_(float("nan"))
        play(rounds, progress)

    training._poisoned = poisoned
    loop.Rounds.play = poisoned


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Trainer, int], None]:
    monkeypatch.setattr(loop.Rounds, "play", loop.Rounds.play)  # put back at the end
    return poison


def test_a_nan_is_skipped_then_rolled_back_with_smaller_steps(tmp_path: Path, poisoned):
    training = trainer(tmp_path / "run")
    poisoned(training, 640)
    assert training.train().finished
    (rescue,) = events(training.run, "rescued")
    assert rescue["code"] == "not-finite"
    assert training.rounds.recipe.generator.learning_rate == 1e-3 / 2
    assert all(bool(value.isfinite().all()) for value in training.rounds.game.state_dict().values())
    assert load(tmp_path / "run").sample(4).isfinite().all()


def test_a_nan_without_the_rescue_stops_with_evidence(tmp_path: Path, poisoned):
    training = trainer(tmp_path / "run")
    training.rescue = False
    poisoned(training, 640)
    with pytest.raises(DivergenceError, match=r"not finite .* --set generator.learning_rate=0.0005"):
        training.train()
    (diverged,) = events(training.run, "diverged")
    assert diverged["refused"] >= 3
    (finding,) = [
        e["finding"] for e in events(training.run, "finding") if e["finding"]["code"] == "not-finite"
    ]
    assert finding["severity"] == "failure"
    tensors = training.run.checkpoint("newest").tensors["game"]
    assert all(bool(value.isfinite().all()) for value in tensors.values())


def score_of(monkeypatch: pytest.MonkeyPatch, scores: dict[int, float]) -> None:
    """Every examination's score by its moment, with an interval of ±.1."""
    examine = watch.Watch.examine

    def scored(self: watch.Watch, rounds: loop.Rounds, sampler: object) -> dict[str, object]:
        record = examine(self, rounds, sampler)
        value = scores[rounds.nimg]
        record["scores"][record["headline"]] = {"value": value, "low": value - 0.1, "high": value + 0.1}
        return record

    monkeypatch.setattr(watch.Watch, "examine", scored)
    monkeypatch.setattr(loop, "diagnose", lambda history: found())


def test_the_best_moment_is_kept_and_chosen_where_the_end_is_worse(tmp_path: Path, monkeypatch):
    scores = {0: 9.0, 160: 3.0, 320: 1.0, 480: 2.0, 640: 2.0, 800: 2.0, 960: 2.0, 1120: 2.0, 1280: 2.0}
    score_of(monkeypatch, scores)
    training = trainer(tmp_path / "run")
    assert training.train().reason == "the budget is used up"
    run = training.run
    assert run.checkpoint("best").state["nimg"] == run.checkpoint("chosen").state["nimg"] == 320
    assert run.checkpoint("newest").state["nimg"] == 1280
    newest, best = load(run.path, moment="newest"), load(run.path, moment="best")
    assert not torch.equal(newest.sample(8), best.sample(8))
    assert torch.equal(load(run.path).sample(8), best.sample(8))


def test_the_newest_is_chosen_where_it_is_about_as_good(tmp_path: Path, monkeypatch):
    scores = {0: 9.0, 160: 3.0, 320: 1.0} | dict.fromkeys(range(480, 1281, 160), 1.15)
    score_of(monkeypatch, scores)
    training = trainer(tmp_path / "run")
    training.train()
    assert training.run.checkpoint("best").state["nimg"] == 320
    assert training.run.checkpoint("chosen").state["nimg"] == 1280


def test_the_state_before_training_is_never_chosen(tmp_path: Path, monkeypatch):
    """A translation that began with its input and ends far from the targets is still what was trained."""
    scores = {0: 0.5} | dict.fromkeys(range(160, 1281, 160), 9.0)
    score_of(monkeypatch, scores)
    training = trainer(tmp_path / "run")
    training.train()
    run = training.run
    assert run.checkpoint("chosen").state["nimg"] == 1280
    assert run.checkpoint("best").state["nimg"] > 0
    stopped = trainer(tmp_path / "stopped")
    request = StopRequest()
    request.ask("the test", 130)  # before the first round
    stopped.train(request)
    assert stopped.run.checkpoint("newest").state["nimg"] == 0
    for moment in ("chosen", "best"):
        with pytest.raises(RunError, match="before training"):
            stopped.run.checkpoint(moment)


def test_it_stops_where_the_score_no_longer_improves_and_says_so(tmp_path: Path, monkeypatch):
    score_of(monkeypatch, {0: 9.0, 160: 3.0, 320: 1.0, 480: 2.0, 640: 2.0, 800: 2.0})
    training = trainer(tmp_path / "run", patience=3)
    outcome = training.train()
    assert outcome.finished
    assert outcome.nimg == 800
    assert outcome.reason == ("the score has not improved for 3 examinations; it was best at kimg 0.3")
    assert training.run.events()[-1]["reason"] == outcome.reason


def test_a_standing_is_plain_data():
    progress = RunProgress()
    assert RunProgress.from_json(progress.to_json()) == progress
    assert progress.examined(5, 1.0, 0.9, 1.1)
    assert not progress.examined(6, float("nan"), float("nan"), float("nan"))
    progress.confirmed([failure(6)])
    progress.rescued(6, 5, failure(6))
    assert RunProgress.from_json(progress.to_json()) == progress
    assert progress.rescues_left == MOST_RESCUES - 1


def test_near_the_floor_nothing_is_past_its_best():
    progress = RunProgress()
    progress.examined(1, 0.01, 0.005, 0.015, 0.02)
    progress.examined(2, 0.03, 0.025, 0.035, 0.02)
    assert not progress.past_its_best
    progress.examined(3, 0.09, 0.08, 0.1, 0.02)
    assert progress.past_its_best
    assert progress.worse == 1


def test_a_run_that_stays_past_its_best_is_stopped_where_it_may_be_rescued(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(rescue, "_LOST", 3)
    scores = {0: 9.0, 160: 1.0} | dict.fromkeys(range(320, 1281, 160), 5.0)
    score_of(monkeypatch, scores)
    outcome = trainer(tmp_path / "run").train()
    assert outcome.nimg == 640
    assert outcome.reason.startswith("the score has been much worse than its best for 3 examinations")
    left = trainer(tmp_path / "left")
    left.rescue = False
    assert left.train().nimg == 1280
