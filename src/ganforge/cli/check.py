"""`gan check RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from ganforge.cli.options import parse, run_or_last
from ganforge.core.errors import MachineError
from ganforge.core.options import option

__all__ = ["Check", "main"]


@dataclass(frozen=True)
class Check:
    """Verify a run folder: each file is read and compared with its checksum and its form.

    Nothing is changed. Each fault is named with what to do. The exit code tells a script: 0 sound, 3 damaged.
    """

    run: Annotated[Positional[Path | None], option("RUN")] = None
    """a run folder; the last one under runs/ by default"""
    json: Annotated[bool, option()] = False
    """print one JSON object, for scripts"""


def main(arguments: list[str]) -> int:
    options = parse(Check, "check", arguments)
    from ganforge.cli.screen import Screen
    from ganforge.runs.verify import verify

    screen = Screen()
    path = run_or_last(options.run, None if options.json else screen.say)
    with screen.busy("reading every file"):
        found = verify(path)
    if options.json:
        faults = [{**vars(fault), "file": str(fault.file)} for fault in found.faults]
        screen.json({"sound": found.sound, "files": found.files, "moments": found.moments, "faults": faults})
    else:
        lines: list[tuple[str, str]] = []
        for fault in found.faults:
            lines.append(("damaged" if fault.grave else "note", f"{path / fault.file}: {fault.what}"))
            lines.append(("do", fault.fix))
        moments = ", ".join(f"{moment / 1000:,.1f}" for moment in found.moments) or "none"
        verdict = "sound" if found.sound else "damaged"
        lines.append((verdict, f"{path}: {found.files:,} files read; checkpoints at kimg {moments}"))
        screen.table(lines)
    return 0 if found.sound else MachineError.exit_code
