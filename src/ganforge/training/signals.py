"""Being asked to stop: Ctrl-C, SIGTERM, and a scheduler's SIGUSR1; and to save and go on: SIGUSR2."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

__all__ = ["StopRequest"]


class StopRequest:
    """Turns the first signal into a request that the loop reads between two rounds.

    A second Ctrl-C quits at once. Outside the main thread, where Python cannot catch signals, it only
    offers :meth:`ask`.

    Attributes:
        exit_code: None while nobody asked; else 130 (Ctrl-C) or 143 (SIGTERM, SIGUSR1), 0 for a caller.
        save: whether somebody (SIGUSR2) wants a checkpoint of this moment; whoever makes it sets it back.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self.save = False
        self.reason = ""
        self._former: dict[int, Any] = {}

    def ask(self, reason: str, exit_code: int = 0) -> None:
        """Ask the loop to save and stop after the round that it is in."""
        self.reason = reason
        self.exit_code = exit_code

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
                self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former = {}

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGUSR2:
            self.save = True
        elif number == signal.SIGINT:
            if self.exit_code is not None:
                raise KeyboardInterrupt
            self.ask("Ctrl-C", 130)
        else:
            self.ask(signal.Signals(number).name, 143)
