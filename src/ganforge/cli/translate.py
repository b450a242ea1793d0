"""`gan translate RUN INPUT`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from ganforge.cli.options import parse, size
from ganforge.core.errors import UsageError
from ganforge.core.options import option

if TYPE_CHECKING:
    from ganforge.tasks.translation import Outcome

__all__ = ["Translate", "main"]

_LISTED = 20  # files that are named, of those left out


@dataclass(frozen=True)
class Translate:
    """Apply a trained translation to pictures, sounds or a clip: a file, a folder or a zip.

    Names are kept, and a sheet shows before and after. Large pictures are made of tiles that overlap.
    The exit code is 1 where some pictures could not be read.
    """

    run: Annotated[Positional[Path], option("RUN")]
    """a run folder, a model folder, or an .onnx file of gan export"""
    input: Annotated[Positional[Path], option("INPUT")]
    """a picture, a sound, a folder or zip of them, a .gif, .webp or .mp4, or a folder of frames"""
    out: Annotated[Path | None, option("PATH", short="-o")] = None
    """the file or folder to write; RUN/translated/... by default"""
    size: Annotated[str | None, option("PIXELS")] = None
    """bring pictures to it first: the longer side, or WIDTHxHEIGHT, covered and cut"""
    degrade: Annotated[bool, option()] = False
    """INPUT is clean: make the run's inputs from it, and show the truth beside"""
    back: Annotated[bool, option()] = False
    """of two domains, the way back"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """the class that a picture shall be led to"""
    text: Annotated[str | None, option("WORDS")] = None
    """of a run with captions: what the result shall show"""
    where: Annotated[str | None, option("NAME=VALUE")] = None
    """of a run with labels or numbers: smile=0.8,age=30"""
    frames: Annotated[int | None, option("N")] = None
    """of a run that makes next frames: how many; 1 by default"""
    sheet: Annotated[Path | None, option("FILE")] = None
    """where before and after are shown; beside the results by default"""
    tile: Annotated[int, option("PIXELS")] = 1024
    """where a side of a result is longer, it is made of tiles of that length"""
    best: Annotated[bool, option()] = False
    """of a run, the checkpoint with the best score, in place of the newest"""


def main(arguments: list[str]) -> int:
    options = parse(Translate, "translate", arguments)
    wanted = size(options.size)
    if isinstance(wanted, tuple) and len(wanted) == 3:
        raise UsageError(
            "--size takes a side or WIDTHxHEIGHT here: the number of frames stays that of the input"
        )
    from ganforge.cli.screen import Screen
    from ganforge.runs.made import condition_from
    from ganforge.tasks.translation import default_out, translate
    from ganforge.tasks.translation_direction import open_translation

    wishes = {"class": options.classes, "text": options.text, "where": options.where}
    direction = open_translation(
        options.run,
        back=options.back,
        moment="best" if options.best else "chosen",
        tile=options.tile,
        ask=lambda translator: condition_from(translator, **wishes),
    )
    screen = Screen()
    if direction.translator.opened is not None:
        screen.table([("opened", direction.translator.opened.words)])
    with screen.counting("translating", least=1) as progress:
        outcome = translate(
            direction,
            options.input,
            options.out or default_out(_beside(options.run), options.input, direction),
            size=wanted,
            degrade=options.degrade,
            frames=options.frames,
            sheet=options.sheet,
            progress=progress,
        )
    screen.table(_summary(outcome))
    return outcome.stopped or (1 if outcome.skipped else 0)


def _beside(run: Path) -> Path:
    """Where results go by default: in the run, or beside a shipped file."""
    return (run if run.is_dir() else run.parent) / "translated"


def _summary(outcome: Outcome) -> list[tuple[str, str]]:
    lines = [("left out", f"{file.name}: {file.reason}") for file in outcome.skipped[:_LISTED]]
    if len(outcome.skipped) > _LISTED:
        lines.append(("left out", f"… and {len(outcome.skipped) - _LISTED:,} more"))
    if outcome.note:
        lines.append(("size", outcome.note))
    if outcome.stopped:
        lines.append(("stopped", f"{outcome.left:,} were not reached; what is written stays"))
    written = outcome.written
    if len(written) == 1:
        lines.append(("wrote", str(written[0])))
    elif written:
        lines.append(("wrote", f"{len(written):,} files, {written[0]} … {written[-1]}"))
    if outcome.sheet is not None:
        lines.append(("sheet", f"{outcome.sheet}   before and after"))
    return lines
