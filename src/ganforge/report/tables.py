"""Tables of scores and of classes."""

from __future__ import annotations

import math

from ganforge.report.film import embedded
from ganforge.report.markup import Child, Markup, tag
from ganforge.report.plain import short
from ganforge.report.scores import MEANINGS, ClassRow, Measured, Row
from ganforge.report.sections import section
from ganforge.runs.folder import Run

__all__ = ["scores", "table_of"]

_PICTURE = "discriminator.png"  # written by an evaluation that looks at the discriminator


def scores(measured: Measured, run: Run) -> Markup:
    """Scores, each with its best possible value; classes; and the discriminator beside the best one."""
    if not measured.rows:
        body = tag("p", "Not measured yet. gan evaluate measures them.", class_="quiet")
        return section("scores", "Scores", body, _discriminator(run))
    heads = ("score", "value", "95 % interval", "best possible", "", "how it was measured")
    about = f"{measured.origin} The best possible is what real examples score against real ones."
    return section(
        "scores",
        "Scores",
        tag("p", about, class_="quiet"),
        table_of(heads, [_row(row) for row in measured.rows]),
        *(tag("p", note, class_="quiet behind") for note in measured.notes),
        _classes(measured),
        _discriminator(run),
    )


def table_of(heads: tuple[str, ...], rows: list[Markup], class_: str | None = None) -> Markup:
    head = tag("thead", tag("tr", *(tag("th", words, scope="col") for words in heads)))
    return tag("table", head, tag("tbody", *rows), class_=class_)


def _classes(measured: Measured) -> Markup:
    if not measured.classes:
        return Markup("")
    heads = ("class", "share of samples", "read as asked", "coverage")
    about = measured.lags or "Each beside what real examples reach."
    rows = [_class(row) for row in measured.classes]
    return tag(
        "div",
        tag("h3", "Class by class"),
        tag("p", about, class_="behind"),
        table_of(heads, rows, "classes"),
    )


def _class(row: ClassRow) -> Markup:
    def cell(head: str, own: float, real: float) -> Markup:
        beside: Child = None if math.isnan(real) else tag("span", f" · real {_percent(real)}")
        return tag("td", tag("span", _percent(own), class_="own"), beside, class_="number", data_head=head)

    return tag(
        "tr",
        tag("th", row.name, scope="row"),
        cell("share of samples", row.share, row.share_real),
        cell("read as asked", row.read, row.read_real),
        cell("coverage", row.coverage, row.coverage_real),
    )


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.0f} %"


def _discriminator(run: Run) -> Markup:
    picture = embedded(run.path / _PICTURE, 400_000)
    if picture is None:
        return Markup("")
    return tag(
        "figure",
        tag("h3", "The discriminator beside the best one"),
        tag("img", src=Markup(picture), alt="densities, the discriminator, and the best discriminator"),
    )


def _row(row: Row) -> Markup:
    meaning = MEANINGS.get(row.key, "")
    note = "; ".join(part for part in (meaning, row.better) if part)
    known = not (math.isnan(row.low) or math.isnan(row.high))
    interval = f"{short(row.low)} to {short(row.high)}" if known else "–"
    floor = [short(row.floor), tag("span", "reached", class_="reached") if row.reached else None]
    return tag(
        "tr",
        tag("th", row.name, tag("span", note, class_="quiet") if note else None, scope="row"),
        tag("td", short(row.value), class_="number", data_head="value"),
        tag("td", interval, class_="number", data_head="95 % interval"),
        tag("td", *floor, class_="number", data_head="best possible"),
        tag("td", _whisker(row), class_="whisker"),
        tag("td", row.protocol or "–", class_="quiet", data_head="measured"),
    )


def _whisker(row: Row) -> Markup:
    """Value, interval and floor on a line of their own that begins at 0."""
    known = [v for v in (row.value, row.low, row.high, row.floor) if math.isfinite(v)]
    if math.isnan(row.value) or not known:
        return Markup("")
    low, high = min(0.0, *known), max(known)
    high = high if high > low else low + 1.0

    def x(value: float) -> str:
        return f"{4 + 112 * (value - low) / (high - low):.1f}"

    parts = [tag("line", class_="base", x1="4", x2="116", y1="9", y2="9")]
    if math.isfinite(row.low) and math.isfinite(row.high):
        parts.append(tag("line", class_="interval", x1=x(row.low), x2=x(row.high), y1="9", y2="9"))
    if math.isfinite(row.floor):
        parts.append(tag("line", class_="floor", x1=x(row.floor), x2=x(row.floor), y1="1", y2="17"))
    parts.append(tag("circle", cx=x(row.value), cy="9", r="3.5"))
    return tag("svg", *parts, viewBox="0 0 120 18", width="120", height="18", aria_hidden="true")
