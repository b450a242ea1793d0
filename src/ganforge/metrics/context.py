"""What every score reads: sets of one size, drawn by a seed, and their features."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganforge.core.declared import ScoreGroup
from ganforge.core.errors import DataError
from ganforge.metrics import intervals
from ganforge.metrics.arrays import Array, Examples, numpy_of, random
from ganforge.metrics.classifier import Classifier
from ganforge.metrics.features import Extractor
from ganforge.metrics.points import Mixture
from ganforge.metrics.score import Direction, Protocol, Score
from ganforge.metrics.stacked import Referee

__all__ = ["LEAST", "Context", "Raw", "Scored", "context_of", "scores", "scores_of"]

LEAST = 8  # examples a side, below which nothing can be said

Raw = NDArray[Any]


@dataclass(frozen=True)
class Scored:
    """What is scored, and how (:func:`ganforge.metrics.evaluate.evaluate`).

    Attributes:
        samples: ``(N, *shape)`` in declared units, of the type of the training examples.
        training, held_out: ``(M, *shape)``.
        extractor: what the distances are measured on (``features``, ``foreign``, ``inception``).
        spare: real examples for the floors, to which the extractor was not fitted, and none of the held-out
            ones; None takes training examples.
        training_labels, held_out_labels: classes ``(M,)``; with them the classes' scores are given.
        asked: the class that each sample was asked to be, ``(N,)``.
        classifier: a referee trained earlier; None trains one where there are labels.
        mixture: the source of the points, where it is known.
        stacked: the referee of stacked digits (``stacked.lenet``).
        of_frames: whether examples are pictures in order, ``(C, T, H, W)``.
        facts: what the codec says of the examples (``Codec.facts``), for the scores of that kind alone.
        target: of a table or of series, the column that samples shall be useful for; None takes the last
            one with a few words.
        notes: what scores have to say beside their numbers is added here.
        sources, targets: of a translation, what each sample was made from, and what it should have become.
        only: names of groups (``core.declared.SCORES``); None is all that suit the kind.
        most: examples a side used for distances.
        floors: a floor is the mean over so many disjoint real sets, or as many as there are.
        seed: of every choice made by chance.
        progress: called with what is measured next, in a few words.
    """

    samples: Examples
    training: Examples
    held_out: Examples | None = None
    _: KW_ONLY
    extractor: Extractor
    spare: Examples | None = None
    training_labels: Examples | None = None
    held_out_labels: Examples | None = None
    wanted: Examples | None = None
    classifier: Classifier | None = None
    mixture: Mixture | None = None
    stacked: Referee | None = None
    of_frames: bool = False
    facts: Any = None
    target: str | None = None
    notes: list[str] = field(default_factory=list[str])
    sources: Tensor | None = None
    targets: Tensor | None = None
    only: Collection[str] | None = None
    most: int = 10_000
    floors: int = 3
    seed: int = 0
    progress: Callable[[str], None] | None = None


def scores(of: Callable[[Context], list[Score]]) -> ScoreGroup:
    """Declare a group of scores: its name is the function's, its words are the first line of its docstring.

    The function gives nothing where its scores do not apply.
    """
    words = (of.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return ScoreGroup(of.__name__, words, of)


def scores_of(
    facts: type,
    name: str,
    words: str,
    measure: Callable[..., tuple[list[Score], list[str]]],
    *,
    takes_target: bool = False,
) -> ScoreGroup:
    """The scores of a kind whose codec says ``facts`` of its examples.

    ``measure`` takes samples, training and held-out examples, and the facts; then ``split``, ``seed`` and
    ``tell``, and ``target`` where it takes one. It gives scores, and notes on what numbers do not say.
    """

    def of(c: Context) -> list[Score]:
        wish = {"target": c.given.target} if takes_target else {}
        known = {"split": c.split, "seed": c.seed, "tell": c.given.progress or (lambda words: None)}
        found, notes = measure(c.everything, *c.parts, c.given.facts, **known, **wish)
        c.given.notes.extend(notes)
        return found

    return ScoreGroup(name, words, of, facts, takes_target)


@dataclass(frozen=True)
class Context:
    """The sets and their features.

    Attributes:
        samples, real: ``(n, *shape)``, compared with each other.
        others: further real sets ``(n, *shape)``, disjoint from ``real``, for the floor.
        everything: all samples, ``(N, *shape)``.
        training, held_out: all real examples; held_out is None where there are none.
        features, real_features, other_features: of samples, real and others, ``(n, D)``.
        split: what ``real`` was taken from.
        given: what all of this was made from.
    """

    samples: Raw
    real: Raw
    others: list[Raw]
    everything: Raw
    training: Raw
    held_out: Raw | None
    extractor: Extractor
    features: Array
    real_features: Array
    other_features: list[Array]
    split: str
    seed: int
    given: Scored

    def score(
        self,
        key: str,
        name: str,
        value: float,
        floor: float,
        direction: Direction,
        *,
        interval: tuple[float, float] | None = None,
        raw: bool = False,
        n: int | None = None,
        split: str | None = None,
        **settings: float | int | str,
    ) -> Score:
        extractor = self.extractor
        protocol = Protocol(
            extractor="raw" if raw else extractor.name,
            n=len(self.samples) if n is None else n,
            split=self.split if split is None else split,
            resize="" if raw else extractor.resize,
            seed=self.seed,
            settings=settings,
        )
        return Score(
            key=key,
            name=name,
            value=float(value),
            interval=interval,
            floor=float(floor),
            direction=direction,
            protocol=protocol,
        )

    @property
    def parts(self) -> tuple[Raw, Raw]:
        """All training examples, and all that are compared with; its halves where none are held out."""
        half = len(self.training) // 2
        return (
            (self.training, self.held_out)
            if self.held_out is not None
            else (self.training[:half], self.training[half:])
        )

    def mean_interval(self, values: Array, centre: float = 0.0) -> tuple[float, float]:
        low, high = intervals.of_mean(values, seed=self.seed)
        return centre + low, centre + high


def context_of(given: Scored) -> Context:
    """Draw the sets that are scored. Raises DataError where there are too few, or shapes differ."""
    held_out, extractor, seed = given.held_out, given.extractor, given.seed
    fakes, kept = numpy_of(given.samples), numpy_of(given.training)
    apart = None if held_out is None or len(held_out) == 0 else numpy_of(held_out)
    for name, other in (("training", kept), ("held-out", apart)):
        if other is not None and other.shape[1:] != fakes.shape[1:]:
            raise DataError(f"samples have the shape {fakes.shape[1:]} and {name} examples {other.shape[1:]}")
    chance = random(seed, 0xE7A1)
    order = chance.permutation(len(kept))
    if apart is None:
        compared, pool, split = kept[order[: len(kept) // 2]], order[len(kept) // 2 :], "training"
    else:
        compared, pool, split = apart, order, "held-out"
    floor = kept
    if given.spare is not None:
        floor = numpy_of(given.spare)
        pool = chance.permutation(len(floor))
    n = min(len(fakes), len(compared), len(pool), given.most)
    if n < LEAST:
        raise DataError(
            f"scores need at least {LEAST} samples, {LEAST} training and {LEAST} held-out examples;"
            f" there are {len(fakes)}, {len(pool)} and {len(compared)}: give more"
        )
    some = fakes[chance.permutation(len(fakes))[:n]]
    real = compared[chance.permutation(len(compared))[:n]]
    others = [floor[np.sort(pool[at : at + n])] for at in range(0, n * min(given.floors, len(pool) // n), n)]
    return Context(
        samples=some,
        real=real,
        others=others,
        everything=fakes,
        training=kept,
        held_out=apart,
        extractor=extractor,
        features=extractor(some),
        real_features=extractor(real),
        other_features=[extractor(other) for other in others],
        split=split,
        seed=seed,
        given=given,
    )
