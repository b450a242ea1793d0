"""The game of pairs: what the joint discriminator sees, what each player lowers, and that E inverts G."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch
from ganforge.core.errors import RecipeError
from ganforge.core.prior import Prior
from ganforge.core.recipe import Penalty, Player, Recipe, Term
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.data import Loader
from ganforge.games import build_game
from ganforge.games.inference import Inference
from ganforge.networks.encoder import Encoder
from ganforge.networks.players import Inverse
from ganforge.objectives.adversarial import adversarial
from ganforge.objectives.augment import augment
from ganforge.objectives.penalties import penalties
from ganforge.recipes import bigan
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from tests import players

NOW = Moment(0, 0, 0.0)


def recipe(**changes: Any) -> Recipe:
    """A tiny game of pairs: every mechanism of the recipe on."""
    encoder = Player(family="encoder", width=2)
    return players.recipe(
        game="inference", encoder=encoder, terms=(Term(name="cycle", weight=3.0),), **changes
    )


def playing(wanted: Recipe, data: Any):
    game = build_game(wanted, data.space)
    loader = Loader(data.train, data.space, seed=0, device=torch.device("cpu"))
    return game, game.play(lambda: loader.batch_at(0, wanted.batch), Rng(5), NOW)


@pytest.mark.parametrize(("kind", "classes"), [("points", 0), ("pictures", 0), ("pictures", 3)])
def test_each_turn_is_per_example_and_reaches_its_mover_alone(kind: str, classes: int):
    if kind == "points":
        wanted, data = recipe(), players.points(40)
    else:
        data = players.pictures(40, (1, 16, 16), classes)
        player = Player(family="dcgan", width=4, depth=0)
        judge = replace(player, options={"normalisation": "none"})
        wanted = recipe(generator=player, discriminator=judge, conditional=bool(classes))
    game, play = playing(wanted, data)
    for name in ("discriminator", "generator"):
        turn = next(play)
        assert turn.player == name
        assert turn.loss.shape == (wanted.batch,)
        assert torch.isfinite(turn.loss).all()
        for own, parameter in game.players[name].named_parameters():
            found = torch.autograd.grad(turn.loss.mean(), parameter, retain_graph=True, allow_unused=True)[0]
            assert found is not None, f"{own} of the {name} is not reached"
        if name == "discriminator":
            other = list(game.players["generator"].parameters())
            reached = torch.autograd.grad(turn.loss.mean(), other, retain_graph=True, allow_unused=True)
            assert all(gradient is None for gradient in reached)
    assert next(play, None) is None
    assert set(turn.notes) == {"cycle"}


def test_packs_are_judged_together():
    wanted = recipe(packing=2)
    _, play = playing(wanted, players.points(40))
    losses = [turn.loss for turn in play]
    assert [loss.shape for loss in losses] == [(wanted.batch // 2,)] * 2


class Times(nn.Module):
    """x to a·x + b."""

    def __init__(self, a: float, b: float = 0.0) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(a)), b

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.a * x + self.b


class Tells(nn.Module):
    """D(x, z) = x − 3z, and what it was shown."""

    examples_are_independent = True

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.shown: list[tuple[Tensor, Tensor]] = []

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x,)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        assert condition is not None
        self.shown.append((x.detach(), condition.detach()))
        return self.scale * (x - 3 * condition).sum(1)


def by_hand(*entries: Penalty) -> Inference:
    """G(z) = 2z, E(x) = x/4 + 1, on numbers."""
    terms = penalties(entries)
    return Inference(
        prior=Prior(1),
        generator=Inverse(Times(2.0), Times(0.25, 1.0)),
        discriminator=Tells(),
        objective=adversarial("non_saturating"),
        penalties=terms,
        augment=augment(players.recipe().augmentation, players.points().space, level=0.0),
    )


def test_a_penalty_of_fakes_sees_the_fakes_latents():
    """D(x, z) = x·z: ‖∇D‖² by x is z² of the real pair for r1, of the fake pair for r2."""

    class Product(Tells):
        def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
            assert condition is not None
            return self.scale * (x * condition).sum(1)

    x, z = 0.8, Prior(1)(Rng(7), 1).item()
    plain = by_hand()
    plain.players["discriminator"] = Product()
    for name, latent in (("r1", x / 4 + 1), ("r2", z)):
        game = by_hand(Penalty(name=name, weight=4.0))
        game.players["discriminator"] = Product()
        losses = [
            next(one.play(lambda: Batch(torch.tensor([[x]])), Rng(7), NOW)).loss.item()
            for one in (game, plain)
        ]
        assert losses[0] - losses[1] == pytest.approx(4.0 / 2 * latent**2, rel=1e-4), name


def test_state_goes_round_and_a_round_repeats():
    data, wanted = players.points(40), recipe()
    one, two = (Rounds(wanted, data, Engine(device=torch.device("cpu"))) for _ in range(2))
    for _ in range(3):
        one.play()
    two.load(one.tensors())
    two.nimg, two.rounds = one.nimg, one.rounds
    for rounds in (one, two):
        rounds.play()
    for name, value in one.tensors()["game"].items():
        assert torch.equal(value, two.tensors()["game"][name]), name
    assert isinstance(one.average.network, Inverse)


def test_terms_that_the_game_does_not_have_are_refused():
    with pytest.raises(RecipeError, match="cycle"):
        build_game(replace(recipe(), terms=(Term(name="l1"),)), players.points().space)
    with pytest.raises(RecipeError, match="needs an encoder"):
        replace(recipe(), encoder=None)


def test_the_encoder_learns_the_way_back():
    """Points of two coordinates: after 500 rounds z comes back, and only its own."""
    data = players.points(400)
    wanted = replace(bigan.recipe(data.space, 400), kimg=32, ema_nimg=500, seed=1)
    small = replace(wanted.generator, width=32, depth=2, learning_rate=2e-3)
    wanted = replace(wanted, generator=small, discriminator=small)
    assert wanted.latent == 2
    rounds = Rounds(wanted, data, Engine(device=torch.device("cpu")))

    def missed() -> float:
        both = rounds.average.network
        assert isinstance(both, Inverse)
        with torch.no_grad():
            z = Prior.of(wanted).seeded(500, seed=9)
            return (both.encode(both(z)) - z).abs().mean().item()

    before = missed()
    while rounds.nimg < 32_000:
        rounds.play(rounds.nimg / 32_000)
    assert before > 0.6
    assert missed() < 0.25
    both = rounds.average.network
    assert isinstance(both, Inverse)
    with torch.no_grad():
        z = Prior.of(wanted).seeded(500, seed=9)
        made = both(z)
        assert made.std(0).min() > 0.6  # of 1: nothing has collapsed
        # The discriminator knows which latent belongs to which example.
        judge = rounds.game.players["discriminator"]
        right, wrong = judge(made, z), judge(made, z.roll(1, 0))
    assert (right - wrong).abs().mean() > 0.1


def test_the_encoder_of_pictures_gives_its_last_hidden_layer():
    space = players.pictures(4, (1, 16, 16)).space
    encoder = Encoder(space=space, latent=5, width=4)
    x = torch.randn(3, 1, 16, 16)
    assert encoder.features(x).shape == (3, 32)
    assert torch.equal(encoder.output(encoder.features(x)), encoder(x))
