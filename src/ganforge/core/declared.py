"""What other rooms may ask of a declaration, and where declarations are found.

Rooms that must not know each other ask here: ``OBJECTIVES.find(recipe.objective).level``. The rooms that
declare are imported when that is first asked, and not before.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ganforge.core.registry import Registry

__all__ = ["OBJECTIVES", "ObjectiveTraits"]


class ObjectiveTraits:
    """What an adversarial loss says of itself (``ganforge.objectives.adversarial``).

    Attributes:
        name, words: what it is called, and what it is in a line.
        level: the logit at which the discriminator is undecided; None where only differences count.
        logit: what a logit is. ``odds``: how sure the discriminator is, and its loss is 0 where it is right.
            ``distance``: a critic's, whose scale a penalty or a clip must set. ``energy``: minus an error.
        saturates: whether the generator's gradient vanishes where the discriminator is sure.
        generator_sees_reals: whether the generator's loss needs D(real).
        batchwise: whether an example's loss depends on the others of its batch.
        options: names of the keyword arguments that a recipe may give.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    level: ClassVar[float | None] = 0.0
    logit: ClassVar[Literal["odds", "distance", "energy"]] = "odds"
    saturates: ClassVar[bool] = False
    generator_sees_reals: ClassVar[bool] = False
    batchwise: ClassVar[bool] = False
    options: ClassVar[tuple[str, ...]] = ()


OBJECTIVES: Registry[type[ObjectiveTraits]] = Registry(
    "objective", ObjectiveTraits, "ganforge.objectives.adversarial"
)
