"""Samplers whose mathematics is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.networks import discriminator, seeded
from ganforge.runs.discriminator import Judge
from ganforge.runs.sampler import GeneratorSampler

MATRIX = torch.tensor([[2.0, 0.0, 0.5], [0.0, 1.0, -1.0]])  # (2, 3): points from three numbers


class Linear(nn.Module):
    """G(z) = z Aᵀ."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.map = nn.Linear(matrix.shape[1], matrix.shape[0], bias=False)
        self.map.weight.data.copy_(matrix)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.map(z)


class Slope(nn.Module):
    """D(x) = w · x, over all numbers of an example; features are x itself."""

    examples_are_independent = True

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x,)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return (x * self.weight).flatten(1).sum(1)


@pytest.fixture
def linear() -> GeneratorSampler:
    """A linear generator of points, its prior three normal numbers."""
    space = Space(kind="points", shape=(2,))
    return GeneratorSampler(Linear(MATRIX).requires_grad_(False), space=space, prior=Prior(3))


@pytest.fixture
def picture_space() -> Space:
    return Space(kind="pictures", shape=(1, 4, 4))


@pytest.fixture
def slope(picture_space: Space) -> Judge:
    """A linear discriminator of 4×4 pictures whose weights are −8 … 7."""
    return Judge(Slope(torch.arange(16.0).reshape(1, 4, 4) - 8), space=picture_space)


@pytest.fixture
def batch_judge() -> Judge:
    """A discriminator with batch statistics."""
    space = Space(kind="pictures", shape=(1, 16, 16))
    with seeded(1):
        network = discriminator("dcgan", space=space, width=4, depth=0)
    return Judge(network, space=space)
