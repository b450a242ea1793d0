"""How good made music is: told from real by trees, what notes there are, and what is copied.

Passages are ``(N, V, T)`` uint8, as ``codecs.music`` has them: twice the pitch of each voice at each step,
one more where a note begins, 0 for a rest. Nothing here knows how they were made.
"""

from __future__ import annotations

import numpy as np

from ganforge.metrics.trees import tree_auc

__all__ = [
    "begins",
    "copied",
    "durations",
    "intervals",
    "markov_chain",
    "music_auc",
    "pitch_classes",
    "rests",
    "total_variation",
    "used_classes",
    "window_features",
]

_LONGEST = 64  # steps of a note; what is longer is counted as that
_WIDEST = 24  # semitones of an interval; what is wider is counted as that
_ORDER = 3  # steps, from which a chain goes on
_PRIME = np.uint64(0x100000001B3)


def begins(x: np.ndarray) -> np.ndarray:
    """Whether a note begins, of each voice and step, ``(N, V, T)``."""
    pitch = x >> 1
    before = np.concatenate([np.zeros_like(pitch[:, :, :1]), pitch[:, :, :-1]], 2)
    return (pitch > 0) & ((x & 1 > 0) | (pitch != before))


def total_variation(a: np.ndarray, b: np.ndarray) -> float:
    """Half the sum of differences of two histograms, 0 to 1."""
    return float(0.5 * np.abs(a / max(a.sum(), 1) - b / max(b.sum(), 1)).sum())


def pitch_classes(x: np.ndarray) -> np.ndarray:
    """Notes of each pitch class, C first, ``(12,)``."""
    return np.bincount(((x >> 1)[begins(x)] % 12).ravel(), minlength=12)


def durations(x: np.ndarray) -> np.ndarray:
    """Notes that last 1, 2, … steps; those that a passage cuts off count as long as they are there."""
    start = begins(x)
    ends = start | (x >> 1 == 0)
    steps = x.shape[2]
    after = np.full(x.shape[:2], steps)
    found = np.zeros(_LONGEST + 1, np.int64)
    for t in range(steps - 1, -1, -1):
        here = start[:, :, t]
        found += np.bincount(np.minimum(after[here] - t, _LONGEST), minlength=_LONGEST + 1)
        after = np.where(ends[:, :, t], t, after)
    return found[1:]


def intervals(x: np.ndarray) -> np.ndarray:
    """Steps in pitch from each note to the next one of its voice, in semitones, down to up."""
    start, pitch = begins(x), (x >> 1).astype(int)
    last = np.zeros(x.shape[:2], int)
    found = np.zeros(2 * _WIDEST + 1, np.int64)
    for t in range(x.shape[2]):
        here = start[:, :, t]
        both = here & (last > 0)
        apart = np.clip(pitch[:, :, t][both] - last[both], -_WIDEST, _WIDEST)
        found += np.bincount(apart + _WIDEST, minlength=len(found))
        last = np.where(here, pitch[:, :, t], last)
    return found


def used_classes(x: np.ndarray) -> np.ndarray:
    """Passages that use 0, 1, … 12 pitch classes, ``(13,)``."""
    pitch = x >> 1
    there = np.stack([((pitch % 12 == k) & (pitch > 0)).any((1, 2)) for k in range(12)])
    return np.bincount(there.sum(0), minlength=13)


def rests(x: np.ndarray) -> float:
    """Share of the steps at which a voice is silent."""
    return float((x >> 1 == 0).mean())


def copied(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Steps of the longest run of each passage that a training passage has too, all voices alike, ``(N,)``.

    Anywhere in it, and at the same pitch.
    """
    rows, known = (_hashed(one) for one in (x, train))
    longest = np.zeros(len(x), int)
    run, other = rows, known
    for length in range(1, x.shape[2] + 1):
        if length > 1:  # the hash of a run and the step after it
            run = run[:, :-1] * _PRIME + rows[:, length - 1 :]
            other = other[:, :-1] * _PRIME + known[:, length - 1 :]
        found = np.isin(run, np.unique(other)).any(1)
        longest[found] = length
        if not found.any():
            break
    return longest


def _hashed(x: np.ndarray) -> np.ndarray:
    """One number for the voices of each step, ``(N, T)`` uint64; a note at the edge begins or not alike."""
    codes = (2 * (x >> 1) + begins(x)).astype(np.uint64)
    found = np.full((len(x), x.shape[2]), 0xCBF29CE484222325, np.uint64)
    for voice in range(x.shape[1]):
        found = (found ^ (codes[:, voice] + np.uint64(1))) * _PRIME
    return found ^ (found >> np.uint64(29))


def window_features(x: np.ndarray, bar: int) -> np.ndarray:
    """What trees see of each passage, ``(N, K)``: notes, rhythm, intervals in and between voices, form."""
    n, voices, steps = x.shape
    start, pitch = begins(x), (x >> 1).astype(int)
    there = pitch > 0
    parts: list[np.ndarray] = []

    def share(of: np.ndarray, among: np.ndarray) -> np.ndarray:
        return of.sum((1, 2)) / np.maximum(among.sum((1, 2)), 1)

    parts += [share(start & (pitch % 12 == k), start) for k in range(12)]
    for voice in range(voices):
        own, known = pitch[:, voice], there[:, voice]
        count = np.maximum(known.sum(1), 1)
        mean = (own * known).sum(1) / count
        parts += [mean, np.sqrt((((own - mean[:, None]) ** 2) * known).sum(1) / count)]
        parts += [start[:, voice].sum(1), 1.0 - known.mean(1)]
        parts += [np.where(known, own, 0).max(1), np.where(known, own, 999).min(1)]
        steady = np.abs(np.diff(own, axis=1)) * (known[:, 1:] & known[:, :-1])
        moves = steady > 0
        parts += [moves.sum(1), (steady <= 2).sum(1) - (~moves).sum(1), (steady >= 5).sum(1)]
    for upper in range(voices):
        for lower in range(upper + 1, voices):
            both = there[:, upper] & there[:, lower]
            apart = pitch[:, upper] - pitch[:, lower]
            count = np.maximum(both.sum(1), 1)
            parts += [((apart % 12 == k) & both).sum(1) / count for k in range(12)]
            parts.append(((apart < 0) & both).sum(1) / count)
    for place in range(bar):
        parts.append(start[:, :, place::bar].mean((1, 2)))
    for together in range(voices + 1):
        parts.append((start.sum(1) == together).mean(1))
    for lag in (bar // 4, bar // 2, bar, 2 * bar):
        same = (pitch[:, :, lag:] == pitch[:, :, :-lag]) & there[:, :, lag:]
        parts.append(same.mean((1, 2)))
    for step in (0, steps // 2, steps - 1):
        parts += [pitch[:, voice, step] for voice in range(voices)]
    weight = np.stack([((pitch % 12 == k) & there).sum((1, 2)) for k in range(12)], 1)
    parts += [weight.max(1) / np.maximum(weight.sum(1), 1), (weight > 0).sum(1)]
    return np.stack([one.astype(float).reshape(n) for one in parts], 1)


def music_auc(real: np.ndarray, made: np.ndarray, bar: int, *, seed: int = 0) -> float:
    """Area under the curve of boosted trees that tell made passages from real ones; .5 is cannot tell."""
    return tree_auc(window_features(real, bar), window_features(made, bar), seed=seed)


def markov_chain(train: np.ndarray, n: int, *, seed: int = 0) -> np.ndarray:
    """Passages ``(n, V, T)`` of a Markov chain of order 3 over whole steps, all voices together.

    What follows is drawn from what follows the same three steps in the training passages; where these end,
    the last two, or the last one, decide.
    """
    rng = np.random.default_rng(seed)
    steps = train.shape[2]
    columns, code = np.unique(
        train.transpose(0, 2, 1).reshape(-1, train.shape[1]), axis=0, return_inverse=True
    )
    code = code.reshape(len(train), steps)
    after: dict[tuple[int, ...], list[int]] = {}
    for row in code.tolist():
        for t in range(1, steps):
            for order in range(1, min(_ORDER, t) + 1):
                after.setdefault(tuple(row[t - order : t]), []).append(row[t])
    made = np.empty((n, steps), int)
    for i in range(n):
        row = [int(code[rng.integers(len(code)), 0])]
        while len(row) < steps:
            known = next(
                (
                    found
                    for order in range(min(_ORDER, len(row)), 0, -1)
                    if (found := after.get(tuple(row[-order:])))
                ),
                None,
            )
            row.append(
                int(code[rng.integers(len(code)), 0]) if known is None else known[rng.integers(len(known))]
            )
        made[i] = row
    return columns[made].transpose(0, 2, 1)
