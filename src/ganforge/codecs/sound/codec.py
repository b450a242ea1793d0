"""Sounds as spectrograms that a picture's networks learn, and that can be heard again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ganforge.codecs import plots
from ganforge.codecs.pictures import Levels
from ganforge.core.value_range import ValueRange

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.codecs.sound.mel import Mel
    from ganforge.core.space import Space
    from ganforge.data.files import Listing
    from ganforge.data.raw import Raw

__all__ = ["Sound"]

_RATE = 16_000  # where none is known
_USUAL = ValueRange(-80.0, 0.0)  # decibels that 0 and 255 stand for, where none are known
_QUIET = 6.0  # levels, on a column's mean, up to which the end of a sound is silence
_SHORTEST = 4  # columns of a file


class Sound(Levels):
    """``(1, mels, columns)``: loudness in 256 steps of decibels, the highest band first, 0 for silence.

    Columns are 16 ms apart. The rate is that of most files; what is below the range is silence.
    """

    name = "sounds"
    words = "sounds as spectrograms in mels, written as waves"
    one = "sound"
    counted = "sounds"
    dims = 2
    suffixes = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
    cuts_up = True
    audible = True
    augmentations = ("translation", "cutout")
    recipe = "growing"
    translation_recipe = "sound-to-sound"
    translated = "waves"

    @property
    def mel(self) -> Mel:
        """The map between waves and spectrograms."""
        from ganforge.codecs.sound.mel import Mel

        mels, frames = self.space.spatial
        return Mel(self.space.sample_rate or _RATE, mels, frames)

    @property
    def suffix(self) -> str:
        return ".wav"

    @property
    def media(self) -> str:
        return "audio/wav"

    def describe(self) -> str:
        mels, frames = self.space.spatial
        return f"{self.mel.seconds:.2f} s at {self.mel.rate:,} Hz, {mels} mels × {frames}"

    def units(self) -> str:
        known = self.space.value_range or _USUAL
        return f"uint8, 0 for silence and 1 to 255 for {known.words()} decibels"

    # -- files ---------------------------------------------------------------------------------------------

    @classmethod
    def read_files(cls, path: Path, listing: Listing, **wishes: Any) -> Raw:
        from ganforge.codecs.sound.reader import read_sounds

        return read_sounds(path, listing, **wishes)

    def reread(self) -> dict[str, Any]:
        mels, frames = self.space.spatial
        return {"size": (frames, mels), "rate": self.space.sample_rate}

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        del train, standardise
        return replace(self.space, sample_rate=int(about["rate"])) if "rate" in about else self.space

    def waves(self, samples: Tensor) -> Tensor:
        """Examples ``(N, 1, mels, columns)`` in declared units to waves ``(N, T)``, −1 to 1."""
        import torch

        known = self.space.value_range or _USUAL
        decibels = known.low + samples.float() * ((known.high - known.low) / 255.0)
        return self.mel.waves(torch.where(samples > 0, decibels, -200.0))

    def wave(self, sample: np.ndarray) -> np.ndarray:
        """One example to its wave ``(T,)``, without the silence that short sounds were filled up with."""
        import numpy as np
        import torch

        loud = np.flatnonzero(sample[0].mean(axis=0) > _QUIET)
        end = max(_SHORTEST, int(loud[-1]) + 2) if len(loud) else sample.shape[-1]
        return self.waves(torch.from_numpy(np.array(sample))[None])[0, : end * self.mel.hop].numpy()

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        """A wav file of 16 bits, mono, at the rate of most files that were learned."""
        from ganforge.codecs.wav import wav

        return wav(self.wave(sample), self.mel.rate)

    # -- pictures ------------------------------------------------------------------------------------------

    def picture(self, sample: np.ndarray) -> Image:
        """Its spectrogram: time to the right, low pitches below."""
        return plots.heat(sample[0])

    @property
    def view(self) -> str:
        return "pictures"

    # -- questions -----------------------------------------------------------------------------------------

    def attributes(self) -> tuple[str, ...]:
        return ("loud", "bright", "long")

    def measure(self, x: Tensor) -> list[Tensor]:
        """``loud`` (mean level), ``bright`` (where the middle of the levels lies, upwards, 0 to 1) and
        ``long`` (share of the columns that are no silence)."""
        import torch

        level = x[:, 0].float()
        bands = torch.linspace(1.0, 0.0, level.shape[1], device=x.device)
        total = level.sum((1, 2)).clamp_min(1e-6)
        bright = (level.sum(2) * bands).sum(1) / total
        return [level.mean((1, 2)), bright, (level.mean(1) > _QUIET).float().mean(1)]
