"""What holds for every objective, and how wrong names are answered."""

from __future__ import annotations

import pytest
import torch

from ganforge.core.declared import OBJECTIVES
from ganforge.core.errors import RecipeError
from ganforge.objectives.adversarial import adversarial

NAMES = OBJECTIVES
LEVELS = {"minimax": 0.0, "non_saturating": 0.0, "hinge": 0.0, "least_squares": 0.5}


@pytest.mark.parametrize("name", NAMES)
def test_signs(name: str) -> None:
    """The discriminator gains by raising r and lowering f, the generator by raising f."""
    objective = adversarial(name)
    if name == "began":
        objective.get_buffer("k").fill_(0.5)
    # Energies: minus the error of a discriminator that auto-encodes.
    start = -1.0 if name == "began" else 0.3
    real = torch.full((4,), start, requires_grad=True)
    fake = torch.full((4,), start, requires_grad=True)
    r, f = torch.autograd.grad(objective.discriminator(real, fake).mean(), (real, fake))
    assert (r < 0).all()
    assert (f > 0).all()
    (f,) = torch.autograd.grad(objective.generator(real, fake).mean(), fake)
    assert (f < 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_shapes_must_agree(name: str) -> None:
    objective = adversarial(name)
    with pytest.raises(AssertionError, match="must match"):
        objective.discriminator(torch.zeros(3), torch.zeros(3, 1))
    if objective.generator_sees_reals:
        with pytest.raises(AssertionError):
            objective.generator(torch.zeros(3), torch.zeros(3, 1))
        with pytest.raises(AssertionError):
            objective.generator(None, torch.zeros(3))
    else:
        assert objective.generator(None, torch.zeros(3)).shape == (3,)


@pytest.mark.parametrize("name", NAMES)
def test_finite_and_steep_at_extreme_logits_and_in_float32(name: str) -> None:
    objective = adversarial(name)
    real = torch.tensor([-80.0, 80.0, 1e4, -1e4], dtype=torch.bfloat16).requires_grad_()
    loss = objective.discriminator(real, real.flip(0)) + objective.generator(real, real.flip(0))
    assert loss.dtype == torch.float32
    (gradient,) = torch.autograd.grad(loss.sum(), real)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_level(name: str) -> None:
    """Where the level is free, adding a constant to all logits changes nothing (but BEGAN's energies)."""
    objective = adversarial(name)
    assert objective.level == LEVELS.get(name)
    if name == "began":
        return
    real, fake = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.3, 0.1, -1.0])
    same = torch.allclose(objective.discriminator(real, fake), objective.discriminator(real + 7, fake + 7))
    assert same == (objective.level is None)


def test_only_began_has_state() -> None:
    assert [name for name in NAMES if adversarial(name).state_dict()] == ["began"]
    assert not any(list(adversarial(name).parameters()) for name in NAMES)


def test_parts_add_up_where_promised() -> None:
    exceptions = ("relativistic_average", "began")  # a batch mean, a balance that moves with each part
    real, fake = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    for name in NAMES:
        whole = adversarial(name).discriminator(real, fake).mean()
        objective = adversarial(name)
        halves = [
            objective.discriminator(r, f).mean() for r, f in zip(real.chunk(2), fake.chunk(2), strict=True)
        ]
        assert torch.allclose(sum(halves) / 2, whole, atol=1e-6) == (name not in exceptions), name


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("relativstic", {}, "Did you mean 'relativistic'"),
        ("hinge", {"margin": 1.0}, "unknown option 'margin' of objective hinge; there is none"),
        ("began", {"diversty": 0.3}, "Did you mean 'diversity'"),
        ("began", {"diversity": 1.5}, "from 0 to 1"),
        ("began", {"rate": -1.0}, "0 or more"),
    ],
)
def test_wrong_names(name: str, options: dict[str, float], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        adversarial(name, **options)
    assert "\n" not in str(caught.value)
