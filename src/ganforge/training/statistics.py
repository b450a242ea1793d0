"""What happened since the last tick and since the last examination, kept on the device until it is read."""

from __future__ import annotations

import torch
from torch import Tensor

from ganforge.training import foreach
from ganforge.training.foreach import wide

__all__ = ["RunningStatistics", "Statistics"]

Statistics = dict[str, float]

_FOLD = 64  # rounds kept raw before they are folded into sums: few small operations a round


class RunningStatistics:
    """Means, deviations and shares of the notes of many turns.

    A note is appended as it is; every 64 rounds, and at the tick, the raw tensors are folded into
    running sums on their device. Only :meth:`close` and :meth:`state` synchronise with the device, and
    folding where it has no float64.
    """

    def __init__(self) -> None:
        self._raw: dict[str, list[Tensor]] = {}
        self._sums: dict[str, Tensor] = {}
        self._longer: dict[str, list[float]] = {}  # of the ticks since the last examination

    def add(self, name: str, value: Tensor) -> None:
        """Note ``value`` (any shape) under ``name``."""
        raw = self._raw.setdefault(name, [])
        raw.append(value.detach() if value.requires_grad else value)
        if len(raw) >= _FOLD:
            self._fold(name)

    def _fold(self, name: str) -> None:
        values = wide(foreach.flat(self._raw[name]))
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

    def close(self) -> dict[str, Statistics]:
        """Name to mean, deviation and share above 0 of everything noted since the last close.

        This is the tick's one synchronisation with the device.
        """
        closed: dict[str, Statistics] = {}
        for name, sums in self._read().items():
            closed[name] = _statistics(sums)
            longer = self._longer.get(name, [0.0] * len(sums))
            self._longer[name] = [a + b for a, b in zip(longer, sums, strict=True)]
        self._sums = {}
        return closed

    def close_longer(self) -> dict[str, Statistics]:
        """The same of everything that was closed since the last call of this."""
        closed = {name: _statistics(sums) for name, sums in self._longer.items()}
        self._longer = {}
        return closed

    def state(self) -> dict[str, list[float]]:
        """The sums since the last :meth:`close_longer`, what is not closed yet included, for a checkpoint."""
        state = dict(self._longer)
        for name, sums in self._read().items():
            state[name] = [a + b for a, b in zip(state.get(name, [0.0] * len(sums)), sums, strict=True)]
        return state

    def load(self, state: dict[str, list[float]]) -> None:
        """Go on from :meth:`state`, with nothing noted since the last tick."""
        self._raw, self._sums, self._longer = {}, {}, dict(state)

    def _read(self) -> dict[str, list[float]]:
        """Count, sum, sum of squares and number above 0 of each note since the last close."""
        for name in [name for name, raw in self._raw.items() if raw]:
            self._fold(name)
        return {name: sums.tolist() for name, sums in self._sums.items()}


def _statistics(sums: list[float]) -> Statistics:
    count, total, squares, positive = sums
    mean = total / count
    return {
        "mean": mean,
        "deviation": max(squares / count - mean * mean, 0.0) ** 0.5,
        "positive": positive / count,
    }
