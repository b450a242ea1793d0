"""A diagnosis of one thing: what was found, the numbers it rests on, what it means, and what helps."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["SEVERITIES", "Finding", "Severity"]

Severity = Literal["good", "notice", "warning", "failure"]
SEVERITIES: tuple[Severity, ...] = ("good", "notice", "warning", "failure")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a run's history shows.

    Attributes:
        code: its stable name, and that of its page ``docs/findings/<code>.md``.
        severity: ``good`` (as it should be), ``notice`` (worth knowing), ``warning`` (will cost quality
            if it stays), ``failure`` (more training of this kind will not help).
        nimg: examples shown when it was seen.
        evidence: the numbers it rests on, by name.
        meaning: one sentence that a student understands.
        remedy: one sentence: what helps. Empty for a good finding.
        changes: the remedy as dotted keys of the recipe with their new values, for ``--set`` and for the
            rescue; empty where the remedy is none of the recipe's.
    """

    code: str
    severity: Severity
    nimg: int
    evidence: dict[str, float]
    meaning: str
    remedy: str = ""
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """0 for good up to 3 for a failure."""
        return SEVERITIES.index(self.severity)

    @property
    def page(self) -> str:
        """Its page, from the repository's root."""
        return f"docs/findings/{self.code}.md"

    def command(self) -> str:
        """The changes as the user would type them; empty where there are none."""
        return f"--set {shlex.join(map(_pair, self.changes.items()))}" if self.changes else ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Finding:
        """The inverse of :meth:`to_json`. Raises TypeError for other fields."""
        return cls(**fields)


def _pair(change: tuple[str, Any]) -> str:
    key, value = change
    if isinstance(value, float):
        return f"{key}={value:g}"
    return f"{key}={json.dumps(value, separators=(',', ':')) if isinstance(value, (list, dict)) else value}"
