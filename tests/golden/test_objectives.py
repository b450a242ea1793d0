"""Every objective against values worked out by hand, for vectors and for patches."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganforge.core.declared import OBJECTIVES
from ganforge.objectives.adversarial import adversarial

# r = (2, −1), f = (½, −3): no two of them are each other's opposite, so no flipped sign goes unseen.
REAL = [2.0, -1.0]
FAKE = [0.5, -3.0]

# sp(t) = log(1 + eᵗ) to six digits, from a table of logarithms:
# sp(−3) = .048587   sp(−2) = .126928   sp(−1) = .313262   sp(−½) = .474077  sp(½) = .974077
# sp(1) = 1.313262   sp(3) = 3.048587   sp(−1.5) = .201413   sp(1.5) = 1.701413  sp(2) = 2.126928
GOLDEN: dict[str, tuple[list[float], list[float]]] = {
    # sp(−2) + sp(½), sp(1) + sp(−3); −sp(½), −sp(−3)
    "minimax": ([1.101005, 1.361849], [-0.974077, -0.048587]),
    # the same; sp(−½), sp(3)
    "non_saturating": ([1.101005, 1.361849], [0.474077, 3.048587]),
    # ½·1 + ½·¼, ½·4 + ½·9; ½·¼, ½·16
    "least_squares": ([0.625, 6.5], [0.125, 8.0]),
    "wasserstein": ([-1.5, -2.0], [-0.5, 3.0]),
    # (1 − 2)₊ + 1.5, 2 + (1 − 3)₊
    "hinge": ([1.5, 2.0], [-0.5, 3.0]),
    # r − f = 1.5, 2
    "relativistic": ([0.201413, 0.126928], [1.701413, 2.126928]),
    # r̄ = ½, f̄ = −1.25: sp(−3.25) + sp(0), sp(−.25) + sp(−3.5); sp(0) + sp(3.25), sp(3.5) + sp(.25)
    "relativistic_average": (
        [math.log1p(math.exp(-3.25)) + math.log(2), math.log1p(math.exp(-0.25)) + math.log1p(math.exp(-3.5))],
        [math.log(2) + math.log1p(math.exp(3.25)), math.log1p(math.exp(3.5)) + math.log1p(math.exp(0.25))],
    ),
    # k = 0 at the start: ℓ(x); ℓ(G(z))
    "began": ([2.0, 1.0], [0.5, 3.0]),
}


def close(got: Tensor, expected: list[float] | float) -> None:
    torch.testing.assert_close(got, torch.tensor(expected), atol=2e-6, rtol=0)


def test_every_objective_has_golden_values() -> None:
    assert set(OBJECTIVES) == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_vector(name: str) -> None:
    objective = adversarial(name)
    discriminator, generator = GOLDEN[name]
    real = torch.tensor(REAL) if objective.generator_sees_reals else None
    close(objective.generator(real, torch.tensor(FAKE)), generator)
    close(objective.discriminator(torch.tensor(REAL), torch.tensor(FAKE)), discriminator)


@pytest.mark.parametrize("name", GOLDEN)
def test_patch_is_the_mean_of_its_logits(name: str) -> None:
    """Example 0 holds the pairs (r₀, f₀) thrice and (r₁, f₁) once; example 1 the other way round."""
    objective = adversarial(name)
    places = torch.tensor([[[0, 0], [0, 1]], [[1, 1], [1, 0]]])  # (2, 2, 2)
    real, fake = torch.tensor(REAL)[places], torch.tensor(FAKE)[places]
    a, b = (torch.tensor(values) for values in GOLDEN[name])
    generator, discriminator = objective.generator(real, fake), objective.discriminator(real, fake)
    assert generator.shape == discriminator.shape == (2,)
    # Each place of the batch holds both pairs once, so the relativistic means are those of the vectors.
    close(discriminator, [float((3 * a[0] + a[1]) / 4), float((3 * a[1] + a[0]) / 4)])
    close(generator, [float((3 * b[0] + b[1]) / 4), float((3 * b[1] + b[0]) / 4)])


def test_relativistic_average_compares_with_the_mean_of_the_batch() -> None:
    """Moving one fake changes the loss of every real; moving a fake changes no pair but its own in RpGAN."""
    real, fake = torch.zeros(3), torch.tensor([0.0, 0.0, 3.0])
    average = adversarial("relativistic_average").discriminator(real, fake)
    close(average, [math.log1p(math.e) + math.log(2), math.log1p(math.e) + math.log(2), 1.313262 + 3.048587])
    pairs = adversarial("relativistic").discriminator(real, fake)
    close(pairs, [math.log(2), math.log(2), 3.048587])


def test_began_balance() -> None:
    """k ← clip(k + λ(γℓ(x) − ℓ(G)), 0, 1), used first and moved after."""
    objective = adversarial("began", diversity=0.5, rate=0.1)
    k = objective.get_buffer("k")
    easy, hard = torch.tensor([8.0, -4.0]), torch.tensor([1.0, -1.0])  # ℓ = 6 and 1 on average
    close(objective.discriminator(easy, hard), [8.0, 4.0])
    close(k, 0.2)
    close(objective.discriminator(easy, hard), [8.0 - 0.2, 4.0 - 0.2])
    close(k, 0.4)
    objective.discriminator(hard, easy)  # .5 − 6 = −5.5, times .1: below 0
    close(k, 0.0)
    objective.discriminator(torch.full((2,), 100.0), hard)
    close(k, 1.0)
    objective.eval().discriminator(hard, easy)
    close(k, 1.0)
    assert list(objective.state_dict()) == ["k"]


def test_began_gradient_uses_the_balance_of_its_own_move() -> None:
    objective = adversarial("began", rate=0.1)
    objective.get_buffer("k").fill_(0.5)
    real, fake = torch.tensor([4.0, -2.0], requires_grad=True), torch.tensor([1.0, -3.0], requires_grad=True)
    objective.discriminator(real, fake).sum().backward()
    assert real.grad is not None
    assert fake.grad is not None
    close(real.grad, [1.0, -1.0])
    close(fake.grad, [-0.5, 0.5])
