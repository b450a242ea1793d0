"""What passes between the rooms during a round: a batch of examples, a move, and a turn."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from torch import Tensor

__all__ = ["Batch", "NextBatch", "Play", "Turn"]


@dataclass(frozen=True)
class Batch:
    """Real examples in model units.

    Attributes:
        real: ``(N, *space.shape)`` float32.
        source: the input of a translation, ``(N, *source_space.shape)``, or None.
        condition: what each example is asked to be, ``(N, C)`` float32 (one-hot for classes), or None.
    """

    real: Tensor
    source: Tensor | None = None
    condition: Tensor | None = None

    @property
    def n(self) -> int:
        return self.real.shape[0]


@dataclass(frozen=True)
class Turn:
    """One player's move: the referee lowers ``loss`` by moving that player's parameters only.

    Attributes:
        player: the mover's name, a key of ``game.players``.
        loss: per example, ``(N,)`` float32.
        notes: named values for the log and the diagnosis, each of any shape; their mean is logged.
    """

    player: str
    loss: Tensor
    notes: dict[str, Tensor] = field(default_factory=dict)


NextBatch = Callable[[], Batch]
Play = Generator[Turn, None, None]
