"""Whether the threads of a training get the cores that were counted on when they were chosen."""

from __future__ import annotations

import time

import torch

from ganforge.training.engine import Engine

__all__ = ["Pace"]

_FIRST = 10.0  # seconds until the first look
_PATIENCE = 4  # times as long until the next one, after a look that found nothing
_USABLE = 0.75  # of a core for each thread, which threads that wait for each other take by waiting


class Pace:
    """Watches how much of the processor's time a training gets, and says when to measure threads anew.

    Threads of an operation wait for each other by spinning: on an idle machine they take all of their cores,
    whatever they do. Where they get clearly less, other work has taken cores from them, and rounds take many
    times as long as they were measured to. What is read are two clocks, once a round.
    """

    def __init__(self, engine: Engine) -> None:
        threads = engine.threads or torch.get_num_threads()
        self._cores = engine.workers * threads if engine.device.type == "cpu" and threads > 1 else 0
        self._interval = _FIRST
        self._begin()

    def _begin(self) -> None:
        self._since = time.perf_counter(), time.process_time()

    def falls_short(self) -> bool:
        """Whether threads should be measured anew now; asked after each round."""
        if not self._cores:
            return False
        clock = time.perf_counter() - self._since[0]
        if clock < self._interval:
            return False
        got = (time.process_time() - self._since[1]) / clock
        self._begin()
        return got < _USABLE * self._cores

    def stays(self) -> None:
        """The same threads were found to be best: look again much later."""
        self._interval *= _PATIENCE
        self._begin()
