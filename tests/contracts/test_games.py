"""What holds for every game, whatever its objective, penalty and networks."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ganforge.core.batch import Turn
from ganforge.core.declared import OBJECTIVES
from ganforge.core.declared import PENALTIES as DECLARED
from ganforge.core.recipe import Penalty, Recipe
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.data import Dataset, Loader
from ganforge.games import build_game
from tests import players

PENALTIES = {
    "none": (),
    "r1": (Penalty(name="r1", weight=0.3),),
    "r2": (Penalty(name="r2", weight=0.3, share=0.5),),
    "r1 and r2 by finite differences": (
        Penalty(name="r1", weight=0.3, method="finite_difference", share=0.5),
        Penalty(name="r2", weight=0.3, method="finite_difference", share=0.5),
    ),
    "interpolated": (Penalty(name="interpolated", weight=2.0),),
    "dragan": (Penalty(name="dragan", weight=2.0),),
    "centring": (Penalty(name="centring", weight=0.1),),
    "lecam": (Penalty(name="lecam", weight=0.1),),
    "reconstruction": (Penalty(name="reconstruction", weight=1.0),),
}

EVERY = list(itertools.product(OBJECTIVES, PENALTIES))


def case(objective: str, penalty: str) -> tuple[Recipe, Dataset]:
    """The smallest experiment with both: on points, or with few_shot where something is to be rebuilt."""
    settings = {"objective": objective, "penalties": PENALTIES[penalty], "batch": 8}
    if penalty != "reconstruction":
        return players.recipe(**settings), players.points(40)
    recipe = players.picture_recipe("few_shot", **settings)
    player = replace(recipe.generator, width=4, depth=1)
    return replace(recipe, generator=player, discriminator=player), players.pictures(24, (3, 16, 16))


def playing(recipe: Recipe, data: Dataset):
    game = build_game(recipe, data.space)
    loader = Loader(data.train, data.space, seed=recipe.seed, device=torch.device("cpu"))
    return game, game.play(lambda: loader.batch_at(0, recipe.batch), Rng(5), Moment(0, 0, 0.0))


def gradients(game: torch.nn.Module, turn: Turn) -> dict[str, dict[str, Tensor]]:
    """What the referee takes: the mover's alone. The loss must reach every one of them."""
    mover = game.players[turn.player]
    names, parameters = zip(*mover.named_parameters(), strict=True)
    found = torch.autograd.grad(turn.loss.mean(), parameters, allow_unused=True, retain_graph=True)
    return dict(zip(names, found, strict=True))


@pytest.mark.parametrize(("objective", "penalty"), EVERY)
def test_every_turn_is_per_example_finite_and_reaches_the_whole_mover(objective: str, penalty: str):
    recipe, data = case(objective, penalty)
    game, play = playing(recipe, data)
    before = {name: value.clone() for name, value in game.players.state_dict().items()}
    movers: list[str] = []
    for turn in play:
        movers.append(turn.player)
        assert turn.loss.shape == (recipe.batch,)
        assert turn.loss.dtype == torch.float32
        assert torch.isfinite(turn.loss).all()
        assert all(torch.isfinite(value).all() for value in turn.notes.values())
        for name, gradient in gradients(game, turn).items():
            assert gradient is not None, f"{name} of the {turn.player} is not reached"
            assert torch.isfinite(gradient).all(), name
        total = sum(g.abs().sum() for g in gradients(game, turn).values())
        if not (objective == "began" and turn.player == "discriminator" and penalty == "none"):
            assert total > 0
    assert movers == ["discriminator", "generator"]
    assert all(parameter.grad is None for parameter in game.parameters())
    after = game.players.state_dict()
    statistics = ("running_", "num_batches", ".u", ".v", "_u", "_v")
    moved = [
        n for n, v in before.items() if not torch.equal(v, after[n]) and not any(s in n for s in statistics)
    ]
    assert moved == []  # playing moves nobody: that is the referee's


@pytest.mark.parametrize(("objective", "penalty"), EVERY)
def test_no_gradient_of_the_discriminators_turn_reaches_the_generator(objective: str, penalty: str):
    recipe, data = case(objective, penalty)
    game, play = playing(recipe, data)
    turn = next(play)
    assert turn.player == "discriminator"
    reached = torch.autograd.grad(
        turn.loss.mean(), list(game.players["generator"].parameters()), allow_unused=True
    )
    assert all(gradient is None for gradient in reached)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_state_goes_round(penalty: str):
    recipe, data = case("began" if penalty == "none" else "hinge", penalty)
    game, play = playing(recipe, data)
    list(play)  # buffers have moved
    twin = build_game(replace(recipe, seed=99), data.space)
    twin.load_state_dict(game.state_dict())
    assert all(torch.equal(value, twin.state_dict()[name]) for name, value in game.state_dict().items())
    losses = []
    for each in (game, twin):
        loader = Loader(data.train, data.space, seed=0, device=torch.device("cpu"))
        turns = each.play(lambda loader=loader: loader.batch_at(8, recipe.batch), Rng(6), Moment(8, 1, 0.5))
        losses.append([turn.loss.detach() for turn in turns])
    assert all(torch.equal(a, b) for a, b in zip(*losses, strict=True))


def test_the_number_tested_is_the_number_shipped():
    tested = {entry.name for entries in PENALTIES.values() for entry in entries}
    assert tested == set(DECLARED)
    assert len(OBJECTIVES) == 8


def test_a_game_whose_discriminator_sees_the_generator_would_be_caught(monkeypatch: pytest.MonkeyPatch):
    """A test of the test: without the detach, the discriminator's turn reaches the generator."""
    recipe, data = case("hinge", "none")
    game, play = playing(recipe, data)
    with monkeypatch.context() as patch:
        patch.setattr(Tensor, "detach", lambda self: self)
        turn = next(play)
    reached = torch.autograd.grad(
        turn.loss.mean(), list(game.players["generator"].parameters()), allow_unused=True
    )
    assert any(gradient is not None for gradient in reached)
