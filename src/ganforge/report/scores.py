"""Scores for a table, from wherever a run has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganforge.health.history import Examined, History
from ganforge.metrics.score import Score
from ganforge.report.plain import counted, entries, kimg, mapping, number, short, spaced, words
from ganforge.runs.folder import Run

__all__ = ["MEANINGS", "ClassRow", "Measured", "Row", "best_look", "measured"]

_NAMES = {
    "sliced_wasserstein": "sliced Wasserstein",
    "kernel_distance": "kernel distance",
    "support_size": "different samples (birthday paradox)",
    "missed": "left out",
    "memorisation": "nearer to training than to held-out examples",
}
# What a score asks, for those who meet it for the first time.
MEANINGS = {
    "kernel_distance": "how far the samples are from real examples, as a whole",
    "frechet_distance": "how far the samples are from real examples, as a whole",
    "precision": "share of samples that look like real examples",
    "recall": "share of real examples that the generator comes near to",
    "density": "how crowded real examples are around the samples",
    "coverage": "share of real examples with a sample in their neighbourhood",
    "missed": "share of real examples in parts of the data where hardly a sample is made",
    "sliced_wasserstein": "how far samples must be moved to become the real ones, along lines",
    "two_sample_accuracy": "how well a classifier tells samples from real examples; half is chance",
    "support_size": "about how many different samples there are",
    "memorisation": "half is right; more means that training examples are copied",
    "spectrum_gap": "whether fine and coarse detail have their right strength",
    "modes_covered": "clumps of the data that the generator makes",
    "high_quality": "share of samples close to a clump",
    "class_accuracy": "whether a sample shows the class that was asked for",
    "class_balance": "whether classes come as often as in the data",
}
_ROWS = 60  # scores, at most
_CLASSES = 60  # lines of the table of classes, at most
_DIRECTIONS = {
    "higher": "higher is better",
    "lower": "lower is better",
    "floor": "nearest the best possible is best",
}
# Of the scores that are looked at while training; the others carry theirs.
_BETTER = {
    "kernel_distance": "lower",
    "sliced_wasserstein": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
    "support_size": "higher",
    "missed": "lower",
    "memorisation": "floor",
}


@dataclass(frozen=True)
class Row:
    """One line of the table; numbers are NaN where they are not known.

    Attributes:
        key: the score's name in files.
        name: for people.
        value, low, high, floor: the score, its interval of 95 %, and its floor.
        direction: higher, lower or floor.
        protocol: how it was measured, in words.
    """

    key: str
    name: str
    value: float
    low: float
    high: float
    floor: float
    direction: str
    protocol: str

    @property
    def better(self) -> str:
        return _DIRECTIONS.get(self.direction, "")

    @property
    def reached(self) -> bool:
        """Whether the floor lies within the interval, or the value is on its better side."""
        if math.isnan(self.value) or math.isnan(self.floor):
            return False
        if self.low <= self.floor <= self.high:
            return True
        if self.direction == "lower":
            return self.value <= self.floor
        return self.direction == "higher" and self.value >= self.floor


@dataclass(frozen=True)
class ClassRow:
    """One class: shares of the samples, beside those of real examples; NaN where not known."""

    name: str
    share: float
    share_real: float
    read: float
    read_real: float
    coverage: float
    coverage_real: float


@dataclass(frozen=True)
class Measured:
    """What is known about quality.

    Attributes:
        rows: the scores, the headline first.
        origin: where they are from, in a sentence or two.
        classes: a row each, where there are labels.
        lags: which class lags, in a sentence; empty where nobody asked.
        notes: what a reader should know.
        held_out: median distance from a held-out example to the nearest training example; NaN if unknown.
    """

    rows: tuple[Row, ...] = ()
    origin: str = ""
    classes: tuple[ClassRow, ...] = ()
    lags: str = ""
    notes: tuple[str, ...] = ()
    held_out: float = math.nan


def measured(run: Run, history: History, given: Sequence[Score] | None) -> Measured:
    """Scores that were ``given``, else of ``scores.json``, else of the last look while training."""
    kept = _kept(run)
    if given:
        rows = [_row(score.to_json()) for score in given]
        return replace(kept, rows=_known(rows), origin="Measured for this report.")
    if kept.rows:
        return kept
    for examined in reversed(history.examined):
        rows = _looked_at(examined)
        if rows:
            origin = f"From the look at {kimg(examined.nimg)}, while training; gan evaluate is more exact."
            return Measured(rows, origin)
    return Measured()


def best_look(history: History) -> str:
    """The moment of the lowest headline score, in words; empty where there are fewer than two looks."""
    looks = [(number(one.score(one.headline)), one) for one in history.examined]
    looks = [(value, one) for value, one in looks if math.isfinite(value)]
    if len(looks) < 2:
        return ""
    value, best = min(looks, key=lambda look: look[0])
    floor = number(best.score(best.headline, "floor"))
    beside = f" (best possible {short(floor)})" if math.isfinite(floor) else ""
    return f"{_NAMES.get(best.headline, spaced(best.headline))} {short(value)}{beside} at {kimg(best.nimg)}"


def _kept(run: Run) -> Measured:
    """Of ``scores.json``, as `gan evaluate` leaves it; nothing where there is none that can be read."""
    record = run.scores()
    if not record:
        return Measured()
    then, samples = number(record.get("nimg")), number(record.get("samples"))
    origin = "As gan evaluate measured them"
    origin += "" if math.isnan(samples) else f" on {counted(samples, 'sample')}"
    origin += "." if math.isnan(then) else f", after {kimg(then)}."
    saved = {path.name.lstrip("0") or "0" for path in run.checkpoints.glob("[0-9]*")}
    if saved and math.isfinite(then) and f"{then:.0f}" not in saved:
        origin += " That generator is no longer kept: measure again."
    return Measured(
        _known(_row(mapping(entry)) for entry in entries(record.get("scores"))),
        origin,
        tuple(_class_row(mapping(entry)) for entry in entries(record.get("classes"))[:_CLASSES]),
        words(record.get("lags") or ""),
        tuple(words(note) for note in entries(record.get("notes"))[:12]),
        number(mapping(record.get("nearest")).get("held_out")),
    )


def _known(rows: Iterable[Row | None]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row is not None)[:_ROWS]


def _class_row(fields: dict[str, Any]) -> ClassRow:
    names = ("share", "share_real", "read", "read_real", "coverage", "coverage_real")
    return ClassRow(words(fields.get("name", "?")), *(number(fields.get(name)) for name in names))


def _row(fields: dict[str, Any]) -> Row | None:
    if not isinstance(fields.get("key"), str):
        return None
    key = words(fields["key"])
    interval = [number(end) for end in entries(fields.get("interval"))]
    low, high = interval if len(interval) == 2 else (math.nan, math.nan)
    return Row(
        key,
        words(fields.get("name") or spaced(key)),
        number(fields.get("value")),
        low,
        high,
        number(fields.get("floor")),
        words(fields.get("direction", "")),
        _protocol(mapping(fields.get("protocol"))),
    )


def _protocol(fields: dict[str, Any]) -> str:
    n = number(fields.get("n"))
    parts = ["" if math.isnan(n) else f"n {n:,.0f}"]
    parts += [words(fields[name]) for name in ("split", "resize") if fields.get(name)]
    parts += [f"{spaced(name)} {words(value)}" for name, value in mapping(fields.get("settings")).items()]
    return " · ".join(part for part in parts if part)


def _looked_at(examined: Examined) -> tuple[Row, ...]:
    """Of a look while training: smaller than an evaluation, and less exact."""
    record = examined.record
    protocol = _protocol(record)
    extractor = words(record.get("extractor") or "")
    rows: list[Row] = []
    for key in mapping(record.get("scores")):
        name = _NAMES.get(key, spaced(key))
        if extractor and key in ("kernel_distance", "sliced_wasserstein"):
            name += f" ({extractor})"
        value, low, high, floor = (
            number(examined.score(key, part)) for part in ("value", "low", "high", "floor")
        )
        rows.append(Row(words(key), name, value, low, high, floor, _BETTER.get(key, ""), protocol))
    return tuple(sorted(rows, key=lambda row: row.key != examined.headline))[:_ROWS]
