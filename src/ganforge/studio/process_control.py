"""Which process trains in a run folder, and how it is told to pause, go on, save or stop: by signals."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from ganforge.core.errors import UsageError
from ganforge.runs.checkpoint import moments
from ganforge.runs.folder import is_held

__all__ = ["COMMANDS", "Trainer", "command", "save_now", "trainer_of"]

COMMANDS = ("pause", "resume", "stop", "save")


@dataclass(frozen=True)
class Trainer:
    """The process that holds a run folder.

    Attributes:
        pid: its number, or None where the system does not tell.
        paused: whether it has been stopped for a while.
    """

    pid: int | None
    paused: bool = False


def trainer_of(run: Path) -> Trainer | None:
    """Who trains in ``run`` now: the holder of its lock, which on Linux is not touched for that."""
    lock, locks = run / ".lock", Path("/proc/locks")
    if not locks.is_file():
        return Trainer(None) if is_held(run) else None
    try:
        found = lock.stat()
    except OSError:
        return None
    # /proc/locks: "7: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF", device in hexadecimal, inode in decimal.
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in locks.read_text().splitlines():
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and words[3] == "WRITE" and words[5] == place:
            pid = int(words[4])
            return Trainer(pid, _is_paused(pid)) if pid > 0 else Trainer(None)
    # Some file systems show another device here than stat does: then the inode decides, if the lock is held.
    same = [words for line in locks.read_text().splitlines() if (words := line.split())[1:2] == ["FLOCK"]]
    for words in same:
        if len(words) >= 6 and words[5].rsplit(":", 1)[-1] == str(found.st_ino) and words[4].isdecimal():
            pid = int(words[4])
            if _has_open(pid, lock):
                return Trainer(pid, _is_paused(pid))
    return None


def _has_open(pid: int, path: Path) -> bool:
    try:
        return any(
            os.path.samefile(handle, path) for handle in Path(f"/proc/{pid}/fd").iterdir() if handle.exists()
        )
    except OSError:
        return False


def _is_paused(pid: int) -> bool:
    try:
        # "4711 (the name) T …": the name may have blanks and brackets of its own.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
    except (OSError, IndexError):
        return False


def _catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal, so that it does not die of it."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    except (OSError, ValueError):
        pass
    return False


def command(run: Path, what: str) -> str:
    """Tell the process that trains in ``run``; gives words on what happens now. Raises UsageError."""
    assert what in COMMANDS
    trainer = trainer_of(run)
    if trainer is None:
        raise UsageError(f"{run} is not being trained now; to go on: gan train --resume {run}")
    if trainer.pid is None:
        raise UsageError(
            f"this system does not tell which process trains {run}; stop it where it was started"
        )
    pid = trainer.pid
    if what == "save" and not _catches(pid, signal.SIGUSR2):
        raise UsageError(
            f"the training of {run} cannot save on demand; it does so every two minutes by itself"
        )
    try:
        match what:
            case "pause":
                os.kill(pid, signal.SIGSTOP)
                return "paused; a budget in minutes goes on counting"
            case "resume":
                os.kill(pid, signal.SIGCONT)
                return "goes on"
            case "save":
                os.kill(pid, signal.SIGUSR2)
                os.kill(pid, signal.SIGCONT)
                return "saves after this round"
            case _:
                os.kill(pid, signal.SIGTERM)
                os.kill(pid, signal.SIGCONT)  # a paused one must wake up to hear it
                return f"stops after this round, with everything saved; to go on: gan train --resume {run}"
    except ProcessLookupError:
        raise UsageError(f"{run} is no longer being trained") from None
    except PermissionError:
        raise UsageError(f"the training of {run} belongs to another user") from None


def save_now(run: Path, *, patience: float = 30.0) -> bool:
    """Let the process that trains in ``run`` save this very moment; wait ``patience`` seconds at most.

    A paused one is paused again. False where nobody trains there, or nobody could be asked: what is newest
    then is what there is.
    """
    trainer = trainer_of(run)
    if trainer is None:
        return False
    checkpoints = run / "checkpoints"
    kept = moments(checkpoints)
    end = time.monotonic() + patience
    try:
        command(run, "save")
        while moments(checkpoints) == kept and trainer_of(run) is not None and time.monotonic() < end:
            time.sleep(0.05)
        if trainer.paused:
            command(run, "pause")
    except UsageError:  # it cannot be asked, or has just ended: then it has saved by itself
        return False
    return moments(checkpoints) != kept
