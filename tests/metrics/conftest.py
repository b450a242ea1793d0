"""Small sets that the metrics' tests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ganforge.metrics.classifier import train_classifier
from ganforge.metrics.context import Scored
from ganforge.metrics.evaluate import evaluate
from ganforge.metrics.features import learned


@dataclass(frozen=True)
class Digits:
    """8×8 digits as bytes ``(N, 1, 8, 8)``, shuffled once and cut into three."""

    training: np.ndarray
    training_labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray
    fresh: np.ndarray
    fresh_labels: np.ndarray


@pytest.fixture(scope="session")
def digits() -> Digits:
    pictures, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(pictures))
    x = (pictures.reshape(-1, 1, 8, 8) * 255 / 16).astype(np.uint8)[order]
    y = labels[order]
    return Digits(x[:1000], y[:1000], x[1000:1400], y[1000:1400], x[1400:], y[1400:])


def by_key(scores):
    keys = [score.key for score in scores]
    assert len(keys) == len(set(keys))
    return dict(zip(keys, scores, strict=True))


@pytest.fixture(scope="session")
def referee(digits: Digits):
    """A classifier of the digits."""
    known = {"held_out": digits.held_out, "held_out_labels": digits.held_out_labels}
    return train_classifier(digits.training, digits.training_labels, kimg=20, **known)


@pytest.fixture(scope="session")
def measure(digits: Digits, referee):
    """Scores of samples by name, with features that were learned from 600 digits."""
    extractor = learned(digits.training[:600], digits.training_labels[:600], kimg=20)

    def score(samples, **options):
        given = {"extractor": extractor, "spare": digits.training[600:]}
        if "wanted" in options:
            given |= {"training_labels": digits.training_labels, "classifier": referee}
        return by_key(evaluate(Scored(samples, digits.training, digits.held_out, **(given | options))))

    return score


@pytest.fixture(scope="session")
def honest(digits: Digits, measure):
    """Every score of real digits in place of samples."""
    return measure(digits.fresh, wanted=digits.fresh_labels)


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(20260101)


@pytest.fixture(scope="session")
def ring() -> np.ndarray:
    """Eight distinct centres on the unit circle (linspace with its end would give seven)."""
    angle = np.arange(8) * np.pi / 4
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.fixture(scope="session")
def grid() -> np.ndarray:
    side = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
