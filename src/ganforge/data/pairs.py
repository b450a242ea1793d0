"""Pairs: pictures side by side, and pictures of two places that belong together by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.degrade import SIDES
from ganforge.data.inputs import way_of
from ganforge.data.pictures import picture_sizes
from ganforge.data.pixels import Fit
from ganforge.data.raw import Inputs, Progress, Raw, Skipped, keep_rows
from ganforge.data.readers import Source, has_names, names_of, read
from ganforge.data.sizes import choose_size

__all__ = ["HALVES", "Matched", "cut_in_two", "match", "pairs_match", "read_pairs"]

HALVES = {"left": (2, 1), "right": (2, 1), "top": (1, 2), "bottom": (1, 2)}
_ALONE = 0.05  # share of the pictures without a partner that stops a training


def cut_in_two(raw: Raw, side: str) -> Raw:
    """Side-by-side pictures: ``side`` becomes the input, what lies opposite the example.

    Raises:
        DataError: the examples are no pictures, or too small to be cut.
    """
    assert side in SIDES
    if raw.kind != "pictures":
        raise DataError(f"source={side} cuts pictures in two, and the examples are {raw.kind}")
    channels, height, width = raw.shape
    axis = 3 if side in ("left", "right") else 2
    half = raw.shape[axis - 1] // 2
    if min(height if axis == 3 else width, half) < 8:
        raise DataError(
            f"the pictures are {width}×{height}; cut in two they need 8 pixels a side; give --size"
        )
    first, last = slice(0, half), slice(raw.shape[axis - 1] - half, None)
    ours, other = (first, last) if side in ("left", "top") else (last, first)
    before = (slice(None),) * axis
    shape = (channels, height, half) if axis == 3 else (channels, half, width)
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[side]
    words = (
        f"input: the {side} half of each picture, {shape[2]}×{shape[1]}; the {opposite} half is its target"
    )
    return replace(
        raw,
        values=raw.values[(*before, other)],
        shape=shape,
        inputs=Inputs(
            values=raw.values[(*before, ours)], shape=shape, finish=raw.finish, value_range=raw.value_range
        ),
        found=(*raw.found, words),
    )


@dataclass(frozen=True, eq=False)
class Matched:
    """Two lists of names compared.

    Attributes:
        pairs: names that belong together, of both, in the first's order.
        alone, others: what has no partner, of the first and of the second.
    """

    pairs: list[tuple[str, str]]
    alone: list[str]
    others: list[str]


def match(names: Sequence[str], others: Sequence[str]) -> Matched:
    """Pair ``a/b.png`` with ``a/b.jpg``; folders that all of one side share do not count.

    Where no path agrees, the files' own names do, if they are different ones within each side.
    """
    for key in (_paths, _stems):
        one, two = key(names), key(others)
        shared = [word for word in one if word in two]
        if shared:
            pairs = [(one[word], two[word]) for word in shared]
            mine, theirs = {a for a, _ in pairs}, {b for _, b in pairs}
            return Matched(pairs, [n for n in names if n not in mine], [n for n in others if n not in theirs])
    return Matched([], list(names), list(others))


def _paths(names: Sequence[str]) -> dict[str, str]:
    """Path without extension and without the folders that all share, to the first such name."""
    shared = os.path.commonpath([os.path.dirname(name) for name in names]) if names else ""
    skip = len(shared) + 1 if shared else 0
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(os.path.splitext(name[skip:])[0], name)
    return found


def _stems(names: Sequence[str]) -> dict[str, str]:
    stems = {os.path.splitext(os.path.basename(name))[0]: name for name in names}
    return stems if len(stems) == len(names) else {}


def pairs_match(what: str | Path, source: str) -> bool:
    """Whether examples and inputs belong together one by one, so that a translation can be trained.

    By their names, if most of the smaller side's have a partner; of arrays and built-in sets, by how many
    there are. Inputs that are made from the examples always do.

    Raises:
        DataError: one of the two is not there, or cannot be read.
    """
    if way_of(source, True) != "pairs":
        return True
    one, two = Source.of(what), Source.of(source)
    if one.path is not None and two.path is not None and has_names(one.path) and has_names(two.path):
        names, others = names_of(one.path), names_of(two.path)
        return len(match(names, others).pairs) > 0.5 * min(len(names), len(others))
    if has_names(one.path) or has_names(two.path):
        return False
    sides = [read(side, size=None, channels=None, scratch=None) for side in (one, two)]
    return sides[0].n == sides[1].n


def read_pairs(
    one: Source,
    two: Source,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    scratch: Path | None,
    progress: Progress | None,
    reader: Callable[..., Raw],
    how: Fit = "crop",
    value_range: ValueRange | None = None,
    source_range: ValueRange | None = None,
) -> Raw:
    """Examples of ``one`` with inputs of ``two``: by name, or row by row where there are no names.

    Both get the same size, but where every target is 2, 3, 4, … times as large as its input: that is kept.

    Args:
        reader: reads the examples as ``read`` does, with what they say of themselves.
        how, value_range, source_range: see ``read``; the last one is of the inputs.

    Raises:
        DataError: one side is empty, more than 5 % of the pictures have no partner, or rows do not agree.
    """
    if has_names(one.path) != has_names(two.path):
        raise DataError(
            f"{one.name} and {two.name} are of two kinds: pairs need names on both sides, or rows on both; "
            "two piles that are not paired are for --recipe cyclegan"
        )
    if not has_names(one.path):
        ours, theirs = ({"how": how, "value_range": found} for found in (value_range, source_range))
        return _by_row(one, two, size=size, channels=channels, reader=partial(reader, **ours), theirs=theirs)
    assert one.path is not None
    assert two.path is not None
    assert scratch is not None
    matched = _matched(one.path, two.path)
    size, other_size, why = _sizes(one.path, two.path, matched, size)
    targets = reader(
        one,
        size=size,
        channels=channels,
        scratch=scratch / "pixels",
        progress=_part(progress, 0),
        only={a for a, _ in matched.pairs},
        how=how,
        value_range=value_range,
    )
    partner = dict(matched.pairs)
    inputs = read(
        two,
        size=other_size,
        channels=None,
        scratch=scratch / "inputs",
        progress=_part(progress, 1),
        only={partner[name] for name in targets.names},
        how=how,
        value_range=source_range,
    )
    number = {name: i for i, name in enumerate(inputs.names)}
    both = [i for i, name in enumerate(targets.names) if partner[name] in number]
    if len(both) < 2:
        raise DataError(f"fewer than 2 pairs of {one.name} and {two.name} can be read; gan data lists why")
    index = np.array([number[partner[targets.names[i]]] for i in both])
    targets = keep_rows(targets, np.array(both), scratch / "pixels-of-pairs")
    inputs = keep_rows(inputs, index, scratch / "inputs-of-pairs")
    alone = [Skipped(name, f"no partner in {two.name}", bad=False) for name in matched.alone]
    alone += [
        Skipped(name, f"an input without a partner in {one.name}", bad=False) for name in matched.others
    ]
    words = f"input: {targets.n:,} pairs by name with {two.name}; {why}"
    return replace(
        targets,
        inputs=_as_inputs(inputs),
        skipped=(*targets.skipped, *inputs.skipped, *alone),
        notes=(*targets.notes, *(f"of the inputs: {note}" for note in inputs.notes)),
        warnings=(*targets.warnings, *(f"of the inputs: {warning}" for warning in inputs.warnings)),
        found=(*targets.found, words),
    )


def _as_inputs(raw: Raw) -> Inputs:
    return Inputs(values=raw.values, shape=raw.shape, finish=raw.finish, value_range=raw.value_range)


def _part(progress: Progress | None, part: int) -> Progress | None:
    """One of two equal parts of the work."""
    if progress is None:
        return None
    return lambda done, total: progress(done + part * total, 2 * total)


def _matched(one: Path, two: Path) -> Matched:
    """The pairs of two places. DataError where a side is empty or too many have no partner."""
    names, others = names_of(one), names_of(two)
    for path, found in ((one, names), (two, others)):
        if not found:
            raise DataError(
                f"there are no pictures in {path}; put one there for each picture of the other side"
            )
    matched = match(names, others)
    alone = [*matched.alone, *matched.others]
    if len(alone) > _ALONE * (len(names) + len(others)):
        shown = ", ".join(alone[:3])
        raise DataError(
            f"{len(alone):,} of {len(names) + len(others):,} pictures of {one} and {two} have no partner of"
            f" the same name ({shown}, …); name pairs alike, or take two piles: --recipe cyclegan"
        )
    return matched


def _sizes(
    one: Path, two: Path, matched: Matched, size: tuple[int, int] | None
) -> tuple[tuple[int, int], tuple[int, int], str]:
    """Sizes of examples and inputs ``(width, height)``, and the reason in words."""
    ours = picture_sizes(one, {a for a, _ in matched.pairs})
    theirs = picture_sizes(two, {b for _, b in matched.pairs})
    known = [(ours[a], theirs[b]) for a, b in matched.pairs if a in ours and b in theirs]
    if not known:
        raise DataError(f"no pair of {one} and {two} can be read; gan data {one} says why")
    if size is None:
        size, _ = choose_size([a for a, _ in known])
    factors = {_times(a, b) for a, b in known}
    factor = factors.pop() if len(factors) == 1 else None
    if factor is not None and factor > 1 and size[0] % factor == size[1] % factor == 0:
        smaller = (size[0] // factor, size[1] // factor)
        return size, smaller, f"targets are {factor} times as large as inputs, and stay so"
    unequal = sum(a != b for a, b in known)
    if unequal:
        return size, size, f"{unequal:,} have two sizes: both are resized to {size[0]}×{size[1]}"
    return size, size, f"both {size[0]}×{size[1]}"


def _times(target: tuple[int, int], given: tuple[int, int]) -> int | None:
    """How many times a target is as large as its input, where that is a whole number."""
    factor = max(1, target[0] // given[0])
    return factor if target == (factor * given[0], factor * given[1]) else None


def _by_row(
    one: Source,
    two: Source,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    reader: Callable[..., Raw],
    theirs: dict[str, Any],
) -> Raw:
    targets = reader(one, size=size, channels=channels, scratch=None)
    inputs = read(two, size=None, channels=None, scratch=None, **theirs)
    if targets.n != inputs.n:
        raise DataError(
            f"{one.name} has {targets.n:,} rows and {two.name} {inputs.n:,}: pairs need one input for each "
            "example; two piles that are not paired are for --recipe cyclegan"
        )
    if targets.kind != inputs.kind:
        raise DataError(f"{one.name} holds {targets.kind} and {two.name} {inputs.kind}; pairs need one kind")
    why = "as they are"
    if targets.kind == "pictures" and targets.shape[1:] != inputs.shape[1:]:
        wide = (targets.shape[2], targets.shape[1])
        factor = _times(wide, (inputs.shape[2], inputs.shape[1]))
        why = f"targets are {factor} times as large as inputs, and stay so"
        if factor is None:
            inputs = read(two, size=wide, channels=None, scratch=None, **theirs)
            why = f"inputs are resized to {wide[0]}×{wide[1]}"
    return replace(
        targets,
        inputs=_as_inputs(inputs),
        warnings=(*targets.warnings, *(f"of the inputs: {warning}" for warning in inputs.warnings)),
        found=(*targets.found, f"input: {targets.n:,} pairs, row by row, with {two.name}; {why}"),
    )
