"""Operations are counted as torch itself counts them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from ganforge.core.declared import DISCRIMINATORS, GENERATORS
from ganforge.core.space import Space
from ganforge.networks import discriminator, generator, seeded
from ganforge.networks.operations import Operations

SPACES = [Space(kind="points", shape=(3,)), Space(kind="waves", shape=(1, 256), sample_rate=8000)]
SPACES += [Space(kind="pictures", shape=(3, 32, 32)), Space(kind="shapes", shape=(1, 16, 16, 16))]
GENERATING = [(name, space) for name, kind in GENERATORS.items() for space in SPACES if kind.allows(space)]
JUDGING = [(name, space) for name in DISCRIMINATORS for space in SPACES if DISCRIMINATORS[name].allows(space)]


@pytest.mark.parametrize(("family", "space"), GENERATING)
def test_of_a_generator(family: str, space: Space):
    with seeded(0):
        network = generator(family, space=space, latent=6, condition=3, width=8, depth=1)
    agree(network.eval(), torch.randn(2, 6), torch.eye(3)[:2])


@pytest.mark.parametrize(("family", "space"), JUDGING)
def test_of_a_discriminator(family: str, space: Space):
    with seeded(0):
        network = discriminator(family, space=space, condition=0, width=8, depth=1)
    agree(network, torch.randn(2, *space.shape), None)


def agree(network: torch.nn.Module, x: torch.Tensor, condition: torch.Tensor | None):
    with torch.no_grad(), FlopCounterMode(display=False) as theirs:
        network(x, condition)
    with torch.no_grad(), Operations() as ours:
        network(x, condition)
    assert ours.total == theirs.get_total_flops() > 0


def test_by_hand_and_by_name():
    with Operations() as counted:
        assert torch.zeros(2, 3).matmul(torch.zeros(3, 4)).shape == (2, 4)
        assert counted.total == 2 * 2 * 3 * 4
        F.linear(torch.zeros(5, 3), weight=torch.zeros(4, 3), bias=torch.zeros(4))
        assert counted.total == 2 * 2 * 3 * 4 + 2 * 5 * 3 * 4
        F.conv2d(torch.zeros(1, 4, 5, 5), torch.zeros(6, 2, 3, 3), groups=2)
        assert counted.total == 48 + 120 + 2 * (6 * 3 * 3) * (2 * 3 * 3)
        torch.add(torch.zeros(9), torch.zeros(9))  # sums of numbers are not counted
    torch.matmul(torch.zeros(2, 3), torch.zeros(3, 4))
    assert counted.total == 48 + 120 + 1944
