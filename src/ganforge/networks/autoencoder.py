"""A discriminator that is an autoencoder (BEGAN; Berthelot, Schumm & Metz 2017, section 3.1)."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits
from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks.layers import normalise_spectrally
from ganforge.networks.mlp import MlpGenerator, MlpTrunk
from ganforge.networks.residual import ResidualGenerator, ResidualTrunk

__all__ = ["AutoencoderDiscriminator"]


class AutoencoderDiscriminator(nn.Module, DiscriminatorTraits):
    """Sample to energy: how badly it is rebuilt from a code of a few numbers.

    The energy stands where other discriminators have a logit, but it is low for what looks real: it is
    for an objective made for it.

    Args:
        width, depth: of the encoder and of the decoder, as in their own family.
        body: the family of both: mlp, residual, or auto: residual where it allows the space.
        code: numbers in the code; few enough that it cannot copy.
        spectral_norm: whether each weight is divided by its largest singular value.
    """

    name = "autoencoder"
    words = "its error of rebuilding an example is its verdict"
    dims = (0, 1, 2, 3)
    smallest = 1

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        body: Literal["auto", "mlp", "residual"] = "auto",
        code: int = 64,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        able = space.dims in ResidualGenerator.dims and min(space.spatial) >= ResidualGenerator.smallest
        if body == "residual" and not able:
            raise RecipeError(f"residual is not for {space.describe()}; set discriminator.body to mlp")
        if able and body != "mlp":
            self.encoder = ResidualTrunk(
                space=space, width=width, depth=depth, block="dense", growth=1.5, cap=2.0
            )
            self.decoder = ResidualGenerator(
                space=space, latent=code, condition=condition, width=width, depth=depth
            )
            encoded = self.encoder.channels * math.prod(self.encoder.sides)
        else:
            self.encoder = MlpTrunk(
                inputs=space.size,
                width=width,
                depth=depth,
                activation="leaky_relu",
                fourier=0,
                residual=False,
            )
            self.decoder = MlpGenerator(
                space=space, latent=code, condition=condition, width=width, depth=depth
            )
            encoded = self.encoder.size
        self.code = nn.Linear(encoded, code)
        self.examples_are_independent = not spectral_norm
        if spectral_norm:
            normalise_spectrally(self)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The encoder's stages, and the code ``(N, code)`` last."""
        stages: tuple[Tensor, ...] = self.encoder(x)
        return (*stages, self.code(stages[-1].flatten(1)))

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` → the same, rebuilt from the code."""
        return self.decoder(self.features(x)[-1], condition)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` → mean absolute error ``(N,)`` (section 3.1, η = 1)."""
        return (self.reconstruct(x, condition) - x.float()).abs().flatten(1).mean(1)
