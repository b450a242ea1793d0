"""Histories made by hand: a healthy run, and ways to bend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.health.history import History
from tests import players

Line = dict[str, Any]
Bend = Callable[[Line, int], None]

POINTS = Space(kind="points", shape=(2,))
PICTURES = Space(kind="pictures", shape=(1, 8, 8))


def line(i: int, n: int = 17) -> Line:
    """Examination ``i`` of ``n`` of a healthy run: the score falls, then settles a little above its floor."""
    share = i / (n - 1)
    score = 0.1 + 2.0 * 0.5**i
    good = 1 - 0.9 * 0.6**i
    chance = np.random.default_rng(i)
    made: Line = {
        "nimg": 1_000 * i,
        "progress": share,
        "seconds": float(i),
        "examination": {
            "n": 512,
            "headline": "sliced_wasserstein",
            "scores": {
                "sliced_wasserstein": _score(score, 0.09),
                "kernel_distance": _score(score, 0.001),
                "precision": _score(0.95 * good, 0.97),
                "recall": _score(0.95 * good, 0.97),
                "coverage": _score(0.95 * good, 0.97),
                "missed": {"value": 0.0, "floor": 0.0},
                "support_size": {"value": 5e3, "low": 4e3, "high": 6e3, "floor": 7e3},
                "memorisation": {**_score(0.5, 0.5), "honest_low": 0.4, "honest_high": 0.6},
            },
            "judged": {"fakes": _moments(0.0), "training": _moments(0.2), "held_out": _moments(0.2)},
            "probes": {
                "told_training": 0.6,
                "told_held_out": 0.58,
                "spread": 1.0,
                "shortcut": 0.7,
                "copies": 0.0,
            },
            "fingerprint": (np.full(8, 3 * 0.5**i) + 0.01 * chance.standard_normal(8)).tolist(),
        },
    }
    if i:
        made["since"] = {
            "real_logits": _moments(0.2),
            "fake_logits": _moments(-0.2),
            "margin": _moments(0.4),
            "generator_loss": _moments(0.8),
            "discriminator_loss": _moments(0.6),
            "generator_gradient": _moments(1.0),
            "discriminator_gradient": _moments(1.0),
        }
        made |= {"since_rounds": 60, "since_refused": 0}
    return made


def _score(value: float, floor: float) -> dict[str, float]:
    return {"value": value, "low": 0.9 * value, "high": 1.1 * value, "floor": floor}


def _moments(mean: float) -> dict[str, float]:
    return {"mean": mean, "deviation": 0.5, "positive": 0.6}


def history(
    *bends: Bend, n: int = 17, space: Space = POINTS, training: int = 1_000, **changes: Any
) -> History:
    """A healthy history of ``n`` examinations, each line of it bent; ``changes`` replace recipe fields."""
    records = [line(i, n) for i in range(n)]
    for i, record in enumerate(records):
        for bend in bends:
            bend(record, i)
    recipe: Recipe = players.recipe(kimg=n - 1.0, **changes)
    return History.from_records(records, recipe=recipe, space=space, training=training, held_out=100)


# -- bends: each changes one thing of a line --------------------------------------------------------------


def scores(share: float = 0.05, level: float = 2.0) -> Bend:
    """Samples stay bad: precision, recall and coverage at ``share``, the score at ``level``."""

    def bend(record: Line, i: int) -> None:
        measured = record["examination"]["scores"]
        for key in ("precision", "recall", "coverage"):
            measured[key] = _score(share, 0.97)
        for key in ("sliced_wasserstein", "kernel_distance"):
            measured[key] = _score(level, measured[key]["floor"])

    return bend


def probe(**values: float) -> Bend:
    def bend(record: Line, i: int) -> None:
        record["examination"]["probes"].update(values)

    return bend


def note(name: str, after: int = 1, **parts: float) -> Bend:
    """What the rounds noted, from examination ``after`` on."""

    def bend(record: Line, i: int) -> None:
        if i >= after:
            record["since"][name] = {**record["since"][name], **parts}

    return bend


def score(key: str, **parts: float) -> Bend:
    def bend(record: Line, i: int) -> None:
        measured = record["examination"]["scores"]
        measured[key] = {**measured[key], **parts}

    return bend


def late(bend: Bend, after: int) -> Bend:
    """``bend`` from examination ``after`` on."""

    def later(record: Line, i: int) -> None:
        if i >= after:
            bend(record, i)

    return later


def fixed(step: float) -> Bend:
    """The fixed latents' samples move by ``step`` from examination to examination, to and fro."""

    def bend(record: Line, i: int) -> None:
        record["examination"]["fingerprint"] = [step * (i % 2)] * 8

    return bend


def won(loss: float = 0.02) -> tuple[Bend, ...]:
    """The discriminator tells all apart."""
    return (
        probe(told_training=1.0, told_held_out=1.0),
        note("margin", positive=1.0, mean=6.0),
        note("discriminator_loss", mean=loss),
    )
