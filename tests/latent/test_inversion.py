"""From examples back to latents, where the answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.latent.inversion import (
    anomaly_scores,
    invert,
    read_encoder,
    train_encoder,
    write_encoder,
)
from ganforge.networks import generator, seeded
from ganforge.networks.encoder import Encoder
from ganforge.runs.sampler import GeneratorSampler
from tests.latent.conftest import Linear

SQUARE = torch.tensor([[1.0, 0.5], [0.0, 1.0]])


@pytest.fixture
def square() -> GeneratorSampler:
    """An invertible linear generator."""
    space = Space(kind="points", shape=(2,), offset=(1.0, -1.0), scale=(2.0, 3.0))
    return GeneratorSampler(Linear(SQUARE).requires_grad_(False), space=space, prior=Prior(2))


@pytest.fixture
def pictures() -> GeneratorSampler:
    space = Space(kind="pictures", shape=(1, 8, 8), classes=("a", "b"))
    with seeded(3):
        network = generator("mlp", space=space, latent=4, condition=2, width=16, depth=2)
    return GeneratorSampler(network.requires_grad_(False), space=space, prior=Prior(4), conditions=2)


def test_an_invertible_generator_is_inverted(square: GeneratorSampler):
    z = square.prior.seeded(20, seed=0)
    found = invert(square, square.generate(z), steps=300, prior_weight=0.0)
    torch.testing.assert_close(found.latents, z, rtol=0, atol=0.01)
    assert found.error.max() < 1e-4
    torch.testing.assert_close(found.rebuilt, square.generate(z), rtol=0, atol=0.05)


def test_the_prior_pulls_as_ridge_regression_does(square: GeneratorSampler):
    """For G = A z in two numbers: min |Az − x|²/2 + λ|z|²/4 has z = (AᵀA + λ/2)⁻¹ Aᵀx."""
    x = torch.tensor([[1.5, -2.0]])
    found = invert(square, square.space.to_declared(x), steps=400, restarts=1, prior_weight=0.5)
    expected = torch.linalg.solve(SQUARE.T @ SQUARE + 0.25 * torch.eye(2), SQUARE.T @ x[0])
    torch.testing.assert_close(found.latents[0], expected, rtol=0, atol=0.02)


def test_what_is_hidden_does_not_count_and_is_filled_in(square: GeneratorSampler):
    mask = torch.tensor([[0.0, 1.0]])
    x = torch.tensor([[1000.0, 2.0]])
    found = invert(square, x, mask=mask, steps=300, prior_weight=1e-3)
    assert found.error.item() < 1e-3
    assert found.filled[0, 1] == 2.0  # what is known stays as it was
    assert found.filled[0, 0] == found.rebuilt[0, 0]
    assert found.rebuilt[0, 0].abs() < 10


def test_realism_decides_what_the_mask_leaves_open(square: GeneratorSampler):
    mask = torch.tensor([[0.0, 1.0]])
    x = square.space.to_declared(torch.tensor([[0.0, 0.5]]))

    def near(target: float) -> Tensor:
        found = invert(
            square,
            x,
            mask=mask,
            steps=300,
            prior_weight=0.0,
            realism=lambda made, _: -20 * (made[:, 0] - target).square(),
            realism_weight=0.1,
        )
        return square.space.to_model(found.rebuilt)[0]

    assert near(1.0).tolist() == pytest.approx([1.0, 0.5], abs=0.1)
    assert near(-2.0).tolist() == pytest.approx([-2.0, 0.5], abs=0.1)


def test_coins_are_found_and_stay_coins():
    space = Space(kind="points", shape=(2,))
    prior = Prior(2, bits=1)
    sampler = GeneratorSampler(Linear(torch.eye(2)).requires_grad_(False), space=space, prior=prior)
    x = torch.tensor([[0.3, 1.0], [-0.7, -1.0], [2.0, 1.0]])
    found = invert(sampler, x, steps=150, restarts=2, prior_weight=0.0)
    torch.testing.assert_close(found.latents, x, rtol=0, atol=0.02)
    assert (found.latents[:, 1].abs() == 1).all()


def test_strange_examples_score_higher(square: GeneratorSampler):
    flat = GeneratorSampler(
        Linear(torch.tensor([[1.0], [1.0]])).requires_grad_(False),
        space=Space(kind="points", shape=(2,)),
        prior=Prior(1),
    )
    x = torch.tensor([[1.0, 1.0], [1.0, -1.0]])  # on the generator's line, and off it
    found = invert(flat, x, steps=200, prior_weight=0.0)
    scores = anomaly_scores(x, found, space=flat.space)
    assert scores.tolist() == pytest.approx([0.0, 1.0], abs=1e-3)
    doubled = anomaly_scores(x, found, space=flat.space, features=lambda x: 2 * x, feature_weight=0.5)
    assert doubled[1].item() == pytest.approx(1.0 + 0.5 * 4, abs=1e-2)


def test_an_encoder_learns_and_helps(pictures: GeneratorSampler):
    asked = torch.eye(2).repeat(8, 1)
    z = Prior(4).seeded(16, seed=99)
    x = pictures.generate(z, asked)

    def error(encoder: Encoder) -> float:
        with torch.no_grad():
            return (encoder(pictures.space.to_model(x), asked) - z).square().mean().item()

    raw = train_encoder(pictures, rounds=1, width=8, seed=1)
    trained = train_encoder(pictures, real=x, condition=asked, rounds=200, width=8, seed=1)
    assert error(trained) < 0.5 * error(raw)
    at_once = invert(pictures, x, condition=asked, encoder=trained, steps=0, restarts=0)
    searched = invert(pictures, x, condition=asked, encoder=trained, steps=40, restarts=0)
    assert searched.error.mean() < at_once.error.mean()
    again = train_encoder(pictures, real=x, condition=asked, rounds=200, width=8, seed=1)
    assert error(again) == error(trained)


@pytest.mark.parametrize("shape", [(3, 17, 9), (2, 32), (1, 8, 9, 10)])
def test_encoders_are_for_every_space(shape: tuple[int, ...]):
    kind = {2: "waves", 3: "pictures", 4: "shapes"}[len(shape)]
    space = Space(kind=kind, shape=shape)
    network = Encoder(space=space, latent=5, condition=3, width=4)
    out = network(torch.randn(2, *shape), torch.eye(3)[:2])
    assert out.shape == (2, 5)
    out.sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


def test_an_encoder_is_kept_with_the_generator_that_it_belongs_to(pictures: GeneratorSampler, tmp_path: Path):
    encoder = Encoder(space=pictures.space, latent=4, condition=2, width=8)
    write_encoder(tmp_path, encoder, checkpoint="a", rounds=10, width=8)
    found = read_encoder(tmp_path, pictures, checkpoint="a", rounds=10)
    assert found is not None
    assert isinstance(found, nn.Module)
    for own, read in zip(encoder.parameters(), found.parameters(), strict=True):
        assert torch.equal(own, read)
    assert read_encoder(tmp_path, pictures, checkpoint="b", rounds=10) is None
    assert read_encoder(tmp_path, pictures, checkpoint="a", rounds=11) is None
    record = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / "encoder.json").write_text(json.dumps(record | {"width": 16}))
    assert read_encoder(tmp_path, pictures, checkpoint="a", rounds=10) is None
    (tmp_path / "encoder.json").write_text(json.dumps(record))
    content = (tmp_path / "encoder.safetensors").read_bytes()
    (tmp_path / "encoder.safetensors").write_bytes(content[:-1] + b"\x07")
    assert read_encoder(tmp_path, pictures, checkpoint="a", rounds=10) is None
