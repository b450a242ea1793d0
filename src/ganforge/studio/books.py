"""What a game noted since the last look, as the numbers that are shown."""

from __future__ import annotations

import time

from ganforge.studio.game import Game

__all__ = ["Books"]

_SECONDS = 0.29  # between two looks while the game is played: folding many rounds' notes costs

# What the game notes, what it is called on the screen, and which of its statistics that is.
_BOOKS = (
    ("discriminator_loss", "discriminator_loss", "mean"),
    ("generator_loss", "generator_loss", "mean"),
    ("real_logits", "real_logits", "mean"),
    ("fake_logits", "fake_logits", "mean"),
    ("real_logits", "real_deviation", "deviation"),
    ("fake_logits", "fake_deviation", "deviation"),
    ("margin", "pairs_right", "positive"),
    ("discriminator_gradient", "discriminator_gradient", "mean"),
    ("generator_gradient", "generator_gradient", "mean"),
)


class Books:
    """Attributes:
    numbers: as they were last.
    """

    def __init__(self, numbers: dict[str, float | None] | None = None) -> None:
        self.numbers: dict[str, float | None] = numbers or {}
        self._read = 0.0

    @property
    def age(self) -> float:
        """Seconds since they were read."""
        return time.monotonic() - self._read

    def read(
        self, game: Game, seen: dict[str, float | None] | None, *, now: bool
    ) -> dict[str, float | None] | None:
        """Read them, unless they were read just now; gives a point for a curve where there is anything new.

        Args:
            seen: numbers of a frame, which come on top.
            now: whether they are read in any case.
        """
        fresh = now or self.age >= _SECONDS
        noted = game.rounds.statistics.close() if fresh else {}
        if fresh:
            self._read = time.monotonic()
        numbers = dict(self.numbers)
        numbers |= {key: noted[name][part] for name, key, part in _BOOKS if name in noted}
        numbers |= seen or {}
        numbers["refused"] = float(game.rounds.referee.refused)
        self.numbers = numbers
        if not noted:
            return None
        return {name: value if value is None else float(f"{value:.6g}") for name, value in numbers.items()}
