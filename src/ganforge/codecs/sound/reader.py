"""Folders of sounds, of any rate, width and number of channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import gcd
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from ganforge.codecs.sound.mel import FRAME, Mel
from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.files import Entry, Listing, UnreadableError, printable
from ganforge.data.folders import at_least, counter, form_of, plainly, read_each
from ganforge.data.layouts import classes_from_folders
from ganforge.data.raw import Progress, Raw, Skipped, as_it_is, spool

__all__ = ["Recording", "read_recording", "read_sounds", "resampled"]

_MELS = 64
_PIECE = 32  # columns of a window of waves, 0.5 s
_COLUMNS = (64, 128, 256)  # of a window, 1.02 to 4.1 s: the shortest that most sounds fit into
_LONGER = 0.05  # share of the sounds that may be longer than the window, and are cut off
_DYNAMICS = 80.0  # decibels between the loudest and what counts as silence
_SILENT = -70.0  # decibels; what is nowhere louder has no sound
_RECORDINGS = 20  # so many can be parted as they are; fewer are parted into …
_PARTS = 40  # … so many, about
_LONGEST = 3_600  # seconds of one file that are read
_RATES = (1_000, 384_000)
_BLOCK = 1 << 20  # samples read at once


@dataclass(frozen=True)
class _Header:
    """What a file says of itself."""

    rate: int
    samples: int
    channels: int
    width: str

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    @property
    def words(self) -> str:
        channels = {1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels} channels")
        return f"{self.rate:,} Hz {self.width} {channels}"


def read_sounds(
    path: Path,
    listing: Listing,
    *,
    size: tuple[int, int] | None,
    scratch: Path | None,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    value_range: ValueRange | None = None,
    rate: int | None = None,
    waves: bool = False,
    **others: Any,
) -> Raw:
    """Spectrograms, or waves, of every sound.

    Args:
        path: of the folder or archive, for messages; ``listing``: its sounds.
        size: columns and mels, or None to infer them.
        scratch: where they are kept until the caller has stored them; None keeps them in memory.
        only: names of the files to read; None reads all.
        value_range: decibels that become 0 and 255; None takes the 80 below the loudest.
        rate: samples a second that all are brought to; None takes that of most files.
        waves: whether examples are waves ``(1, T)``: each sound is windows of half a second, or of the
            columns of ``size``, one after the other, the silent ones too: in pairs they belong to another's.
        others: wishes that only pictures have; DataError for any that is none of the usual ones.

    Raises:
        DataError: there are no sounds, or only one.
    """
    _no_wishes(others)
    entries = [entry for entry in listing.entries if only is None or printable(entry.name) in only]
    skipped = list(listing.skipped)
    done = counter(progress, 2 * len(entries))
    read = read_each(entries, partial(_header, listing), done=done, skipped=skipped)
    good, headers = [entry for entry, _ in read], [header for _, header in read]
    at_least(path, len(good), skipped, "sound")
    rates = Counter(header.rate for header in headers)
    rate = max(rates, key=lambda one: (rates[one], one)) if rate is None else rate
    if waves:
        columns, mels, cut, lost = size[0] if size else _PIECE, _MELS, False, []
        notes = [f"windows of {columns * FRAME:.2f} s, one after the other"]
    else:
        columns, mels, cut, notes, lost = _window([header.seconds for header in headers], size)
    mel = Mel(rate, mels, columns)
    files: list[int] = []
    silent = 0

    def windows() -> Iterator[np.ndarray]:
        for at, piece in pieces():
            files.extend([at] * len(piece))
            yield piece[:, None].clip(-1, 1)

    def rows() -> Iterator[np.ndarray]:
        nonlocal silent
        for block in _blocks(pieces()):
            found = _decibels(mel, np.concatenate([piece for _, piece in block]))
            audible = found.max(axis=(1, 2, 3)) > _SILENT
            owner = np.concatenate([np.full(len(piece), at) for at, piece in block])
            files.extend(int(at) for at in owner[audible])
            silent += int((~audible).sum())
            yield found[audible]

    def pieces() -> Iterator[tuple[int, np.ndarray]]:
        for at, entry in enumerate(good):
            wave = plainly(entry, partial(_wave, listing, entry, rate))
            done(1)
            if isinstance(wave, Skipped):
                skipped.append(wave)
            else:
                yield at, _pieces(wave, mel.samples, cut=cut)

    shape = (1, mel.samples) if waves else (1, mels, columns)
    values = spool(windows() if waves else rows(), scratch, shape)
    if silent and not files:
        raise DataError(f"all sounds in {path} are silent, nowhere above {_SILENT:g} dB; record them anew")
    at_least(path, len(files), skipped, "sound")
    if value_range is None and not waves:
        loudest = max(float(values[i : i + 1024].max()) for i in range(0, len(values), 1024))
        value_range = ValueRange(round(loudest - _DYNAMICS, 2), round(loudest, 2))
    names = [printable(good[at].name) for at in files]
    labels, classes, about, warned = classes_from_folders([good[at].name for at in files], one="sound")
    seen = [headers[at] for at in sorted(set(files))]
    wide = sum(header.channels > 1 for header in seen)
    if wide:
        notes = [*notes, f"{wide:,} have several channels: their mean is taken"]
    if silent:
        what = "sounds" if cut else "windows"
        warned.append(f"{silent:,} {what} are silent, nowhere above {_SILENT:g} dB, and left out")
    return Raw(
        kind="waves" if waves else "sounds",
        form=form_of(path, "sounds", "sound file"),
        values=values,
        shape=shape,
        finish=as_it_is if value_range is None else value_range.to_bytes,
        labels=labels,
        classes=classes,
        clips=None if cut else _together(np.array(files, np.int64)),
        found=_found(seen, rate),
        value_range=value_range,
        about={"rate": rate},
        names=names,
        modes=Counter(header.words for header in seen),
        skipped=tuple(skipped),
        notes=(*notes, *about),
        warnings=(*warned, *lost),
    )


def _together(files: np.ndarray) -> np.ndarray:
    """Which windows stay on one side of the split, ``(N,)``, by the files that they are of, in order.

    Those of one recording, since they are alike by right. Of few recordings that would hold out nothing, or
    far too much: there, neighbours stay together, a fortieth of all windows each.
    """
    if len(np.unique(files)) >= _RECORDINGS:
        return files
    _, starts, owner = np.unique(files, return_index=True, return_inverse=True)
    place = np.arange(len(files)) - starts[owner]  # of each window in its file
    part = place // max(1, len(files) // _PARTS)
    return np.unique(np.stack([files, part], 1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _no_wishes(others: dict[str, Any]) -> None:
    """DataError for a wish that makes no sense of sounds."""
    if others.get("channels") is not None or others.get("halves", (1, 1)) != (1, 1):
        raise DataError("sounds have no channels and no sides to choose: leave that option out")


def _window(
    seconds: Sequence[float], size: tuple[int, int] | None
) -> tuple[int, int, bool, list[str], list[str]]:
    """Columns and mels, whether sounds are cut off there or else into windows, notes and warnings on it."""
    columns, mels = size or (0, _MELS)

    def longer(columns: int) -> float:
        return float(np.mean([one > columns * FRAME for one in seconds]))

    if not columns:
        columns = next((n for n in _COLUMNS if longer(n) <= _LONGER), _COLUMNS[0])
    share, window = longer(columns), f"{columns * FRAME:.2f} s"
    if share > _LONGER:
        other = f"--size {_COLUMNS[-1]}x{mels} takes {_COLUMNS[-1] * FRAME:.1f} s"
        note = f"{share:.1%} are longer than {window} and become windows of that length, one after the other"
        return columns, mels, False, [f"{note}; {other}" if columns < _COLUMNS[-1] else note], []
    lost = [f"{share:.1%} are longer than {window}, and cut off there"] if share else []
    return columns, mels, True, [f"{window}, {columns} columns of 16 ms"], lost


def _header(listing: Listing, entry: Entry) -> _Header:
    with listing.open(entry) as file, _opened(file, entry) as sound:
        if not _RATES[0] <= sound.samplerate <= _RATES[1]:
            raise UnreadableError(f"of {sound.samplerate:,} Hz, which is no rate of sounds")
        if sound.frames < 1:
            raise UnreadableError("without a single sample")
        return _Header(sound.samplerate, sound.frames, sound.channels, _width(sound.subtype))


def _opened(file: BinaryIO, entry: Entry) -> Any:
    """A sound file of the library soundfile."""
    try:
        import soundfile
    except (ImportError, OSError) as error:  # the latter where the system lacks libsndfile
        raise DataError(f"sounds need soundfile, which is missing ({error}): pip install soundfile") from None
    start = file.read(12)
    if not start:
        raise UnreadableError("empty (0 bytes)")
    stated = int.from_bytes(start[4:8], "little") + 8
    if start[:4] == b"RIFF" and entry.size + 1 < stated < 0xFFFF_FF00:
        raise UnreadableError(f"truncated: {entry.size:,} of {stated:,} bytes")
    file.seek(0)
    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError:
        text = all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start)
        raise UnreadableError("text, not a sound" if text else "not a sound of a known format") from None


def _width(subtype: str) -> str:
    """``PCM_16`` for a person."""
    known = {"PCM_U8": "8 bit", "PCM_S8": "8 bit", "FLOAT": "32 bit float", "DOUBLE": "64 bit float"}
    return known.get(subtype, subtype.replace("PCM_", "") + " bit" if "PCM_" in subtype else subtype.lower())


@dataclass(frozen=True)
class Recording:
    """A whole file: ``(channels, T)`` float32, samples a second, and its width as soundfile has it."""

    waves: np.ndarray
    rate: int
    subtype: str


def read_recording(listing: Listing, entry: Entry, *, mono: bool = False) -> Recording:
    """A file of up to an hour; ``mono`` is the mean of its channels. UnreadableError where it is none."""
    header = _header(listing, entry)
    blocks: list[np.ndarray] = []
    left = min(header.samples, _LONGEST * header.rate)
    with listing.open(entry) as file, _opened(file, entry) as sound:
        subtype = str(sound.subtype)
        while left > 0:
            block = sound.read(min(left, _BLOCK), dtype="float32", always_2d=True)
            if not len(block):
                raise UnreadableError("truncated")
            blocks.append(block.mean(axis=1, keepdims=True) if mono else block)
            left -= len(block)
    waves = np.concatenate(blocks).T
    if not np.isfinite(waves).all():
        raise UnreadableError("it has samples that are not numbers")
    return Recording(waves, header.rate, subtype)


def resampled(waves: np.ndarray, before: int, after: int) -> np.ndarray:
    """Waves ``(…, T)`` of ``before`` samples a second as float32 at ``after``."""
    if before == after:
        return waves
    from scipy.signal import resample_poly

    common = gcd(after, before)
    return resample_poly(waves, after // common, before // common, axis=-1).astype(np.float32)


def _wave(listing: Listing, entry: Entry, rate: int) -> np.ndarray:
    """A whole file as one wave ``(T,)`` at ``rate``."""
    found = read_recording(listing, entry, mono=True)
    return resampled(found.waves[0], found.rate, rate)


def _pieces(wave: np.ndarray, samples: int, *, cut: bool) -> np.ndarray:
    """A wave as windows ``(n, samples)``: its beginning alone, or all; a last half is filled up."""
    n = 1 if cut else max(1, int(len(wave) / samples + 0.5))
    whole = np.zeros(n * samples, np.float32)
    whole[: len(wave)] = wave[: len(whole)]
    return whole.reshape(n, samples)


def _blocks(waves: Iterator[tuple[int, np.ndarray]]) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Waves ``(n, samples)`` with their files' numbers, a few megabytes at a time."""
    block: list[tuple[int, np.ndarray]] = []
    for at, pieces in waves:
        block.append((at, pieces))
        if sum(one.size for _, one in block) >= _BLOCK:
            yield block
            block = []
    if block:
        yield block


def _decibels(mel: Mel, waves: np.ndarray) -> np.ndarray:
    step = max(1, _BLOCK // mel.samples)
    with torch.inference_mode():
        parts = [mel.decibels(torch.from_numpy(waves[i : i + step])) for i in range(0, len(waves), step)]
    return torch.cat(parts).numpy()


def _found(headers: Sequence[_Header], rate: int) -> tuple[str, ...]:
    """Lines on lengths and rates."""
    seconds = np.array([header.seconds for header in headers])
    ends = f"{seconds.min():.2f} to {seconds.max():.2f} s"
    lines = [f"lengths: {ends}, half of them up to {np.median(seconds):.2f} s"]
    others = sum(header.rate != rate for header in headers)
    if others:
        lines.append(f"rates: {others:,} of other rates are brought to {rate:,} Hz")
    long = sum(header.seconds > _LONGEST for header in headers)
    if long:
        lines.append(f"lengths: of {long:,} longer than an hour, the first hour is read")
    return tuple(lines)
