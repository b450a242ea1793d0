"""Being asked to stop: Ctrl-C, SIGTERM, a closed terminal, a scheduler's warning; and to save and go on."""

from __future__ import annotations

import signal
from types import FrameType

from ganforge.core.signals import SAVE, STOP, Handlers

__all__ = ["StopRequest"]


class StopRequest:
    """Turns the first signal into a request that the loop reads between two rounds.

    A second Ctrl-C quits at once. Outside the main thread, where Python cannot catch signals, it only
    offers :meth:`ask`.

    Attributes:
        exit_code: None while nobody asked; else 130 (Ctrl-C) or 143 (a signal of ``STOP``), 0 for a caller.
        save: whether somebody (SIGUSR2) wants a checkpoint of this moment; whoever makes it sets it back.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self.save = False
        self.reason = ""
        self._handlers = Handlers(("SIGINT", *STOP, *SAVE), self._on_signal)

    def ask(self, reason: str, exit_code: int = 0) -> None:
        """Ask the loop to save and stop after the round that it is in."""
        self.reason = reason
        self.exit_code = exit_code

    def __enter__(self) -> StopRequest:
        self._handlers.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._handlers.__exit__()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if name in SAVE:
            self.save = True
        elif name == "SIGINT":
            if self.exit_code is not None:
                raise KeyboardInterrupt
            self.ask("Ctrl-C", 130)
        else:
            self.ask(name, 143)
