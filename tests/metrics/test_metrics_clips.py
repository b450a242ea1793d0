"""Scores of clips: known answers on a square that moves."""

from __future__ import annotations

import numpy as np
import pytest

from ganforge.metrics.clips import gaussian_clips, motion, shuffled, still_clips
from ganforge.metrics.context import Scored
from ganforge.metrics.evaluate import evaluate
from ganforge.metrics.features import raw
from ganforge.metrics.score import Score


def moving(n: int, seed: int, speed: int = 1) -> np.ndarray:
    """A square that goes to the right from anywhere, ``(n, 1, 8, 16, 16)``."""
    rng = np.random.default_rng(seed)
    found = np.zeros((n, 1, 8, 16, 16), np.uint8)
    for one in found:
        x, y = rng.integers(0, 5), rng.integers(0, 12)
        for t in range(8):
            one[0, t, y : y + 4, x + speed * t : x + speed * t + 4] = rng.integers(200, 256)
    return found


def scored(samples: np.ndarray) -> dict[str, Score]:
    given = Scored(
        samples, moving(300, 1), moving(150, 2), extractor=raw(), only=["clips", "shapes"], of_frames=True
    )
    return {score.key: score for score in evaluate(given)}


def test_real_clips_reach_the_best_possible_and_controls_do_not():
    found = scored(moving(150, 3))
    assert set(found) == {"frame_distance", "difference_distance", "slice_distance", "motion"}
    for key in ("frame_distance", "difference_distance", "slice_distance"):
        one = found[key]
        assert 0.3 * one.floor < one.value < 2 * one.floor
        assert one.floor > 0
    for key in ("difference_distance", "slice_distance"):
        for rival in ("shuffled", "still"):
            assert float(found[key].protocol.settings[rival]) > 3 * found[key].floor
    assert found["motion"].value == pytest.approx(1, abs=0.1)


def test_each_fault_is_seen_where_it_is():
    real, train = scored(moving(150, 3)), moving(300, 1)
    still = scored(still_clips(train, 150, 0))
    assert still["motion"].value == 0
    assert still["difference_distance"].value > 3 * real["difference_distance"].value
    backwards = scored(moving(150, 3)[:, :, ::-1])
    assert backwards["difference_distance"].value > 3 * real["difference_distance"].value
    assert backwards["motion"].value == pytest.approx(1, abs=0.1)  # as much, the other way
    drawn = scored(gaussian_clips(train, 150, 0))
    assert drawn["difference_distance"].value > real["difference_distance"].value


def test_controls_are_what_they_say():
    x = moving(20, 0)
    mixed = shuffled(x, 0)
    assert (np.sort(mixed.sum((3, 4)), axis=2) == np.sort(x.sum((3, 4)), axis=2)).all()
    assert (mixed != x).any()
    assert (np.diff(still_clips(x, 9, 0).astype(int), axis=2) == 0).all()
    drawn = gaussian_clips(moving(300, 0), 400, 0)
    assert drawn.shape == (400, 1, 8, 16, 16)
    assert np.abs(drawn.mean(0) - moving(300, 0).mean(0)).mean() < 12  # darker than black is black
    assert motion(np.full((3, 1, 8, 4, 4), 7, np.uint8)).tolist() == [0, 0, 0]
    assert not evaluate(Scored(x, x, x, extractor=raw(), only=["clips"]))  # where nobody says that they are
