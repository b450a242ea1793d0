"""How good made texts are: perplexity both ways, what is new, what repeats, and lengths."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from ganforge.codecs.text.facts import TextFacts
from ganforge.metrics.context import scores_of
from ganforge.metrics.music import total_variation
from ganforge.metrics.score import Direction, Protocol, Score, opposed

__all__ = ["NGrams", "text_features", "text_scores"]

_MOST = 5_000  # texts of each side
_ORDER = 5
_END = "\n"


class NGrams:
    """Characters from the four before them, by interpolation with shorter pasts (Witten and Bell 1991).

    p(c | past) = (n(past, c) + k(past) p(c | shorter past)) / (n(past) + k(past)), where k counts the
    different characters that follow; below the shortest past all characters are as likely.

    Args:
        lines: what it learns from.
        letters: all characters that there can be.
    """

    def __init__(self, lines: Sequence[str], letters: str) -> None:
        self.letters = [*letters, _END]
        self.after: dict[str, Counter[str]] = {}
        for line in lines:
            text = _END * (_ORDER - 1) + line + _END
            for t in range(_ORDER - 1, len(text)):
                for order in range(_ORDER):
                    self.after.setdefault(text[t - order : t], Counter())[text[t]] += 1
        self.totals = {past: found.total() for past, found in self.after.items()}

    def chance(self, past: str, letter: str) -> float:
        """Of a character after a past of four or fewer."""
        p = 1.0 / len(self.letters)
        for order in range(len(past) + 1):
            own = past[len(past) - order :]
            found = self.after.get(own)
            if found is None:
                break
            kinds = len(found)
            p = (found[letter] + kinds * p) / (self.totals[own] + kinds)
        return p

    def perplexity(self, lines: Sequence[str]) -> float:
        """Of each character and end of lines: e to the mean of minus the log chance."""
        logs, count = 0.0, 0
        for line in lines:
            text = _END * (_ORDER - 1) + line + _END
            for t in range(_ORDER - 1, len(text)):
                logs -= math.log(self.chance(text[t - _ORDER + 1 : t], text[t]))
            count += len(line) + 1
        return math.exp(logs / max(count, 1))

    def write(self, n: int, longest: int, seed: int = 0) -> list[str]:
        """New lines, by chance."""
        rng = np.random.default_rng(seed)
        known: dict[str, np.ndarray] = {}
        lines: list[str] = []
        for _ in range(n):
            text = _END * (_ORDER - 1)
            while len(text) < longest + _ORDER - 1:
                past = text[1 - _ORDER :]
                if past not in known:
                    known[past] = np.cumsum([self.chance(past, letter) for letter in self.letters])
                letter = self.letters[
                    min(int(np.searchsorted(known[past], rng.random())), len(self.letters) - 1)
                ]
                if letter == _END:
                    break
                text += letter
            lines.append(text[_ORDER - 1 :])
        return lines


def _lengths(lines: Sequence[str]) -> np.ndarray:
    return np.bincount([len(line) for line in lines], minlength=256)


def text_features(x: np.ndarray) -> np.ndarray:
    """Shares of characters and of pairs of them in texts ``(N, 1, T)``, and their lengths, ``(N, K)``.

    Pairs share 256 places by a hash of their two numbers.
    """
    codes = x[:, 0].astype(np.int64)
    there = codes > 0
    length = np.maximum(there.sum(1), 1)
    both = there[:, :-1]  # a text's last character has the end after it
    pairs = (codes[:, :-1] * 167 + codes[:, 1:] * 59) % 256
    found = np.zeros((len(x), 513))
    row = np.arange(len(x))[:, None]
    np.add.at(found, (np.broadcast_to(row, codes.shape)[there], codes[there]), 1.0)
    np.add.at(found, (np.broadcast_to(row, pairs.shape)[both], 256 + pairs[both]), 1.0)
    found[:, :512] /= length[:, None]
    found[:, 512] = there.sum(1)
    return found


def text_scores(
    made: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    facts: TextFacts,
    *,
    split: str,
    seed: int = 0,
    tell: Callable[[str], None] = lambda words: None,
) -> tuple[list[Score], list[str]]:
    """The scores, the headline first, and notes.

    Args:
        made, train, held_out: texts ``(N, 1, T)``.
        split: what the real ones compared with are: held-out, or training.
    """
    n = min(len(made), len(train), _MOST)
    rng = np.random.default_rng(seed)
    known, real = facts.lines(train), facts.lines(held_out[:_MOST])
    some, other = facts.lines(made[:n]), [known[i] for i in rng.permutation(len(known))[:n]]
    tell("a 5-gram")
    judge = NGrams(known, facts.letters)
    chain = judge.write(n, made.shape[2], seed)
    there = set(known)
    truth = _lengths(real)

    def backward(lines: list[str]) -> float:
        return NGrams(lines, facts.letters).perplexity(real)

    def new(lines: list[str]) -> float:
        return float(np.mean([line not in there for line in lines]))

    def unique(lines: list[str]) -> float:
        return len(set(lines)) / len(lines)

    def lengths(lines: list[str]) -> float:
        return total_variation(_lengths(lines), truth)

    rows: list[tuple[str, str, Callable[[list[str]], float], Direction, float]] = [
        (
            "perplexity_of_real",
            "perplexity of real texts to a 5-gram of made ones",
            backward,
            "lower",
            backward(other),
        ),
        (
            "perplexity_of_made",
            "perplexity of made texts to a 5-gram of real ones",
            judge.perplexity,
            "floor",
            judge.perplexity(real),
        ),
        ("new_texts", "share that is not in the training part", new, "floor", new(real)),
        ("different_texts", "share that is different from the others", unique, "floor", unique(other)),
        ("text_lengths", "distance of lengths", lengths, "lower", lengths(other)),
    ]
    protocol = Protocol(extractor="texts", n=n, split=split, seed=seed)
    scores: list[Score] = []
    for key, name, of, direction, floor in rows:
        tell(name)
        opponents = {"5-gram": chain}
        scores.append(
            opposed(key, name, of, some, opponents, floor=floor, direction=direction, protocol=protocol)
        )
    note = (
        "a 5-gram, or a language model trained by likelihood, writes likelier texts than a GAN (1811.02549)"
    )
    return scores, [note]


TEXTS = scores_of(
    TextFacts, "texts", "short texts: perplexity both ways, new ones, copies, lengths", text_scores
)
