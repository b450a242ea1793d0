"""`gan diagnose RUN`."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from ganforge.cli.options import parse, run_or_last
from ganforge.core.options import option

if TYPE_CHECKING:
    from ganforge.health.diagnosis import Diagnosis
    from ganforge.health.finding import Finding
    from ganforge.health.history import History
    from ganforge.runs.folder import Run

__all__ = ["Diagnose", "main"]

_MARKS = {"good": "✓", "notice": "·", "warning": "!", "failure": "✗"}


@dataclass(frozen=True)
class Diagnose:
    """Say in words how a run is doing: what is wrong, by which numbers, and what helps.

    The first line is the verdict and names the root cause. It is the one that the screen, the report and the
    studio show. The exit code tells a script: 5 a warning, 6 a failure, 0 neither.
    """

    run: Annotated[Positional[Path | None], option("RUN")] = None
    """a run folder; the last one under runs/ by default"""
    look: Annotated[bool, option()] = False
    """look afresh at the newest checkpoint: more samples, and which class lags"""
    json: Annotated[bool, option()] = False
    """print one JSON object, for scripts"""


def main(arguments: list[str]) -> int:
    options = parse(Diagnose, "diagnose", arguments)
    from ganforge.health.diagnosis import diagnose
    from ganforge.health.history import History
    from ganforge.runs.folder import Run

    path = run_or_last(options.run, say=None)  # the first line of the answer names it
    run = Run.open(path)
    history = History.of(run)
    opened: list[str] = []
    if options.look:
        from ganforge.tasks.reexamination import look

        history = look(run, history, say=opened.append)
    found = diagnose(history)
    if options.json:
        record = {"run": str(path), "exit_code": found.exit_code, **found.to_json()}
        record["examinations"] = len(history.examined)
        print(json.dumps(record, ensure_ascii=False, allow_nan=False))
    else:
        _print(path, run, history, found, opened)
    return found.exit_code


def _print(path: Path, run: Run, history: History, found: Diagnosis, opened: list[str]) -> None:
    looks = len(history.examined)
    print(f"{path}: {found.verdict.words}")
    if not history.ticks:
        print("nothing is logged yet: ask again after the first seconds of training")
        return
    for line in opened:
        print(line)
    print(f"at kimg {history.nimg / 1000:,.1f}, from {looks} examination{'' if looks == 1 else 's'}")
    if not looks:
        print("a run this short is not examined, and numbers of losses alone say little; train for longer")
    tried: list[str] = []
    for finding in found.findings:
        print()
        for line in _lines(run, finding, tried):
            print(line)


def _lines(run: Run, finding: Finding, tried: list[str]) -> list[str]:
    """A finding for a person. A command that stands above already is not told again."""
    from ganforge.report.commands import remedy

    numbers = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in finding.evidence.items())
    lines = [f"{_MARKS[finding.severity]} {finding.severity}: {finding.code}", f"  {finding.meaning}"]
    lines.append(f"  numbers   {numbers}")
    if finding.remedy:
        lines.append(f"  remedy    {finding.remedy}")
    if finding.changes:
        lines.append(f"  changes   {finding.changed()}")
    if finding.changes and finding.command() not in tried:
        tried.append(finding.command())
        lines.append(f"  try       {shlex.join(remedy(finding, run))}")
    return [*lines, f"  page      {finding.page}"]
