"""What the generator makes samples from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ganforge.core.draw import Draw, seeded_numbers

__all__ = ["Prior"]


@dataclass(frozen=True)
class Prior:
    """Latents of ``size`` independent numbers: standard normal, or uniform on [−1, 1)."""

    size: int
    kind: Literal["normal", "uniform"] = "normal"

    def __call__(self, draw: Draw, n: int) -> Tensor:
        """``(n, size)`` latents for a training move."""
        if self.kind == "normal":
            return draw.normal(n, self.size)
        return draw.uniform(n, self.size).mul_(2.0).sub_(1.0)

    def seeded(self, n: int, *, seed: int, start: int = 0) -> Tensor:
        """Latents ``start … start + n − 1`` of ``seed``, ``(n, size)``: see :func:`seeded_numbers`."""
        return seeded_numbers(n, self.size, seed=seed, start=start, kind=self.kind)
