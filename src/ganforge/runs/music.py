"""Music that goes on from a given piece, or is written to voices that are given."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ganforge.codecs.music import Music
from ganforge.codecs.music.codec import BAR, STEPS
from ganforge.codecs.music.reader import kept_voices, read_voices
from ganforge.codecs.music.voices import grid_of
from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.networks.recurrent import RecurrentGenerator

__all__ = ["MusicMaker"]

_BEFORE = STEPS - BAR  # steps, at most, that a window begins before what is written in it
_AHEAD = 2 * BAR
_LONGEST = 4_096  # steps


class MusicMaker:
    """Writes steps of music with the generator of passages, window after window of whole bars.

    Args:
        network: the generator, in evaluation.
        prior: what its latents are drawn from.
        condition: ``(1, C)``, what every window is asked to be; None where nothing can be asked for.
    """

    def __init__(self, network: RecurrentGenerator, prior: Prior, condition: Tensor | None) -> None:
        self.network, self.prior = network, prior
        self.codec = cast(Music, network.codec)
        self._condition = condition
        self._device = next(network.parameters()).device

    def onward(self, path: Path, *, ahead: int | None = None, seed: int = 0) -> tuple[bytes, int]:
        """A piece and what follows it as a MIDI file, and how many steps follow.

        Args:
            ahead: steps, sixteenths; two bars by default.

        Raises:
            DataError: the file cannot be read.
            UsageError: too many steps.
        """
        ahead = _AHEAD if ahead is None else ahead
        voices, tempo = read_voices(path)
        count = len(self.codec.fitted.low)
        begun = grid_of(kept_voices(voices, count), _end(voices))
        self._check(path, begun.shape[1] + ahead, ahead)
        whole = np.pad(begun, ((0, 0), (0, ahead)))
        self._write(whole, begun.shape[1], np.zeros(count, bool), seed)
        return self.codec.midi_file(whole, tempo), ahead

    def accompanied(self, path: Path, *, seed: int = 0) -> tuple[bytes, int]:
        """A file's voices with the others written to them, as a MIDI file, and how many are new.

        Each voice of the file takes the place of the model's voice that lies nearest to it. Voices are
        written from the highest to the lowest: each hears those above it.

        Raises:
            DataError: the file cannot be read.
            UsageError: it has as many voices as the model, or more.
        """
        voices, tempo = read_voices(path)
        middle = np.add(self.codec.fitted.low, self.codec.fitted.high) / 2
        if len(voices) >= len(middle):
            raise UsageError(
                f"{path} has {len(voices)} voices, and this run writes {len(middle)}: none is left to write"
            )
        steps = _end(voices)
        self._check(path, steps, 1)
        whole = np.zeros((len(middle), steps), np.uint8)
        given = np.zeros(len(middle), bool)
        mean = [float(np.mean([pitch for _, _, pitch in voice])) for voice in voices]
        for own, row in zip(_nearest(mean, middle), grid_of(voices, steps), strict=True):
            whole[own], given[own] = row, True
        self._write(whole, 0, given, seed)
        return self.codec.midi_file(whole, tempo), int((~given).sum())

    def _check(self, path: Path, steps: int, ahead: int) -> None:
        if ahead < 1 or steps > _LONGEST:
            raise UsageError(f"{path} would have {steps:,} steps in all: --ahead from 1, {_LONGEST:,} in all")

    @torch.inference_mode()
    def _write(self, whole: np.ndarray, known: int, given: np.ndarray, seed: int) -> None:
        """Fill codes ``(V, T)`` from step ``known`` on, except in voices that are ``given`` ``(V,)``."""
        network, codec = self.network, self.codec
        held = codec.channels_of(given)[None].to(self._device)
        number = 0
        while known < whole.shape[1]:
            first = max(0, -(-(known - _BEFORE) // BAR) * BAR)
            window = np.zeros((1, len(whole), STEPS), np.uint8)
            there = whole[:, first : first + STEPS]
            window[0, :, : there.shape[1]] = there
            x = codec.encode(torch.from_numpy(window)).to(self._device)
            mask = x.new_zeros(1, network.blocks + network.steps)
            mask[:, network.blocks : network.blocks + known - first] = 1.0
            if self._condition is not None:
                mask = torch.cat([mask, self._condition.to(mask)], 1)
            z = self.prior.seeded(1, seed=seed, start=number).to(self._device)
            made = codec.close(network.complete(z, x, mask, held)).cpu().numpy()[0]
            ends = min(first + STEPS, whole.shape[1])
            whole[~given, known:ends] = made[~given, known - first : ends - first]
            known, number = ends, number + 1


def _end(voices: list[list[tuple[int, int, int]]]) -> int:
    return max(end for voice in voices for _, end, _ in voice)


def _nearest(mean: list[float], middle: np.ndarray) -> list[int]:
    """For each voice, highest first, a place of the model's, in the same order, as near as can be."""
    ways = combinations(range(len(middle)), len(mean))
    return list(min(ways, key=lambda way: sum(abs(a - middle[k]) for a, k in zip(mean, way, strict=True))))
