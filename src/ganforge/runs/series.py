"""Series, made with conditions on what lasts through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch

from ganforge.codecs.rows import Rows
from ganforge.codecs.series import Series
from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.networks.recurrent import RecurrentGenerator
from ganforge.runs.rows import RowsMaker

__all__ = ["SeriesMaker"]

_BATCH = 256  # series that are made at a time


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
            parts.append(self._made(z, some)[: min(_BATCH, n - start)])
        return np.concatenate(parts)

    @torch.inference_mode()
    def _made(self, z: torch.Tensor, lasting: torch.Tensor | None) -> np.ndarray:
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
