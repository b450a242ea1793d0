"""What the samples are: one or many, copies or new, recognised by a trifle, one class worse than others."""

from __future__ import annotations

import math

import numpy as np

from ganforge.health import remedies
from ganforge.health.finding import Finding, symptom
from ganforge.health.history import Examined, History
from ganforge.health.measures import (
    FEWEST,
    YOUNG,
    bad,
    ended,
    improving,
    late,
    latest,
    near,
    never_fooled,
    played,
    progress,
    ratio,
    right_share,
    swinging,
    trained,
    window,
)

__all__ = [
    "class_lagging",
    "discriminator_overfitting",
    "low_support",
    "memorisation",
    "mode_collapse",
    "one_picture_a_class",
    "shortcut",
]

COLLAPSED_SUPPORT = 0.005  # of the real examples' own
LOW_SUPPORT = 0.012  # healthy runs on 1,300 digits have .02 to .1
# Deviation within a class, over that of real examples. Shapes that obey their captions had .55 to .76, and
# lamps that nearly stood still for every latent .44.
ALIKE, LITTLE = 0.35, 0.5
SHRUNK = 0.25  # distance between two samples, over that between two real examples
COPYING = 0.6  # share nearer to a training example than to a held-out one; honest is about .5
MOSTLY_COPIES = 0.75
GAP = 0.15  # of the probability to tell apart, between training and held-out examples
LARGE_GAP = 0.3
TRIFLE = 0.96  # accuracy of a line on mean, deviation and spectrum
GIVEN_AWAY = 0.98  # share of pairs told apart
GROWN = 500  # rounds: healthy convolutions are told apart in 95 % until 400, and a line does it too
LAGGING = 0.25  # below the median class
_CONDITIONS = {"class": "class", "text": "caption"}


@symptom(order=130)
def mode_collapse(history: History) -> Finding | None:
    """The samples are few different ones, or lie densely in a part of what is real."""
    recent = late(history, 2)
    if not recent or progress(history) < 0.1:
        return None
    few = all(_few(one) for one in recent)
    narrow = all(_narrow(one) or one.probe("spread") < SHRUNK for one in recent)
    # What is thrown about is narrow at each moment, and for another reason.
    narrow = narrow and progress(history) > 0.25 and not swinging(history)
    # Few samples at once are plainer than a slow change of a score; and where they stay as few, a score that
    # gets better tells of better ones, and not of more.
    if not (few or narrow) or (improving(history, 0.4 if few else 0.15) and not _stays_few(history)):
        return None
    if not all(bad(one) for one in recent):
        return None
    last = recent[-1]
    several = last.score("support_size")
    remedy = remedies.calm(history)
    return Finding(
        code="mode-collapse",
        severity="failure",
        nimg=history.nimg,
        evidence={
            "different_samples": several,
            "real": last.score("support_size", "floor"),
            "coverage": last.score("coverage"),
            "coverage_of_real": last.score("coverage", "floor"),
            "spread": last.probe("spread"),
        },
        meaning="The generator makes the same few things again and again, a small part of the data."
        if few or last.probe("spread") < SHRUNK
        else "Samples vary, but within a small part of the data: most of what is there is never made.",
        remedy=f"{remedy.words} Then random bits in the latent, or packing.",
        changes=remedy.changes,
    )


def _support(seen: Examined) -> float:
    """The most that the support can be, over that of real examples; 1 where it was not measured."""
    floor = seen.score("support_size", "floor")
    most = seen.score("support_size", "high")
    most = most if math.isfinite(most) else seen.score("support_size") * 4
    return most / floor if floor > 0 and math.isfinite(most) else 1.0


def _few(seen: Examined) -> bool:
    return _support(seen) < COLLAPSED_SUPPORT


def _stays_few(history: History) -> bool:
    """Few different samples at the last five examinations, and as many each time: fixed pictures.

    Young samples that are much alike are few as well, but their number moves from look to look.
    """
    recent = late(history, 5)
    several = window(recent, lambda one: one.score("support_size"))
    if not several or progress(history) < 0.25 or not all(_few(one) for one in recent):
        return False
    return max(several) < 1.1 * min(several)


def _narrow(seen: Examined) -> bool:
    """Like real ones, but covering little: precision high, recall and coverage low, and close together."""
    return (
        ratio(seen, "precision") > 0.5
        and ratio(seen, "coverage") < 0.4
        and ratio(seen, "recall") < 0.4
        and seen.probe("spread") < 0.9
    )


@symptom(order=200, says="follows")
def low_support(history: History) -> Finding | None:
    """Two samples in a small batch are alike, far oftener than two real examples are."""
    recent = latest(history)
    shares = [_support(one) for one in recent]
    if not shares or max(shares) > LOW_SUPPORT:
        return None
    stays = len(late(history)) == FEWEST and max(map(_support, late(history))) <= LOW_SUPPORT
    sure = ended(history) or (stays and progress(history) >= 0.25 and not improving(history))
    several = recent[-1].score("support_size")
    then = "Then random bits in the latent, or packing."
    calmer = remedies.calm(history)
    # As few at each look are fixed pictures, whatever the score does: a longer run makes no more of them.
    remedy = (
        remedies.Remedy(f"{calmer.words} {then}", calmer.changes)
        if _stays_few(history)
        else remedies.train_first(history, calmer, then)
    )
    return Finding(
        code="low-support",
        severity="warning" if sure else "notice",
        nimg=history.nimg,
        evidence={
            "different_samples": several,
            "best_possible": recent[-1].score("support_size", "floor"),
            "examples": float(history.training),
        },
        meaning=f"The generator makes about {several:,.0f} different samples{'' if sure else ' so far'}, and"
        f" there are {history.training:,} examples to learn from.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=120)
def one_picture_a_class(history: History) -> Finding | None:
    """Samples that were asked for the same are alike, and real examples that say the same are not."""
    recent = latest(history)
    within = window(recent, lambda one: one.probe("within"))
    # Where samples of all classes are alike too, that they are so within a class is not the news.
    if not within or max(within) > LITTLE or not all(one.probe("spread") >= SHRUNK for one in recent):
        return None
    late_enough = len(trained(history)) >= FEWEST and progress(history) >= 0.25 and played(history) >= YOUNG
    sure = ended(history) or (late_enough and not improving(history))
    condition = None if history.recipe.condition == "class" else history.space.condition
    what = "class" if condition is None else _CONDITIONS.get(condition.kind, "condition")
    one = max(within) <= ALIKE
    made = "one picture" if one else "much the same picture"
    remedy = remedies.loosen(history)
    if ended(history) or not sure:
        remedy = remedies.train_first(history, remedy)
    return Finding(
        code="one-picture-a-class",
        severity="failure" if sure and one else "notice",
        nimg=history.nimg,
        evidence={f"variety_within_a_{what}": within[-1], "best_possible": 1.0},
        meaning=f"The generator makes {made} for each {what}{'' if sure else ' so far'}: within a {what}"
        f" samples vary {100 * within[-1]:.0f} % as much as real examples do.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=50)
def memorisation(history: History) -> Finding | None:
    """Samples are nearer to the training examples than to held-out ones of the same kind."""
    recent = late(history, 2)
    low = window(recent, lambda one: one.score("memorisation", "low"))
    honest = window(recent, lambda one: one.score("memorisation", "honest_high"))
    copies = max((one.probe("copies") for one in recent), default=math.nan)
    if not low:
        return None
    exact = copies > 0.02 and history.space.codec.keeps_alike
    # Bad samples are near to nothing, and which example happens to be nearest says nothing then.
    surely = all(a > max(b, COPYING) for a, b in zip(low, honest or [1.0] * len(low), strict=True))
    if not exact and not (surely and all(_like_real(one) for one in recent)):
        return None
    last = recent[-1]
    remedy = remedies.augment_more(history)
    return Finding(
        code="memorisation",
        severity="failure" if exact or min(low) > MOSTLY_COPIES else "warning",
        nimg=history.nimg,
        evidence={
            "nearer_to_training": last.score("memorisation"),
            "honest": 0.5,
            "copies": copies if math.isfinite(copies) else 0.0,
        },
        meaning="Samples are copies of training examples, or nearly: they are nearer to those than to equally"
        " good examples that were held out.",
        remedy=f"{remedy.words} A shorter run copies less, too.",
        changes=remedy.changes,
    )


def _like_real(seen: Examined) -> bool:
    return ratio(seen, "precision") > 0.4


@symptom(order=60)
def discriminator_overfitting(history: History) -> Finding | None:
    """The discriminator knows its training examples by heart: held-out ones look to it like fakes."""
    recent = late(history)
    gaps = window(recent, lambda one: one.probe("told_training") - one.probe("told_held_out"))
    if not gaps or min(gaps) < GAP:
        return None
    last = recent[-1]
    remedy = remedies.augment_more(history)
    return Finding(
        code="discriminator-overfitting",
        severity="failure" if min(gaps) > LARGE_GAP and not improving(history) else "warning",
        nimg=history.nimg,
        evidence={
            "told_training": last.probe("told_training"),
            "told_held_out": last.probe("told_held_out"),
            "gap": float(np.mean(gaps)),
            "examples": float(history.training),
        },
        meaning="The discriminator knows the training examples by heart instead of what real ones have in"
        " common: examples that were held out look to it like fakes.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=110)
def shortcut(history: History) -> Finding | None:
    """A line on mean, deviation and spectrum tells samples apart, and the generator cannot mend it."""
    recent = late(history)
    lines = window(recent, lambda one: one.probe("shortcut"))
    # Who has made few moves differs in everything, and a handful of samples differ from all others.
    if not lines or min(lines) < TRIFLE or played(history) < GROWN or any(_few(one) for one in recent):
        return None
    # Samples that never came near real ones differ in everything: that is no shortcut.
    if not near(history) or not all(right_share(one) > GIVEN_AWAY and bad(one) for one in recent):
        return None
    # Samples may get better in what scores see: if none ever passed for real, it is not what gives them away.
    if improving(history) and not never_fooled(history):
        return None
    return Finding(
        code="shortcut",
        severity="failure",
        nimg=history.nimg,
        evidence={
            "line": float(np.mean(lines)),
            "discriminator_right": float(np.mean(window(recent, right_share) or [math.nan])),
        },
        meaning="The discriminator needs no look at the content: brightness, contrast or a spectrum that the"
        " generator cannot make gives every sample away.",
        remedy="Give real examples the format that samples have: range, borders, resizing, compression.",
    )


@symptom(order=230)
def class_lagging(history: History) -> Finding | None:
    """One class comes out far worse than the others."""
    classes = history.examined[-1].classes if history.examined else {}
    known = {name: value for name, value in classes.items() if math.isfinite(value)}
    if len(known) < 2:
        return None
    examples = remedies.Remedy(
        "More examples of that class, or a longer run; the hardest class is learned last.", {}
    )
    middle = float(np.median(list(known.values())))
    worst = min(known, key=lambda name: known[name])
    if known[worst] > middle - LAGGING:
        return None
    return Finding(
        code="class-lagging",
        severity="warning",
        nimg=history.nimg,
        evidence={"accuracy": known[worst], "median": middle},
        meaning=f"The class {worst} lags: {100 * known[worst]:.0f} % of its samples are recognised,"
        f" {100 * middle:.0f} % of the median class's.",
        remedy=remedies.train_first(history, examples).words,
    )
