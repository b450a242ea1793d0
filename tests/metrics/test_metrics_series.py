"""Scores of series on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from ganforge.metrics import series


def autoregressive(n: int, phi: float, steps: int = 20, seed: int = 0, features: int = 2) -> np.ndarray:
    """Stationary series ``(n, F, T)`` with x(t+1) = φ x(t) + e, of unit variance; some end early."""
    rng = np.random.default_rng(seed)
    x = np.empty((n, features, steps))
    x[:, :, 0] = rng.standard_normal((n, features))
    for t in range(1, steps):
        x[:, :, t] = phi * x[:, :, t - 1] + np.sqrt(1 - phi**2) * rng.standard_normal((n, features))
    x[: n // 4, :, -5:] = np.nan
    return x


def test_referees_cannot_tell_equal_series_and_tell_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(series, "_STEPS", 100)  # enough for what differs so much
    real, same, other = (autoregressive(240, phi, seed=k) for k, phi in enumerate((0.8, 0.8, 0.1)))
    for told in (series.series_auc, series.network_auc):
        assert told(real, same) == pytest.approx(0.5, abs=0.12)
        assert told(real, other) > 0.95
    gaps = same.copy()
    gaps[:, 0, 3] = np.nan  # a missing cell is seen
    assert series.series_auc(real, gaps) > 0.95


def test_lengths_and_correlations_are_those_of_the_process():
    x = autoregressive(1_200, 0.8, steps=200, features=1)
    x = np.concatenate([x, -x], 1)
    assert series.lengths(x).tolist() == [195] * 300 + [200] * 900
    assert series.lags_of(x) == 48
    found = series.autocorrelation(x, 4)
    assert found.shape == (2, 4)
    assert found[0] == pytest.approx(0.8 ** np.arange(1, 5), abs=0.06)  # a series' own mean takes some
    assert series.cross_correlation(x) == pytest.approx(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert series.next_step(x, x) == pytest.approx(0.64, abs=0.02)


def test_classes_are_read_where_they_can_be():
    x = np.concatenate([autoregressive(60, 0.9, seed=1), autoregressive(60, -0.9, seed=2)])
    test = np.concatenate([autoregressive(40, 0.9, seed=3), autoregressive(40, -0.9, seed=4)])
    labels, truth = np.repeat([0.0, 1.0], 60), np.repeat([0.0, 1.0], 40)
    assert series.class_accuracy(x, labels, test, truth) > 0.95
    shuffled = np.random.default_rng(0).permutation(labels)
    assert series.class_accuracy(x, shuffled, test, truth) < 0.75


def test_the_opponents_are_what_they_are_called():
    train = autoregressive(400, 0.7, seed=5)[np.random.default_rng(1).permutation(400)]
    made, which = series.vector_autoregression(train, 300)
    assert np.array_equal(series.lengths(made), series.lengths(train)[which])
    assert series.autocorrelation(made, 1)[0, 0] == pytest.approx(
        series.autocorrelation(train, 1)[0, 0], abs=0.05
    )
    assert not np.isin(np.round(made[0, 0, :5], 9), np.round(train, 9)).any()
    copied, which = series.block_bootstrap(train, 50, labels=np.arange(400) % 2)
    known = np.isnan(copied) | np.isin(copied, train)
    assert known.all()  # nothing of it is new
    assert series.nearer(train[:200], train[200:], train[:200]) == 1.0
    fresh = autoregressive(400, 0.7, seed=6)
    assert series.nearer(train[:200], train[200:], fresh) == pytest.approx(0.5, abs=0.1)
