"""Logistic regression: minima that are known, and the ones where Newton's own steps go astray."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ganforge.core.logistic import fit_logistic, sigmoid


def test_an_offset_alone_is_the_log_odds_of_the_weighted_share():
    target, weight = np.array([1.0, 1.0, 0.0]), np.array([0.1, 0.2, 0.7])
    found = fit_logistic(np.ones((3, 1)), target, weight, np.zeros(1))
    assert found.weights == pytest.approx([math.log(0.3 / 0.7)], abs=1e-9)
    assert found.curvature == pytest.approx(np.array([[0.3 * 0.7]]), rel=1e-6)


def test_two_places_with_soft_targets_are_met_exactly():
    """With as many weights as places, each place has its own probability: ¼ at 0 and ⅔ at 2."""
    rows = np.array([[0.0, 1.0], [2.0, 1.0]])
    found = fit_logistic(rows, np.array([0.25, 2 / 3]), np.array([0.3, 0.9]), np.zeros(2))
    assert sigmoid(rows @ found.weights) == pytest.approx([0.25, 2 / 3], abs=1e-9)


def test_the_ridge_is_in_the_minimum():
    """For a row of 1, a target of 1 and a ridge of 1 the derivative vanishes where w = 1 − σ(w)."""
    found = fit_logistic(np.ones((1, 1)), np.ones(1), np.ones(1), np.ones(1))
    (w,) = found.weights
    assert w == pytest.approx(1 - 1 / (1 + math.exp(-w)), abs=1e-9)
    assert 0.3 < w < 0.5


def test_what_is_told_apart_perfectly_ends_at_the_ridge():
    x = np.concatenate([np.full(500, 1.0), np.full(500, -1.0)])[:, None]
    target = np.repeat([1.0, 0.0], 500)
    (w,) = fit_logistic(x, target, np.full(1000, 1e-3), np.array([1e-6])).weights
    assert 1e-6 * w == pytest.approx(1 / (1 + math.exp(w)), rel=1e-3)


def test_the_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist() == [0.0, 0.5, 1.0]
