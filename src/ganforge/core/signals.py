"""Signals that a program answers: those that end it, and those that ask it to save."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

__all__ = ["SAVE", "STOP", "Handlers"]

STOP = ("SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1")
"""What ends a program: being asked to, a closed terminal, no processor time left, a scheduler's warning."""

SAVE = ("SIGUSR2",)
"""What asks for a checkpoint."""


class Handlers:
    """Handlers of signals for as long as the context lasts, in the main thread; elsewhere none can be set.

    A signal that this system does not have is left out, and so is SIGHUP where it is ignored: under nohup a
    program outlives its terminal.
    """

    def __init__(self, names: Iterable[str], handler: Callable[[int, FrameType | None], None]) -> None:
        self._names = tuple(names)
        self._handler = handler
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Handlers:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name, None) for name in self._names):
                if number is None:
                    continue
                if number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._former[number] = signal.signal(number, self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            # None: the handler of a library that is not Python's
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._former = {}
