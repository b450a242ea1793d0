"""The studio beside a training: a process of its own, which watches and never disturbs."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from ganforge.core.errors import MachineError

__all__ = ["start_beside"]

_PATIENCE = 15.0  # seconds in which it must say its address
_LOW = 10  # its priority once it is there: beside a training on one core it would not get so far
_PROGRAM = "import sys; from ganforge.cli import main; sys.argv[0] = 'gan'; sys.exit(main())"


def start_beside(run: Path, *, browser: bool = True, port: int = 0) -> str:
    """Open the studio on a run that is starting, and give its address.

    It is a process of its own of low priority, which goes on after the training has ended, until nobody has
    looked at it for some minutes: so that what was watched can still be seen.

    Args:
        run: the run folder; it must exist.
        browser: whether a browser is opened.
        port: 0 takes any free one.

    Raises:
        MachineError: it did not start; the training can go on without it.
    """
    words = ["studio", str(run), "--port", str(port), "--until-left", *([] if browser else ["--no-browser"])]
    # Not a session of its own alone: Ctrl-C in the terminal is for the training.
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    said = _first_line(process)
    found = re.search(r"^address\s+(\S+)", said, re.MULTILINE)
    if found is None:
        process.kill()
        process.wait()
        last = said.strip().splitlines()[-1:] or [f"it said nothing for {_PATIENCE:.0f} seconds"]
        raise MachineError(f"the studio did not start: {last[0]}; start it yourself: gan studio {run}")
    with suppress(OSError):  # it may have ended meanwhile
        os.setpriority(os.PRIO_PGRP, process.pid, _LOW)  # of all its threads and workers
    threading.Thread(target=process.wait, daemon=True).start()  # when it ends, nothing of it remains
    return found[1]


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """What it says until it names its address, ends, or takes too long."""
    assert process.stdout is not None
    printed = b""
    end = time.monotonic() + _PATIENCE
    with selectors.DefaultSelector() as ready, process.stdout:
        ready.register(process.stdout, selectors.EVENT_READ)
        while not re.search(rb"^address.*\n", printed, re.MULTILINE):
            if not ready.select(max(end - time.monotonic(), 0.0)):
                break
            some = os.read(process.stdout.fileno(), 4096)
            if not some:
                break
            printed += some
    return printed.decode(errors="replace")
