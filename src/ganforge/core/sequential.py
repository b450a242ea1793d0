"""Kinds of data whose examples go on in time: what networks and games ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganforge.core.codec import Codec

if TYPE_CHECKING:
    from torch import Tensor

    from ganforge.core.space import Space

__all__ = ["Sequential"]


class Sequential(Codec):
    """Examples ``(C, T)`` in model units: channels that last, the same at every step, then those that change.

    Of those that change some are numbers, and the others are states, which are 0 or 1.
    """

    @property
    def table(self) -> Space | None:
        """What lasts, as a row of a table (``core.columns.Columnar``); None where nothing differs."""
        raise NotImplementedError

    @property
    def lasting(self) -> int:
        """How many channels, the first ones, are the same at every step."""
        return 0 if self.table is None else self.table.size

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which of the channels that change are numbers."""
        raise NotImplementedError

    @property
    def choices(self) -> tuple[tuple[int, ...], ...]:
        """Groups of the others: of several one is 1, and one alone is 0 or 1."""
        raise NotImplementedError

    @property
    def held(self) -> Mapping[int, int]:
        """Groups that stay as they were in the step before where another group, of one and earlier, is 0.

        Of places among :attr:`choices`. A note, say, goes on until the next one begins.
        """
        return {}

    @property
    def degrees(self) -> Mapping[int, tuple[int, ...]]:
        """Groups whose states are places on one scale, such as pitches: the place of each, −1 of none.

        What two of them have to do with each other depends on how far apart they are.
        """
        return {}

    @property
    def octave(self) -> int:
        """Places after which that scale repeats itself."""
        return 12

    @property
    def chances(self) -> int:
        """How many latents choose: of each step, its numbers, their component and its states."""
        return self.space.shape[1] * (self.space.shape[0] - self.lasting + 1)

    def alive(self, lasting: Tensor) -> Tensor:
        """``(N, 1, T)``, 1 until the end that what lasts ``(N, lasting)`` says, then 0; without gradient."""
        raise NotImplementedError

    def context(self, lasting: Tensor) -> Tensor:
        """What is known of each step before it is made, ``(N, P, T)``: places in the series and the year."""
        raise NotImplementedError

    def stepped(self, x: Tensor, alive: Tensor) -> Tensor:
        """A network's numbers ``(N, C − lasting, t)`` to what changes in model units, 0 after the end."""
        raise NotImplementedError

    def settled(self, x: Tensor) -> Tensor:
        """Whole examples ``(N, C, T)`` with what all series have in common, such as a mean of 0."""
        raise NotImplementedError
