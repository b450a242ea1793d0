"""Folders of films, and folders of numbered frames."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.codecs.clip.film import ANIMATED, FILMS, About, about, animated, decode, frames_a_second
from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.clips import FORM, frames_of_folder, natural, smaller
from ganforge.data.files import Entry, Listing, UnreadableError, printable
from ganforge.data.folders import at_least, counter, plainly, read_each
from ganforge.data.layouts import classes_from_folders
from ganforge.data.pictures import open_picture, read_pictures
from ganforge.data.pixels import Fit, choose_channels, normalise
from ganforge.data.raw import Progress, Raw, Skipped, spool
from ganforge.data.sizes import choose_size, lost_by_shape

__all__ = ["are_clips", "read_clips"]

_LOOKED_AT = 40  # films, of which more than half must move
_FOLDERS = 10  # folders whose frames are compared
_COMPARED = 12  # frames of each, and as many must be there
_NEARER = 0.7  # what follows each other in a clip is so much more alike than what lies further apart
_THUMB = (16, 16)


def are_clips(listing: Listing, *, certain: bool) -> bool:
    """Whether pictures, by their names, are films or the frames of some.

    Films are .gif and .webp of which most move. Frames are numbered pictures, a subfolder a clip, of which
    those one after the other are more alike than those further apart; in a class they are not.
    """
    films = _animations(listing)
    if len(films) * 2 > len(listing.entries) and (certain or _are_films(listing, films)):
        return True
    return certain or _follow(listing)


def _animations(listing: Listing) -> list[Entry]:
    return [entry for entry in listing.entries if _suffix(entry) in ANIMATED]


def _suffix(entry: Entry) -> str:
    return os.path.splitext(entry.name)[1].lower()


def _are_films(listing: Listing, films: Sequence[Entry]) -> bool:
    """Whether most of some films have more than one frame."""
    some = [films[i] for i in np.linspace(0, len(films) - 1, min(len(films), _LOOKED_AT)).astype(int)]
    found = [plainly(entry, partial(_has_frames, listing, entry)) for entry in some]
    known = [one for one in found if not isinstance(one, Skipped)]
    return sum(known) * 2 > len(known)


def _has_frames(listing: Listing, entry: Entry) -> bool:
    with listing.open(entry) as file:
        return animated(file)


def _follow(listing: Listing) -> bool:
    """Whether the pictures of most subfolders follow each other."""
    folders: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in listing.entries:
        folder, slash, name = entry.name.rpartition("/")
        if slash and any(sign.isdecimal() for sign in name):
            folders[folder].append(entry)
    full = {name: own for name, own in folders.items() if len(own) >= _COMPARED}
    if len(full) < 2 or sum(map(len, full.values())) < 0.8 * len(listing.entries):
        return False
    names = sorted(full)
    picked = [names[i] for i in np.linspace(0, len(names) - 1, min(len(names), _FOLDERS)).astype(int)]
    nearer = [_nearer(listing, full[name]) for name in picked]
    return sum(nearer) > 0.7 * len(nearer)


def _nearer(listing: Listing, entries: Sequence[Entry]) -> bool:
    """Whether neighbours among the first frames of a folder are nearer than frames half as many apart."""
    frames: list[np.ndarray] = []
    for entry in sorted(entries, key=lambda one: natural(one.name))[:_COMPARED]:
        found = plainly(entry, partial(_thumb, listing, entry))
        if isinstance(found, Skipped):
            return False
        frames.append(found)
    x, half = np.stack(frames), _COMPARED // 2
    beside, apart = np.abs(np.diff(x, axis=0)).mean(), np.abs(x[half:] - x[:-half]).mean()
    return bool(0 < beside < _NEARER * apart)


def _thumb(listing: Listing, entry: Entry) -> np.ndarray:
    with listing.open(entry) as file:
        image = normalise(open_picture(file)).convert("L").resize(_THUMB)
        return np.asarray(image, np.float64)


def read_clips(
    path: Path,
    listing: Listing,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    scratch: Path | None,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    how: Fit = "crop",
    value_range: ValueRange | None = None,
    small: bool = False,
    rate: float | None = None,
    **others: Any,
) -> Raw:
    """Pictures with ``clips``: the frames of all films in order, or those of each subfolder.

    Args:
        path: of the folder, archive or film, for messages.
        listing: films; or pictures, if most of them are no .gif or .webp the frames.
        size, channels, how, value_range: as ``data.pictures.read_pictures`` takes them.
        scratch: where frames are kept until the caller has stored them; None keeps them in memory.
        only: names of the files to read; None reads all.
        small: whether frames of films are made as small as clips that are learned whole.
        rate: frames a second that films are brought to; None takes that of most.
        others: wishes that only pictures have.

    Raises:
        DataError: none can be read, or PyAV is needed and missing.
    """
    films = [entry for entry in listing.entries if _suffix(entry) in (*ANIMATED, *FILMS)]
    wishes: dict[str, Any] = {"size": size, "channels": channels, "progress": progress, "only": only}
    if 2 * len(films) <= len(listing.entries):
        assert scratch is not None
        raw = read_pictures(path, **wishes, how=how, value_range=value_range, scratch=scratch, **others)
        return frames_of_folder(raw, scratch.with_name("frames"))
    if value_range is not None:
        raise DataError("films have no range to choose: leave --range out")
    stills = len(listing.entries) - len(films)
    found = _read_films(path, listing, films, **wishes, how=how, scratch=scratch, small=small, rate=rate)
    if stills:
        words = f"not read, since they lie among films: {stills:,} single pictures"
        found = replace(found, warnings=(*found.warnings, words))
    return found


def _read_films(
    path: Path,
    listing: Listing,
    entries: Sequence[Entry],
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    how: Fit,
    scratch: Path | None,
    progress: Progress | None,
    only: Collection[str] | None,
    small: bool,
    rate: float | None,
) -> Raw:
    """All frames of films, each a clip; of one up to 2,000 are read."""
    entries = [entry for entry in entries if only is None or printable(entry.name) in only]
    skipped = list(listing.skipped)
    done = counter(progress, 2 * len(entries))
    good = read_each(entries, partial(_about, listing), done=done, skipped=skipped)
    _some_film(path, len(good), skipped)
    sizes = [known.size for _, known in good]
    if size is not None:
        why = f"brought to {size[0]}×{size[1]}"
    else:
        size, why = choose_size(sizes)
        if small and smaller(size) != size:
            small_size = smaller(size)
            words = f"frames are brought to {small_size[0]}×{small_size[1]}"
            why = f"{words}; --size {size[0]}x{size[1]} takes them larger, and far longer to learn"
            size = small_size
    rates = [known.rate for _, known in good]
    rate = frames_a_second([known for _, known in good]) if rate is None else rate
    clips: list[int] = []
    names: list[str] = []
    warnings: list[str] = []

    def frames() -> Iterator[np.ndarray]:
        for entry, known in good:
            film = plainly(entry, partial(_film, listing, entry, known, size, how, rate))
            done(1)
            if isinstance(film, Skipped):
                skipped.append(film)
                continue
            if film[1]:
                warnings.append(f"{printable(entry.name)} has more frames than the {len(film[0]):,} read")
            clips.extend([len(names)] * len(film[0]))
            names.append(printable(entry.name))
            yield film[0]

    values = spool(frames(), scratch, (3, size[1], size[0]))
    _some_film(path, len(names), skipped)
    finish, channels, _, notes, odd = choose_channels(values, channels, whole=True)
    labels, classes, about_classes, warned = classes_from_folders(names, one="film")
    cut, lost = lost_by_shape(sizes, size, how)
    other = sum(abs(one / rate - 1) > 0.02 for one in rates)
    found = [f"rate: {rate:g} frames a second"]
    if other:
        span = f"{min(rates):g} to {max(rates):g}"
        found = [f"rate: {rate:g} frames a second, to which {other:,} of other rates are brought ({span})"]
    return Raw(
        kind="pictures",
        form=FORM,
        values=values,
        shape=(channels, size[1], size[0]),
        finish=finish,
        labels=None if labels is None else labels[clips],
        classes=classes,
        clips=np.array(clips, np.int64),
        names=[names[i] for i in clips],
        modes=Counter(_suffix(entry)[1:] for entry, _ in good),
        sizes=Counter("{}×{}".format(*one) for one in sizes),
        found=tuple(found),
        about={"frames_a_second": rate},
        skipped=tuple(skipped),
        notes=(why, *notes, *about_classes, *cut),
        warnings=(*warnings, *odd, *warned, *lost),
    )


def _some_film(path: Path, n: int, skipped: Sequence[Skipped]) -> None:
    """DataError where no film is left."""
    if not n and skipped:
        raise DataError(f"no film in {path} can be read ({skipped[0].name}: {skipped[0].reason})")
    at_least(path, n, skipped, "film")


def _about(listing: Listing, entry: Entry) -> About:
    with listing.open(entry) as file:
        return about(file, _suffix(entry))


def _film(
    listing: Listing, entry: Entry, known: About, size: tuple[int, int], how: Fit, rate: float
) -> tuple[np.ndarray, bool]:
    with listing.open(entry) as file:
        found, more = decode(file, _suffix(entry), known, size=size, how=how, rate=rate)
    if (
        known.frames
        and not more
        and _suffix(entry) in FILMS
        and len(found) < 0.5 * known.frames * rate / known.rate
    ):
        raise UnreadableError(f"truncated: {len(found)} of {known.frames} frames can be read")
    return found, more
