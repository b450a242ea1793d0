"""Sounds to sounds, each with its input: noisy to clean, a low rate to a higher one, two folders of names.

A network of frames that works on spectra and inverts them (Kaneko et al. 2022, arXiv 2203.02395), judged by
waves folded by periods and by the discriminator's own features (Kong et al. 2020, arXiv 2010.05646), with
the distance of spectra at several sizes (Yamamoto et al. 2020, arXiv 1910.11480).

Command:   gan train SOUNDS --from noise
           gan train SOUNDS --from low-rate
           gan train CLEAN --from NOISY
Expect:    benchmarks/results/sound.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Player, Recipe, Term
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    generator = Player(
        family="spectral",
        width=128,
        depth=4,
        learning_rate=1e-3,
        learning_rate_final=1e-4,
        beta1=0.8,
        beta2=0.99,
    )
    return Recipe(
        name="sound-to-sound",
        game="translation",
        generator=generator,
        discriminator=replace(generator, family="periods", width=8, depth=3, options={"channels": 1}),
        conditional=False,
        objective="least_squares",
        # As much of the sum as the paper's: 45 for the distance of spectra, 2 for features, 1 for the game.
        terms=(Term(name="spectral", weight=15.0), Term(name="feature_matching", weight=2.0)),
        batch=4,
        kimg=100,
        ema_nimg=2_000,
        ema_ramp=0.1,
    )
