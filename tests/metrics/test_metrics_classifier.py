"""The referee trained on labelled data, and what it says about samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganforge.core.errors import DataError
from ganforge.metrics.classifier import class_report, train_classifier


def test_it_reads_digits_it_has_not_seen(referee, digits):
    assert referee.accuracy >= 0.95
    told = referee.probabilities(digits.fresh).argmax(1)
    assert (told == digits.fresh_labels).mean() >= 0.95


def test_the_same_seed_gives_the_same_bits_and_leaves_global_chance_alone(digits):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    threads = torch.get_num_threads()
    a, b, c = (train_classifier(digits.training, digits.training_labels, kimg=2, seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    x = digits.fresh
    np.testing.assert_array_equal(a.probabilities(x), b.probabilities(x))
    assert np.abs(a.probabilities(x) - c.probabilities(x)).max() > 1e-3


def test_the_seed_decides_where_the_network_starts(digits):
    # One batch of all examples: their order makes no difference, so the rest does.
    x, y = digits.training[:50], digits.training_labels[:50]
    a, b = (train_classifier(x, y, kimg=0.05, batch=50, seed=seed) for seed in (1, 2))
    assert np.abs(a.features(x) - b.features(x)).max() > 1e-2


def test_batch_size_and_order_do_not_matter(referee, digits):
    x = digits.fresh[:101]
    whole = referee.features(x, batch=101)
    np.testing.assert_allclose(referee.features(x, batch=7), whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(referee.features(x[::-1])[::-1], whole, rtol=1e-4, atol=1e-5)
    assert whole.dtype == np.float64
    np.testing.assert_allclose(referee.probabilities(x).sum(1), 1.0, rtol=1e-12)


def test_points_and_odd_pictures_have_a_referee_too(chance):
    labels = chance.integers(3, size=300)
    points = chance.standard_normal((300, 2)) + 100.0 * labels[:, None]
    reader = train_classifier(points, labels, held_out=points, held_out_labels=labels, kimg=10)
    assert reader.accuracy > 0.99
    for shape in ((2, 5, 17), (1, 40), (1, 6, 6, 6), (3, 3, 3)):
        x = chance.integers(0, 255, (20, *shape)).astype(np.uint8)
        reader = train_classifier(x, np.arange(20) % 2, kimg=0.1)
        assert reader.probabilities(x).shape == (20, 2)


def test_class_report_by_hand():
    told = np.array([[0.95, 0.05, 0.0], [0.6, 0.4, 0.0], [0.0, 1.0, 0.0], [0.9, 0.1, 0.0]])
    report = class_report(told, wishes=np.array([0, 1, 1, 0]))
    assert report.shares == (0.75, 0.25, 0.0)
    assert report.confident == 0.75
    assert report.confident_shares[:2] == pytest.approx((2 / 3, 1.0))
    assert math.isnan(report.confident_shares[2])
    assert report.agreement == 0.75
    assert report.agreement_shares[:2] == (1.0, 0.5)
    assert report.hardest == 1
    assert report.balance_kl == pytest.approx(0.75 * math.log(2.25) + 0.25 * math.log(0.75), rel=1e-12)


def test_balance_is_measured_against_the_shares_of_the_data():
    told = np.eye(2)[[0, 0, 0, 1]]
    assert class_report(told, expected=np.array([30, 10])).balance_kl == pytest.approx(0.0, abs=1e-12)
    assert class_report(told).hardest == 1
    assert math.isnan(class_report(told).agreement)
    assert class_report(told, expected=np.array([1, 0])).balance_kl == math.inf


def test_users_mistakes_have_an_answer(referee, chance):
    x = chance.standard_normal((6, 2))
    with pytest.raises(DataError, match="one label an example"):
        train_classifier(x, np.arange(5))
    with pytest.raises(DataError, match="at least 2 classes"):
        train_classifier(x, np.zeros(6, dtype=np.int64))
    with pytest.raises(DataError, match="of shape"):
        referee.probabilities(np.zeros((2, 1, 9, 9), dtype=np.uint8))
