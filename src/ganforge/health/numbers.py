"""Numbers that are not numbers, gradients that explode, gradients that vanish."""

from __future__ import annotations

import math

from ganforge.core.recipe import Recipe
from ganforge.health import remedies
from ganforge.health.finding import Finding, symptom
from ganforge.health.history import Examined, History
from ganforge.health.measures import (
    DEAD,
    above_its_floor,
    bad,
    finite,
    improving,
    late,
    left_of_gradient,
    near,
    right_share,
    trained,
    window,
)

__all__ = ["broken_numbers", "exploding_gradients", "not_finite", "vanishing_gradients"]

MOST_REFUSED = 0.01  # share of refused moves above which it is no accident
LARGE_NORM = 1e3  # a gradient's norm; most healthy runs of the zoo stay below 20, few-shot reaches 520
ENORMOUS_NORM = 1e4
GROWTH = 30.0  # times the smallest norm of the run
LARGE_LOGIT = 1e6
FAR_APART = 10.0  # times the distance between real examples
VANISHED = 0.01  # of the largest norm before


@symptom(order=10)
def not_finite(history: History) -> Finding | None:
    """Losses, gradients or samples hold NaN or infinity."""
    if history.diverged is not None:
        refused, of = history.diverged
        return broken_numbers(history.recipe, history.nimg, refused, refused / max(of, 1))
    seen = trained(history)
    if not seen:
        return None
    last = seen[-1]
    moves = max(last.since_rounds * (1 + history.recipe.discriminator_moves), 1)
    share = last.since_refused / moves
    ever = sum(one.since_refused for one in seen)
    tick = history.ticks[-1]
    # A note that is there and is no number: the log keeps NaN as null or NaN.
    broken = [
        name
        for notes in (last.since, tick)
        for name, value in notes.items()
        if isinstance(value, dict) and "mean" in value and not _is_number(value["mean"])
    ]
    judged = last.record.get("judged")
    samples = bool(judged) and not last.fingerprint.size and not last.record.get("scores")
    if share <= MOST_REFUSED and not broken and not samples:
        if not ever:
            return None
        return Finding(
            code="not-finite",
            severity="notice",
            nimg=history.nimg,
            evidence={"refused": float(ever)},
            meaning="Gradients of a few steps were no numbers: those steps were refused, and all went on.",
        )
    return broken_numbers(history.recipe, history.nimg, last.since_refused, share)


def broken_numbers(recipe: Recipe, nimg: int, refused: int, share: float) -> Finding:
    """The finding where ``refused`` moves, a ``share`` of the last ones, were no numbers."""
    remedy = remedies.lower_rates(recipe)
    return Finding(
        code="not-finite",
        severity="failure",
        nimg=nimg,
        evidence={"refused": float(refused), "refused_share": share},
        meaning="Losses or gradients are no longer numbers: the arithmetic broke, and nobody can learn.",
        remedy=f"Look for values in the data that are not numbers. {remedy.words}",
        changes=remedy.changes,
    )


@symptom(order=30)
def exploding_gradients(history: History) -> Finding | None:
    """A gradient's norm is enormous, and far above what it was."""
    seen = trained(history)
    if not seen:
        return None
    norm, grown = 0.0, False
    bad_ones = all(bad(one) for one in seen[-2:])
    lost, astray = bad_ones and not improving(history), bad_ones and not near(history)
    for name in ("generator_gradient", "discriminator_gradient"):
        norms = finite(one.note(name) for one in seen)
        recent = max(norms[-3:], default=0.0)
        if (lost or astray) and max(norms, default=0.0) > ENORMOUS_NORM:
            recent = max(norms)  # who was thrown out of the world once, and is still lost, suffers from it
        grown |= recent > (LARGE_NORM if lost else ENORMOUS_NORM) and recent > GROWTH * min(norms)
        norm = max(norm, recent)
    logits = max(
        finite(abs(one.note(whom)) for one in seen[-3:] for whom in ("real_logits", "fake_logits")),
        default=0.0,
    )
    spread = max(finite(one.probe("spread") for one in seen[-2:]), default=1.0)
    if not grown and logits < LARGE_LOGIT and not (spread > FAR_APART and norm > LARGE_NORM / 10):
        return None
    remedy = remedies.calm(history, 4.0)
    return Finding(
        code="exploding-gradients",
        severity="failure",
        nimg=history.nimg,
        evidence={"gradient": norm, "logits": logits, "spread": spread},
        meaning="The gradients exploded: each step throws the players further off than they can come back.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=100)
def vanishing_gradients(history: History) -> Finding | None:
    """Almost nothing of the verdict reaches the generator, and its samples could be better."""
    recent = late(history, 2)
    now, left = left_of_gradient(history)
    if not math.isfinite(left) or improving(history):
        return None
    sure = min(window(recent, _sureness), default=0.0)
    lost = all(bad(one) for one in recent) and left <= (VANISHED if sure >= 0.95 else VANISHED / 100)
    # A discriminator that died says nothing, however good the samples were by then.
    if not lost and not (left < DEAD and all(above_its_floor(one) for one in recent)):
        return None
    remedy = remedies.brake(history)
    return Finding(
        code="vanishing-gradients",
        severity="failure",
        nimg=history.nimg,
        evidence={"gradient": now, "share_of_largest": left, "discriminator_right": sure},
        meaning="The generator is told that its samples are bad, but not in which direction better ones lie:"
        " its gradient has vanished."
        if lost
        else "The discriminator says the same of everything: it has died, and nobody tells the generator what"
        " could be better.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


def _sureness(seen: Examined) -> float:
    value = right_share(seen)
    return max(value, 1.0 - value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
