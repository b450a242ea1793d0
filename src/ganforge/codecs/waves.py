"""Waves as they are, sample by sample: what sounds are where they are translated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganforge.codecs import plots
from ganforge.codecs.sound.codec import Sound
from ganforge.codecs.wav import wav
from ganforge.core.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.codecs.sound.mel import Mel
    from ganforge.core.space import Space
    from ganforge.data.files import Listing
    from ganforge.data.raw import Raw

__all__ = ["Waves"]

_RATE = 16_000  # where none is known
_DRAWN = 64  # mels of a picture
_DYNAMICS = 80.0  # decibels from the darkest to the brightest of it, which is full scale


class Waves(Codec):
    """Waves ``(C, T)``, float32 from −1 to 1."""

    name = "waves"
    words = "sounds as waves from -1 to 1"
    one = "wave"
    counted = "waves"
    dims = 1
    limits = (-1.0, 1.0)
    also = Sound.suffixes
    audible = True
    augmentations = ("translation", "cutout")
    translation_recipe = "sound-to-sound"

    def describe(self) -> str:
        channels, samples = self.space.shape
        return f"{samples} samples at {self.space.sample_rate} Hz, {channels} channel{'s' * (channels > 1)}"

    def units(self) -> str:
        return f"float32, −1 to 1, at {self.space.sample_rate} Hz"

    @property
    def suffix(self) -> str:
        return ".wav"

    @property
    def media(self) -> str:
        return "audio/wav"

    # -- files ---------------------------------------------------------------------------------------------

    @classmethod
    def read_files(cls, path: Path, listing: Listing, **wishes: Any) -> Raw:
        from ganforge.codecs.sound.reader import read_sounds

        return read_sounds(path, listing, waves=True, **wishes)

    def reread(self) -> dict[str, Any]:
        return {"size": (self.space.spatial[0] // self._mel(1).hop, _DRAWN), "rate": self.space.sample_rate}

    def _mel(self, samples: int, mels: int = _DRAWN) -> Mel:
        """Levels in mels of so many samples, and of what fills up the last column."""
        from ganforge.codecs.sound.mel import Mel

        rate = self.space.sample_rate or _RATE
        return Mel(rate, mels, -(-samples // Mel(rate, mels, 1).hop))

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        from dataclasses import replace

        del train, standardise
        return replace(self.space, sample_rate=int(about["rate"])) if "rate" in about else self.space

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        """A wav file of 16 bits, of the first channel."""
        return wav(sample[0], self.space.sample_rate or _RATE)

    # -- pictures ------------------------------------------------------------------------------------------

    @property
    def view(self) -> str:
        return "drawn"

    def picture(self, sample: np.ndarray) -> Image:
        """The spectrogram of its first channel: time to the right, low pitches below."""
        import numpy as np
        import torch

        mel = self._mel(sample.shape[1])
        wave = np.zeros((1, mel.samples), np.float32)
        wave[0, : sample.shape[1]] = np.nan_to_num(sample[0])
        levels = 1.0 + mel.decibels(torch.from_numpy(wave))[0, 0] / _DYNAMICS
        return plots.heat((255 * levels.clamp(0, 1)).round().byte().numpy())

    def pixels(self, sample: np.ndarray) -> np.ndarray:
        """:meth:`picture` of its first four seconds, ``(3, H, W)`` uint8."""
        import numpy as np

        start = sample[:, : 4 * (self.space.sample_rate or _RATE)]
        return np.asarray(self.picture(start)).transpose(2, 0, 1)

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        return plots.grid([self.picture(sample) for sample in samples])

    # -- translations --------------------------------------------------------------------------------------

    def from_levels(self, x: Tensor, mels: int) -> Tensor:
        """Waves ``(N, 1, T)`` as they come back from their levels in so many mels (``codecs.sound.mel``)."""
        import torch

        mel = self._mel(x.shape[2], mels)
        with torch.no_grad():
            levels = mel.decibels(torch.nn.functional.pad(x[:, 0], (0, mel.samples - x.shape[2])))
            return mel.waves(levels)[:, None, : x.shape[2]]

    # -- questions -----------------------------------------------------------------------------------------

    def attributes(self) -> tuple[str, ...]:
        return ("loud", "bright")

    def measure(self, x: Tensor) -> list[Tensor]:
        """``loud`` (deviation) and ``bright`` (power of the differences over the power)."""
        power = x.square().flatten(1).mean(1).clamp_min(1e-9)
        return [x.flatten(1).std(1), x.diff(dim=2).square().flatten(1).mean(1) / power]
