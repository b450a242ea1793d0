"""Waves to levels of loudness by time and pitch, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

__all__ = ["FRAME", "Mel"]

FRAME = 0.016  # seconds from one column to the next; a column sees four times as much
_OVERLAP = 4
_STEPS = 32  # of the search for phases: a referee reads as many digits right after it as before
_MOMENTUM = 0.99
_SILENCE = 1e-12  # −120 dB


@dataclass(frozen=True)
class Mel:
    """A spectrogram of ``mels`` bands and ``frames`` columns of 16 ms, for waves of one length.

    Bands are equally wide in mels, 2595·log10(1 + f/700) (Stevens and Volkmann 1940), from 0 to half the
    rate; the first row is the highest band. A full-scale sine has about 0 dB in its band.

    Attributes:
        rate: samples a second.
        mels: bands, ``frames``: columns.
    """

    rate: int
    mels: int
    frames: int

    @property
    def hop(self) -> int:
        """Samples from one column to the next."""
        return max(1, round(FRAME * self.rate))

    @property
    def samples(self) -> int:
        """Of a whole wave."""
        return self.hop * self.frames

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    def decibels(self, waves: Tensor) -> Tensor:
        """Waves ``(N, samples)``, −1 to 1, to float32 decibels ``(N, 1, mels, frames)``, −120 and more."""
        bands, _ = _filters(self.rate, self.mels, _OVERLAP * self.hop)
        power = bands @ self._spectrum(waves.float()).abs().square()
        return (10.0 * power.clamp_min(_SILENCE).log10()).flip(1)[:, None]

    def waves(self, decibels: Tensor) -> Tensor:
        """Decibels ``(N, 1, mels, frames)`` to waves ``(N, samples)``, −1 to 1, the same for the same.

        The bands are spread over the spectrum by the pseudo-inverse, and phases are found by the fast
        algorithm of Griffin and Lim (Perraudin et al. 2013), from the same random ones. What is −120 dB or
        less is silence. As loud as the spectrogram says, except where that is beyond full scale.
        """
        bands, back = _filters(self.rate, self.mels, _OVERLAP * self.hop)
        power = 10.0 ** (decibels[:, 0].float().flip(1) / 10.0)
        power = torch.where(power > _SILENCE, power, 0.0)
        wanted = (back @ power).clamp_min(0.0).sqrt()  # (N, bins, frames)
        chance = torch.Generator().manual_seed(0)
        angles = 2.0 * math.pi * torch.rand(wanted.shape[1:], generator=chance)
        found = torch.polar(torch.ones_like(angles), angles).expand_as(wanted)
        before = torch.zeros_like(found)
        for _ in range(_STEPS):
            now = self._spectrum(self._sum(wanted * found))
            ahead = now + _MOMENTUM * (now - before)
            found, before = ahead / ahead.abs().clamp_min(1e-12), now
        waves = self._sum(wanted * found)
        # No wave has exactly this spectrogram, and the nearest one is not as loud.
        energy = (bands @ self._spectrum(waves).abs().square()).sum((1, 2))
        gain = (power.sum((1, 2)) / energy.clamp_min(1e-20)).sqrt()
        return (waves * gain[:, None]).clamp(-1.0, 1.0)

    def _window(self) -> Tensor:
        return torch.hann_window(_OVERLAP * self.hop)

    def _spectrum(self, waves: Tensor) -> Tensor:
        """``(N, samples)`` → ``(N, bins, frames)`` complex; column i is centred on its 16 ms."""
        long = _OVERLAP * self.hop
        edge = (long - self.hop) // 2
        padded = torch.nn.functional.pad(waves, (edge, long - self.hop - edge))
        window = self._window()
        pieces = padded.unfold(1, long, self.hop) * window  # (N, frames, long)
        return torch.fft.rfft(pieces).transpose(1, 2) * (2.0 / float(window.sum()))

    def _sum(self, spectrum: Tensor) -> Tensor:
        """The wave whose spectrum is nearest, ``(N, samples)``: overlap-add (Griffin and Lim 1984, eq. 6)."""
        long = _OVERLAP * self.hop
        window = self._window()
        pieces = torch.fft.irfft(spectrum.transpose(1, 2), n=long) * window  # (N, frames, long)
        size = self.samples + long - self.hop

        def added(columns: Tensor) -> Tensor:
            shape = {"output_size": (1, size), "kernel_size": (1, long), "stride": (1, self.hop)}
            return torch.nn.functional.fold(columns, **shape)[:, 0, 0]

        weight = added(window.square()[None, :, None].expand(1, long, self.frames))
        edge = (long - self.hop) // 2
        whole = added(pieces.transpose(1, 2)) / weight.clamp_min(1e-3)
        return whole[:, edge : edge + self.samples] * (float(window.sum()) / 2.0)


@lru_cache(maxsize=8)
def _filters(rate: int, mels: int, long: int) -> tuple[Tensor, Tensor]:
    """Triangles ``(mels, bins)`` that add neighbouring bins up, lowest first, and their pseudo-inverse."""
    bins = torch.linspace(0.0, rate / 2, long // 2 + 1, dtype=torch.float64)
    top = 2595.0 * math.log10(1.0 + rate / 1400.0)
    edges = 700.0 * (10.0 ** (torch.linspace(0.0, top, mels + 2, dtype=torch.float64) / 2595.0) - 1.0)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = torch.minimum(rising, falling).clamp_min(0.0)
    return triangles.float(), torch.linalg.pinv(triangles).float()
