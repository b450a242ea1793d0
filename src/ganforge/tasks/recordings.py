"""Sounds as a translation takes them in and writes them: whole, with every channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath

from ganforge.codecs.sound.reader import Recording, read_recording
from ganforge.codecs.waves import Waves
from ganforge.core.errors import DataError, UsageError
from ganforge.data.files import check_source, is_archive
from ganforge.data.folders import list_examples, one_file, plainly
from ganforge.data.raw import Skipped
from ganforge.runs.files import machine_faults, write_atomically
from ganforge.tasks.frames import entries_outside

__all__ = ["FoundRecording", "as_written", "recordings", "write_recording"]

_WRITTEN = {".wav": "WAV", ".wave": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".aiff": "AIFF", ".aif": "AIFF"}


@dataclass(frozen=True)
class FoundRecording:
    """A sound that was found: its name from the top of the folder, and what it holds or why nothing."""

    name: str
    read: Callable[[], Recording | Skipped]


def recordings(path: Path, without: Path) -> list[FoundRecording]:
    """The sounds of a file, folder or archive, sorted by name; those in the folder ``without`` are not meant.

    Raises DataError where there is no such path, or no sound there.
    """
    what = "a sound, or a folder or archive of sounds"
    if not path.exists():
        raise DataError(f"there is no {path}; give {what}")
    check_source(path)
    if path.is_file() and not is_archive(path):
        if path.suffix.lower() not in Waves.also:
            raise DataError(f"{path} is no sound that can be read; give {what}")
        listing = one_file(path)
    else:
        listing = list_examples(path)[1]
    found = [
        FoundRecording(entry.name, partial(plainly, entry, partial(read_recording, listing, entry)))
        for entry in entries_outside(listing, path, without)
        if PurePosixPath(entry.name).suffix.lower() in Waves.also
    ]
    if not found:
        raise DataError(f"no sounds in {path}; give {what}")
    return found


def as_written(name: str) -> str:
    """A result's name: the input's, with .wav for what is not written."""
    path = PurePosixPath(name)
    return name if path.suffix.lower() in _WRITTEN else f"{name}.wav"


def write_recording(path: Path, made: Recording) -> None:
    """In the width of ``made`` where the kind of file has it. UsageError for one that is not written."""
    import soundfile

    kind = _WRITTEN.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"a sound ends in {', '.join(_WRITTEN)}, not {path.suffix}: {path}")
    subtype = made.subtype if soundfile.check_format(kind, made.subtype) else None
    buffer = BytesIO()
    soundfile.write(buffer, made.waves.clip(-1, 1).T, made.rate, subtype=subtype, format=kind)
    with machine_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue(), lasting=False)
