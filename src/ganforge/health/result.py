"""What came of it: how near samples are to the best possible, what they leave out, whether they got worse.

These are facts about the samples, and name no cause. While a run may still get better they are notices; once
it is settled they are alarms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ganforge.health import remedies
from ganforge.health.finding import Finding, Severity, symptom
from ganforge.health.history import Examined, History
from ganforge.health.measures import (
    DEAD,
    ENOUGH,
    ended,
    headline,
    late,
    latest,
    left_of_gradient,
    played,
    reach,
    right_share,
    settled,
    window,
)

__all__ = [
    "equilibrium",
    "far_from_the_data",
    "modes_missed",
    "near_the_best",
    "worse_than_before_training",
]

CLOSE, FAR = 0.8, 0.5  # of the best possible precision and coverage: as good as there, and bad
# Of recall, which counts what lies in the balls around samples. In many dimensions these are small: real
# digits that vary less within their class by 20 % reach .69 of it, by 30 % .44, by 50 % .01, all with full
# coverage; good samples of digits, which vary less by 9 to 14 %, reach .33 to .53.
CLOSE_RECALL, FAR_RECALL = 0.3, 0.25
# Times the best possible distance. Of a distance of moments the best possible one is about 0, and says less.
CLOSE_DISTANCE, FAR_DISTANCE = 2.0, 3.0
# Of the real examples, in regions where hardly a sample comes; the tails of a bell alone are about .02.
LEFT_OUT, MISSING = 0.025, 0.05
_BEGUN = 20  # steps, before which what any training makes is far from the data
WORSE = 1.1  # times the distance before training, beyond its interval
UNDECIDED = (0.38, 0.65)  # how often the discriminator is right about a pair


@symptom(order=210, says="follows")
def far_from_the_data(history: History) -> Finding | None:
    """Most samples lie where no real examples do, or they are as a whole far from these."""
    recent = latest(history)
    alike = window(recent, lambda one: reach(one, "precision"))
    distances = window(recent, _distance)
    apart = min(distances, default=math.nan)
    if _hardly_begun(history) or not alike or (max(alike) >= CLOSE and not apart > CLOSE_DISTANCE):
        return None
    last = recent[-1]
    far = max(alike) < FAR or apart > FAR_DISTANCE
    seen, best = last.score("precision"), last.score("precision", "floor")
    by_distance = max(alike) >= CLOSE
    words = (
        f"their distance to real data is {headline(last):.2g}, and {headline(last, 'floor'):.2g} is the best"
        " possible."
        if by_distance
        else f"{100 * seen:.0f} % of them lie where real examples do, and {100 * best:.0f} % is the best"
        " possible."
    )
    remedy = remedies.train_first(
        history,
        remedies.calm(history),
        "Where that does not help: a longer run, larger networks, more examples.",
    )
    return Finding(
        code="far-from-the-data",
        severity=_severity(history, far),
        nimg=history.nimg,
        evidence={
            "precision": seen,
            "best_possible": best,
            "distance": headline(last),
            "best_possible_distance": headline(last, "floor"),
        },
        meaning=f"The samples are not like real examples{_so_far(history)}: {words}",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=220, says="follows")
def modes_missed(history: History) -> Finding | None:
    """Parts of the data are left out: regions without samples, or most real examples without any near."""
    recent = latest(history)
    missed = min(window(recent, lambda one: one.score("missed")), default=0.0)
    found, covered = (
        max(window(recent, lambda one, key=key: reach(one, key)), default=math.nan)
        for key in ("recall", "coverage")
    )
    bad = found < _close_recall(recent[-1:]) or covered < CLOSE or missed >= LEFT_OUT
    if _hardly_begun(history) or not bad:
        return None
    last = recent[-1]
    plain = missed >= MISSING or found < FAR_RECALL or covered < FAR
    words = (
        f"{100 * missed:.0f} % of the real examples lie in regions where hardly a sample is made."
        if missed >= LEFT_OUT
        else f"samples come near to {100 * last.score('recall'):.0f} % of the real examples by recall and"
        f" {100 * last.score('coverage'):.0f} % by coverage, and"
        f" {100 * last.score('recall', 'floor'):.0f} % and {100 * last.score('coverage', 'floor'):.0f} % are"
        " the best possible."
    )
    remedy = remedies.train_first(
        history, remedies.calm(history), "Then random bits in the latent, packing, or a longer run."
    )
    return Finding(
        code="modes-missed",
        severity=_severity(history, plain),
        nimg=history.nimg,
        evidence={
            "left_out": missed,
            "recall": last.score("recall"),
            "best_possible_recall": last.score("recall", "floor"),
            "coverage": last.score("coverage"),
            "best_possible_coverage": last.score("coverage", "floor"),
        },
        meaning=f"The generator leaves out parts of the data{_so_far(history)}: {words}",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=170)
def worse_than_before_training(history: History) -> Finding | None:
    """The samples are further from the data than those of the first, random parameters were."""
    recent = latest(history)
    # Distances of examples of different sizes are not compared.
    if not recent or history.examined[0].nimg > 0 or history.grown:
        return None
    first = history.examined[0]
    most = max(WORSE * headline(first, "high"), CLOSE_DISTANCE * headline(first, "floor"))
    lows = window(recent, lambda one: headline(one, "low"))
    if not lows or not min(lows) > most:
        return None
    last = recent[-1]
    remedy = remedies.train_first(history, remedies.calm(history))
    return Finding(
        code="worse-than-before-training",
        severity="failure" if settled(history) else "notice",
        nimg=history.nimg,
        evidence={
            "distance": headline(last),
            "before_training": headline(first),
            "best_possible": headline(last, "floor"),
        },
        meaning=f"The samples are further from the data than before training{_so_far(history)}: the distance"
        f" was {headline(first):.3g} and is {headline(last):.3g}.",
        remedy=f"{remedy.words} Of a translation: see first that inputs and targets belong together.",
        changes=remedy.changes,
    )


@symptom(order=250)
def near_the_best(history: History) -> Finding | None:
    """Every score is near its best possible value, though the discriminator still finds a difference."""
    if not _near(history) or equilibrium(history) is not None:
        return None
    return _good(
        history, "near-the-best", "The samples are like real ones: every score is near the best possible."
    )


@symptom(order=240)
def equilibrium(history: History) -> Finding | None:
    """The good end: the discriminator is undecided, and every score is near its best possible value."""
    apart = window(late(history, 2), right_share)
    if not apart or not all(UNDECIDED[0] <= value <= UNDECIDED[1] for value in apart) or not _near(history):
        return None
    if left_of_gradient(history)[1] < DEAD:
        return None  # undecided as the dead are
    return _good(
        history,
        "equilibrium",
        "Equilibrium: the discriminator can hardly tell samples from real examples, and every score is near"
        " the best possible.",
    )


def _hardly_begun(history: History) -> bool:
    """Whether bad samples are no finding: a training that goes on has made its first steps alone."""
    return played(history) < _BEGUN and not ended(history)


def _good(history: History, code: str, meaning: str) -> Finding:
    last = history.examined[-1]
    return Finding(
        code=code,
        severity="good",
        nimg=history.nimg,
        evidence={
            "discriminator_right": right_share(last),
            "distance": headline(last),
            "best_possible": headline(last, "floor"),
            "precision": last.score("precision"),
            "recall": last.score("recall"),
            "best_possible_recall": last.score("recall", "floor"),
            "coverage": last.score("coverage"),
        },
        meaning=meaning + _but_recall(last),
    )


def _but_recall(last: Examined) -> str:
    """What is to be said where the recall is as good samples have it in many dimensions, and no better."""
    if not reach(last, "recall") < CLOSE:
        return ""
    own, best = last.score("recall"), last.score("recall", "floor")
    return f" Only recall is not, {own:.2g} of {best:.2g}: samples vary less than real examples do."


def _near(history: History) -> bool:
    recent = late(history, 2)
    return bool(recent) and all(_close(one) for one in recent)


def _close(seen: Examined) -> bool:
    """Whether every score is near its best possible value; one that was not measured is not."""
    return (
        not seen.n < ENOUGH
        and all(reach(seen, key) >= CLOSE for key in ("precision", "coverage"))
        and reach(seen, "recall") >= _close_recall((seen,))
        and not _distance(seen) > CLOSE_DISTANCE
        and not seen.score("missed") >= LEFT_OUT
    )


def _close_recall(seen: Sequence[Examined]) -> float:
    """As good as the best possible recall, of points or of what has many dimensions."""
    return CLOSE if any(one.headline == "sliced_wasserstein" for one in seen) else CLOSE_RECALL


def _distance(seen: Examined) -> float:
    """The least that the distance can be, over the best possible; NaN where that is about 0."""
    floor = headline(seen, "floor")
    return headline(seen, "low") / floor if seen.headline == "sliced_wasserstein" and floor > 0 else math.nan


def _severity(history: History, plain: bool) -> Severity:
    return "warning" if plain and settled(history) else "notice"


def _so_far(history: History) -> str:
    return "" if settled(history) else " so far"
