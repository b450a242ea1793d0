"""Players of series: one writes them step by step from any beginning, the other judges them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng
from ganforge.core.space import Space
from ganforge.networks import discriminator, generator, seeded
from ganforge.networks.recurrent import _inverse
from tests import players


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    return players.series(tmp_path_factory.mktemp("series"), 40).space


@pytest.fixture(scope="module")
def real(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Tensor:
    values = players.series(tmp_path_factory.mktemp("again"), 40).train.values
    return space.to_model(torch.from_numpy(values))


def latent_of(space: Space) -> int:
    codec: Any = space.codec
    return codec.chances + codec.table.codec.chances + 8


def make(space: Space, **options: Any) -> Any:
    with seeded(1):
        return generator(
            "recurrent", space=space, latent=latent_of(space), width=16, depth=1, options=options
        )


def latents(space: Space, n: int) -> Tensor:
    return torch.randn(n, latent_of(space), generator=torch.Generator().manual_seed(2))


def test_a_latent_becomes_a_whole_series_that_ends_where_it_says(space: Space):
    G, codec = make(space), space.codec
    x = G(latents(space, 50)).detach()
    assert x.shape == (50, *space.shape)
    lasting: Any = x[:, : G.lasting]
    assert torch.equal(lasting, lasting[:, :, :1].expand_as(lasting))
    alive = codec.alive(lasting[:, :, 0])  # type: ignore[attr-defined]
    assert alive.sum((1, 2)).min() < space.shape[1]
    assert bool((x[:, G.lasting :] * (1.0 - alive) == 0).all())
    states = x[:, G.lasting :][:, G.states]
    assert set(states.unique().tolist()) == {0.0, 1.0}
    again = space.to_model(space.to_declared(x), torch.full((50, *codec.shape), 0.5))
    assert float((again[:, G.lasting :][:, G.states] != states).float().mean()) < 0.01


def test_what_is_given_stays_and_what_follows_depends_on_it(space: Space, real: Tensor):
    G = make(space)
    mask = torch.zeros(len(real), G.blocks + G.steps)
    mask[:, : G.blocks + 5] = 1.0
    x = G.complete(latents(space, len(real)), real, mask)
    assert torch.allclose(x[:, : G.lasting], real[:, : G.lasting], atol=1e-6)
    assert torch.allclose(x[:, :, :5], real[:, :, :5], atol=1e-6)
    other = real.clone()
    other[:, G.lasting + G.numbers[0], 4] += 1.0
    y = G.complete(latents(space, len(real)), other, mask)
    assert not torch.allclose(x[:, :, 5], y[:, :, 5])
    assert torch.equal(x[:, :, :4], y[:, :, :4])


def test_likelihood_is_that_of_what_is_written(space: Space, real: Tensor):
    """Series that a network writes are likelier to it than the same moved."""
    G = make(space, jitter=0.0)
    with torch.no_grad():
        G.onward.weight.mul_(0.5)
    z, mask = latents(space, 400), torch.ones(400, G.blocks + G.steps)
    own = G(z).detach()
    likely = G.likelihood(G.logits(z, own, mask), own, mask).detach()
    shifted = own.clone()
    shifted[:, G.lasting :][:, G.numbers] += 1.5 * (own[:, G.lasting :][:, G.numbers] != 0)
    unlikely = G.likelihood(G.logits(z, shifted, mask), shifted, mask).detach()
    assert likely.shape == (400,)
    assert float(likely.mean()) < float(unlikely.mean())


def test_the_inverse_of_a_triangle_is_exact():
    for size in (1, 2, 3, 7):
        below = torch.randn(4, size, size, generator=torch.Generator().manual_seed(size))
        whole = torch.eye(size) + torch.tril(below, -1)
        assert torch.allclose(whole @ _inverse(below), torch.eye(size).expand(4, -1, -1), atol=1e-3)


def test_half_of_the_series_begin_somewhere(space: Space):
    G = make(space)
    mask = G.masks(Rng(0), 4_000)
    blocks, steps = mask[:, : G.blocks], mask[:, G.blocks :]
    begun = steps.any(1)
    assert 0.4 < float(begun.float().mean()) < 0.55
    assert bool((blocks[begun] == 1).all())  # what lasts is known with a beginning
    assert bool((steps[:, 1:] <= steps[:, :-1]).all())
    assert 0.4 < float(blocks[~begun].mean()) < 0.6


def test_every_parameter_learns_from_both_losses(space: Space, real: Tensor):
    G = make(space)
    z, mask = latents(space, len(real)), G.masks(Rng(1), len(real))
    loss = G.likelihood(G.logits(z, real, mask), real, mask).mean()
    found = torch.autograd.grad(loss, list(G.parameters()), allow_unused=True)
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in found)
    with seeded(2):
        D: Any = discriminator("recurrent", space=space, width=8, depth=1)
    x = G.fill(None, z, real, torch.zeros_like(mask))
    logits = D(x, mask)
    assert logits.shape == (len(real),)
    assert not torch.equal(logits, D(x, torch.zeros_like(mask)))
    assert torch.equal(D(x), D(x, torch.zeros_like(mask)))
    gradient = torch.autograd.grad(logits.sum(), G.before.weight)[0]
    assert float(gradient.abs().max()) > 0


def test_what_does_not_fit_is_said(space: Space):
    with pytest.raises(RecipeError, match=r"latent is 3; these series need at least .* --set latent="):
        generator("recurrent", space=space, latent=3, width=8, depth=1)
    with pytest.raises(RecipeError, match="components is 0"):
        make(space, components=0)
    with pytest.raises(RecipeError, match="recurrent is not for"):
        generator("recurrent", space=Space(kind="points", shape=(2,)), latent=3, width=8, depth=1)


def of_tokens(condition: int = 0, **options: Any) -> tuple[Any, Tensor]:
    """A generator of music, and passages in model units."""
    data = players.passages()
    with seeded(1):
        G = generator(
            "recurrent",
            space=data.space,
            latent=data.space.codec.chances + 8,  # type: ignore[attr-defined]
            condition=condition,
            width=16,
            depth=1,
            options={"chained": True, "jitter": 0.0, **options},
        )
    return G, data.space.to_model(torch.from_numpy(data.train.values))


def test_what_is_held_goes_on_and_a_chain_sees_what_stands_before_it_in_the_step():
    G, real = of_tokens()
    z = torch.randn(20, G.front + G.codec.chances, generator=torch.Generator().manual_seed(2))
    x = G(z).detach()
    for k, flag in G.held.items():
        held = (x[:, G.groups[flag], 1:] == 0).expand(-1, len(G.groups[k]), -1)
        assert torch.equal(x[:, G.groups[k], 1:][held], x[:, G.groups[k], :-1][held])
    assert torch.equal(x, x.round())
    mask = torch.zeros(len(real), G.steps)
    zero = torch.zeros(len(real), G.front + G.codec.chances)
    found = G.logits(zero, real, mask)
    other = real.clone()
    last = G.groups[-2]  # whether the last voice begins
    other[:, last, 5] = 1.0 - other[:, last, 5]
    apart = (G.logits(zero, other, mask).states != found.states).any(0)
    assert not bool(apart[:5].any())
    assert not bool(apart[5, : last[0] + 1].any())
    assert bool(apart[5, last[0] + 1 :].any())


def test_ties_of_notes_are_the_same_in_every_key():
    G, real = of_tokens(related=True)
    ties = G.relations
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in [*ties.ties, *ties.keys]:
            weight.copy_(torch.randn(weight.shape, generator=generator))
    states = real[:, G.states].transpose(1, 2)  # (N, T, S)
    k = ties.groups[-1]
    h = torch.randn(1, 16, generator=generator)
    own, before = ties.spans[k], states[:1, 3] * 0
    heard, now = torch.zeros(1, 12), states[:1, 3] * 0
    for j, high in zip(ties.groups[:2], (2, 3), strict=True):
        now[:, ties.spans[j].start + high] = 1.0
    heard[:, (ties.low + 4) % 12] = heard[:, ties.low % 12] = 1.0
    found = ties(k, h, now[:, : G.spans[k].start], before, ties.classes(now))
    higher = torch.cat([now[:, :1] * 0, now[:, :-1]], 1)  # each a semitone higher
    moved = ties(k, h, higher[:, : G.spans[k].start], before, ties.classes(higher))
    skip = G.spans[k].stop - own.stop + (own.start - G.spans[k].start)
    assert torch.allclose(moved[:, skip + 1 :], found[:, skip:-1], atol=1e-5)
    assert bool((found[:, :skip] == 0).all())  # a rest has no place on the scale
    assert not torch.allclose(found[:, skip:], found[:, skip:].mean())


def test_what_is_written_with_ties_is_as_likely_as_the_likelihood_says():
    G, real = of_tokens(related=True)
    with torch.no_grad():
        for i, weight in enumerate([*G.relations.ties, *G.relations.keys]):
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(i)))
    n = len(real)
    mask = torch.cat([torch.ones(n, 20), torch.zeros(n, G.steps - 20)], 1)
    z = torch.zeros(n, G.front + G.codec.chances)  # no noise: of each group the likeliest
    x = G.complete(z, real, mask)
    found = G.logits(z, x, torch.zeros_like(mask)).states
    for span, group in zip(G.spans, G.groups, strict=True):
        if len(group) > 1:
            likeliest = found[:, 20:, span].argmax(2)
            assert torch.equal(likeliest, x[:, group, 20:].argmax(1))
    with pytest.raises(RecipeError, match="on a scale"):
        of_tokens(related=True, chained=False)


def test_voices_that_are_held_stay_and_the_others_hear_them():
    G, real = of_tokens()
    first = torch.zeros(1, len(G.states))
    first[:, : G.spans[1].stop] = 1.0  # the highest voice
    z = torch.randn(len(real), G.front + G.codec.chances, generator=torch.Generator().manual_seed(2))
    mask = torch.zeros(len(real), G.steps)
    x, y = (G.complete(z, one, mask, first.expand(len(real), -1)) for one in (real, real.flip(0)))
    assert torch.equal(x[:, : G.spans[1].stop], real[:, : G.spans[1].stop])
    assert not torch.equal(x[:, G.spans[1].stop :], y[:, G.spans[1].stop :])


def test_a_condition_reaches_every_step_of_both_players():
    G, real = of_tokens(2, judged_every=3)
    with seeded(2):
        D: Any = discriminator("recurrent", space=G.codec.space, condition=2, width=8, depth=1)
    z = torch.randn(4, G.front + G.codec.chances, generator=torch.Generator().manual_seed(2))
    first, second = torch.eye(2)
    x, y = (G(z, one.expand(4, 2)) for one in (first, second))
    assert not torch.equal(x, y)
    some = real[:4]
    asked = first.expand(4, 2)
    nothing = torch.zeros(4, G.blocks + G.steps)
    assert torch.allclose(D(some, asked), D(some, torch.cat([nothing, asked], 1)))
    assert not torch.allclose(D(some, asked), D(some, second.expand(4, 2)))
    for options in ({"judged_every": 0}, {"components": 0}):
        with pytest.raises(RecipeError, match="must be at least 1"):
            of_tokens(**options)
