"""Directions against matrices whose eigenvectors are known, and their files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganforge.core.errors import RunError, UsageError
from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.latent import directions as axes
from ganforge.networks import generator, seeded
from ganforge.runs.sampler import GeneratorSampler
from tests.latent.conftest import MATRIX

ROOT_HALF = 0.5**0.5


def test_factorisation_of_a_known_matrix():
    # AᵀA = [[5, 4], [4, 5]]: eigenvalue 9 for (1, 1)/√2, and 1 for (1, −1)/√2
    weight = torch.tensor([[2.0, 1.0], [1.0, 2.0], [0.0, 0.0]])
    first, second = axes.factorised(weight, prior=Prior(2), count=5)
    assert first.vector.tolist() == pytest.approx([ROOT_HALF, ROOT_HALF], abs=1e-6)
    assert second.vector.abs().tolist() == pytest.approx([ROOT_HALF, ROOT_HALF], abs=1e-6)
    assert second.vector.prod() < 0
    assert (first.strength, second.strength) == pytest.approx((0.9, 0.1))


def test_coins_have_no_direction():
    found = axes.factorised(torch.eye(4), prior=Prior(4, bits=2), count=9)
    assert len(found) == 2
    assert all(one.vector[2:].tolist() == [0.0, 0.0] for one in found)


def test_principal_components_are_carried_back_to_latents():
    """Of features 3z₀, 2z₁, 1z₂, rotated, the directions are the axes in that order."""
    z = Prior(3).seeded(4000, seed=0)
    rotation = torch.linalg.qr(torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 4.0], [5.0, 6.0, 0.0]]))[0]
    features = (z * torch.tensor([3.0, 2.0, 1.0])) @ rotation + 7.0
    found = axes.principal(features, z, prior=Prior(3), count=3)
    for i, one in enumerate(found):
        assert one.vector[i] > 0.99
        assert one.vector.norm().item() == pytest.approx(1.0)
    assert [one.strength for one in found] == pytest.approx([9 / 14, 4 / 14, 1 / 14], abs=0.02)


def test_a_supervised_direction_is_the_gradient_of_a_linear_score():
    z = Prior(5, bits=1).seeded(3000, seed=1)
    truth = torch.tensor([0.6, -0.8, 0.0, 0.0])
    found = axes.supervised("x", z, z[:, :4] @ truth + 3.0, prior=Prior(5, bits=1))
    assert found.vector[:4] @ truth > 0.99  # the sign is that of the score
    assert found.vector[4] == 0
    assert 0.95 < found.strength <= 1.0
    noise = axes.supervised("noise", z, torch.rand(3000), prior=Prior(5, bits=1))
    assert 0.4 < noise.strength < 0.6
    rare = axes.supervised("rare", z, (z[:, 0] > 1.5).float(), prior=Prior(5, bits=1), threshold=0.5)
    assert rare.vector[0] > 0.97
    with pytest.raises(UsageError, match="too few samples differ in flat"):
        axes.supervised("flat", z, torch.ones(3000), prior=Prior(5, bits=1))


def test_effects_and_entanglement_of_a_linear_generator(linear: GeneratorSampler):
    """Along e₀ the first coordinate alone moves, by 2 · reach · 2; along e₂ both do."""
    z = linear.prior.seeded(2000, seed=2)
    found = [
        axes.Direction("first", "supervised", torch.tensor([1.0, 0.0, 0.0]), 1.0, reach=3.0),
        axes.Direction("third", "supervised", torch.tensor([0.0, 0.0, -1.0]), 1.0, reach=1.0),
    ]

    def measure(x: Tensor) -> dict[str, Tensor]:
        return {"x": x[:, 0], "y": x[:, 1]}

    seen = axes.effects(lambda latents: linear.generate(latents), linear.prior, found, measure, z)
    spread_x, spread_y = MATRIX.square().sum(1).sqrt().tolist()
    assert seen.change[0].tolist() == pytest.approx([12 / spread_x, 0.0], rel=0.05, abs=1e-4)
    assert seen.change[1].tolist() == pytest.approx([-1 / spread_x, 2 / spread_y], rel=0.05)
    assert seen.entanglement(0, 0) == pytest.approx(0.0, abs=1e-5)
    assert seen.entanglement(1, 1) == pytest.approx(spread_y / (2 * spread_x), rel=0.05)
    assert seen.flips[0, 0] > 0.98
    assert seen.returns[0, 0] > 0.98
    assert seen.flips[0, 1] == 0.0  # what does not move does not flip
    never = axes.effects(
        lambda latents: linear.generate(latents), linear.prior, found, measure, z, thresholds={"x": 1e3}
    )
    assert never.flips[0, 0] == 0.0


def test_moved_stays_in_the_cube_and_leaves_coins():
    z = Prior(4, "uniform", bits=1).seeded(20, seed=0)
    there = axes.shift(Prior(4, "uniform", bits=1), z, torch.tensor([1.0, 0.0, 0.0, 0.0]), 5.0)
    assert (there[:, 0] == 1).all()
    assert torch.equal(there[:, 1:], z[:, 1:])
    steps = axes.shift(Prior(2), torch.zeros(1, 2), torch.tensor([0.0, 1.0]), torch.tensor([-1.0, 2.0]))
    assert steps.tolist() == [[0.0, -1.0], [0.0, 2.0]]


@pytest.mark.parametrize("family", ["mlp", "dcgan", "residual", "few_shot"])
@pytest.mark.parametrize("condition", [0, 3])
def test_the_first_layer_of_every_family(family: str, condition: int):
    space = Space(kind="pictures", shape=(1, 16, 16))
    with seeded(0):
        network = generator(family, space=space, latent=6, condition=condition, width=8, depth=1).eval()
    asked = torch.eye(3)[:1].expand(50, -1) if condition else None
    first = axes.first_layer(network, 6, asked)
    assert first.weight.shape[1] == 6
    z = Prior(6).seeded(50, seed=0)
    features = first.features(z, asked)
    assert len(features) == 50
    assert features.std(0).max() > 0
    assert len(axes.principal(features, z, prior=Prior(6), count=3)) == 3
    with torch.no_grad():  # what it watched has left no hook behind
        assert all(not module._forward_pre_hooks for module in network.modules())


def test_a_first_layer_that_is_not_linear_in_the_latent_is_refused():
    space = Space(kind="points", shape=(2,))
    network = generator("mlp", space=space, latent=3, width=8, depth=2, options={"fourier": 2})
    with pytest.raises(UsageError, match="no linear map of the latent"):
        axes.first_layer(network, 3)


def test_directions_are_kept_with_the_weights_that_they_belong_to(tmp_path: Path):
    one = axes.Direction("slant", "supervised", torch.tensor([0.6, 0.8]), 0.9, reach=2.0)
    two = axes.Direction("light", "principal", torch.tensor([1.0, 0.0]), 0.1)
    axes.write_directions(tmp_path, [one], {"checkpoint": "a"})
    axes.write_directions(tmp_path, [two], {"checkpoint": "a"})
    found, info = axes.read_directions(tmp_path)
    assert [x.name for x in found] == ["slant", "light"]
    assert info == {"checkpoint": "a"}
    slant = axes.named(found, "slant")
    assert torch.equal(slant.vector, one.vector)
    assert (slant.kind, slant.strength, slant.reach) == ("supervised", 0.9, 2.0)
    with pytest.raises(UsageError, match="Did you mean 'slant'"):
        axes.named(found, "slnt")
    axes.write_directions(tmp_path, [two], {"checkpoint": "b"})
    assert [x.name for x in axes.read_directions(tmp_path)[0]] == ["light"]


def test_damaged_directions_are_told(tmp_path: Path):
    with pytest.raises(RunError, match="no directions"):
        axes.read_directions(tmp_path)
    axes.write_directions(tmp_path, [axes.Direction("a", "principal", torch.ones(2), 1.0)], {})
    vectors = tmp_path / "directions.safetensors"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"\x00")
    with pytest.raises(RunError, match="damaged"):
        axes.read_directions(tmp_path)
    record = json.loads((tmp_path / "directions.json").read_text())
    del record["directions"]
    (tmp_path / "directions.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="damaged"):
        axes.read_directions(tmp_path)
