"""Scores of tables: their direction, their floors, and what they see that averages do not."""

from __future__ import annotations

import numpy as np
import pytest

from ganforge.codecs.rows.facts import TableFacts
from ganforge.metrics import tables
from ganforge.metrics.table_scores import table_scores

WORDS = (False, True, True)


def rows(n: int, seed: int, *, tied: bool = True) -> np.ndarray:
    """A number, a word that goes with it, and a word of 40 levels of which many are rare."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = (x + 0.3 * rng.normal(size=n) > 0).astype(float) if tied else rng.integers(0, 2, n).astype(float)
    z = np.minimum(rng.geometric(0.2, n), 40) - 1.0
    x[rng.random(n) < 0.1] = np.nan
    return np.stack([x, y, z], 1)


REAL, OTHER, LOOSE = rows(2_000, 0), rows(2_000, 1), rows(2_000, 2, tied=False)


def test_real_rows_cannot_be_told_apart_and_loose_ones_can():
    assert tables.rows_auc(REAL, OTHER, WORDS) == pytest.approx(0.5, abs=0.04)
    assert tables.rows_auc(REAL, LOOSE, WORDS) > 0.65
    assert tables.rows_auc(REAL, OTHER, WORDS) == tables.rows_auc(REAL, OTHER, WORDS)


def test_useful_rows_foretell():
    good, bad = tables.useful(REAL, OTHER, 1, WORDS), tables.useful(LOOSE, OTHER, 1, WORDS)
    assert good.auc is not None
    assert bad.auc is not None
    assert good.auc > 0.9
    assert bad.auc < 0.6
    assert set(good.to_json()) == {"auc", "f1"}
    number, none = tables.useful(REAL, OTHER, 0, WORDS), tables.useful(LOOSE, OTHER, 0, WORDS)
    assert number.r2 is not None
    assert none.r2 is not None
    assert number.r2 > 0.5 > 0.1 > none.r2


def test_a_target_of_one_word_is_no_crash():
    one = REAL.copy()
    one[:, 1] = 0.0
    found = tables.useful(one, OTHER, 1, WORDS)
    assert found.auc == pytest.approx(0.5)
    assert found.f1 == 0.0


def test_shapes_and_trends_by_hand():
    a = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0]])
    b = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    shapes = tables.column_shapes(a, b, (False, True))
    assert shapes.tolist() == pytest.approx([0.5, 0.75])
    assert tables.column_shapes(a, a, (False, True)).tolist() == [1.0, 1.0]
    assert tables.pair_trends(a, a, (True, True)) == {(0, 1): 1.0}
    assert tables.pair_trends(a, b, (True, True))[0, 1] == pytest.approx(0.5)
    worst = tables.worst_pairs(REAL, LOOSE, WORDS)
    assert worst[0][:2] == (0, 1)


def test_rare_words_copies_and_nearness():
    recall, missed = tables.rare_recall(REAL, REAL[REAL[:, 2] < 15], WORDS)
    assert recall is not None
    assert 0 < recall < 1
    assert all(column == 2 and code >= 15 for column, code in missed)
    assert tables.rare_recall(REAL, REAL, WORDS) == (1.0, [])
    assert tables.copies(REAL, REAL[:50]) == 1.0
    assert tables.copies(REAL, OTHER) < 0.2
    assert tables.nearer(REAL, OTHER, REAL[:500], WORDS) > 0.9
    assert tables.nearer(REAL, OTHER, rows(500, 5), WORDS) == pytest.approx(0.5, abs=0.06)


def test_the_attack_finds_copies_and_nothing_else():
    honest, wide = tables.membership(REAL, OTHER, rows(2_000, 7), WORDS)
    assert abs(honest - 0.5) < 2 * wide
    copied, _ = tables.membership(REAL[:1_000], OTHER, REAL[:1_000], WORDS)
    assert copied > 0.6


def test_opponents_without_a_game():
    loose, copula = tables.independent(REAL, 3_000), tables.copula(REAL, 3_000)
    for made in (loose, copula):
        assert tables.column_shapes(REAL, made, WORDS).min() > 0.96
        assert np.isin(made[~np.isnan(made)], REAL[~np.isnan(REAL)]).all()
    known = [x[:, :2][~np.isnan(x[:, 0])] for x in (REAL, loose, copula)]
    real, none, some = (np.corrcoef(x.T)[0, 1] for x in known)
    assert abs(none) < 0.06
    assert 0.4 * real < some <= real + 0.05


def _facts(values: np.ndarray, words: tuple[bool, ...]) -> TableFacts:
    names = tuple(f"c{i}" for i in range(len(words)))
    return TableFacts(names, words, (), lambda x: x, lambda i, code: f"{code:g}")


ODD: dict[str, tuple[np.ndarray, tuple[bool, ...]]] = {
    "one column of numbers": (REAL[:200, :1], (False,)),
    "one column of words": (REAL[:200, 1:2], (True,)),
    "one word alone where it is judged": (np.stack([REAL[:200, 0], np.arange(200) < 3], 1), (False, True)),
    "nothing but gaps": (np.stack([REAL[:200, 1], np.full(200, np.nan)], 1), (True, False)),
    "each row another word": (np.stack([REAL[:200, 1], np.arange(200.0)], 1), (True, True)),
    "the same number everywhere": (np.stack([REAL[:200, 1], np.ones(200)], 1), (True, False)),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tables_are_scored_without_a_crash(name: str):
    values, words = ODD[name]
    found, _ = table_scores(
        values[100:160], values[:100], values[160:], _facts(values, words), split="held-out", seed=0
    )
    assert all(np.isfinite(score.value) for score in found)
    assert not [score for score in found if score.key.startswith("useful") and len(words) == 1]
    assert not [score for score in found if score.key == "pair_trends" and len(words) == 1]
