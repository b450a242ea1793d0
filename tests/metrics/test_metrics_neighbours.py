"""Nearest neighbours and the memorisation audit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from ganforge.core.errors import DataError
from ganforge.metrics import neighbours
from ganforge.metrics.neighbours import memorisation, nearest_neighbours


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_neighbours_agree_with_scikit_learn(chance, precision):
    x, y = chance.standard_normal((300, 17)), chance.standard_normal((200, 17)) + 100.0
    distance, index = NearestNeighbors(n_neighbors=4).fit(y).kneighbors(x)
    found = nearest_neighbours(x, y, 4, precision=precision)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-6)
    if precision == "float64":
        np.testing.assert_array_equal(found.index, index)


def test_the_size_of_blocks_does_not_matter(chance, monkeypatch):
    x, y = chance.standard_normal((101, 5)), chance.standard_normal((57, 5))
    whole = nearest_neighbours(x, y, 3)
    monkeypatch.setattr(neighbours, "_BLOCK", 57 * 7)
    parts = nearest_neighbours(x, y, 3)
    np.testing.assert_array_equal(whole.index, parts.index)
    np.testing.assert_array_equal(whole.distance, parts.distance)


def test_many_references_are_seen_in_parts(chance):
    x, y = chance.standard_normal((40, 3)), chance.standard_normal((50, 3))
    whole = nearest_neighbours(x, y)
    distance, index = neighbours.nearest_by_parts(x, torch.from_numpy(y), size=7)
    np.testing.assert_array_equal(distance, whole.distance[:, 0])
    np.testing.assert_array_equal(index, whole.index[:, 0])


def test_oneself_is_no_neighbour_and_a_twin_is(chance):
    x = chance.standard_normal((50, 3))
    assert (nearest_neighbours(x, x).distance == 0).all()
    alone = nearest_neighbours(x, x, exclude_self=True)
    assert (alone.distance > 0).all()
    assert (alone.index[:, 0] != np.arange(50)).all()
    twins = np.concatenate([x, x])
    assert (nearest_neighbours(twins, twins, exclude_self=True).distance == 0).all()


def test_a_copy_is_at_zero_even_far_from_the_origin(chance):
    y = 1e6 + chance.standard_normal((40, 8))
    assert (nearest_neighbours(y[:5], y).distance == 0.0).all()


def test_copies_are_one_and_honest_samples_one_half(chance):
    training, held_out = chance.standard_normal((400, 8)), chance.standard_normal((400, 8))
    copies = memorisation(training[:200], training, held_out)
    assert (copies.share, copies.low, copies.copies) == (1.0, 1.0, 1.0)
    assert copies.share > copies.honest_high
    honest = memorisation(chance.standard_normal((1000, 8)), training, held_out)
    assert honest.share == pytest.approx(0.5, abs=0.08)
    assert honest.copies == 0.0


def test_copies_are_found_when_the_training_set_is_ten_times_the_held_out_one(chance):
    # Cutting the training set to the held-out size would leave nine copies in ten unseen.
    training, held_out = chance.standard_normal((2000, 8)), chance.standard_normal((200, 8))
    fresh = chance.standard_normal((500, 8))
    assert memorisation(training[:500], training, held_out).share == 1.0
    half = memorisation(np.concatenate([training[:500], fresh]), training, held_out)
    assert half.share == pytest.approx(0.75, abs=0.12)
    assert memorisation(fresh, training, held_out).share == pytest.approx(0.5, abs=0.25)


def test_the_honest_range_holds_nineteen_in_twenty(chance):
    inside = 0
    for seed in range(60):
        sets = [chance.standard_normal((n, 4)) for n in (100, 200, 50)]
        found = memorisation(*sets, seed=seed, resamples=200)
        inside += found.honest_low <= found.share <= found.honest_high
    assert 51 <= inside <= 60


def test_samples_nearer_to_held_out_examples_are_below_one_half(chance):
    training, held_out = chance.standard_normal((100, 4)), chance.standard_normal((100, 4))
    assert memorisation(held_out, training, held_out).share == 0.0


def test_ties_count_half():
    same = np.arange(12.0).reshape(6, 2)
    assert memorisation(same, same, same).share == 0.5


def test_memorisation_depends_on_the_seed_alone(chance):
    x = [chance.standard_normal((n, 3)) for n in (60, 90, 30)]
    a, b = memorisation(*x, seed=3), memorisation(*(torch.from_numpy(part) for part in x), seed=3)
    assert (a.low, a.high, a.honest_low) == (b.low, b.high, b.honest_low)
    assert memorisation(x[0][::-1], *x[1:], seed=3).share == a.share


def test_users_mistakes_have_an_answer():
    with pytest.raises(DataError, match="neighbours were asked for"):
        nearest_neighbours(np.zeros((3, 2)), np.zeros((3, 2)), 3, exclude_self=True)
    with pytest.raises(DataError, match="numbers a row"):
        nearest_neighbours(np.zeros((3, 2)), np.zeros((3, 3)))
    with pytest.raises(DataError, match="set some aside"):
        memorisation(np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((0, 2)))
