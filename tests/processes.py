"""`gan` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["Gan", "environment", "wait_until"]

_UNMEASURED = "from ganforge.training import probe; probe._SECONDS = 0.01\n"  # how it would compute best
_PROGRAM = "import sys; from ganforge.cli import main; sys.argv[0] = 'gan'; sys.exit(main())"


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", **changes}


class Gan:
    """A running `gan` whose output goes to a file. ``before`` is a program that runs first."""

    def __init__(self, *words: str, cwd: Path, before: str = "", **variables: str) -> None:
        self._file = cwd / "said.txt"
        before = _UNMEASURED * (words[0] == "train") + before
        with self._file.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", before + _PROGRAM, *words],
                cwd=cwd,
                env=environment(**variables),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._file.read_text()

    def send(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = 120.0) -> int:
        try:
            return self.process.wait(timeout)
        finally:
            if self.process.poll() is None:
                self.process.kill()


def wait_until(true: Callable[[], object], gan: Gan, timeout: float = 90.0) -> None:
    """Wait until ``true()``. Fails where the process ends before, or nothing happens."""
    end = time.monotonic() + timeout
    while not true():
        assert gan.process.poll() is None, f"it ended too early:\n{gan.said}"
        assert time.monotonic() < end, f"nothing happened:\n{gan.said}"
        time.sleep(0.005)
