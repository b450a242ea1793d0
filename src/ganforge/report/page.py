"""``report.html``: everything that a run folder says, on one page that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ganforge.health.diagnosis import Diagnosis, diagnose
from ganforge.health.finding import Finding
from ganforge.health.history import History, bounded
from ganforge.metrics.score import Score
from ganforge.report import sections, tables
from ganforge.report.beside import Beside, beside
from ganforge.report.curves import readings
from ganforge.report.events import ending, moments, present_findings, rescues
from ganforge.report.film import frames_of
from ganforge.report.markup import Markup, join, tag
from ganforge.report.panels import POINTS, beside_panel, game_panels, score_panels
from ganforge.report.plain import counted, duration, kimg, number, short
from ganforge.report.scores import Row, best_look, measured
from ganforge.report.sections import Pair, Strip
from ganforge.runs.files import write_atomically
from ganforge.runs.folder import Run

__all__ = ["write_report"]


def write_report(
    run: Run,
    *,
    diagnosis: Diagnosis | None = None,
    scores: Sequence[Score] | None = None,
    nearest: Sequence[Pair] | None = None,
    strips: Sequence[Strip] = (),
    others: Mapping[str, Run] | None = None,
) -> Path:
    """Write ``report.html`` into the folder of ``run`` and return its path.

    The page is one file of less than 10 MB that loads nothing: pictures and scripts are within. What is
    missing or damaged in the folder is left out, and said.

    Args:
        run: the run; its log, events and pictures are read from the folder.
        diagnosis: what was found; None diagnoses the log.
        scores: None reads ``scores.json``, else takes the last examination in the log.
        nearest: samples ``space.shape`` in declared units, the training example nearest to each, and
            their distance; None shows none.
        strips: rows of examples and samples, from top to bottom.
        others: runs that it is compared with, at most three, by their names.

    Raises:
        MachineError: it cannot be written.
    """
    path = run.path / "report.html"
    page = _page(run, diagnosis, scores, nearest, strips, others or {})
    write_atomically(path, page.encode("utf-8", errors="replace"))
    return path


def _page(
    run: Run,
    diagnosis: Diagnosis | None,
    scores: Sequence[Score] | None,
    pairs: Sequence[Pair] | None,
    strips: Sequence[Strip],
    others: Mapping[str, Run],
) -> str:
    events = [bounded(event) for event in run.events()]
    state, ended = ending(events)
    history = History.of(run)
    diagnosis = diagnosis or diagnose(history)
    now, earlier = _findings(diagnosis, events)
    timeline = moments(events, now)
    found = measured(run, history, scores)
    quality, game = score_panels(history), game_panels(history)
    frames, unreadable = frames_of(run.samples)
    nimg, seconds = float(history.nimg), _seconds(history)
    span = max([nimg, *(one.nimg for one in timeline if math.isfinite(one.nimg))], default=0.0)
    name = run.path.name or run.path.resolve().name
    side = [Beside(name, run, history, diagnosis, found)]
    side += [Beside.of(other, called) for called, other in others.items()]
    common = beside_panel({one.name: one.history for one in side}) if others else None
    verdict = _summary(diagnosis)
    body = join(
        sections.header(name, verdict, diagnosis.verdict.severity, _facts(run, found.rows, nimg, seconds)),
        tag(
            "main",
            sections.strips(strips, run.space),
            beside(side, common),
            sections.film(frames, unreadable, run.space),
            sections.curves(quality, game, timeline, span, _note(history)),
            sections.findings(now, earlier, run),
            tables.scores(found, run),
            sections.nearest(pairs, run.space, found.held_out),
            sections.provenance(
                run,
                seconds=seconds,
                nimg=nimg,
                ended=ended,
                best=best_look(history),
                rescues=rescues(events),
            ),
            sections.next_steps(run, state),
        ),
    )
    return _assembled(name, body, readings([*quality, *game, *([common] if common else [])], timeline, span))


def _findings(diagnosis: Diagnosis, events: Sequence[dict[str, Any]]) -> tuple[list[Finding], list[Finding]]:
    """What holds at the end, and the warnings and failures that there were before."""
    present, gone = present_findings(events)
    now = list(diagnosis.findings)
    codes = {one.code for one in now}
    return now, [one for one in [*present, *gone] if one.rank >= 2 and one.code not in codes]


def _assembled(name: str, body: Markup, numbers: dict[str, Any]) -> str:
    """The whole page. The browser is told to run nothing and to load nothing but what is in it."""
    parts = {
        suffix: (files("ganforge.report") / f"page.{suffix}").read_text("utf-8")
        for suffix in ("html", "css", "js")
    }
    # A browser must not see an end of the script within the data.
    data = json.dumps(numbers, ensure_ascii=True).replace("<", "\\u003c")
    return Template(parts["html"]).substitute(
        title=tag("title", f"{name} · ganforge report"),
        style=parts["css"],
        style_hash=_digest(parts["css"]),
        script=parts["js"],
        script_hash=_digest(parts["js"]),
        data=data,
        body=body,
    )


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _seconds(history: History) -> float:
    known = [value for value in history.plain("seconds") if math.isfinite(value)]
    return float(known[-1]) if known else math.nan


def _note(history: History) -> str:
    """What the curves leave out."""
    ticks, examined = len(history.ticks), len(history.examined)
    note = f"{counted(ticks, 'tick')} in the log"
    note += f", {counted(examined, 'examination')}" if examined else ""
    return f"{note}; {POINTS} of them are drawn." if ticks > POINTS else f"{note}."


def _facts(run: Run, rows: Sequence[Row], nimg: float, seconds: float) -> list[str]:
    facts = [f"{kimg(nimg)} in {duration(seconds)}"] if nimg else []
    if rows and math.isfinite(rows[0].value):
        best = rows[0]
        floor = f" (best possible {short(best.floor)})" if math.isfinite(best.floor) else ""
        facts.append(f"{best.name} {short(best.value)}{floor}")
    train = number(run.data.get("train"))
    return [*facts, f"{counted(train, 'example')} to learn from", run.space.describe()]


def _summary(diagnosis: Diagnosis) -> str:
    """The verdict as a sentence, and what the gravest finding means."""
    words = diagnosis.verdict.words
    meaning = diagnosis.findings[0].meaning if diagnosis.findings else ""
    return f"{words[:1].upper()}{words[1:]}. {meaning}".rstrip()
