"""Tables of mixed columns: numbers, words, dates, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ganforge.codecs import plots
from ganforge.codecs.rows.block import Block, fit_block
from ganforge.codecs.rows.column import Column
from ganforge.codecs.rows.facts import TableFacts
from ganforge.codecs.rows.faults import faults_of
from ganforge.codecs.rows.layout import Layout
from ganforge.codecs.rows.picture import beside
from ganforge.codecs.rows.reader import read_rows, wants_rows
from ganforge.codecs.rows.rules import Rule, find_rules, rules_from_json
from ganforge.core.columns import Columnar
from ganforge.core.fields import listed, mapping, only, real
from ganforge.core.names import find_name

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from ganforge.core.recipe import TableFormat
    from ganforge.core.space import Space
    from ganforge.data.raw import Raw

__all__ = ["Derived", "FittedRows", "Rows", "aside", "keys_like", "with_gaps"]

_MANY = 10_000_000
_SCORES = 100  # up to which correlations are kept
_ROWS = 20_000  # that they are measured on
_TEMPERATURE = 0.5  # of the softmax whose gradient a chosen level passes on


@dataclass(frozen=True)
class Derived:
    """A column that others decide, so that no network makes it.

    Attributes:
        rule: ``decides``, ``equal`` or ``sum``; its last column is this one.
        causes, effects: of ``decides``, codes of the first column and what stands beside each.
    """

    rule: Rule
    causes: tuple[float, ...] = ()
    effects: tuple[float, ...] = ()

    def codes(self, columns: Sequence[Tensor]) -> Tensor:
        """Codes ``(N,)`` by those of the columns that decide, in the rule's order."""
        import torch

        if self.rule.sort == "equal":
            return columns[0]
        if self.rule.sort == "sum":
            return columns[0] + columns[1]
        keys, values = columns[0].new_tensor(self.causes), columns[0].new_tensor(self.effects)
        return values[torch.searchsorted(keys, columns[0].contiguous()).clamp(max=len(keys) - 1)]

    def to_json(self) -> dict[str, Any]:
        return {"rule": self.rule.to_json(), "causes": list(self.causes), "effects": list(self.effects)}

    @classmethod
    def from_json(cls, fields: Any, where: str) -> Derived:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["rule", "causes", "effects"], where)

        def codes(name: str) -> tuple[float, ...]:
            return tuple(real(x, where) for x in listed(fields[name], f"{where}.{name}", _MANY))

        found = cls(Rule.from_json(fields["rule"], where), codes("causes"), codes("effects"))
        if len(found.causes) != len(found.effects):
            raise ValueError(f"{where} does not fit together")
        return found


@dataclass(frozen=True, eq=False)
class FittedRows:
    """What is known of a table's training part.

    Attributes:
        columns: all columns, in the file's order.
        layout: how the file is written.
        blocks: of the columns that a network makes, by their places among the modelled ones.
        derived: of those that others decide.
        rules: all that were found.
        rows: how many rows it was fitted on.
        correlations: of all columns' scores (``core.columns``), in the order of the blocks; empty where there
            are more than a hundred scores.
    """

    columns: tuple[Column, ...]
    layout: Layout
    blocks: Mapping[int, Block]
    derived: Mapping[int, Derived]
    rules: tuple[Rule, ...]
    rows: int
    correlations: tuple[tuple[float, ...], ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FittedRows) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.columns, self.rows))

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": [column.to_json() for column in self.columns],
            "layout": self.layout.to_json(),
            "blocks": [[place, block.to_json()] for place, block in self.blocks.items()],
            "derived": [[place, one.to_json()] for place, one in self.derived.items()],
            "rules": [rule.to_json() for rule in self.rules],
            "rows": self.rows,
            "correlations": [list(row) for row in self.correlations],
        }

    @classmethod
    def from_json(cls, fields: Any, where: str) -> FittedRows:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["columns", "layout", "blocks", "derived", "rules", "rows", "correlations"], where)
        columns = listed(fields["columns"], f"{where}.columns", 100_000)
        found = cls(
            tuple(Column.from_json(column, f"{where}.columns") for column in columns),
            Layout.from_json(fields["layout"], f"{where}.layout"),
            {int(i): Block.from_json(block, f"{where}.blocks") for i, block in fields["blocks"]},
            {int(i): Derived.from_json(one, f"{where}.derived") for i, one in fields["derived"]},
            rules_from_json(fields["rules"], f"{where}.rules"),
            int(real(fields["rows"], f"{where}.rows", 0)),
            _matrix(fields.get("correlations", []), f"{where}.correlations"),
        )
        scores = sum(block.scores for block in found.blocks.values())
        count = len(found.modelled)
        if (
            sorted([*found.blocks, *found.derived]) != list(range(count))
            or any(i >= count for rule in found.rules for i in rule.columns)
            or (found.correlations and {len(found.correlations), *map(len, found.correlations)} != {scores})
        ):
            raise ValueError(f"{where} does not fit together")
        return found

    @cached_property
    def modelled(self) -> tuple[Column, ...]:
        """The columns that have codes."""
        return tuple(column for column in self.columns if column.modelled)


class Rows(Columnar):
    """Rows of codes ``(K,)`` float64, one a column; a network sees each column's block side by side.

    What a network must choose, it chooses by its latents: the last of them are the chance of the levels.
    """

    name = "rows"
    words = "rows of a table with words, numbers, dates and what is missing"
    one = "row"
    counted = "rows"
    dithers = True
    small = True
    pictured = False
    keeps_alike = False
    one_file = True
    headline = "sliced_wasserstein"
    extractor = "standardised"
    recipe = "rows"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        fitted = space.fitted
        if isinstance(fitted, FittedRows):
            self.fitted = fitted
            self.blocks = list(fitted.blocks.values())
            self.ends = list(accumulate(block.width for block in self.blocks))

    @property
    def dtype(self) -> Literal["float64"]:
        return "float64"

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.fitted.modelled),) if self.space.fitted is not None else self.space.shape

    @property
    def suffix(self) -> str:
        return ".csv"

    @property
    def media(self) -> str:
        return "text/csv"

    @property
    def chances(self) -> int:
        """How many latents choose levels, and places within them."""
        return sum(block.width for block in self.blocks)

    @property
    def slices(self) -> Sequence[tuple[Block, slice]]:
        """Each block and its channels."""
        return [
            (block, slice(end - block.width, end)) for block, end in zip(self.blocks, self.ends, strict=True)
        ]

    def describe(self) -> str:
        return f"rows of {self.shape[0]} columns"

    def units(self) -> str:
        return "float64 codes, one a column: numbers, days or seconds since 1970, places of words"

    @classmethod
    def read_table(cls, path: Path, wish: TableFormat) -> Raw | None:
        wanted = wish.what == cls.name if wish.what else wants_rows(path, wish)
        return read_rows(path, wish) if wanted else None

    # -- fitted ------------------------------------------------------------------------------------------

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        columns = tuple(Column.from_json(column) for column in about["columns"])
        modelled = [column for column in columns if column.modelled]
        rules = find_rules(modelled, with_gaps(modelled, train))
        derived: dict[int, Derived] = {}
        used: set[int] = set()
        for rule in rules:
            *causes, effect = rule.columns
            if (
                rule.sort == "at most"
                or effect in used
                or effect in derived
                or any(c in derived for c in causes)
            ):
                continue
            derived[effect] = _derived(rule, train)
            used |= set(causes)
        blocks = {
            i: fit_block(np.where(column.gone(train[:, i]), np.nan, train[:, i]), ordered=column.ordered)
            for i, column in enumerate(modelled)
            if i not in derived
        }
        fitted = FittedRows(
            columns, Layout.from_json(about["layout"]), blocks, derived, tuple(rules), len(train)
        )
        space = replace(self.space, shape=(sum(block.width for block in blocks.values()),), fitted=fitted)
        return replace(space, fitted=replace(fitted, correlations=_correlations(type(self)(space), train)))

    @classmethod
    def fitted_from_json(cls, fields: Any, where: str) -> FittedRows:
        return FittedRows.from_json(fields, where)

    # -- units -------------------------------------------------------------------------------------------

    def encode(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        import torch

        x = x.double()
        if u is None:  # as real rows are in a batch: anywhere within
            u = torch.rand(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(
                x.device
            )
        columns = self.fitted.modelled
        parts: list[Tensor] = []
        for i, block in self.fitted.blocks.items():
            codes = x[:, i]
            if columns[i].missing is not None:
                codes = torch.where(codes == columns[i].gap, math.nan, codes)
            parts.append(block.encode(codes, u[:, i]))
        return torch.cat(parts, 1)

    def close(self, x: Tensor, low: np.ndarray | None = None, high: np.ndarray | None = None) -> Tensor:
        """See :meth:`Codec.close`.

        Args:
            low, high: ends that each code is brought between, ``(K,)`` or ``(N, K)``, if it is not missing.
        """
        import torch

        x = x.cpu()
        columns = self.fitted.modelled
        made: dict[int, Tensor] = {}
        for i, (block, channels) in zip(self.fitted.blocks, self.slices, strict=True):
            codes = columns[i].grid(block.decode(x[:, channels]).numpy())
            if low is not None and high is not None and columns[i].ordered:
                codes = np.clip(codes, low[..., i], high[..., i])
            made[i] = torch.from_numpy(np.where(np.isnan(codes), columns[i].gap, codes))
        self._order(made)
        for i, one in self.fitted.derived.items():
            made[i] = one.codes([made[k] for k in one.rule.columns[:-1]])
        if self.fitted.derived:
            self._order(made)
        return torch.stack([made[i] for i in range(len(made))], 1)

    def _order(self, made: dict[int, Tensor]) -> None:
        """Bring what is less than another column lets it be up to that."""
        import torch

        columns = self.fitted.modelled
        orders = [rule.columns for rule in self.fitted.rules if rule.sort == "at most"]
        for low, high in orders * 3:  # what is mended may break the next one of a chain
            if low in made and high in made:
                gap = columns[high].gap if columns[high].missing is not None else -math.inf
                wrong = (made[low] > made[high]) & (made[high] != gap)
                made[high] = torch.where(wrong, made[low], made[high])

    def chosen(self, logits: Tensor, z: Tensor, which: Sequence[int] | None = None) -> Tensor:
        """Logits of levels to rows in model units, with the last latents as chance.

        Levels are chosen by a straight-through Gumbel softmax (Jang et al. 2017, 'Categorical
        Reparameterization with Gumbel-Softmax'): the forward pass has the chosen one alone, the gradient is
        that of the softmax.

        Args:
            logits: ``(N, levels)``, of all blocks side by side.
            z: latents ``(N, L)``, L ≥ :attr:`chances`.
            which: the blocks that are wanted; the others are 0.

        Returns ``(N, W)``.
        """
        import torch

        chance = z[:, z.shape[1] - self.chances :]
        level = (0.5 + 0.5 * torch.erf(chance / math.sqrt(2.0))).clamp(1e-6, 1.0 - 1e-6)
        parts: list[Tensor] = []
        at = filled = 0
        for b, (block, channels) in enumerate(self.slices):
            n = block.levels
            if which is None or b in which:
                if channels.start > filled:
                    parts.append(logits.new_zeros(logits.shape[0], channels.start - filled))
                filled = channels.stop
                own = level[:, channels]
                noisy = logits[:, at : at + n] - torch.log(-torch.log(own[:, :n]))
                soft = torch.softmax(noisy / _TEMPERATURE, 1)
                hard = (noisy == noisy.amax(1, keepdim=True)).to(soft)
                hot = hard + (soft - soft.detach())
                parts.append(hot)
                if block.placed:
                    parts.append(block.place(hot, own[:, n:]))
            at += n
        parts.append(logits.new_zeros(logits.shape[0], self.space.size - filled))
        return torch.cat(parts, 1)

    @property
    def log_shares(self) -> list[float]:
        """Logits of levels that are as frequent as in the training part, of all blocks side by side."""
        return [math.log(max(share, 1e-9)) for block in self.blocks for share in block.shares]

    @property
    def correlations(self) -> Sequence[Sequence[float]]:
        return self.fitted.correlations

    @property
    def step(self) -> float:
        return 0.2

    def displacements(self, before: Tensor, after: Tensor) -> Image:
        return self.show(after.numpy(), before.numpy())

    def picture(self, sample: np.ndarray) -> Image:
        return plots.words(", ".join(cells[0] for cells in self.cells(sample[None]))[:120])

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        """Each column's distribution, over that of ``real`` rows."""
        return beside(self.fitted.modelled, samples, samples[:0] if real is None else real)

    def attributes(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.fitted.modelled if column.ordered)

    def measure(self, x: Tensor) -> list[Tensor]:
        """Each number or date."""
        return [x[:, i] for i, column in enumerate(self.fitted.modelled) if column.ordered]

    def facts(self) -> TableFacts:
        columns = self.fitted.modelled
        return TableFacts(
            tuple(column.name for column in columns),
            tuple(not column.ordered for column in columns),
            self.fitted.rules,
            partial(with_gaps, columns),
            lambda place, code: columns[place].cells(np.array([code]))[0],
        )

    def faults(self, samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
        return faults_of(self.facts(), samples, real)

    # -- files and pictures ------------------------------------------------------------------------------

    @property
    def view(self) -> str:
        return "table"

    def heads(self) -> list[str]:
        return [column.name for column in self.fitted.columns]

    def cells(self, codes: np.ndarray) -> list[list[str]]:
        """Rows of codes ``(N, K)`` as cells, a list for each column of the file."""
        found: list[list[str]] = []
        place = 0
        for column in self.fitted.columns:
            if column.modelled:
                found.append(column.cells(codes[:, place]))
                place += 1
            else:
                found.append(aside(column, len(codes)))
        return found

    def file_of(self, codes: np.ndarray) -> bytes:
        """Rows of codes ``(N, K)`` as a file like the one that was read."""
        return self.fitted.layout.file(self.fitted.columns, self.cells(codes))

    def written(self, rows: Sequence[Sequence[str]]) -> bytes:
        return self.fitted.layout.file(
            self.fitted.columns, [[row[i] for row in rows] for i in range(len(self.heads()))]
        )

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        return self.file_of(sample[None])

    def frame(self, codes: np.ndarray) -> dict[str, np.ndarray]:
        """Rows of codes ``(N, K)`` as columns of values, by name."""
        found: dict[str, np.ndarray] = {}
        place = 0
        for column in self.fitted.columns:
            if column.modelled:
                found[column.name] = column.values(codes[:, place])
                place += 1
            else:
                found[column.name] = np.array(aside(column, len(codes)), object)
        return found

    def column(self, name: str) -> int | None:
        """A modelled column's place by its name."""
        return find_name(name, [column.name for column in self.fitted.modelled])


def with_gaps(columns: Sequence[Column], codes: np.ndarray) -> np.ndarray:
    """Codes ``(N, K)`` with NaN where something is missing."""
    gone = np.stack([column.gone(codes[:, i]) for i, column in enumerate(columns)], 1)
    return np.where(gone, np.nan, codes)


def _derived(rule: Rule, train: np.ndarray) -> Derived:
    """A column that others decide, as the training part has it."""
    if rule.sort != "decides":
        return Derived(rule)
    cause, effect = rule.columns
    causes, first = np.unique(train[:, cause], return_index=True)
    return Derived(rule, tuple(causes.tolist()), tuple(train[first, effect].tolist()))


def aside(column: Column, n: int) -> list[str]:
    """Cells of a column that no network makes: a constant, new keys, or nothing."""
    if column.kind == "constant":
        return [column.levels[0]] * n
    if column.kind == "text":
        return [column.missing or ""] * n
    if column.last or not column.levels:
        return [str(column.last + 1 + i) for i in range(n)]
    return keys_like(column.levels[0], n)


def keys_like(pattern: str, n: int) -> list[str]:
    """Keys of the same form with other letters and digits, each another one."""
    rng = np.random.default_rng(0)
    digits, small, large = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    hexadecimal = set(pattern.lower()) <= set("0123456789abcdef-")
    signs = [
        (digits if c.isdigit() else small[:6] if hexadecimal else small if c.islower() else large)
        if c.isalnum() and c.isascii()
        else c
        for c in pattern
    ]
    made: dict[str, None] = {}
    while len(made) < n:
        places = rng.random((n, len(signs)))
        for row in places:
            if len(made) == n:
                break
            key = "".join(s[int(u * len(s))] for s, u in zip(signs, row.tolist(), strict=True))
            key = key if key not in made else f"{key}-{len(made)}"
            made[key] = None
    return list(made)


def _correlations(codec: Rows, train: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Of the columns' scores, a little nearer to none than in so few rows (Ledoit and Wolf 2004)."""
    import torch
    from sklearn.covariance import ledoit_wolf_shrinkage

    if sum(block.scores for block in codec.blocks) > _SCORES:
        return ()
    x = torch.cat(codec.scores(codec.encode(torch.from_numpy(train[:_ROWS].copy()))), 1).double().numpy()
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-3)
    less = float(ledoit_wolf_shrinkage(x, assume_centered=True))
    found = (1.0 - less) * (x.T @ x) / len(x)
    np.fill_diagonal(found, 1.0)
    return tuple(tuple(row) for row in found.round(5).tolist())


def _matrix(fields: Any, where: str) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(real(x, where, -1.0, 1.0) for x in listed(row, where, _SCORES))
        for row in listed(fields, where, _SCORES)
    )
