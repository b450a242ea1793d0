"""What scores need to know of music."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MusicFacts"]


@dataclass(frozen=True)
class MusicFacts:
    """What is known of passages.

    Attributes:
        bar: steps of a bar.
        span: the lowest and the highest pitch of any voice.
    """

    bar: int
    span: tuple[int, int]
