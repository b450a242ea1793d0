"""Clips: frames in order, learned whole, or each to be made from those before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ganforge.core.errors import DataError
from ganforge.data.layouts import classes_from_folders
from ganforge.data.pixels import Fit, fit_array
from ganforge.data.raw import Inputs, Raw, Skipped, as_it_is, keep_rows, spool, stated_of

__all__ = ["FORM", "SHORTEST", "frames_of_folder", "natural", "smaller", "whole", "windows"]

FORM = "films"  # the form of what comes from files of films
SHORTEST = 8  # frames of a clip that is learned whole, and pixels of its sides: what networks need
_USUAL, _LONGEST = 16, 24  # frames of a clip; as many as nearly all films have, if that is no more
_SHORTER = 0.05  # share of the films that may have fewer, and are left out
_SIDE = 32  # pixels that the shortest side of a clip's frames has at most, where no size was asked for
_PARTS = 40  # of so few films, parts are held out


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts frame2 before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def frames_of_folder(raw: Raw, scratch: Path) -> Raw:
    """Pictures of a folder or zip as clips: each subfolder is one, its files sorted by their numbers."""
    folders = [name.rpartition("/")[0] for name in raw.names]
    order = sorted(range(raw.n), key=lambda i: (folders[i], natural(raw.names[i])))
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


def smaller(size: tuple[int, int]) -> tuple[int, int]:
    """The width and height that frames of this size are brought to where no size was asked for."""
    scale = _SIDE / min(size)
    if scale >= 1:
        return size
    wide, high = (max(SHORTEST, round(side * scale / 4) * 4) for side in size)
    return wide, high


def whole(
    raw: Raw, kind: str, *, frames: int | None, size: tuple[int, int] | None, how: Fit, place: Path | None
) -> Raw:
    """Frames as whole clips ``(C, T, H, W)``: each film is cut into windows of ``T`` frames, one after the
    other; what is left over at its end is not used, and films that are too short are left out and listed.

    Args:
        raw: pictures with ``clips``, frames in order.
        kind: the name of the kind that the clips are of.
        frames: T; None takes as many as nearly all films have, from 8 to 24, and 16 where they have more.
        size: ``(width, height)`` that was asked for; None brings the shortest side to 32 pixels at most.
        how: pictures of another shape come to that size.
        place: a new file for the clips; None keeps them in memory.

    Raises:
        DataError: no film has so many frames.
    """
    assert raw.clips is not None
    _, starts, lengths = np.unique(raw.clips, return_index=True, return_counts=True)
    own = (raw.shape[2], raw.shape[1])
    size = smaller(own) if size is None else size
    frames, notes = _window(lengths, frames)
    many = lengths // frames  # windows of each film
    if not many.any():
        longest = int(lengths.max())
        fewer = f"--size {size[0]}x{size[1]}x{longest} asks for as many, " if longest >= SHORTEST else ""
        raise DataError(
            f"the longest clip has {_count(longest)}, and whole clips need {frames}; {fewer}--what frames"
            " takes single pictures"
        )
    owner = np.repeat(np.arange(len(lengths)), many)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(many) - many, many)  # of each window in its film
    first = starts[owner] + frames * within
    if size != own:
        words = f"frames are brought from {own[0]}×{own[1]} to {size[0]}×{size[1]}"
        notes.append(f"{words}; --size {own[0]}x{own[1]} keeps them, and takes far longer to learn")
    step = max(1, (16 << 20) // max(1, raw.values[:1].nbytes * frames))

    def rows() -> Iterator[np.ndarray]:
        for i in range(0, len(first), step):
            which = first[i : i + step, None] + np.arange(frames)
            flat = raw.finish(np.asarray(raw.values[which.reshape(-1)]))
            flat = fit_array(flat, size, how)
            yield flat.reshape(-1, frames, *flat.shape[1:]).swapaxes(1, 2)

    few = np.flatnonzero(many == 0)
    skipped = [
        Skipped(_clip_name(raw, int(starts[i])), f"too short: {lengths[i]} of {frames} frames", bad=False)
        for i in few
    ]
    cut = int((many > 1).sum())
    if cut:
        notes.append(
            f"{cut:,} longer than {frames} frames become windows of that length, one after the other"
        )
    left = int((lengths - many * frames)[many > 0].sum())
    warnings: list[str] = []
    if left:
        shorter = f"a shorter window uses more: --size {size[0]}x{size[1]}x{max(SHORTEST, frames // 2)}"
        more = f"; {shorter}" if frames > SHORTEST else ""
        warnings.append(f"{_count(left)} at the ends of clips fill no window and are not used{more}")
    shape = (raw.shape[0], frames, size[1], size[0])
    return replace(
        raw,
        kind=kind,
        form=raw.form if raw.form == "built in" else raw.form.replace("of frames", "of clips"),
        values=spool(rows(), place, shape),
        shape=shape,
        finish=as_it_is,
        labels=None if raw.labels is None else raw.labels[first],
        stated=stated_of(raw.stated, first),
        clips=_together(owner, many) if cut else None,
        names=[_clip_name(raw, int(i)) for i in first] if raw.names else (),
        sizes={},
        skipped=(*raw.skipped, *skipped),
        found=(*raw.found, f"lengths: {len(lengths):,} clips of {_span(lengths)} frames"),
        notes=(*raw.notes, *notes),
        warnings=(*raw.warnings, *warnings),
    )


def _window(lengths: np.ndarray, frames: int | None) -> tuple[int, list[str]]:
    """How many frames a clip has, and notes on it."""
    if frames is not None:
        return frames, []
    most = int(np.sort(lengths)[int(_SHORTER * len(lengths))])  # that nearly all have
    frames = most if SHORTEST <= most <= _LONGEST else _USUAL if most > _LONGEST else SHORTEST
    return frames, [f"{frames} frames a clip; --size WIDTHxHEIGHTxFRAMES asks for another number"]


def _together(owner: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Which windows stay on one side of the split: those of one film; of few films, those side by side."""
    films = int((many > 0).sum())
    if films >= _PARTS // 2:
        return owner.astype(np.int64)
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    part = place // max(1, len(owner) // _PARTS)
    return np.unique(np.stack([owner, part], 1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _count(frames: int) -> str:
    return f"{frames:,} frame{'s' * (frames != 1)}"


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
    _, starts, lengths = np.unique(raw.clips, return_index=True, return_counts=True)
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
    names = [_clip_name(raw, int(starts[i])) for i in few]
    reasons = [f"too short: {lengths[i]} of {frames + 1} frames" for i in few]
    skipped = [Skipped(*said, bad=False) for said in zip(names, reasons, strict=True)]
    words = f"{len(lengths) - len(few):,} clips of {_span(lengths[~short])} frames"
    words = f"input: {words}: {len(target):,} frames, each to be made from"
    return replace(
        raw,
        values=spool(chunks([0]), scratch and scratch / "targets", raw.shape),
        finish=as_it_is,
        labels=None if raw.labels is None else raw.labels[target],
        clips=raw.clips[target],
        stated=stated_of(raw.stated, target),
        names=[raw.names[int(i)] for i in target] if raw.names else (),
        inputs=Inputs(
            values=spool(chunks(list(range(frames, 0, -1))), scratch and scratch / "before", before),
            shape=before,
            value_range=raw.value_range,
        ),
        skipped=(*raw.skipped, *skipped),
        found=(*raw.found, f"{words} the {f'{frames} frames' if frames > 1 else 'frame'} before it"),
    )


def _clip_name(raw: Raw, start: int) -> str:
    """The name of the clip that begins at frame ``start``: of a film its file, of a folder of frames that."""
    assert raw.clips is not None
    if not raw.names:
        return f"clip {raw.clips[start]}"
    name = raw.names[start]
    return name if raw.form == FORM or "/" not in name else name.rpartition("/")[0]


def _span(lengths: np.ndarray) -> str:
    low, high = lengths.min(), lengths.max()
    return f"{low}" if low == high else f"{low} to {high}"
