"""The course of a run: going round in circles, past its best, or too short to tell."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from ganforge.health import remedies
from ganforge.health.finding import Finding, symptom
from ganforge.health.history import History
from ganforge.health.measures import (
    ENOUGH,
    FEWEST,
    YOUNG,
    at_size,
    bad,
    ended,
    finite,
    headline,
    late_steps,
    played,
    progress,
    swinging,
    trained,
)

__all__ = ["few_examples", "oscillation", "past_its_best", "too_early"]

WORSE = 3.0  # times the best score


@symptom(order=160)
def oscillation(history: History) -> Finding | None:
    """The same latents' samples go far and come back, and the score with them."""
    way = late_steps(history)
    young = progress(history) < 0.45 or played(history) < YOUNG
    if young or not swinging(history) or _new_best(history) or _comes_down(history):
        return None
    if not all(bad(one) for one in history.examined[-3:]):
        return None
    remedy = remedies.calm(history, 4.0)
    nearer = _came_nearer(history)
    return Finding(
        code="oscillation",
        severity="warning" if nearer else "failure",
        nimg=history.nimg,
        evidence={"step": float(np.median(way)), "longest": max(way)},
        meaning="The players go round each other: the same latents give ever other samples, and "
        + (
            "the last rounds end no nearer to the data than those before."
            if nearer
            else "none of the rounds ends nearer to the data."
        ),
        remedy=remedy.words,
        changes=remedy.changes,
    )


def _came_nearer(history: History) -> bool:
    """Whether the last three examinations have a score that is half of the first ones' in training, or less.

    Faces came nearer for twelve minutes, from 42 by way of 10 to 9.5: that is no failure.
    """
    scores = finite(headline(one) for one in history.examined if one.nimg)
    return len(scores) >= 6 and min(scores[-3:]) < 0.5 * min(scores[:2])


def _comes_down(history: History) -> bool:
    """Whether the score of the last six examinations in training comes down, still does, and hardly rises.

    Samples that move far while the distance falls at each look are on their way: who goes round comes back.
    """
    scores = finite(headline(one) for one in history.examined if one.nimg)[-6:]
    changes = [after - before for before, after in pairwise(scores)]
    rises, falls = sum(max(by, 0.0) for by in changes), sum(max(-by, 0.0) for by in changes)
    return len(scores) == 6 and min(scores[-2:]) < 0.97 * scores[-4] and rises < 0.25 * falls


def _new_best(history: History) -> bool:
    """Whether the last three examinations have a score that is by a tenth better than any before."""
    scores = finite(headline(one) for one in history.examined)
    return len(scores) < 6 or min(scores[-3:]) < 0.9 * min(scores[:-3])


@symptom(order=70)
def past_its_best(history: History) -> Finding | None:
    """The score is significantly worse than it was at its best: the intervals do not overlap."""
    scored = [one for one in history.examined if math.isfinite(headline(one))]
    if len(scored) < FEWEST:
        return None
    best, last = min(scored, key=headline), scored[-1]
    earlier = scored[-2]
    apart = headline(last, "low") > headline(best, "high") and headline(earlier, "low") > headline(
        best, "high"
    )
    first = headline(scored[0])
    # It must have been good once: a run that never got anywhere has no best.
    if not apart or best.nimg == 0 or headline(best) > 0.5 * first:
        return None
    worse = headline(last) / max(headline(best), headline(best, "floor"), 1e-9)
    if worse < WORSE:
        return None
    remedy = remedies.settle(history.recipe)
    ruined = not bad(best) and bad(last, 0.5)
    return Finding(
        code="past-its-best",
        severity="failure" if ruined else "warning",
        nimg=history.nimg,
        evidence={"now": headline(last), "best": headline(best), "best_nimg": float(best.nimg)},
        meaning=f"The run is past its best: at {best.nimg:,} examples the score was significantly better.",
        remedy=remedy.words,
        changes=remedy.changes,
    )


@symptom(order=180, says="unknown")
def too_early(history: History) -> Finding | None:
    """Fewer examinations than any other symptom needs."""
    n = len(trained(history))
    if n >= FEWEST or history.diverged is not None:
        return None
    over = ended(history)
    if over:
        meaning = (
            "The run was too short to tell what would have become of it: it was examined too few times"
            f"{at_size(history)}."
        )
    elif not history.ticks:
        meaning = "Nothing is in the log yet, so there is nothing to judge."
    elif history.grown:
        meaning = (
            "The examples have just become larger, and it is too early to tell what becomes of these: since"
            f" then the run was examined too few times{at_size(history)}. What is certain already stands"
            " beside this."
        )
    else:
        meaning = (
            "It is too early to tell what becomes of it: since its first step the run was examined too few"
            " times. What is certain already stands beside this."
        )
    return Finding(
        code="too-early",
        severity="notice",
        nimg=history.nimg,
        evidence={"examinations": float(n), "needed": float(FEWEST)},
        meaning=meaning,
        remedy="Train for longer." if over else "Train on, and ask again.",
        because=f"{n} of {FEWEST} examinations{at_size(history)}" if history.grown else "",
    )


@symptom(order=238, says="unknown")  # after what can be said all the same
def few_examples(history: History) -> Finding | None:
    """There are examinations, and too few examples to score or to trust a score."""
    if not history.examined or any(not one.fingerprint.size for one in history.examined):
        return None  # samples were not finite: another symptom
    last = history.examined[-1]
    if last.record.get("scores") and not last.n < ENOUGH:
        return None
    where = "real" if last.record.get("split") == "training" else "held-out"
    return Finding(
        code="few-examples",
        severity="notice",
        nimg=history.nimg,
        evidence={"training": float(history.training), "held_out": float(history.held_out)},
        meaning=f"Samples are compared with {last.n:.0f} {where} examples: among fewer than {ENOUGH} scores"
        " are so rough that no run is called good by them."
        if last.record.get("scores")
        else "There are too few examples to score samples: no score means anything with so few.",
        remedy="Give more examples, a thousand or more; until then judge by eye.",
        because=f"{last.n:.0f} {where} of {ENOUGH}" if math.isfinite(last.n) else "",
    )
