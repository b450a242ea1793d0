"""All symptoms together: what a run's history shows, the root cause first."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from ganforge.health.finding import Finding
from ganforge.health.history import History
from ganforge.health.symptoms import SYMPTOMS, Symptom

__all__ = ["Diagnosis", "diagnose"]

_MEMORY = 3  # looks


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

    @property
    def healthy(self) -> bool:
        """No warning and no failure."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0: healthy, or only notices; 5: a warning; 6: a failure."""
        return {"warning": 5, "failure": 6}.get(self.findings[0].severity, 0) if self.findings else 0

    @property
    def verdict(self) -> str:
        """One line."""
        if not self.findings:
            return "healthy so far: nothing is wrong, and nothing has settled yet"
        first = self.findings[0]
        more = sum(finding.rank >= 2 for finding in self.findings) - 1
        also = f", and {more} more" if more > 0 else ""
        match first.severity:
            case "failure":
                return f"failing: {first.code}{also}"
            case "warning":
                return f"needs attention: {first.code}{also}"
            case "notice":
                good = [finding.code for finding in self.findings if finding.severity == "good"]
                return f"healthy: {good[0]}" if good else f"no fault found ({first.code})"
            case "good":
                return f"healthy: {first.code}"

    def to_json(self) -> dict[str, Any]:
        return {
            "healthy": self.healthy,
            "verdict": self.verdict,
            "nimg": self.nimg,
            "findings": [finding.to_json() for finding in self.findings],
        }


def diagnose(history: History) -> Diagnosis:
    """Ask every symptom. A pure function of the history's examinations: the same log, the same findings."""
    found = [_told(finding) for symptom in SYMPTOMS.values() if (finding := _seen(symptom, history))]
    if any(finding.rank >= 2 for finding in found):  # a cause is known: that it stalled follows
        found = [finding for finding in found if finding.code != "stalled"]
    # The sort is stable: within a severity the order of SYMPTOMS, causes first, stays.
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


def _told(finding: Finding) -> Finding:
    """The finding with the numbers that were measured: what is NaN is not told."""
    known = {name: value for name, value in finding.evidence.items() if math.isfinite(value)}
    return replace(finding, evidence=known)
