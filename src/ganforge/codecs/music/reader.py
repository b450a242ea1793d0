"""Folders of MIDI files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.codecs.music.codec import BAR, STEPS, pitch_name
from ganforge.codecs.music.midi import Piece, read_piece
from ganforge.codecs.music.voices import grid_of, off_grid, part_voices
from ganforge.core.errors import DataError
from ganforge.data.files import Entry, Listing, UnreadableError, printable
from ganforge.data.folders import at_least, counter, form_of, one_file, plainly, read_each
from ganforge.data.layouts import classes_from_folders
from ganforge.data.raw import Progress, Raw, Skipped

__all__ = ["kept_voices", "read_music", "read_voices"]

_HOP = 32  # steps from one passage of a piece to the next
_MOST_VOICES = 6
_PIECES = 20  # so many can be parted as they are; fewer are parted into …
_PARTS = 40  # … so many, about
_Voices = list[list[tuple[int, int, int]]]


@dataclass(frozen=True)
class _Read:
    """A file's notes in steps, voice by voice, the highest first."""

    piece: Piece
    voices: _Voices
    parted: int
    late: int

    @property
    def notes(self) -> int:
        return sum(map(len, self.voices))


def read_music(
    path: Path,
    listing: Listing,
    *,
    size: tuple[int, int] | None,
    scratch: Path | None,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    **others: Any,
) -> Raw:
    """Passages of every piece.

    Args:
        path: of the folder or archive, for messages; ``listing``: its files.
        size: must be None: a passage has 64 steps.
        scratch: not needed: passages are small.
        only: names of the files to read; None reads all.
        others: wishes that only pictures have.

    Raises:
        DataError: nothing can be read, mido is missing, or a wish makes no sense of music.
    """
    del scratch
    if size is not None or any(others.get(name) is not None for name in ("channels", "value_range")):
        raise DataError("passages of music have no size, channels or range to choose: leave that option out")
    entries = [entry for entry in listing.entries if only is None or printable(entry.name) in only]
    skipped = list(listing.skipped)
    done = counter(progress, len(entries))
    read = read_each(entries, partial(_read, listing), done=done, skipped=skipped)
    found = [one for _, one in read]
    at_least(path, len(found), skipped, "piece of music")
    count = min(_MOST_VOICES, int(np.median([len(one.voices) for one in found])))
    parts = [_passages(one, count) for one in found]
    owner = np.repeat(np.arange(len(found)), [len(windows) for windows in parts])
    values = np.concatenate(parts)
    names = [read[at][0].name for at in owner]
    labels, classes, about, warned = classes_from_folders(names, one="piece of music")
    tempo = float(np.median([one.piece.tempo for one in found]))
    return Raw(
        kind="passages",
        form=form_of(path, "MIDI files", "MIDI file"),
        values=values,
        shape=values.shape[1:],
        labels=labels,
        classes=classes,
        clips=_together(owner),
        found=_lines(found, values),
        about={"tempo": round(min(max(tempo, 1.0), 1_000.0), 2)},
        names=[printable(name) for name in names],
        modes=Counter(f"{len(one.voices)} voices" for one in found),
        skipped=tuple(skipped),
        notes=(*_notes(found), *about),
        warnings=(*warned, *_warnings(found, count)),
    )


def _read(listing: Listing, entry: Entry) -> _Read:
    with listing.open(entry) as file:
        piece = read_piece(file, entry.size)
    parts = [part_voices(part) for part in piece.parts]
    voices = sorted(
        (voice for part in parts for voice in part),
        key=lambda voice: -float(np.mean([pitch for _, _, pitch in voice])),
    )
    voices = [[one for one in voice if one[2] > 0] for voice in voices]
    if not any(voices):
        raise UnreadableError("without a single note")
    late = sum(off_grid(part) for part in piece.parts)
    return _Read(piece, voices, sum(len(part) > 1 for part in parts), late)


def kept_voices(voices: _Voices, count: int) -> _Voices:
    """So many voices, those with the most notes, in their order; rests where there are fewer."""
    most = sorted(range(len(voices)), key=lambda k: -len(voices[k]))[:count]
    return [voices[k] for k in sorted(most)] + [[] for _ in range(count - len(voices))]


def read_voices(path: Path) -> tuple[_Voices, float]:
    """A file's voices in steps from the bar of its first note on, the highest first, and its tempo.

    Raises DataError where it cannot be read.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    listing = one_file(path)
    found = plainly(listing.entries[0], partial(_read, listing, listing.entries[0]))
    if isinstance(found, Skipped):
        raise DataError(f"{path}: {found.reason}")
    voices = [voice for voice in found.voices if voice]
    first = min(voice[0][0] for voice in voices) // BAR * BAR
    return [[(a - first, b - first, pitch) for a, b, pitch in voice] for voice in voices], found.piece.tempo


def _passages(one: _Read, count: int) -> np.ndarray:
    """Windows ``(n, V, T)`` of a piece, from the bar of its first note on; the last one ends with it."""
    kept = kept_voices(one.voices, count)
    first = min(start for voice in kept for start, _, _ in voice[:1]) // BAR * BAR
    moved = [[(a - first, b - first, pitch) for a, b, pitch in voice] for voice in kept]
    long = max(end for voice in moved for _, end, _ in voice)
    long = max(STEPS, -(-long // BAR) * BAR)
    grid = grid_of(moved, long)
    starts = sorted({*range(0, long - STEPS + 1, _HOP), long - STEPS})
    windows = np.stack([grid[:, start : start + STEPS] for start in starts])
    begun = windows[:, :, 0] > 1  # what sounds already begins with the passage
    windows[:, :, 0] |= begun.astype(np.uint8)
    enough_notes = (windows > 1).any(1).mean(1) >= 0.25
    return windows[enough_notes] if enough_notes.any() else windows[:1]


def _together(owner: np.ndarray) -> np.ndarray:
    """Which passages stay on one side of the split: those of a piece; of few pieces, neighbours."""
    if len(np.unique(owner)) >= _PIECES:
        return owner
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    part = place // max(1, len(owner) // _PARTS)
    return np.unique(np.stack([owner, part], 1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _lines(found: Sequence[_Read], values: np.ndarray) -> tuple[str, ...]:
    tempos = np.array([one.piece.tempo for one in found])
    ends = f"{tempos.min():.0f}" if np.ptp(tempos) < 1 else f"{tempos.min():.0f} to {tempos.max():.0f}"
    lines = [f"pieces: {len(found):,}, of which {len(values):,} passages of {STEPS // BAR} bars"]
    for k, row in enumerate(values.swapaxes(0, 1)):
        pitches = row[row > 1] >> 1
        if len(pitches):
            span = f"{pitch_name(int(pitches.min()))} to {pitch_name(int(pitches.max()))}"
            lines.append(f"voice {k + 1}: {span}, silent {1.0 - len(pitches) / row.size:.0%} of the time")
        else:
            lines.append(f"voice {k + 1}: silent")
    lines.append(f"tempo: {ends} beats a minute; files are written at {np.median(tempos):.0f}")
    return tuple(lines)


def _notes(found: Sequence[_Read]) -> list[str]:
    notes = [
        f"a passage has {STEPS} steps, sixteenths of 4/4, and the next one begins {_HOP // BAR} bars later"
    ]
    parted = sum(one.parted > 0 for one in found)
    if parted:
        notes.append(f"in {parted:,} pieces a track has several notes at a time: it is parted into voices")
    meters = Counter(one.piece.meter for one in found if one.piece.meter != "4/4")
    if meters:
        kinds = ", ".join(f"{meter} {n:,}" for meter, n in meters.most_common(4))
        notes.append(f"pieces of other meters are cut into passages of {STEPS} sixteenths, too: {kinds}")
    drums = sum(one.piece.drums for one in found)
    if drums:
        notes.append(f"{drums:,} notes of percussion are left out")
    return notes


def _warnings(found: Sequence[_Read], count: int) -> list[str]:
    warnings: list[str] = []
    left = sum(one.notes - sum(map(len, kept_voices(one.voices, count))) for one in found)
    total = sum(one.notes for one in found)
    if left:
        warnings.append(f"{left / total:.1%} of the notes are in voices beyond {count}, and left out")
    late = sum(one.late for one in found)
    if late > 0.01 * total:
        warnings.append(f"{late / total:.0%} of the notes begin between sixteenths, and move to the nearest")
    return warnings
