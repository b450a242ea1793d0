"""The discriminator as an instrument: calibration, the best discriminator, and the duality gap."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from ganforge.core.errors import DataError
from ganforge.core.prior import Prior
from ganforge.metrics.calibration import (
    calibrate,
    expected_calibration_error,
    logistic_fit,
    reliability,
)
from ganforge.metrics.duality import duality_gap
from ganforge.metrics.optimal import (
    bandwidth,
    best_discriminator,
    kernel_density,
    mixture_density,
    optimal,
)
from ganforge.metrics.optimal_picture import draw
from ganforge.metrics.points import Mixture


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def two_normals(chance, n, apart=1.0):
    """Positions of reals N(apart, 1) and fakes N(0, 1); their log odds are apart·x − apart²/2."""
    return apart + chance.standard_normal(n), chance.standard_normal(n)


def test_logistic_fit_recovers_a_known_line_and_agrees_with_scikit_learn(chance):
    x = 2.0 * chance.standard_normal(20_000) + 3.0
    label = (chance.random(20_000) < sigmoid(1.7 * x - 4.6)).astype(float)
    (slope, offset), errors = logistic_fit(x, label)
    assert slope == pytest.approx(1.7, abs=4 * errors[0])
    assert offset == pytest.approx(-4.6, abs=4 * errors[1])
    assert errors[0] < 0.05
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], label)
    assert slope == pytest.approx(reference.coef_.item(), rel=1e-4)
    assert offset == pytest.approx(reference.intercept_.item(), rel=1e-4)


def test_the_standard_errors_are_the_spread_of_repeated_fits(chance):
    fits, errors = [], []
    for _ in range(200):
        x = chance.standard_normal(400)
        label = (chance.random(400) < sigmoid(0.8 * x + 0.3)).astype(float)
        found, error = logistic_fit(x, label)
        fits.append(found)
        errors.append(error)
    assert np.mean(errors, axis=0) == pytest.approx(np.std(fits, axis=0), rel=0.2)


def test_a_perfect_logit_has_slope_one_and_no_offset(chance):
    real, fake = two_normals(chance, 20_000)
    found = calibrate(real - 0.5, fake - 0.5)
    assert found.slope == pytest.approx(1.0, abs=4 * found.slope_error)
    assert found.offset == pytest.approx(0.0, abs=4 * found.offset_error)
    assert found.error < 0.02
    assert found.raw_error < 0.02
    assert found.accuracy == pytest.approx(scipy.stats.norm.cdf(0.5), abs=0.01)
    assert found.loss == pytest.approx(found.raw_loss, abs=1e-3)
    assert found.n == 10_000


def test_a_bold_logit_with_a_free_level_is_brought_back(chance):
    real, fake = two_normals(chance, 20_000)
    found = calibrate(3 * (real - 0.5) + 5, 3 * (fake - 0.5) + 5)
    assert found.slope == pytest.approx(1 / 3, rel=0.05)
    assert found.offset == pytest.approx(-5 / 3, rel=0.05)
    assert found.error < 0.02
    assert found.raw_error > 0.3
    assert found.loss < math.log(2) < found.raw_loss
    assert found.probability(np.array([5.0, 8.0])) == pytest.approx(sigmoid(np.array([0.0, 1.0])), abs=0.02)


def test_what_is_told_apart_perfectly_and_what_says_nothing_stay_finite():
    apart = calibrate(np.full(40, 3.0) + np.arange(40) / 100, -np.arange(40) / 100)
    assert apart.accuracy == 1.0
    assert 0 <= apart.loss < 0.01
    assert math.isfinite(apart.slope)
    silent = calibrate(np.full(40, 2.0), np.full(50, 2.0))
    assert (silent.slope, silent.offset) == (0.0, 0.0)
    assert silent.loss == pytest.approx(math.log(2))
    assert silent.error == pytest.approx(0.0)
    assert silent.raw_error == pytest.approx(sigmoid(2.0) - 0.5)
    assert silent.to_json()["slope_error"] is None
    with pytest.raises(DataError, match="at least 16 held-out"):
        calibrate(np.zeros(15), np.zeros(500))
    with pytest.raises(DataError, match="not finite"):
        calibrate(np.full(40, np.nan), np.zeros(40))


def test_reliability_by_hand():
    said = np.array([0.05, 0.15, 0.15, 0.95, 1.0])
    curve = reliability(said, np.array([0.0, 1.0, 0.0, 1.0, 0.0]), bins=10)
    assert [one.count for one in curve] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (curve[1].predicted, curve[1].observed) == pytest.approx((0.15, 0.5))
    assert (curve[9].predicted, curve[9].observed) == pytest.approx((0.975, 0.5))
    assert (curve[9].low, curve[9].high) == pytest.approx((0.9, 1.0))
    assert math.isnan(curve[4].observed)
    assert expected_calibration_error(curve) == pytest.approx((1 * 0.05 + 2 * 0.35 + 2 * 0.475) / 5)


def test_the_best_discriminator_of_two_normals_has_its_closed_form(chance):
    x = np.linspace(-3, 4, 50)
    p, q = scipy.stats.norm.pdf(x, 1, 1), scipy.stats.norm.pdf(x, 0, 1)
    np.testing.assert_allclose(best_discriminator(p, q), sigmoid(x - 0.5), rtol=1e-9)
    assert best_discriminator(np.zeros(1), np.zeros(1)) == 0.5


def closed_form(points):
    return sigmoid(points[:, 0] - 0.5)


def test_a_discriminator_is_measured_against_the_best_one(chance):
    real, fake = (side[:, None] for side in two_normals(chance, 8_000))
    source = Mixture(np.array([[1.0]]), 1.0)
    found = optimal(real, fake, closed_form, lambda x: np.full(len(x), 0.9), mixture=source)
    # ∫ |½ − σ(x − ½)| (p + q)/2 dx for unit normals at 0 and 1, by quadrature.
    x = np.linspace(-9, 10, 20_001)
    density = (scipy.stats.norm.pdf(x, 1, 1) + scipy.stats.norm.pdf(x, 0, 1)) / 2
    guess = float((np.abs(0.5 - sigmoid(x - 0.5)) * density).sum() * (x[1] - x[0]))
    assert found.guess == pytest.approx(guess, abs=0.015)
    assert found.distance < 0.03
    assert found.distance == pytest.approx(found.floor, rel=0.5)
    assert found.raw_distance == pytest.approx(0.4, abs=0.02)
    assert found.says[0] > 0.55 > 0.45 > found.says[1]
    grid = found.axes[0]
    np.testing.assert_allclose(found.real, scipy.stats.norm.pdf(grid, 1, 1), rtol=1e-9)
    dense = (grid > -1.5) & (grid < 2.5)
    assert np.abs(found.best[dense] - sigmoid(grid[dense] - 0.5)).mean() < 0.03
    estimated = optimal(real, fake, closed_form, closed_form)
    assert estimated.density.startswith("kernels")
    assert estimated.distance < 0.04


def test_narrow_modes_are_not_blurred_and_equal_sides_leave_nothing_to_know(chance, ring):
    def points(n):
        return ring[chance.integers(8, size=n)] + 0.01 * chance.standard_normal((n, 2))

    source = Mixture(ring, 0.01)
    equal = optimal(points(3_000), points(3_000), lambda x: np.full(len(x), 0.5), closed_form, mixture=source)
    assert equal.distance == equal.guess < 0.1
    lacking = points(6_000)
    lacking = lacking[lacking[:, 0] < 0.9][:3_000]  # the mode at (1, 0) is never made
    missed = optimal(points(3_000), lacking, lambda x: np.full(len(x), 0.5), closed_form, mixture=source)
    assert equal.guess == pytest.approx(equal.floor, rel=0.3)
    assert missed.guess > 1.3 * equal.guess
    assert missed.bandwidth[0] == 0
    assert missed.bandwidth[1] * lacking.std() < 0.02
    near = np.argmin(np.abs(missed.axes[0] - 1)), np.argmin(np.abs(missed.axes[1]))
    assert missed.best[near] > 0.99  # x comes first
    assert missed.best[near[::-1]] < 0.75


def test_densities_agree_with_scipy(chance):
    points, centres = chance.standard_normal((20, 2)), chance.standard_normal((30, 2))
    width = np.array([0.5, 2.0])
    by_hand = [scipy.stats.multivariate_normal(centre, np.diag(width**2)).pdf(points) for centre in centres]
    np.testing.assert_allclose(kernel_density(points, centres, width), np.mean(by_hand, axis=0), rtol=1e-9)
    sigma = chance.uniform(0.5, 2, 30)
    by_hand = [
        scipy.stats.multivariate_normal(c, s * s).pdf(points) for c, s in zip(centres, sigma, strict=True)
    ]
    found = mixture_density(points, Mixture(centres, sigma))
    np.testing.assert_allclose(found, np.mean(by_hand, axis=0), rtol=1e-9)
    smooth, rough = chance.standard_normal((2000, 1)), np.repeat(chance.standard_normal((20, 1)), 100, axis=0)
    assert bandwidth(smooth) > 0.1
    assert bandwidth(chance.permutation(rough)) < 0.02


def colours(picture):
    return {tuple(colour) for colour in np.asarray(picture).reshape(-1, 3).tolist()}


def test_the_picture_has_curves_in_one_dimension_and_maps_in_two(chance):
    real, fake = (side[:, None] for side in two_normals(chance, 500))
    curves = draw(optimal(real, fake, closed_form, closed_form))
    assert curves.size == (800, 480)
    assert {(18, 130, 110), (70, 70, 190)} <= colours(curves)
    maps = draw(optimal(np.hstack([real, real]), np.hstack([fake, fake]), closed_form, closed_form))
    assert maps.width > 600
    assert len(colours(maps)) > 200


def test_what_cannot_be_compared_has_an_answer(chance):
    many = chance.standard_normal((100, 3))
    with pytest.raises(DataError, match="1 or 2 coordinates, not 3"):
        optimal(many, many, closed_form, closed_form)
    with pytest.raises(DataError, match="64 examples a side"):
        optimal(many[:63, :2], many[:, :2], closed_form, closed_form)


class Shift(nn.Module):
    """A generator: latents moved to a mean."""

    def __init__(self, mean):
        super().__init__()
        self.mean = nn.Parameter(torch.full((1,), float(mean)))

    def forward(self, z, condition=None):
        return z + self.mean


class Line(nn.Module):
    """A discriminator: a line, or in packs a line of the pack's mean."""

    def __init__(self, slope=0.0, packing=1, bias=0.0):
        super().__init__()
        self.line = nn.Linear(1, 1)
        self.packing = packing
        with torch.no_grad():
            self.line.weight.fill_(slope)
            self.line.bias.fill_(bias)

    def forward(self, x, condition=None):
        return self.line(x.reshape(-1, self.packing).mean(1, keepdim=True)).squeeze(1)


def gap(mean, *, slope=0.0, bias=0.0, free=False, packing=1, **options):
    real = torch.from_numpy(np.random.default_rng(5).standard_normal((1600, 1)).astype(np.float32))
    settings = {"steps": 60, "learning_rates": (0.05, 0.05), **options}
    return duality_gap(
        Shift(mean),
        Line(slope, packing, bias),
        Prior(1),
        real,
        level_is_free=free,
        packing=packing,
        **settings,
    )


@pytest.mark.parametrize("free", [False, True])
def test_a_bad_generator_has_a_larger_duality_gap_than_a_good_one(free):
    good, bad, worse = (gap(mean, free=free) for mean in (0.0, 1.0, 2.0))
    assert abs(good.value) < 0.03
    assert good.now == pytest.approx(good.at_equilibrium, abs=1e-6)
    assert good.at_equilibrium == pytest.approx(-math.log(2 if free else 4))
    assert good.value + 0.1 < bad.value < worse.value
    assert bad.generator_gain == pytest.approx(0.0, abs=1e-6)  # a discriminator of ½ gives it nothing to gain
    assert bad.discriminator_gain == pytest.approx(bad.value, abs=1e-6)
    low, high = bad.interval
    assert low <= bad.value <= high
    if not free:  # V(G, D*) + log 4 is twice the Jensen–Shannon divergence, and the estimate is a lower one
        x = np.linspace(-9, 11, 20_001)
        p, q = scipy.stats.norm.pdf(x), scipy.stats.norm.pdf(x, 2, 1)
        js = (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum() * (x[1] - x[0])
        assert worse.value == pytest.approx(js, abs=0.12)


def test_a_generator_that_can_follow_its_discriminator_has_something_to_gain():
    found = gap(0.0, slope=1.0, free=True)
    assert found.generator_gain > 0.2
    assert found.value == pytest.approx(found.discriminator_gain + found.generator_gain)
    assert gap(0.0, slope=1.0, free=True, steps=5, learning_rates=(1e-3, 1e-3)).generator_gain < 0.1


@pytest.mark.parametrize("free", [False, True])
def test_the_value_of_the_game_has_its_closed_form(free):
    # D(x) = x + 1, reals are N(0, 1) and fakes N(2, 1): r is N(1, 1), f is N(3, 1), f − r is N(2, 2).
    x = np.linspace(-14, 18, 40_001)
    softplus = np.logaddexp(0, x)

    def mean(values, centre, deviation):
        return float((values * scipy.stats.norm.pdf(x, centre, deviation)).sum() * (x[1] - x[0]))

    paired = -mean(softplus, 2, math.sqrt(2))
    levelled = -mean(np.logaddexp(0, -x), 1, 1) - mean(softplus, 3, 1)
    found = gap(2.0, slope=1.0, bias=1.0, free=free, steps=1)
    assert found.now == pytest.approx(paired if free else levelled, abs=0.15)
    assert found.discriminator_gain > -0.05


def test_the_duality_gap_depends_on_the_seed_alone_and_moves_no_player():
    generator, discriminator = Shift(1.0), Line(0.3)
    before = copy.deepcopy(generator.state_dict()), copy.deepcopy(discriminator.state_dict())
    real = torch.randn(200, 1, generator=torch.Generator().manual_seed(1))
    told = []
    found = [
        duality_gap(
            generator,
            discriminator,
            Prior(1),
            real,
            level_is_free=True,
            steps=12,
            seed=seed,
            progress=lambda done, total: told.append((done, total)),
        )
        for seed in (3, 3, 4)
    ]
    assert found[0] == found[1] != found[2]
    assert told[:24] == [(step, 24) for step in range(1, 25)]
    for player, state in zip((generator, discriminator), before, strict=True):
        for name, value in player.state_dict().items():
            assert torch.equal(value, state[name])
    assert found[0].to_json()["estimate"] == "lower"


def test_packs_are_judged_whole_and_few_examples_have_an_answer():
    found = gap(2.0, packing=3, steps=20)
    assert found.n % 3 == 0
    assert found.value > gap(0.0, packing=3, steps=20).value
    with pytest.raises(DataError, match="at least 32 held-out"):
        duality_gap(Shift(0), Line(), Prior(1), torch.zeros(31, 1), level_is_free=True)
