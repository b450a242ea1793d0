"""Scores of pictures against their targets, by hand-computed values and slow definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganforge.metrics.paired import (
    edge_correlation,
    feature_distance,
    paired_scores,
    psnr,
    sharpness,
    si_sdr,
    spectral_distance,
    ssim,
)


def pictures(n: int = 3, channels: int = 3, side: int = 16, seed: int = 0) -> Tensor:
    chance = np.random.default_rng(seed)
    return torch.from_numpy(chance.integers(0, 256, (n, channels, side, side), dtype=np.uint8))


def noisy(x: Tensor, deviation: float) -> Tensor:
    chance = np.random.default_rng(9)
    return (x.double() + deviation * torch.from_numpy(chance.standard_normal(x.shape))).clamp(0, 255).byte()


def test_signal_to_noise_by_hand():
    black, one = torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.full((2, 1, 4, 4), 51, dtype=torch.uint8)
    assert psnr(one, black).tolist() == pytest.approx([20 * math.log10(5.0)] * 2)  # a fifth of the range
    assert torch.isinf(psnr(black, black)).all()


def slow_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Wang et al. 2004, place by place."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    found = []
    for channel in range(x.shape[0]):
        for row in range(x.shape[1] - 10):
            for column in range(x.shape[2] - 10):
                a, b = (p[channel, row : row + 11, column : column + 11].astype(np.float64) for p in (x, y))
                ma, mb = (window * a).sum(), (window * b).sum()
                va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
                both = (window * (a - ma) * (b - mb)).sum()
                c1, c2 = 2.55**2, 7.65**2
                found.append((2 * ma * mb + c1) * (2 * both + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(found))


def test_structural_similarity_is_its_definition():
    x = pictures(2, 2, 14)
    y = noisy(x, 30.0)
    assert ssim(x, y).tolist() == pytest.approx(
        [slow_ssim(a, b) for a, b in zip(x.numpy(), y.numpy(), strict=True)], abs=1e-9
    )
    assert ssim(x, x).tolist() == pytest.approx([1.0, 1.0])


def test_a_blurred_picture_is_less_sharp_and_a_noisy_one_more():
    x = pictures()
    blurred = torch.nn.functional.avg_pool2d(x.float(), 3, 1, 1).byte()
    assert (sharpness(blurred, x) < 0.5).all()
    smooth = torch.full((1, 1, 8, 8), 100, dtype=torch.uint8)
    smooth[..., 4:] = 140  # one edge
    assert sharpness(noisy(smooth, 20.0), smooth).item() > 2.0
    assert sharpness(x, x).tolist() == pytest.approx([1.0] * 3)


def test_edges_are_kept_by_colours_and_lost_by_another_picture():
    x = pictures()
    dimmed = (x.double() * 0.4 + 60).byte()
    assert (edge_correlation(dimmed, x) > 0.98).all()
    assert (edge_correlation(255 - x, x) > 0.999).all()  # inverted, the edges stay
    assert (edge_correlation(pictures(seed=5), x).abs() < 0.4).all()


def test_feature_distance_is_a_share_of_what_targets_are_apart():
    target = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    made = torch.tensor([[0.0, 1.0], [3.0, 4.0]])
    assert feature_distance(made, target).tolist() == pytest.approx([0.2, 0.0])


def test_scores_say_what_the_input_itself_would_have():
    target = pictures(8)
    source, made = noisy(target, 40.0), noisy(target, 10.0)
    scores = {s.key: s for s in paired_scores(made, source, target, split="held-out", seed=0)}
    assert set(scores) == {"psnr", "ssim", "sharpness"}
    assert scores["psnr"].value > scores["psnr"].protocol.settings["input"] + 8
    low, high = scores["psnr"].interval or (math.nan, math.nan)
    assert low < scores["psnr"].value < high
    assert scores["psnr"].value == pytest.approx(psnr(made, target).mean().item())


def test_without_targets_the_edges_are_scored_where_they_can_be():
    source = pictures(6)
    (score,) = paired_scores(255 - source, source, None, split="held-out", seed=0)
    assert (score.key, round(score.value, 3)) == ("edge_correlation", 1.0)
    assert paired_scores(source, source[..., :8, :8], None, split="held-out", seed=0) == []
    assert {s.key for s in paired_scores(source, source[:, :1], source, split="held-out", seed=0)} == {
        "psnr",
        "ssim",
        "sharpness",
    }


def test_scores_of_waves_by_hand():
    at = torch.arange(4_096) / 8_000
    tone, other = (0.5 * torch.sin(2 * torch.pi * hertz * at)[None, None] for hertz in (500, 1_000))
    # Equation 3 does not see loudness; a tenth of another tone is 20 dB below.
    assert si_sdr(0.3 * tone, tone).item() > 80
    assert si_sdr(tone + 0.1 * other, tone).item() == pytest.approx(20.0, abs=0.1)
    assert spectral_distance(tone, tone).item() == 0.0
    # 6 dB quieter wherever it is above −80 dB.
    assert 0.3 < spectral_distance(tone / 2, tone).item() <= 6.03
    noise = torch.randn(2, 1, 4_096, generator=torch.Generator().manual_seed(0)) / 4
    assert spectral_distance(noise / 2, noise).tolist() == pytest.approx([6.02, 6.02], abs=0.01)
    found = {one.key: one for one in paired_scores(noise / 2, noise, noise, split="held out", seed=0)}
    assert list(found) == ["spectral_distance", "si_sdr"]
    assert found["spectral_distance"].value == pytest.approx(6.02, abs=0.01)
    assert found["spectral_distance"].protocol.settings["input"] == 0.0
    assert paired_scores(noise, noise, None, split="held out", seed=0) == []
