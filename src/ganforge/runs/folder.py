"""A run folder: everything about one training, readable without the code that trained it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

import ganforge
from ganforge.core.errors import RunError
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.runs import checkpoint
from ganforge.runs.files import append_line, machine_faults, read_lines, write_atomically

__all__ = ["Moment", "Run", "find_latest"]

FORMAT = 1
Moment = Literal["chosen", "newest", "best"]
# What reading plain data from a file that anybody may have written can raise.
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError)


@dataclass(frozen=True)
class Run:
    """One run folder.

    Attributes:
        path: the folder.
        recipe: the resolved recipe.
        space: what one example is.
        data: the data's manifest: source, counts, fingerprint, skipped files.
        info: the rest of ``run.json``: versions, machine, budget, when and how it was started.
    """

    path: Path
    recipe: Recipe
    space: Space
    data: dict[str, Any]
    info: dict[str, Any]

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
        details = {**_circumstances(), **(info or {})}
        run = cls(folder, recipe, space, data, details)
        try:
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
        write_atomically(self.path / "run.json", json.dumps(record, indent=1, ensure_ascii=False))

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Read a run folder. Raises RunError with the fix where it is not one."""
        path = Path(path)
        file = path / "run.json"
        if not file.is_file():
            what = "no such folder" if not path.exists() else "it has no run.json"
            raise RunError(f"{path} is not a run folder ({what}); gan train DATA makes one, under runs/")
        try:
            record = json.loads(file.read_text())
            version = record["format"]
            if version != FORMAT:
                raise RunError(f"{file} has format {version}; this ganforge reads {FORMAT}: upgrade ganforge")
            recipe, space = Recipe.from_json(record["recipe"]), Space.from_json(record["space"])
            data, info = dict(record["data"]), dict(record["info"])
        except RunError:
            raise
        except _NONSENSE as error:
            raise RunError(f"{file} is damaged ({type(error).__name__}: {error})") from None
        return cls(path, recipe, space, data, info)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the folder for training. Raises RunError where another process trains in it."""
        with machine_faults(self.path):
            handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RunError(
                    f"{self.path} is being trained by another process; stop that one first"
                ) from None
            yield
        finally:
            os.close(handle)

    def clean(self) -> None:
        """Delete what a killed process left half-written; for who holds the lock."""
        for stray in [*self.path.glob(".tmp-*"), *(self.path / "samples").glob(".tmp-*")]:
            stray.unlink(missing_ok=True)

    def add_log(self, record: dict[str, Any]) -> None:
        append_line(self.path / "log.jsonl", record)

    def add_event(self, kind: str, **fields: Any) -> None:
        append_line(self.path / "events.jsonl", {"time": time.time(), "event": kind, **fields})

    def log(self) -> list[dict[str, Any]]:
        """The ticks, oldest first. After a resume the later telling of the same nimg counts."""
        ticks: dict[int, dict[str, Any]] = {}
        for record in read_lines(self.path / "log.jsonl"):
            nimg = record.get("nimg")
            if isinstance(nimg, int):
                while ticks and nimg <= next(reversed(ticks)):
                    ticks.popitem()
                ticks[nimg] = record
        return list(ticks.values())

    def events(self) -> list[dict[str, Any]]:
        return read_lines(self.path / "events.jsonl")

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

    def checkpoint(
        self, moment: Moment = "chosen", only: tuple[str, ...] | None = None
    ) -> checkpoint.Checkpoint:
        """A valid checkpoint: the ``newest``, or the ``best`` by the score that was watched.

        ``chosen`` is the newest, unless its score is significantly worse than the best one's: then
        something broke on the way, and the best is the run's result. Where the best cannot be read the
        newest takes its place. The state before training is read only as the ``newest``: nothing was
        learnt there, whatever its score. Raises RunError where there is none.
        """
        found, passed_over = checkpoint.newest(self.checkpoints, only)
        if found is None:
            reason = "; ".join(passed_over) or "it was stopped before its first save"
            raise RunError(f"{self.path} has no checkpoint that can be read: {reason}; train it anew")
        if moment == "newest":
            return found
        if not found.state["nimg"]:
            raise RunError(
                f"{self.path} holds only the state before training, which has learnt nothing; "
                f"train it: gan train --resume {self.path}"
            )
        standing = found.state.get("standing")
        if not isinstance(standing, dict):
            return found
        best, worse = standing.get("best_nimg"), standing.get("past_its_best", False)
        if not isinstance(best, int) or best <= 0 or (moment == "chosen" and not worse):
            return found
        try:
            return checkpoint.read_checkpoint(checkpoint.path_of(self.checkpoints, best), only)
        except RunError:
            return found

    def recipe_at(self, moment: checkpoint.Checkpoint) -> Recipe:
        """The recipe that was played there: the run's, with what the rescue had changed by then."""
        standing = moment.state.get("standing")
        rescues = standing.get("rescues", []) if isinstance(standing, dict) else []
        recipe = self.recipe
        for rescue in rescues:
            recipe = recipe.with_changes(rescue["changes"])
        return recipe


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1


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
