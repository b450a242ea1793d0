"""Waves by their spectra: a translator of frames, and a discriminator of waves folded by several periods.

Kaneko et al. 2022 (iSTFTNet), arXiv 2203.02395; Siuzdak 2023 (Vocos), arXiv 2306.00814; Kong et al. 2020
(HiFi-GAN), arXiv 2010.05646, section 2.3.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits, TranslatorTraits
from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks.layers import Places, leaky, normalise_spectrally
from ganforge.networks.translating import Conditioned, Translating, TranslationBlock

__all__ = ["PeriodDiscriminator", "SpectralTranslator"]

_FRAME = 0.008  # seconds from one frame to the next
_OVERLAP = 4  # frames that each sample lies in
_RATE = 16_000  # where none is known
_PRIMES = (2, 3, 5, 7, 11, 13)
_FLOOR = 1e-4  # of magnitudes, before their logarithms


class SpectralTranslator(Translating, TranslatorTraits):
    """A wave to one as long: blocks on frames of its spectrum, and the wave that new frames add up to.

    A frame comes as the logarithms of its magnitudes. It leaves as itself, each bin weakened or up to
    doubled, and with a second spectrum added that is made by magnitude and phase. At the start the result
    is the input, but for a little noise.

    Args:
        space: of the results; ``space.source`` is that of the inputs, of the same shape.
        condition: numbers in a condition; 0 is none.
        width: channels of a frame.
        depth: blocks.

    Raises:
        RecipeError: input and target are not of one shape.
    """

    name = "spectral"
    words = "waves by their spectra, frame by frame; inputs as long as targets"
    dims = (1,)

    def __init__(self, *, space: Space, condition: int = 0, width: int, depth: int) -> None:
        self.hop = hop = max(1, round(_FRAME * (space.sample_rate or _RATE)))
        super().__init__(space, grid=hop, width=1, kernel=1, skip_input=False)
        assert space.source is not None
        if space.source.shape != space.shape:
            raise RecipeError(
                f"spectral leads to waves from waves as long, not from {space.source.describe()} to"
                f" {space.describe()}; take generator.family=unet"
            )
        self.output = nn.Identity()  # what the body gives is the wave
        self.long = _OVERLAP * hop
        self.bins = self.long // 2 + 1
        self.entrance = nn.Conv1d(space.channels * self.bins, width, 7, padding=3)
        self.blocks = nn.ModuleList(
            TranslationBlock(width, 1, condition, normalisation="none", blocks=depth) for _ in range(depth)
        )
        self.last = Conditioned(width, condition, "none")
        self.exit = nn.Conv1d(width, space.channels * 4 * self.bins, 1)
        nn.init.kaiming_normal_(self.entrance.weight, nonlinearity="linear")
        nn.init.normal_(self.exit.weight, std=0.1 * width**-0.5)
        for layer in (self.entrance, self.exit):
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        turns = torch.arange(self.bins)[:, None] * torch.arange(self.long) % self.long
        turns = turns * (2 * math.pi / self.long)
        window = torch.hann_window(self.long)
        waves = torch.cat([turns.cos(), -turns.sin()]) * window  # (2 · bins, long)
        ends = torch.full((2 * self.bins, 1), 2.0 / self.long)
        ends[[0, self.bins - 1, self.bins, -1]] /= 2.0
        self.analysis: Tensor
        self.synthesis: Tensor
        self.square: Tensor
        self.register_buffer("analysis", waves[:, None], persistent=False)
        self.register_buffer("synthesis", (waves * ends)[:, None], persistent=False)
        self.register_buffer("square", window.square()[None, None], persistent=False)

    def body(self, x: Tensor, condition: Tensor | None) -> Tensor:
        own = self._spectrum(x.float())  # (N · C, 2, bins, frames)
        h = 0.25 * (own.square().sum(1) + _FLOOR**2).log()
        h = self.entrance(h.reshape(x.shape[0], -1, h.shape[2]))
        for block in self.blocks:
            h = block(h, condition)
        new = self.exit(leaky(self.last(h, condition))).float()
        new = new.reshape(-1, 4, self.bins, new.shape[2])
        size = (new[:, 0] - 4.0).clamp(max=math.log(self.long)).exp()
        ahead = new[:, 1:3]  # its direction is the phase
        made = ahead * (size / (ahead.square().sum(1) + 1e-3).sqrt())[:, None]
        return self._wave(made + own * (2.0 * torch.sigmoid(new[:, 3:]))).reshape(x.shape)

    def _spectrum(self, x: Tensor) -> Tensor:
        """Waves ``(N, C, T)`` to ``(N · C, 2, bins, T / hop)``, real and imaginary."""
        edge = (self.long - self.hop) // 2
        x = F.pad(x.reshape(-1, 1, x.shape[2]), (edge, self.long - self.hop - edge))
        with torch.autocast(x.device.type, enabled=False):
            return F.conv1d(x, self.analysis, stride=self.hop).unflatten(1, (2, self.bins))

    def _wave(self, spectrum: Tensor) -> Tensor:
        """``(N, 2, bins, frames)`` to the waves that are nearest, ``(N, 1, frames · hop)``: Griffin and Lim
        1984, equation 6."""
        edge, samples = (self.long - self.hop) // 2, spectrum.shape[3] * self.hop
        with torch.autocast(spectrum.device.type, enabled=False):
            wave = F.conv_transpose1d(spectrum.flatten(1, 2), self.synthesis, stride=self.hop)
            weight = F.conv_transpose1d(torch.ones_like(spectrum[:1, :1, 0]), self.square, stride=self.hop)
        return (wave / weight.clamp_min(0.1))[:, :, edge : edge + samples]


class PeriodDiscriminator(nn.Module, DiscriminatorTraits):
    """Waves to logits ``(N, places)``: folded into rows of several lengths, and judged column by column.

    Column i of a wave folded by p holds every p-th sample, from the i-th on: what is periodic is seen there
    over long times at little cost (Kong et al. 2020, section 2.3). Primes overlap least.

    Args:
        width: channels of the first stage; they double inwards, up to eightfold.
        depth: stages with a stride of 3.
        periods: how many: so many of the primes 2, 3, 5, 7, 11 and 13, in samples.
        channels: how many of the first channels are looked at; 0 is all. Inputs of a translation come after
            the wave's own.
        spectral_norm: whether each weight is divided by its largest singular value.
    """

    name = "periods"
    words = "waves folded by several periods: what is periodic is judged"
    dims = (1,)
    smallest = 16

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        periods: int = 5,
        channels: int = 0,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        if not 1 <= periods <= len(_PRIMES):
            raise RecipeError(f"discriminator.periods is {periods}; it goes from 1 to {len(_PRIMES)}")
        if not 0 <= channels <= space.channels:
            raise RecipeError(f"discriminator.channels is {channels}; it goes from 0 to {space.channels}")
        self.channels = channels or space.channels
        self.folds = nn.ModuleList(
            Places(
                self.channels,
                2,
                condition=condition,
                width=width,
                stages=[((5, 1), (3, 1), (2, 0))] * depth + [((5, 1), 1, (2, 0))],
                last=((3, 1), 1, (1, 0)),
            )
            for _ in range(periods)
        )
        self.examples_are_independent = not spectral_norm
        if spectral_norm:
            normalise_spectrally(self)

    def _folded(self, x: Tensor, period: int) -> Tensor:
        """``(N, C, T)`` → ``(N, channels, rows, period)``; the last row is filled up by reflection."""
        x = x[:, : self.channels]
        missing = -x.shape[2] % period
        x = F.pad(x, (0, missing), mode="reflect") if missing else x
        return x.unflatten(2, (-1, period))

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The activations of each stage, shortest period first."""
        found: list[Tensor] = []
        for period, fold in zip(_PRIMES, self.folds, strict=False):
            assert isinstance(fold, Places)
            found += fold.features(self._folded(x, period))
        return tuple(found)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples ``(N, C, T)`` in model units to logits ``(N, places)``."""
        folds = zip(_PRIMES, self.folds, strict=False)
        return torch.cat([fold(self._folded(x, p), condition).flatten(1) for p, fold in folds], 1)
