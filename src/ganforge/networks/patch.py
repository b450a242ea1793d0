"""A discriminator of patches, at one or several scales.

Isola et al. 2017, arXiv 1611.07004, section 3.2 and appendix 6.1.2; Wang et al. 2018 (pix2pixHD),
arXiv 1711.11585, section 3.2.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits
from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks.layers import Places, normalise_spectrally

__all__ = ["PatchDiscriminator"]

_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class PatchDiscriminator(nn.Module, DiscriminatorTraits):
    """Sample to one logit for each overlapping patch: ``(N, scales, *grid)``.

    At depth 3 each logit sees 70 numbers a side, as the papers' does (depth 2: 34, depth 4: 142). The two
    layers after the strided ones are 3 and 5 wide, where the papers have 4 and 4: the field is the same,
    and the grid stays whole, so that it fits pictures of 8 a side too.

    The condition counts at each place by projection (Miyato & Koyama 2018). The input of a translation
    comes stacked on the sample's channels.

    Args:
        width: channels of the first stage; they double inwards, up to eightfold.
        depth: strided stages.
        scales: how many discriminators look; each further one sees the picture averaged down by 2 more.
            Their logits are brought to the finest grid, so that each scale weighs the same.
        normalisation: none, or instance, which makes it blind to contrast and to some colour.
        spectral_norm: whether each weight is divided by its largest singular value.

    Raises:
        RecipeError: the space is too small for so many stages and scales.
    """

    name = "patch"
    words = "a logit for each patch: texture is judged everywhere alike"
    dims = (1, 2, 3)
    smallest = 8

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        scales: int = 1,
        normalisation: Literal["none", "instance"] = "none",
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        if not 1 <= scales <= 3:
            raise RecipeError(f"discriminator.scales is {scales}; it must be 1, 2 or 3")
        instance = normalisation == "instance"
        needed = 2 ** (depth + scales - 1 + instance)  # statistics of a single place would be nothing
        if min(space.spatial) < needed:
            raise RecipeError(
                f"patch with depth {depth} and {scales} scales needs sides of {needed} at least, "
                f"not {space.describe()}; lower discriminator.depth or discriminator.scales"
            )
        self.pool = _POOL[space.dims]
        self.scales = nn.ModuleList(
            # Strided stages, and one that looks wider. Normalised but for the first, as in the papers.
            Places(
                space.channels,
                space.dims,
                condition=condition,
                width=width,
                stages=[(4, 2, 1)] * depth + [(3, 1, 1)],
                last=(5, 1, 2),
                instance=instance,
            )
            for _ in range(scales)
        )
        self.examples_are_independent = not spectral_norm
        if spectral_norm:
            normalise_spectrally(self)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The activations of each stage, finest scale first."""
        found: list[Tensor] = []
        for place, scale in enumerate(self.scales):
            assert isinstance(scale, Places)
            x = self.pool(x, 2) if place else x
            found += scale.features(x)
        return tuple(found)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, C, *sides)`` → ``(N, scales, *grid)`` with ``grid = sides // 2^depth``."""
        logits: list[Tensor] = []
        for place, scale in enumerate(self.scales):
            x = self.pool(x, 2) if place else x
            logits.append(scale(x, condition))
        grid = logits[0].shape[2:]
        return torch.cat([logits[0], *(F.interpolate(further, size=grid) for further in logits[1:])], 1)
