"""Values that change during training, as pure functions of progress: nothing to checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Moment", "cosine"]


@dataclass(frozen=True)
class Moment:
    """Where training stands when a round begins.

    Attributes:
        nimg: real examples shown to the discriminator's moves so far.
        round: rounds played so far.
        progress: share of the budget that is done, 0…1.
    """

    nimg: int
    round: int
    progress: float

    def at(self, schedule: Callable[[float], float]) -> float | Tensor:
        """The value of a function of progress at this moment.

        A game asks here for the numbers that it computes with, so that a recorded round, which knows
        operations but no reasons, can ask again: there it is a tensor ``()``.
        """
        return schedule(self.progress)


def cosine(start: float, final: float | None, progress: float) -> float:
    """From ``start`` at progress 0 to ``final`` at 1 along half a cosine; constant where final is None."""
    if final is None:
        return start
    return final + 0.5 * (start - final) * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
