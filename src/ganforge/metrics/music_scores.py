"""The scores of made music, each beside what real passages and a Markov chain score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganforge.codecs.music.facts import MusicFacts
from ganforge.metrics import music
from ganforge.metrics.context import scores_of
from ganforge.metrics.score import Direction, Protocol, Score, opposed

__all__ = ["music_scores"]

_MOST = 2_000  # passages of each side


def music_scores(
    made: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    facts: MusicFacts,
    *,
    split: str,
    seed: int = 0,
    tell: Callable[[str], None] = lambda words: None,
) -> tuple[list[Score], list[str]]:
    """The scores, the headline first, and notes.

    Args:
        made, train, held_out: passages ``(N, V, T)``.
        split: what the real ones compared with are: held-out, or training.
    """
    rng = np.random.default_rng(seed)
    n = min(len(made), len(held_out), _MOST)
    some = made[:n]
    real = held_out[np.sort(rng.permutation(len(held_out))[:n])]
    known = train[np.sort(rng.permutation(len(train))[:n])]
    tell("a Markov chain")
    chain = music.markov_chain(train, n, seed=seed)
    protocol = Protocol(extractor="music", n=n, split=split, seed=seed)
    scores: list[Score] = []

    def add(
        key: str, name: str, of: Callable[[np.ndarray], float], direction: Direction, floor: float
    ) -> None:
        tell(name)
        opponents = {"Markov chain": chain}
        scores.append(
            opposed(key, name, of, some, opponents, floor=floor, direction=direction, protocol=protocol)
        )

    def trees(x: np.ndarray) -> float:
        return music.music_auc(real, x, facts.bar, seed=seed)

    add("told_by_trees", "told from real by boosted trees (AUC)", trees, "lower", trees(known))
    histograms = (
        ("pitch_classes", "distance of pitch classes", music.pitch_classes),
        ("durations", "distance of durations", music.durations),
        ("intervals", "distance of melodic intervals", music.intervals),
        ("used_classes", "distance of how many pitch classes a passage uses", music.used_classes),
    )
    for key, name, histogram in histograms:
        truth = histogram(real)

        def apart(
            x: np.ndarray, of: Callable[[np.ndarray], np.ndarray] = histogram, truth: np.ndarray = truth
        ) -> float:
            return music.total_variation(of(x), truth)

        add(key, name, apart, "lower", apart(known))
    add("rests", "share of rests", music.rests, "floor", music.rests(real))

    def run(x: np.ndarray) -> float:
        return float(music.copied(x, train).mean())

    tell("the longest runs that are copied")
    longest = int(music.copied(some, train).max()), int(music.copied(real, train).max())
    add("copied_run", "longest run that a training passage has too, steps", run, "floor", run(real))
    note = f"the longest run of all that is copied has {longest[0]} steps, of held-out passages {longest[1]}"
    return scores, [note]


MUSIC = scores_of(
    MusicFacts, "music", "passages: told from real ones, pitches, durations, intervals, copies", music_scores
)
