"""Standard output and error that outlive their reader, and any terminal's alphabet.

A screen is never worth a training: where it goes away (a closed terminal, ``head``, a full disk), what
is said goes nowhere from then on, and whoever works goes on working.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TextIO, cast

__all__ = ["Steady", "steady"]

# How our own characters look where a terminal does not have them.
_PLAIN = {
    **dict(zip("×·●–—−≈│─╭╮╰╯┌┐└┘├┤σγ²’‘“”", "x.*---~|-++++++++||sg2''\"\"", strict=True)),
    "…": "...",
    "→": "->",
    "←": "<-",
    "≥": ">=",
    "≤": "<=",
    "±": "+-",
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """The nearest to characters that an encoding does not have; of others, and of broken ones, a mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    said = "".join(_PLAIN.get(letter, "?") for letter in error.object[error.start : error.end])
    return said, error.end


codecs.register_error("ganforge.plain", _plain)


class Steady:
    """A text stream whose writes never raise for want of a reader.

    Attributes:
        lost: why nothing is written any more; None while it is.
    """

    def __init__(self, stream: TextIO) -> None:
        self.lost: OSError | ValueError | None = None
        self._stream = stream
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="ganforge.plain")

    def write(self, text: str) -> int:
        with self._losing():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._losing():
            self._stream.flush()

    @contextmanager
    def _losing(self) -> Generator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: it has been closed
            self.lost = self.lost or error
            with contextlib.suppress(OSError, ValueError):
                # What is still held back goes nowhere too, at the latest when the program ends.
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def steady() -> Generator[tuple[Steady, Steady]]:
    """Standard output and error as :class:`Steady` streams; a closed one is opened, and goes nowhere."""
    for number in range(3):  # else the next file that is opened would become standard output
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    former = sys.stdout, sys.stderr
    nowhere = [open(os.devnull, "w", encoding="utf-8") for stream in former if stream is None]  # noqa: SIM115
    out, err = (Steady(cast(TextIO, stream) if stream is not None else nowhere[0]) for stream in former)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out, err
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = former
        for stream in nowhere:
            stream.close()
