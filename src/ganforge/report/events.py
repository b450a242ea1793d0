"""What happened in a run, in words: events and findings, each at its moment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ganforge.health import history
from ganforge.health.finding import SEVERITIES, Finding, changes_in_words
from ganforge.report.plain import counted, entries, kimg, mapping, number, spaced, words

__all__ = ["Moment", "ending", "finding_in", "moments", "present_findings", "rescues"]

_KNOWN = {"time", "event", "nimg", "seconds", "reason"}
_TONES = {
    "finished": "end",
    "finding gone": "end",
    "diverged": "failure",
    "refused": "warning",
    "damaged checkpoint": "warning",
    "out of memory": "warning",
}


@dataclass(frozen=True)
class Moment:
    """Something that happened.

    Attributes:
        nimg: examples shown by then; NaN where nobody noted it.
        tone: a severity of a finding, ``rescue``, ``event``, or ``end`` for what is marked on no curve.
        words: what it was.
        code: of a finding, else empty.
    """

    nimg: float
    tone: str
    words: str
    code: str = ""


def finding_in(event: dict[str, Any]) -> Finding | None:
    """The finding that an event of kind ``finding`` carries; None where it is none, or damaged."""
    fields = mapping(event.get("finding"))
    if event.get("event") != "finding" or fields.get("severity") not in SEVERITIES:
        return None
    nimg = number(fields.get("nimg", event.get("nimg")))
    return Finding(
        code=words(fields.get("code", "finding")),
        severity=fields["severity"],
        nimg=0 if math.isnan(nimg) else int(nimg),
        evidence={name: number(value) for name, value in mapping(fields.get("evidence")).items()},
        meaning=words(fields.get("meaning", "")),
        remedy=words(fields.get("remedy", "")),
        changes=mapping(fields.get("changes")),
        before=mapping(fields.get("before")),
        because=words(fields.get("because", "")),
    )


def present_findings(events: Iterable[dict[str, Any]]) -> tuple[list[Finding], list[Finding]]:
    """Findings that were not called gone, and those that were; of each code the last, the gravest first."""
    now: dict[str, Finding] = {}
    gone: dict[str, Finding] = {}
    for event in events:
        found = finding_in(event)
        if found is not None:
            now[found.code] = found
        elif event.get("event") in ("finding gone", "rescued"):
            code = words(event.get("code", ""))
            if code in now:
                gone[code] = now.pop(code)
    return _gravest_first(now.values()), _gravest_first(f for f in gone.values() if f.code not in now)


def _gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda found: (-found.rank, -found.nimg))


def moments(events: Sequence[dict[str, Any]], findings: Iterable[Finding] = ()) -> list[Moment]:
    """Events in the order of their happening, then those of ``findings`` that no event told of."""
    timeline = [moment for moment in map(_moment, events) if moment is not None]
    last = {moment.code: moment.words for moment in timeline if moment.code}
    timeline += [one for one in map(_found, findings) if last.get(one.code) != one.words]
    return [one for one, before in zip(timeline, [None, *timeline], strict=False) if one != before]


def _found(finding: Finding) -> Moment:
    return Moment(
        float(finding.nimg), finding.severity, f"{spaced(finding.code)}: {finding.meaning}", finding.code
    )


def _moment(event: dict[str, Any]) -> Moment | None:
    kind = words(event.get("event", ""))
    if not kind:
        return None
    finding = finding_in(event)
    if finding is not None:
        return _found(finding)
    nimg = number(event.get("nimg"))
    tone = "rescue" if "rescue" in kind else _TONES.get(kind, "event")
    return Moment(nimg, tone, _sentence(kind, event))


def _sentence(kind: str, event: dict[str, Any]) -> str:
    """An event in words; of a kind that is not known here, its name and its fields."""
    reason = words(event.get("reason", ""))
    match kind:
        case "finished" | "interrupted":
            return f"{kind}: {reason}" if reason else kind
        case "resumed":
            return "resumed from the checkpoint of " + kimg(number(_integer(event.get("checkpoint"))))
        case "refused":
            moves, of = number(event.get("moves")), number(event.get("of"))
            return f"{counted(moves, 'update')} of {words(of)} refused: the gradients were not finite"
        case "diverged":
            broken = words([spaced(name) for name in entries(event.get("not_finite"))])
            return f"diverged: numbers were no longer finite ({broken or 'the gradients'})"
        case "finding gone":
            return f"{spaced(event.get('code'))}: no longer seen"
        case "rescued":
            back, changed = number(event.get("back_to")), _changed(event)
            return f"rescued: back to {kimg(back)}, and on with {changed or 'nothing changed'}"
        case "damaged checkpoint":
            return f"a damaged checkpoint was passed over: {words(event.get('what', ''))}"
        case "out of memory":
            parts = counted(number(event.get("parts")), "part")
            return f"out of memory: from the last checkpoint on, each batch is played in {parts}"
        case "fewer threads":
            before = words(event.get("before", ""))
            return (
                f"the machine was busy: on with {words(event.get('threads', ''))} thread in place of {before}"
            )
        case "watching failed":
            return f"a watcher failed, training went on: {words(event.get('error', ''))}"
        case _:
            fields = {name: value for name, value in event.items() if name not in _KNOWN}
            parts = [reason, *(f"{spaced(name)} {words(value)}" for name, value in fields.items())]
            return f"{spaced(kind)}: {'; '.join(part for part in parts if part)}".rstrip(": ")


def _integer(value: Any) -> int | None:
    """The number in the name of a checkpoint's folder."""
    name = words(value)
    return int(name) if name.isascii() and name.isdecimal() and len(name) <= 18 else None


def rescues(events: Iterable[dict[str, Any]]) -> str:
    """How often the run was rescued and what was changed last, in words; empty where it never was."""
    changes = [_changed(event) for event in events if event.get("event") == "rescued"]
    if not changes:
        return ""
    return f"{'once' if len(changes) == 1 else f'{len(changes)} times'}; the last one set {changes[-1]}"


def _changed(event: dict[str, Any]) -> str:
    """What a rescue changed, in words."""
    return words(changes_in_words(mapping(event.get("changes")), mapping(event.get("before"))))


def ending(events: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """How the training ended: ``finished``, ``interrupted``, ``diverged`` or ``open``; and why, in words."""
    end = history.ending(events)
    if not end:
        return "open", "still training, or ended without a word"
    return end["event"], _sentence(end["event"], end)
