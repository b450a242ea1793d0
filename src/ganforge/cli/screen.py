"""What a person sees in the terminal while a verb works."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from ganforge.cli.line import Line, duration

if TYPE_CHECKING:
    from ganforge.cli.terminal_picture import Way
    from ganforge.runs.folder import Run
    from ganforge.training.loop import Outcome, Tick, Trainer

__all__ = ["Screen", "duration"]

_FIRST_PICTURE = 5.0  # seconds after the beginning
_PICTURES = 3.0  # times as long until the next one …
_LONGEST = 300.0  # … and seconds, at most


class Screen:
    """Prints to standard output; lively on a terminal, plain lines in a file or a pipe.

    Args:
        quiet: say only what went wrong, on standard error.
        verbose: with numbers for the expert.
        as_json: one JSON line a tick on standard output, and all words on standard error.
        picture: show samples in a terminal that can.
    """

    def __init__(
        self, *, quiet: bool = False, verbose: bool = False, as_json: bool = False, picture: bool = True
    ) -> None:
        self.console = Console(highlight=False, soft_wrap=True, stderr=as_json or quiet)
        self._quiet, self._verbose, self._json = quiet, verbose, as_json
        self._lively = self.console.is_terminal and os.environ.get("TERM") != "dumb" and not quiet
        self._way: Way | None = None
        if picture and self._lively and not as_json:
            from ganforge.cli.terminal_picture import way_of

            self._way = way_of(os.environ, truecolor=self.console.color_system == "truecolor")

    def table(self, lines: Sequence[tuple[str, str]]) -> None:
        """Subject and words, a line each; a subject is printed once."""
        if self._quiet:
            return
        former = ""
        for subject, words in lines:
            shown = subject if subject != former else ""
            self.console.print(Text(f"{shown:<10}", style="bold"), Text(words), sep="", end="\n")
            former = subject

    def json(self, value: Any) -> None:
        print(json.dumps(value, indent=2))

    def say(self, words: str) -> None:
        if not self._quiet:
            self.console.print(Text(words))

    @contextmanager
    def busy(self, words: str) -> Generator[None]:
        """Something that takes seconds and has no steps to count."""
        if not self._lively:
            yield
            return
        with self.console.status(words):
            yield

    @contextmanager
    def counting(self, words: str, *, least: int = 0) -> Generator[Callable[[int, int], None]]:
        """A bar for something of known length, if it has more than ``least`` steps; gives what moves it."""
        if not self._lively:
            yield lambda done, total: None
            return
        columns = (SpinnerColumn(), TextColumn(words), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(words, total=None, visible=False)

            def advance(done: int, total: int) -> None:
                bars.update(task, completed=done, total=total, visible=total > least)

            yield advance

    @contextmanager
    def reading(self) -> Generator[Callable[[int, int], None]]:
        """A bar for reading data; gives the function that moves it."""
        with self.counting("reading", least=200) as move:
            yield move

    @contextmanager
    def watching(self, trainer: Trainer) -> Generator[None]:
        """Tell each tick of a training: on one moving line of a terminal, else on lines of their own."""
        line = Line(trainer, verbose=self._verbose)
        live = self._moving(line) if self._lively and not self._json else None
        due, opened = _FIRST_PICTURE, False

        def tick(tick: Tick) -> None:
            nonlocal due, opened
            if trainer.opened is not None and not opened:
                self.table([("opened", trainer.opened.words)])
                opened = True
            line.follow(tick)
            if self._json:
                print(json.dumps(line.to_json()), flush=True)
            elif live is None and not self._quiet:
                self.console.print(line.text())
            if self._way is not None and live is not None and tick.nimg and line.elapsed >= due:
                due = line.elapsed + min((_PICTURES - 1) * line.elapsed, _LONGEST)
                live.stop()  # a picture is written past what moves
                self._show(tick.picture, trainer.run)
                live.start()

        trainer.on_tick = tick
        trainer.on_event = lambda words: self.console.print(Text(words))  # also where the rest is quiet
        if live is None:
            yield
            return
        with live:
            yield

    def _moving(self, line: Line) -> Live:
        def now() -> Text:
            text = line.text(columns=self.console.width)
            text.no_wrap, text.overflow = True, "ellipsis"
            return text

        return Live(get_renderable=now, console=self.console, refresh_per_second=4, transient=True)

    def _show(self, path: Path, run: Run) -> None:
        """The first samples of a sheet, where this terminal can show them."""
        from PIL import Image

        from ganforge.cli.terminal_picture import draw
        from ganforge.codecs.plots import cell_of

        if self._way is None:
            return
        sides = run.space.spatial
        cell = cell_of(sides[-1], sides[-2]) if len(sides) > 1 else None
        with Image.open(path) as sheet:
            self.console.file.write(draw(sheet, cell, self._way, self.console.width) + "\n")
        self.console.file.flush()

    def ended(self, trainer: Trainer, outcome: Outcome, report: Path | None) -> None:
        """Why it ended, where everything is, and what to type next."""
        path = trainer.run.path
        pictures = trainer.run.samples
        if self._json:
            fields = {"ended": outcome.reason, "finished": outcome.finished, "run": str(path)}
            print(json.dumps(fields | {"report": None if report is None else str(report)}), flush=True)
        if pictures:
            self._show(pictures[-1], trainer.run)
        what = trainer.run.space.codec.counted
        speed = f"{outcome.nimg:,} {what} in {duration(outcome.seconds)}"
        lines = [
            ("done", f"{outcome.reason}: {speed}")
            if outcome.finished
            else ("stopped", f"{outcome.reason.removeprefix('stopped ')}: {speed}")
        ]
        from ganforge.health.diagnosis import verdict_of

        lines.append(("verdict", verdict_of(trainer.findings).words))
        worst = [found for found in trainer.findings if found.rank >= 2] or trainer.findings[:1]
        lines += [("found", f"{found.name}: {found.meaning} {found.remedy}".rstrip()) for found in worst]
        if pictures:
            lines.append(("samples", str(pictures[-1])))
        lines.append(("run", str(path)))
        if report is not None:
            lines.append(("report", str(report)))
        if not outcome.finished:
            lines.append(("next", f"gan train --resume {path}"))
        else:
            lines.append(("next", f"gan sample {path} --grid grid.png"))
            lines.append(("next", f"gan evaluate {path}"))
            from ganforge.runs.translator import translates

            if translates(trainer.run.recipe):
                codec = trainer.run.space.codec
                made = "made.png" if codec.picture_files else f"made{codec.suffix}"
                lines.append(("next", f"gan translate {path} {codec.one.upper()} -o {made}"))
            elif trainer.run.space.codec.pictured:  # a walk of one point is no film
                lines.append(("next", f"gan sample {path} --film walk.gif"))
        self.table(lines)
