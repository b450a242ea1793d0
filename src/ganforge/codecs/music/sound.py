"""Music to listen to: each note is a sum of a few sines that die away."""

from __future__ import annotations

import numpy as np

from ganforge.codecs.music.voices import BEAT, notes_of

__all__ = ["RATE", "played"]

RATE = 8_000
_PARTIALS = ((1, 1.0), (2, 0.5), (3, 0.25), (4, 0.12), (5, 0.06))
_DECAY = 0.9  # seconds, after which a tone has a third of its loudness
_RISE, _FALL = 0.01, 0.04  # seconds
_PEAK = 0.8


def played(grid: np.ndarray, tempo: float) -> np.ndarray:
    """Codes ``(V, T)`` to a wave, −1 to 1, at :data:`RATE`; a beat is 60 / ``tempo`` seconds."""
    step = 60.0 / tempo / BEAT
    wave = np.zeros(int((grid.shape[1] * step + _FALL) * RATE) + 1)
    for row in grid:
        for start, end, pitch in notes_of(row):
            first, n = int(start * step * RATE), int(((end - start) * step + _FALL) * RATE)
            t = np.arange(n) / RATE
            hertz = 440.0 * 2.0 ** ((pitch - 69) / 12)  # twelve equal steps an octave
            tone = sum(
                loud * np.sin(2 * np.pi * k * hertz * t) for k, loud in _PARTIALS if 2 * k * hertz < RATE
            )
            ends = np.minimum(1.0, np.minimum(t / _RISE, (t[-1] - t) / _FALL))
            wave[first : first + n] += (tone * np.exp(-t / _DECAY) * ends)[: len(wave) - first]
    return wave * (_PEAK / max(np.abs(wave).max(), 1e-9))
