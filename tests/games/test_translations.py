"""The games of inputs: what holds for every game, and what each of them is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganforge import recipes
from ganforge.core.batch import Turn
from ganforge.core.declared import GAMES, OBJECTIVES
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Recipe, Term
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.data import Dataset
from ganforge.games import build_game
from ganforge.games.exchange import Exchange
from ganforge.runs.folder import Run
from ganforge.runs.inputs import read_inputs
from ganforge.runs.sampler import load
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Trainer
from ganforge.training.rounds import Rounds, loader_of
from tests import players

CASES: dict[str, Callable[[], Dataset]] = {
    "pix2pix": players.translated,
    "super-resolution": lambda: players.translated(source=(3, 4, 4)),
    "cyclegan": players.translated,
    "stargan": lambda: players.pictures(20, (3, 16, 16), classes=3),
    "bigan": lambda: players.pictures(20, (3, 16, 16)),
    "captions": players.captioned,
    "rows": players.table,
}


def small(name: str, **changes: object) -> tuple[Recipe, Dataset]:
    data = CASES[name]()
    recipe = recipes.find(name).maker(data.space, data.train.n)
    thin = {role: replace(getattr(recipe, role), width=8, depth=1) for role in ("generator", "discriminator")}
    return replace(recipe, **thin, batch=6, kimg=0.06, precision="float32", **changes), data


def played(recipe: Recipe, data: Dataset) -> tuple[nn.Module, list[Turn]]:
    game = build_game(recipe, data.space)
    loader = loader_of(data.train, recipe, data.space)
    return game, list(game.play(lambda: loader.batch_at(0, recipe.batch), Rng(5), Moment(0, 0, 0.0)))


def reached(turn: Turn, player: nn.Module) -> list[Tensor | None]:
    return list(
        torch.autograd.grad(turn.loss.mean(), list(player.parameters()), allow_unused=True, retain_graph=True)
    )


def test_every_game_is_tested():
    assert {small(name)[0].game for name in CASES} == set(GAMES)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan", "bigan"])
def test_every_objective_plays_every_game_alone_and_in_packs(name: str, objective: str):
    for packing in (1, 2):
        recipe, data = small(name, objective=objective, packing=packing)
        _, turns = played(recipe, data)
        for turn in turns:
            assert turn.loss.shape == (recipe.batch // packing,)
            assert torch.isfinite(turn.loss).all()


@pytest.mark.parametrize("name", CASES)
def test_every_turn_is_per_example_finite_and_reaches_the_whole_mover(name: str):
    recipe, data = small(name)
    game, turns = played(recipe, data)
    assert [turn.player for turn in turns] == ["discriminator", "generator"]
    for turn in turns:
        assert turn.loss.shape == (recipe.batch,)
        assert torch.isfinite(turn.loss).all()
        found = reached(turn, game.players[turn.player])
        assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in found)
        assert sum(float(gradient.abs().sum()) for gradient in found if gradient is not None) > 0


@pytest.mark.parametrize("name", CASES)
def test_no_gradient_of_the_discriminators_turn_reaches_the_generator(name: str):
    recipe, data = small(name)
    game, turns = played(recipe, data)
    assert all(gradient is None for gradient in reached(turns[0], game.players["generator"]))


@pytest.mark.parametrize("name", CASES)
def test_a_game_goes_on_from_its_state(name: str):
    recipe, data = small(name)
    one, twin = Rounds(recipe, data, Engine()), Rounds(replace(recipe, seed=9), data, Engine())
    for _ in range(3):
        one.play(0.2)
    twin = Rounds(recipe, data, Engine())
    twin.load(one.tensors())
    twin.nimg, twin.rounds = one.nimg, one.rounds
    for rounds in (one, twin):
        rounds.play(0.3)
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.game.state_dict().values(), twin.game.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan"])
def test_without_adversarial_weight_the_discriminator_does_not_play(name: str):
    recipe, data = small(name, adversarial_weight=0.0)
    if name == "pix2pix":
        recipe = replace(recipe, terms=(Term(name="l1", weight=2.0),))
    game, turns = played(recipe, data)
    assert [turn.player for turn in turns] == ["generator"]
    if name == "pix2pix":  # what remains is the distance to the target alone
        batch = loader_of(data.train, recipe, data.space).batch_at(0, recipe.batch)
        made = game.players["generator"](batch.source, None)
        assert torch.allclose(turns[0].loss, 2.0 * (made - batch.real).abs().flatten(1).mean(1))


def test_one_arrow_is_told_another_class_for_most():
    recipe, data = small("stargan")
    game = build_game(recipe, data.space)
    assert isinstance(game, Exchange)
    batch = loader_of(data.train, recipe, data.space).batch_at(0, 6)
    (way,) = game.directions(batch)
    assert way.wanted is not None
    assert torch.equal(way.wanted, batch.condition.roll(1, 0))  # the classes asked for are those of the batch
    assert way.there is way.back


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("pix2pix", {"terms": (Term(name="cycle"),)}, "cannot compute the term cycle"),
        ("cyclegan", {"terms": (Term(name="l1"),)}, "needs a target"),
        ("bigan", {"encoder": None}, "needs an encoder"),
        ("pix2pix", {"adversarial_weight": 0.0}, "feature_matching .* does not learn"),
        ("pix2pix", {"adversarial_weight": 0.0, "terms": ()}, "generator would learn nothing"),
    ],
)
def test_what_a_game_cannot_do_is_said(name: str, changes: dict[str, object], words: str):
    with pytest.raises(RecipeError, match=words):
        played(*small(name, **changes))


def test_an_exchange_without_a_second_domain_or_classes_is_refused():
    recipe, _ = small("cyclegan")
    with pytest.raises(RecipeError, match="--from"):
        build_game(recipe, players.pictures(20, (3, 16, 16)).space)


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan", "bigan"])
def test_a_run_is_trained_kept_and_opened(name: str, tmp_path: Path):
    recipe, data = small(name)
    run = Run.create(tmp_path / "run", recipe=recipe, space=data.space, data=data.manifest, info={})
    outcome = Trainer(run, data, Budget(kimg=0.06)).train()
    assert outcome.finished
    sampler = load(run.path)
    made = sampler.sample(5, seed=3)
    assert made.shape == (5, 3, 16, 16)
    assert made.dtype == torch.uint8
    assert torch.equal(made[2:4], sampler.sample(2, seed=3, start=2))
    kept = read_inputs(Run.open(run.path))
    assert (kept is None) == (name == "bigan")
    if kept is not None:
        source = data.train.values if data.train.sources is None else data.train.sources
        space = data.space if data.space.source is None else data.space.source
        assert torch.equal(space.to_declared(kept.inputs), torch.from_numpy(source[: len(kept.inputs)]))
    assert (run.path / "samples" / "000000000060.png").is_file()
