"""What happened since the last tick, kept on the device until the log is written."""

from __future__ import annotations

import torch
from torch import Tensor

from ganforge.training import foreach

__all__ = ["Ledger"]

_FOLD = 64  # rounds kept raw before they are folded into sums: few small operations a round


class Ledger:
    """Means, deviations and shares of the notes of many turns.

    A note is appended as it is; every 64 rounds, and at the tick, the raw tensors are folded into
    running sums on their device. Only :meth:`close` synchronises with the device.
    """

    def __init__(self) -> None:
        self._raw: dict[str, list[Tensor]] = {}
        self._sums: dict[str, Tensor] = {}

    def add(self, name: str, value: Tensor) -> None:
        """Note ``value`` (any shape) under ``name``."""
        raw = self._raw.setdefault(name, [])
        raw.append(value.detach() if value.requires_grad else value)
        if len(raw) >= _FOLD:
            self._fold(name)

    def _fold(self, name: str) -> None:
        values = foreach.flat(self._raw[name]).double()
        self._raw[name] = []
        sums = torch.stack(
            [
                values.new_tensor(float(values.numel())),
                values.sum(),
                values.square().sum(),
                (values > 0).sum(),
            ]
        )
        self._sums[name] = self._sums[name] + sums if name in self._sums else sums

    def close(self) -> dict[str, dict[str, float]]:
        """Name to mean, deviation and share above 0 of everything noted; then start anew.

        This is the tick's one synchronisation with the device.
        """
        for name in [name for name, raw in self._raw.items() if raw]:
            self._fold(name)
        closed: dict[str, dict[str, float]] = {}
        for name, sums in self._sums.items():
            count, total, squares, positive = sums.tolist()
            mean = total / count
            closed[name] = {
                "mean": mean,
                "deviation": max(squares / count - mean * mean, 0.0) ** 0.5,
                "positive": positive / count,
            }
        self._sums = {}
        return closed
