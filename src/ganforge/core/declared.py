"""What other rooms may ask of a declaration, and where declarations are found.

Rooms that must not know each other ask here: ``OBJECTIVES.find(recipe.objective).level``. The rooms that
declare are imported when that is first asked, and not before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganforge.core.codec import Codec
from ganforge.core.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from ganforge.core.recipe import Recipe
    from ganforge.core.space import Space

__all__ = [
    "CODECS",
    "DISCRIMINATORS",
    "EVERY",
    "FORMATS",
    "GAMES",
    "GENERATORS",
    "OBJECTIVES",
    "PENALTIES",
    "QUESTIONS",
    "READERS",
    "SCORES",
    "SYMPTOMS",
    "TERMS",
    "TRANSLATORS",
    "DiscriminatorTraits",
    "FamilyTraits",
    "Format",
    "GameTraits",
    "GeneratorTraits",
    "ObjectiveTraits",
    "PenaltyTraits",
    "QuestionTraits",
    "ReaderTraits",
    "ScoreGroup",
    "Symptom",
    "TermTraits",
    "TranslatorTraits",
]


class GameTraits:
    """What a game says of itself (``ganforge.games``): what it starts from, what it uses, how it is built.

    Attributes:
        name, words: what it is called, and what it is in a line.
        from_inputs: whether the generator starts from inputs (``Batch.source``) and not from latents.
        paired: whether each input has its own target, which an example then is.
        judged_with: what the discriminator sees beside an example: nothing, its ``input``, or its ``latent``.
        settings: fields of a recipe that only some games read, of ``RARE``.
        own_terms: names of the generator's terms that it computes itself.
        compares: what its other terms can compare a fake with: its ``target``, its ``input``.
    """

    RARE: ClassVar[dict[str, object]] = {
        "encoder": None,
        "mismatched": 0.0,
        "pool": 0,
        "adversarial_weight": 1.0,
    }
    """Fields of a recipe that only some games read, each with the value that says nothing."""

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    from_inputs: ClassVar[bool] = False
    paired: ClassVar[bool] = False
    judged_with: ClassVar[Literal["", "input", "latent"]] = ""
    settings: ClassVar[tuple[str, ...]] = ()
    own_terms: ClassVar[tuple[str, ...]] = ()
    compares: ClassVar[tuple[Literal["target", "input"], ...]] = ()

    @classmethod
    def build_generator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        """The generator player; ``conditions`` is how many numbers a condition has. Raises RecipeError."""
        raise NotImplementedError

    @classmethod
    def build_discriminator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        """The discriminator player. Raises RecipeError."""
        raise NotImplementedError

    @classmethod
    def judged_space(cls, space: Space) -> Space:
        """What a discriminator sees of an example of ``space``. Raises RecipeError."""
        return space

    @classmethod
    def judge(cls, discriminator: nn.Module) -> nn.Module:
        """The network of the discriminator player that judges examples of the run's space."""
        return discriminator


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


class PenaltyTraits:
    """What a term of the discriminator's loss says of itself (``ganforge.objectives.penalties``).

    Attributes:
        name, words: what it is called, and what it is in a line.
        on_gradient: whether it looks at the discriminator's gradient, and so limits how steep it becomes.
        finite_difference: whether it has this method too (``recipe.Penalty.method``).
        shares: whether it can look at a share of the batch (``recipe.Penalty.share``).
        batchwise: whether what it says of an example depends on the others of its batch.
        usual: a weight that suits a small game of points; 0 where it suits none.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    on_gradient: ClassVar[bool] = False
    finite_difference: ClassVar[bool] = False
    shares: ClassVar[bool] = False
    batchwise: ClassVar[bool] = False
    usual: ClassVar[float] = 0.0


@dataclass(frozen=True)
class TermTraits:
    """A term of the generator's loss (``ganforge.objectives.terms``).

    Attributes:
        name, words: what it is called, and what it is in a line.
        needs: what a game must be able to compare a fake with: its ``target``, or its ``input`` where there
            is no target; empty where the game computes the term itself.
        of: a ``terms.Generated`` to the term for each example, ``(N,)``.
        needs_features: whether it uses what the discriminator sees, ``Generated.features``.
    """

    name: str
    words: str
    needs: Literal["target", "input", ""] = ""
    of: Callable[[Any], Tensor] | None = None
    needs_features: bool = False


@dataclass(frozen=True)
class ScoreGroup:
    """Scores that are measured together (``ganforge.metrics``), as ``gan evaluate --only`` names them.

    Attributes:
        name, words: what they are called, and what they are in a line.
        of: a ``metrics.context.Context`` to a list of ``metrics.score.Score``, empty where they do not apply.
        facts: what the codec of a kind says of its examples (``Codec.facts``) that these scores are made for:
            a kind that says it is scored by them, and by no other group unless it is named.
        takes_target: whether they judge how useful samples are for a column (``gan evaluate --target``).
    """

    name: str
    words: str
    of: Callable[[Any], list[Any]]
    facts: type | None = None
    takes_target: bool = False

    def suits(self, facts: Any) -> bool:
        """Whether it applies by itself to a kind whose codec says ``facts``, which is None of most."""
        return facts is None if self.facts is None else isinstance(facts, self.facts)


@dataclass(frozen=True)
class Symptom:
    """What a run's history is looked at for (``ganforge.health``).

    Attributes:
        name, words: the code of its finding, and what it is in a line.
        seen: a ``health.History`` to a ``health.Finding``, or None.
        order: of the findings of one severity. A run that fails shows many at once, and the first names the
            cause: what stands before explains what comes after it (a dead generator makes the
            discriminator's loss vanish, not the other way round).
        says: its finding ``follows`` wherever samples are bad, and is left out where a failure says why they
            are; or it says why nothing is ``unknown`` yet; else it is a ``cause`` of its own.
    """

    name: str
    words: str
    seen: Callable[[Any], Any]
    order: int
    says: Literal["cause", "follows", "unknown"] = "cause"

    def __call__(self, history: Any) -> Any:
        return self.seen(history)


class ReaderTraits:
    """A kind of file or folder that examples are read from (``ganforge.data.readers``).

    Attributes:
        name, words: what it is called, and what it reads.
        suffixes: ends of the names of its files, in small letters.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether ``path`` is of this kind."""
        raise NotImplementedError

    @classmethod
    def read(cls, path: Path, ask: Any) -> Any:
        """A ``data.raw.Raw``, as a ``data.readers.Ask`` says. Raises DataError."""
        raise NotImplementedError


@dataclass(frozen=True)
class Format:
    """What a generator can be exported to (``ganforge.shipping.export``), as ``--to`` names it.

    Attributes:
        name, words: what it is called, and what it is in a line.
        write: a ``shipping.export.Shipment`` to the file or folder that is to be written, which gives a
            ``shipping.export.Exported``.
        suffix: of the file; empty for a folder.
        precisions: how it can store weights.
    """

    name: str
    words: str
    write: Callable[[Any, Path], Any]
    suffix: str = ""
    precisions: tuple[str, ...] = ("float32",)


class QuestionTraits:
    """What ``gan explore`` can ask of a run (``ganforge.tasks.questions``).

    Attributes:
        name, words: what it is called, and what it is in a line.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""


class FamilyTraits:
    """What a network says of itself (``ganforge.networks``).

    Attributes:
        name, words: its family, as a recipe names it, and what it is in a line.
        dims: numbers of spatial dimensions of the spaces that it allows.
        smallest: the shortest side that it allows.
        usual_rate: the learning rate at which Adam teaches it well.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    dims: ClassVar[tuple[int, ...]] = ()
    smallest: ClassVar[int] = 1
    usual_rate: ClassVar[float] = 2e-4

    @classmethod
    def allows(cls, space: Space) -> bool:
        """Whether it can be built for ``space``."""
        return space.dims in cls.dims and min(space.spatial, default=cls.smallest) >= cls.smallest


class GeneratorTraits(FamilyTraits):
    """A network from latents to samples.

    Attributes:
        unrolled: how many steps a pass has that follow one from another: a graph holds each of them.
    """

    unrolled: int = 1


class DiscriminatorTraits(FamilyTraits):
    """A network from samples to logits."""


class TranslatorTraits(FamilyTraits):
    """A network from inputs to samples."""


OBJECTIVES: Registry[type[ObjectiveTraits]] = Registry(
    "objective", ObjectiveTraits, "ganforge.objectives.adversarial"
)
GAMES: Registry[type[GameTraits]] = Registry("game", GameTraits, "ganforge.games")
PENALTIES: Registry[type[PenaltyTraits]] = Registry("penalty", PenaltyTraits, "ganforge.objectives.penalties")
TERMS: Registry[TermTraits] = Registry("term", TermTraits, "ganforge.objectives.terms")
GENERATORS: Registry[type[GeneratorTraits]] = Registry(
    "generator family", GeneratorTraits, "ganforge.networks"
)
DISCRIMINATORS: Registry[type[DiscriminatorTraits]] = Registry(
    "discriminator family", DiscriminatorTraits, "ganforge.networks"
)
TRANSLATORS: Registry[type[TranslatorTraits]] = Registry(
    "translator family", TranslatorTraits, "ganforge.networks"
)
CODECS: Registry[type[Codec]] = Registry("kind of data", Codec, "ganforge.codecs")
READERS: Registry[type[ReaderTraits]] = Registry("reader", ReaderTraits, "ganforge.data.readers")
FORMATS: Registry[Format] = Registry("format", Format, "ganforge.shipping.export")
SCORES: Registry[ScoreGroup] = Registry(
    "group of scores",
    ScoreGroup,
    "ganforge.metrics.evaluate",
    "ganforge.metrics.known",
    "ganforge.metrics.paired",
    "ganforge.metrics.voxels",
    "ganforge.metrics.clips",
    "ganforge.metrics.table_scores",
    "ganforge.metrics.series_scores",
    "ganforge.metrics.music_scores",
    "ganforge.metrics.texts",
)
SYMPTOMS: Registry[Symptom] = Registry("finding", Symptom, "ganforge.health")
QUESTIONS: Registry[type[QuestionTraits]] = Registry("question", QuestionTraits, "ganforge.tasks.questions")
EVERY: tuple[Registry[Any], ...] = (
    CODECS,
    GAMES,
    OBJECTIVES,
    PENALTIES,
    TERMS,
    GENERATORS,
    DISCRIMINATORS,
    TRANSLATORS,
    READERS,
    SCORES,
    SYMPTOMS,
    QUESTIONS,
    FORMATS,
)
