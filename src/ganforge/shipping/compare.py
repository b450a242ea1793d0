"""What rounding the weights costs: the same samples from both generators, and both against real variety."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ganforge.core.prior import Inputs
from ganforge.runs.translator import Translator

__all__ = ["Distance", "Loss", "Seeded", "Translated", "measure"]

Distance = Callable[[Tensor, Tensor], float]
"""A distance between two sets of samples ``(N, *shape)`` in declared units; 0 is none."""


class Seeded(Protocol):
    """What makes samples from a seed."""

    def sample(self, n: int, *, seed: int = 0) -> Tensor:
        """``(n, *shape)`` in declared units."""
        ...


class Translated:
    """A translator that makes samples: of given inputs ``(K, *shape)`` in declared units, by a seed."""

    def __init__(self, translator: Translator, inputs: Tensor) -> None:
        self.translator = translator
        self._inputs = inputs
        self._order = Inputs.among(inputs)

    def sample(self, n: int, *, seed: int = 0) -> Tensor:
        """``(n, *shape)`` in declared units; conditions take turns."""
        asks = self.translator.asks
        which = self._order.numbers(n, seed=seed)
        return self.translator.translate(
            self._inputs[which], None if asks is None else asks.in_turn(range(n))
        )


@dataclass(frozen=True)
class Loss:
    """How far a variant's samples are from the full generator's.

    Attributes:
        n: samples compared.
        mean, largest: of the differences of the same latents' samples, in declared units.
        spread: deviation of the full generator's own numbers, in the same units, to read them by.
        distance: between samples of the variant and others of the full generator; None where not measured.
        floor: the same of two sets of the full generator's: what chance alone gives.
    """

    n: int
    mean: float
    largest: float
    spread: float
    distance: float | None = None
    floor: float | None = None

    def words(self) -> str:
        parts = [f"same latents differ by {self.mean:.3g} in the mean and {self.largest:.3g} at most"]
        parts.append(f"where samples spread by {self.spread:.3g}")
        line = ", ".join(parts)
        if self.distance is None or self.floor is None:
            return line
        return f"{line}; kernel distance {self.distance:.2g}, best possible {self.floor:.2g} (n {self.n})"


def measure(full: Seeded, variant: Seeded, *, distance: Distance | None = None, n: int = 256) -> Loss:
    """Compare ``variant`` with the ``full`` generator on ``n`` seeded latents.

    Both sets that the distance sees beside the reference come from one seed, so that what differs between
    distance and floor is the variant alone; the reference comes from another seed.
    """
    whole, rounded = full.sample(n, seed=1), variant.sample(n, seed=1)
    apart = (rounded.double() - whole.double()).abs()
    loss = Loss(n, float(apart.mean()), float(apart.max()), float(whole.double().std()))
    if distance is None:
        return loss
    reference = full.sample(n, seed=2)
    return Loss(
        n, loss.mean, loss.largest, loss.spread, distance(rounded, reference), distance(whole, reference)
    )
