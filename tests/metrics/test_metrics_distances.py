"""Fréchet, kernel and sliced distances, and the manifold's four shares, against independent references."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from ganforge.core.errors import DataError
from ganforge.metrics import frechet, intervals
from ganforge.metrics.frechet import Moments, frechet_distance, frechet_influence, moments
from ganforge.metrics.kernel import kernel_distance
from ganforge.metrics.manifold import manifold
from ganforge.metrics.neighbours import nearest_neighbours
from ganforge.metrics.sliced import sliced_wasserstein


def test_frechet_of_known_gaussians():
    # Diagonal covariances commute: Σ (μ₁ − μ₂)² + (σ₁ − σ₂)².
    a = Moments(np.array([0.0, 1.0, 2.0]), np.diag([1.0, 4.0, 9.0]), 10)
    b = Moments(np.array([3.0, 1.0, 0.0]), np.diag([4.0, 4.0, 0.25]), 10)
    assert frechet_distance(a, b) == pytest.approx(9 + 0 + 4 + 1 + 0 + 6.25, rel=1e-12)
    assert frechet_distance(b, a) == pytest.approx(20.25, rel=1e-12)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("n", "m", "size"), [(200, 150, 24), (400, 400, 3)])
def test_frechet_agrees_with_the_matrix_root_of_scipy(chance, n, m, size):
    mix = chance.standard_normal((size, size))
    x, y = chance.standard_normal((n, size)) @ mix, chance.standard_normal((m, size)) + 0.3
    root = scipy.linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    gap = x.mean(0) - y.mean(0)
    reference = gap @ gap + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
    assert frechet_distance(moments(x), moments(y)) == pytest.approx(reference, rel=1e-6)


def test_frechet_of_fewer_examples_than_features_is_finite_and_symmetric(chance):
    a, b = moments(chance.standard_normal((10, 40))), moments(chance.standard_normal((12, 40)))
    assert frechet_distance(a, b) > 10
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-6)
    assert np.isfinite(frechet_influence(chance.standard_normal((10, 40)), b)).all()


def test_moments_are_float64_and_keep_their_digits_far_from_the_origin(chance):
    # float32 has no digits left at 10⁶ for a spread of .01: an option that computes in it would show.
    x = (1e6 + 0.01 * chance.standard_normal((500, 2))).astype(np.float64)
    found = moments(torch.from_numpy(x), chunk=7)
    np.testing.assert_allclose(found.covariance, np.cov(x.T), rtol=1e-6)
    assert found.covariance.dtype == np.float64
    assert found.covariance[0, 0] == pytest.approx(1e-4, rel=0.2)


def test_frechet_does_not_depend_on_chunks_or_order(chance):
    x, other = chance.standard_normal((300, 6)), moments(chance.standard_normal((300, 6)) * 2)
    whole = frechet_distance(moments(x), other)
    assert frechet_distance(moments(x, chunk=11), other) == pytest.approx(whole, rel=1e-12)
    assert frechet_distance(moments(x[::-1]), other) == pytest.approx(whole, rel=1e-12)


def test_frechet_is_biased_at_few_examples_as_its_page_says(chance):
    def twice(n):
        return frechet_distance(*(moments(chance.standard_normal((n, 64))) for _ in range(2)))

    assert twice(100) == pytest.approx(23.2, rel=0.08)
    assert twice(2000) == pytest.approx(1.2, rel=0.15)


def test_frechet_influence_is_the_derivative(chance):
    x, other = chance.standard_normal((400, 5)), moments(chance.standard_normal((400, 5)) * 1.5 + 0.5)
    influence = frechet_influence(x, other)
    assert influence.mean() == pytest.approx(0.0, abs=0.05)
    # Give one example a little more weight: all of them 200 times, and it 20 times more.
    for at in (int(influence.argmax()), int(influence.argmin()), 7):
        base = np.repeat(x, 200, axis=0)
        heavy = np.concatenate([base, np.repeat(x[at : at + 1], 20, axis=0)])
        change = frechet_distance(moments(heavy), other) - frechet_distance(moments(base), other)
        assert change * len(heavy) / 20 == pytest.approx(influence[at], rel=0.03, abs=0.01)


def test_frechet_intervals_have_the_spread_of_repeated_measurement(chance):
    other = moments(chance.standard_normal((5000, 4)))
    fresh = [frechet_distance(moments(chance.standard_normal((300, 4)) + 1), other) for _ in range(200)]
    x = chance.standard_normal((300, 4)) + 1
    low, high = intervals.of_mean(frechet_influence(x, other))
    assert (high - low) / (2 * 1.96) == pytest.approx(np.std(fresh), rel=0.25)


def naive_kernel(x, y):
    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def test_kernel_distance_agrees_with_the_loop(chance):
    x, y = chance.standard_normal((23, 3)), chance.standard_normal((23, 3)) * 1.4 + 0.5
    found = kernel_distance(x, y)
    assert found.value == pytest.approx(naive_kernel(x, y), rel=1e-9)
    # A set smaller than the subset of 1,000 is one subset, and no failure.
    assert (found.n, found.subset) == (23, 23)


def test_kernel_distance_is_zero_on_average_between_equal_distributions(chance):
    values = [kernel_distance(*(chance.standard_normal((60, 8)) for _ in range(2))).value for _ in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0 < max(values)
    apart = kernel_distance(chance.standard_normal((60, 8)) + 1, chance.standard_normal((60, 8))).value
    assert apart > 5 * np.std(values)


def test_kernel_subsets_use_every_example_once(chance):
    x, y = chance.standard_normal((50, 3)) + 1, chance.standard_normal((80, 3))
    found = kernel_distance(x, y, subset=20)
    assert (found.n, found.subset, found.influence.shape) == (50, 20, (50,))
    whole = kernel_distance(x, y).value
    assert found.value == pytest.approx(whole, rel=0.3)
    assert kernel_distance(x, y, subset=20).value == found.value
    assert kernel_distance(x, y, subset=20, seed=1).value != found.value


def test_kernel_intervals_have_the_spread_of_repeated_measurement(chance):
    y = chance.standard_normal((400, 4))
    fresh = [kernel_distance(chance.standard_normal((400, 4)) + 0.5, y).value for _ in range(60)]
    low, high = intervals.of_mean(kernel_distance(chance.standard_normal((400, 4)) + 0.5, y).influence)
    assert (high - low) / (2 * 1.96) == pytest.approx(np.std(fresh), rel=0.35)


def test_intervals_of_a_mean_agree_with_its_standard_error(chance):
    values = chance.standard_normal(400) + 3
    error = values.std() / 20
    for low, high in (
        intervals.of_mean(values),
        intervals.around(values.mean(), 400, lambda pick: float(values[pick].mean()), resamples=1000),
    ):
        assert values.mean() - low == pytest.approx(1.96 * error, rel=0.15)
        assert high - values.mean() == pytest.approx(1.96 * error, rel=0.15)


def test_sliced_wasserstein_agrees_with_scipy_on_the_line(chance):
    x, y = chance.standard_normal(40), chance.standard_normal(40) + 3
    squares = np.mean((np.sort(x) - np.sort(y)) ** 2)
    assert sliced_wasserstein(x, y) == pytest.approx(np.sqrt(squares), rel=1e-12)
    # All mass moves by the same distance: W₁ = W₂, also for sets of different size.
    z = np.repeat(x, 3)
    assert sliced_wasserstein(x, z + 2) == pytest.approx(scipy.stats.wasserstein_distance(x, z + 2), rel=1e-9)


def test_sliced_wasserstein_of_a_shift_and_of_unequal_sizes(chance):
    x = chance.standard_normal((500, 16))
    shift = np.full(16, 0.5)  # |v| / √D = 2 / 4
    assert sliced_wasserstein(x, x + shift, lines=4000) == pytest.approx(0.5, rel=0.05)
    assert sliced_wasserstein(x, x[::-1]) == pytest.approx(0.0, abs=1e-12)
    # (0, 1) against (0, ½, 1): in thirds and halves, by hand.
    cuts = np.sqrt((1 / 6) * 0.25 + (1 / 6) * 0.25)
    assert sliced_wasserstein(np.array([0.0, 1.0]), np.array([0.0, 0.5, 1.0])) == pytest.approx(
        cuts, rel=1e-12
    )


def naive_manifold(x, y, k):
    def radius(points):
        table = np.linalg.norm(points[:, None] - points[None], axis=-1)
        return np.sort(table, axis=1)[:, k]

    table = np.linalg.norm(x[:, None] - y[None], axis=-1)
    inside = table <= radius(y)[None]
    precision, density, coverage = inside.any(1).mean(), inside.sum() / (k * len(x)), inside.any(0).mean()
    return precision, (table <= radius(x)[:, None]).any(0).mean(), density, coverage


def test_manifold_agrees_with_the_definition(chance):
    x, y = chance.standard_normal((80, 4)) * 0.8, chance.standard_normal((70, 4))
    found = manifold(x, y, k=3)
    reference = naive_manifold(x, y, 3)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(
        reference, rel=1e-9
    )


def test_precision_and_recall_are_not_swapped(chance):
    real = chance.standard_normal((500, 3))
    narrow, wide = real[:1] + 0.05 * chance.standard_normal((500, 3)), 6 * chance.standard_normal((500, 3))
    assert manifold(narrow, real).precision > 0.95
    assert manifold(narrow, real).recall < 0.05
    assert manifold(wide, real).precision < 0.2
    assert manifold(wide, real).recall > 0.8


def test_collapse_to_twenty_points_keeps_precision_and_loses_recall(chance):
    real, fresh = chance.standard_normal((1000, 8)), chance.standard_normal((1000, 8))
    collapsed = manifold(np.repeat(fresh[:20], 50, axis=0), real)
    floor = manifold(fresh, real)
    assert collapsed.recall < 0.02
    assert collapsed.precision > 0.6
    assert collapsed.coverage < 0.5 * floor.coverage


def test_the_floor_of_equal_distributions_is_not_one(chance):
    x, y = chance.standard_normal((1000, 64)), chance.standard_normal((1000, 64))
    found = manifold(x, y)
    assert 0.5 < found.precision < 0.9
    assert 0.5 < found.recall < 0.9
    assert manifold(y, y).precision == 1.0


def test_manifold_does_not_depend_on_order_or_blocks(chance, monkeypatch):
    x, y = chance.standard_normal((90, 4)), chance.standard_normal((110, 4))
    a = manifold(x, y)
    monkeypatch.setattr("ganforge.metrics.neighbours._BLOCK", 110 * 7)
    b = manifold(x[::-1], y[::-1])
    assert (a.precision, a.recall, a.density, a.coverage) == (b.precision, b.recall, b.density, b.coverage)


def test_too_few_examples_have_an_answer():
    with pytest.raises(DataError, match="at least 2"):
        moments(np.zeros((1, 3)))
    with pytest.raises(DataError, match="at least 2"):
        kernel_distance(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(DataError, match="more than 5"):
        manifold(np.zeros((5, 3)), np.zeros((9, 3)))
    with pytest.raises(DataError, match="empty"):
        nearest_neighbours(np.zeros((0, 3)), np.zeros((5, 3)))


def test_the_pseudo_root_drops_what_is_not_there():
    root = frechet._root(np.diag([4.0, 0.0]), inverse=True)
    np.testing.assert_allclose(root, np.diag([0.5, 0.0]))
