"""The scores of made series, each beside what real ones and two opponents without a game score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganforge.codecs.series.facts import SeriesFacts
from ganforge.core.errors import UsageError, nearest
from ganforge.core.names import find_name
from ganforge.metrics import series
from ganforge.metrics.context import scores_of
from ganforge.metrics.score import Direction, Protocol, Score, opposed

__all__ = ["series_scores"]

_MOST = 2_000  # series of each side


def series_scores(
    made: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    facts: SeriesFacts,
    *,
    split: str,
    target: str | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda words: None,
) -> tuple[list[Score], list[str]]:
    """The scores, the headline first, and notes.

    Args:
        made, train, held_out: codes ``(N, K, T)``.
        split: what the real series compared with are: held-out, or training.
        target: the attribute that series shall be useful for; None takes the last one with a few levels.

    Raises UsageError for a target that is no such attribute.
    """
    rng = np.random.default_rng(seed)
    made, held_out = made[:_MOST], held_out[:_MOST]
    train = train[rng.permutation(len(train))[:_MOST]]
    at = _target(facts, target)
    real, known, fakes = (facts.values(codes) for codes in (held_out, train, made))
    labels = None if at is None else facts.lasting(train)[:, at]
    n = len(fakes)
    tell("opponents")
    var, var_from = series.vector_autoregression(known, n, seed=seed)
    block, block_from = series.block_bootstrap(known, n, labels=labels, seed=seed)
    opponents = {"VAR(1)": var, "block bootstrap": block}
    lags = series.lags_of(real)
    protocol = Protocol(extractor="series", n=min(n, len(real)), split=split, seed=seed)
    scores: list[Score] = []

    def add(
        key: str,
        name: str,
        of: Callable[[np.ndarray], float],
        direction: Direction,
        *,
        floor: float | None = None,
    ) -> None:
        tell(name)
        best = of(known) if floor is None else floor
        scores.append(
            opposed(key, name, of, fakes, opponents, floor=best, direction=direction, protocol=protocol)
        )

    add(
        "told_by_trees",
        "told from real by boosted trees (AUC)",
        lambda x: series.series_auc(real, x, seed=seed),
        "lower",
    )
    add(
        "told_by_network",
        "told from real by a network (AUC)",
        lambda x: series.network_auc(real, x, seed=seed),
        "lower",
    )
    if at is not None and labels is not None:
        truth = facts.lasting(held_out)[:, at]
        own = facts.lasting(made)[:, at]
        classes = {
            id(fakes): own,
            id(known): labels,
            id(var): labels[var_from],
            id(block): labels[block_from],
        }
        add(
            "useful_class",
            f"useful for {facts.attributes[at]}: accuracy",
            lambda x: series.class_accuracy(x, classes[id(x)], real, truth, seed=seed),
            "higher",
        )
    add("useful_next", "useful for the next step: R²", lambda x: series.next_step(x, real), "higher")
    numbers = [i for i, number in enumerate(facts.numbers) if number]
    if numbers:
        own_lags = series.autocorrelation(real[:, numbers], lags)
        add(
            "autocorrelation",
            f"error of the autocorrelation, lags 1 to {lags}",
            lambda x: float(np.abs(series.autocorrelation(x[:, numbers], lags) - own_lags).mean()),
            "lower",
        )
    if len(numbers) > 1:
        pairs = series.cross_correlation(real[:, numbers])
        apart = ~np.eye(len(numbers), dtype=bool)
        add(
            "cross_correlation",
            "error of correlations between features",
            lambda x: float(np.abs(series.cross_correlation(x[:, numbers]) - pairs)[apart].mean()),
            "lower",
        )
    add(
        "nearer",
        "nearer to a training series than to a held-out one",
        lambda x: series.nearer(known, real, x),
        "floor",
        floor=0.5,
    )
    return scores, ["block bootstrap is put together from training series: nothing of it is new"]


def _target(facts: SeriesFacts, wish: str | None) -> int | None:
    if wish is None:
        return facts.classes[-1] if facts.classes else None
    names = [facts.attributes[i] for i in facts.classes]
    place = find_name(wish, names)
    if place is None:
        raise UsageError(
            f"there is no attribute {wish!r} with a few levels.{nearest(wish, names)}"
            + (f" There are {', '.join(names)}" if names else " None has")
        )
    return facts.classes[place]


SERIES = scores_of(
    SeriesFacts,
    "series",
    "series: told from real ones, useful, how they hang together in time",
    series_scores,
    takes_target=True,
)
