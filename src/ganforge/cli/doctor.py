"""`gan doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ganforge.cli.options import parse
from ganforge.core.options import option

__all__ = ["Doctor", "main"]


@dataclass(frozen=True)
class Doctor:
    """Check this machine: versions, memory, speed, and ten seconds of training.

    Paste what it prints into an issue.
    """

    seconds: Annotated[float, option("S")] = 10.0
    """how long to train"""


def main(arguments: list[str]) -> int:
    options = parse(Doctor, "doctor", arguments)
    from ganforge.cli.screen import Screen
    from ganforge.tasks.checkup import machine, trial

    screen = Screen()
    screen.table(machine())
    with screen.busy(f"training for {options.seconds:g} seconds"):
        verdict = trial(options.seconds)
    screen.table(verdict.lines)
    return 0 if verdict.healthy else 1
