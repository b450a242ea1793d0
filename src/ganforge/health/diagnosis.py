"""All symptoms together: what a run's history shows, the root cause first, and the verdict in one line.

Whoever tells how a run is doing, be it the screen, the report, `gan diagnose` or the studio, asks here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ganforge.core.declared import SYMPTOMS, Symptom
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Recipe
from ganforge.health.finding import Finding, Severity
from ganforge.health.history import History
from ganforge.runs.folder import Run

__all__ = ["Diagnosis", "Verdict", "diagnose", "verdict_of", "with_measures"]

_MEMORY = 3  # looks


class Verdict(NamedTuple):
    """A line, and the severity that it is shown with."""

    words: str
    severity: Severity


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """The verdict on a run of which ``findings`` hold, the worst first.

    *Healthy* must be earned: by a good finding, which asks for scores near the best possible ones. Where
    there is neither that nor a fault, samples are not good yet, or nothing can be said.
    """
    first = findings[0] if findings else None
    if first is None:
        return Verdict("undecided", "notice")
    more = sum(finding.rank >= 2 for finding in findings) - 1
    also = f", and {more} more" if more > 0 else ""
    good = next((finding.name for finding in findings if finding.severity == "good"), "")
    if first.severity == "failure":
        return Verdict(f"failing: {first.name}{also}", "failure")
    if first.severity == "warning":
        return Verdict(f"needs attention: {first.name}{also}", "warning")
    if good:
        return Verdict(f"healthy: {good}", "good")
    why = next((finding for finding in findings if _says(finding) in ("follows", "unknown")), first)
    because = f" ({why.because})" if why.because else ""
    stands = "not yet good" if _says(why) == "follows" else "undecided"
    return Verdict(f"{stands}: {why.name}{because}", "notice")


def _says(finding: Finding) -> str:
    """What its symptom says of it; a run may know findings of which there is no symptom here."""
    found = SYMPTOMS.get(finding.code)
    return "" if found is None else found.says


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        findings: the worst severity first, and causes before what follows from them: the first names the
            root cause.
        nimg: examples shown by then.
    """

    findings: tuple[Finding, ...]
    nimg: int

    @classmethod
    def of(cls, run: Run) -> Diagnosis:
        """What the log of a run folder shows."""
        return diagnose(History.of(run))

    @property
    def healthy(self) -> bool:
        """Something good was found, and nothing wrong."""
        return self.verdict.severity == "good"

    @property
    def exit_code(self) -> int:
        """0: nothing is wrong that can be told; 5: a warning; 6: a failure."""
        return {"warning": 5, "failure": 6}.get(self.verdict.severity, 0)

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "healthy": self.healthy,
            "verdict": self.verdict.words,
            "severity": self.verdict.severity,
            "nimg": self.nimg,
            "findings": [finding.to_json() for finding in self.findings],
        }


def diagnose(history: History) -> Diagnosis:
    """Ask every symptom. A pure function of the history's examinations: the same log, the same findings."""
    symptoms = sorted(SYMPTOMS.values(), key=lambda symptom: symptom.order)
    found = [with_measures(finding, history.recipe) for each in symptoms if (finding := _seen(each, history))]
    if any(finding.rank == 3 and _says(finding) != "follows" for finding in found):
        found = [finding for finding in found if _says(finding) != "follows"]  # a cause is known
    if any(finding.severity == "good" for finding in found):
        found = [
            finding for finding in found if _says(finding) != "unknown"
        ]  # what is known is not too early
    # The sort is stable: within a severity the order of the symptoms, causes first, stays.
    found.sort(key=lambda finding: -finding.rank)
    return Diagnosis(tuple(found), history.nimg)


def _seen(symptom: Symptom, history: History) -> Finding | None:
    """What a symptom says now; or, of a warning or a failure, what it said at two of the last three looks.

    Scores are noisy: a fault does not disappear because one look at 500 samples was kind.
    """
    now = symptom(history)
    if now is not None or len(history.examined) <= _MEMORY:
        return now
    former = [symptom(history.before(i)) for i in range(1, _MEMORY + 1)]
    faults = [finding for finding in former if finding is not None and finding.rank >= 2]
    return faults[0] if len(faults) >= 2 else None


def with_measures(finding: Finding, recipe: Recipe) -> Finding:
    """The finding with the numbers that were measured, and with the changes that change something.

    What is NaN is not told, and no remedy is what ran already.
    """
    known = {name: value for name, value in finding.evidence.items() if math.isfinite(value)}
    before = {key: recipe.value(key) for key in finding.changes}
    changes = {key: value for key, value in finding.changes.items() if not _same(recipe, key, value)}
    return replace(finding, evidence=known, changes=changes, before={key: before[key] for key in changes})


def _same(recipe: Recipe, key: str, value: Any) -> bool:
    try:
        return recipe.with_changes({key: value}) == recipe
    except RecipeError:  # it makes sense together with another one only
        return False
