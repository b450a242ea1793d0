"""Sample to latent: the way back through a generator."""

from __future__ import annotations

import math

from torch import Tensor, nn

from ganforge.core.space import Space
from ganforge.networks.layers import CONV, channels_at, halvings, leaky

__all__ = ["Encoder"]


class Encoder(nn.Module):
    """Sample, and condition if there is one, to latent.

    Sides are halved by 4-wide convolutions of stride 2 until the shortest is 4 to 7 (as in DCGAN, without
    normalisation); points, and what is smaller than 8 a side, go through hidden layers only.

    Args:
        latent: numbers in a latent.
        condition: numbers in a condition; 0 is none.
        width: channels of the first convolution; they double inwards, up to fourfold. Hidden layers have
            eight times as many units.
    """

    def __init__(self, *, space: Space, latent: int, condition: int = 0, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        wide, sides = space.channels, space.spatial
        if space.dims and min(sides) >= 8:
            for level in range(halvings(sides)):
                before, wide = wide, channels_at(level, width=width, growth=2, cap=4)
                layers += [CONV[space.dims](before, wide, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
                sides = tuple(side // 2 for side in sides)
        self.body = nn.Sequential(*layers, nn.Flatten())
        units = 8 * width
        self.first = nn.Linear(wide * math.prod(sides), units)
        self.asked = nn.Linear(condition, units, bias=False) if condition else None
        self.second = nn.Linear(units, units)
        self.output = nn.Linear(units, latent)

    def features(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` in model units, ``(N, C)`` → ``(N, 8 · width)``: its last hidden layer."""
        assert (self.asked is None) == (condition is None), "a condition is needed exactly if declared"
        h = self.first(self.body(x))
        if self.asked is not None and condition is not None:
            h = h + self.asked(condition)
        return leaky(self.second(leaky(h)))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` in model units, ``(N, C)`` → ``(N, latent)``, float32 also under autocast."""
        return self.output(self.features(x, condition)).float()
