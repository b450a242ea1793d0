"""Only the mover moves; parts add up; what is not finite is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch, Turn
from ganforge.core.recipe import Player
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.training.engine import Engine
from ganforge.training.referee import Referee
from ganforge.training.rounds import Rounds
from ganforge.training.statistics import RunningStatistics
from tests import players

MOMENT = Moment(0, 0, 0.0)


class TwoNumbers(nn.Module):
    """A game whose optimum and gradients are known: each player has one number."""

    def __init__(self, turns: tuple[str, ...], factor: float = 1.0) -> None:
        super().__init__()
        self.players = nn.ModuleDict(
            {"generator": nn.Linear(1, 1, bias=False), "discriminator": nn.Linear(1, 1)}
        )
        self.turns = turns
        self.factor = factor
        self.snapshots: list[dict[str, Tensor]] = []

    def play(self, next_batch: object, rng: Rng, moment: Moment) -> Iterator[Turn]:
        x = torch.ones(4, 1)
        for name in self.turns:
            self.snapshots.append({k: v.clone() for k, v in self.state_dict().items()})
            loss = (self.players["generator"](x) * self.players["discriminator"](x)).squeeze(1) * self.factor
            yield Turn(name, loss)


def referee(game: TwoNumbers, **settings: object) -> Referee:
    player = Player(**{"family": "mlp", "optimiser": "sgd", "learning_rate": 0.1, **settings})
    return Referee(game, {"generator": player, "discriminator": player}, statistics=RunningStatistics())


def next_batch() -> Batch:
    return Batch(torch.ones(4, 1))


def test_only_the_mover_moves_and_by_its_own_gradient():
    game = TwoNumbers(("discriminator", "generator"))
    judge = referee(game)
    judge.round([next_batch], [Rng(0)], MOMENT)
    before, between = game.snapshots
    after = game.state_dict()
    g, w, b = (
        before[f"players.{k}"] for k in ("generator.weight", "discriminator.weight", "discriminator.bias")
    )
    # the discriminator's turn: d(g·(w + b))/dw = g
    torch.testing.assert_close(between["players.discriminator.weight"], w - 0.1 * g)
    torch.testing.assert_close(between["players.discriminator.bias"], b - 0.1 * g.squeeze(0))
    assert torch.equal(between["players.generator.weight"], g)
    # the generator's turn goes through the discriminator as it is then
    moved = between["players.discriminator.weight"] + between["players.discriminator.bias"]
    torch.testing.assert_close(after["players.generator.weight"], g - 0.1 * moved)
    assert torch.equal(after["players.discriminator.weight"], between["players.discriminator.weight"])
    assert all(parameter.grad is None for parameter in game.parameters())


def test_a_move_that_is_not_finite_is_refused_and_counted():
    game = TwoNumbers(("discriminator",), factor=float("nan"))
    judge = referee(game)
    before = {k: v.clone() for k, v in game.state_dict().items()}
    judge.round([next_batch], [Rng(0)], MOMENT)
    assert all(torch.equal(value, before[name]) for name, value in game.state_dict().items())
    assert judge.refused == 1


@pytest.mark.parametrize("settings", [{}, {"clip": 0.4}], ids=["", "clipped"])
@pytest.mark.parametrize("optimiser", ["adam", "sgd", "rmsprop"])
def test_a_device_leaves_out_what_is_not_finite_with_the_same_bits(
    optimiser: str, settings: dict[str, float]
):
    """As an accelerator does it, whose norms nobody waits for; by the processor, which would read them."""
    ends: list[dict[str, Tensor]] = []
    for waits in (True, False):
        torch.manual_seed(0)
        game = TwoNumbers(("discriminator", "generator"))
        judge = referee(game, optimiser=optimiser, beta1=0.5, **settings)
        judge.waits = waits
        for factor in (float("nan"), 1.0, 0.5, float("inf"), 1.0, float("nan"), 2.0):
            game.factor = factor
            judge.round([next_batch], [Rng(0)], MOMENT)
        assert judge.refused == 6
        state = {name: each.clone() for name, each in game.state_dict().items()}
        for name, each in judge.optimisers.items():
            state |= {f"{name}.{slot}": value.clone() for slot, value in each.tensors().items()}
        ends.append(state)
    assert ends[0].keys() == ends[1].keys()
    for name, value in ends[0].items():
        assert torch.equal(value, ends[1][name]), name


def test_clipping_bounds_the_mover_alone():
    game = TwoNumbers(("discriminator",))
    with torch.no_grad():
        for parameter in game.parameters():
            parameter.fill_(3.0)
    referee(game, clip=0.01).round([next_batch], [Rng(0)], MOMENT)
    assert all(
        float(p.detach().abs().max()) == pytest.approx(0.01)
        for p in game.players["discriminator"].parameters()
    )
    assert game.players["generator"].weight.item() == 3.0


def test_a_loss_that_is_not_per_example_is_an_error():
    class Scalar(TwoNumbers):
        def play(self, next_batch: object, rng: Rng, moment: Moment) -> Iterator[Turn]:
            yield Turn("generator", self.players["generator"](torch.ones(4, 1)).mean())

    with pytest.raises(AssertionError, match="per example"):
        referee(Scalar(())).round([next_batch], [Rng(0)], MOMENT)


@pytest.mark.parametrize("kind", ["points", "pictures"])
def test_four_parts_give_the_gradients_of_one_big_batch(kind: str):
    data = players.points() if kind == "points" else players.pictures(classes=3)
    recipe = players.recipe() if kind == "points" else players.picture_recipe()
    whole, cut = Rounds(recipe, data, Engine()), Rounds(recipe, data, Engine(parts=4))
    for rounds in (whole, cut):
        for _ in range(3):
            rounds.play()
    assert whole.nimg == cut.nimg == 48
    for name, value in whole.game.state_dict().items():
        torch.testing.assert_close(cut.game.state_dict()[name], value, rtol=1e-4, atol=2e-6, msg=name)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_parts_that_are_played_at_once_give_the_same_bits(precision: torch.dtype):
    """In half precision threads share a cache of weights, which must not decide how gradients add up."""
    data = players.pictures(classes=3)
    recipe = players.picture_recipe(discriminator_moves=2, mismatched=0.5, kimg=10)
    engine = Engine(precision=precision, parts=4, workers=2, threads=1)
    first = Rounds(recipe, data, engine)
    again = Rounds(recipe, data, replace(engine, workers=1) if precision == torch.float32 else engine)
    for rounds in (first, again):
        for number in range(12):
            rounds.play(number / 12)
    for name, value in first.game.state_dict().items():
        assert torch.equal(again.game.state_dict()[name], value), name
    noted, same = first.statistics.close(), again.statistics.close()
    assert noted == same


def test_a_part_that_fails_is_told_when_all_have_stopped():
    """So that what goes on from there has the memory of all of them."""
    playing = [0]

    class Failing(TwoNumbers):
        def play(self, next_batch: object, rng: Rng, moment: Moment) -> Iterator[Turn]:
            if rng.part == 0:
                raise torch.OutOfMemoryError("no more")
            playing[0] += 1
            time.sleep(0.2)
            playing[0] -= 1
            yield Turn("generator", self.players["generator"](torch.ones(4, 1))[:, 0])

    game = Failing(())
    pool = Engine(parts=2, workers=2, threads=1).pool()
    player = Player(family="x", optimiser="sgd")
    judge = Referee(game, dict.fromkeys(game.players, player), statistics=RunningStatistics(), pool=pool)
    with pytest.raises(torch.OutOfMemoryError):
        judge.round([next_batch, next_batch], [Rng(0, part=part, parts=2) for part in range(2)], MOMENT)
    assert playing == [0]


@pytest.mark.parametrize("optimiser", ["adam", "sgd", "rmsprop", "muon"])
def test_moves_are_those_of_the_plain_optimiser_in_any_memory_format(optimiser: str):
    """Fused kernels walk parameter and gradient side by side: their memory formats must agree."""
    torch.manual_seed(0)
    game = nn.Module()
    game.players = nn.ModuleDict({"generator": nn.Conv2d(3, 5, 3), "discriminator": nn.Conv2d(5, 2, 3)})
    game.to(memory_format=torch.channels_last)
    twin = [
        parameter.detach().clone().requires_grad_() for parameter in game.players["generator"].parameters()
    ]
    player = Player(family="x", optimiser=optimiser, learning_rate=0.01, beta1=0.5, beta2=0.9)
    target = torch.randn(2, 5, 6, 6)

    def play(next_batch: object, rng: Rng, moment: Moment) -> Iterator[Turn]:
        x = torch.linspace(-1, 1, 2 * 3 * 64).view(2, 3, 8, 8)
        loss = (game.players["generator"](x) - target).square().flatten(1).sum(1)
        yield Turn("generator", loss)

    game.play = play
    judge = Referee(game, {"generator": player, "discriminator": player}, statistics=RunningStatistics())
    plain = {
        "adam": lambda: torch.optim.Adam(twin, lr=0.01, betas=(0.5, 0.9), foreach=False),
        "sgd": lambda: torch.optim.SGD(twin, lr=0.01, momentum=0.5, foreach=False),
        "rmsprop": lambda: torch.optim.RMSprop(twin, lr=0.01, alpha=0.9, foreach=False),
        # Muon leaves what has a side of less than 8 to Adam: of this small layer, all.
        "muon": lambda: torch.optim.Adam(twin, lr=0.01, betas=(0.5, 0.9), foreach=False),
    }[optimiser]()
    for _ in range(3):
        judge.round([next_batch], [Rng(0)], MOMENT)
        x = torch.linspace(-1, 1, 2 * 3 * 64).view(2, 3, 8, 8)
        made = torch.nn.functional.conv2d(x, *twin)
        plain.zero_grad()
        (made - target).square().flatten(1).sum(1).mean().backward()
        plain.step()
    for ours, theirs in zip(game.players["generator"].parameters(), twin, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
