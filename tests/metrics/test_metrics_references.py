"""Independent references to 1e-6, and the direction of every score that is given.

The numbers of other packages were made once, with torchmetrics 1.9.0, torch-fidelity 0.4.0 and prdc 0.2,
on the features below, in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import scipy.stats
import torch
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss
from sklearn.neighbors import NearestNeighbors

from ganforge.core.declared import SCORES
from ganforge.metrics.calibration import calibrate, reliability
from ganforge.metrics.context import Scored
from ganforge.metrics.evaluate import evaluate
from ganforge.metrics.features import raw
from ganforge.metrics.frechet import frechet_distance, moments
from ganforge.metrics.kernel import kernel_distance
from ganforge.metrics.manifold import manifold
from ganforge.metrics.neighbours import memorisation, nearest_neighbours
from ganforge.metrics.points import Mixture, jensen_shannon, kolmogorov_smirnov, reverse_kl_uniform
from ganforge.metrics.sliced import sliced_wasserstein
from tests.metrics.conftest import by_key


def features(seed, n, size, mean, scale):
    rng = np.random.default_rng(seed)
    return mean + scale * rng.standard_normal((n, size)) @ np.tril(np.ones((size, size))) / np.sqrt(size)


@dataclass(frozen=True)
class Known:
    """Real examples, samples, k, and what other packages say."""

    real: np.ndarray
    samples: np.ndarray
    k: int
    frechet: float
    kernel: float
    precision: float
    recall: float
    density: float
    coverage: float


KNOWN = {
    "300 of 8 numbers": Known(
        features(1, 300, 8, 0.0, 1.0),
        features(2, 300, 8, 0.3, 0.8),
        5,
        frechet=0.9650774421539206,
        kernel=0.4071091024370861,
        precision=0.9933333333333333,
        recall=0.7866666666666666,
        density=1.294,
        coverage=0.8833333333333333,
    ),
    "60 of 100 numbers": Known(
        features(1, 60, 100, 0.0, 1.0),
        features(2, 60, 100, 0.1, 1.2),
        3,
        # By the singular values of the 60 × 60 products. Few examples leave singular matrices, where the
        # references add up roots of rounding: torch-fidelity says 5.250205584941114, torchmetrics 5.25020546.
        frechet=5.250220253551561,
        kernel=0.07055129266669624,
        precision=0.8666666666666667,
        recall=0.9333333333333333,
        density=0.7888888888888889,
        coverage=0.7666666666666667,
    ),
}


@pytest.fixture(params=KNOWN)
def known(request) -> Known:
    return KNOWN[request.param]


def test_the_features_are_those_that_the_numbers_were_made_of():
    assert KNOWN["300 of 8 numbers"].real.sum() == pytest.approx(-60.212928902975364, rel=1e-12)
    assert KNOWN["300 of 8 numbers"].samples.sum() == pytest.approx(622.3412717992528, rel=1e-12)


def test_frechet_distance_agrees_with_torchmetrics_and_torch_fidelity(known: Known):
    found = frechet_distance(moments(known.samples), moments(known.real))
    assert found == pytest.approx(known.frechet, rel=1e-6)


def test_frechet_distance_agrees_with_scipy_for_many_sizes():
    for seed, (n, size) in enumerate([(500, 2), (400, 16), (300, 48), (1000, 64)]):
        x, y = features(seed, n, size, 0.0, 1.0), features(seed + 50, n, size, 0.2, 1.3)
        root = scipy.linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
        gap = x.mean(0) - y.mean(0)
        reference = gap @ gap + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
        assert frechet_distance(moments(x), moments(y)) == pytest.approx(reference, rel=1e-6)


def test_kernel_distance_agrees_with_torchmetrics_and_torch_fidelity(known: Known):
    assert kernel_distance(known.samples, known.real).value == pytest.approx(known.kernel, rel=1e-6)


def test_precision_recall_density_and_coverage_agree_with_prdc_and_torch_fidelity(known: Known):
    found = manifold(known.samples, known.real, k=known.k)
    assert found.precision == pytest.approx(known.precision, rel=1e-6)
    assert found.recall == pytest.approx(known.recall, rel=1e-6)
    assert found.density == pytest.approx(known.density, rel=1e-6)
    assert found.coverage == pytest.approx(known.coverage, rel=1e-6)
    # Swapping the sides swaps precision and recall: torch-fidelity had them the wrong way round until 2026.
    swapped = manifold(known.real, known.samples, k=known.k)
    assert (swapped.precision, swapped.recall) == (found.recall, found.precision)


def test_neighbours_and_memorisation_agree_with_scikit_learn(known: Known):
    reference = NearestNeighbors(n_neighbors=4).fit(known.real).kneighbors(known.samples)
    found = nearest_neighbours(known.samples, known.real, 4)
    np.testing.assert_allclose(found.distance, reference[0], rtol=1e-9)
    np.testing.assert_array_equal(found.index, reference[1])
    half = len(known.real) // 2
    near, far = (
        NearestNeighbors(n_neighbors=1).fit(side).kneighbors(known.samples)[0][:, 0]
        for side in (known.real[:half], known.real[half:])
    )
    share = memorisation(known.samples, known.real[:half], known.real[half:]).share
    assert share == pytest.approx((near < far).mean(), rel=1e-9)


def test_distances_on_the_line_agree_with_scipy(known: Known):
    x, y = known.samples[:, 0], known.real[:, 0]
    assert kolmogorov_smirnov(x, y) == pytest.approx(scipy.stats.ks_2samp(x, y).statistic, rel=1e-9)
    # W₂² of equally many points on a line pairs sorted points; scipy's assignment knows nothing of that.
    cost = (x[:, None] - y[None]) ** 2
    pairs = scipy.optimize.linear_sum_assignment(cost)
    assert sliced_wasserstein(x, y) == pytest.approx(np.sqrt(cost[pairs].mean()), rel=1e-9)
    low, high = y.min(), y.max()
    p, q = (np.histogram(np.clip(side, low, high), 50, (low, high))[0] for side in (x, y))
    reference = scipy.spatial.distance.jensenshannon(p, q, base=2) ** 2
    assert jensen_shannon(x, y) == pytest.approx(reference, rel=1e-6)
    counts = np.array([3, 0, 7, 11])
    uniform = np.full(4, 0.25)
    assert reverse_kl_uniform(counts) == pytest.approx(scipy.stats.entropy(counts, uniform), rel=1e-12)


def test_calibration_agrees_with_scikit_learn(chance):
    real, fake = 1 + chance.standard_normal(3000), chance.standard_normal(3000)
    found = calibrate(real, fake, bins=10)
    label = np.repeat([1, 0], 2000)
    said = 1 / (1 + np.exp(-np.concatenate([chance.standard_normal(2000) + 1, chance.standard_normal(2000)])))
    curve = [one for one in reliability(said, label.astype(float)) if one.count]
    so, mean = calibration_curve(label, said, n_bins=10)
    np.testing.assert_allclose([one.observed for one in curve], so, rtol=1e-9)
    np.testing.assert_allclose([one.predicted for one in curve], mean, rtol=1e-9)
    # log loss of the held-out half, computed anew from the fitted line
    order = np.concatenate([real, fake])
    p = found.probability(order)
    assert log_loss(np.repeat([1, 0], 3000), p) == pytest.approx(found.loss, abs=0.03)


def blurred(x):
    return ((x.astype(int) + np.roll(x, 1, 2) + np.roll(x, 1, 3)) // 3).astype(np.uint8)


@pytest.fixture(scope="module")
def digit_scores(digits, measure, honest):
    """Honest samples, and samples of six faults, with every score that is asked of them below."""
    rng = np.random.default_rng(0)
    few = rng.integers(0, 5, size=397)
    faults = {
        "noise": (rng.integers(0, 256, digits.fresh.shape).astype(np.uint8), digits.fresh_labels),
        "blur": (blurred(digits.fresh), digits.fresh_labels),
        "five pictures": (digits.fresh[few], digits.fresh_labels[few]),
        "copies": (digits.training[600:], digits.training_labels[600:]),
        "wrong classes": (digits.fresh, (digits.fresh_labels + 1) % 10),
        "one class": (
            digits.training[digits.training_labels == 4],
            np.full(101, 4)[: (digits.training_labels == 4).sum()],
        ),
    }
    told = ("blur", "one class")  # noise is so elsewhere; the others are not asked about two classifiers each
    groups = {name: [group for group in SCORES if group != "two_sample" or name in told] for name in faults}
    found = {
        name: measure(samples, wanted=asked, only=groups[name]) for name, (samples, asked) in faults.items()
    }
    return {"honest": honest, **found}


# Score, its direction, and faults that it must put on the worse side of honest samples.
DIRECTIONS = {
    "kernel_distance": ("lower", ["noise", "blur", "five pictures", "one class"]),
    "frechet_distance": ("lower", ["noise", "blur", "five pictures", "one class"]),
    "precision": ("higher", ["noise", "blur"]),
    "recall": ("higher", ["five pictures", "one class"]),
    "density": ("higher", ["noise", "blur"]),
    "coverage": ("higher", ["noise", "five pictures", "one class"]),
    "sliced_wasserstein": ("lower", ["noise", "blur", "five pictures", "one class"]),
    "two_sample_accuracy": ("lower", ["blur", "one class"]),
    "support_size": ("higher", ["five pictures"]),
    "memorisation": ("floor", ["copies"]),
    "spectrum_gap": ("lower", ["noise", "blur"]),
    "class_accuracy": ("higher", ["noise", "wrong classes"]),
    "class_balance": ("lower", ["noise", "five pictures", "one class"]),
    "class_confident": ("higher", ["noise", "blur"]),
}


@pytest.mark.parametrize("key", DIRECTIONS)
def test_each_score_falls_to_its_worse_side_for_its_fault(key, digit_scores):
    direction, faults = DIRECTIONS[key]
    honest = digit_scores["honest"][key]
    assert honest.direction == direction
    for fault in faults:
        score = digit_scores[fault][key]
        moved = score.value - honest.value
        assert moved > 0 if direction == "lower" else moved < 0 if direction == "higher" else score.gap > 0.3
        assert score.gap > max(0.0, 1.5 * honest.gap), (fault, score.line(), honest.line())


def test_every_score_of_pictures_has_its_direction_asserted(digit_scores):
    assert set(DIRECTIONS) == set(digit_scores["honest"])


POINTS = {
    "modes_covered": ("higher", "seven modes"),
    "high_quality": ("floor", "wide"),
    "reverse_kl": ("lower", "seven modes"),
    "sigma_ratio": ("floor", "narrow"),
    "jensen_shannon": ("lower", "seven modes"),
}


def test_each_score_of_a_known_mixture_falls_to_its_worse_side(ring, chance):
    def draw(n, modes=8, spread=0.01):
        return ring[chance.integers(modes, size=n)] + spread * chance.standard_normal((n, 2))

    samples = {
        "honest": draw(4000),
        "seven modes": draw(4000, modes=7),
        "wide": draw(4000, spread=0.03),
        "narrow": draw(4000, spread=0.005),
    }
    real = draw(4000), draw(4000)
    options = {"extractor": raw(), "mixture": Mixture(ring, 0.01), "only": ("modes", "histograms")}
    scores = {name: by_key(evaluate(Scored(x, *real, **options))) for name, x in samples.items()}
    for key, (direction, fault) in POINTS.items():
        found, honest = scores[fault][key], scores["honest"][key]
        assert found.direction == honest.direction == direction
        assert found.gap > max(0.01, 3 * honest.gap), key


def test_distances_on_a_line_and_stacked_digits_have_their_directions(chance):
    x, y, real = (chance.standard_normal((1500, 1)) for _ in range(3))
    normal = Mixture(np.zeros((1, 1)), 1.0)
    for key in ("kolmogorov_smirnov", "kolmogorov_smirnov_normal"):
        honest, off = (
            by_key(
                evaluate(Scored(some, y, real, extractor=raw(), mixture=normal, only=("modes", "histograms")))
            )[key]
            for some in (x, x + 0.5)
        )
        assert honest.direction == off.direction == "lower"
        assert off.gap > 0.1 > 3 * honest.gap

    def referee(pictures):
        return torch.nn.functional.one_hot((pictures[:, 0, 0, 0].float() / 25).round().long(), 10).float()

    digits = 25 * chance.integers(10, size=(6000, 3, 1, 1)).astype(np.uint8)
    some = digits[digits[:, 0, 0, 0] < 100]
    stacked = [
        by_key(evaluate(Scored(x, digits, digits[:100], extractor=raw(), stacked=referee, only=("stacked",))))
        for x in (digits, some)
    ]
    for key, direction in (("stacked_modes", "higher"), ("stacked_kl", "lower")):
        assert stacked[1][key].direction == direction
        assert stacked[1][key].gap > 0.5
        assert stacked[1][key].gap > 50 * stacked[0][key].gap
    assert {"stacked", "modes", "classes"} <= set(SCORES)
