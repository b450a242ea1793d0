"""What scores need to know of a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganforge.codecs.rows.rules import Rule

__all__ = ["TableFacts"]


@dataclass(frozen=True, eq=False)
class TableFacts:
    """What is known of a table's columns.

    Attributes:
        names: of the columns.
        words: whether each holds words.
        rules: what always holds between them.
        gaps: codes ``(N, K)`` to the same with NaN where something is missing.
        say: a column's place and a code to the cell that it stands for.
    """

    names: tuple[str, ...]
    words: tuple[bool, ...]
    rules: tuple[Rule, ...]
    gaps: Callable[[np.ndarray], np.ndarray]
    say: Callable[[int, float], str]
