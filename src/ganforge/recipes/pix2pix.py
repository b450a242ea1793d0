"""An input picture to its target: labels to photos, drawings to pictures, any two folders of equal names.

The game of pix2pix (Isola et al. 2017, arXiv 1611.07004): a U-Net, a discriminator of patches that also sees
the input, and the distance to the target. In place of its batch statistics and dropout: zero-centred
penalties, and two further distances: how steep both are at each place (Mathieu et al. 2016, equation 6),
and the discriminator's own features (Wang et al. 2018, equation 4).

Command:   gan train photos --from labels
           gan train facades.zip --from right      each picture holds both, side by side
Expect:    benchmarks/results/translation.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe, Term
from ganforge.core.space import Space

__all__ = ["recipe", "restoring"]


def recipe(space: Space, n: int) -> Recipe:
    # Half the width learns the first coarse pictures sooner and stops at worse ones. With plain weights this
    # rate diverges, and half of it begins badly with some seeds (translation.md has the runs).
    generator = Player(
        family="unet",
        width=32,
        depth=1,
        options={"weight_norm": True},
        learning_rate=1e-3,
        learning_rate_final=1e-4,
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
        # Absolute distance alone is lowest where doubtful edges are left out; the second term asks for as
        # much contrast as the target has, and is worth more than anything else here (translation.md).
        terms=(
            Term(name="l1", weight=10.0),
            Term(name="gradient_difference", weight=10.0),
            Term(name="feature_matching", weight=2.0),
        ),
        augmentation=Augmentation(policy="translation", probability=0.5 if n < 5_000 else 0.0),
        batch=batch,
        kimg=45,
        # Moves of four examples are noisy, and the noise looks like the detail that is to be learned.
        ema_nimg=8_000,
        ema_ramp=0.25,
        mirror=space.codec.mirrors,
    )


def restoring(space: Space, n: int) -> Recipe:
    """The same for inputs that hold most of the result already, so that a small change is to be learned: soon
    done, by a network half as wide."""
    whole = recipe(space, n)
    return replace(
        whole,
        generator=replace(whole.generator, width=16, learning_rate_final=5e-5, options={"skip_input": True}),
        terms=tuple(term for term in whole.terms if term.name != "gradient_difference"),
        kimg=40,
        ema_nimg=2_000,
        ema_ramp=0.05,
    )
