"""What scores need to know of texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["TextFacts"]


@dataclass(frozen=True)
class TextFacts:
    """What is known of texts.

    Attributes:
        letters: the characters that there are; the code 1 is the first one.
    """

    letters: str

    def lines(self, codes: np.ndarray) -> list[str]:
        """Codes ``(N, 1, T)`` to texts, each up to its end."""
        found: list[str] = []
        for row in codes[:, 0].tolist():
            end = row.index(0) if 0 in row else len(row)
            found.append("".join(self.letters[code - 1] for code in row[:end]))
        return found
