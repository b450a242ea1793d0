"""Growing: what a new level adds begins at zero, what is not used yet rests, and the level is kept."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from ganforge.core.levels import grids
from ganforge.core.space import Space
from ganforge.networks.growing import (
    GrowingDiscriminator,
    GrowingGenerator,
    begins,
    growing,
    levels,
)
from ganforge.networks.layers import seeded
from ganforge.training.engine import Engine
from ganforge.training.optimisers import Optimiser
from ganforge.training.rounds import Rounds
from tests import players

SPACES = [
    Space(kind="pictures", shape=(3, 64, 64)),
    Space(kind="pictures", shape=(4, 33, 70)),
    Space(kind="waves", shape=(1, 128), sample_rate=8000),
    Space(kind="shapes", shape=(1, 32, 32, 32)),
]


def pair(space: Space, patch: int = 2, **of_generator: Any) -> tuple[GrowingGenerator, GrowingDiscriminator]:
    with seeded(5):
        g = GrowingGenerator(space=space, latent=6, width=8, depth=1, patch=patch, **of_generator)
        d = GrowingDiscriminator(space=space, width=8, depth=1, patch=patch)
    return g, d


def latents(n: int = 3) -> Tensor:
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("space", SPACES, ids=Space.describe)
@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("smooth", [False, True])
def test_growing_changes_no_sample_and_no_logit(space: Space, patch: int, smooth: bool) -> None:
    g, d = pair(space, patch=patch, smooth=smooth, body_styles=smooth, thin=4 if smooth else 0)
    z, x = latents(), torch.rand(3, *space.shape, generator=torch.Generator().manual_seed(2)) * 2 - 1
    made, judged = [], []
    for step in range(g.levels):
        g.grow(step)
        d.grow(step)
        made.append(g(z))
        judged.append(d(x))
        assert made[-1].shape == (3, *space.shape)
    assert g.levels == d.levels >= 2
    for one, other in pairwise(made):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    for one, other in pairwise(judged):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    # Once its weights are not zero, each level adds something.
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in (*g.parameters(), *d.parameters()):
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=noise))
    sooner = []
    for step in range(g.levels):
        g.grow(step)
        d.grow(step)
        sooner.append((g(z), d(x)))
    for (made_, judged_), (later, judged_later) in pairwise(sooner):
        assert not torch.allclose(made_, later, atol=1e-4)
        assert not torch.allclose(judged_, judged_later, atol=1e-5)


@pytest.mark.parametrize("space", SPACES, ids=Space.describe)
@pytest.mark.parametrize("smooth", [False, True])
def test_a_parameter_is_used_from_the_step_at_which_it_begins(space: Space, smooth: bool) -> None:
    for network in pair(space, smooth=smooth, body_styles=smooth, thin=4 if smooth else 0):
        own = begins(network)
        assert set(own) == set(range(network.levels))
        for step in range(network.levels):
            network.grow(step)
            x = latents() if isinstance(network, GrowingGenerator) else torch.rand(3, *space.shape)
            used = torch.autograd.grad(network(x).sum(), list(network.parameters()), allow_unused=True)
            assert [gradient is not None for gradient in used] == [begin <= step for begin in own]


def test_smooth_features_have_no_steps_and_styles_are_two_a_stage() -> None:
    plain, smooth = (pair(SPACES[0], patch=1, smooth=on, body_styles=on)[0] for on in (False, True))
    assert len(smooth.styles) == 2 * len(plain.styles) == 8

    def repeated(g: GrowingGenerator) -> bool:
        """Whether what enters the last body is alike within each square of 2 × 2."""
        seen: list[Tensor] = []
        last = g.get_submodule("stages.4.body.0")
        handle = last.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        g(latents())
        handle.remove()
        (x,) = seen
        return bool((x[:, :, ::2, ::2] == x[:, :, 1::2, 1::2]).all())

    assert repeated(plain)
    assert not repeated(smooth)


def test_each_side_is_halved_on_its_own() -> None:
    assert grids((64, 64)) == [(4, 4), (8, 8), (16, 16), (32, 32), (64, 64)]
    assert grids((16, 64)) == [(4, 4), (4, 8), (4, 16), (8, 32), (16, 64)]
    assert grids((33,)) == [(5,), (9,), (17,), (33,)]


def test_the_level_is_in_the_state() -> None:
    g, _ = pair(SPACES[0])
    g.grow(1)
    other, _ = pair(SPACES[0])
    assert other.level == 4
    other.load_state_dict(g.state_dict())
    assert other.level == 3
    torch.testing.assert_close(other(latents()), g(latents()), rtol=0, atol=0)
    assert copy.deepcopy(g).level == 3
    assert levels(g) == 3
    assert growing(torch.nn.Linear(2, 2)) == []


def test_adam_counts_the_moves_of_each_level_from_its_beginning() -> None:
    """The first move of a parameter under Adam is its rate, whenever it begins."""
    recipe = players.recipe()
    first, second = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    optimiser = Optimiser(recipe.generator, [first, second], [0, 1])
    optimiser.grow(0)
    assert optimiser.moving == [first]
    for _ in range(50):
        optimiser.step([torch.ones(2)], 0.0)
    assert not second.any()
    optimiser.grow(1)
    optimiser.step([torch.ones(2), torch.full((2,), 3.0)], 0.0)
    rate = recipe.generator.learning_rate
    torch.testing.assert_close(second.detach(), torch.full((2,), -rate), rtol=1e-4, atol=0)
    assert set(optimiser.tensors()) >= {"step", "step.1"}
    assert optimiser.tensors()["step.1"] == 1


def test_rounds_grow_when_a_share_of_the_budget_is_used_up_and_never_shrink() -> None:
    recipe = players.picture_recipe("growing", growth=(0.25, 0.25))
    data = players.pictures(shape=(1, 64, 64))
    rounds = Rounds(recipe, data, Engine())
    seen = []
    for progress in (0.0, 0.2, 0.25, 0.4, 0.3, 0.5, 0.9, 0.1):
        rounds.play(progress)
        seen.append(rounds.growth)
    assert seen == [0, 0, 1, 1, 1, 2, 2, 2]
    assert [part.level for part in growing(rounds.average.network)] == [4]
    again = Rounds(recipe, data, Engine())
    again.load(rounds.tensors())
    assert again.growth == 2


def test_reals_are_seen_as_coarse_as_samples_of_the_level_are() -> None:
    g, _ = pair(SPACES[0])
    g.grow(0)
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(4)) * 2 - 1
    seen = g.seen(x, g.level)
    coarse = torch.nn.functional.avg_pool2d(x, 4)
    once = torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(seen, torch.nn.functional.interpolate(once, scale_factor=2, mode="bilinear"))
    g.grow(9)
    torch.testing.assert_close(g.seen(x, g.level), x, rtol=0, atol=0)
