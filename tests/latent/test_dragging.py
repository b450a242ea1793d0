"""A point that is dragged goes where it shall be, and what is held stays: on a generator that is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.latent.dragging import drag, feature_grids
from ganforge.runs.sampler import GeneratorSampler

SIDE = 32


class Blobs(nn.Module):
    """Two spots of different make, at 10 + 4 (z0, z1) and at 22 + 4 (z2, z3)."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Identity()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        axis = torch.arange(float(SIDE))
        parts: list[Tensor] = []
        for at, middle in ((0, 10.0), (2, 22.0)):
            x, y = (middle + 4.0 * z[:, at + i, None, None, None] for i in range(2))
            square = (axis[None, None, None] - x).square() + (axis[None, None, :, None] - y).square()
            parts += [torch.exp(-square / (2.0 * width)) for width in range(1, 9)]
        features = self.map(torch.cat(parts, 1))
        return 2.0 * (features[:, :1] + features[:, 8:9]).clamp(0.0, 1.0) - 1.0


@pytest.fixture
def blobs() -> GeneratorSampler:
    space = Space(kind="pictures", shape=(1, SIDE, SIDE))
    return GeneratorSampler(Blobs(), space=space, prior=Prior(4))


def test_the_point_goes_where_it_shall_and_the_latent_grows_no_longer(blobs: GeneratorSampler) -> None:
    z = torch.tensor([[0.5, 0.5, 1.0, -1.0]])  # the first spot is at 12, 12
    found = drag(blobs, z, torch.tensor([[12.0, 12.0]]), torch.tensor([[8.0, 11.0]]), layer=0)
    assert found.grid == (SIDE, SIDE)
    assert found.share.item() > 0.75
    made = blobs.generate(found.latents[-1:])[0, 0]
    there = divmod(int(made[:20, :20].argmax()), 20)
    assert abs(there[1] - 8) <= 1  # x
    assert abs(there[0] - 11) <= 1
    assert found.latents[-1].norm() <= z.norm() + 1e-4
    assert torch.equal(found.latents[0], z[0])


def test_what_is_outside_is_held(blobs: GeneratorSampler) -> None:
    z = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    start = torch.tensor([[12.0, 12.0], [22.0, 22.0]])
    goal = torch.tensor([[8.0, 12.0], [26.0, 22.0]])
    free = drag(blobs, z, start, goal, layer=0)
    inside = torch.zeros(SIDE, SIDE)
    inside[:, :16] = 1.0
    held = drag(blobs, z, start, goal, layer=0, within=inside)
    assert free.latents[-1, 2] > 0.2
    assert held.latents[-1, 2].abs() < 0.1
    assert held.latents[-1, 0] < 0.0


def test_what_cannot_be_dragged_says_so(blobs: GeneratorSampler, linear: GeneratorSampler) -> None:
    z, one = torch.zeros(1, 4), torch.tensor([[3.0, 3.0]])
    with pytest.raises(UsageError, match="the point 32,3 is outside: x goes from 0 to 31, y to 31"):
        drag(blobs, z, one, torch.tensor([[32.0, 3.0]]))
    with pytest.raises(UsageError, match="there is no layer 4; there is 0: 32×32"):
        drag(blobs, z, one, one, layer=4)
    with pytest.raises(UsageError, match="points are dragged in pictures"):
        drag(linear, torch.zeros(1, 3), one, one)
    assert feature_grids(linear.network, torch.zeros(1, 3)) == {}
