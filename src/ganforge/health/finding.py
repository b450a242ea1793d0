"""A diagnosis of one thing: what was found, the numbers it rests on, what it means, and what helps."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ganforge.core.declared import SYMPTOMS, Symptom
from ganforge.core.plugins import plugins

if TYPE_CHECKING:
    from ganforge.health.history import History

__all__ = ["SEVERITIES", "Finding", "Severity", "changes_in_words", "setting", "symptom"]

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
        before: the values that ran, by the same keys.
        because: a few words that a verdict adds to the name: why nothing can be said. Empty for most.
    """

    code: str
    severity: Severity
    nimg: int
    evidence: dict[str, float]
    meaning: str
    remedy: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    because: str = ""

    @property
    def name(self) -> str:
        """Its code in words."""
        return self.code.replace("-", " ")

    @property
    def rank(self) -> int:
        """0 for good up to 3 for a failure."""
        return SEVERITIES.index(self.severity)

    @property
    def page(self) -> str:
        """Its page, from the repository's root; of a plugin's finding, the plugin."""
        found = SYMPTOMS.origin(self.code) if self.code in SYMPTOMS else None
        own = None if found is None else next((each for each in plugins() if each.module is found), None)
        return f"docs/findings/{self.code}.md" if own is None else str(own.path)

    def command(self) -> str:
        """The changes as the user would type them; empty where there are none."""
        return f"--set {shlex.join(setting(self.changes))}" if self.changes else ""

    def changed(self) -> str:
        """The changes beside what ran: ``penalties.r1.weight 0 → 0.1``; empty where there are none."""
        return changes_in_words(self.changes, self.before)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Finding:
        """The inverse of :meth:`to_json`. Raises TypeError for other fields."""
        return cls(**fields)


def changes_in_words(changes: dict[str, Any], before: dict[str, Any]) -> str:
    """Dotted keys of a recipe, each with the value that ran and the new one."""
    return ", ".join(
        f"{key} {_short(before[key])} → {_short(value)}" if key in before else f"{key} = {_short(value)}"
        for key, value in changes.items()
    )


def _short(value: Any) -> str:
    """A value for a person: of a list of parts, their names and weights."""
    if isinstance(value, (list, tuple)):
        parts = [
            f"{part.get('name')} {_short(part.get('weight'))}" if isinstance(part, dict) else _short(part)
            for part in value
        ]
        return " + ".join(parts) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None or value == "" else str(value)


def setting(changes: dict[str, Any]) -> list[str]:
    """Dotted keys and values as words behind ``--set``: ``batch=32``."""
    words: list[str] = []
    for key, value in changes.items():
        plain = json.dumps(value, separators=(",", ":")) if isinstance(value, (list, tuple, dict)) else value
        short = isinstance(value, float) and float(f"{value:g}") == value
        words.append(f"{key}={value:g}" if short else f"{key}={plain}")
    return words


def symptom(
    *, order: int, says: Literal["cause", "follows", "unknown"] = "cause"
) -> Callable[[Callable[[History], Finding | None]], Symptom]:
    """Declare a function of a history, which gives a finding or None: its name is the finding's code.

    Its first line is the symptom's words. Args are those of :class:`Symptom`.
    """

    def declared(seen: Callable[[History], Finding | None]) -> Symptom:
        words = (seen.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        return Symptom(seen.__name__.replace("_", "-"), words, seen, order, says)

    return declared
