"""Scores of samples that each have a target, or an input: how near, how alike in structure, how sharp.

Those of waves read ``(N, C, T)`` float32 from −1 to 1, all others pictures ``(N, C, H, W)`` uint8; each
gives one number a sample, ``(N,)`` float64.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.metrics import intervals
from ganforge.metrics.arrays import tensor_of
from ganforge.metrics.context import Context
from ganforge.metrics.context import scores as group
from ganforge.metrics.score import Direction, Protocol, Score

__all__ = ["edge_correlation", "feature_distance", "paired", "paired_scores", "psnr", "sharpness"]
__all__ += ["si_sdr", "spectral_distance", "ssim"]

_WINDOW, _SPREAD = 11, 1.5  # of SSIM: Wang et al. 2004, section III.B
_K1, _K2 = 0.01, 0.03


def psnr(made: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels: 10 log₁₀(255² / mean squared error); ∞ where they are equal."""
    error = (made.double() - target.double()).square().flatten(1).mean(1)
    return 10.0 * torch.log10(255.0**2 / error)


def ssim(made: Tensor, target: Tensor) -> Tensor:
    """Structural similarity, at most 1: Wang et al. 2004, 'Image Quality Assessment', equation 13.

    A Gaussian window of 11 places and deviation 1.5, only where it lies inside the picture; the mean over
    places and channels. Sides must be 11 or more.
    """
    assert min(made.shape[2:]) >= _WINDOW, "structural similarity needs sides of 11 pixels or more"
    x, y = made.double(), target.double()
    c1, c2 = (_K1 * 255.0) ** 2, (_K2 * 255.0) ** 2
    mean_x, mean_y = _smooth(x), _smooth(y)
    var_x, var_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    both = _smooth(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    similarity = similarity / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return similarity.flatten(1).mean(1)


def _smooth(x: Tensor) -> Tensor:
    """Weighted means under the window, each channel alone, ``(N, C, H − 10, W − 10)``."""
    offsets = torch.arange(_WINDOW, dtype=torch.float64, device=x.device) - _WINDOW // 2
    window = torch.exp(-(offsets**2) / (2 * _SPREAD**2))
    window = (window / window.sum()).expand(x.shape[1], 1, 1, -1)
    rows = F.conv2d(x, window, groups=x.shape[1])
    return F.conv2d(rows, window.transpose(2, 3), groups=x.shape[1])


def sharpness(pictures: Tensor, target: Tensor) -> Tensor:
    """How steep a picture is against its target: mean |∂| of the one over that of the other; 1 is as sharp.

    The ratio of what Mathieu et al. 2016 (arXiv 1511.05440, section 4) call sharpness.
    """
    return _steepness(pictures) / _steepness(target).clamp(min=1e-6)


def _steepness(x: Tensor) -> Tensor:
    x = x.double()
    across, down = x.diff(dim=3).abs(), x.diff(dim=2).abs()
    return across.flatten(1).mean(1) + down.flatten(1).mean(1)


def edge_correlation(made: Tensor, source: Tensor) -> Tensor:
    """Correlation of the edges of two pictures, −1…1: whether what was there is still there.

    Edges are magnitudes of Sobel's gradients of the grey picture; sizes must agree.
    """
    a, b = (_edges(x).flatten(1) for x in (made, source))
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-9)


def _edges(x: Tensor) -> Tensor:
    weights = x.new_tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    grey = x.double()[:, :3]
    grey = (grey * weights.view(1, -1, 1, 1)).sum(1, True) if grey.shape[1] == 3 else grey[:, :1]
    across = grey.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    kernels = torch.stack([across, across.T])[:, None]
    return F.conv2d(grey, kernels).norm(dim=1)  # inside: a border is no edge


def feature_distance(made: Tensor, target: Tensor) -> Tensor:
    """Distance of two pictures' features ``(N, D)``, as a share of what two targets are apart.

    Euclidean; 1 is no nearer to its own target than another's target is. What scale features have cannot
    matter.
    """
    own = (made.double() - target.double()).norm(dim=1)
    apart = (target.double() - target.double().roll(1, 0)).norm(dim=1).mean()
    return own / apart.clamp(min=1e-12)


def si_sdr(made: Tensor, target: Tensor) -> Tensor:
    """Scale-invariant ratio of signal to distortion in decibels: Le Roux et al. 2019, arXiv 1811.02508,
    equation 3; of a silent target not a number."""
    y, t = made.double().flatten(1), target.double().flatten(1)
    wanted = t * ((y * t).sum(1) / t.square().sum(1))[:, None]
    return 10.0 * torch.log10(wanted.square().sum(1) / (wanted - y).square().sum(1))


def spectral_distance(made: Tensor, target: Tensor) -> Tensor:
    """Log-spectral distance in decibels (Gray and Markel 1976): the root mean square over the bins of a
    frame, the mean over frames of 512 samples; what is below −80 dB counts as that."""
    a, b = (_decibels(x) for x in (made, target))
    return (a - b).square().mean(1).sqrt().flatten(1).mean(1)


def _decibels(x: Tensor) -> Tensor:
    """``(N, C, T)`` → ``(N, bins, C · frames)``."""
    long = 512
    x = F.pad(x.double(), (0, max(0, long - x.shape[2])))
    window = torch.hann_window(long, dtype=torch.float64)
    found = torch.stft(x.flatten(0, 1), long, long // 4, window=window, center=False, return_complex=True)
    power = (found.abs() * 2 / window.sum()).square()
    return (10 * torch.log10(power.clamp_min(1e-8))).unflatten(0, x.shape[:2]).transpose(1, 2).flatten(2)


def paired_scores(
    made: Tensor, source: Tensor, target: Tensor | None, *, split: str, seed: int
) -> list[Score]:
    """Scores of a translation, ``(N, C, H, W)`` uint8 each.

    With targets: how near, how alike in structure, and how sharp; with the same numbers of the input itself,
    where it can be compared, in the protocol. Without: whether the input's edges are still there. None has a
    floor: a perfect translation has no error.
    """
    alike = source.shape == made.shape
    scores: list[Score] = []

    def add(
        key: str, name: str, values: Tensor, direction: Direction, perfect: float, **settings: float
    ) -> None:
        each = values[values.isfinite()].numpy()
        value = float(each.mean()) if len(each) else float("nan")
        protocol = Protocol(extractor="pixels", n=len(made), split=split, seed=seed, settings={**settings})
        interval = intervals.of_mean(each, seed=seed) if len(each) else None
        scores.append(
            Score(
                key=key,
                name=name,
                value=value,
                interval=interval,
                floor=perfect,
                direction=direction,
                protocol=protocol,
            )
        )

    if target is None:
        if alike and made.dim() == 4:
            add("edge_correlation", "edges kept", edge_correlation(made, source), "higher", 1.0)
        return scores
    if made.dim() == 3:
        own = {"input": float(spectral_distance(source, target).mean())}
        far = spectral_distance(made, target)
        add("spectral_distance", "log-spectral distance (dB)", far, "lower", 0.0, **own)
        # Second: of phases that a network makes up it says nothing.
        ratio, kept = si_sdr(made, target), si_sdr(source, target)
        own = {"input": float(kept[kept.isfinite()].mean())}
        add("si_sdr", "SI-SDR (dB)", ratio, "higher", float("nan"), **own)
        return scores
    own = {"input": float(psnr(source, target).clamp(max=99.0).mean())} if alike else {}
    add("psnr", "PSNR (dB)", psnr(made, target).clamp(max=99.0), "higher", float("nan"), **own)
    if min(made.shape[2:]) >= _WINDOW:
        own = {"input": float(ssim(source, target).mean())} if alike else {}
        add("ssim", "SSIM", ssim(made, target), "higher", 1.0, **own)
    add("sharpness", "sharpness", sharpness(made, target), "floor", 1.0)
    return scores


@group
def paired(c: Context) -> list[Score]:
    """Of a translation: how near each sample is to its target, or what is left of its input."""
    if c.given.sources is None:
        return []
    made = tensor_of(c.given.samples)
    return paired_scores(made, c.given.sources, c.given.targets, split=c.split, seed=c.seed)
