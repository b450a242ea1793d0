"""Small sets that the metrics' tests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import load_digits


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
