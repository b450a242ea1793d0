"""How to compute is chosen by processor time: what else runs on the machine does not decide it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from ganforge.core.recipe import Augmentation, Penalty, Recipe
from ganforge.data import Dataset
from ganforge.training import probe
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from tests import players

CPU = torch.device("cpu")
Takes = Callable[[Engine], tuple[float, float]]


@pytest.fixture(autouse=True)
def threads(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probe, "_SECONDS", 8.0)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def timed(monkeypatch: pytest.MonkeyPatch, takes: Takes) -> list[Engine]:
    """Ways that take given seconds of the processor and by the clock; gives the engines that are tried."""
    tried: list[Engine] = []

    class Way:
        def __init__(self, engine: Engine, recipe: Recipe, dataset: Dataset) -> None:
            tried.append(engine)
            self.engine, self.recipe = engine, recipe
            self.seconds, self.clock = takes(engine)
            self.share = min(self.seconds / self.clock, 1.0)
            self.rounds = SimpleNamespace(game=nn.Module())

        def play(self) -> None:
            pass

    monkeypatch.setattr(probe, "_Way", Way)
    monkeypatch.setattr(probe, "_compare", lambda *_: None)
    monkeypatch.setattr(probe, "coupled", lambda _: "")
    monkeypatch.setattr(Engine, "apply", lambda self: None)
    return tried


@pytest.mark.parametrize(("asked", "taken"), [(False, "cpu"), (True, "cuda")])
def test_a_tiny_game_is_played_on_the_processor_unless_a_device_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: bool, taken: str
):
    timed(monkeypatch, lambda engine: (0.02, 0.02) if engine.device.type == "cuda" else (0.01, 0.01))
    data, recipe = players.points(), players.recipe()
    found = probe.probe(recipe, data, device=torch.device("cuda"), free=not asked)
    assert found.engine.device.type == taken
    assert found.images_per_second == pytest.approx(recipe.batch / (0.02 if asked else 0.01))
    assert ("sooner done than on cuda" in found.words) is not asked
    timed(monkeypatch, lambda engine: (0.06, 0.06) if engine.device.type == "cuda" else (0.01, 0.01))
    far = probe.probe(recipe, data, device=torch.device("cuda"), free=True)
    assert far.engine.device.type == "cuda"  # rounds that long are arithmetic: the processor is not tried


def test_a_round_that_waits_for_a_core_is_no_slower(monkeypatch: pytest.MonkeyPatch):
    """Recorded rounds take half the processor's time; that they had to wait meanwhile is no matter."""
    waits = itertools.cycle([0.0, 0.02, 0.05])
    play = Rounds.play

    def interrupted(rounds: Rounds, progress: float = 0.0) -> None:
        play(rounds, progress)
        if rounds.engine.recorded:
            time.sleep(next(waits))

    monkeypatch.setattr(Rounds, "play", interrupted)
    torch.set_num_threads(2)
    found = probe.probe(players.recipe(batch=64), players.points(), device=CPU)
    assert found.engine.recorded
    assert found.engine.threads == 1
    assert torch.get_num_threads() == 1
    assert found.share < 0.9
    assert "the machine is busy: this process got" in found.words


ONE, TWO_PARTS = (1, 1), (2, 1)  # workers and threads
TWO, FOUR, EIGHT = (1, 2), (1, 4), (1, 8)


@pytest.mark.parametrize(
    ("speed_ups", "share", "taken", "rate"),
    [
        ({EIGHT: 5.0, FOUR: 3.0}, 1.0, EIGHT, 5.0),
        ({EIGHT: 2.0, FOUR: 3.0, TWO: 1.8}, 1.0, FOUR, 3.0),
        ({EIGHT: 0.4, FOUR: 0.7, TWO: 1.15}, 1.0, ONE, 1.0),  # too little for what it takes from others
        ({(4, 2): 3.0, EIGHT: 3.3}, 1.0, (4, 2), 3.0),  # parts suffer less when the machine is busy
        ({(4, 2): 3.0, EIGHT: 4.0}, 1.0, EIGHT, 4.0),
        ({EIGHT: 5.0, FOUR: 3.0}, 0.6, ONE, 1.0),  # on a busy machine
        ({TWO_PARTS: 1.3, EIGHT: 5.0}, 0.6, TWO_PARTS, 1.3),
    ],
)
def test_cores_are_taken_where_rounds_are_much_sooner_done(
    monkeypatch: pytest.MonkeyPatch,
    speed_ups: dict[tuple[int, int], float],
    share: float,
    taken: tuple[int, int],
    rate: float,
):
    def takes(engine: Engine) -> tuple[float, float]:
        return 0.06, 0.06 / share / speed_ups.get((engine.workers, engine.threads or 1), 1.0)

    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    timed(monkeypatch, takes)
    recipe = players.recipe(precision="float32")
    found = probe.probe(recipe, players.points(), device=CPU)
    assert (found.engine.workers, found.engine.threads) == taken
    assert found.engine.parts == found.engine.workers
    assert found.images_per_second == pytest.approx(recipe.batch / 0.06 * rate)
    tried = timed(monkeypatch, takes)
    probe.probe(recipe, players.points(), device=CPU, cores=1)
    assert {(engine.workers, engine.threads) for engine in tried} == {ONE}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, [2, 4, 8]),
        ({"batch": 12}, [2, 4]),
        ({"packing": 2}, [2, 4, 8]),
        ({"packing": 4}, [2, 4]),
        ({"objective": "relativistic_average"}, []),
        ({"augmentation": Augmentation(policy="translation", target=0.6)}, []),
        ({"discriminator": replace(players.recipe().discriminator, options={"spectral_norm": True})}, []),
    ],
)
def test_a_batch_is_cut_only_where_its_parts_know_nothing_of_each_other(
    changes: dict[str, Any], parts: list[int]
):
    """Adaptive augmentation and power iterations keep what they saw: of two parts at once, the last one's."""
    recipe, data = players.recipe(**changes), players.points()
    if "augmentation" in changes:
        recipe, data = replace(players.picture_recipe(), **changes), players.pictures()
    way = probe._Way(Engine(), recipe, data)
    assert probe._in_parts(recipe, way) == parts


def test_rounds_that_turn_out_slow_on_many_threads_are_given_one(monkeypatch: pytest.MonkeyPatch):
    before = torch.get_num_threads()
    engine, recipe, data = Engine(threads=2, channels_last=True), players.recipe(), players.points()
    timed(monkeypatch, lambda engine: (0.06, 0.09 if engine.threads == 1 else 0.2))
    assert probe.fewer_threads(engine, recipe, data, seconds=1.0) == replace(engine, threads=1)
    timed(monkeypatch, lambda engine: (0.06, 0.06 if engine.threads == 1 else 0.04))
    assert probe.fewer_threads(engine, recipe, data, seconds=1.0) == engine
    assert torch.get_num_threads() == before


def test_a_large_batch_is_not_played_before_a_small_one_is_known(monkeypatch: pytest.MonkeyPatch):
    """4,096 pictures a round would take minutes; the probe keeps to its time."""
    played: list[int] = []
    play = Rounds.play

    def noting(rounds: Rounds, progress: float = 0.0) -> None:
        played.append(rounds.recipe.batch)
        play(rounds, progress)

    monkeypatch.setattr(Rounds, "play", noting)
    data = players.pictures(n=64, shape=(3, 32, 32))
    recipe = players.picture_recipe(conditional=False, batch=4096)
    began = time.process_time()
    found = probe.probe(recipe, data, device=CPU, seconds=1.0)
    assert time.process_time() - began < 3.0
    assert played[0] == 2
    assert max(played) < 1024
    assert 20 < found.images_per_second < 20_000


def test_rounds_with_and_without_a_lazy_penalty_are_timed_apart(monkeypatch: pytest.MonkeyPatch):
    """The speed is that of the mean round, not of the first one, in which all penalties are due."""
    lazy = replace(players.recipe(), penalties=(Penalty(name="r1", weight=1.0, every=4),))
    rounds = Rounds(lazy, players.points(), Engine())
    assert probe._kinds(rounds) == {0: 1, 1: 3}
    way = probe._Way(Engine(), lazy, players.points())
    way.taken = {0: [(0.9, 0.9), (0.08, 0.1)], 1: [(0.9, 0.9), (0.04, 0.05)]}
    assert way.seconds == pytest.approx(0.05)
    assert way.clock == pytest.approx(0.0625)
    assert way.share == pytest.approx(0.8)


def test_a_clock_too_coarse_for_a_round_is_no_division_by_zero(monkeypatch: pytest.MonkeyPatch):
    """Under a limit of the processor's time Linux tells that time in steps of four milliseconds."""
    monkeypatch.setattr(time, "process_time", lambda: 0.0)
    found = probe.probe(players.recipe(), players.points(), device=CPU, seconds=0.05)
    assert found.images_per_second > 0
    assert found.share > 0
