"""A discriminator of pairs: an example and what stands beside it."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from ganforge.networks.layers import leaky
from ganforge.networks.protocols import Discriminator

__all__ = ["JointDiscriminator"]


class JointDiscriminator(nn.Module):
    """Example and latent to logits: the joint discriminator D(x, z) of BiGAN and ALI.

    Donahue et al. 2017, 'Adversarial Feature Learning', section 3; Dumoulin et al. 2017, 'Adversarially
    Learned Inference', section 2.2. Two hidden layers read the latent; ``inner``, a discriminator of any
    family, takes what they find as its condition.

    Args:
        inner: takes conditions of ``width`` numbers.
        latent: numbers in a latent, with those of a class beside it.
        width: units of the hidden layers.
    """

    def __init__(self, inner: nn.Module, *, latent: int, width: int) -> None:
        super().__init__()
        self.inner = inner
        self.first = nn.Linear(latent, width)
        self.second = nn.Linear(width, width)

    @property
    def examples_are_independent(self) -> bool:
        return cast(Discriminator, self.inner).examples_are_independent

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """Those of ``inner``."""
        return cast(Discriminator, self.inner).features(x)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Examples ``(N, *space.shape)`` and latents ``(N, latent)`` to logits ``(N,)``."""
        assert condition is not None, "the joint discriminator judges pairs"
        return self.inner(x, leaky(self.second(leaky(self.first(condition)))))
