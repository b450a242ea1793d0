"""Scores of shapes: known answers on boxes."""

from __future__ import annotations

import numpy as np
import pytest

from ganforge.metrics.context import Scored
from ganforge.metrics.evaluate import evaluate
from ganforge.metrics.features import raw
from ganforge.metrics.voxels import coverage, floaters, nearest_own, overlap_distance


def boxes(n: int, seed: int, least: int = 2) -> np.ndarray:
    """Boxes of several sizes in the middle, ``(n, 1, 12, 12, 12)``."""
    rng = np.random.default_rng(seed)
    found = np.zeros((n, 1, 12, 12, 12), np.uint8)
    for one in found:
        a, b, c = rng.integers(least, 6, 3)
        one[0, 6 - a : 6 + a, 6 - b : 6 + b, 6 - c : 6 + c] = 255
    return found


def test_overlap_is_counted_in_voxels():
    one, two = np.zeros((1, 4, 4, 4), bool), np.zeros((1, 4, 4, 4), bool)
    one[0, :2], two[0, 1:3] = True, True
    assert overlap_distance(one, two)[0, 0] == pytest.approx(1 - 16 / 48)
    assert overlap_distance(one, one)[0, 0] == 0
    assert overlap_distance(one & two & False, one & False)[0, 0] == 0


def test_two_sides_that_differ_are_told_apart_and_equal_ones_are_not():
    a, b = boxes(60, 0)[:, 0] > 0, boxes(60, 1)[:, 0] > 0
    far = np.roll(b, 5, axis=1)
    assert nearest_own(a, far).mean() > 0.95
    assert 0.3 < nearest_own(a, b).mean() < 0.7
    assert coverage(np.repeat(a[:1], 60, 0), b) == pytest.approx(1 / 60)


def test_floaters_are_what_hangs_together_with_nothing():
    shape = np.zeros((2, 8, 8, 8), bool)
    shape[0, :3, :3, :3] = True
    shape[0, 6, 6, 6] = True
    assert floaters(shape).tolist() == [pytest.approx(1 / 28), 0.0]


def test_they_stand_beside_the_best_possible_and_a_gaussian():
    given = Scored(boxes(40, 0), boxes(80, 1), boxes(40, 2), extractor=raw(), only=["shapes"])
    found = {score.key: score for score in evaluate(given)}
    assert set(found) == {"nearest_own", "shape_coverage", "floaters"}
    assert found["floaters"].value == found["floaters"].floor == 0
    assert abs(found["nearest_own"].value - found["nearest_own"].floor) < 0.3
    assert all("gaussian" in score.protocol.settings for score in found.values())
