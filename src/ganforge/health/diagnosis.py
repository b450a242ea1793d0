"""All symptoms together: what a run's history shows, the root cause first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ganforge.health.finding import Finding
from ganforge.health.history import History
from ganforge.health.symptoms import SYMPTOMS

__all__ = ["Diagnosis", "diagnose"]


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
    found = [finding for symptom in SYMPTOMS.values() if (finding := symptom(history)) is not None]
    # The sort is stable: within a severity the order of SYMPTOMS, causes first, stays.
    found.sort(key=lambda finding: -finding.rank)
    return Diagnosis(tuple(found), history.nimg)
