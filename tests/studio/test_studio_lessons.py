"""Every lesson of the studio, played to its end as the page plays it: what it promises is what happens.

What a lesson plays stands in `lessons/games.json`, which the page reads too. Two quick lessons are played by
every test run; all of them, on three seeds each, are slow.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganforge.studio.bounds import Bounds
from ganforge.studio.checkup import Checkup
from ganforge.studio.session import PlaySession
from tests.studio.conftest import unpacked

WEB = Path(__file__).parents[2] / "src/ganforge/studio/web/src/lessons"
LESSONS: dict[str, dict[str, Any]] = json.loads((WEB / "games.json").read_text(encoding="utf-8"))
QUICK = ("best-inspector", "turns")
STOPS = 30  # looks on the way


@dataclass
class Played:
    """One game of a lesson after its last round.

    Attributes:
        begun: the frame before the first round.
        frames: header and arrays at equal distances of rounds, the last one at the end.
        findings: message of each examination.
    """

    session: PlaySession
    begun: tuple[dict[str, Any], dict[str, Any]] = field(default_factory=lambda: ({}, {}))
    frames: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def numbers(self) -> dict[str, float]:
        """As they are shown at the end."""
        return self.frames[-1][0]["numbers"]

    @property
    def arrays(self) -> dict[str, Any]:
        return self.frames[-1][1]

    @property
    def codes(self) -> set[str]:
        return {found["code"] for found in self.findings[-1]["findings"]}

    @property
    def failing(self) -> set[str]:
        return {found["code"] for found in self.findings[-1]["findings"] if found["severity"] == "failure"}

    def numbers_of(self, name: str) -> list[float]:
        return [frame[0]["numbers"][name] for frame in self.frames]

    def samples(self, frame: int) -> np.ndarray:
        return self.frames[frame][1]["generated"]

    @property
    def real(self) -> np.ndarray:
        return np.asarray(self.session.game.dataset.train.values, np.float64)


def played(lesson: str, number: int, seed: int, folder: Path, *, stops: int = STOPS) -> Played:
    """The lesson's game ``number``, played until its last round, and looked at on the way."""
    told: list[Any] = []
    session = PlaySession(lesson, told.append, Bounds(), folder)
    settings = {**LESSONS[lesson]["games"][number]["settings"], "seed": seed}
    session.call({"do": "open", "settings": settings}, None)
    session.checkup = Checkup(session.game, share=1e9)  # as on a fast machine: none is left out
    session.call({"do": "watch", "rate": 20.0}, None)
    found = Played(session)

    def looked() -> tuple[dict[str, Any], dict[str, Any]]:
        """The newest frame; findings are kept."""
        session.call({"do": "watch", "rate": 20.0}, None)
        session.slice(0.0)
        found.findings += [one for one in told if isinstance(one, dict) and one["type"] == "findings"]
        frames = [unpacked(one) for one in told if isinstance(one, bytes)]
        told.clear()
        return [frame for frame in frames if frame[0]["type"] == "frame"][-1]

    found.begun = looked()
    rounds = LESSONS[lesson]["rounds"]
    for stop in range(stops):
        session.call({"do": "play", "speed": None, "until": round(rounds * (stop + 1) / stops)}, None)
        session.call({"do": "watch", "rate": 0.0}, None)
        while session.playing:
            session.slice(60.0)
        found.frames.append(looked())
    assert found.frames[-1][0]["round"] == rounds
    return found


Check = Callable[[list[Played]], None]


def forger(games: list[Played]) -> None:
    """The orange curve lies on the green one, D is near one half, the value near −log 4."""
    (game,) = games
    assert game.numbers["js"] < 0.05
    assert game.numbers["value"] == pytest.approx(-np.log(4), abs=0.05)
    assert game.numbers["d_real"] == pytest.approx(0.5, abs=0.06)
    assert game.numbers["d_fake"] == pytest.approx(0.5, abs=0.06)


def best_inspector(games: list[Played]) -> None:
    """D bends to D*, which is drawn where there are examples alone, and the inspector wins more."""
    (game,) = games
    first, last = game.begun[0]["numbers"], game.numbers
    assert last["distance_to_best"] < 0.05
    assert last["distance_to_best"] < 0.5 * first["distance_to_best"]
    assert last["value"] > first["value"]
    shown = game.arrays["best"] >= 0
    assert shown.mean() > 0.2  # a generator that begins wide makes some everywhere
    assert np.abs(game.arrays["d"] - game.arrays["best"])[shown].mean() < 0.15
    assert np.allclose(game.samples(0), game.samples(-1), atol=0.05)  # the generator stands still


def turns(games: list[Played]) -> None:
    """Of the eight steps, one moves D alone and one G alone."""
    (game,) = games
    players = game.session.game.rounds.game.players

    def weights(name: str) -> torch.Tensor:
        return torch.cat([one.detach().flatten().clone() for one in players[name].parameters()])

    moved: dict[str, tuple[bool, bool]] = {}
    for _ in range(8):
        before = weights("discriminator"), weights("generator")
        reply = game.session.call({"do": "slow"}, None)
        assert reply is not None
        after = weights("discriminator"), weights("generator")
        moved[reply["stage"]["stage"]] = (
            not torch.equal(before[0], after[0]),
            not torch.equal(before[1], after[1]),
        )
    assert moved == {
        "generate": (False, False),
        "fakes": (False, False),
        "reals": (False, False),
        "discriminator_loss": (False, False),
        "update_discriminator": (True, False),
        "judge": (False, False),
        "generator_loss": (False, False),
        "update_generator": (False, True),
    }


def randomness(games: list[Played]) -> None:
    """Without noise one number near the average, and the finding says so; with noise the curve."""
    without, with_noise = games
    real = without.real
    for stop in range(STOPS):
        assert np.ptp(without.samples(stop)) == 0
    ends = np.array([without.samples(stop)[0, 0] for stop in range(STOPS // 2, STOPS)])
    assert abs(ends.mean() - real.mean()) < real.std()
    assert (np.abs(ends - real.mean()) < 2.5 * real.std()).all()
    assert without.numbers["js"] > 0.8
    assert "mode-collapse" in without.codes
    assert with_noise.numbers["js"] < 0.05
    assert with_noise.codes <= {"equilibrium"}


def arrows(games: list[Played]) -> None:
    """Each arrow points where the discriminator's opinion rises, and not simply to the nearest real point."""
    (game,) = games
    look = game.session.view.onlooker
    space = game.session.view.space
    points, pushes = game.arrays["generated"][:70].astype(np.float32), game.arrays["arrows"][:70]
    pushes = pushes / np.maximum(np.linalg.norm(pushes, axis=1, keepdims=True), 1e-12)
    with torch.no_grad():
        here, there = (
            look.logits(space.to_model(torch.from_numpy(place.astype(np.float32))))
            for place in (points, points + 0.002 * pushes)
        )
    assert (there > here).float().mean() > 0.95
    real = game.real
    nearest = real[((points[:, None] - real[None]) ** 2).sum(-1).argmin(1)] - points
    nearest /= np.maximum(np.linalg.norm(nearest, axis=1, keepdims=True), 1e-12)
    assert ((pushes * nearest).sum(1) < 0.7).mean() > 0.1
    assert max(game.numbers_of("modes_covered")) >= 2  # it learns something


def too_good(games: list[Played]) -> None:
    """D wins, G has nothing to learn from, and the finding says so with a remedy."""
    (game,) = games
    assert game.numbers["discriminator_loss"] < 0.1
    assert game.numbers["pairs_right"] > 0.97
    assert abs(game.numbers["generator_loss"]) < 0.1
    assert game.numbers["good_share"] < 0.05
    assert max(game.numbers_of("modes_covered")) <= 1  # of eight; a passer-by counts as none
    steps = [game.samples(stop + 1) - game.samples(stop) for stop in range(STOPS - 1)]
    far = [np.linalg.norm(step, axis=1).mean() / game.real.std() for step in steps]
    assert np.median(far) < 0.1  # of the ring's spread in a thirtieth of the rounds: the points hardly move
    assert game.failing & {"discriminator-loss-zero", "discriminator-too-strong"}
    worst = game.findings[-1]["findings"][0]
    assert worst["severity"] == "failure"
    assert worst["changes"]


def two_words(games: list[Played]) -> None:
    """The same quick D: the non-saturating loss keeps a gradient, and comes further in as many rounds."""
    original, other = games
    assert other.numbers["generator_gradient"] > 2.5 * original.numbers["generator_gradient"]
    assert np.median(other.numbers_of("js")) < np.median(original.numbers_of("js")) - 0.1
    assert max(other.numbers_of("modes_covered")) > max(original.numbers_of("modes_covered"))


def collapse(games: list[Played]) -> None:
    """Hardly ever more than one mode at a time, and never at rest; the finding names it."""
    (game,) = games
    spread, centres = game.real.std(), []
    for stop in range(STOPS):
        centres.append(game.samples(stop).mean(axis=0) / spread)
    alike = [game.samples(stop).std(axis=0).mean() / spread for stop in range(STOPS)]
    assert np.mean(np.array(alike) < 0.6) >= 0.4
    covered = np.array(game.numbers_of("modes_covered"))
    assert covered.max() <= 2
    assert (covered > 1).mean() <= 0.1
    assert np.linalg.norm(np.diff(centres, axis=0), axis=1).sum() > 10  # ring's spreads, from stop to stop
    names = [
        bool({"mode-collapse", "oscillation"} & {found["code"] for found in told["findings"]})
        for told in game.findings
    ]
    assert np.mean(names[len(names) // 2 :]) > 0.5  # points that run on may be caught on the way
    assert any(names[: int(0.75 * len(names))])


def balance(games: list[Played]) -> None:
    """An inspector that learns nothing teaches nothing, though G's loss looks good; heaps appear beside."""
    idle, equal = games
    assert idle.numbers["good_share"] < 0.02
    assert idle.numbers["generator_loss"] < equal.numbers["generator_loss"]
    assert idle.failing & {"discriminator-too-weak", "accuracy-diverged"}
    assert max(equal.numbers_of("modes_covered")) >= 3
    assert equal.numbers["js"] < 0.6 * idle.numbers["js"]
    assert not equal.failing


def critic(games: list[Played]) -> None:
    """Marks without a limit grow a hundredfold; held, they keep their scale."""
    free, held = games
    half = STOPS // 2
    assert free.numbers["real_deviation"] > 100 * held.numbers["real_deviation"]
    assert free.numbers["real_deviation"] > 3 * free.numbers_of("real_deviation")[half]
    assert held.numbers["real_deviation"] < 20
    assert free.numbers["generator_gradient"] > 100 * held.numbers["generator_gradient"]


def penalty(games: list[Played]) -> None:
    """The heat map's steepest slopes are softer with the penalties, the gradients smaller."""

    def slope(game: Played) -> float:
        heat = game.arrays["heat"].astype(float) / 255
        return float(np.quantile(np.hypot(*np.gradient(heat)), 0.99))

    plain, smooth = games
    assert slope(smooth) < 0.35 * slope(plain)
    assert smooth.numbers["generator_gradient"] < plain.numbers["generator_gradient"] / 5


def modern(games: list[Played]) -> None:
    """At equal rounds nearly all of the twenty-five, half of the samples good; the textbook's has few."""
    textbook, today = games
    assert today.numbers["modes_covered"] >= 23
    assert today.numbers["good_share"] > 0.4
    assert textbook.numbers["modes_covered"] <= 10
    assert textbook.numbers["good_share"] < 0.2


def fifty_lines(games: list[Played]) -> None:
    """Both discriminators say one half; one generator makes the bell and the other does not."""
    then, now = games
    for game in games:
        assert game.numbers["d_real"] == pytest.approx(0.5, abs=0.05)
        assert game.numbers["d_fake"] == pytest.approx(0.5, abs=0.05)
    assert then.numbers["js"] > 0.05
    assert now.numbers["js"] < 0.02
    assert then.numbers["js"] > 4 * now.numbers["js"]
    assert {"modes-missed", "far-from-the-data"} & then.codes
    assert "equilibrium" in now.codes


CHECKS: dict[str, Check] = {
    check.__name__.replace("_", "-"): check
    for check in (
        forger,
        best_inspector,
        turns,
        randomness,
        arrows,
        too_good,
        two_words,
        collapse,
        balance,
        critic,
        penalty,
        modern,
        fifty_lines,
    )
}


def keep_promise(lesson: str, seed: int, folder: Path) -> None:
    stops = min(STOPS, LESSONS[lesson]["rounds"])
    CHECKS[lesson](
        [played(lesson, i, seed, folder, stops=stops) for i in range(len(LESSONS[lesson]["games"]))]
    )


def test_every_lesson_is_checked():
    assert list(CHECKS) == list(LESSONS)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_ends_within_a_minute(lesson: str):
    """At the speed that it asks for; one at full speed is timed by the slow test."""
    speed = LESSONS[lesson]["speed"]
    assert speed is None or LESSONS[lesson]["rounds"] / speed <= 45


@pytest.mark.parametrize("lesson", QUICK)
def test_a_quick_lesson_keeps_its_promise(lesson: str, tmp_path: Path):
    keep_promise(lesson, 0, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_keeps_its_promise(lesson: str, seed: int, tmp_path: Path):
    keep_promise(lesson, seed, tmp_path)
