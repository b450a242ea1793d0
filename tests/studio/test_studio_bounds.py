"""What is given at most: games at once, and the patience with browsers that went away or say nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
import torch
from websockets.sync.client import connect

from ganforge.metrics.points import mixture_report
from ganforge.shipping.server import Server, listen
from ganforge.studio.app import Studio
from ganforge.studio.bounds import Bounds
from ganforge.studio.pacing import Frames, Speed
from ganforge.studio.settings import Settings
from ganforge.studio.timeline import Timeline
from ganforge.studio.view import View, Wanted, _on_modes
from ganforge.studio.wire import text
from tests.studio.conftest import RING, Line

STRICT = Bounds(play_sessions=1, grace_seconds=0.5, idle_seconds=600.0)


@pytest.fixture
def strict(tmp_path: Path) -> Generator[tuple[int, Studio]]:
    """A studio that gives one game, in a thread."""
    studio = Studio([tmp_path], bounds=STRICT, workers=1)
    opened = listen("127.0.0.1", 0)
    server = Server(studio, message_bytes=1 << 20)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[opened])))
    thread.start()
    yield opened.getsockname()[1], studio
    server.should_exit = True
    thread.join(30)
    opened.close()


def test_one_game_at_once_and_one_that_ends(strict: tuple[int, Studio]):
    port, studio = strict
    address = f"ws://127.0.0.1:{port}/api/play"
    with connect(address, max_size=None) as first, connect(address, max_size=None) as second:
        name = Line(first).call("open", settings=RING)["session"]
        assert "1 games are being played here" in Line(second).refused("open", settings=RING)
    end = time.monotonic() + 20
    while studio.play.open:
        assert time.monotonic() < end
        time.sleep(0.1)
    with connect(address, max_size=None) as again:
        assert "has ended" in Line(again).refused("resume", session=name)
    with connect(address, max_size=None) as quiet:
        line = Line(quiet)
        standing = line.call("open", settings=RING)
        studio.play._sessions[standing["session"]].last_call -= 601  # ten minutes have gone by
        told = line.until("ended", 30)
        assert "nothing was done here" in told["error"]
        assert told["reopen"] == standing["settings"]


def test_a_timeline_keeps_its_bounds(tmp_path: Path):
    from ganforge.studio.game import Game

    made, _ = Settings.of(RING, Bounds()).experiment(Bounds(), tmp_path)
    game, timeline = Game(made.recipe, made.dataset), Timeline(8, 1 << 26)
    gone: set[int] = set()
    for number in range(40):
        moment, forgotten = timeline.keep(game, None, {})
        assert moment.id == number
        gone |= set(forgotten)
        assert len(timeline.moments) <= 8
    assert 0 in timeline.moments
    assert 39 in timeline.moments
    assert gone == set(range(40)) - set(timeline.moments)
    assert Timeline(100, 2 * moment.bytes).keep(game, None, {})[1] == []


def test_a_frame_waits_for_the_browser_and_for_its_share_of_the_time():
    frames = Frames()
    assert not frames.ready(True, 1)  # nobody looks
    frames.rate = 10.0
    assert frames.ready(True, 1)
    assert [frames.count(1, 0.001, 1), frames.count(2, 0.001, 1)] == [1, 2]
    frames.due = True
    assert not frames.ready(True, 3)  # two are on their way
    frames.acknowledge(1)
    assert frames.ready(True, 3)
    frames.come_back()
    dear = Frames()
    dear.rate = 10.0
    now = time.monotonic()
    dear.count(1, 0.009, 1)
    assert dear.until(True) - now == pytest.approx(0.2, abs=0.02)  # 9 ms are 4.5 % of 200
    dear.acknowledge(1)
    dear.count(2, 0.009, 30)
    assert dear.until(True) - now <= 0.35 + 0.2 + 0.02


def test_a_frame_that_a_long_round_has_delayed_is_caught_up_with(monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    frames = Frames()
    frames.rate = 10.0
    frames.count(1, 0.001, 1)
    frames.acknowledge(1)
    clock[0] += 0.25  # due a tenth of a second after the first
    frames.count(2, 0.001, 1)
    assert frames.until(True) == pytest.approx(clock[0])  # the next at once …
    frames.acknowledge(2)
    frames.count(3, 0.001, 1)
    assert frames.until(True) == pytest.approx(clock[0] + 0.1)  # … and then in step again


def test_speed_waits_for_the_next_round_and_does_not_catch_up():
    speed = Speed()
    assert speed.wait(5) == 0.0
    speed.wanted = 10.0
    speed.begin(100)
    assert speed.wait(100) == pytest.approx(0.1, abs=0.02)
    assert speed.wait(104) == pytest.approx(0.5, abs=0.02)


def test_samples_on_modes_are_counted_as_everywhere_else():
    from ganforge.data.builtin import modes

    known = modes("ring")
    chance = np.random.default_rng(0)
    points = known.centres[chance.integers(6, size=500)] + 0.012 * chance.standard_normal((500, 2))
    report = mixture_report(torch.from_numpy(points), known.centres, known.sigma)
    told = _on_modes(points.astype(np.float32), known)
    assert told["modes_covered"] == report.covered == 6
    assert told["good_share"] == pytest.approx(report.high_quality, abs=0.005)
    assert told["good_share_perfect"] == pytest.approx(report.high_quality_perfect)


@pytest.mark.parametrize(("recipe", "coarser"), [("textbook", False), (None, True)])
def test_a_large_discriminators_heat_map_is_coarser_only_while_it_is_followed_by_another(
    tmp_path: Path, recipe: str | None, coarser: bool
):
    from ganforge.studio.game import Game

    made, _ = Settings.of({**RING, "recipe": recipe}, Bounds()).experiment(Bounds(), tmp_path)
    view = View(Game(made.recipe, made.dataset), "ring")
    wanted = Wanted(("heat", "generated"), heat=40)
    side = view.frame(wanted, brief=True).arrays["heat"].shape[0]
    assert (16 <= side < 40) if coarser else side == 40
    assert view.frame(wanted).arrays["heat"].shape == (40, 40)


def test_what_json_cannot_say_is_null():
    told = {"a": [1.5, float("nan")], "b": {"c": float("inf"), "d": "½"}, "e": None}
    assert text(told) == '{"a":[1.5,null],"b":{"c":null,"d":"½"},"e":null}'.encode()
    assert text({"a": 2}) == b'{"a":2}'
