"""Clips as tensors of three sides: time, height and width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganforge.codecs import plots
from ganforge.codecs.clip import film
from ganforge.codecs.pictures import Levels, Pictures
from ganforge.core.fields import mapping, only, real

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.core.space import Space
    from ganforge.data.files import Listing
    from ganforge.data.raw import Raw

__all__ = ["Clips", "Timing"]

_SHOWN = 6  # frames of a clip, side by side


@dataclass(frozen=True)
class Timing:
    """How fast the films of the data were.

    Attributes:
        rate: frames a second.
    """

    rate: float

    def to_json(self) -> dict[str, Any]:
        return {"rate": self.rate}


class Clips(Levels):
    """``(C, T, H, W)``: T frames in order, grey, grey and transparency, RGB, RGBA, or of more channels."""

    name = "clips"
    words = "short films, learned whole"
    one = "clip"
    counted = "clips"
    dims = 3
    suffixes = film.FILMS
    also = Pictures.suffixes
    cuts_up = True
    moving = True
    of_frames = True
    recipe = "clips"
    formats = (".gif", ".mp4")

    @property
    def rate(self) -> float:
        """Frames a second."""
        known = self.space.fitted
        return known.rate if isinstance(known, Timing) else film.RATE

    @property
    def suffix(self) -> str:
        return ".webp" if self.space.channels <= 4 else ".npy"

    @property
    def media(self) -> str:
        return "image/webp" if self.space.channels <= 4 else "application/octet-stream"

    def describe(self) -> str:
        frames, height, width = self.space.spatial
        colours = {1: "grey", 2: "grey + alpha", 3: "RGB", 4: "RGBA"}
        channels = self.space.channels
        return f"{frames} frames of {width}×{height} {colours.get(channels, f'{channels} channels')}"

    # -- files ---------------------------------------------------------------------------------------------

    @classmethod
    def read_files(cls, path: Path, listing: Listing, **wishes: Any) -> Raw:
        """Frame by frame, as pictures with ``clips``; ``data.clips.whole`` puts them together."""
        from ganforge.codecs.clip.reader import read_clips

        return read_clips(path, listing, **wishes)

    @classmethod
    def claims(cls, path: Path, listing: Listing, *, certain: bool) -> bool:
        from ganforge.codecs.clip.reader import are_clips

        del path
        return are_clips(listing, certain=certain)

    def reread(self) -> dict[str, Any]:
        frames, height, width = self.space.spatial
        channels = self.space.channels
        wish = {"size": (width, height, frames), "channels": channels if channels in (1, 3, 4) else None}
        known = self.space.fitted
        return wish | ({"rate": known.rate} if isinstance(known, Timing) else {})

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        del train, standardise
        rate = about.get("frames_a_second")
        return self.space if rate is None else replace(self.space, fitted=Timing(float(rate)))

    @classmethod
    def fitted_from_json(cls, fields: Any, where: str) -> Timing:
        fields = mapping(fields, where)
        only(fields, ["rate"], where)
        return Timing(real(fields["rate"], f"{where}.rate", least=1e-3))

    def frames(self, sample: np.ndarray) -> list[Image]:
        """The pictures of one example ``(C, T, H, W)`` in declared units, in order."""
        return [plots.flat(sample[:, at]) for at in range(sample.shape[1])]

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        """A .webp that moves, without loss, or a .gif or .mp4; of more than four channels an .npy."""
        if self.space.channels > 4:
            return super().file(sample)
        frames = self.frames(sample)
        return film.mp4(frames, self.rate) if suffix == ".mp4" else film.write(frames, self.rate, suffix)

    # -- pictures ------------------------------------------------------------------------------------------

    def picture(self, sample: np.ndarray) -> Image:
        """Six frames side by side, from the first to the last."""
        import numpy as np

        some = np.unique(np.linspace(0, sample.shape[1] - 1, _SHOWN).round().astype(int))
        gap = np.full((len(sample), sample.shape[2], 1), 255, sample.dtype)
        strip = [part for at in some for part in (sample[:, at], gap)][:-1]
        return plots.flat(np.concatenate(strip, axis=2))

    def reel(self, samples: np.ndarray) -> list[Image]:
        return [plots.grid([plots.flat(one[:, at]) for one in samples]) for at in range(samples.shape[2])]

    def still(self, sample: np.ndarray, at: int) -> Image:
        """Time goes on while the latent changes."""
        return plots.flat(sample[:, at % sample.shape[1]])

    @property
    def view(self) -> str:
        return "pictures" if self.space.channels <= 4 else "numbers"

    # -- questions -----------------------------------------------------------------------------------------

    def attributes(self) -> tuple[str, ...]:
        return ("light", "contrast", "motion")

    def measure(self, x: Tensor) -> list[Tensor]:
        """``light`` (mean), ``contrast`` (deviation) and ``motion`` (mean absolute difference of frames)."""
        flat = x.flatten(1)
        return [flat.mean(1), flat.std(1), x.diff(dim=2).abs().flatten(1).mean(1)]
