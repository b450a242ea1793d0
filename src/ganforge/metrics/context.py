"""What every score reads: sets of one size, drawn by a seed, and their features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.core.errors import DataError
from ganforge.metrics import intervals
from ganforge.metrics.arrays import Array, Examples, numpy_of, random
from ganforge.metrics.features import Extractor
from ganforge.metrics.score import Direction, Protocol, Score

__all__ = ["LEAST", "Context", "Raw", "context_of"]

LEAST = 8  # examples a side, below which nothing can be said

Raw = NDArray[Any]


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

    def mean_interval(self, values: Array, centre: float = 0.0) -> tuple[float, float]:
        low, high = intervals.of_mean(values, seed=self.seed)
        return centre + low, centre + high


def context_of(
    samples: Examples,
    training: Examples,
    held_out: Examples | None,
    spare: Examples | None,
    extractor: Extractor,
    most: int,
    floors: int,
    seed: int,
) -> Context:
    """Draw the sets of :func:`evaluate.evaluate`, which says what the arguments are."""
    fakes, kept = numpy_of(samples), numpy_of(training)
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
    if spare is not None:
        floor = numpy_of(spare)
        pool = chance.permutation(len(floor))
    n = min(len(fakes), len(compared), len(pool), most)
    if n < LEAST:
        raise DataError(
            f"scores need at least {LEAST} samples, {LEAST} training and {LEAST} held-out examples;"
            f" there are {len(fakes)}, {len(pool)} and {len(compared)}: give more"
        )
    some = fakes[chance.permutation(len(fakes))[:n]]
    real = compared[chance.permutation(len(compared))[:n]]
    others = [floor[np.sort(pool[at : at + n])] for at in range(0, n * min(floors, len(pool) // n), n)]
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
    )
