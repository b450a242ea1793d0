"""Sample to latent: the way back through a generator."""

from __future__ import annotations

import math

from torch import Tensor, nn

from ganforge.core.space import Space
from ganforge.networks.layers import leaky
from ganforge.networks.mlp import MlpTrunk
from ganforge.networks.residual import ResidualGenerator, ResidualTrunk

__all__ = ["Encoder"]


class Encoder(nn.Module):
    """Sample, and condition if there is one, to latent.

    Its body is that of the residual discriminator where that allows the space, else that of mlp.

    Args:
        latent: numbers in a latent.
        condition: numbers in a condition; 0 is none.
        width: channels of the finest grid, or units.
        depth: blocks a stage, or hidden layers.
    """

    def __init__(
        self, *, space: Space, latent: int, condition: int = 0, width: int = 32, depth: int = 1
    ) -> None:
        super().__init__()
        if space.dims in ResidualGenerator.dims and min(space.spatial) >= ResidualGenerator.smallest:
            self.trunk: nn.Module = ResidualTrunk(
                space=space, width=width, depth=depth, block="dense", growth=1.5, cap=4.0
            )
            encoded = self.trunk.channels * math.prod(self.trunk.sides)
        else:
            self.trunk = MlpTrunk(
                inputs=space.size,
                width=4 * width,
                depth=depth + 2,
                activation="silu",
                fourier=0,
                residual=False,
            )
            encoded = self.trunk.size
        self.hidden = nn.Linear(encoded, 256)
        self.output = nn.Linear(256, latent)
        self.asked = nn.Linear(condition, 256, bias=False) if condition else None

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` in model units → ``(N, latent)``."""
        assert (self.asked is None) == (condition is None), "a condition is needed exactly if declared"
        h = self.hidden(leaky(self.trunk(x)[-1]).flatten(1))
        if self.asked is not None and condition is not None:
            h = h + self.asked(condition)
        return self.output(leaky(h))
