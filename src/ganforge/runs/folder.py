"""A run folder: everything about one training, readable without the code that trained it."""

from __future__ import annotations

import base64
import html
import os
import platform
import shutil
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

import ganforge
from ganforge.core.errors import DamageWarning, RunError
from ganforge.core.fields import STRANGE, flag, listed, mapping, only, real, text, whole
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.runs import checkpoint
from ganforge.runs.files import (
    append_line,
    machine_faults,
    read_lines,
    read_sealed,
    sealed,
    write_atomically,
)
from ganforge.runs.plugins import keep, kept_from_json, require

with warnings.catch_warnings():  # where the system has no locks, it says so at every import
    warnings.simplefilter("ignore")
    from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

__all__ = ["Moment", "Run", "find_latest", "is_held"]

FORMAT = 1
Moment = Literal["chosen", "newest", "best"] | int
"""Which checkpoint of a run: see :meth:`Run.checkpoint`."""


@dataclass(frozen=True)
class Run:
    """One run folder.

    Attributes:
        path: the folder.
        recipe: the resolved recipe.
        space: what one example is.
        data: the data's manifest: source, counts, fingerprint, skipped files.
        info: the rest of ``run.json``: versions, machine, budget, when and how it was started.
        intact: whether ``run.json`` is as ganforge wrote it.
    """

    path: Path
    recipe: Recipe
    space: Space
    data: dict[str, Any]
    info: dict[str, Any]
    intact: bool = True

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        recipe: Recipe,
        space: Space,
        data: dict[str, Any],
        info: dict[str, Any] | None = None,
    ) -> Run:
        """Make a new folder at ``path``, or at ``path-2``, ``path-3`` … where it is taken.

        Raises MachineError where it cannot be written.
        """
        with machine_faults(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in _numbered(path):
                try:
                    folder.mkdir()
                    break
                except FileExistsError:
                    continue
            else:
                raise AssertionError("unreachable: the numbers do not end")
            for name in ("samples", "checkpoints"):
                (folder / name).mkdir()
        try:
            details = {**_circumstances(), "plugins": keep(folder), **(info or {})}
            run = cls(folder, recipe, space, data, details)
            run.write()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return run

    def write(self) -> None:
        """Write ``run.json``."""
        record = {
            "format": FORMAT,
            "recipe": self.recipe.to_json(),
            "space": self.space.to_json(),
            "data": self.data,
            "info": self.info,
        }
        write_atomically(self.path / "run.json", sealed(record))

    @classmethod
    def open(cls, path: Path | str, *, accepting: bool = False) -> Run:
        """Read a run folder. Raises RunError with the fix where it is not one.

        A ``run.json`` that is not as it was written gets a :class:`DamageWarning`, unless the caller is
        ``accepting`` what was changed in it.
        """
        path = Path(path)
        file = path / "run.json"
        try:
            if not file.is_file():
                what = "no such folder" if not path.exists() else "it has no run.json"
                raise RunError(f"{path} is not a run folder ({what}); gan train DATA makes one, under runs/")
            record, intact = read_sealed(file)
            version = record["format"]
            if version != FORMAT:
                raise RunError(
                    f"{file} has format {str(version)[:20]}; this ganforge reads {FORMAT}: upgrade ganforge"
                )
            only(record, ("format", "recipe", "space", "data", "info"), "run.json")
            data, info = _data(record["data"]), _info(record["info"])
            kept = kept_from_json(info.get("plugins", []), "info.plugins")
            require(path, kept, [record["recipe"], record["space"]])
            recipe, space = Recipe.from_json(record["recipe"]), Space.from_json(record["space"])
        except RunError:
            raise
        except OSError as error:
            raise RunError(f"{str(file)[:500]} cannot be read ({error.strerror})") from None
        except STRANGE as error:
            raise RunError(f"{file} is damaged ({type(error).__name__}: {str(error)[:300]})") from None
        if intact is False and not accepting:
            warnings.warn(
                f"{file} is not as ganforge wrote it: its checksum does not match. If you changed it: "
                f"gan train --resume {path} --accept-changes; else put it back",
                DamageWarning,
                stacklevel=2,
            )
        return cls(path, recipe, space, data, info, intact is not False)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the folder for training. Raises RunError where another process trains in it."""
        lock = _lock(self.path)
        with machine_faults(self.path):
            try:
                lock.acquire()
            except Timeout:
                raise RunError(
                    f"{self.path} is being trained by another process; stop that one first"
                ) from None
        try:
            yield
        finally:
            lock.release()

    def clean(self) -> None:
        """Delete what a killed process left half-written; for who holds the lock."""
        for folder in (".", "samples", "checkpoints/[0-9]*"):
            for stray in self.path.glob(f"{folder}/.tmp-*"):
                stray.unlink(missing_ok=True)

    def add_log(self, record: dict[str, Any]) -> None:
        append_line(self.path / "log.jsonl", record)

    def add_event(self, kind: str, **fields: Any) -> None:
        append_line(self.path / "events.jsonl", {"time": time.time(), "event": kind, **fields})

    def log(self) -> list[dict[str, Any]]:
        """The ticks, oldest first. After a resume the later telling of the same nimg counts."""
        ticks: dict[int, dict[str, Any]] = {}
        for record in read_lines(self.path / "log.jsonl"):
            nimg = record["nimg"]
            while ticks and nimg <= next(reversed(ticks)):
                ticks.popitem()
            ticks[nimg] = record
        if not ticks and checkpoint.moments(
            self.checkpoints
        ):  # a line is written before the first checkpoint
            lost = f"{self.path / 'log.jsonl'} is gone or holds nothing: how the training went is not known"
            warnings.warn(lost, DamageWarning, stacklevel=2)
        return list(ticks.values())

    def events(self) -> list[dict[str, Any]]:
        return read_lines(self.path / "events.jsonl")

    def scores(self) -> dict[str, Any]:
        """What ``gan evaluate`` left; empty where it has not, or where it is damaged, with a warning."""
        file = self.path / "scores.json"
        try:
            record, intact = read_sealed(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            record, intact = {}, False
        if intact is False or not isinstance(record.get("scores"), list):
            again = f"{file} is damaged and left out; gan evaluate {self.path} measures anew"
            warnings.warn(again, DamageWarning, stacklevel=2)
            return {}
        return record

    @property
    def file(self) -> Path:
        """The file with recipe, space, data and circumstances."""
        return self.path / "run.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples(self) -> list[Path]:
        """Pictures of the fixed latents, oldest first."""
        return sorted((self.path / "samples").glob("[0-9]*.png"))

    def _repr_html_(self) -> str:
        """What a notebook shows of it: where it is, what it made of, and its newest sheet."""
        words = html.escape(f"{self.path}: {self.recipe.name}, {self.space.describe()}")
        if not self.samples:
            return f"<p>{words}</p>"
        sheet = base64.b64encode(self.samples[-1].read_bytes()).decode()
        return f"<p>{words}</p><img alt='samples' src='data:image/png;base64,{sheet}'>"

    def checkpoint(
        self, moment: Moment = "chosen", only: tuple[str, ...] | None = None
    ) -> checkpoint.Checkpoint:
        """A valid checkpoint: the ``newest``, the ``best`` by the score that was watched, or that of a number
        of examples.

        ``chosen`` is the newest, unless its score is significantly worse than the best one's: then
        something broke on the way, and the best is the run's result. The state before training is read only
        as the ``newest``: nothing was learnt there, whatever its score. Where one of these cannot be read
        another takes its place, with a :class:`DamageWarning`; ``passed_over`` of what is given says why.

        Args:
            only: the tensor files that are wanted, and verified.

        Raises:
            RunError: there is none, or that of a number of examples cannot be read.
        """
        if isinstance(moment, int):
            known = checkpoint.moments(self.checkpoints)
            if moment not in known:
                there = ", ".join(map(str, sorted(known))) or "none"
                raise RunError(f"{self.path} has no checkpoint of {moment} examples; there are: {there}")
            return checkpoint.read_checkpoint(checkpoint.path_of(self.checkpoints, moment), only)
        newest, passed_over = checkpoint.newest(self.checkpoints, only)
        if newest is None:
            reason = "; ".join(passed_over) or "it was stopped before its first save"
            raise RunError(f"{self.path} has no checkpoint that can be read: {reason}; train it anew")
        if moment != "newest" and not newest.nimg:
            raise RunError(
                f"{self.path} holds only the state before training, which has learnt nothing"
                f"{''.join(f'; {line}' for line in passed_over)}; train it: gan train --resume {self.path}"
            )
        standing = newest.state.get("standing", {})
        best, worse = standing.get("best_nimg"), standing.get("past_its_best", False)
        found, why = newest, "the newest"
        if moment == "best":
            none = "no score is known" if best is None else "none scores better than before training"
            why = "the newest and the best" if best == newest.nimg else f"the newest: {none}"
        if best and best != newest.nimg and (moment == "best" or (moment == "chosen" and worse)):
            try:
                found = checkpoint.read_checkpoint(checkpoint.path_of(self.checkpoints, best), only)
                why = "the best" if moment == "best" else f"the best: that of {newest.nimg:,} scores worse"
            except RunError as error:
                passed_over = [*passed_over, str(error)]
        for line in passed_over:
            words = f"{line}; the state at {found.nimg:,} examples is taken in its place"
            warnings.warn(words, DamageWarning, stacklevel=2)
        why = "in place of a damaged one" if passed_over else why
        return replace(found, passed_over=tuple(passed_over), why=why)

    def recipe_at(self, moment: checkpoint.Checkpoint) -> Recipe:
        """The recipe that was played there: the run's, with what the rescue had changed by then."""
        recipe = self.recipe
        for rescue in moment.state.get("standing", {}).get("rescues", []):
            recipe = recipe.with_changes(rescue["changes"])
        return recipe


def _lock(path: Path) -> BaseFileLock:
    """The system's own lock of ``.lock``; where it has none, ``.held``, a file that is there meanwhile."""
    if issubclass(FileLock, SoftFileLock):  # pyright: ignore[reportUnnecessaryIsInstance]
        return SoftFileLock(path / ".held", blocking=False)
    return FileLock(path / ".lock", blocking=False)


def is_held(path: Path) -> bool:
    """Whether some process trains in the run folder ``path`` now."""
    if not (path / ".lock").exists() and not (path / ".held").exists():
        return False
    try:
        with _lock(path):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1


_LONG = 100_000  # characters of a path, a command or a reason


def _data(value: Any) -> dict[str, Any]:
    """The data's manifest. What every reader gives of its own is not known here."""
    data = mapping(value, "data")
    for name in ("source", "form", "fingerprint"):
        text(data.get(name) or "", f"data.{name}", _LONG)
    for name in ("n", "train", "held_out", "skipped"):
        whole(data.get(name, 0), f"data.{name}", 0, 1 << 60)
    real(data.get("held_out_share", 0.0), "data.held_out_share", 0.0, 1.0)
    for note in listed(data.get("notes", []), "data.notes"):
        text(note, "data.notes", _LONG)
    return data


def _info(value: Any) -> dict[str, Any]:
    info = mapping(value, "info")
    for name in ("ganforge", "torch", "python", "started", "why"):
        text(info.get(name) or "", f"info.{name}", _LONG)
    for name in ("engine", "budget", "machine"):
        mapping(info.get(name, {}), f"info.{name}")
    for word in listed(info.get("command", []), "info.command"):
        text(word, "info.command", _LONG)
    for name, most in (("threads", 1 << 16), ("patience", 1 << 30)):
        if info.get(name) is not None:
            whole(info[name], f"info.{name}", 1, most)
    flag(info.get("rescue", False), "info.rescue")
    for name, number in info.get("budget", {}).items():
        if number is not None:
            real(number, f"info.budget.{name}", least=5e-324)
    return info


def _circumstances() -> dict[str, Any]:
    return {
        "ganforge": ganforge.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def find_latest(folder: Path) -> Path:
    """The run under ``folder`` that was written to last. Raises RunError where there is none."""
    runs = [file.parent for file in folder.glob("*/run.json")]
    if not runs:
        raise RunError(f"there is no run folder under {folder}/; name one, or make one: gan train DATA")

    def last_touched(run: Path) -> float:
        files = [run / "run.json", run / "events.jsonl", run / "log.jsonl", run / "checkpoints"]
        return max(file.stat().st_mtime for file in files if file.exists())

    return max(runs, key=last_touched)
