"""`gan explore RUN WHAT` calls the question of that name in ``tasks/questions``, which calls ``latent``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ganforge.cli.options import parse, run_or_last
from ganforge.core.declared import QUESTIONS
from ganforge.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from ganforge.tasks.answer import Question

__all__ = ["main", "read"]


def read(arguments: Sequence[str]) -> tuple[Path | None, Question] | None:
    """The run that is asked about and the question; None where the overview is asked for.

    Raises UsageError.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        return None
    known = QUESTIONS.overview()
    words = list(arguments)
    run = None if words[0] in known and not Path(words[0], "run.json").is_file() else Path(words.pop(0))
    if run is not None and str(run).startswith("-"):
        raise UsageError(
            f"there is no option {run}; a run and what to explore come first. See: gan explore --help"
        )
    if not words or words[0] in ("-h", "--help"):
        raise UsageError(
            f"say what to explore: {', '.join(known)}, as in gan explore {run} {next(iter(known))}"
        )
    what = words.pop(0)
    if what not in known:
        raise UsageError(
            f"there is no {what!r} to explore.{nearest(what, known)} There is {', '.join(known)}"
        )
    return run, parse(cast("type[Question]", QUESTIONS[what]), f"explore RUN {what}", words)


def main(arguments: list[str]) -> int:
    parsed = read(arguments)
    if parsed is None:
        print(_overview())
        return 0
    run, question = parsed
    from ganforge.cli.screen import Screen
    from ganforge.tasks.opened_run import OpenedRun

    screen = Screen()
    opened = OpenedRun(run_or_last(run, screen.say), out=question.out, data=question.data_at, say=screen.say)
    screen.table([("opened", opened.found.opened.words)])
    with screen.busy("exploring …"):
        answer = question.ask(opened)
    screen.table(answer.lines)  # shown before it is written
    screen.table([("wrote", str(path)) for path in answer.keep()])
    return 0


def _overview() -> str:
    rows = "\n".join(f"  {what:<12} {words}" for what, words in QUESTIONS.overview().items())
    return (
        "usage: gan explore [RUN] WHAT [--options]\n\n"
        "Explore what a run has learned, and question it. RUN is a run folder; the last one under runs/ by\n"
        "default. Results go to RUN/explore/WHAT: pictures to look at, and result.json.\n\n"
        f"{rows}\n\n"
        "gan explore RUN WHAT --help   its options"
    )
