"""An input picture to its target: labels to photos, drawings to pictures, any two folders of equal names.

The game of pix2pix (Isola et al. 2017, arXiv 1611.07004): a U-Net, a discriminator of patches that also sees
the input, and the distance to the target. In place of its batch statistics and dropout: zero-centred
penalties, and the discriminator's own features as a further distance (Wang et al. 2018, equation 4).

Command:   gan train photos --from labels
           gan train facades.zip --from right      each picture holds both, side by side
Expect:    benchmarks/results/translation.md
"""

from __future__ import annotations

from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe, Term
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    # At width 32 a pass at 64 px costs 1.3 GFLOP, seventeen times the discriminator's: on a processor four
    # times as many examples in the same time are worth more.
    generator = Player(
        family="unet",
        width=16,
        depth=1,
        learning_rate=1e-3,
        learning_rate_final=5e-5,
        beta1=0.5,
        beta2=0.99,
    )
    # Patches of 34 pixels for texture and, by a second look at half the size, of 68 for what is larger: at
    # 64 px, patches of 70 alone are whole pictures, and a few hundred are soon known by heart.
    discriminator = Player(
        family="patch",
        width=32,
        depth=2,
        options={"scales": 2},
        learning_rate=5e-4,
        learning_rate_final=5e-5,
        beta1=0.5,
        beta2=0.99,
    )
    # Small batches: what a few hundred pairs teach is limited by the number of moves (the paper takes 1).
    batch = 4
    return Recipe(
        name="pix2pix",
        game="translation",
        generator=generator,
        discriminator=discriminator,
        conditional=False,
        objective="hinge",
        penalties=(Penalty(name="r1", weight=1.0, method="finite_difference", sigma=0.01, share=0.5),),
        terms=(Term(name="l1", weight=10.0), Term(name="feature_matching", weight=2.0)),
        augmentation=Augmentation(policy="translation", probability=0.5 if n < 5_000 else 0.0),
        batch=batch,
        kimg=40,
        ema_nimg=2_000,
        mirror=space.kind == "pictures",
    )
