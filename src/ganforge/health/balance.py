"""The two players against each other: one too strong, one too weak, or one out of bounds."""

from __future__ import annotations

import math

import numpy as np

from ganforge.core.declared import OBJECTIVES
from ganforge.core.recipe import Recipe
from ganforge.health import remedies
from ganforge.health.finding import Finding, symptom
from ganforge.health.history import Examined, History
from ganforge.health.measures import (
    YOUNG,
    accuracy,
    bad,
    finite,
    headline,
    improving,
    late,
    never_fooled,
    played,
    progress,
    right_share,
    steps,
    trained,
    travelled,
    window,
)

__all__ = [
    "accuracy_diverged",
    "discriminator_loss_zero",
    "discriminator_too_strong",
    "discriminator_too_weak",
    "fake_loss_unbounded",
    "generator_too_weak",
]

STILL = 0.02  # deviations of the real features: who moved less has not learned
SURE = 0.98  # share of pairs told apart
REVERSED = 0.3  # share of pairs told apart, below which fakes look more real than real ones
BLIND = 0.6
IDLE = 0.01  # of the usual rate: what a discriminator tells apart then is chance
SMALL_LOSS = 0.1  # nats
LARGE_LOSS = 5.0  # nats: a fake is called real with 99.3 %


@symptom(order=40)
def generator_too_weak(history: History) -> Finding | None:
    """The samples are bad and are those it began with: the generator does not learn."""
    seen = trained(history)
    if len(seen) < 4 or not all(bad(one) for one in seen[-2:]):
        return None
    way, each = travelled(history), steps(history)
    if not (way < STILL and each and max(each) < STILL):
        return None
    remedy = remedies.raise_rate(history.recipe, "generator")
    return Finding(
        code="generator-too-weak",
        severity="failure",
        nimg=history.nimg,
        evidence={"travelled": way, "generator_rate": history.recipe.generator.learning_rate},
        meaning="The generator does not learn: its samples are still those of its first, random parameters.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=90)
def discriminator_too_weak(history: History) -> Finding | None:
    """The discriminator does not see what the scores see: bad samples pass for real ones."""
    recent = late(history)
    apart = window(recent, right_share)
    if not apart or not all(bad(one) for one in recent):
        return None
    recipe = history.recipe
    wrong = max(apart) < REVERSED or _slow(recipe, IDLE)
    # Where it is so plain, only a much better score speaks against it. And a score of moments may be near
    # its floor, and swing, while hardly any sample is like a real one.
    if improving(history, 0.5 if wrong else 0.4):
        return None
    # Undecided over samples of which hardly any lies where real ones do: it cannot see the difference.
    alike = window(recent, lambda one: one.score("precision") / max(one.score("precision", "floor"), 1e-9))
    blind = max(apart) < BLIND and bool(alike) and max(alike) < 0.15 and progress(history) > 0.4
    if not wrong and not blind:
        return None
    if wrong or _slow(recipe):
        remedy = remedies.raise_rate(recipe, "discriminator")
    else:
        remedy = remedies.penalise_less(recipe)
    return Finding(
        code="discriminator-too-weak",
        severity="failure",
        nimg=history.nimg,
        evidence={
            "discriminator_right": max(apart),
            "discriminator_rate": recipe.discriminator.learning_rate,
        },
        meaning="The discriminator is too weak: samples that are plainly wrong pass for real, so that the"
        " generator learns nothing from it.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=80)
def accuracy_diverged(history: History) -> Finding | None:
    """Everything is called real, or everything fake, for three examinations."""
    recent = late(history)
    rates = [accuracy(one, history.recipe.objective) for one in recent]
    if not rates or not all(math.isfinite(real + fake) for real, fake in rates) or improving(history):
        return None
    # Whose order is right is only off its level, as at the start of many a run.
    if not all(bad(one) and not right_share(one) > 0.9 for one in recent):
        return None
    reals, fakes = zip(*rates, strict=True)
    if min(reals) > SURE and max(fakes) < 0.1:
        verdict = "real"
    elif min(fakes) > SURE and max(reals) < 0.1:
        verdict = "fake"
    else:
        return None
    recipe = history.recipe
    if _slow(recipe):
        remedy = remedies.raise_rate(recipe, "discriminator")
    else:
        remedy = remedies.calm(history)
    return Finding(
        code="accuracy-diverged",
        severity="failure",
        nimg=history.nimg,
        evidence={"reals_called_real": float(np.mean(reals)), "fakes_called_fake": float(np.mean(fakes))},
        meaning=f"The discriminator calls everything {verdict}, real examples and samples alike:"
        " its verdict means nothing.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=140)
def discriminator_loss_zero(history: History) -> Finding | None:
    """The discriminator has won: its loss is near 0 while samples are bad and do not get better."""
    if OBJECTIVES.find(history.recipe.objective).logit != "odds":
        return None  # its loss can be anything
    recent = late(history)
    losses = window(recent, lambda one: one.note("discriminator_loss"))
    if not losses or max(losses) > SMALL_LOSS or played(history) < YOUNG or improving(history, 0.3):
        return None
    if not all(bad(one) and _won(one) for one in recent):
        return None
    remedy = remedies.brake(history)
    return Finding(
        code="discriminator-loss-zero",
        severity="failure",
        nimg=history.nimg,
        evidence={
            "discriminator_loss": float(np.mean(losses)),
            "discriminator_right": float(np.mean(window(recent, right_share) or [math.nan])),
        },
        meaning="The discriminator's loss approaches zero: it knows every sample at once, and the generator"
        " has nothing left to learn from.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=150)
def discriminator_too_strong(history: History) -> Finding | None:
    """Nearly every sample is recognised, and the samples do not get better."""
    recent = late(history)
    if not recent or played(history) < YOUNG or (improving(history) and not never_fooled(history)):
        return None
    if not all(bad(one) and _won(one) for one in recent):
        return None
    remedy = remedies.brake(history)
    return Finding(
        code="discriminator-too-strong",
        severity="failure",
        nimg=history.nimg,
        evidence={
            "discriminator_right": float(np.mean(window(recent, right_share) or [math.nan])),
            "margin_positive": float(
                np.mean(finite(one.note("margin", "positive") for one in recent) or [1.0])
            ),
        },
        meaning="The discriminator is too strong: it recognises nearly every sample, and the generator cannot"
        " catch up.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=20)
def fake_loss_unbounded(history: History) -> Finding | None:
    """The discriminator's term for fakes grows and grows, and its verdict with it."""
    seen = trained(history)
    if len(seen) < 4 or improving(history) or not all(bad(one) for one in seen[-2:]):
        return None
    if _slow(history.recipe, IDLE) or (_slow(history.recipe) and right_share(seen[-1]) < REVERSED):
        return None  # it is not the discriminator that runs away: it does not move
    objective = OBJECTIVES.find(history.recipe.objective)
    if objective.logit == "distance":
        return _unbounded_critic(history, seen)
    level = objective.level
    if level is None:
        losses = window(seen[-2:], lambda one: one.note("discriminator_loss"))
        rest = 0.7  # an undecided one
    else:
        losses = window(seen[-2:], lambda one: max(one.note("fake_logits") - level, 0.0))
        rest = max(finite(max(level - one.note("real_logits"), 0.7) for one in seen[-2:]), default=0.7)
    if objective.logit == "energy" or not losses or min(losses) < max(LARGE_LOSS, 5 * rest):
        return None
    return _unbounded(history, losses[-1], losses[-1] / rest)


def _unbounded_critic(history: History, seen: tuple[Examined, ...]) -> Finding | None:
    """A critic's margin is a distance, which shrinks as samples get better; unbounded it grows for ever."""
    margins = finite(one.note("margin") for one in seen)
    if len(margins) < 4:
        return None
    half = max(margins[: (len(margins) + 1) // 2])
    if margins[-1] < 5.0 or margins[-1] < 1.5 * max(half, 1e-9) or margins[-1] < 0.8 * max(margins):
        return None
    return _unbounded(history, margins[-1], margins[-1] / max(half, 1e-9))


def _unbounded(history: History, loss: float, growth: float) -> Finding:
    remedy = remedies.calm(history, 4.0)
    return Finding(
        code="fake-loss-unbounded",
        severity="failure",
        nimg=history.nimg,
        evidence={"loss": loss, "growth": growth, "score": headline(history.examined[-1])},
        meaning="The discriminator's loss on samples grows without bound: the two chase each other out of"
        " range, and the verdict no longer says what is better.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


def _slow(recipe: Recipe, share: float = 0.25) -> bool:
    return remedies.relative_rate(recipe, "discriminator") < share


def _won(seen: Examined) -> bool:
    """Whether the discriminator tells nearly all apart, outside training and in it."""
    inside = seen.note("margin", "positive")
    return right_share(seen) > SURE and not inside < 0.9
