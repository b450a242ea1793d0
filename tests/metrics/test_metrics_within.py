"""Variety within a condition that no two real examples share: an estimate, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ganforge.metrics.within import Within

Array = np.ndarray


def world(rng: np.random.Generator, n: int = 128, own: float = 1.0) -> tuple[Array, Array, Array]:
    """Conditions of ten words, what they say of six numbers, and examples with ``own`` beside it."""
    words = (rng.random((n, 10)) < 0.4).astype(float)
    says = np.tanh(words @ rng.normal(size=(10, 6))) * 2
    return words, says, says + own * rng.normal(size=says.shape)


@pytest.mark.parametrize("seed", range(4))
def test_samples_as_varied_as_real_examples_are_at_one(seed: int):
    rng = np.random.default_rng(seed)
    words, says, real = world(rng)
    found = Within(words, real)
    samples = [says + rng.normal(size=says.shape) for _ in range(2)]
    assert found(*samples) == pytest.approx(1.0, abs=0.2)
    half = [says + 0.3 * rng.normal(size=says.shape) for _ in range(2)]
    assert found(*half) == pytest.approx(0.3, abs=0.1)
    assert found(says, says) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_said_where_conditions_say_all_or_nothing(seed: int):
    rng = np.random.default_rng(seed)
    words, says, real = world(rng, own=0.02)
    assert math.isnan(Within(words, real)(says, says))  # one picture for each is right
    words, _, real = world(rng)
    rng.shuffle(words)
    assert math.isnan(Within(words, real)(real, real))  # nothing is known
