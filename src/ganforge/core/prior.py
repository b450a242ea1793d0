"""What the generator makes samples from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from ganforge.core.recipe import Recipe
from ganforge.core.rng import Rng, permutation, seeded_numbers

__all__ = ["Inputs", "Prior", "spherical"]


@dataclass(frozen=True)
class Prior:
    """Latents of ``size`` independent numbers: standard normal, or uniform on [−1, 1).

    The last ``bits`` of them are random bits, −1 or 1, instead. A continuous generator of a continuous
    latent must lay a bridge of bad samples between any two separate modes; with random bits in the latent,
    separate modes can have separate latents.

    Attributes:
        size: how many numbers in all.
        kind: of those that are not random bits.
        bits: how many are random bits, 0 … size.
    """

    size: int
    kind: Literal["normal", "uniform"] = "normal"
    bits: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.bits <= self.size

    @classmethod
    def of(cls, recipe: Recipe) -> Prior:
        """What ``recipe``'s generator makes samples from."""
        return cls(recipe.latent, recipe.prior, recipe.latent_bits)

    def __call__(self, rng: Rng, n: int) -> Tensor:
        """``(n, size)`` latents for a training step."""
        smooth = self.size - self.bits
        if self.kind == "normal":
            z = rng.normal(n, smooth)
        else:
            z = rng.uniform(n, smooth).mul_(2.0).sub_(1.0)
        if not self.bits:
            return z
        random_bits = rng.integers(2, n, self.bits).to(z.dtype).mul_(2.0).sub_(1.0)
        return torch.cat([z, random_bits], dim=1)

    def truncated(self, z: Tensor, truncation: float) -> Tensor:
        """``z (N, size)`` drawn towards the prior's centre by ``truncation``, 0…1; random bits stay.

        The truncation trick (Brock et al. 2019, section 3.1; Karras et al. 2019, appendix B).
        """
        if not self.bits:
            return z * truncation
        smooth = self.size - self.bits
        return torch.cat([z[:, :smooth] * truncation, z[:, smooth:]], dim=1)

    def seeded(self, n: int, *, seed: int, start: int = 0) -> Tensor:
        """Latents ``start … start + n − 1`` of ``seed``, ``(n, size)``: see :func:`seeded_numbers`."""
        z = seeded_numbers(n, self.size, seed=seed, start=start, kind=self.kind)
        if self.bits:
            random_bits = z[:, self.size - self.bits :]
            random_bits.copy_(torch.where(random_bits < 0, -1.0, 1.0))
        return z


@dataclass(frozen=True, eq=False)
class Inputs(Prior):
    """What a translation makes samples from: its inputs, in place of latents.

    A seed takes them in an order of its own, and in another one again when all have been taken.

    Attributes:
        values: ``(K, size)``, each input's numbers in model units.
    """

    values: Tensor = field(default_factory=lambda: torch.empty(0, 0))

    @classmethod
    def among(cls, inputs: Tensor) -> Inputs:
        """Inputs ``(K, *shape)`` in model units."""
        return cls(inputs[0].numel(), values=inputs.flatten(1))

    def __call__(self, rng: Rng, n: int) -> Tensor:
        """``(n, size)`` inputs by chance."""
        return self.values[rng.integers(len(self.values), n)]

    def truncated(self, z: Tensor, truncation: float) -> Tensor:
        """``z`` as it is: there is no centre that an input could be drawn to."""
        return z

    def seeded(self, n: int, *, seed: int, start: int = 0) -> Tensor:
        """Inputs ``start … start + n − 1`` of ``seed``, ``(n, size)``."""
        return self.values[torch.tensor(self.numbers(n, seed=seed, start=start))]

    def numbers(self, n: int, *, seed: int, start: int = 0) -> list[int]:
        """Which of the inputs :meth:`seeded` gives."""
        k, found = len(self.values), list[int]()
        for epoch in range(start // k, (start + n - 1) // k + 1):
            order = permutation(k, seed=seed, epoch=epoch)
            found += order[max(start - epoch * k, 0) : start + n - epoch * k].tolist()
        return found


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """From ``a`` at t = 0 to ``b`` at 1 along the great circle (Shoemake 1985; White 2016, section 2.1).

    The middle of a straight line between two normal latents is shorter than nearly all that training has
    seen; on the circle the length goes evenly from one end's to the other's. Vectors that point the same
    way, or opposite ways, span no circle: there the line is straight.

    Args:
        a, b: ``(..., L)``.
        t: broadcasts against ``(..., 1)``.
    """
    cosine = torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=-1).clamp(-1.0, 1.0)
    angle = torch.acos(cosine).unsqueeze(-1)
    sine = torch.sin(angle)
    t = t.double()
    straight = (1 - t) * a + t * b
    bent = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine.clamp_min(1e-9)
    return torch.where(sine < 1e-4, straight, bent).float()
