"""What was found in a source before training, as data and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ganforge.core.declared import CODECS
from ganforge.core.names import alike
from ganforge.core.space import Space
from ganforge.data.bars import bars
from ganforge.data.duplicates import Duplicates
from ganforge.data.raw import Raw, Skipped, count_labels

__all__ = ["Scan", "make_scan"]

BAD_SHARE = 0.05  # more bad files than this stop a training
_SHOWN = 5  # of a list, on the terminal


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The state of a source.

    Attributes:
        source: its path or built-in name.
        form: the kind of source in words.
        kind: points, pictures or shapes.
        count: usable examples.
        shape: of one example as it will be trained on.
        sample_rate: of sounds.
        sizes: ``"width×height"`` to the number of pictures, before resizing.
        modes: Pillow's mode or the array's type, to the number of examples.
        classes: class to number of examples; empty without classes.
        exact_duplicates: examples that equal an earlier one.
        near_duplicates: further examples that nearly equal an earlier one (pictures only).
        duplicate_pairs: a few of both, by name or number.
        skipped: files that were left out, with the reason.
        ignored: other files beside the examples.
        found: on conditions, pairs and clips, one line each.
        notes: what was decided.
        warnings: what to look at before training.
    """

    source: str
    form: str
    kind: str
    count: int
    shape: tuple[int, ...]
    sample_rate: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    modes: Mapping[str, int] = field(default_factory=dict[str, int])
    classes: Mapping[str, int] = field(default_factory=dict[str, int])
    exact_duplicates: int = 0
    near_duplicates: int = 0
    duplicate_pairs: tuple[tuple[str, str], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    ignored: int = 0
    found: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def bad_share(self) -> float:
        """Share of the files that are bad. What merely lacks a caption or a partner is not."""
        bad = sum(file.bad for file in self.skipped)
        return bad / max(1, bad + self.count)

    @property
    def too_many_bad(self) -> bool:
        """Whether training refuses this source: more than 5 % of its files are bad."""
        return self.bad_share > BAD_SHARE

    def headline(self) -> str:
        """``512 pictures, 3 skipped · 64×64 RGB · 4 classes``."""
        space = Space(kind=self.kind, shape=self.shape, sample_rate=self.sample_rate)
        words = [f"{self.count:,} {self.kind}", space.describe()]
        if self.skipped:
            words[0] += f", {len(self.skipped)} skipped"
        if self.classes:
            words.append(f"{len(self.classes)} classes")
        return " · ".join(words)

    def lines(self) -> list[str]:
        """The report for a terminal, one short line each."""
        lines = [self.headline(), f"source: {self.source} ({self.form})"]
        if len(self.sizes) > 1:
            lines.append(f"sizes: {_counts(self.sizes)}" if len(self.sizes) <= 12 else _extent(self.sizes))
        if self.modes:
            lines.append(f"modes: {_counts(self.modes)}")
        if self.classes:
            lines.append(f"classes: {_counts(self.classes, 12)}")
        lines += self.found
        if self.exact_duplicates or self.near_duplicates:
            shown = "; ".join(f"{one} = {other}" for one, other in self.duplicate_pairs[:_SHOWN])
            lines.append(f"duplicates: {self.exact_duplicates} exact, {self.near_duplicates} near ({shown})")
        lines += [f"skipped: {file.name}: {file.reason}" for file in self.skipped[:_SHOWN]]
        if len(self.skipped) > _SHOWN:
            lines.append(f"skipped: and {len(self.skipped) - _SHOWN} more")
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"warning: {warning}" for warning in self.warnings]
        return lines

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Scan:
        """The inverse of :meth:`to_json`."""
        tuples: dict[str, Any] = {
            "shape": tuple(fields["shape"]),
            "duplicate_pairs": tuple((one, other) for one, other in fields["duplicate_pairs"]),
            "skipped": tuple(Skipped(**file) for file in fields["skipped"]),
            "found": tuple(fields["found"]),
            "notes": tuple(fields["notes"]),
            "warnings": tuple(fields["warnings"]),
        }
        return cls(**{**fields, **tuples})


def _extent(sizes: Mapping[str, int]) -> str:
    """``sizes: 1,938 of them, width 64 to 256, height 64 to 256``."""
    widths, heights = zip(*([int(side) for side in size.split("×")] for size in sizes), strict=True)
    return (
        f"sizes: {len(sizes):,} of them, width {min(widths)} to {max(widths)},"
        f" height {min(heights)} to {max(heights)}"
    )


def _counts(counts: Mapping[str, int], shown: int = _SHOWN) -> str:
    """``a 10, b 7, 3 more`` with the commonest first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    text = ", ".join(f"{name} {count:,}" for name, count in ordered[:shown])
    return text + (f", {len(ordered) - shown} more" if len(ordered) > shown else "")


def make_scan(source: str, raw: Raw, duplicates: Duplicates) -> Scan:
    """Put together what a source and its duplicates tell."""
    classes = count_labels(raw.labels, raw.classes)
    found = list(raw.warnings)
    codec = CODECS[raw.kind]
    if raw.n < 100:
        found.append(f"only {raw.n} {raw.kind}: a GAN will learn them by heart; 100 or more are better")
    if classes and min(classes.values()) * 10 <= max(classes.values()):
        rare, common = min(classes, key=classes.__getitem__), max(classes, key=classes.__getitem__)
        found.append(
            f"classes are unbalanced: {common!r} has {classes[common]:,}, {rare!r} only {classes[rare]:,}"
        )
    found += [
        f"{len(same)} classes are one name in several spellings: {', '.join(map(repr, same))}; if they are"
        " one class, write them alike"
        for same in alike(list(classes))
    ]
    repeated = duplicates.exact + duplicates.near
    if codec.picture_files and repeated > 0.1 * raw.n:
        found.append(f"{repeated} of {raw.n} pictures repeat another one ({repeated / raw.n:.0%})")
    if codec.picture_files and (seen := bars(raw.values, raw.finish)):
        found.append(seen)
    bad = sum(file.bad for file in raw.skipped)
    skipped_share = bad / max(1, bad + raw.n)
    if skipped_share > BAD_SHARE:
        found.append(f"{math.ceil(100 * skipped_share)} % of the files are bad: training stops above 5 %")

    # Numbers drawn from a distribution meet by chance; that is no finding.
    drawn = raw.form == "built in" and not codec.keeps_alike

    def name(i: int) -> str:
        return raw.names[i] if raw.names else f"{codec.one} {i}"

    return Scan(
        source=source,
        form=raw.form,
        kind=raw.kind,
        count=raw.n,
        shape=raw.shape,
        sample_rate=raw.about.get("rate"),
        sizes=dict(raw.sizes),
        modes=dict(raw.modes),
        classes=classes,
        exact_duplicates=0 if drawn else duplicates.exact,
        near_duplicates=duplicates.near,
        duplicate_pairs=() if drawn else tuple((name(i), name(j)) for i, j in duplicates.pairs),
        skipped=raw.skipped,
        ignored=raw.ignored,
        found=raw.found,
        notes=raw.notes,
        warnings=tuple(found),
    )
