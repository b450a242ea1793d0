"""What a person sees in the terminal while a verb works."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from ganforge.health.diagnosis import verdict_of

if TYPE_CHECKING:
    from ganforge.training.loop import Outcome, Tick, Trainer

__all__ = ["Screen", "duration"]

_COLOURS = {"good": "green", "notice": "dim", "warning": "yellow", "failure": "red"}


def duration(seconds: float | None) -> str:
    """``42 s``, ``7 m``, ``3 h 20 m``; a question mark where nobody knows."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} m" if minutes < 90 else f"{minutes // 60} h {minutes % 60} m"


class Screen:
    """Prints to standard output; lively on a terminal, plain lines in a file or a pipe."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)

    def table(self, lines: Sequence[tuple[str, str]]) -> None:
        """Subject and words, a line each; a subject is printed once."""
        former = ""
        for subject, words in lines:
            shown = subject if subject != former else ""
            self.console.print(Text(f"{shown:<10}", style="bold"), Text(words), sep="", end="\n")
            former = subject

    def json(self, value: Any) -> None:
        self.console.print_json(json.dumps(value))

    def say(self, words: str) -> None:
        self.console.print(Text(words))

    @contextmanager
    def busy(self, words: str) -> Generator[None]:
        """Something that takes seconds and has no steps to count."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(words):
            yield

    @contextmanager
    def counting(self, words: str, *, least: int = 0) -> Generator[Callable[[int, int], None]]:
        """A bar for something of known length, if it has more than ``least`` steps; gives what moves it."""
        if not self.console.is_terminal:
            yield lambda done, total: None
            return
        columns = (SpinnerColumn(), TextColumn(words), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(words, total=None, visible=False)

            def move(done: int, total: int) -> None:
                bars.update(task, completed=done, total=total, visible=total > least)

            yield move

    @contextmanager
    def reading(self) -> Generator[Callable[[int, int], None]]:
        """A bar for reading data; gives the function that moves it."""
        with self.counting("reading", least=200) as move:
            yield move

    @contextmanager
    def watching(self, trainer: Trainer) -> Generator[None]:
        """Print each tick of a training: on one moving line of a terminal, else on lines of their own."""
        lively = self.console.is_terminal and os.environ.get("TERM") != "dumb"
        with self.console.status("the first rounds …") if lively else _nothing() as status:

            def tick(tick: Tick) -> None:
                line = _tick_line(tick)
                if status is not None:
                    status.update(line)
                else:
                    self.console.print(line)

            trainer.on_tick = tick
            trainer.on_event = self.say
            yield

    def ended(self, trainer: Trainer, outcome: Outcome, report: Path | None) -> None:
        """Why it ended, where everything is, and what to type next."""
        path = trainer.run.path
        pictures = trainer.run.samples
        speed = f"{outcome.nimg / 1000:,.1f} kimg in {duration(outcome.seconds)}"
        lines = [
            ("done", f"{outcome.reason}: {speed}")
            if outcome.finished
            else ("stopped", f"{outcome.reason.removeprefix('stopped ')}: {speed}")
        ]
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
            if trainer.run.recipe.game in ("translation", "exchange"):
                lines.append(("next", f"gan translate {path} PICTURE -o made.png"))
            elif trainer.run.space.kind != "points":  # a walk of one point is no film
                lines.append(("next", f"gan sample {path} --film walk.gif"))
        self.table(lines)


@contextmanager
def _nothing() -> Generator[None]:
    yield None


def _tick_line(tick: Tick) -> Text:
    """``kimg 12.4 of 100   distance .081 (floor .004)   told apart 57 %   |grad| G .9 D 1.2   ● healthy: …``.

    The distance is the score of the last examination (``metrics.examination``), and the floor what real
    examples score against real ones. Told apart is the share of pairs, one real and one fake, that the
    discriminator puts in the right order.
    """
    record = tick.record
    line = Text(f"kimg {tick.nimg / 1000:,.1f} of {tick.total_nimg / 1000:,.0f}")
    if tick.score is not None:
        value, floor = tick.score
        line.append(f"   distance {_short(value)} (floor {_short(max(floor, 0.0))})")
    if "margin" in record:
        line.append(f"   told apart {100 * record['margin']['positive']:.0f} %")
    if "generator_gradient" in record:
        sizes = [_short(record[f"{name}_gradient"]["mean"]) for name in ("generator", "discriminator")]
        line.append(f"   |grad| G {sizes[0]} D {sizes[1]}")
    if tick.findings:
        verdict = verdict_of(tick.findings)
        line.append("   ").append(f"● {verdict.words}", _COLOURS[verdict.severity])
    line.append(f"   ETA {duration(tick.seconds_left)}")
    return line


def _short(value: float, *, sign: bool = False) -> str:
    """Two digits that count, and no nought before the point: ``.41``, ``1.2``, ``+.055``."""
    plus = "+" if sign else ""
    if abs(value) >= 100:
        return f"{value:{plus},.0f}"
    words = f"{value:{plus}.2g}"
    return words.replace("0.", ".", 1) if abs(value) < 1 else words
