"""Rows of a table, made with conditions on any of their columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ganforge.codecs.rows import Rows
from ganforge.codecs.rows.block import Block
from ganforge.codecs.rows.codec import with_gaps
from ganforge.codecs.rows.column import Column
from ganforge.codecs.rows.reader import cells_of
from ganforge.codecs.rows.rules import narrow
from ganforge.core.columns import WIDE
from ganforge.core.errors import UsageError, nearest
from ganforge.core.prior import Prior
from ganforge.core.rng import Rng, key
from ganforge.networks.columns import ColumnsGenerator

__all__ = ["RowsMaker", "conditions"]

_BATCH = 4_096  # rows that are made at a time
_TRIES = 4  # rows tried for each one that is kept, where several columns have a range


@dataclass(frozen=True)
class _Wish:
    """What one column may be: stretches of its distribution, perhaps missing, and the ends of its codes."""

    stretches: tuple[tuple[float, float], ...]
    missing: bool
    ends: tuple[float, float]

    @property
    def single(self) -> bool:
        return len(self.stretches) + self.missing == 1 and self.ends[0] == self.ends[1]


# A column, the codes that it may have and their ends, and whether it may be missing.
_Bounds = tuple[Column, np.ndarray, tuple[float, float], bool]


def conditions(words: Sequence[str]) -> dict[str, str]:
    """``income=>50K age=30..40`` as a mapping. Raises UsageError."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"--where is NAME=VALUE or NAME=LOW..HIGH, as in age=30..40; not {word!r}")
        if name.strip() in found:
            raise UsageError(
                f"--where has {name.strip()} twice; several words are parted by |, as in {name}=a|b"
            )
        found[name.strip()] = value.strip()
    return found


class RowsMaker:
    """Makes rows of codes ``(N, K)`` with the generator of a table.

    Args:
        network: the generator, in evaluation.
        prior: what its latents are drawn from.
    """

    def __init__(self, network: ColumnsGenerator, prior: Prior) -> None:
        self.network = network
        self.prior = prior
        self.codec = cast(Rows, network.codec)
        self.fitted = self.codec.fitted
        self.places = list(self.fitted.blocks)
        self._device = next(network.parameters()).device

    # -- what is asked for ---------------------------------------------------------------------------------

    def wishes(self, where: Mapping[str, Any]) -> dict[int, _Wish]:
        """Blocks to what they may be. Raises UsageError for what no row can be."""
        found: dict[int, _Bounds] = {}
        for name, value in where.items():
            place = self._column(name)
            column = self.fitted.modelled[place]
            low, high, codes, missing = _allowed(column, value)
            derived = self.fitted.derived.get(place)
            if derived is not None:
                if derived.rule.sort != "decides":
                    causes = " and ".join(self.fitted.modelled[i].name for i in derived.rule.columns[:-1])
                    raise UsageError(f"{name} follows from {causes}; ask for {causes} instead")
                fits = np.array(derived.effects)
                ok = np.isin(fits, codes) if codes is not None else (fits >= low) & (fits <= high)
                codes = np.array(derived.causes)[ok]
                place = derived.rule.columns[0]
                column, missing = self.fitted.modelled[place], False
                if not len(codes):
                    raise UsageError(f"no row has {name}={value}")
                low, high = float(codes.min()), float(codes.max())
            block = self.fitted.blocks[place]
            known = np.array(block.values)
            if codes is None:
                codes = _between(block, low, high)
            else:
                codes = codes[np.isin(codes, known)] if not block.smooth else codes
            ends = (low, high)
            if place in found:
                _, others, other_ends, other_missing = found[place]
                codes = codes[np.isin(codes, others)]
                ends = (max(low, other_ends[0]), min(high, other_ends[1]))
                missing = missing and other_missing
            if not len(codes) and not (missing and block.gaps):
                span = (
                    f" {column.name} goes from {' to '.join(column.cells(known[[0, -1]]))}"
                    if column.ordered
                    else ""
                )
                beside = " beside what else is asked for" if place in found else ""
                raise UsageError(f"no row of the training data has {name}={value}{beside}.{span}")
            found[place] = (column, codes, ends, missing)
        found |= self._implied(found)
        wishes: dict[int, _Wish] = {}
        for place, (column, codes, ends, missing) in found.items():
            block = self.fitted.blocks[place]
            if missing and not len(codes):
                wishes[self.places.index(place)] = _Wish((), True, (column.gap, column.gap))
                continue
            limits = (float(codes.min()), float(codes.max())) if not block.smooth else ends
            wishes[self.places.index(place)] = _Wish(_stretches(block, codes, ends), missing, limits)
        return wishes

    def _implied(self, found: Mapping[int, _Bounds]) -> dict[int, _Bounds]:
        """What follows for columns by the orders that they keep. Raises UsageError where nothing can."""
        columns, rules = self.fitted.modelled, self.fitted.rules
        low, high = np.full((2, len(columns)), [[-np.inf], [np.inf]])
        for place, (column, codes, ends, _) in found.items():
            if column.ordered and len(codes):
                low[place], high[place] = ends
        before = list(zip(low, high, strict=True))
        broken = narrow(rules, low, high)
        implied: dict[int, _Bounds] = {}
        for place, block in self.fitted.blocks.items():
            ends = (float(low[place]), float(high[place]))
            gone = place in found and not len(found[place][1])
            if broken or gone or ends == before[place]:
                continue
            codes, missing = _between(block, *ends), place not in found and bool(block.gaps)
            if len(codes) or missing:
                implied[place] = (columns[place], codes, ends, missing)
            else:
                broken = next(rule for rule in rules if rule.sort == "at most" and place in rule.columns)
        if broken:
            said = broken.words([column.name for column in columns])
            raise UsageError(f"no row can be so: {said} in every row of the training data")
        return {
            place: one
            for place, one in implied.items()
            if len(one[1]) < len(self.fitted.blocks[place].values)
        }

    def _column(self, name: str) -> int:
        place = self.codec.column(name)
        if place is None:
            names = [column.name for column in self.fitted.modelled]
            aside = [column for column in self.fitted.columns if column.name == name]
            if aside:
                raise UsageError(f"{name} is a {aside[0].kind} and cannot be asked for")
            raise UsageError(
                f"there is no column {name!r}.{nearest(name, names)} Columns: {', '.join(names[:12])}"
            )
        return place

    # -- rows ----------------------------------------------------------------------------------------------

    def rows(
        self, n: int, *, where: Mapping[str, Any] | None = None, balance: str = "", seed: int = 0
    ) -> np.ndarray:
        """``(n, K)`` codes.

        Args:
            where: columns' names to what they shall be: a value, ``LOW..HIGH``, or words parted by ``|``.
            balance: a column of words, each of which comes as often.
            seed: the same seed makes the same rows.

        Raises:
            UsageError: no such column or word, or no row can be so.
        """
        if n < 1:
            raise UsageError(f"cannot make {n} rows; ask for at least 1")
        where = dict(where or {})
        if not balance:
            return self._make(n, self.wishes(where), seed)
        place = self._column(balance)
        column = self.fitted.modelled[place]
        if column.ordered:
            raise UsageError(f"--balance is for a column of words; {balance} is a {column.describe()}")
        levels = [
            word for word in column.levels if balance not in where or word in str(where[balance]).split("|")
        ]
        counts = [len(part) for part in np.array_split(np.arange(n), len(levels))]
        parts = [
            self._make(count, self.wishes({**where, balance: word}), key(seed, k))
            for k, (word, count) in enumerate(zip(levels, counts, strict=True))
            if count
        ]
        return np.concatenate(parts)[np.random.default_rng(seed).permutation(n)]

    def file(
        self, n: int, *, where: Mapping[str, Any] | None = None, balance: str = "", seed: int = 0
    ) -> bytes:
        """``n`` new rows as a file like the one that was read; see :meth:`rows`."""
        return self.codec.file_of(self.rows(n, where=where, balance=balance, seed=seed))

    def _make(self, n: int, wishes: Mapping[int, _Wish], seed: int) -> np.ndarray:
        ranges = sum(not wish.single for wish in wishes.values())
        tries = _TRIES if ranges > 1 else 1
        parts: list[np.ndarray] = []
        for start in range(0, n, _BATCH):
            count = min(_BATCH, n - start)
            # Always whole batches: the same row comes out whatever the number asked for.
            z = self.prior.seeded(_BATCH if tries == 1 else count, seed=seed, start=start)[:count]
            parts.append(self._batch(z, wishes, tries, key(seed, 7, start)))
        return np.concatenate(parts)

    @torch.inference_mode()
    def _batch(self, z: Tensor, wishes: Mapping[int, _Wish], tries: int, seed: int) -> np.ndarray:
        n = len(z)
        z = z.to(self._device)
        rng = Rng(seed, device=self._device)
        if tries > 1:
            z = torch.cat([z, self.prior(rng, n * (tries - 1)).to(self._device)])
        given = z.new_zeros(len(z), self.codec.space.size)
        mask = z.new_zeros(len(z), len(self.codec.blocks))
        weight = z.new_zeros(len(z))
        ranged = 0
        for b in sorted(wishes, key=lambda b: (not wishes[b].single, b)):
            mass = self._restrict(z, given, mask, b, wishes[b], rng)
            if not wishes[b].single:
                ranged += 1
                # How likely a later range is beside an earlier one decides which tries are kept.
                weight = weight + mass if ranged > 1 else weight
        if tries > 1:
            race = weight + -torch.log(-torch.log(rng.uniform(len(z)).clamp(1e-9, 1 - 1e-7)))
            kept = race.topk(n).indices  # without replacement, by weight (Efraimidis and Spirakis 2006)
            z, given, mask = z[kept], given[kept], mask[kept]
        low, high = np.full((2, len(self.fitted.modelled)), [[-np.inf], [np.inf]])
        for b, wish in wishes.items():  # what rounding moved out of a range comes back
            if wish.stretches:
                low[self.places[b]], high[self.places[b]] = wish.ends
        return self.codec.close(self.network.complete(z, given, mask), low, high).numpy()

    def _restrict(self, z: Tensor, given: Tensor, mask: Tensor, b: int, wish: _Wish, rng: Rng) -> Tensor:
        """Give column ``b`` a level that is allowed, as likely as the network has it; log of their mass."""
        block, channels = self.codec.slices[b]
        shares = torch.tensor(_overlaps(block, wish), device=z.device)
        at = sum(other.levels for other in self.codec.blocks[:b])
        logits = self.network.logits(z, given, mask).logits[:, at : at + block.levels]
        chances = torch.log_softmax(logits, 1) + shares.clamp_min(1e-30).log()
        chances = torch.where(shares > 0, chances, -torch.inf)
        level = (
            chances - torch.log(-torch.log(rng.uniform(len(z), block.levels).clamp(1e-9, 1 - 1e-7)))
        ).argmax(1)
        row = torch.nn.functional.one_hot(level, block.levels).float()
        if block.placed:
            place = torch.full((len(z),), 0.5, device=z.device)
            u = rng.uniform(len(z)).to(z.device)
            for k, (low, high) in enumerate(block.bounds[: len(block.first)]):
                inside = [
                    (max(a, low), min(c, high)) for a, c in wish.stretches if min(c, high) > max(a, low)
                ]
                if inside:
                    place = torch.where(level == k, _within(inside, u), place)
            row = torch.cat([row, ((place - 0.5) * WIDE)[:, None]], 1)
        given[:, channels] = row
        mask[:, b] = 1.0
        return torch.logsumexp(chances, 1)

    # -- gaps --------------------------------------------------------------------------------------------

    def complete(self, path: Path, *, seed: int = 0) -> tuple[bytes, int]:
        """A table of the same columns with its empty cells filled, as a file, and how many were.

        Raises:
            DataError: it cannot be read, or a column is not there.
            UsageError: a cell holds what the training data never had.
        """
        cells = cells_of(path, self.fitted.columns)
        given = np.zeros((len(next(iter(cells.values()))), len(self.fitted.modelled)))
        known = np.zeros_like(given, dtype=bool)
        for i, column in enumerate(self.fitted.modelled):
            places = {word: k for k, word in enumerate(column.levels)}
            for r, cell in enumerate(cells[column.name]):
                if cell is None:
                    continue
                code = column.code(cell) if column.ordered else places.get(cell)
                if code is None:
                    hint = nearest(cell, column.levels)
                    raise UsageError(
                        f"{path}, column {column.name!r}: the training data never had {cell!r}.{hint}"
                    )
                given[r, i], known[r, i] = code, True
        for i, derived in self.fitted.derived.items():
            cause = derived.rule.columns[0]
            if derived.rule.sort != "decides":
                continue
            back = {e: c for c, e in zip(derived.causes, derived.effects, strict=True)}
            for r in np.flatnonzero(known[:, i] & ~known[:, cause]).tolist():
                if given[r, i] in back:
                    given[r, cause], known[r, cause] = back[given[r, i]], True
        made = self._filled(given, known, seed)
        written = self.codec.cells(made)
        filled = 0
        for column, new in zip(self.fitted.columns, written, strict=True):
            old = cells[column.name]
            for r, cell in enumerate(old):
                if cell is not None:
                    new[r] = cell
                elif column.modelled:
                    filled += 1
        return self.fitted.layout.file(self.fitted.columns, written), filled

    @torch.inference_mode()
    def _filled(self, codes: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
        parts: list[np.ndarray] = []
        for start in range(0, len(codes), _BATCH):
            some = slice(start, start + _BATCH)
            safe = codes[some].copy()
            for i in self.places:
                block = self.fitted.blocks[i]
                safe[:, i] = np.where(
                    known[some, i], np.clip(safe[:, i], block.values[0], block.values[-1]), block.values[0]
                )
            given = self.codec.encode(torch.from_numpy(safe)).to(self._device)
            mask = torch.from_numpy(known[some][:, self.places]).float().to(self._device)
            z = self.prior.seeded(len(given), seed=seed, start=start).to(self._device)
            fixed = known[some] & ~np.isnan(with_gaps(self.fitted.modelled, codes[some]))
            low, high = np.where(fixed, codes[some], -np.inf), np.where(fixed, codes[some], np.inf)
            narrow(self.fitted.rules, low, high)
            # What is known to be filled in is never filled with missing.
            parts.append(self.codec.close(self._without_gaps(z, given, mask), low, high).numpy())
        return np.concatenate(parts)

    def _without_gaps(self, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Rows completed column by column, none of them missing."""
        rng = Rng(0, device=self._device)
        for b, block in enumerate(self.codec.blocks):
            if not block.gaps:
                continue
            new, seen = given.clone(), mask.clone()
            self._restrict(z, new, seen, b, _Wish(((0.0, 1.0),), False, (-math.inf, math.inf)), rng)
            hidden = mask[:, b : b + 1] == 0
            given, mask = torch.where(hidden, new, given), torch.where(hidden, seen, mask)
        return self.network.complete(z, given, mask)


def _allowed(column: Column, value: Any) -> tuple[float, float, np.ndarray | None, bool]:
    """The ends of the codes, all codes where these are words, and whether missing is meant. UsageError."""
    said = str(value)
    if value is None or (column.missing is not None and said == column.missing):
        if column.missing is None:
            raise UsageError(f"nothing is missing in {column.name}")
        return 0.0, 0.0, np.empty(0), True
    if column.ordered:
        if isinstance(value, tuple):
            ends: list[Any] = list(cast(tuple[Any, ...], value))
            said = f"{ends[0]}..{ends[-1]}"
        low, dots, high = said.partition("..")
        found: list[float] = []
        for cell, free in ((low, -math.inf), (high if dots else low, math.inf)):
            code = free if dots and not cell else column.code(cell.strip())
            if code is None:
                kind = column.describe().partition(",")[0]
                raise UsageError(
                    f"{column.name} is a {kind}; {cell!r} is none. Ask for {column.name}=LOW..HIGH"
                )
            found.append(code)
        if found[0] > found[1]:
            raise UsageError(f"{column.name}={said} goes from high to low; write the smaller one first")
        return found[0], found[1], None, False
    words = [said] if said in column.levels else [word.strip() for word in said.split("|")]
    for word in words:
        if word not in column.levels:
            known = ", ".join(column.levels[:8]) + (", …" if len(column.levels) > 8 else "")
            raise UsageError(
                f"{column.name} is never {word!r}.{nearest(word, column.levels)} It can be {known}"
            )
    codes = np.array([float(column.levels.index(word)) for word in words])
    return float(codes.min()), float(codes.max()), codes, False


def _between(block: Block, low: float, high: float) -> np.ndarray:
    """The block's codes from ``low`` to ``high``; where it is smooth, these, if they are within it."""
    known = np.array(block.values)
    codes = known[(known >= low) & (known <= high)]
    if block.smooth and not len(codes) and known[0] <= low <= high <= known[-1]:
        return np.array([low, high])
    return codes


def _stretches(block: Block, codes: np.ndarray, ends: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """The parts of the distribution that the codes take."""
    values, levels = np.array(block.values), np.array(block.ends)
    if block.smooth:
        low, high = np.interp(np.clip(ends, values[0], values[-1]), values, levels).tolist()
        first = np.searchsorted(values, ends[0], "left")
        low = float(levels[first]) if first < len(values) and values[first] == ends[0] else low
        return ((low, max(high, low + 1e-6)),)
    at = np.searchsorted(values, codes)
    return tuple((float(levels[i - 1]) if i else 0.0, float(levels[i])) for i in at.tolist())


def _overlaps(block: Block, wish: _Wish) -> list[float]:
    """Of each level, which share is allowed."""
    found: list[float] = []
    for low, high in block.bounds[: len(block.first)]:
        inside = sum(max(min(c, high) - max(a, low), 0.0) for a, c in wish.stretches)
        found.append(inside / max(high - low, 1e-12))
    return [*found, float(wish.missing)] if block.gaps else found


def _within(stretches: Sequence[tuple[float, float]], u: Tensor) -> Tensor:
    """Uniform over stretches by ``u`` ``(N,)``."""
    lengths = [high - low for low, high in stretches]
    total = sum(lengths)
    place, left = torch.zeros_like(u), u * total
    for (low, _), length in zip(stretches, lengths, strict=True):
        here = (left >= 0) & (left <= length)
        place = torch.where(here, low + left.clamp(0.0, length), place)
        left = torch.where(left > length, left - length, torch.full_like(left, -1.0))
    return place
