"""What verbs share: parsing into a dataclass, and printing."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from operator import not_
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro

from ganforge.core.errors import UsageError, nearest
from ganforge.core.options import option

__all__ = ["AS_FOUND", "TableOptions", "changes", "gather", "offered", "parse", "run_or_last", "size"]
__all__ += ["value_range"]

Options = TypeVar("Options")


@dataclass(frozen=True)
class TableOptions:
    """How csv files are read, where what is found in them is not right."""

    separator: Annotated[str | None, option("SIGN")] = None
    """what parts the columns: comma, semicolon, tab, pipe, space, or the sign itself"""
    decimal: Annotated[str | None, option("SIGN")] = None
    """the decimal sign: point or comma"""
    header: Annotated[int | None, option("ROWS")] = None
    """how many rows of names stand on top; 0 is none"""
    columns: Annotated[str | None, option("NAMES")] = None
    """the columns to take, by name or by number from 1, joined by commas"""

    what: Annotated[Literal["rows", "points", "series", "clips", "frames"] | None, option("KIND")] = None
    """of a table, rows takes words, dates and gaps too, points the numbers alone, series rows in time of
    several entities; of films, clips takes them whole, frames single pictures; found by default"""
    column: Annotated[tuple[str, ...], option("NAME=KIND")] = ()
    """what a column is: number, whole, date or date:FORMAT, word, yes-no, key, text"""
    entity: Annotated[str | None, option("COLUMN")] = None
    """of series, the column that names them; found by default"""
    time: Annotated[str | None, option("COLUMN")] = None
    """of series, the column that says when each row is; found by default"""

    def given(self) -> dict[str, Any]:
        """Those that were given, by their names in ``TableFormat``."""
        found = {name: value for name, value in vars(self).items() if value not in (None, ())}
        if "column" in found:
            from ganforge.core.recipe import FOUND

            found["kinds"] = FOUND.taking(found.pop("column")).columns
        return found


AS_FOUND = TableOptions()


def parse(kind: type[Options], verb: str, arguments: Sequence[str]) -> Options:
    """Arguments to a dataclass.

    Prints the help page and ends the program where that is asked for.

    Raises:
        UsageError: in one line: an option that does not exist, with the nearest one, or a value that does
            not fit.
    """
    config = (tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes)
    known = _known(kind, config)
    arguments = _with_negatives(arguments)
    for word in arguments:
        name = word.partition("=")[0].replace("_", "-")
        if name.startswith("--") and name not in known and word not in ("--help", "-h"):
            raise UsageError(f"there is no option {name}.{nearest(name, known)} See: gan {verb} --help")
    printed = io.StringIO()
    try:
        with redirect_stderr(printed):
            return tyro.cli(kind, prog=f"gan {verb}", args=list(arguments), config=config)
    except SystemExit as end:
        if not end.code:
            print("--plugin FILE   with what a Python file of your own declares; may be given again")
            raise
        raise UsageError(f"{_one_line(printed.getvalue())}. See: gan {verb} --help") from None


def _with_negatives(arguments: Sequence[str]) -> list[str]:
    """``--range -1,1`` as one word: a number below zero is no option."""
    found: list[str] = []
    for word in arguments:
        if found and re.match(r"-\.?\d", word) and re.fullmatch(r"--[a-z-]+", found[-1]):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _known(kind: type[Any], config: tuple[Any, ...]) -> list[str]:
    """The options on the help page of ``kind``."""
    page = io.StringIO()
    try:
        with redirect_stdout(page):
            tyro.cli(kind, args=["--help"], config=config)
    except SystemExit:
        pass
    return [*offered(page.getvalue()), "--plugin"]


def offered(page: str) -> list[str]:
    """The options that stand on a help page, in its order."""
    return re.findall(r"^[^\w-]*(?:-\w(?: \w+)?, )?(--[a-z][\w-]*)", page, re.MULTILINE)


def _one_line(box: str) -> str:
    """What the parser says in a box of many lines, as one line."""
    # A title, the message, a rule and hints; borders and rules depend on the terminal.
    lines = [line.strip("│|╭╮╰╯─+- ") for line in box.splitlines()[1:]]
    message = list(takewhile(bool, dropwhile(not_, lines)))
    words = " ".join(message)
    value = re.search(r"Error parsing (\S+): .* from \[(.*?)\]", words)
    if value is not None:
        return f"{value[1]} cannot be {value[2]}"
    choice = re.search(r"invalid choice '(.*?)' for argument '(\S+?)'\. Expected one of \((.*?)\)", words)
    if choice is not None:  # which are listed in no order, with 'None' where the option may be left out
        names = sorted(set(re.findall(r"'(.*?)'", choice[3])) - {"None"})
        return f"{choice[2]} cannot be {choice[1]}: {', '.join(names)}"
    return words.replace("Unrecognized options:", "too much is given:").rstrip(". ")


def gather(arguments: Sequence[str], name: str = "--set") -> list[str]:
    """All KEY=VALUE words after each ``name``, brought together at the end.

    So that the option can be given more than once, and does not swallow a word that follows it.
    """
    rest: list[str] = []
    pairs: list[str] = []
    before = ""
    within = False
    for word in arguments:
        # The word right after the option is meant for it, whatever it is: it may be a pair gone wrong.
        within = word != name and not word.startswith("--") and (before == name or (within and "=" in word))
        if within:
            pairs.append(word)
        elif word != name:
            rest.append(word)
        before = word
    given = name in arguments
    return [*rest, name, *pairs] if pairs else [*rest, *([name] if given else [])]


def changes(pairs: Sequence[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts to a mapping. Raises UsageError."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set takes KEY=VALUE, as in --set batch=32, not {pair!r}")
        found[key.strip()] = value.strip()
    return found


def run_or_last(run: Path | None, say: Callable[[str], None] | None = print) -> Path:
    """The run folder that is meant: where none was named, the last one under ``runs/``, and ``say`` tells it.

    Raises RunError where there is none.
    """
    if run is not None:
        return run
    from ganforge.runs.folder import find_latest

    # Of data that one stands in, runs lie beside them (``tasks.experiment.default_folder``).
    here, beside = Path("runs"), Path("..") / "runs"
    run = find_latest(beside if not here.is_dir() and beside.is_dir() else here)
    if say is not None:
        say(f"the last run is {run}")
    return run


def size(text: str | None) -> int | tuple[int, int] | tuple[int, int, int] | None:
    """``64``, ``64x48`` (width × height, as a person says it) or ``64x48x16`` (and frames) to numbers."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)(?:[x×](\d+))?(?:[x×](\d+))?", text.strip().lower())
    if match is None:
        raise UsageError(f"--size takes a side or WIDTHxHEIGHT in pixels, as in 64 or 96x64, not {text!r}")
    side, *more = (int(number) for number in match.groups() if number is not None)
    return side if not more else (side, more[0]) if len(more) == 1 else (side, more[0], more[1])


def value_range(text: str | None) -> tuple[float, float] | None:
    """``0,4095`` to two numbers."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--range takes two numbers, as in 0,4095 or -1,1, not {text!r}") from None
    return low, high
