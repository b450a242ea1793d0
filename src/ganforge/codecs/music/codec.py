"""Passages of music: voices on a grid of steps, that are written as MIDI files and can be played."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganforge.codecs import plots
from ganforge.codecs.music.facts import MusicFacts
from ganforge.codecs.tokens import Tokens
from ganforge.core.fields import listed, mapping, only, real, whole

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.core.space import Space
    from ganforge.data.files import Listing
    from ganforge.data.raw import Raw

__all__ = ["BAR", "STEPS", "FittedMusic", "Music", "pitch_name"]

BAR = 16  # steps of a bar
STEPS = 64  # of a passage
_TEMPO = 100.0  # beats a minute, where none is known
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def pitch_name(pitch: int) -> str:
    """``C4`` for 60."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


@dataclass(frozen=True)
class FittedMusic:
    """What is known of the voices.

    Attributes:
        low, high: each voice's lowest and highest pitch.
        tempo: beats a minute of files that are written.
    """

    low: tuple[int, ...]
    high: tuple[int, ...]
    tempo: float

    def to_json(self) -> dict[str, Any]:
        fields = asdict(self)
        return {**fields, "low": list(self.low), "high": list(self.high)}

    @classmethod
    def from_json(cls, fields: Any, where: str) -> FittedMusic:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["low", "high", "tempo"], where)
        ends = [
            tuple(
                whole(one, f"{where}.{name}", 1, 127) for one in listed(fields[name], f"{where}.{name}", 64)
            )
            for name in ("low", "high")
        ]
        low, high = ends
        if not low or len(low) != len(high) or any(a > b for a, b in zip(low, high, strict=True)):
            raise ValueError(f"{where} does not fit together")
        return cls(low, high, real(fields["tempo"], f"{where}.tempo", 1.0, 1_000.0))


class Music(Tokens):
    """Passages ``(V, T)`` uint8: twice the pitch that each voice has, and one more where a note begins.

    A network sees of each voice whether something begins, and one-hot a rest or the pitch that sounds.
    """

    name = "passages"
    extractor = "notes"
    words = "passages of MIDI files, as voices on a grid of steps"
    one = "passage"
    counted = "passages"
    suffixes = (".mid", ".midi")
    cuts_up = True
    audible = True

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        fitted = space.fitted
        if isinstance(fitted, FittedMusic):
            self.fitted = fitted

    @property
    def shape(self) -> tuple[int, ...]:
        if self.space.fitted is None:
            return self.space.shape
        return (len(self.fitted.low), self.space.shape[1])

    @property
    def suffix(self) -> str:
        return ".mid"

    @property
    def media(self) -> str:
        return "audio/midi"

    def describe(self) -> str:
        voices, steps = self.shape
        words = f"{steps} steps, {steps / BAR:g} bars, {voices} voice" + "s" * (voices != 1)
        if self.space.fitted is None:
            return words
        return f"{words} {pitch_name(min(self.fitted.low))} to {pitch_name(max(self.fitted.high))}"

    def units(self) -> str:
        return "uint8: twice the pitch of each voice at each step, one more where a note begins; 0 is a rest"

    # -- files -------------------------------------------------------------------------------------------

    @classmethod
    def read_files(cls, path: Path, listing: Listing, **wishes: Any) -> Raw:
        from ganforge.codecs.music.reader import read_music

        return read_music(path, listing, **wishes)

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        del standardise
        pitches = [row[row > 1] >> 1 for row in train.swapaxes(0, 1)]
        low = tuple(int(row.min(initial=127)) if len(row) else 60 for row in pitches)
        high = tuple(int(row.max(initial=1)) if len(row) else 60 for row in pitches)
        fitted = FittedMusic(low, high, float(about.get("tempo", _TEMPO)))
        channels = sum(2 + b - a + 1 for a, b in zip(low, high, strict=True))
        return replace(self.space, shape=(channels, train.shape[2]), fitted=fitted)

    @classmethod
    def fitted_from_json(cls, fields: Any, where: str) -> FittedMusic:
        return FittedMusic.from_json(fields, where)

    # -- units -------------------------------------------------------------------------------------------

    @cached_property
    def _voices(self) -> list[tuple[int, int, int]]:
        """Of each voice its first channel, its lowest pitch, and how many pitches it has."""
        found: list[tuple[int, int, int]] = []
        at = 0
        for low, high in zip(self.fitted.low, self.fitted.high, strict=True):
            found.append((at, low, high - low + 1))
            at += 2 + high - low + 1
        return found

    @property
    def choices(self) -> tuple[tuple[int, ...], ...]:
        groups: list[tuple[int, ...]] = []
        for at, _, pitches in self._voices:
            groups += [(at,), tuple(range(at + 1, at + 2 + pitches))]
        return tuple(groups)

    @property
    def held(self) -> Mapping[int, int]:
        return {2 * voice + 1: 2 * voice for voice in range(len(self._voices))}

    @property
    def degrees(self) -> Mapping[int, tuple[int, ...]]:
        return {
            2 * voice + 1: (-1, *range(low, low + pitches))
            for voice, (_, low, pitches) in enumerate(self._voices)
        }

    def context(self, lasting: Tensor) -> Tensor:
        """The place in the bar, the bar, and how much of the passage is left."""
        import torch

        steps = torch.arange(self.space.shape[1], device=lasting.device)
        planes = [(steps % BAR == k).float() for k in range(BAR)]
        planes += [(steps // BAR == k).float() for k in range(math.ceil(len(steps) / BAR))]
        planes.append(steps / len(steps))
        return torch.stack(planes).expand(lasting.shape[0], -1, -1)

    def encode(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """A pitch beyond a voice's range is brought into it by octaves."""
        del u
        import torch

        x = x.long()
        pitch = x >> 1
        before = torch.cat([torch.full_like(pitch[:, :, :1], -1), pitch[:, :, :-1]], 2)
        begins = (((x & 1) > 0) & (pitch > 0)) | (pitch != before)
        parts: list[Tensor] = []
        for voice, (_, low, pitches) in enumerate(self._voices):
            own = pitch[:, voice] - low
            own = torch.where(own < 0, own % 12, own)
            own = torch.where(own >= pitches, pitches - 1 - (pitches - 1 - own) % 12, own).clamp(
                0, pitches - 1
            )
            level = torch.where(pitch[:, voice] > 0, own + 1, 0)
            parts.append(begins[:, voice, None].float())
            parts.append(torch.nn.functional.one_hot(level, 1 + pitches).transpose(1, 2).float())
        return torch.cat(parts, 1)

    def close(self, x: Tensor) -> Tensor:
        import torch

        rows: list[Tensor] = []
        for at, low, pitches in self._voices:
            level = x[:, at + 1 : at + 2 + pitches].argmax(1)
            pitch = torch.where(level > 0, level - 1 + low, 0)
            before = torch.cat([torch.zeros_like(pitch[:, :1]), pitch[:, :-1]], 1)
            begins = ((x[:, at] > 0.5) | (pitch != before)) & (pitch > 0)
            rows.append(2 * pitch + begins)
        return torch.stack(rows, 1).to(torch.uint8)

    # -- files and pictures --------------------------------------------------------------------------------

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        """A MIDI file with a track for each voice."""
        return self.midi_file(sample, self.fitted.tempo)

    def midi_file(self, codes: np.ndarray, tempo: float) -> bytes:
        """Codes ``(V, T)`` of any length as a MIDI file."""
        from ganforge.codecs.music.midi import Note, write_notes
        from ganforge.codecs.music.voices import BEAT, notes_of

        voices = [[Note(a / BEAT, b / BEAT, pitch) for a, b, pitch in notes_of(row)] for row in codes]
        return write_notes(voices, tempo)

    def channels_of(self, voices: np.ndarray) -> Tensor:
        """Which channels of model units belong to some voices ``(V,)`` bool, ``(C,)`` of 0 and 1."""
        import numpy as np
        import torch

        sizes = [1 + len(self.degrees[2 * voice + 1]) for voice in range(len(voices))]
        return torch.from_numpy(np.repeat(voices, sizes)).float()

    def listen(self, sample: np.ndarray) -> bytes:
        """A wav file of plain tones."""
        from ganforge.codecs.music.sound import RATE, played
        from ganforge.codecs.wav import wav

        return wav(played(sample, self.fitted.tempo), RATE)

    def picture(self, sample: np.ndarray) -> Image:
        """A piano roll: time to the right, high pitches above, a colour for each voice."""
        from ganforge.codecs.music.picture import piano_roll

        return piano_roll(sample, min(self.fitted.low), max(self.fitted.high), BAR)

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        del real
        return plots.grid([self.picture(sample) for sample in samples])

    @property
    def view(self) -> str:
        return "pictures"

    # -- questions -----------------------------------------------------------------------------------------

    def facts(self) -> MusicFacts:
        return MusicFacts(BAR, (min(self.fitted.low), max(self.fitted.high)))

    def attributes(self) -> tuple[str, ...]:
        return ("high", "busy", "rests")

    def measure(self, x: Tensor) -> list[Tensor]:
        """``high`` (mean pitch of what sounds), ``busy`` (notes begun a step and voice) and ``rests`` (share
        of the steps at which a voice is silent)."""
        import torch

        codes = x.round().long()
        pitch, begins = codes >> 1, codes & 1
        sounds = (pitch > 0).float()
        high = (pitch * sounds).sum((1, 2)) / sounds.sum((1, 2)).clamp_min(1.0)
        return [high, begins.float().mean((1, 2)), torch.ones_like(high) - sounds.mean((1, 2))]
