"""Modes, histograms and distribution functions of points."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch

from ganforge.core.errors import DataError
from ganforge.metrics.points import (
    jensen_shannon,
    kolmogorov_smirnov,
    kolmogorov_smirnov_normal,
    mixture_report,
    perfect_high_quality,
    reverse_kl_uniform,
)


def draw(chance, centres, sigma, n):
    return centres[chance.integers(len(centres), size=n)] + sigma * chance.standard_normal((n, 2))


def test_a_perfect_sampler_of_the_ring_scores_98_89_percent(chance, ring):
    report = mixture_report(draw(chance, ring, 0.01, 100_000), ring, 0.01)
    assert len(np.unique(ring.round(6), axis=0)) == 8
    assert (report.modes, report.covered, report.n) == (8, 8, 100_000)
    # One standard deviation of a share of .98889 at this n is .00033.
    assert report.high_quality == pytest.approx(0.98889, abs=0.0014)
    assert report.sigma_ratio == pytest.approx(1.0, abs=0.01)
    assert 0 <= report.reverse_kl < 10 * report.reverse_kl_floor


def test_a_perfect_sampler_of_the_grid_scores_98_89_percent(chance, grid):
    report = mixture_report(torch.from_numpy(draw(chance, grid, 0.05, 100_000)), grid, 0.05)
    assert report.covered == 25
    assert report.high_quality == pytest.approx(0.98889, abs=0.0014)
    assert report.reverse_kl_floor == pytest.approx(24 / 200_000, rel=1e-12)
    assert report.reverse_kl == pytest.approx(report.reverse_kl_floor, abs=0.0002)


def test_the_perfect_share_has_its_closed_forms():
    assert perfect_high_quality(2) == pytest.approx(1 - math.exp(-4.5), rel=1e-12)
    assert perfect_high_quality(1) == pytest.approx(0.9973002039367398, rel=1e-10)
    assert perfect_high_quality(3, within=2.0) == pytest.approx(scipy.stats.chi2.cdf(4.0, 3), rel=1e-10)


@pytest.mark.parametrize("ratio", [0.3, 0.8, 1.2, 2.0])
def test_spread_within_modes_is_read_through_the_cut_at_three_sigma(chance, ring, ratio):
    report = mixture_report(draw(chance, ring, 0.01 * ratio, 40_000), ring, 0.01)
    assert report.sigma_ratio == pytest.approx(ratio, rel=0.03)


def test_shrunken_modes_show_as_too_much_high_quality_and_too_little_spread(chance, ring):
    report = mixture_report(draw(chance, ring, 0.005, 5000), ring, 0.01)
    assert report.high_quality > report.high_quality_perfect + 0.005
    assert report.sigma_ratio < 0.8


def test_one_mode_is_named_as_one_mode(chance, ring):
    report = mixture_report(ring[:1] + 0.01 * chance.standard_normal((500, 2)), ring, 0.01)
    assert report.covered == 1
    assert report.reverse_kl == pytest.approx(math.log(8), rel=1e-12)
    assert report.counts == (500, 0, 0, 0, 0, 0, 0, 0)


def test_noise_has_no_high_quality_and_no_spread_to_read(ring):
    report = mixture_report(np.array([[0.5, 0.0], [9.0, 9.0]]), ring, 0.01)
    assert (report.covered, report.high_quality) == (0, 0.0)
    assert math.isnan(report.sigma_ratio)


def test_least_asks_for_more_than_one_capture(ring):
    samples = np.concatenate([ring, ring[:3]])
    assert mixture_report(samples, ring, 0.01, least=1).covered == 8
    assert mixture_report(samples, ring, 0.01, least=2).covered == 3


def test_sigma_may_differ_by_mode():
    centres = np.array([[0.0, 0.0], [10.0, 0.0]])
    samples = np.array([[0.0, 0.2], [10.0, 0.2]])
    assert mixture_report(samples, centres, np.array([0.1, 0.01])).covered == 1


def test_order_of_the_samples_does_not_matter(chance, ring):
    x = draw(chance, ring, 0.02, 1000)
    a, b = mixture_report(x, ring, 0.01), mixture_report(x[::-1], ring, 0.01)
    assert a.counts == b.counts
    assert a.sigma_ratio == pytest.approx(b.sigma_ratio, rel=1e-12)


def test_reverse_kl_by_hand():
    # p = (¾, ¼, 0): ¾ ln(9/4) + ¼ ln(3/4)
    assert reverse_kl_uniform(np.array([3, 1, 0])) == pytest.approx(
        0.75 * math.log(2.25) + 0.25 * math.log(0.75), rel=1e-12
    )
    assert reverse_kl_uniform(np.array([7, 7, 7])) == 0.0


def test_kolmogorov_smirnov_agrees_with_scipy(chance):
    x, y = chance.standard_normal(300) * 1.3 + 0.2, chance.standard_normal(170)
    reference = scipy.stats.kstest(x, "norm", args=(0.5, 2.0)).statistic
    assert kolmogorov_smirnov_normal(x, 0.5, 2.0) == pytest.approx(reference, rel=1e-9)
    assert kolmogorov_smirnov(x, y) == pytest.approx(scipy.stats.ks_2samp(x, y).statistic, rel=1e-9)


def test_kolmogorov_smirnov_by_hand():
    # The median of the normal is at 0: a single sample there is half a step away on both sides.
    assert kolmogorov_smirnov_normal(np.zeros((1, 1))) == pytest.approx(0.5, rel=1e-12)
    assert kolmogorov_smirnov_normal(np.array([50.0])) == kolmogorov_smirnov_normal(np.array([-50.0])) == 1.0
    assert kolmogorov_smirnov(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0.0
    assert kolmogorov_smirnov(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1.0
    # Ties are jumped over together.
    assert kolmogorov_smirnov(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])) == pytest.approx(1 / 3)


def test_jensen_shannon_is_zero_for_equal_and_one_bit_for_disjoint(chance):
    x = chance.uniform(0, 1, (500, 2))
    assert jensen_shannon(x, x) == 0.0
    far = np.array([[0.0], [0.1], [1.0]])
    assert jensen_shannon(np.array([[0.5], [0.52]]), far) == pytest.approx(1.0, rel=1e-12)


def test_jensen_shannon_by_hand():
    # Two bins: p = (1, 0), q = (½, ½), m = (¾, ¼).
    expected = 0.5 * math.log2(4 / 3) + 0.5 * (0.5 * math.log2(2 / 3) + 0.5 * math.log2(2))
    value = jensen_shannon(np.array([0.0, 0.1]), np.array([0.0, 1.0]), bins=2)
    assert value == pytest.approx(expected, rel=1e-12)


def test_users_mistakes_have_an_answer(ring):
    with pytest.raises(DataError, match="coordinates"):
        mixture_report(np.zeros((4, 3)), ring, 0.1)
    with pytest.raises(DataError, match="more than 0"):
        mixture_report(np.zeros((4, 2)), ring, 0.0)
    with pytest.raises(DataError, match="not finite"):
        mixture_report(np.full((4, 2), np.nan), ring, 0.1)
    with pytest.raises(DataError, match="1 coordinate"):
        kolmogorov_smirnov(np.zeros((4, 2)), np.zeros((4, 2)))
    with pytest.raises(DataError, match="1 to 3"):
        jensen_shannon(np.zeros((4, 4)), np.zeros((4, 4)))
