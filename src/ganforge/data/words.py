"""From captions, labels and numbers to a :class:`Condition`, which knows what the training part says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from ganforge.core.condition import Condition, phrases
from ganforge.core.errors import DataError
from ganforge.core.sentences import encode

__all__ = ["as_known", "encoded_condition", "numbers_condition", "text_condition"]

KNOWN = 4_096  # phrases at most
LONGEST = 128  # phrases of one example that are kept
EXAMPLES = 64  # of the training part, that a condition keeps
SHOWN = 120  # characters of a caption that is kept


def _phrases_of(texts: Iterable[str]) -> list[str]:
    """The phrases of an example's captions, each once; no pair of words reaches from one into the next."""
    return list(dict.fromkeys(phrase for text in texts for phrase in phrases(text)))


def text_condition(texts: Sequence[Sequence[str]], cut: int) -> tuple[Condition, np.ndarray]:
    """A condition of what ``texts[cut:]`` say, and rows ``(N, L)`` int32 of all of them.

    Known are words that occur at least once and pairs of words that occur in two examples or more; of
    more than 4,096 the commonest, in alphabetical order where they are equally common. Of an example's
    phrases 128 count.

    Raises:
        DataError: there is not one word in them.
    """
    phrases = [_phrases_of(texts_of_one) for texts_of_one in texts]
    counts = Counter(phrase for said in phrases[cut:] for phrase in said)
    enough = [(-n, phrase) for phrase, n in counts.items() if n > 1 or " " not in phrase]
    names = tuple(phrase for _, phrase in sorted(enough)[:KNOWN])
    if not names:
        raise DataError("the captions have no words; take the classes instead: condition=class")
    number = {phrase: i for i, phrase in enumerate(names)}
    known = [[number[phrase] for phrase in said if phrase in number][:LONGEST] for said in phrases]
    rows = np.full((len(texts), max(1, max(map(len, known)))), -1, np.int32)
    for row, found in zip(rows, known, strict=True):
        row[: len(found)] = found
    # Only what can be said is an example of it.
    tried = [i for i in _evenly(cut, len(texts)) if known[i]]
    width = max((len(known[i]) for i in tried), default=1)
    condition = Condition(
        kind="text",
        names=names,
        examples=tuple(tuple(float(k) for k in rows[i, :width]) for i in tried),
        captions=tuple(caption(texts[i]) for i in tried),
    )
    return condition, rows


def encoded_condition(texts: Sequence[Sequence[str]], cut: int, encoder: str) -> tuple[Condition, np.ndarray]:
    """As :func:`text_condition`, read by a sentence encoder: rows ``(N, d)`` float32 of length 1.

    An example's captions are read as one text.

    Raises:
        MachineError, UsageError: see :func:`~ganforge.core.sentences.encode`.
    """
    rows = encode(encoder, [". ".join(texts_of_one) for texts_of_one in texts])
    tried = _evenly(cut, len(texts))
    condition = Condition(
        kind="text",
        names=tuple(str(i) for i in range(rows.shape[1])),
        examples=tuple(tuple(float(number) for number in rows[i]) for i in tried),
        captions=tuple(caption(texts[i]) for i in tried),
        encoder=encoder,
    )
    return condition, rows


def caption(texts: Sequence[str]) -> str:
    """An example's captions as one short text, for people."""
    whole = ". ".join(texts)
    return whole if len(whole) <= SHOWN else whole[: SHOWN - 1].rstrip() + "…"


def numbers_condition(
    rows: np.ndarray, cut: int, *, kind: Literal["labels", "numbers"], names: tuple[str, ...]
) -> Condition:
    """A condition of labels or numbers ``(N, C)``; means and deviations are those of ``rows[cut:]``."""
    examples = tuple(tuple(float(number) for number in rows[i]) for i in _evenly(cut, len(rows)))
    if kind == "labels":
        return Condition(kind=kind, names=names, examples=examples)
    deviation = rows[cut:].std(axis=0, dtype=np.float64)
    return Condition(
        kind=kind,
        names=names,
        mean=tuple(float(number) for number in rows[cut:].mean(axis=0, dtype=np.float64)),
        deviation=tuple(float(number) if number > 1e-12 else 1.0 for number in deviation),
        examples=examples,
    )


def as_known(rows: np.ndarray, now: Condition, then: Condition) -> np.ndarray:
    """Rows that ``now`` reads as rows that ``then`` reads: what was not known then says nothing.

    For players that were trained on other data, or on those before they were changed.

    Raises:
        DataError: they are of two kinds, or of labels or numbers by other names.
    """
    phrases_known = now.kind == "text" and not now.encoder
    if (now.kind, now.encoder) != (then.kind, then.encoder) or (
        not phrases_known and now.names != then.names
    ):
        raise DataError(f"the data say {now.describe()}, and the run knows {then.describe()}")
    if not phrases_known or now.names == then.names:
        return rows
    number = {phrase: i for i, phrase in enumerate(then.names)}
    table = np.array([*(number.get(phrase, -1) for phrase in now.names), -1], np.int32)
    return table[rows]


def _evenly(start: int, end: int) -> list[int]:
    """Up to ``EXAMPLES`` of the numbers from ``start`` to below ``end``."""
    n = min(EXAMPLES, end - start)
    return [start + i * (end - start) // n for i in range(n)]
