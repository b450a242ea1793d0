"""Clips: frames in order, each to be made from those before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from ganforge.core.errors import DataError
from ganforge.data.files import UnreadableError, is_archive, list_files, printable
from ganforge.data.layouts import classes_from_folders
from ganforge.data.pictures import list_pictures, open_picture
from ganforge.data.pixels import Fit, choose_channels, fit, normalise, to_channels
from ganforge.data.raw import Inputs, Raw, Skipped, keep_rows, said_of, spool
from ganforge.data.sizes import choose_size, lost_by_shape

__all__ = ["frames_of_folder", "has_films", "read_films", "windows"]

_FRAMES = 2_000  # of one film that are read
_PIXELS = 1 << 28  # of one film, before resizing


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts frame2 before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def frames_of_folder(raw: Raw, scratch: Path) -> Raw:
    """Pictures of a folder or zip as clips: each subfolder is one, its files sorted by their numbers."""
    folders = [name.rpartition("/")[0] for name in raw.names]
    order = sorted(range(raw.n), key=lambda i: (folders[i], _natural(raw.names[i])))
    raw = keep_rows(raw, np.array(order), scratch)
    names, clips = np.unique([name.rpartition("/")[0] for name in raw.names], return_inverse=True)
    labels, classes, notes, warnings = classes_from_folders([str(name) for name in names])
    return replace(
        raw,
        form=raw.form.replace("of pictures", "of frames"),
        clips=clips.reshape(-1).astype(np.int64),
        labels=None if labels is None else labels[clips.reshape(-1)],
        classes=classes,
        notes=(*(note for note in raw.notes if "subfolders" not in note), *notes),
        warnings=(*(words for words in raw.warnings if "subfolders" not in words), *warnings),
    )


def windows(raw: Raw, frames: int, scratch: Path | None) -> Raw:
    """Frames that have ``frames`` others before them in their clip, with those stacked on channels.

    An input has the oldest frame first. What is shorter is left out, and listed.

    Raises:
        DataError: the source has no clips, or all are too short.
    """
    if raw.clips is None:
        raise DataError(
            f"previous:{frames} needs clips: a subfolder of numbered frames for each, .gif files, or an array"
            " (N, frames, H, W, C)"
        )
    clips, starts, lengths = np.unique(raw.clips, return_index=True, return_counts=True)
    short = lengths <= frames
    if short.all():
        raise DataError(
            f"the longest clip has {lengths.max()} frames, and previous:{frames} needs {frames + 1} or more"
        )
    place = np.arange(raw.n) - np.repeat(starts, lengths)  # of each frame in its clip
    target = np.flatnonzero(place >= frames)
    step = max(1, (16 << 20) // max(1, raw.values[:1].nbytes * (frames + 1)))

    def chunks(ago: list[int]) -> Iterator[np.ndarray]:
        for i in range(0, len(target), step):
            some = target[i : i + step]
            yield np.concatenate([raw.finish(np.asarray(raw.values[some - k])) for k in ago], axis=1)

    channels, *sides = raw.shape
    before = (frames * channels, *sides)
    few = [int(i) for i in np.flatnonzero(short)]
    names = [_clip_name(raw, int(starts[i]), int(clips[i])) for i in few]
    reasons = [f"too short: {lengths[i]} of {frames + 1} frames" for i in few]
    skipped = [Skipped(*said, bad=False) for said in zip(names, reasons, strict=True)]
    words = f"{len(clips) - len(few):,} clips of {_span(lengths[~short])} frames"
    words = f"input: {words}: {len(target):,} frames, each to be made from"
    return replace(
        raw,
        values=spool(chunks([0]), scratch and scratch / "targets", raw.shape),
        finish=_as_it_is,
        labels=None if raw.labels is None else raw.labels[target],
        clips=raw.clips[target],
        said=said_of(raw.said, target),
        names=[raw.names[int(i)] for i in target] if raw.names else (),
        inputs=Inputs(
            values=spool(chunks(list(range(frames, 0, -1))), scratch and scratch / "before", before),
            shape=before,
            value_range=raw.value_range,
        ),
        skipped=(*raw.skipped, *skipped),
        found=(*raw.found, f"{words} the {f'{frames} frames' if frames > 1 else 'frame'} before it"),
    )


def _as_it_is(chunk: np.ndarray) -> np.ndarray:
    return chunk


def _clip_name(raw: Raw, start: int, number: int) -> str:
    return (raw.names[start].rpartition("/")[0] or raw.names[start]) if raw.names else f"clip {number}"


def _span(lengths: np.ndarray) -> str:
    low, high = lengths.min(), lengths.max()
    return f"{low}" if low == high else f"{low} to {high}"


def has_films(path: Path) -> bool:
    """Whether ``path`` is a .gif, or a folder or zip whose only pictures are some."""
    if path.is_file() and path.suffix.lower() == ".gif":
        return True
    if not path.is_dir() and not is_archive(path):
        return False
    listing, _ = list_pictures(path)
    return bool(listing.entries) and all(entry.name.lower().endswith(".gif") for entry in listing.entries)


def read_films(
    path: Path, *, size: tuple[int, int] | None, channels: int | None, scratch: Path, how: Fit = "crop"
) -> Raw:
    """All frames of .gif files, each a clip; of a film up to 2,000 frames are read.

    Raises:
        DataError: none can be read.
    """
    whole = path.is_file() and path.suffix.lower() == ".gif"
    listing = list_files(path.parent if whole else path)
    entries = [
        e for e in listing.entries if (e.name == path.name if whole else e.name.lower().endswith(".gif"))
    ]
    skipped = list(listing.skipped) if not whole else []
    sizes: list[tuple[int, int]] = []
    good = []
    for entry in entries:
        try:
            with listing.open(entry) as file:
                sizes.append(open_picture(file).size)
            good.append(entry)
        # As for single pictures: Pillow raises nearly anything on damaged files.
        except Exception as error:
            skipped.append(Skipped(printable(entry.name), str(error) or type(error).__name__))
    if not good:
        raise DataError(f"no film in {path} can be read ({skipped[0].name}: {skipped[0].reason})")
    if size is None:
        size, why = choose_size(sizes)
    else:
        why = f"brought to {size[0]}×{size[1]}"
    clips: list[int] = []
    names: list[str] = []
    warnings: list[str] = []

    def frames() -> Iterator[np.ndarray]:
        for entry in good:
            try:
                with listing.open(entry) as file:
                    film, more = _decode(open_picture(file), size, how)
                    if more:
                        warnings.append(
                            f"{printable(entry.name)} has more frames than the {len(film):,} read"
                        )
            except Exception as error:
                skipped.append(Skipped(printable(entry.name), f"damaged ({error or type(error).__name__})"))
                continue
            clips.extend([len(names)] * len(film))
            names.append(printable(entry.name))
            yield film

    values = spool(frames(), scratch, (3, size[1], size[0]))
    if not names:
        raise DataError(f"no film in {path} can be read ({skipped[0].name}: {skipped[0].reason})")
    finish, channels, _, notes, odd = choose_channels(values, channels, whole=True)
    labels, classes, about, warned = classes_from_folders(names)
    cut, lost = lost_by_shape(sizes, size, how)
    return Raw(
        kind="pictures",
        form="films",
        values=values,
        shape=(channels, size[1], size[0]),
        finish=finish,
        labels=None if labels is None else labels[clips],
        classes=classes,
        clips=np.array(clips, np.int64),
        names=[names[i] for i in clips],
        modes={"gif": len(clips)},
        skipped=tuple(skipped),
        notes=(why, *notes, *about, *cut),
        warnings=(*warnings, *odd, *warned, *lost),
    )


def _decode(image: Image.Image, size: tuple[int, int], how: Fit) -> tuple[np.ndarray, bool]:
    """The frames of one film over white, ``(T, 3, H, W)`` uint8, and whether there are more."""
    frames: list[np.ndarray] = []
    budget = _PIXELS // max(1, image.width * image.height)
    more = False
    for frame in ImageSequence.Iterator(image):
        more = len(frames) >= min(_FRAMES, budget)
        if more:
            break
        pixels = np.asarray(fit(normalise(frame), size, how))
        planar = pixels[None, None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)[None]
        frames.append(to_channels(planar, 3)[0])
    if not frames:
        raise UnreadableError("it has no frames")
    return np.stack(frames), more
