"""Pairs: pictures side by side, and pictures of two places that belong together by their names."""

from __future__ import annotations

import bisect
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.core.names import folded
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.core.value_range import ValueRange
from ganforge.data.degrade import SIDES
from ganforge.data.folders import list_examples
from ganforge.data.inputs import way_of
from ganforge.data.layouts import are_numbered
from ganforge.data.matching import Matched, match
from ganforge.data.pictures import picture_sizes
from ganforge.data.pixels import Fit
from ganforge.data.raw import Inputs, Progress, Raw, Skipped, keep_rows
from ganforge.data.readers import Source, has_names, names_of, read
from ganforge.data.sizes import choose_size

__all__ = ["HALVES", "cut_in_two", "pairs_match", "read_pairs"]

HALVES = {"left": (2, 1), "right": (2, 1), "top": (1, 2), "bottom": (1, 2)}
_ALONE = 0.05  # share of the pictures without a partner that stops a training
_MOST = 0.5  # share of the smaller side's names that agree, above which the two are pairs
_LOOKED_AT = 200  # names that are tried for several partners


def cut_in_two(raw: Raw, side: str) -> Raw:
    """Side-by-side pictures: ``side`` becomes the input, what lies opposite the example.

    Raises:
        DataError: the examples are no pictures, or too small to be cut.
    """
    assert side in SIDES
    if not CODECS[raw.kind].picture_files:
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


def pairs_match(what: str | Path, source: str, table: TableFormat = FOUND) -> bool:
    """Whether examples and inputs belong together one by one, so that a translation can be trained.

    By their names, if most of the smaller side's have a partner; of arrays and built-in sets, by how many
    there are. Inputs that are made from the examples always do.

    Raises:
        DataError: one of the two is not there, or cannot be read; or they may be pairs or not, and only a
            person can tell: as many on both sides and no names that agree, or some that do.
    """
    if way_of(source, True) != "pairs":
        return True
    one, two = Source.of(what), Source.of(source)
    if one.path is not None and two.path is not None and has_names(one.path) and has_names(two.path):
        names, others = names_of(one.path), names_of(two.path)
        if _two_domains(one.path, two.path) and len(names) != len(others) and _only_numbers(names, others):
            return False
        return _names_agree(one.name, two.name, names, others)
    counts = [
        len(names_of(side.path))
        if side.path is not None and has_names(side.path)
        else read(side, size=None, channels=None, scratch=None, table=table).n
        for side in (one, two)
    ]
    if not has_names(one.path) and not has_names(two.path):
        return counts[0] == counts[1]
    if counts[0] == counts[1]:
        raise DataError(
            f"{one.name} and {two.name} hold {counts[0]:,} examples each, files in one and rows in the other:"
            f" if they are pairs, save both in one way; {_TWO_DOMAINS}"
        )
    return False


_TWO_DOMAINS = "if they are two domains that are not paired: --recipe cyclegan (gan data: --unpaired)"


def _two_domains(one: Path, two: Path) -> bool:
    """Whether they are called as domains of CycleGAN are: trainA and trainB, or A/train and B/train."""
    called = {(path.parent if path.name.lower() == "train" else path).name.lower() for path in (one, two)}
    return called in ({"traina", "trainb"}, {"a", "b"})


def _only_numbers(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether too many have no partner for pairs, and what agrees are numbers that any program gives."""
    apart = abs(len(names) - len(others)) > _ALONE * (len(names) + len(others))
    return apart and are_numbered(names) and are_numbered(others)


def _names_agree(one: str, two: str, names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether files are pairs by their names. DataError where that must be asked."""
    matched = match(names, others)
    share = len(matched.pairs) / max(1, min(len(names), len(others)))
    if share > _MOST and not matched.doubtful:
        return True
    if share > _MOST:
        raise DataError(
            f"{matched.how}: are {one} and {two} pairs? If so, name them alike, or give --recipe pix2pix;"
            f" {_TWO_DOMAINS}"
        )
    if share > _ALONE and not matched.doubtful:
        raise DataError(
            f"only {len(matched.pairs):,} of {len(names):,} pictures of {one} have a partner by name in {two}"
            f" ({_few(matched.alone)} have none): if they are pairs, name them alike; {_TWO_DOMAINS}"
        )
    if len(names) == len(others) > 0:
        raise DataError(
            f"{one} and {two} hold {len(names):,} pictures each, and no name of one agrees with one of the"
            f" other ({names[0]} … and {others[0]} …): if they are pairs, name them alike; {_TWO_DOMAINS}"
        )
    if _many_to_one(names, others) or _many_to_one(others, names):
        raise DataError(
            f"names of {one} and {two} begin alike, but one has several for each of the other ({names[0]},"
            f" {others[0]}): if they are pairs, leave one partner for each; {_TWO_DOMAINS}"
        )
    return False


def _many_to_one(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether most of ``names`` are what others begin with: photo1 beside photo1_a and photo1_b."""
    stems = sorted(folded(os.path.splitext(os.path.basename(name))[0]) for name in others)
    hits = 0
    for name in names[:_LOOKED_AT]:
        start = folded(os.path.splitext(os.path.basename(name))[0])
        at = bisect.bisect_left(stems, start)
        hits += at < len(stems) and stems[at].startswith(start) and not stems[at][len(start) :][:1].isalnum()
    return hits > _MOST * min(len(names), _LOOKED_AT)


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
    table: TableFormat = FOUND,
) -> Raw:
    """Examples of ``one`` with inputs of ``two``: by name, or row by row where there are no names.

    Both get the same size, but where every target is 2, 3, 4, … times as large as its input: that is kept.

    Args:
        reader: reads the examples as ``read`` does, with what they say of themselves.
        how, value_range, source_range: see ``read``; the last one is of the inputs.
        table: how a csv file of inputs is read.

    Raises:
        DataError: one side is empty, more than 5 % of the pictures have no partner, or rows do not agree.
    """
    if has_names(one.path) != has_names(two.path):
        raise DataError(
            f"{one.name} and {two.name} are of two kinds: pairs need names on both sides, or rows on both; "
            "two domains that are not paired are for --recipe cyclegan"
        )
    if not has_names(one.path):
        ours, theirs = ({"how": how, "value_range": found} for found in (value_range, source_range))
        return _by_row(
            one,
            two,
            size=size,
            channels=channels,
            reader=partial(reader, **ours),
            theirs={**theirs, "table": table},
        )
    assert one.path is not None
    assert two.path is not None
    assert scratch is not None
    matched = _matched(one.path, two.path)
    if list_examples(one.path)[0].picture_files:
        size, other_size, why = _sizes(one.path, two.path, matched, size)
    else:
        other_size, why = size, "as they are"
    targets = reader(
        one,
        size=size,
        channels=channels,
        scratch=scratch / "pixels",
        progress=_part(progress, 0),
        only={a for a, _ in matched.pairs},
        how=how,
        value_range=value_range,
        translated=True,
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
        rate=targets.about.get("rate"),
        translated=True,
    )
    if targets.kind != inputs.kind:
        raise DataError(f"{one.name} holds {targets.kind} and {two.name} {inputs.kind}; pairs need one kind")
    number = {place: i for i, place in enumerate(_places(inputs.names))}
    wanted = [(partner[name], at) for name, at in _places(targets.names)]
    both = [i for i, place in enumerate(wanted) if place in number]
    if len(both) < 2:
        raise DataError(f"fewer than 2 pairs of {one.name} and {two.name} can be read; gan data lists why")
    index = np.array([number[wanted[i]] for i in both])
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
        warnings=(*targets.warnings, *_warnings(matched, one.name, two.name), *_of_inputs(inputs)),
        found=(*targets.found, words),
    )


def _places(names: Sequence[str]) -> list[tuple[str, int]]:
    """Each example's file, and which of that file's examples it is."""
    seen = Counter[str]()
    places: list[tuple[str, int]] = []
    for name in names:
        places.append((name, seen[name]))
        seen[name] += 1
    return places


def _as_inputs(raw: Raw) -> Inputs:
    return Inputs(values=raw.values, shape=raw.shape, finish=raw.finish, value_range=raw.value_range)


def _warnings(matched: Matched, one: str, two: str) -> list[str]:
    """What a person should know of how pairs were found."""
    said = [f"{matched.how}; if these are no pairs: --recipe cyclegan"] if matched.how else []
    for alone, here, there in ((matched.alone, one, two), (matched.others, two, one)):
        if alone:
            said.append(f"{len(alone):,} of {here} have no partner in {there}: not used ({_few(alone)})")
    return said


def _of_inputs(inputs: Raw) -> list[str]:
    return [f"of the inputs: {warning}" for warning in inputs.warnings]


def _few(names: Sequence[str], shown: int = 3) -> str:
    return ", ".join(names[:shown]) + (", …" if len(names) > shown else "")


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
        raise DataError(
            f"{len(alone):,} of {len(names) + len(others):,} pictures of {one} and {two} have no partner of"
            f" the same name ({_few(alone)}); name pairs alike, or take two domains: --recipe cyclegan"
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
    targets = reader(one, size=size, channels=channels, scratch=None, translated=True)
    theirs = {**theirs, "rate": targets.about.get("rate"), "translated": True}
    inputs = read(two, size=None, channels=None, scratch=None, **theirs)
    if targets.n != inputs.n:
        raise DataError(
            f"{one.name} has {targets.n:,} rows and {two.name} {inputs.n:,}: pairs need one input for each "
            "example; two domains that are not paired are for --recipe cyclegan"
        )
    if targets.kind != inputs.kind:
        raise DataError(f"{one.name} holds {targets.kind} and {two.name} {inputs.kind}; pairs need one kind")
    why = "as they are"
    if CODECS[targets.kind].picture_files and targets.shape[1:] != inputs.shape[1:]:
        wide = (targets.shape[2], targets.shape[1])
        factor = _times(wide, (inputs.shape[2], inputs.shape[1]))
        why = f"targets are {factor} times as large as inputs, and stay so"
        if factor is None:
            inputs = read(two, size=wide, channels=None, scratch=None, **theirs)
            why = f"inputs are resized to {wide[0]}×{wide[1]}"
    return replace(
        targets,
        inputs=_as_inputs(inputs),
        warnings=(*targets.warnings, *_of_inputs(inputs)),
        found=(*targets.found, f"input: {targets.n:,} pairs, row by row, with {two.name}; {why}"),
    )
