"""The default for pictures: from coarse to fine, so that minutes yield something worth keeping.

Networks of the family growing; relativistic pairing with zero-centred penalties on reals and fakes (Huang et
al. 2024, arXiv 2501.05441), the penalties by finite differences; small batches, and so thousands of moves.
How large, how wide and how long at which size depends on the budget: the plan before training says so.

Command:   gan train FOLDER --minutes 15
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ganforge.core.levels import first_level, levels_of
from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.space import Space

__all__ = ["folded", "patch_of", "recipe"]

# Shares of the budget for the coarser levels, by how many levels there are: what is coarse is learned in a
# few thousand pictures, and the rest of the time is worth more at the whole size (results/growing.md).
_SHARES = {1: (), 2: (0.4,), 3: (0.03, 0.08), 4: (0.12, 0.18, 0.3)}
# Spectrograms are learned better the longer they are coarse (results/sound.md).
_SHARES_OF_OTHERS = {**_SHARES, 3: (0.2, 0.3)}


def recipe(space: Space, n: int) -> Recipe:
    patch = patch_of(space.spatial)
    # The same pictures make twice as many kinds of faces as with Adam: results/growing.md.
    muon = space.codec.picture_files
    # By Adam, at twice the rate and half the batch, all samples of a class were one: results/growing.md.
    conditional = space.condition is not None or (bool(space.classes) and not muon)
    rate = 1e-3 if conditional else 2e-3
    player = Player(
        family="growing",
        width=32,
        depth=1,
        options={"patch": patch},
        optimiser="muon" if muon else "adam",
        weight_decay=0.3 if muon else 0.0,
        learning_rate=rate,
        learning_rate_final=rate / 10,
        beta1=0.0,
        beta2=0.95,
    )
    # Of the pixels of the whole size: of a coarser level's own it is γ divided by the area.
    gamma = 1.0 * (max(space.spatial) / 64) ** 2
    r1 = Penalty(
        name="r1", weight=gamma, weight_final=gamma / 10, method="finite_difference", sigma=0.02, share=0.125
    )
    # The latent twice in each stage: twice the recall of faces. Features enlarged linearly draw outlines
    # without steps, and faces that are too much alike. At the whole size a few channels draw what pixels of
    # one place at once, softened, cannot: results/growing.md.
    transparent = space.codec.colours < space.channels
    own: dict[str, object] = {"body_styles": True, "smooth": transparent} if space.dims == 2 else {}
    if space.codec.picture_files and patch > 1:
        own["thin"] = 16
    sides = levels_of(space.spatial, patch)
    levels = len(sides) - first_level(sides)
    shares = _SHARES if space.codec.picture_files else _SHARES_OF_OTHERS
    return Recipe(
        name="growing",
        latent=64,
        objective="relativistic",
        generator=replace(player, options=player.options | own),
        discriminator=player,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.001)),
        augmentation=_augmentation(space, n),
        batch=_batch(n, 32 if conditional else 16),
        growth=shares.get(levels, (*(0.5 / (levels - 2) for _ in range(levels - 2)), 0.25)),
        kimg=400,
        ema_nimg=5_000,
        ema_ramp=0.1,
    )


def folded(space: Space, n: int, *, name: str, patch: int) -> Recipe:
    """For examples ``(C, T, H, W)`` whose T pictures become the channels of one (``networks.folded``)."""
    base = recipe(space, n)
    sides = levels_of(space.spatial[1:], patch)
    several = len(sides) - first_level(sides) > 1
    player = replace(base.generator, family="folded", width=48, options={"patch": patch})
    return replace(
        base,
        name=name,
        generator=player,
        discriminator=player,
        batch=min(base.batch, 16),
        growth=(0.3,) if several else (),
    )


def patch_of(spatial: Sequence[int]) -> int:
    """Sides of the square of pixels that one place of the finest grid holds."""
    return 2 if min(spatial) >= 28 else 1


def _augmentation(space: Space, n: int) -> Augmentation:
    """The more, the fewer pictures there are to learn by heart."""
    if n < 1_000:
        usable = [one for one in ("color", "translation", "cutout") if one in space.codec.augmentations]
        return Augmentation(policy=",".join(usable), probability=0.5)
    return Augmentation(policy="translation", probability=0.3 if n < 5_000 else 0.0)


def _batch(n: int, batch: int) -> int:
    while batch > n:
        batch //= 2
    return batch
