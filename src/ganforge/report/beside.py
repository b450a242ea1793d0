"""A run beside others: verdicts, scores, the score's curves, and the settings in which they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganforge.core.fields import leaves
from ganforge.health.diagnosis import Diagnosis, diagnose
from ganforge.health.history import History
from ganforge.report.curves import chart
from ganforge.report.markup import Markup, tag
from ganforge.report.panels import Panel
from ganforge.report.plain import counted, kimg, short, words
from ganforge.report.scores import Measured, Row, measured
from ganforge.report.sections import section
from ganforge.report.tables import table_of
from ganforge.runs.folder import Run

__all__ = ["Beside", "beside"]

_ROWS = 60


@dataclass(frozen=True)
class Beside:
    """One of the runs.

    Attributes:
        name: for people; of several of one name, told apart.
        run, history, diagnosis: the folder, its log, and what was found.
        measured: its scores.
    """

    name: str
    run: Run
    history: History
    diagnosis: Diagnosis
    measured: Measured

    @classmethod
    def of(cls, run: Run, name: str) -> Beside:
        history = History.of(run)
        return cls(name, run, history, diagnose(history), measured(run, history, None))


def beside(some: Sequence[Beside], panel: Panel | None) -> Markup:
    """The first of ``some`` beside the others; nothing where it is alone. ``panel`` has their curves."""
    if len(some) < 2:
        return Markup("")
    names = [one.name for one in some]
    heads = ("", *names)
    facts = [
        ("verdict", [one.diagnosis.verdict.words for one in some]),
        ("examples shown", [kimg(float(one.history.nimg)) for one in some]),
        ("data", [words(one.run.data.get("source")) for one in some]),
    ]
    settings = [
        {name: words(value) for name, value in leaves(one.run.recipe.to_json()).items()} for one in some
    ]
    known = list(dict.fromkeys(name for one in settings for name in one))
    rows = [(name, [one.get(name, "–") for one in settings]) for name in known]
    differ = [(name, values) for name, values in rows if len(set(values)) > 1]
    same = f"{counted(len(rows) - len(differ), 'setting')} are the same."
    warning = "" if len({one.run.data.get("fingerprint") for one in some}) == 1 else _OTHER_DATA
    return section(
        "beside",
        f"Beside {', '.join(names[1:])}",
        tag("p", f"Bold is better beyond chance: the intervals do not meet. {warning}", class_="quiet"),
        table_of(heads, [*(_line(names, *fact) for fact in facts), *_scores(some)], "beside"),
        tag("div", chart(panel, (), panel.span), class_="panels") if panel is not None else None,
        tag("h3", "Settings that differ" if differ else "No setting differs"),
        tag("p", same, class_="quiet"),
        table_of(heads, [_line(names, *one) for one in differ[:_ROWS]], "beside") if differ else None,
    )


_OTHER_DATA = "They were not trained on the same data: each score compares with the run's own."


def _line(names: Sequence[str], subject: str, values: Sequence[str]) -> Markup:
    cells = [tag("td", value, data_head=name) for name, value in zip(names, values, strict=True)]
    return tag("tr", tag("th", subject, scope="row"), *cells)


def _scores(some: Sequence[Beside]) -> list[Markup]:
    """A line for each score that two of them have."""
    names = [one.name for one in some]
    rows = [{row.name: row for row in one.measured.rows} for one in some]
    lines: list[Markup] = []
    for name, own in rows[0].items():
        found = [one.get(name) for one in rows]
        known = [row for row in found if row is not None]
        if len(known) > 1:
            values = [
                "–" if row is None else _value(row, [other for other in known if other is not row])
                for row in found
            ]
            lines.append(_line(names, ", ".join(part for part in (name, own.better) if part), values))
    return lines


def _value(row: Row, others: Sequence[Row]) -> Markup:
    """A value with its interval and how many it was measured on; bold where it is the best beyond chance."""
    known = math.isfinite(row.low) and math.isfinite(row.high)
    interval = f" [{short(row.low)}, {short(row.high)}]" if known else ""
    best = bool(others) and all(_better(row, other) for other in others)
    value = tag("b", short(row.value)) if best else short(row.value)
    return tag("span", value, tag("span", f"{interval} {row.protocol.partition(' · ')[0]}", class_="quiet"))


def _better(row: Row, other: Row) -> bool:
    """Whether its interval lies wholly on the better side; never where one of them is not known."""
    sign = {"lower": -1.0, "higher": 1.0}.get(row.direction)
    if sign is None:
        return False
    return row.low > other.high if sign > 0 else row.high < other.low
