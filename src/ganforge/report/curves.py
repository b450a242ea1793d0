"""Curves as inline SVG that keeps its letters at their size on any width."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from ganforge.report.events import Moment
from ganforge.report.markup import Markup, join, tag
from ganforge.report.panels import Line, Panel
from ganforge.report.plain import kimg, short
from ganforge.report.scale import Scale, round_steps, scale_for

__all__ = ["chart", "glyph", "readings"]

HEIGHT = 176  # CSS pixels of the plot
_WIDTH = 1000  # its own units across, stretched to whatever there is
# A mark's shape says its kind as its colour does.
_SHAPES = {
    "good": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "notice": "M0 -5L5 0L0 5L-5 0z",
    "warning": "M0 -5L5 4H-5z",
    "failure": "M-4 -4L4 4M4 -4L-4 4",
    "rescue": "M-1.5 -5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5V-1.5H-1.5z",
    "event": "M-3.5 -3.5H3.5V3.5H-3.5z",
}
_MARKS = 40  # at most in one chart


def chart(panel: Panel, marks: Sequence[Moment], span: float) -> Markup:
    """A panel with its words, its key and its curves; ``span`` is the examples that its axis ends at."""
    scale, span = _scale(panel), panel.span or span
    last = {line.name: _last(line) for line in panel.lines}
    summary = f"{panel.title}, against examples shown. " + "; ".join(
        f"{name} ends at {short(value)}" for name, value in last.items()
    )
    bent = {"straight": "", "log": " The scale is logarithmic.", "asinh": " The scale is bent."}[scale.bend]
    entries = [
        tag(
            "li",
            tag("span", class_="swatch", aria_hidden="true"),
            line.name,
            " ",
            tag("b", _reading(line, _last_index(line)), data_value=str(index)),
            class_=line.tone,
        )
        for index, line in enumerate(panel.lines)
    ]
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("h4", panel.title, tag("span", class_="at", aria_hidden="true")),
            tag("p", panel.hint + bent, class_="hint"),
            tag("ul", *entries, class_="key"),
        ),
        tag(
            "div",
            _axis_y(scale),
            tag(
                "svg",
                _grid(scale, panel.level),
                tag(
                    "svg",
                    *(_curve(line, panel.nimg, scale, span) for line in panel.lines),
                    viewBox=f"0 0 {_WIDTH} {HEIGHT}",
                    preserveAspectRatio="none",
                    width="100%",
                    height=str(HEIGHT),
                    class_="curves",
                ),
                *(_mark(moment, span) for moment in _marked(marks)),
                tag("line", class_="cross", y1="0", y2=str(HEIGHT), visibility="hidden"),
                class_="plot",
                height=str(HEIGHT),
                role="img",
                aria_label=summary,
            ),
            _axis_x(span),
            class_="chart",
        ),
        tag("output", class_="unseen"),
        class_="panel",
        id=f"panel-{panel.key}",
        tabindex="0",
        role="group",
        aria_label=f"{panel.title}: curve; arrow keys read its values",
    )


def readings(panels: Sequence[Panel], marks: Sequence[Moment], span: float) -> dict[str, Any]:
    """What the page's script reads aloud: for each panel its moments, and of each line the values as text."""
    return {
        "panels": {
            panel.key: {
                "span": panel.span or span,
                "x": list(panel.nimg),
                "names": [line.name for line in panel.lines],
                "values": [[_reading(line, i) for i in range(len(panel.nimg))] for line in panel.lines],
            }
            for panel in panels
        },
        "marks": [[moment.nimg, moment.words] for moment in _marked(marks)],
    }


def _scale(panel: Panel) -> Scale:
    """From the values and floors; bands are cut where they reach beyond twice that, as a wild one does."""
    drawn = [value for line in panel.lines for value in (*line.values, *line.floor)]
    known = [value for value in drawn if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = max(high - low, 0.05 * max(abs(low), abs(high)), 1e-12)
    for line in panel.lines:
        for value in (*line.low, *line.high):
            if math.isfinite(value):
                drawn.append(min(max(value, low - room), high + room))
    if panel.level is not None:
        drawn.append(panel.level)
    return scale_for(drawn, within=panel.within)


def _last_index(line: Line) -> int:
    """The last moment at which it was measured; 0 where it never was."""
    return max((i for i, value in enumerate(line.values) if math.isfinite(value)), default=0)


def _last(line: Line) -> float:
    return line.values[_last_index(line)] if line.values else math.nan


def _reading(line: Line, index: int) -> str:
    """``.0814 [.075, .087], best possible .004``."""
    if not line.values or math.isnan(line.values[index]):
        return "not known"
    value = short(line.values[index])
    if line.floor:
        ends = [line.low[index], line.high[index]]
        value += f" [{short(ends[0])}, {short(ends[1])}]" if all(map(math.isfinite, ends)) else ""
        value += f", best possible {short(line.floor[index])}" if math.isfinite(line.floor[index]) else ""
    return value


def _x(nimg: float, span: float) -> float:
    """Share of the way from left to right."""
    return min(1.0, max(0.0, nimg / span)) if span > 0 else 0.0


def _y(value: float, scale: Scale) -> float:
    """Pixels from above."""
    return HEIGHT * (1 - scale.place(value))


def _pieces(*rows: Sequence[float]) -> Iterator[list[tuple[float, ...]]]:
    """Rows side by side, cut wherever one of them is not finite."""
    columns = zip(*rows, strict=True)
    for whole, piece in groupby(columns, key=lambda column: all(map(math.isfinite, column))):
        if whole:
            yield list(piece)


def _curve(line: Line, nimg: Sequence[float], scale: Scale, span: float) -> Markup:
    """The band, the floor and the line. A point that stands alone is a dot."""
    x = [_WIDTH * _x(value, span) for value in nimg]
    parts: list[Markup] = []
    if line.low and line.high:
        ends = [
            [min(HEIGHT, max(0.0, _y(v, scale))) if v == v else v for v in end]
            for end in (line.low, line.high)
        ]
        for piece in _pieces(x, *ends):
            edge = [(a, low) for a, low, _ in piece] + [(a, high) for a, _, high in reversed(piece)]
            parts.append(tag("path", class_="band", d=f"{_through(edge)}z"))
    if line.floor:
        floors = list(_pieces(x, [_y(v, scale) for v in line.floor]))
        if [len(piece) for piece in floors] == [1]:  # known once: it stands for the whole run
            floors = [[(0.0, floors[0][0][1]), (float(_WIDTH), floors[0][0][1])]]
        parts.append(tag("path", class_="floor", d="".join(map(_through, floors))))
    pieces = list(_pieces(x, [_y(v, scale) for v in line.values]))
    if line.bridged and pieces:
        pieces = [[point for piece in pieces for point in piece]]
    parts.append(tag("path", class_="line", d="".join(map(_through, pieces))))
    alone = [piece for piece in pieces if len(piece) == 1]
    if alone:
        parts.append(tag("path", class_="dot", d="".join(map(_through, alone))))
    return tag("g", *parts, class_=line.tone)


def _through(points: Sequence[tuple[float, ...]]) -> str:
    """A path from point to point, each ``(x, y)``."""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"{path}h.1" if len(points) == 1 else path


def _grid(scale: Scale, level: float | None) -> Markup:
    heights = [(_y(value, scale), "grid") for value in scale.ticks()]
    if level is not None:
        heights.append((_y(level, scale), "level"))
    return join(
        *(tag("line", class_=kind, x1="0", x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}") for y, kind in heights)
    )


def _axis_y(scale: Scale) -> Markup:
    labels = [
        tag("text", short(value), x="44", y=f"{_y(value, scale) + 4:.1f}", text_anchor="end")
        for value in scale.ticks()
    ]
    return tag("svg", *labels, class_="ticks", width="48", height=str(HEIGHT), aria_hidden="true")


def _axis_x(span: float) -> Markup:
    steps = (
        [step for step in round_steps(0.0, span / 1000, 4) if step <= 0.88 * span / 1000]
        if span > 0
        else [0.0]
    )
    labels = [
        tag(
            "text",
            f"{step:,.0f}" if step >= 100 else short(step),
            x=f"{100 * _x(1000 * step, span):.2f}%",
            y="15",
            text_anchor="start" if step == 0 else "middle",
        )
        for step in steps
    ]
    labels.append(tag("text", "kimg", x="100%", y="15", text_anchor="end"))
    return tag("svg", *labels, class_="ticks along", height="20", aria_hidden="true")


def glyph(tone: str) -> Markup:
    """The mark of a kind of moment, for lists."""
    shape = tag("path", d=_SHAPES.get(tone, _SHAPES["event"]))
    return tag("svg", shape, class_=f"glyph {tone}", viewBox="-7 -7 14 14", aria_hidden="true")


def _marked(moments: Sequence[Moment]) -> list[Moment]:
    """The moments that stand on the curves: those whose place is known, the newest where they are many."""
    return [one for one in moments if math.isfinite(one.nimg) and one.tone != "end"][-_MARKS:]


def _mark(moment: Moment, span: float) -> Markup:
    shape = _SHAPES.get(moment.tone, _SHAPES["event"])
    return tag(
        "svg",
        tag("title", f"{kimg(moment.nimg)}: {moment.words}"),
        tag("line", x1="0", x2="0", y1="8", y2=str(HEIGHT)),
        tag("path", d=shape),
        class_=f"mark {moment.tone}",
        x=f"{100 * _x(moment.nimg, span):.2f}%",
    )
