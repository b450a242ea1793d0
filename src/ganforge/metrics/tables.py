"""How good made rows of a table are: told from real, useful, and what they repeat.

Rows are codes ``(N, K)`` float64, as ``codecs.rows`` has them: numbers, dates in days or seconds, places of
words; NaN is missing. Nothing here knows how they were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import f1_score, r2_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import LabelBinarizer

__all__ = [
    "Useful",
    "column_shapes",
    "copies",
    "copula",
    "independent",
    "membership",
    "nearer",
    "pair_trends",
    "rare_recall",
    "rows_auc",
    "useful",
    "worst_pairs",
]

_MOST_LEVELS = 250  # of a word, for the boosted trees
_CLASSES = 20  # words of a column that can be foretold
_RARE = 0.01  # share of the rows below which a word is rare
_PAIRS = 300  # pairs of columns that are looked at
_ROWS = 3_000  # rows of searches for neighbours
_GAP = -1.7e308


def _features(codes: np.ndarray, words: Sequence[bool]) -> np.ndarray:
    """What trees eat: words beyond the most frequent ones as one."""
    x = codes.copy()
    for i, word in enumerate(words):
        if word:
            x[:, i] = np.where(np.isnan(x[:, i]), -1, np.minimum(x[:, i], _MOST_LEVELS)) + 1
    return x


def _trees(words: Sequence[bool], x: np.ndarray, y: np.ndarray, *, numbers: bool = False) -> Any:
    """Boosted trees that have learnt ``y`` from rows ``x``."""
    kind = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
    options: dict[str, Any] = {"categorical_features": list(words), "early_stopping": False}
    trees = kind(random_state=0, **options)
    # scikit-learn cannot part a column that is missing throughout.
    trees.fit(np.where(np.isnan(x).all(axis=0), 0.0, x), y)
    return trees


def rows_auc(real: np.ndarray, made: np.ndarray, words: Sequence[bool], *, seed: int = 0) -> float:
    """Area under the curve of boosted trees that tell made rows from real ones; .5 is cannot tell.

    A classifier two-sample test (Lopez-Paz and Oquab 2017): trees learn on one half and are judged on the
    other, both ways, on as many real as made rows.

    Args:
        words: for each column, whether its codes are words.
    """
    n = min(len(real), len(made)) // 2 * 2
    rng = np.random.default_rng(seed)
    parts = [_features(x[rng.permutation(len(x))[:n]], words) for x in (real, made)]
    halves = [
        np.concatenate([part[: n // 2] for part in parts]),
        np.concatenate([part[n // 2 :] for part in parts]),
    ]
    truth = np.repeat([1.0, 0.0], n // 2)
    areas: list[float] = []
    for learnt, judged in (halves, halves[::-1]):
        trees = _trees(words, learnt, truth)
        areas.append(float(roc_auc_score(truth, trees.predict_proba(judged)[:, 1])))
    return float(np.mean(areas))


@dataclass(frozen=True)
class Useful:
    """How well trees that learn on some rows foretell a column of real ones.

    Attributes:
        auc, f1: of words; of two, F1 is that of the rarer one, else both are means over the words.
        r2: of numbers.
    """

    auc: float | None = None
    f1: float | None = None
    r2: float | None = None

    def to_json(self) -> dict[str, float]:
        found = {"auc": self.auc, "f1": self.f1, "r2": self.r2}
        return {name: value for name, value in found.items() if value is not None}


def useful(learnt: np.ndarray, test: np.ndarray, target: int, words: Sequence[bool]) -> Useful:
    """Train on ``learnt``, test on real rows: how useful rows are for foretelling column ``target``.

    Nothing where there is no other column, or the real rows have one value there alone.
    """
    rest = [i for i in range(len(words)) if i != target]
    kinds = [words[i] for i in rest]
    learnt, test = (x[~np.isnan(x[:, target])] for x in (learnt, test))
    y, truth = learnt[:, target], test[:, target]
    if not rest or len(np.unique(truth)) < 2:
        return Useful()
    x, judged = _features(learnt[:, rest], kinds), _features(test[:, rest], kinds)
    if not words[target]:
        if not len(y):  # rows in which it is always missing say nothing of it
            return Useful(r2=0.0)
        spread = len(np.unique(y)) > 1
        guess = _trees(kinds, x, y, numbers=True).predict(judged) if spread else np.full(len(truth), y[0])
        return Useful(r2=float(r2_score(truth, guess)))
    levels = np.unique(truth)
    chances = np.zeros((len(judged), len(levels)))
    own, counts = np.unique(y, return_counts=True)
    own = own[np.argsort(-counts)[:_CLASSES]]
    kept = np.isin(y, own)
    if len(own) > 1:
        trees = _trees(kinds, x[kept], y[kept])
        found = trees.predict_proba(judged)
        for k, level in enumerate(trees.classes_):
            if level in levels:
                chances[:, int(np.flatnonzero(levels == level)[0])] = found[:, k]
    elif len(own) and own[0] in levels:
        chances[:, levels == own[0]] = 1.0
    guess = levels[chances.argmax(1)]
    if len(levels) == 2:
        counts = [(truth == level).sum() for level in levels]
        rare = levels[int(np.argmin(counts))]
        auc = roc_auc_score(truth == rare, chances[:, int(np.argmin(counts))])
        return Useful(auc=float(auc), f1=float(f1_score(truth == rare, guess == rare)))
    hot = LabelBinarizer().fit(levels).transform(truth)
    auc = roc_auc_score(hot, chances, average="macro")
    return Useful(auc=float(auc), f1=float(f1_score(truth, guess, average="macro")))


def column_shapes(real: np.ndarray, made: np.ndarray, words: Sequence[bool]) -> np.ndarray:
    """For each column 1 less the distance of its distributions, ``(K,)``, 1 is equal.

    The distance is that of Kolmogorov and Smirnov for numbers, the total variation for words.
    """
    shapes: list[float] = []
    for i, word in enumerate(words):
        a, b = (np.where(np.isnan(x[:, i]), _GAP, x[:, i]) for x in (real, made))
        levels = np.unique(np.concatenate([a, b]))
        if word:
            p, q = (_shares(np.searchsorted(levels, x), len(levels)) for x in (a, b))
            shapes.append(1.0 - 0.5 * float(np.abs(p - q).sum()))
        else:
            p, q = (np.searchsorted(np.sort(x), levels, side="right") / len(x) for x in (a, b))
            shapes.append(1.0 - float(np.abs(p - q).max()))
    return np.array(shapes)


def _shares(places: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(places, minlength=n) / max(len(places), 1)


def _binned(real: np.ndarray, made: np.ndarray, word: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """A column in at most 20 levels: words by frequency, numbers by ten quantiles of the real ones."""
    if word:
        a, b = (np.where(np.isnan(x), -1, np.minimum(x, 18)).astype(int) + 1 for x in (real, made))
        return a, b, 20
    cuts = (
        np.unique(np.quantile(real[~np.isnan(real)], np.linspace(0.1, 0.9, 9)))
        if (~np.isnan(real)).any()
        else []
    )
    a, b = (np.where(np.isnan(x), 0, np.searchsorted(cuts, x, side="left") + 1) for x in (real, made))
    return a, b, len(cuts) + 2


def pair_trends(real: np.ndarray, made: np.ndarray, words: Sequence[bool]) -> dict[tuple[int, int], float]:
    """For each pair of columns 1 less the total variation of their joint bins; 1 is equal."""
    pairs = list(combinations(range(len(words)), 2))
    if len(pairs) > _PAIRS:
        pairs = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[:_PAIRS]]
    binned = [_binned(real[:, i], made[:, i], word) for i, word in enumerate(words)]
    found: dict[tuple[int, int], float] = {}
    for i, j in pairs:
        wide, size = binned[j][2], binned[i][2] * binned[j][2]
        p, q = (_shares(a * wide + b, size) for a, b in zip(binned[i][:2], binned[j][:2], strict=True))
        found[i, j] = 1.0 - 0.5 * float(np.abs(p - q).sum())
    return found


def worst_pairs(
    real: np.ndarray, made: np.ndarray, words: Sequence[bool], most: int = 5
) -> list[tuple[int, int, float]]:
    """The pairs of columns that differ most, the worst first."""
    found = sorted(pair_trends(real, made, words).items(), key=lambda item: item[1])
    return [(i, j, value) for (i, j), value in found[:most]]


def rare_recall(
    train: np.ndarray, made: np.ndarray, words: Sequence[bool]
) -> tuple[float | None, list[tuple[int, float]]]:
    """The share of rare words (below 1 % of the training rows) that are made at all, and which never are.

    None where no word is rare. Each one that is missing is its column and its code.
    """
    known, missed = 0, list[tuple[int, float]]()
    for i, word in enumerate(words):
        if not word:
            continue
        column = train[:, i][~np.isnan(train[:, i])]
        levels, counts = np.unique(column, return_counts=True)
        rare = levels[counts < _RARE * len(train)]
        known += len(rare)
        missed += [(i, float(level)) for level in rare[~np.isin(rare, made[:, i])]]
    return (1.0 - len(missed) / known if known else None), missed


def copies(train: np.ndarray, rows: np.ndarray) -> float:
    """The share of rows that are equal to a training row, cell by cell."""

    def keys(x: np.ndarray) -> list[bytes]:
        filled = np.ascontiguousarray(np.where(np.isnan(x), _GAP, x))
        return [row.tobytes() for row in filled]

    known = set(keys(train))
    return float(np.mean([key in known for key in keys(rows)]))


def _places(reference: np.ndarray, rows: np.ndarray, words: Sequence[bool]) -> np.ndarray:
    """Rows as points: numbers by their place among the reference's, words as corners of a simplex."""
    parts: list[np.ndarray] = []
    for i, word in enumerate(words):
        x = rows[:, i]
        if word:
            levels = np.unique(reference[:, i][~np.isnan(reference[:, i])])[:60]
            parts.append((x[:, None] == levels).astype(float) / np.sqrt(2.0))
        else:
            known = np.sort(reference[:, i][~np.isnan(reference[:, i])])
            sides = [np.searchsorted(known, x, side=side) for side in ("left", "right")]
            place = (sides[0] + sides[1]) / (2.0 * max(len(known), 1))
            gone = np.isnan(x)
            parts += [np.where(gone, 0.5, place)[:, None], gone[:, None].astype(float)]
    return np.concatenate(parts, 1)


def nearer(train: np.ndarray, held_out: np.ndarray, made: np.ndarray, words: Sequence[bool]) -> float:
    """The share of made rows that lie nearer to a training row than to a held-out one; honest is .5.

    As many of either are looked at; of equal distances each counts half.
    """
    n = min(len(train), len(held_out), _ROWS)
    rng = np.random.default_rng(0)
    one, other = (x[rng.permutation(len(x))[:n]] for x in (train, held_out))
    points = [_places(train, x, words) for x in (one, other, made[:_ROWS])]
    a, b = (NearestNeighbors(n_neighbors=1).fit(x).kneighbors(points[2])[0][:, 0] for x in points[:2])
    return float(np.mean(np.where(np.isclose(a, b), 0.5, a < b)))


def membership(
    train: np.ndarray, held_out: np.ndarray, made: np.ndarray, words: Sequence[bool]
) -> tuple[float, float]:
    """An attack that guesses who was in the training part: area under its curve, and half of the interval.

    Half of the held-out rows teach boosted trees what made rows look like beside rows that nobody trained on
    (a shadow classifier, by the ratio of densities); the attack says *member* where a row looks made. It is
    judged on training rows against the other half; .5 is chance. It is one attack: a stronger one may do
    better.
    """
    rng = np.random.default_rng(0)
    half = len(held_out) // 2
    order = rng.permutation(len(held_out))
    shadow, judged = held_out[order[:half]], held_out[order[half:]]
    members = train[rng.permutation(len(train))[: len(judged)]]
    fakes = made[rng.permutation(len(made))[:half]]
    x = _features(np.concatenate([fakes, shadow]), words)
    trees = _trees(words, x, np.repeat([1.0, 0.0], [len(fakes), len(shadow)]))
    scores = [trees.predict_proba(_features(rows, words))[:, 1] for rows in (members, judged)]
    truth = np.repeat([1.0, 0.0], [len(members), len(judged)])
    area = float(roc_auc_score(truth, np.concatenate(scores)))
    # Hanley and McNeil 1982 at chance: variance (n₁ + n₂ + 1) / 12 n₁ n₂.
    spread = np.sqrt((len(members) + len(judged) + 1) / (12.0 * len(members) * len(judged)))
    return area, 1.96 * float(spread)


# --- opponents without a game ---


def independent(train: np.ndarray, n: int, *, seed: int = 0) -> np.ndarray:
    """Rows ``(n, K)`` whose columns know nothing of each other: each cell from any training row."""
    rng = np.random.default_rng(seed)
    return np.stack([column[rng.integers(len(column), size=n)] for column in train.T], 1)


def copula(train: np.ndarray, n: int, *, seed: int = 0) -> np.ndarray:
    """Rows ``(n, K)`` of a Gaussian copula: normal scores with the correlations of the training rows.

    Words are ordered by their frequency; what is missing comes last; equal cells are ranked by chance.
    """
    from scipy.special import ndtr, ndtri

    rng = np.random.default_rng(seed)
    rows = len(train)
    filled = np.where(np.isnan(train), np.inf, train)
    order = np.stack([np.lexsort((rng.random(rows), column)) for column in filled.T], 1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(rows)[:, None].repeat(train.shape[1], 1), 0)
    scores = ndtri((ranks + 0.5) / rows)
    values, vectors = np.linalg.eigh(np.corrcoef(scores.T).reshape(train.shape[1], train.shape[1]))
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    levels = ndtr(rng.standard_normal((n, train.shape[1])) @ root.T)
    places = np.minimum((levels * rows).astype(int), rows - 1)
    return np.take_along_axis(np.take_along_axis(train, order, 0), places, 0)
