"""A recorded round is the round that was recorded; what cannot be recorded is played as it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch, NextBatch, Turn
from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment, cosine
from ganforge.core.space import Space
from ganforge.data import Dataset
from ganforge.recipes import gaussian_original
from ganforge.recipes import points as points_recipe
from ganforge.training import tape
from ganforge.training.engine import Engine
from ganforge.training.probe import probe
from ganforge.training.referee import Referee
from ganforge.training.rounds import Rounds
from ganforge.training.statistics import RunningStatistics
from tests import players

POINTS = Space(kind="points", shape=(2,))
EXACT = Penalty(name="r1", weight=0.5)


def _gaussian() -> Recipe:
    return replace(gaussian_original.recipe(Space(kind="points", shape=(1,)), 100), batch=32)


CASES: dict[str, Any] = {
    "gaussian, minimax": lambda: (_gaussian(), players.points(dimensions=1)),
    "points: finite differences, centring, noise that ends, random bits": lambda: (
        replace(points_recipe.recipe(POINTS, 100), batch=32),
        players.points(),
    ),
    "wasserstein with exact r1": lambda: (
        players.recipe(objective="wasserstein", penalties=(EXACT,), discriminator_moves=2),
        players.points(),
    ),
    "interpolated and dragan": lambda: (
        players.recipe(penalties=(Penalty(name="interpolated"), Penalty(name="dragan", weight=0.1))),
        players.points(),
    ),
    "packed by 2": lambda: (players.recipe(packing=2), players.points()),
    "pictures with classes, moved about": lambda: (
        players.picture_recipe("residual", conditional=True, penalties=(EXACT,)),
        players.pictures(classes=3),
    ),
    "two rhythms": lambda: (
        players.recipe(
            penalties=(replace(EXACT, every=4, weight_final=0.1), Penalty(name="centring", every=3))
        ),
        players.points(),
    ),
    "buffers that move: lecam, adaptive augmentation": lambda: (
        players.recipe(
            objective="hinge",
            penalties=(Penalty(name="lecam"),),
            augmentation=Augmentation(target=0.6, ramp_kimg=0.1, noise=0.5, noise_final=0.1),
        ),
        players.points(),
    ),
    "buffers that move: batch statistics": lambda: (
        players.picture_recipe("dcgan", penalties=(), objective="non_saturating"),
        players.pictures(shape=(3, 16, 16)),
    ),
    "buffers that move: spectral norm": lambda: (
        players.recipe(
            discriminator=Player(family="mlp", width=8, options={"spectral_norm": True}), penalties=()
        ),
        players.points(),
    ),
    "sgd, clipped": lambda: (
        players.recipe(
            objective="wasserstein",
            penalties=(),
            discriminator=Player(family="mlp", width=8, optimiser="sgd", beta1=0.9, clip=0.05),
        ),
        players.points(),
    ),
}


def pair(recipe: Recipe, data: Dataset) -> tuple[Rounds, Rounds]:
    return Rounds(recipe, data, Engine()), Rounds(recipe, data, Engine(recorded=True))


def play(rounds: Rounds, count: int, first: int = 0) -> None:
    for k in range(first, first + count):
        rounds.play(k / 50)


def flat(rounds: Rounds) -> dict[str, Tensor]:
    return {f"{part}.{name}": v for part, named in rounds.tensors().items() for name, v in named.items()}


@pytest.mark.parametrize("case", CASES)
def test_recorded_rounds_are_those_of_eager_play_bit_for_bit(case: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(tape._FASTER, torch.ops.aten.tanh.default)  # all that makes a difference
    eager, recorded = pair(*CASES[case]())
    for rounds in (eager, recorded):
        play(rounds, 50)
    assert recorded.referee.unrecorded is None
    ours, theirs = flat(recorded), flat(eager)
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert torch.equal(ours[name].nan_to_num(7.0), value.nan_to_num(7.0)), name
    noted, expected = recorded.statistics.close(), eager.statistics.close()
    assert set(noted) == set(expected)
    for name, values in expected.items():
        assert noted[name] == pytest.approx(values, rel=1e-3, abs=1e-4), name


def test_the_faster_tanh_differs_in_rounding_only():
    eager, recorded = pair(*CASES["gaussian, minimax"]())
    for rounds in (eager, recorded):
        play(rounds, 50)
    assert recorded.referee.unrecorded is None
    ours = flat(recorded)
    for name, value in flat(eager).items():
        scale = float(value.abs().max())
        torch.testing.assert_close(ours[name], value, rtol=0, atol=1e-5 * scale, equal_nan=True, msg=name)
    x = torch.linspace(-30, 30, 2001)
    torch.testing.assert_close(tape._tanh(x), x.tanh(), rtol=0, atol=2e-7)


@pytest.mark.parametrize("case", ["two rhythms", "buffers that move: lecam, adaptive augmentation"])
def test_half_load_half_is_the_whole_bit_for_bit(case: str):
    recipe, data = CASES[case]()
    whole, first, second = (Rounds(recipe, data, Engine(recorded=True)) for _ in range(3))
    play(whole, 20)
    play(first, 10)
    second.load({part: {k: v.clone() for k, v in named.items()} for part, named in first.tensors().items()})
    second.nimg, second.rounds = first.nimg, first.rounds
    play(second, 10, first=10)
    assert second.referee.unrecorded is None
    theirs = flat(whole)
    assert all(torch.equal(value, theirs[name]) for name, value in flat(second).items())


def test_each_branch_has_a_recording_of_its_own():
    recipe, data = CASES["two rhythms"]()
    rounds = Rounds(recipe, data, Engine(recorded=True))
    play(rounds, 50)
    recorder = rounds.referee._recorder
    assert recorder is not None
    assert {branch[0] for branch in recorder._recordings} == {
        (a, b) for a in (True, False) for b in (True, False)
    }


def test_a_number_that_is_not_finite_is_refused_before_the_update():
    recorded = pair(*CASES["wasserstein with exact r1"]())[1]
    play(recorded, 3)
    D = recorded.game.players["discriminator"]
    with torch.no_grad():
        next(iter(D.parameters())).view(-1)[0] = float("nan")
    before = {name: value.clone() for name, value in flat(recorded).items() if "average" not in name}
    recorded.play(0.1)
    assert recorded.referee.unrecorded is None
    assert recorded.referee.refused == 3
    now = flat(recorded)
    for name, value in before.items():
        assert torch.equal(now[name].nan_to_num(7.0), value.nan_to_num(7.0)), name


def test_parts_and_reduced_precision_are_played_as_they_are():
    recipe, data = players.recipe(), players.points()
    cut, plain = Rounds(recipe, data, Engine(parts=4, recorded=True)), Rounds(recipe, data, Engine(parts=4))
    play(cut, 3)
    play(plain, 3)
    theirs = flat(plain)
    assert all(torch.equal(value, theirs[name]) for name, value in flat(cut).items())
    half = Rounds(recipe, data, Engine(precision=torch.bfloat16, recorded=True))
    half.play()
    assert "float32" in str(half.referee.unrecorded)


# --------------------------------------------------------------------------- what cannot be recorded


class Game(nn.Module):
    """Each player has one linear map; ``twist`` is what a recording must not get wrong."""

    def __init__(self, twist: str) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.players = nn.ModuleDict({name: nn.Linear(2, 1) for name in ("generator", "discriminator")})
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        self.norm = nn.BatchNorm1d(2)
        self.twist = twist
        self.former = torch.zeros(())
        self.rounds = 0

    def branch(self, moment: Moment) -> Hashable:
        return moment.round % 4 == 0

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Iterator[Turn]:
        batch = next_batch()
        D = self.players["discriminator"](batch.real).squeeze(1)
        G = self.players["generator"](rng.normal(batch.n, 2)).squeeze(1)
        factor: Any = moment.at(partial(cosine, 1.0, 0.1))
        self.rounds += 1
        match self.twist:
            case "item":
                factor = D.mean().item()
            case "numpy":
                factor = float(D.detach().numpy().mean())
            case "branch":
                D = D if bool((D > 0).any()) else -D
            case "hidden branch":
                D = D if batch.real.numpy().sum() > 0 else -2.0 * D
            case "progress":
                factor = cosine(1.0, 0.1, moment.progress)
            case "former":
                factor = self.former
                self.former = D.detach().mean()
            case "shape":
                D = D[D.mean() < D].mean() + G
            case "counter":
                factor = float(self.rounds)
            case "constant written to":
                factor = torch.ones(batch.n)
                factor += D.detach()
            case "result unread":
                self.norm(batch.real)
            case _:
                assert not self.twist
        yield Turn("discriminator", (D - G).square() * factor, {"logits": D})
        yield Turn("generator", -self.players["discriminator"](batch.real).squeeze(1) * G)


def judged(twist: str, recorded: bool, rounds: int = 12) -> tuple[Game, str | None]:
    game = Game(twist)
    player = Player(family="x", learning_rate=1e-3)
    both = {"generator": player, "discriminator": player}
    referee = Referee(game, both, statistics=RunningStatistics(), recorded=recorded)
    values = torch.from_numpy(np.random.default_rng(1).standard_normal((rounds, 8, 2), dtype=np.float32))
    for k in range(rounds):
        referee.round([lambda k=k: Batch(values[k])], [Rng(5, k)], Moment(8 * k, k, k / rounds))
    return game, referee.unrecorded


TWISTS = {
    "item": "value",
    "numpy": "values",
    "branch": "value",
    "hidden branch": "values",
    "progress": "values",
    "former": "neither a player's",
    "shape": "value",
    "counter": "values",
}


@pytest.mark.parametrize("twist", ["", "constant written to", "result unread", *TWISTS])
def test_what_a_recording_would_get_wrong_is_refused_and_played_right(twist: str):
    (eager, _), (recorded, refusal) = judged(twist, False), judged(twist, True)
    if twist in TWISTS:
        assert refusal is not None
        assert TWISTS[twist] in refusal
    else:
        assert refusal is None
    if twist not in ("former", "counter"):  # what a game keeps outside its buffers is not put back
        for name, value in eager.state_dict().items():
            torch.testing.assert_close(recorded.state_dict()[name], value, rtol=1e-5, atol=1e-6, msg=name)


def test_a_game_that_does_not_name_its_branches_is_never_recorded():
    class Silent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.players = nn.ModuleDict({"generator": nn.Linear(2, 1)})

        def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Iterator[Turn]:
            yield Turn("generator", self.players["generator"](next_batch().real).squeeze(1))

    players = {"generator": Player(family="x")}
    referee = Referee(Silent(), players, statistics=RunningStatistics(), recorded=True)
    referee.round([lambda: Batch(torch.ones(4, 2))], [Rng(0)], Moment(0, 0, 0.0))
    assert "branches" in str(referee.unrecorded)


def test_listening_leaves_no_trace():
    """Deals, draws, buffers and parameters are as if nobody had listened."""
    recipe, data = CASES["buffers that move: lecam, adaptive augmentation"]()
    eager, recorded = pair(recipe, data)
    recorder = recorded.referee._recorder
    assert recorder is not None
    before = {name: value.clone() for name, value in flat(recorded).items()}
    batches: list[Batch] = []
    recorder._record(recorded._next_batch(0, recipe.batch), torch.device("cpu"), Moment(0, 0, 0.0), batches)
    now = flat(recorded)
    assert all(torch.equal(now[name], value) for name, value in before.items())
    assert len(batches) == 1
    assert torch.equal(batches[0].real, eager._next_batch(0, recipe.batch)().real)


def test_the_probe_records_short_rounds_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ganforge.training.probe._SECONDS", 8.0)
    recipe, data = CASES["gaussian, minimax"]()
    finding = probe(recipe, data, device=torch.device("cpu"))
    assert finding.engine.recorded
    assert "recorded rounds" in finding.words
    assert Engine.from_json(finding.engine.to_json()) == finding.engine
