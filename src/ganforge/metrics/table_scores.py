"""The scores of made rows, each beside what real rows and two opponents without a game score."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ganforge.codecs.rows.facts import TableFacts
from ganforge.core.errors import UsageError, nearest
from ganforge.core.names import find_name
from ganforge.metrics import tables
from ganforge.metrics.context import scores_of
from ganforge.metrics.score import Direction, Protocol, Score, opposed

__all__ = ["table_scores"]

_CLASSES = 20
_MOST = 10_000  # rows of each side


def table_scores(
    made: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    facts: TableFacts,
    *,
    split: str,
    target: str | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda words: None,
) -> tuple[list[Score], list[str]]:
    """The scores, the headline first, and notes on pairs that differ most, words never made and rules.

    Args:
        made, train, held_out: codes ``(N, K)``.
        split: what the real rows compared with are: held-out, or training.
        target: the column that rows shall be useful for; None takes the last one with a few words.

    Raises UsageError for a target that is no column.
    """
    made, train, real = facts.gaps(made), facts.gaps(train), facts.gaps(held_out)[:_MOST]
    made = made[:_MOST]
    words, at = facts.words, _target(facts, train, target)
    rng = np.random.default_rng(seed)
    some = train[rng.permutation(len(train))[:_MOST]]  # real rows in the place of made ones
    opponents = {
        "copula": tables.copula(train, len(made), seed=seed),
        "independent": tables.independent(train, len(made), seed=seed),
    }
    n = min(len(made), len(real))
    protocol = Protocol(extractor="cells", n=n, split=split, seed=seed)
    scores: list[Score] = []

    def add(
        key: str,
        name: str,
        of: Callable[[np.ndarray], float],
        floor: float,
        direction: Direction,
        *,
        alone: bool = False,
        interval: tuple[float, float] | None = None,
    ) -> None:
        tell(name)
        scores.append(
            opposed(
                key,
                name,
                of,
                made,
                {} if alone else opponents,
                floor=floor,
                direction=direction,
                protocol=protocol,
                interval=interval,
            )
        )

    def auc(rows: np.ndarray) -> float:
        return tables.rows_auc(real, rows, words, seed=seed)

    add("told_apart", "told from real by boosted trees (AUC)", auc, auc(some), "lower")
    name = facts.names[at]
    best = tables.useful(train, real, at, words).to_json()
    found = {
        who: tables.useful(rows, real, at, words).to_json()
        for who, rows in {**opponents, "made": made}.items()
    }
    shown = {"auc": "AUC", "f1": "F1", "r2": "R²"}
    for part, floor in best.items():
        settings: dict[str, float | int | str] = {who: round(found[who][part], 4) for who in opponents}
        scores.append(
            Score(
                key=f"useful_{part}",
                name=f"useful for {name}: {shown[part]}",
                value=found["made"][part],
                interval=None,
                floor=floor,
                direction="higher",
                protocol=Protocol(extractor="cells", n=len(made), split=split, seed=seed, settings=settings),
            )
        )

    def shapes(rows: np.ndarray) -> float:
        return float(tables.column_shapes(real, rows, words).mean())

    def trends(rows: np.ndarray) -> float:
        pairs = tables.pair_trends(real, rows, words)
        return float(np.mean(list(pairs.values()))) if pairs else 1.0

    add("column_shapes", "column shapes", shapes, shapes(some), "higher")
    if len(words) > 1:
        add("pair_trends", "pair trends", trends, trends(some), "higher")
    rare, missed = tables.rare_recall(train, made, words)
    if rare is not None:
        floor = tables.rare_recall(train, real, words)[0]
        add(
            "rare_words",
            "rare words that are made",
            lambda rows: tables.rare_recall(train, rows, words)[0] or 0.0,
            floor or 0.0,
            "higher",
        )
    for rule in facts.rules:
        add(
            f"rule {rule.words(facts.names)}",
            f"rows that break {rule.words(facts.names)}",
            lambda rows, rule=rule: float(rule.broken(rows, train).mean()),
            float(rule.broken(real, train).mean()),
            "lower",
        )
    add(
        "copies",
        "exact copies of training rows",
        lambda rows: tables.copies(train, rows),
        tables.copies(train, real),
        "floor",
    )
    add(
        "nearer",
        "nearer to a training row than to a held-out one",
        lambda rows: tables.nearer(train, real, rows, words),
        0.5,
        "floor",
    )
    tell("who was in the training part")
    area, wide = tables.membership(train, real, made, words)
    add(
        "membership",
        "attack: who was trained on (AUC, chance .5)",
        lambda _: area,
        0.5,
        "lower",
        alone=True,
        interval=(area - wide, area + wide),
    )
    return scores, _notes(facts, real, made, missed)


def _target(facts: TableFacts, train: np.ndarray, wish: str | None) -> int:
    if wish is not None:
        place = find_name(wish, facts.names)
        if place is None:
            raise UsageError(f"there is no column {wish!r}.{nearest(wish, facts.names)}")
        return place
    few = [
        i
        for i, word in enumerate(facts.words)
        if word and 2 <= len(np.unique(train[:, i][~np.isnan(train[:, i])])) <= _CLASSES
    ]
    return few[-1] if few else len(facts.names) - 1


def _notes(
    facts: TableFacts, real: np.ndarray, made: np.ndarray, missed: Sequence[tuple[int, float]]
) -> list[str]:
    notes: list[str] = []
    worst = tables.worst_pairs(real, made, facts.words, 3)
    if worst:
        shown = ", ".join(f"{facts.names[i]} × {facts.names[j]} ({value:.3f})" for i, j, value in worst)
        notes.append(f"the pairs of columns that differ most (1 is equal): {shown}")
    if missed:
        shown = ", ".join(f"{facts.names[i]}={facts.say(i, code)}" for i, code in missed[:8])
        notes.append(f"words that were never made: {shown}{', …' if len(missed) > 8 else ''}")
    return notes


ROWS = scores_of(
    TableFacts,
    "rows",
    "rows of a table: told from real ones, useful, rules, copies",
    table_scores,
    takes_target=True,
)
