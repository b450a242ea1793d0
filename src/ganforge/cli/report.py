"""`gan report RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from ganforge.cli.options import parse, run_or_last
from ganforge.core.options import option

__all__ = ["Report", "main"]


@dataclass(frozen=True)
class Report:
    """Write RUN/report.html anew: one page about a run, that loads nothing.

    Training and evaluation write it, too; this adds other runs beside it: samples of the same seeds, scores,
    curves, and the settings in which they differ.
    """

    run: Annotated[Positional[Path | None], option("RUN")] = None
    """a run folder; the last one under runs/ by default"""
    beside: Annotated[tuple[Path, ...], option("RUN...")] = ()
    """other runs of the same kind of data, at most three"""
    data_at: Annotated[str | None, option("DATA")] = None
    """where the run's data are now, if they have moved"""


def main(arguments: list[str]) -> int:
    options = parse(Report, "report", arguments)
    from ganforge.cli.screen import Screen
    from ganforge.core.errors import MachineError
    from ganforge.tasks.opened_run import OpenedRun
    from ganforge.tasks.report_writing import compared, write_final_report

    screen = Screen()
    opened = OpenedRun(run_or_last(options.run, screen.say), data=options.data_at, say=screen.say)
    others = compared(opened.run, options.beside)
    with screen.busy("writing the page"):
        path = write_final_report(opened.run, opened.dataset if opened.has_data else None, others)
    if path is None:
        raise MachineError(f"the page cannot be written; {opened.run.path / 'events.jsonl'} says why")
    screen.table([("opened", opened.found.opened.words), ("report", str(path))])
    return 0
