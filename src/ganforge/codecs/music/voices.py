"""Notes as voices on a grid of steps, and back.

A voice is a row of codes, uint8: at each step twice the pitch that sounds, and one more where a note begins;
0 is a rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganforge.codecs.music.midi import Note

__all__ = ["BEAT", "grid_of", "notes_of", "off_grid", "part_voices"]

BEAT = 4  # steps of a beat
_LATE = 0.25  # of a step, by which a note may miss the grid


def off_grid(notes: Sequence[Note]) -> int:
    """How many notes begin between two steps."""
    starts = np.array([note.start for note in notes]) * BEAT
    return int((np.abs(starts - np.rint(starts)) > _LATE).sum())


def part_voices(notes: Sequence[Note]) -> list[list[tuple[int, int, int]]]:
    """Notes of one part, ordered, as voices of ``(start, end, pitch)`` in steps that never overlap.

    A note that still sounds when the next one begins is cut off there if only one voice is needed, as in
    playing legato; else each note goes to the highest voice that is free.
    """
    found = sorted(
        {
            (round(n.start * BEAT), max(round(n.end * BEAT), round(n.start * BEAT) + 1), n.pitch)
            for n in notes
        },
        key=lambda one: (one[0], -one[2], -one[1]),
    )
    legato = [one for one, after in zip(found, [*found[1:], None], strict=True) if _overlaps(one, after)]
    if not legato:
        ends = [after[0] for after in found[1:]] + [1 << 30]
        return [[(a, min(b, end), pitch) for (a, b, pitch), end in zip(found, ends, strict=True)]]
    voices: list[list[tuple[int, int, int]]] = []
    for one in found:
        free = next((voice for voice in voices if voice[-1][1] <= one[0]), None)
        if free is None:
            voices.append([one])
        else:
            free.append(one)
    return voices


def _overlaps(one: tuple[int, int, int], after: tuple[int, int, int] | None) -> bool:
    """Whether the next note begins with this one, or long before it ends."""
    return after is not None and after[0] < one[1] - 1


def grid_of(voices: Sequence[Sequence[tuple[int, int, int]]], steps: int) -> np.ndarray:
    """Voices of ``(start, end, pitch)`` to codes ``(V, steps)`` uint8."""
    grid = np.zeros((len(voices), steps), np.uint8)
    for row, voice in zip(grid, voices, strict=True):
        for start, end, pitch in voice:
            row[start:end] = 2 * pitch
            if start < steps:
                row[start] += 1
    return grid


def notes_of(row: np.ndarray) -> list[tuple[int, int, int]]:
    """Codes ``(T,)`` of a voice to its notes, ``(start, end, pitch)`` in steps."""
    pitch = row >> 1
    begins = (pitch > 0) & ((row & 1 > 0) | (np.concatenate([[0], pitch[:-1]]) != pitch))
    starts = np.flatnonzero(begins)
    stops = np.flatnonzero(begins | (pitch == 0))
    ends = [int(stops[stops > start].min(initial=len(row))) for start in starts]
    return [(int(a), b, int(pitch[a])) for a, b in zip(starts, ends, strict=True)]
