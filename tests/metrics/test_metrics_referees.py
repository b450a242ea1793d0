"""Two-sample test, support, spectrum and stacked digits."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest
import torch

from ganforge.core.errors import DataError
from ganforge.metrics.birthday import alike_distance, support_size
from ganforge.metrics.spectrum import power_spectrum, spectrum_gap
from ganforge.metrics.stacked import lenet, stacked_floor, stacked_report
from ganforge.metrics.two_sample import two_sample_test


def test_equal_distributions_cannot_be_told_apart(chance):
    x, y = chance.standard_normal((400, 2)), chance.standard_normal((400, 2))
    found = two_sample_test(x, y, kimg=5)
    assert found.n == 200
    # Three standard deviations of a share of ½ at 400.
    assert found.accuracy == pytest.approx(0.5, abs=0.075)
    assert two_sample_test(x + np.array([3.0, 0.0]), y, kimg=5).accuracy > 0.9


def test_the_classifier_is_asked_about_examples_it_has_not_seen(chance):
    # 30 examples of 50 numbers are learned by heart at once: on them the accuracy would be 1.
    x, y = chance.standard_normal((60, 50)), chance.standard_normal((60, 50))
    assert two_sample_test(x, y).accuracy < 0.75


def test_two_sample_test_is_frozen_by_its_seed(chance):
    x, y = chance.standard_normal((90, 2)), chance.standard_normal((70, 2))
    a, b = two_sample_test(x, y, kimg=1, seed=4), two_sample_test(torch.from_numpy(x), y, kimg=1, seed=4)
    np.testing.assert_array_equal(a.right, b.right)
    assert a.n == 35


def test_a_difference_of_type_is_not_found(chance):
    x = chance.integers(0, 255, (200, 1, 4, 4))
    found = two_sample_test(x.astype(np.uint8), x[::-1].astype(np.float32), kimg=2)
    assert found.accuracy == pytest.approx(0.5, abs=0.15)


def test_support_of_known_size(chance):
    values = chance.standard_normal((100, 3))
    found = support_size(values[chance.integers(100, size=1000)], 0.0)
    assert found.size == pytest.approx(100, rel=0.08)
    assert found.low < 100 < found.high
    assert not found.is_bound
    # Birthday paradox: for 365 days it is 23 people; √(2 ln 2 · 365) = 22.5.
    days = support_size(chance.integers(365, size=3000), 0.0)
    assert days.batch == pytest.approx(22.5, abs=0.6)


def test_without_a_pair_the_support_is_a_bound():
    found = support_size(np.arange(100.0), 0.5)
    assert found.is_bound
    assert found.alike == 0
    assert found.size == pytest.approx(100 * 99 / 2 / 3)
    assert found.high == math.inf


def test_few_modes_mean_a_low_support_and_real_examples_a_high_one(chance):
    real, fresh = chance.standard_normal((500, 6)), chance.standard_normal((500, 6))
    alike = alike_distance(real)
    few = np.repeat(fresh[:20], 25, axis=0) + 1e-3 * chance.standard_normal((500, 6))
    assert support_size(few, alike).size == pytest.approx(20, rel=0.1)
    assert support_size(fresh, alike).size > 1000


def test_a_wave_is_in_its_band_and_power_is_kept():
    row = np.arange(32)
    wave = np.broadcast_to(np.cos(2 * np.pi * 8 * row / 32), (1, 1, 32, 32))
    spectrum = power_spectrum(wave)
    assert spectrum.frequency[spectrum.power[0].argmax()] == 0.25
    assert spectrum.power[0].max() > 1e6 * np.median(spectrum.power[0])


@pytest.mark.parametrize("shape", [(8, 8), (7, 9), (4, 10)])
def test_bands_agree_with_the_whole_transform(chance, shape):
    x = chance.standard_normal((1, 1, *shape))
    power = np.abs(np.fft.fft2(x[0, 0], norm="ortho")) ** 2
    radius = np.hypot(*np.meshgrid(*(np.fft.fftfreq(side) for side in shape), indexing="ij"))
    found, bands = power_spectrum(x), max(shape) // 2
    for frequency, value in zip(found.frequency, found.power[0], strict=True):
        inside = np.rint(radius * 2 * bands) == np.rint(frequency * 2 * bands)
        assert value == pytest.approx(power[inside].mean(), rel=1e-9)


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 9, 15), (2, 64), (1, 6, 6, 6)])
def test_white_noise_is_flat(chance, shape):
    spectrum = power_spectrum(chance.standard_normal((400, *shape)) * 3.0)
    assert spectrum.power.mean(0) == pytest.approx(9.0, rel=0.15)
    assert spectrum.frequency[-1] == 0.5


def test_blur_opens_a_gap_and_equal_pictures_have_none(chance):
    x = chance.standard_normal((200, 1, 16, 16))
    soft = (x + np.roll(x, 1, 2) + np.roll(x, 1, 3)) / 3
    sharp = power_spectrum(x).power
    assert spectrum_gap(sharp, sharp) == 0.0
    # Half of the amplitude is a quarter of the power: 10 lg 4 = 6.02 dB in every band.
    assert spectrum_gap(power_spectrum(x / 2).power, sharp) == pytest.approx(6.02, abs=0.01)
    assert spectrum_gap(power_spectrum(soft).power, sharp) > 3.0


def test_stacked_floor_has_the_published_numbers():
    assert stacked_floor(26_000) == pytest.approx(0.0235, abs=5e-5)
    assert stacked_floor(50_000) == pytest.approx(0.0143, abs=5e-5)
    assert stacked_floor(1) == math.log(1000)


def brightness(x):
    """A referee for tests: bytes 0, 25, … 225 are the digits 0 … 9."""
    level = (x[:, 0, 0, 0].float() / 25).round().long()
    return torch.nn.functional.one_hot(level, 10).float()


def test_stacked_modes_by_hand():
    digits = np.array([[0, 0, 0], [0, 0, 0], [1, 2, 3], [9, 9, 9]])
    pictures = np.broadcast_to((digits * 25)[:, :, None, None], (4, 3, 2, 2)).astype(np.uint8)
    report = stacked_report(pictures, brightness, batch=3)
    assert (report.modes, report.possible, report.n) == (3, 1000, 4)
    assert report.labels.tolist() == [0, 0, 123, 999]
    assert report.kl == pytest.approx(0.5 * math.log(500) + 0.5 * math.log(250), rel=1e-12)
    np.testing.assert_array_equal(stacked_report(pictures, brightness, batch=1).labels, report.labels)


def test_a_perfect_stacked_sampler_is_at_its_floor(chance):
    pictures = 25 * chance.integers(10, size=(26_000, 3, 1, 1)).astype(np.uint8)
    report = stacked_report(pictures, brightness)
    assert report.modes == 1000
    assert report.kl == pytest.approx(stacked_floor(26_000, imbalance=0.0), rel=0.1)


def test_the_lenet_of_the_shared_folder_reads_mnist(shared_data):
    with gzip.open(shared_data / "mnist" / "t10k-images-idx3-ubyte.gz") as handle:
        pictures = np.frombuffer(handle.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(shared_data / "mnist" / "t10k-labels-idx1-ubyte.gz") as handle:
        labels = np.frombuffer(handle.read(), np.uint8, offset=8)
    referee = lenet(shared_data / "weights" / "mnist_lenet5_csinva.pth")
    with torch.inference_mode():
        told = referee(torch.from_numpy(pictures.copy())).argmax(1).numpy()
    assert (told == labels).mean() == pytest.approx(0.9908, abs=0.0005)


def test_users_mistakes_have_an_answer(tmp_path):
    with pytest.raises(DataError, match="at least 4"):
        two_sample_test(np.zeros((3, 2)), np.zeros((9, 2)))
    with pytest.raises(DataError, match="shape"):
        two_sample_test(np.zeros((9, 2)), np.zeros((9, 3)))
    with pytest.raises(DataError, match="at least 4"):
        power_spectrum(np.zeros((5, 2)))
    with pytest.raises(DataError, match="bytes"):
        stacked_report(np.zeros((5, 1, 8, 8), dtype=np.uint8), brightness)
    with pytest.raises(DataError, match="no file"):
        lenet(tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(DataError, match="not opened"):
        lenet(tmp_path / "text.pth")
    torch.save({"convnet.c1.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(DataError, match=r"lacks the layer convnet\.c1"):
        lenet(tmp_path / "other.pth")
