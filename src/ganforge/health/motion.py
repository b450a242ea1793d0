"""Whether clips move."""

from __future__ import annotations

from ganforge.health import remedies
from ganforge.health.finding import Finding, symptom
from ganforge.health.history import History
from ganforge.health.measures import late, progress, window

__all__ = ["standing_clip"]

STILL = 0.25  # of the real clips' motion
BEGUN = 0.25  # of the budget, before which nothing is said: first samples are grey and still
RISEN = 1.3  # times the motion of two examinations before: it comes


@symptom(order=125)
def standing_clip(history: History) -> Finding | None:
    """Clips hardly move, where real ones do."""
    recent = late(history, 3)
    found = window(recent, lambda one: one.probe("motion"))
    if not found or progress(history) < BEGUN or max(found[1:]) > STILL or found[-1] > RISEN * found[0]:
        return None
    films = remedies.Remedy(
        "Fewer frames a second or longer clips, so that more moves between frames, and a longer run; a camera"
        " that stands still in most films needs films in which more happens.",
        {},
    )
    return Finding(
        code="standing-clip",
        severity="failure",
        nimg=history.nimg,
        evidence={"motion": found[-1]},
        meaning="Frames of a sample are nearly the same picture: the generator has learned what there is"
        " to see, and not how it moves.",
        remedy=remedies.train_first(history, films).words,
    )
