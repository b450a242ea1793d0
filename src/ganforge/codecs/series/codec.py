"""Series: what changes over time for each of many entities, with what stays the same through each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ganforge.codecs.rows.codec import FittedRows, Rows, aside, keys_like
from ganforge.codecs.rows.column import Column
from ganforge.codecs.rows.layout import Layout
from ganforge.codecs.series.clock import Clock
from ganforge.codecs.series.facts import SeriesFacts
from ganforge.codecs.series.picture import beside, one_series
from ganforge.codecs.series.reader import read_series
from ganforge.codecs.series.track import Number, Words, chosen, fit_number, fit_words
from ganforge.core.fields import flag, listed, mapping, only, real, whole
from ganforge.core.sequential import Sequential

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from ganforge.core.recipe import TableFormat
    from ganforge.core.space import Space
    from ganforge.data.raw import Raw

__all__ = ["STEPS", "FittedSeries", "Series"]

STEPS = "steps"
"""What the length of a series is called, among its attributes."""

_MANY = 10_000_000
_ONE_BY_ONE = 128  # steps, up to which each is known by its place
_CLASSES = 20  # levels of an attribute that can be foretold
_HEAD = 2  # rows of an example before the attributes: its first time, and its length


@dataclass(frozen=True, eq=False)
class FittedSeries:
    """What is known of a table's series.

    Attributes:
        columns: all columns, in the file's order.
        layout: how the file is written.
        entity, time: places of these columns; the entity may be None.
        constants, tracks: places of attributes and of features.
        clock: the grid of times.
        by_time: whether rows are ordered by time before they are by entity.
        last: the largest entity, where it is a number or a date.
        steps: of the longest series.
        table: what a network makes once for each series (first time, length, attributes), as rows of a table.
        fixed: rows of an example to the code that all have, which are not in that table.
        parts: of the features, in their order.
        series: how many it was fitted on.
    """

    columns: tuple[Column, ...]
    layout: Layout
    entity: int | None
    time: int
    constants: tuple[int, ...]
    tracks: tuple[int, ...]
    clock: Clock
    by_time: bool
    last: float
    steps: int
    table: FittedRows | None
    fixed: Mapping[int, float]
    parts: tuple[Number | Words, ...]
    series: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FittedSeries) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.columns, self.series))

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": [column.to_json() for column in self.columns],
            "layout": self.layout.to_json(),
            "entity": self.entity,
            "time": self.time,
            "constants": list(self.constants),
            "tracks": list(self.tracks),
            "clock": self.clock.to_json(),
            "by_time": self.by_time,
            "last": self.last,
            "steps": self.steps,
            "table": self.table and self.table.to_json(),
            "fixed": [[row, code] for row, code in self.fixed.items()],
            "parts": [part.to_json() for part in self.parts],
            "series": self.series,
        }

    @classmethod
    def from_json(cls, fields: Any, where: str) -> FittedSeries:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, list(cls.__dataclass_fields__), where)
        columns = tuple(
            Column.from_json(one, f"{where}.columns")
            for one in listed(fields["columns"], f"{where}.columns", 100_000)
        )

        def places(name: str) -> tuple[int, ...]:
            found = listed(fields[name], f"{where}.{name}", 100_000)
            return tuple(whole(i, f"{where}.{name}", 0, len(columns) - 1) for i in found)

        entity = fields["entity"]
        parts = tuple(
            (Words if mapping(one, where).get("sort") == "words" else Number).from_json(one, f"{where}.parts")
            for one in listed(fields["parts"], f"{where}.parts", 100_000)
        )
        found = cls(
            columns,
            Layout.from_json(fields["layout"], f"{where}.layout"),
            None if entity is None else whole(entity, f"{where}.entity", 0, len(columns) - 1),
            whole(fields["time"], f"{where}.time", 0, len(columns) - 1),
            places("constants"),
            places("tracks"),
            Clock.from_json(fields["clock"], f"{where}.clock"),
            flag(fields["by_time"], f"{where}.by_time"),
            real(fields["last"], f"{where}.last"),
            whole(fields["steps"], f"{where}.steps", 1, 1 << 20),
            None if fields["table"] is None else FittedRows.from_json(fields["table"], f"{where}.table"),
            {int(i): real(code, f"{where}.fixed") for i, code in fields["fixed"]},
            parts,
            whole(fields["series"], f"{where}.series", 0, _MANY),
        )
        made = 0 if found.table is None else len(found.table.modelled)
        if made + len(found.fixed) != _HEAD + len(found.constants) or len(parts) != len(found.tracks):
            raise ValueError(f"{where} does not fit together")
        if not all(columns[i].modelled for i in (found.time, *found.constants, *found.tracks)):
            raise ValueError(f"{where} has columns that no network makes")
        return found

    @cached_property
    def attributes(self) -> tuple[Column, ...]:
        return tuple(self.columns[i] for i in self.constants)

    @cached_property
    def varying(self) -> tuple[int, ...]:
        """Rows of an example that are columns of the table."""
        return tuple(row for row in range(_HEAD + len(self.constants)) if row not in self.fixed)

    @cached_property
    def features(self) -> tuple[Column, ...]:
        return tuple(self.columns[i] for i in self.tracks)


class Series(Sequential):
    """Series of codes ``(K, T)`` float64: first time, length and attributes at every step, then features.

    A network sees ``(C, T)``: blocks of what is the same through a series, in every step, then for each
    feature its value and its states. After a series' end all features are 0.
    """

    name = "series"
    words = "series of rows in time, one for each entity of a table, with attributes, gaps and lengths"
    one = "series"
    counted = "series"
    dims = 1
    dithers = True
    small = True
    pictured = False
    keeps_alike = False
    one_file = True
    precedence = 1
    headline = "sliced_wasserstein"
    extractor = "standardised"
    recipe = "series"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        fitted = space.fitted
        if isinstance(fitted, FittedSeries):
            self.fitted = fitted

    @property
    def dtype(self) -> Literal["float64"]:
        return "float64"

    @property
    def shape(self) -> tuple[int, ...]:
        if self.space.fitted is None:
            return self.space.shape
        return (_HEAD + len(self.fitted.constants) + len(self.fitted.tracks), self.fitted.steps)

    @property
    def suffix(self) -> str:
        return ".csv"

    @property
    def media(self) -> str:
        return "text/csv"

    def describe(self) -> str:
        features = self.shape[0] - _HEAD if self.space.fitted is None else len(self.fitted.tracks)
        return f"series of {features} features and up to {self.shape[1]} steps"

    def units(self) -> str:
        return "float64 codes: first time, steps, attributes, and features at each step"

    @classmethod
    def read_table(cls, path: Path, wish: TableFormat) -> Raw | None:
        wanted = wish.what == cls.name or (not wish.what and bool(wish.entity or wish.time))
        if wish.what not in ("", cls.name):
            return None
        return read_series(path, wish, sure=wanted)

    # -- fitted ------------------------------------------------------------------------------------------

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        columns = tuple(Column.from_json(column) for column in about["columns"])
        constants, tracks = tuple(about["constants"]), tuple(about["tracks"])
        length, layout = train[:, 1, 0], Layout.from_json(about["layout"])
        heads = [replace(columns[about["time"]], levels=()), Column(name=STEPS, kind="whole")]
        heads += [columns[i] for i in constants]
        known = train[:, : len(heads), 0]
        fixed = {row: float(codes[0]) for row, codes in enumerate(known.T) if (codes == codes[0]).all()}
        varying = [row for row in range(len(heads)) if row not in fixed]
        table = None
        if varying:
            found = Rows(replace(self.space, kind=Rows.name, shape=(len(varying),))).fit(
                known[:, varying],
                {"columns": [heads[row].to_json() for row in varying], "layout": layout.to_json()},
                standardise=standardise,
            )
            assert isinstance(found.fitted, FittedRows)
            table = found.fitted
        alive = np.arange(train.shape[2]) < length[:, None]
        parts: list[Number | Words] = []
        for k, i in enumerate(tracks):
            codes = train[:, _HEAD + len(constants) + k]
            gone = columns[i].gone(codes) & alive
            if columns[i].ordered:
                parts.append(fit_number(codes, alive & ~gone, columns[i], gaps=bool(gone.any())))
            else:
                parts.append(fit_words(np.where(gone, np.nan, codes)[alive]))
        fitted = FittedSeries(
            columns,
            layout,
            about["entity"],
            about["time"],
            constants,
            tracks,
            Clock.from_json(about["clock"], "clock"),
            about["by_time"],
            about["last"],
            train.shape[2],
            table,
            fixed,
            tuple(parts),
            len(train),
        )
        lasting = 0 if table is None else sum(block.width for block in table.blocks.values())
        channels = lasting + sum(part.width for part in parts)
        return replace(self.space, shape=(channels, train.shape[2]), fitted=fitted)

    @classmethod
    def fitted_from_json(cls, fields: Any, where: str) -> FittedSeries:
        return FittedSeries.from_json(fields, where)

    # -- units -------------------------------------------------------------------------------------------

    @property
    def table(self) -> Space | None:
        found = self.fitted.table
        if found is None:
            return None
        width = sum(block.width for block in found.blocks.values())
        return replace(self.space, kind=Rows.name, shape=(width,), fitted=found)

    @cached_property
    def _rows(self) -> Rows | None:
        return None if self.table is None else Rows(self.table)

    @cached_property
    def _slices(self) -> list[slice]:
        """Of the channels that change, those of each feature."""
        ends = list(accumulate(part.width for part in self.fitted.parts))
        return [slice(end - one.width, end) for end, one in zip(ends, self.fitted.parts, strict=True)]

    @property
    def numbers(self) -> tuple[int, ...]:
        pairs = zip(self.fitted.parts, self._slices, strict=True)
        return tuple(own.start for part, own in pairs if isinstance(part, Number))

    @property
    def choices(self) -> tuple[tuple[int, ...], ...]:
        found: list[tuple[int, ...]] = []
        for part, own in zip(self.fitted.parts, self._slices, strict=True):
            if isinstance(part, Number):
                found += [(i,) for i in range(own.start + 1, own.stop)]
            else:
                found.append(tuple(range(own.start, own.stop)))
        return tuple(found)

    def encode(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        import torch

        x = x.double()
        if u is None:  # as real series are in a batch: anywhere within
            u = torch.rand(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(
                x.device
            )
        fitted, steps = self.fitted, x.shape[2]
        alive = torch.arange(steps, device=x.device) < x[:, 1, :1]
        parts: list[Tensor] = []
        if self._rows is not None:
            rows = list(fitted.varying)
            parts.append(self._rows.encode(x[:, rows, 0], u[:, rows, 0])[:, :, None].expand(-1, -1, steps))
        at = _HEAD + len(fitted.constants)
        for k, part in enumerate(fitted.parts):
            column, codes = fitted.features[k], x[:, at + k]
            gone = (codes == column.gap) if column.missing is not None else torch.zeros_like(alive)
            parts.append(part.encode(codes, u[:, at + k], gone) * alive[:, None])
        return torch.cat(parts, 1)

    def _code(self, lasting: Tensor, row: int) -> Tensor:
        """Codes ``(N,)`` of one row of an example, by what lasts."""
        fitted = self.fitted
        if row in fitted.fixed:
            return lasting.new_full((len(lasting),), fitted.fixed[row]).double()
        assert self._rows is not None
        assert fitted.table is not None
        place = fitted.varying.index(row)
        blocks = list(fitted.table.blocks)
        if place not in blocks:  # others decide it
            one = fitted.table.derived[place]
            return one.codes([self._code(lasting, fitted.varying[k]) for k in one.rule.columns[:-1]])
        block, channels = self._rows.slices[blocks.index(place)]
        return block.decode(lasting[:, channels].detach())

    def alive(self, lasting: Tensor) -> Tensor:
        import torch

        steps = torch.arange(self.fitted.steps, device=lasting.device)
        return (steps < self._code(lasting, 1).round()[:, None]).float()[:, None]

    def context(self, lasting: Tensor) -> Tensor:
        import torch

        fitted = self.fitted
        steps = torch.arange(fitted.steps, device=lasting.device)
        length = self._code(lasting, 1).round()[:, None]
        place = steps / (length - 1.0).clamp_min(1.0)  # 0 at the first step, 1 at the last
        planes = [place, 1.0 - place, torch.exp(-steps / 2.0).expand_as(place)]
        planes += [
            wave
            for k in (1, 2, 3, 4)
            for wave in (torch.sin(math.pi * k * place), torch.cos(math.pi * k * place))
        ]
        if fitted.steps <= _ONE_BY_ONE:
            planes += [(steps == t).double().expand_as(place) for t in range(fitted.steps)]
        first = self._code(lasting, 0)[:, None]
        for period in fitted.clock.periods(seconds=self._time.by_seconds, dates=self._time.kind == "date"):
            turn = 2.0 * math.pi * ((first + steps * fitted.clock.step) / period % 1.0)
            planes += [wave for k in (1, 2) for wave in (torch.sin(k * turn), torch.cos(k * turn))]
        return torch.stack(planes, 1).float()

    def stepped(self, x: Tensor, alive: Tensor) -> Tensor:
        parts = [part.finish(x[:, own]) for part, own in zip(self.fitted.parts, self._slices, strict=True)]
        return _cat(parts) * alive

    def settled(self, x: Tensor) -> Tensor:
        fitted, first = self.fitted, self.lasting
        if not any(isinstance(part, Number) and part.settles for part in fitted.parts):
            return x
        alive = self.alive(x[:, :first, 0])[:, 0]
        parts = [x[:, :first]]
        for part, own in zip(fitted.parts, self._slices, strict=True):
            piece = x[:, first + own.start : first + own.stop]
            parts.append(part.settled(piece, alive) if isinstance(part, Number) and part.settles else piece)
        return _cat(parts)

    def finish(self, x: Tensor, z: Tensor, hold: Callable[[Tensor], Tensor]) -> Tensor:
        del z, hold
        lasting = x[:, : self.lasting].mean(2)
        if self._rows is not None:
            lasting = _cat(
                [
                    piece
                    for block, channels in self._rows.slices
                    for own in [lasting[:, channels]]
                    for hot in [chosen(own[:, : block.levels])]
                    for piece in ([hot, block.place(hot, own[:, -1:].sigmoid())] if block.placed else [hot])
                ]
            )
        steps = self.stepped(x[:, self.lasting :], self.alive(lasting))
        return self.settled(_cat([lasting[:, :, None].expand(-1, -1, x.shape[2]), steps]))

    def close(self, x: Tensor) -> Tensor:
        import torch

        x = x.cpu().float()
        fitted, first = self.fitted, self.lasting
        steps = fitted.steps
        made = np.zeros((len(x), *self.shape))
        for row, code in fitted.fixed.items():
            made[:, row] = code
        if self._rows is not None:
            made[:, list(fitted.varying)] = self._rows.close(x[:, :first, 0]).numpy()[:, :, None]
        made[:, 1] = np.clip(made[:, 1], 1, steps)
        at = _HEAD + len(fitted.constants)
        alive = np.arange(steps) < made[:, 1, :1]
        for k, (part, own) in enumerate(zip(fitted.parts, self._slices, strict=True)):
            piece = x[:, first + own.start : first + own.stop]
            if isinstance(part, Number) and part.settles:  # once more, to the last digit
                piece = part.settled(piece.double(), torch.from_numpy(alive).double())
            made[:, at + k] = np.where(alive, part.decode(piece, fitted.features[k]), 0.0)
        return torch.from_numpy(made)

    @property
    def _time(self) -> Column:
        return self.fitted.columns[self.fitted.time]

    @property
    def step(self) -> float:
        return 0.2

    # -- files -------------------------------------------------------------------------------------------

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        return self.file_of(sample[None])

    def file_of(self, codes: np.ndarray) -> bytes:
        """Series of codes ``(N, K, T)`` as a file like the one that was read, with new entities."""
        fitted = self.fitted
        lengths = codes[:, 1, 0].astype(int)
        owner = np.repeat(np.arange(len(codes)), lengths)
        step = np.concatenate([np.arange(n) for n in lengths]) if len(codes) else np.zeros(0, int)
        first = codes[:, 0, 0]
        if fitted.entity is None:
            first = self._one_after_another(codes)
        times = self._time.grid(fitted.clock.codes(first[owner], step.astype(float)))
        if "%f" in self._time.form:
            times = times.round(self._time.decimals[1])
        order = np.lexsort((owner, times)) if fitted.by_time else np.arange(len(owner))
        owner, step, times = owner[order], step[order], times[order]
        at = _HEAD + len(fitted.constants)
        cells: list[list[str]] = []
        for i, column in enumerate(fitted.columns):
            if i == fitted.time:
                cells.append(column.cells(times))
            elif i == fitted.entity:
                names = new_names(column, len(codes), fitted.last)
                cells.append([names[k] for k in owner.tolist()])
            elif i in fitted.constants:
                cells.append(column.cells(codes[owner, _HEAD + fitted.constants.index(i), 0]))
            elif i in fitted.tracks:
                cells.append(column.cells(codes[owner, at + fitted.tracks.index(i), step]))
            elif column.modelled:
                cells.append([column.missing or ""] * len(owner))
            else:
                cells.append(aside(column, len(owner)))
        return fitted.layout.file(fitted.columns, cells)

    def _one_after_another(self, codes: np.ndarray) -> np.ndarray:
        """First times of windows of one series that follow each other."""
        starts = np.concatenate([[0], np.cumsum(codes[:-1, 1, 0])])
        base = np.full(len(codes), float(codes[:, 0, 0].min()))
        return self.fitted.clock.codes(base, starts)

    # -- pictures ----------------------------------------------------------------------------------------

    def displacements(self, before: Tensor, after: Tensor) -> Image:
        return self.show(after.numpy(), before.numpy())

    @property
    def view(self) -> str:
        return "drawn"

    def picture(self, sample: np.ndarray) -> Image:
        return one_series(self.fitted.features, self.values(sample[None])[0])

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        """Some series of each feature, real above made, and how values depend on earlier ones."""
        return beside(
            self.fitted.features,
            self.values(samples),
            self.values(samples[:0] if real is None else real),
        )

    # -- values ------------------------------------------------------------------------------------------

    def values(self, codes: np.ndarray) -> np.ndarray:
        """Features ``(N, F, T)`` of codes ``(N, K, T)``, NaN where nothing is."""
        fitted = self.fitted
        found = codes[:, _HEAD + len(fitted.constants) :].copy()
        for k, column in enumerate(fitted.features):
            if column.missing is not None:
                found[:, k][found[:, k] == column.gap] = np.nan
        alive = np.arange(codes.shape[2]) < codes[:, 1, :1]
        return np.where(alive[:, None], found, np.nan)

    def attributes(self) -> tuple[str, ...]:
        return tuple(f"mean {c.name}" for c in self.fitted.features if c.ordered)

    def measure(self, x: Tensor) -> list[Tensor]:
        """The mean of each feature that is a number, over the steps at which there is one."""
        import torch

        alive = torch.arange(x.shape[2], device=x.device) < x[:, 1, :1]
        found: list[Tensor] = []
        at = _HEAD + len(self.fitted.constants)
        for k, column in enumerate(self.fitted.features):
            if not column.ordered:
                continue
            codes = x[:, at + k]
            there = alive & (codes != column.gap) if column.missing is not None else alive
            found.append((codes * there).sum(1) / there.sum(1).clamp_min(1))
        return found

    def facts(self) -> SeriesFacts:
        fitted = self.fitted
        places = {row: place for place, row in enumerate(fitted.varying)}
        blocks = {} if fitted.table is None else fitted.table.blocks
        classes: list[int] = []
        for k, column in enumerate(fitted.attributes):
            block = blocks.get(places.get(_HEAD + k, -1))
            few = len(column.levels) if block is None else len(block.values)
            if _HEAD + k in places and 2 <= few <= _CLASSES:
                classes.append(k)
        return SeriesFacts(
            tuple(column.name for column in fitted.features),
            tuple(column.ordered for column in fitted.features),
            tuple(column.name for column in fitted.attributes),
            tuple(classes),
            self.values,
            lambda codes: codes[:, _HEAD : _HEAD + len(fitted.constants), 0],
            lambda k, code: fitted.attributes[k].cells(np.array([code]))[0],
        )


def _cat(parts: Sequence[Tensor]) -> Tensor:
    import torch

    return torch.cat(list(parts), 1)


def new_names(column: Column, n: int, last: float) -> list[str]:
    """Names of new entities, of the form that the known ones have, and none of them."""
    if column.ordered:
        return column.cells(last + 1.0 + np.arange(n))
    taken = set(column.levels)
    numbered = [re.fullmatch(r"(.*?)(\d+)", word) for word in column.levels]
    stems = {match[1] for match in numbered if match}
    if all(numbered) and len(stems) == 1:
        digits = [match[2] for match in numbered if match]
        first, wide = max(map(int, digits)) + 1, len(digits[0]) if digits[0].startswith("0") else 0
        wide = max(wide, len(digits[0]) if len({len(word) for word in digits}) == 1 else 0)
        return [f"{next(iter(stems))}{first + i:0{wide}d}" for i in range(n)]
    likely = keys_like(max(column.levels, key=len), n)
    return [name if name not in taken else f"{name}-{i}" for i, name in enumerate(likely)]
