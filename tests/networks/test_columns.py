"""Players of rows: what every family keeps to, and that any columns can be given."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ganforge.core.declared import DISCRIMINATORS, GENERATORS
from ganforge.core.errors import RecipeError
from ganforge.networks import discriminator, generator, seeded
from tests import players

TABLE = players.table()
SPACE: Any = TABLE.space
CODEC: Any = SPACE.codec
LATENT = CODEC.chances + 6
BLOCKS = len(CODEC.blocks)


def make_generator(seed: int = 1, **options: Any) -> Any:
    with seeded(seed):
        return generator("columns", space=SPACE, latent=LATENT, width=8, depth=1, options=options)


def make_discriminator(seed: int = 2) -> Any:
    with seeded(seed):
        return discriminator("columns", space=SPACE, width=8, depth=1)


def latents(n: int) -> torch.Tensor:
    return torch.randn(n, LATENT, generator=torch.Generator().manual_seed(3))


def reals(n: int) -> torch.Tensor:
    return SPACE.to_model(torch.from_numpy(TABLE.train.values[:n]))


def test_they_are_for_rows_alone():
    for registry in (GENERATORS, DISCRIMINATORS):
        assert registry["columns"].allows(SPACE)
        assert not registry["columns"].allows(players.points().space)
    with pytest.raises(RecipeError, match=f"--set latent={CODEC.chances + 32}"), seeded(1):
        generator("columns", space=SPACE, latent=CODEC.chances, width=8, depth=1)


@pytest.mark.parametrize("options", [{"passes": 1}, {"passes": 2}, {"passes": 16}, {"copula": 0.1}], ids=str)
def test_what_is_given_is_kept_and_the_rest_is_a_row(options: dict[str, Any]):
    G, x = make_generator(**options), reals(40)
    mask = (torch.rand(40, BLOCKS, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    made = G.complete(latents(40), x, mask)
    kept = CODEC.spread(mask) > 0
    assert torch.equal(made[kept], x[kept])
    for block, channels in CODEC.slices:
        hot = made[:, channels][:, : block.levels]
        assert torch.allclose(hot.sum(1), torch.ones(40), atol=1e-5)
        assert hot.detach().amax(1).allclose(torch.ones(40), atol=1e-5)
    codes = SPACE.to_declared(made.detach())
    assert torch.equal(SPACE.to_declared(SPACE.to_model(codes)), codes)


def test_a_later_column_knows_the_earlier_ones_and_only_with_passes():
    one, many = make_generator(passes=1), make_generator(passes=16)
    assert len(one.groups) == 1
    assert len(many.groups) == BLOCKS
    z, other = latents(64), latents(64)
    other = torch.cat(
        [other[:, : LATENT - CODEC.chances] * 0 + z[:, : LATENT - CODEC.chances], z[:, -CODEC.chances :]], 1
    )
    assert torch.equal(one(z), one(other))


@pytest.mark.parametrize("copula", [0.0, 0.1])
def test_every_parameter_learns_from_the_likelihood_and_from_the_discriminator(copula: float):
    G, D, x = make_generator(copula=copula), make_discriminator(), reals(32)
    mask = (torch.rand(32, BLOCKS, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    for loss in ("likelihood", "game"):
        G.zero_grad()
        logits = G.logits(latents(32), x, mask)
        made = G.fill(logits, latents(32), x, mask)
        (G.likelihood(logits, x, mask) if loss == "likelihood" else D(made, mask)).sum().backward()
        for name, parameter in G.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_likelihood_is_the_mean_over_hidden_columns():
    G, x = make_generator(), reals(3)
    foreseen, mask = G.logits(latents(3), x, torch.zeros(3, BLOCKS)), torch.zeros(3, BLOCKS)
    logits = foreseen.logits
    mask[1, 1:] = 1.0
    mask[2] = 1.0
    found = G.likelihood(foreseen, x, mask)
    first = CODEC.blocks[0].levels
    level = x[1, :first].argmax()
    assert found[1].item() == pytest.approx(-torch.log_softmax(logits[1, :first], 0)[level].item(), rel=1e-5)
    assert found[2].item() == 0.0
    assert found[0] > 0


def test_what_is_added_to_a_copula_costs():
    near, far = make_generator(copula=0.1), make_generator(copula=0.3)
    x, mask = reals(4), torch.zeros(4, BLOCKS)
    found = near.logits(latents(4), x, mask)
    extra = far.likelihood(found, x, mask) - near.likelihood(found, x, mask)
    assert torch.allclose(extra, 0.2 * found.own.square().sum(1) / BLOCKS, atol=1e-6)
    assert extra.min() > 0


@pytest.mark.parametrize("copula", [0.0, 0.1])
def test_state_seed_and_export(copula: float):
    one, same, other = (make_generator(seed, copula=copula) for seed in (5, 5, 6))
    z = latents(4)
    assert torch.equal(one(z), same(z))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(z), other(z))
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.export.export(
        one.eval().requires_grad_(False), (latents(2),), dynamic_shapes=({0: batch},)
    )
    torch.testing.assert_close(program.module()(z), one(z))


def test_the_discriminator_heeds_what_was_given_and_judges_each_row_alone():
    D, x = make_discriminator(), reals(8)
    logits = D(x)
    assert logits.shape == (8,)
    assert torch.equal(logits, D(x, torch.zeros(8, BLOCKS)))
    assert not torch.equal(logits, D(x, torch.ones(8, BLOCKS)))
    assert D(x[:3]).allclose(logits[:3], atol=1e-6)
    assert D.features(x)[0].shape == (8, 8)
