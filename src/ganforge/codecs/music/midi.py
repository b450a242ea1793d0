"""MIDI files: their notes in beats, and notes as a file."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ganforge.core.errors import DataError
from ganforge.data.files import UnreadableError

__all__ = ["MOST_BYTES", "Note", "Piece", "read_piece", "write_notes"]

MOST_BYTES = 16 << 20  # of one file
_MOST_NOTES = 200_000
_MOST_BEATS = 16_384
_DRUMS = 9  # the channel of percussion (General MIDI 1), whose numbers are instruments and no pitches
_TICKS = 480  # of a beat, in files that are written
_LOUD = 80  # velocity
_USUAL_TEMPO = 500_000  # microseconds of a beat, where a file says nothing (MIDI 1.0)


@dataclass(frozen=True, order=True)
class Note:
    """A note: where it begins and ends, in beats, and its pitch (60 is middle C)."""

    start: float
    end: float
    pitch: int


@dataclass(frozen=True)
class Piece:
    """What a file holds.

    Attributes:
        parts: notes of each track and channel that has any, percussion left out.
        tempo: beats a minute, at the first note.
        meter: ``4/4``, the first that is said.
        drums: how many notes of percussion there were.
    """

    parts: tuple[tuple[Note, ...], ...]
    tempo: float
    meter: str
    drums: int


def read_piece(file: BinaryIO, size: int) -> Piece:
    """The notes of a file of ``size`` bytes.

    Raises:
        UnreadableError: it is no MIDI file, damaged, or has no notes.
        DataError: the library is missing.
    """
    try:
        import mido
    except ImportError:
        raise DataError("MIDI files need mido, which is missing: pip install 'ganforge[music]'") from None
    if not size:
        raise UnreadableError("empty (0 bytes)")
    if size > MOST_BYTES:
        raise UnreadableError(f"{size:,} bytes; a MIDI file of notes has at most {MOST_BYTES:,}")
    if file.read(4) != b"MThd":
        raise UnreadableError("not a MIDI file")
    file.seek(0)
    try:
        song = mido.MidiFile(file=file, clip=True)
    except EOFError:
        raise UnreadableError("truncated") from None
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise UnreadableError(f"damaged ({' '.join(str(error).split()) or type(error).__name__})") from None
    if not 0 < song.ticks_per_beat < 1 << 15:
        raise UnreadableError("its time is in frames of a film, not in beats")
    return _piece(song)


def _piece(song: object) -> Piece:
    from mido import MidiFile

    assert isinstance(song, MidiFile)
    tempos: list[tuple[int, int]] = []
    meters: list[tuple[int, str]] = []
    parts: dict[tuple[int, int], list[Note]] = {}
    drums = count = 0
    for number, track in enumerate(song.tracks):
        tick = 0
        begun: dict[tuple[int, int], int] = {}

        def ended(channel: int, pitch: int, now: int, *, number: int = number, begun: dict = begun) -> None:
            start = begun.pop((channel, pitch), None)
            if start is not None and now > start:
                beats = song.ticks_per_beat
                parts.setdefault((number, channel), []).append(Note(start / beats, now / beats, pitch))

        for message in track:
            tick += message.time
            if tick > _MOST_BEATS * song.ticks_per_beat:
                break
            if message.type == "set_tempo":
                tempos.append((tick, message.tempo))
            elif message.type == "time_signature":
                meters.append((tick, f"{message.numerator}/{message.denominator}"))
            elif message.type == "note_on" and message.velocity > 0:
                if message.channel == _DRUMS:
                    drums += 1
                    continue
                count += 1
                if count > _MOST_NOTES:
                    raise UnreadableError(f"more than {_MOST_NOTES:,} notes")
                ended(message.channel, message.note, tick)
                begun[message.channel, message.note] = tick
            elif message.type in ("note_off", "note_on"):
                ended(message.channel, message.note, tick)
        for channel, pitch in list(begun):  # never ended: until the track is
            ended(channel, pitch, tick)
    if not any(parts.values()):
        raise UnreadableError("without a single note" if not drums else "without a note but percussion")
    tempo = min(tempos)[1] if tempos else _USUAL_TEMPO
    return Piece(
        tuple(tuple(sorted(parts[key])) for key in sorted(parts)),
        60e6 / max(tempo, 1),
        min(meters)[1] if meters else "4/4",
        drums,
    )


# --- files that are written ---


def write_notes(voices: Sequence[Sequence[Note]], tempo: float) -> bytes:
    """A MIDI file (format 1) with a track for each voice; the same notes give the same bytes."""
    beat = round(60e6 / tempo)
    first = b"\x00\xff\x51\x03" + beat.to_bytes(3, "big") + b"\x00\xff\x58\x04\x04\x02\x18\x08"
    tracks = [_chunk(first)] + [_chunk(_track(voice, k)) for k, voice in enumerate(voices)]
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), _TICKS) + b"".join(tracks)


def _chunk(events: bytes) -> bytes:
    body = events + b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def _track(notes: Sequence[Note], number: int) -> bytes:
    """Note ends come before the note beginnings of the same moment."""
    channel = number % 16 if number % 16 != _DRUMS else 15
    events: list[tuple[int, int, bytes]] = []
    for note in notes:
        events.append((round(note.start * _TICKS), 1, bytes((0x90 | channel, note.pitch, _LOUD))))
        events.append((round(note.end * _TICKS), 0, bytes((0x80 | channel, note.pitch, 0))))
    out, now = bytearray(), 0
    for tick, _, message in sorted(events):
        out += _length(tick - now) + message
        now = tick
    return bytes(out)


def _length(ticks: int) -> bytes:
    """A number of ticks in groups of seven bits, the last without the eighth bit."""
    groups = [ticks & 0x7F]
    while ticks := ticks >> 7:
        groups.append(0x80 | (ticks & 0x7F))
    return bytes(reversed(groups))
