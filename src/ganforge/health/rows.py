"""What made rows of a table lack: a word, a spike, a rule. Copies are ``memorisation``, as of all data."""

from __future__ import annotations

from ganforge.codecs.rows.faults import BROKEN, NEVER, SMEARED
from ganforge.health.finding import Finding, Severity, symptom
from ganforge.health.history import Examined, History
from ganforge.health.measures import ended, late, progress

__all__ = ["rule_broken", "spike_smeared", "word_never_made"]

_MOST = 8  # that are named


def _faults(seen: Examined, what: str) -> dict[str, float]:
    probes = seen.record.get("probes")
    names = probes if isinstance(probes, dict) else {}
    return {name.removeprefix(what): seen.probe(name) for name in map(str, names) if name.startswith(what)}


def _lasting(history: History, what: str) -> dict[str, float]:
    """What was seen at both of the last two examinations, of a run that is not young."""
    recent = late(history, 2)
    if len(recent) < 2 or progress(history) < 0.25:
        return {}
    before, last = (_faults(seen, what) for seen in recent)
    return {name: value for name, value in last.items() if name in before}


def _found(history: History, code: str, faults: dict[str, float], meaning: str, remedy: str) -> Finding:
    sure = ended(history) or progress(history) > 0.5
    severity: Severity = "warning" if sure else "notice"
    named = dict(list(faults.items())[:_MOST])
    return Finding(
        code=code, severity=severity, nimg=history.nimg, evidence=named, meaning=meaning, remedy=remedy
    )


@symptom(order=232)
def word_never_made(history: History) -> Finding | None:
    """A word of a table that real rows often have is not in one of the samples."""
    faults = _lasting(history, NEVER)
    if not faults:
        return None
    words = ", ".join(list(faults)[:_MOST])
    meaning = f"Samples never have {words}, though {max(faults.values()):.0%} of the real rows do."
    return _found(
        history,
        "word-never-made",
        faults,
        meaning,
        "A longer run; until then ask for it: gan sample RUN --rows N --where COLUMN=WORD.",
    )


@symptom(order=234)
def spike_smeared(history: History) -> Finding | None:
    """A number that many real rows have comes in less than half as many samples."""
    faults = _lasting(history, SMEARED)
    if not faults:
        return None
    worst = min(faults, key=lambda name: faults[name])
    meaning = f"{worst} comes {faults[worst]:.0%} as often as in real rows: its neighbours come instead."
    return _found(
        history,
        "spike-smeared",
        faults,
        meaning,
        "A longer run; or --column NAME=word, where the number stands for a word.",
    )


@symptom(order=236)
def rule_broken(history: History) -> Finding | None:
    """A rule between columns that all real rows keep is broken by more than a hundredth of the samples."""
    faults = _lasting(history, BROKEN)
    if not faults:
        return None
    worst = max(faults, key=lambda name: faults[name])
    meaning = f"{faults[worst]:.0%} of the samples break {worst}, which all real rows keep."
    return _found(
        history, "rule-broken", faults, meaning, "A longer run; or leave out the rows that break it."
    )
