"""A wave from its levels in mels: what Griffin and Lim's phases and 32 bands leave out is made.

The recipe of translations between sounds. Inputs are what comes back from the levels without a network, so
that it begins where they end, and makes better what ``gan sample`` writes of a run of sounds.

Command:   gan train SOUNDS --recipe vocoder
Expect:    benchmarks/results/sound.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import sound_to_sound

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    return replace(sound_to_sound.recipe(space, n), name="vocoder", source="mel:32")
