"""Commands for the user to type, as words."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from ganforge.health.finding import Finding, setting
from ganforge.report.plain import entries, mapping, number
from ganforge.runs.folder import Run
from ganforge.runs.translator import translates

__all__ = ["next_commands", "remedy", "started_with"]


def started_with(info: dict[str, Any]) -> list[str]:
    """The command line that made the run, in words; empty where it is not known."""
    typed = entries(info.get("command"))
    if not typed or not all(isinstance(word, str) for word in typed):
        return []
    program = "gan" if PurePath(typed[0]).stem in ("gan", "__main__") else typed[0]
    return [program, *typed[1:]]


def remedy(finding: Finding, run: Run) -> list[str]:
    """The command that starts the run anew with the finding's changes, as words; none where it has none.

    It is the one that was typed, less what the finding changes, and less the folder: a run is there already.
    Where it is not known or was a resume, it is one that says the same.
    """
    if not finding.changes:
        return []
    typed = started_with(run.info)
    if typed[:2] != ["gan", "train"] or len(typed) < 3 or "--resume" in typed:
        typed = _command(run)
    kept = ["gan"]
    for before, word in pairwise(typed):
        name = word.partition("=")[0]
        if name in finding.changes or "--out" in (before, name):
            continue
        if kept[-1] == "--set" and word.startswith("--"):
            kept.pop()  # nothing that it set is left
        kept.append(word)
    if kept[-1] == "--set":
        kept.pop()
    return [*kept, *shlex.split(finding.command())]


def _command(run: Run) -> list[str]:
    """A command that says all that is known of how ``run`` was asked for."""
    source, info, space = run.data.get("source"), run.info, run.space
    words = ["gan", "train", source if isinstance(source, str) else "DATA", "--recipe", run.recipe.name]
    if space.codec.picture_files:
        words += ["--size", "x".join(str(side) for side in reversed(space.spatial))]
    for name, value in mapping(info.get("budget")).items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", f"{number(value):g}"]
    if run.recipe.seed:
        words += ["--seed", str(run.recipe.seed)]
    changed = mapping(info.get("changes"))
    return [*words, *(["--set", *setting(changed)] if changed else [])]


def next_commands(run: Run, *, state: str) -> list[tuple[list[str], str]]:
    """Commands that make sense now, as words, each with what it does. ``state`` is how the training ended."""
    path = str(run.path)
    commands: list[tuple[list[str], str]] = []
    if state in ("interrupted", "open"):
        commands.append((["gan", "train", "--resume", path], "go on exactly where it stopped"))
    commands.append((["gan", "diagnose", path], "what is well and what is not, in words"))
    commands.append((["gan", "evaluate", path], "all scores, beside the best possible, with intervals"))
    commands.append((["gan", "sample", path, "--grid", "grid.png"], "new samples in one picture"))
    if translates(run.recipe):
        one = run.space.codec.one
        commands.append((["gan", "translate", path, one.upper()], f"what becomes of a {one} of yours"))
    elif run.space.codec.pictured:
        commands.append((["gan", "sample", path, "--film", "walk.gif"], "a walk through what it has learnt"))
    return commands
