"""Series, made with conditions on what lasts through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from ganforge.codecs.rows import Rows
from ganforge.codecs.rows.column import Column
from ganforge.codecs.rows.reader import cells_of
from ganforge.codecs.series import Series
from ganforge.core.errors import DataError, UsageError, nearest
from ganforge.core.prior import Prior
from ganforge.networks.recurrent import RecurrentGenerator
from ganforge.runs.rows import RowsMaker

__all__ = ["SeriesMaker"]

_BATCH = 256  # series that are made at a time
_BAND = (0.1, 0.5, 0.9)  # shares of the samples below the ends of a band, and its middle
_NEAR = 1e-3  # of a step, within which a time lies on the grid


class SeriesMaker:
    """Makes series of codes ``(N, K, T)`` with the generator of series.

    Args:
        network: the generator, in evaluation.
        prior: what its latents are drawn from.
    """

    def __init__(self, network: RecurrentGenerator, prior: Prior) -> None:
        self.network = network
        self.prior = prior
        self.codec = cast(Series, network.codec)
        self._device = next(network.parameters()).device

    def series(
        self, n: int, *, where: Mapping[str, Any] | None = None, balance: str = "", seed: int = 0
    ) -> np.ndarray:
        """``(n, K, T)`` codes.

        Args:
            where: names of attributes, of the time (the first one of a series) or ``steps`` (how many) to
                what they shall be: a value, ``LOW..HIGH``, or words parted by ``|``.
            balance: an attribute of words, each of which comes as often.
            seed: the same seed makes the same series.

        Raises:
            UsageError: no such attribute or word, or no series can be so.
        """
        if n < 1:
            raise UsageError(f"cannot make {n} series; ask for at least 1")
        head, parts = self.network.head, list[np.ndarray]()
        if (where or balance) and head is None:
            raise UsageError("these series have no attributes that differ; leave --where and --balance out")
        lasting = None
        if (where or balance) and head is not None:
            maker = RowsMaker(head, Prior(self.network.front))
            codes = maker.rows(n, where=where, balance=balance, seed=seed)
            lasting = cast(Rows, head.codec).encode(torch.from_numpy(codes)).to(self._device)
        for start in range(0, n, _BATCH):
            # Always whole batches: the same series come out whatever the number asked for.
            z = self.prior.seeded(_BATCH, seed=seed, start=start).to(self._device)
            some = None if lasting is None else lasting[start : start + _BATCH]
            parts.append(self._make(z, some)[: min(_BATCH, n - start)])
        return np.concatenate(parts)

    @torch.inference_mode()
    def _make(self, z: torch.Tensor, lasting: torch.Tensor | None) -> np.ndarray:
        network = self.network
        if lasting is None:
            return self.codec.close(network(z)).numpy()
        z = z[: len(lasting)]
        given = z.new_zeros(len(z), *self.codec.space.shape)
        given[:, : network.lasting] = lasting[:, :, None]
        mask = z.new_zeros(len(z), network.blocks + network.steps)
        mask[:, : network.blocks] = 1.0
        return self.codec.close(network.complete(z, given, mask)).numpy()

    def file(
        self, n: int, *, where: Mapping[str, Any] | None = None, balance: str = "", seed: int = 0
    ) -> bytes:
        """``n`` new series as a file like the one that was read; see :meth:`series`."""
        return self.codec.file_of(self.series(n, where=where, balance=balance, seed=seed))

    # -- further steps -----------------------------------------------------------------------------------

    def onward(
        self, path: Path, *, ahead: int | None = None, samples: int = 64, seed: int = 0
    ) -> tuple[bytes, int, int]:
        """What follows the series of a file, as a file, how many series these are, and how many steps.

        Of each number the file has the median of the samples, and two columns more: ``NAME low`` and ``NAME
        high``, below and above which a tenth of the samples lies. Words are those that come most often.

        Args:
            path: a csv with the columns of the training data.
            ahead: steps to go on by; a quarter of the longest series by default.
            samples: how many times each series is gone on with.

        Raises:
            DataError: it cannot be read, a column is not there, or times are not on the grid.
            UsageError: a cell that the training data never had, or too many steps.
        """
        fitted = self.codec.fitted
        ahead = max(fitted.steps // 4, 1) if ahead is None else ahead
        if not 1 <= ahead < fitted.steps:
            raise UsageError(
                f"--ahead is {ahead}; series of this run have {fitted.steps} steps: 1 to {fitted.steps - 1}"
            )
        if samples < 2:
            raise UsageError(f"{samples} samples make no band; ask for at least 2")
        names, last, codes, known = self._begun(path, fitted.steps - ahead)
        codes[:, 1] = (known + ahead)[:, None]
        parts = [
            self._followed(codes[i : i + 1], int(known[i]), samples, seed + i)[:, :, int(known[i]) :][
                :, :, :ahead
            ]
            for i in range(len(codes))
        ]
        made = np.stack(parts)  # (N, samples, F, ahead)
        times = fitted.clock.codes(last[:, None], np.arange(1.0, ahead + 1.0)).ravel()
        columns, cells = list(fitted.columns), list[list[str]]()
        extra: list[tuple[Column, list[str]]] = []
        for i, column in enumerate(fitted.columns):
            if i == fitted.time:
                cells.append(column.cells(column.grid(times)))
            elif i == fitted.entity:
                cells.append([name for name in names for _ in range(ahead)])
            elif i in fitted.constants:
                own = codes[:, 2 + fitted.constants.index(i), 0]
                cells.append(column.cells(np.repeat(own, ahead)))
            elif i in fitted.tracks:
                of = made[:, :, fitted.tracks.index(i)]
                low, middle, high = _band(of, column)
                cells.append(column.cells(middle.ravel()))
                if column.ordered:
                    for word, edge in (("low", low), ("high", high)):
                        named = replace(column, name=f"{column.name} {word}", quoted=False, prefix="")
                        extra.append((named, column.cells(edge.ravel())))
            else:
                cells.append([column.levels[0] if column.kind == "constant" else ""] * len(times))
        layout = fitted.layout
        head = layout.separator.join([*layout.head[-1:], *(column.name for column, _ in extra)])
        layout = replace(layout, head=(*layout.head[:-1], head))
        columns += [column for column, _ in extra]
        return layout.file(columns, [*cells, *(own for _, own in extra)]), len(codes), ahead

    @torch.inference_mode()
    def _followed(self, codes: np.ndarray, known: int, samples: int, seed: int) -> np.ndarray:
        """Features ``(samples, F, T)`` of one series ``(1, K, T)`` of which the first steps are known."""
        network = self.network
        given = self.codec.encode(torch.from_numpy(codes)).to(self._device).expand(samples, -1, -1)
        mask = given.new_zeros(samples, network.blocks + network.steps)
        mask[:, : network.blocks + known] = 1.0
        z = self.prior.seeded(samples, seed=seed).to(self._device)
        made = self.codec.close(network.complete(z, given, mask)).numpy()
        return made[:, 2 + len(self.codec.fitted.constants) :]

    def _begun(self, path: Path, most: int) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
        """The series of a file: names, last times, codes ``(N, K, T)`` and how many steps are known."""
        fitted = self.codec.fitted
        which = [fitted.time, *fitted.constants, *fitted.tracks]
        which += [] if fitted.entity is None else [fitted.entity]
        found = cells_of(path, [fitted.columns[i] for i in sorted(which)])
        time = fitted.columns[fitted.time]
        at = np.array([_code(path, time, cell) for cell in found[time.name]])
        owners = (
            ["" for _ in at]
            if fitted.entity is None
            else [cell or "" for cell in found[fitted.columns[fitted.entity].name]]
        )
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(owners):
            rows.setdefault(name, []).append(row)
        shape = self.codec.shape
        codes, known, last = np.zeros((len(rows), *shape)), list[int](), list[float]()
        for k, (name, own) in enumerate(rows.items()):
            own.sort(key=lambda row: at[row])
            own = own[-most:]
            steps = np.diff(fitted.clock.places(at[own]))
            if (np.abs(steps - 1.0) > _NEAR).any():
                said = fitted.clock.describe(seconds=time.by_seconds, dates=time.kind == "date")
                raise DataError(
                    f"{path}: the times of {name or 'its series'} are not {said} apart, as those of"
                    " the training data are; fill the steps that are missing"
                )
            codes[k, 0], codes[k, 1] = at[own[0]], len(own)
            for place, i in enumerate([*fitted.constants, *fitted.tracks]):
                column = fitted.columns[i]
                cells = [_code(path, column, found[column.name][row]) for row in own]
                if place < len(fitted.constants):
                    codes[k, 2 + place] = cells[-1]
                else:
                    codes[k, 2 + place, : len(own)] = cells
            known.append(len(own))
            last.append(float(at[own[-1]]))
        return list(rows), np.array(last), codes, np.array(known)


def _code(path: Path, column: Column, cell: str | None) -> float:
    """A cell's code. UsageError for one that the training data never had."""
    if cell is None:
        if column.missing is None:
            raise UsageError(
                f"{path}, column {column.name!r}: a cell is empty, as none of the training data was"
            )
        return column.gap
    code = column.code(cell)
    if code is None:
        hint = nearest(cell, column.levels)
        raise UsageError(f"{path}, column {column.name!r}: the training data never had {cell!r}.{hint}")
    return code


def _band(made: np.ndarray, column: Column) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ends of a band over the samples ``(N, samples, ahead)`` and its middle, on the column's grid."""
    if not column.ordered:
        levels = np.unique(made)
        counts = (made[..., None] == levels).sum(1)
        common = levels[counts.argmax(-1)]
        return common, common, common
    gone = (made == column.gap) if column.missing is not None else np.zeros(made.shape, bool)
    most = gone.mean(1) > 0.5  # missing in most samples
    filled = np.where(gone & ~most[:, None], np.nan, made)
    low, middle, high = (
        np.where(most, column.gap, column.grid(part)) for part in np.nanquantile(filled, _BAND, axis=1)
    )
    return low, middle, high
