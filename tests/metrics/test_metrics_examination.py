"""The quick look: what is prepared once gives, again and again, what the scores give by themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganforge.core.condition import Condition
from ganforge.core.space import Space
from ganforge.metrics import examination, intervals
from ganforge.metrics.arrays import thumbnails
from ganforge.metrics.examination import Examiner
from ganforge.metrics.intervals import quantile
from ganforge.metrics.kernel import KernelReference, kernel_distance
from ganforge.metrics.manifold import Balls, manifold
from ganforge.metrics.neighbours import References, memorisation, nearest_neighbours
from ganforge.metrics.spectrum import power_spectrum


class Fixed:
    """A sampler that knows its samples."""

    def __init__(self, samples: np.ndarray) -> None:
        self.samples = torch.from_numpy(samples)

    def sample(self, n: int, **_: object) -> torch.Tensor:
        return self.samples[:n]


class First:
    """A judge whose logit is the first number."""

    packing = 1

    def logits(self, examples: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        del condition
        return examples.flatten(1)[:, 0].double()


def test_a_second_look_sees_what_the_first_did_and_what_the_scores_say(chance):
    training, held_out = (chance.standard_normal((n, 2)) * (1.0, 900.0) for n in (700, 300))
    fakes = (chance.standard_normal((300, 2)) * (1.0, 900.0)).astype(np.float64)
    examiner = Examiner(Space(kind="points", shape=(2,)), training, held_out, n=300)
    first, second = (examiner(Fixed(fakes), First()).to_json() for _ in range(2))
    assert first == second
    found = examiner(Fixed(fakes), First()).scores["memorisation"]
    parts = (thumbnails(x, training, side=16) for x in (fakes, training, held_out))
    expected = memorisation(*parts, seed=0, resamples=50)
    # The real examples are the same ones, in another order: only their redrawing differs.
    assert (found["value"], found["low"], found["high"]) == (expected.share, expected.low, expected.high)


def test_columns_of_any_units_count_alike_in_the_audit(chance):
    """Copies but for the small column are near their originals, whatever the unit of the large one."""
    training, held_out = (chance.standard_normal((200, 2)) for _ in range(2))
    fakes = training[:128] + (0.01, 0.01) * chance.standard_normal((128, 2))
    shares = []
    for unit in (1.0, 1e4):
        scale = (unit, 1.0)
        examiner = Examiner(Space(kind="points", shape=(2,)), training * scale, held_out * scale, n=128)
        shares.append(examiner(Fixed(fakes * scale), First()).scores["memorisation"]["value"])
    assert shares[0] == pytest.approx(shares[1], abs=0.01)
    assert shares[0] > 0.95


def test_what_differs_by_its_last_bit_is_no_copy():
    x = np.float32([[1.7], [np.nextafter(np.float32(1.7), np.float32(2))], [0.3]])
    apart = thumbnails(x, x)
    assert apart[0, 0] != apart[1, 0]
    assert (nearest_neighbours(apart, apart, exclude_self=True).distance[:, 0] > 0).all()


def test_the_area_under_the_curve_counts_every_pair(chance):
    a, b = (torch.from_numpy(np.round(chance.standard_normal(n) + m, 1)) for n, m in ((120, 0.4), (90, 0.0)))
    pairs = (0.5 + 0.5 * torch.sign(a[:, None] - b[None])).mean().item()
    assert examination._above(a, b) == pairs
    assert math.isnan(examination._above(a, torch.cat([b, torch.tensor([torch.nan])])))
    assert math.isnan(examination._above(a[:0], b))


@pytest.mark.parametrize("n", [1, 2, 7, 50, 51, 1000])
def test_quantiles_are_those_of_numpy_to_the_last_bit(chance, n: int):
    values = chance.standard_normal(n)
    for share in (0.0, 0.025, 0.05, 0.5, 0.975, 1.0):
        assert quantile(values, share) == np.quantile(values, share)
    assert math.isnan(quantile(np.append(values, np.nan), 0.5))


def test_prepared_references_give_what_unprepared_ones_do(chance):
    x, y = chance.standard_normal((150, 3)), chance.standard_normal((130, 3)) + 0.2
    kernel, prepared = kernel_distance(x, y, subset=60, seed=5), KernelReference(y, 150, subset=60, seed=5)
    for _ in range(2):
        again = prepared.distance(x)
        assert (again.value, again.n, again.subset) == (kernel.value, kernel.n, kernel.subset)
        np.testing.assert_array_equal(again.influence, kernel.influence)
    whole, balls = manifold(x, y, k=4), Balls(y, 4)
    for _ in range(2):
        again = balls.compare(x)
        assert (again.precision, again.recall, again.density, again.coverage) == (
            whole.precision,
            whole.recall,
            whole.density,
            whole.coverage,
        )
    np.testing.assert_array_equal(
        nearest_neighbours(x, References(y), 2).distance, nearest_neighbours(x, y, 2).distance
    )
    assert memorisation(x, References(y), References(x + 1)).share == memorisation(x, y, x + 1).share


def test_draws_that_are_kept_are_the_draws(chance, monkeypatch: pytest.MonkeyPatch):
    x = chance.standard_normal(80)
    kept = [intervals.of_mean(x, seed=3, resamples=40) for _ in range(2)]
    monkeypatch.setattr(intervals, "_KEPT", 0)
    assert kept == [intervals.of_mean(x, seed=3, resamples=40) for _ in range(2)]


def test_the_intervals_of_memorisation_are_those_of_single_draws(chance):
    """Of samples with replacement, and of which real examples are held out."""
    x, y, z = (chance.standard_normal((n, 2)) for n in (300, 120, 60))
    x[200:] = x[:100]  # some real examples are the nearest of many
    found = memorisation(x, y, z, resamples=4000)
    nearest = nearest_neighbours(x, np.concatenate([y, z])).index[:, 0]
    apart = nearest >= 120
    drawn = [1 - 1.5 * apart[chance.integers(300, size=300)].mean() for _ in range(4000)]
    blind = [1 - 1.5 * (chance.permutation(180)[nearest] >= 120).mean() for _ in range(4000)]
    for low, high, values in ((found.low, found.high, drawn), (found.honest_low, found.honest_high, blind)):
        assert (low, high) == pytest.approx(np.quantile(np.clip(values, 0, 1), [0.025, 0.975]), abs=0.015)


def test_the_power_of_a_band_is_the_sum_over_its_ring(chance):
    x = chance.standard_normal((3, 2, 9, 12))
    power = np.abs(np.fft.fft2(x, norm="ortho")) ** 2
    radius = np.hypot(np.fft.fftfreq(9)[:, None], np.fft.fftfreq(12)[None])
    band = np.rint(radius * 12).astype(int)
    expected = np.stack([power.mean(1)[:, band == at].mean(1) for at in range(1, 7)], axis=1)
    np.testing.assert_allclose(power_spectrum(x).power, expected, rtol=1e-12)


def test_the_line_sees_what_doubled_pixels_lack(chance):
    """Of pictures with the same rings of power, those of blocks have nothing at the end of each axis."""
    real = chance.integers(0, 256, size=(400, 1, 8, 8)).astype(np.uint8)
    blocks = chance.integers(0, 256, size=(200, 1, 4, 4)).astype(np.uint8).repeat(2, 2).repeat(2, 3)
    examiner = Examiner(Space(kind="pictures", shape=(1, 8, 8)), real[:200], real[200:], n=200)
    assert examiner(Fixed(blocks), None).probes["shortcut"] > 0.97
    assert 0.35 < examiner(Fixed(real[:200]), None).probes["shortcut"] < 0.65
    numbers = examination._plain_numbers(blocks)
    assert numbers.shape == (200, 2 + 4 + 4 + 4)  # mean, deviation, rings, two axes
    assert np.allclose(numbers[:, [9, 13]], -3.0, atol=1e-3)  # no power at half a cycle a pixel
    assert np.all(numbers[:, [8, 12]] > -1.0)


def test_a_missing_mode_is_seen_where_coverage_is_still_high(chance):
    """Eight clumps, of which samples make seven: a share of .125 is left out; and of all eight none is."""
    angles = 2 * np.pi * np.arange(8) / 8
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def clumps(n: int, of: int) -> np.ndarray:
        return centres[chance.integers(of, size=n)] + 0.02 * chance.standard_normal((n, 2))

    examiner = Examiner(Space(kind="points", shape=(2,)), clumps(2_000, 8), clumps(512, 8))
    whole, seven = (examiner(Fixed(clumps(512, of)), None).scores for of in (8, 7))
    assert whole["missed"] == {"value": 0.0, "floor": 0.0}
    assert seven["missed"]["value"] == pytest.approx(0.125, abs=0.03)
    assert seven["coverage"]["value"] / seven["coverage"]["floor"] > 0.8


@pytest.mark.parametrize("held_out", [4, 100])
def test_one_picture_a_class_is_seen_though_samples_differ(chance, held_out: int):
    """Every sample is its class's mean: apart as real ones are, and the same within a class."""
    asks = Condition.of_classes([str(i) for i in range(5)])
    pictures = chance.integers(40, 200, size=(5, 1, 8, 8))

    def real(labels: np.ndarray) -> np.ndarray:
        return np.clip(pictures[labels] + 30 * chance.standard_normal((len(labels), 1, 8, 8)), 0, 255).astype(
            np.uint8
        )

    class OfClasses:
        def __init__(self, varied: bool) -> None:
            self.varied = varied

        def sample(self, n: int, *, condition: torch.Tensor | None = None, **_: object) -> torch.Tensor:
            which = np.zeros(n, int) if condition is None else condition.argmax(1).numpy()
            return torch.from_numpy(real(which) if self.varied else pictures[which].astype(np.uint8))

    rows = [chance.integers(5, size=(n, 1)) for n in (120, held_out)]
    training, apart = (real(part[:, 0]) for part in rows)
    examiner = Examiner(
        Space(kind="pictures", shape=(1, 8, 8), classes=asks.names),
        training,
        apart,
        asks=asks,
        training_rows=rows[0],
        held_out_rows=rows[1],
    )
    varied, same = (examiner(OfClasses(kind), None).probes["within"] for kind in (True, False))
    assert varied == pytest.approx(1.0, abs=0.3)  # components fitted to so few are a little narrow
    assert same < 0.01
    plain = Examiner(Space(kind="pictures", shape=(1, 8, 8)), training, apart)
    assert "within" not in plain(OfClasses(True), None).probes


def test_one_picture_a_condition_is_seen_though_each_comes_once(chance):
    asks = Condition(kind="numbers", names=("red", "green", "blue"), mean=(0.0,) * 3, deviation=(1.0,) * 3)
    grain = chance.integers(-9, 10, size=(3, 8, 8))

    def real(rows: np.ndarray, varied: bool = True) -> np.ndarray:
        own = 0.5 * chance.standard_normal(rows.shape) if varied else 0
        return np.clip(128 + 40 * (rows + own)[..., None, None] + grain, 0, 255).astype(np.uint8)

    class Asked:
        def __init__(self, varied: bool) -> None:
            self.varied = varied

        def sample(self, n: int, *, condition: torch.Tensor | None = None, **_: object) -> torch.Tensor:
            rows = np.zeros((n, 3)) if condition is None else condition.numpy()
            return torch.from_numpy(real(rows, self.varied))

    rows = [chance.standard_normal((n, 3)).astype(np.float32) for n in (200, 60)]
    examiner = Examiner(
        Space(kind="pictures", shape=(3, 8, 8), condition=asks),
        real(rows[0]),
        real(rows[1]),
        asks=asks,
        training_rows=rows[0],
        held_out_rows=rows[1],
    )
    varied, same = (examiner(Asked(kind), None).probes["within"] for kind in (True, False))
    assert varied == pytest.approx(1.0, abs=0.3)
    assert same < 0.05
