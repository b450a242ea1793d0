"""The page that shows one step is the step that is made."""

from __future__ import annotations

import importlib.util
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from ganforge.core.prior import Prior
from ganforge.core.recipe import Augmentation, Penalty, Player
from ganforge.core.rng import Rng, key
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds, loader_of
from tests import players

PAGE = Path(__file__).parents[2] / "examples/minimal.py"


def page() -> Any:
    spec = importlib.util.spec_from_file_location("minimal", PAGE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_one_page():
    assert len(PAGE.read_text().splitlines()) <= 60


def test_a_step_of_the_page_and_a_round_of_the_referee_are_equal_in_every_bit():
    player = Player(
        family="mlp", width=16, depth=2, options={"activation": "silu"}, learning_rate=1e-3, beta2=0.9
    )
    gamma, step = 0.3, page().step
    recipe = players.recipe(
        generator=player,
        discriminator=player,
        penalties=(Penalty(name="r1", weight=gamma), Penalty(name="r2", weight=gamma)),
        augmentation=Augmentation(),
        ema_ramp=0.0,
    )
    data = players.points()
    rounds = Rounds(recipe, data, Engine("cpu"))
    G, D = (deepcopy(rounds.game.players[name]) for name in ("generator", "discriminator"))
    average = deepcopy(G).requires_grad_(False)
    adams = [torch.optim.Adam(each.parameters(), 1e-3, betas=(0.0, 0.9), fused=True) for each in (G, D)]
    loader, rng = loader_of(data.train, recipe, data.space), Rng(key(recipe.seed, 3))
    for i in range(5):
        real = loader.batch_at(i * recipe.batch, recipe.batch).real
        z = Prior.of(recipe)(rng.move_to(i * recipe.batch), recipe.batch)
        decay = 0.5 ** (recipe.batch / recipe.ema_nimg)
        step(G, D, *adams, average, real, z, gamma=gamma, decay=decay)
        rounds.play()
        own = (*G.parameters(), *D.parameters(), *average.parameters())
        followed = (*rounds.game.players.parameters(), *rounds.average.network.parameters())
        assert all(torch.equal(a, b) for a, b in zip(own, followed, strict=True)), f"round {i}"
    assert not all(torch.equal(a, b) for a, b in zip(G.parameters(), average.parameters(), strict=True))
