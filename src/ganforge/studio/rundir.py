"""Run folders read from outside, cheaply and again and again: the training never knows."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ganforge.core.errors import GanforgeError, RunError, UsageError
from ganforge.core.fields import leaves
from ganforge.core.space import Space
from ganforge.health.diagnosis import Diagnosis
from ganforge.runs.files import parse_line
from ganforge.runs.folder import Run
from ganforge.studio.process_control import Trainer, trainer_of

__all__ = ["Lines", "Roots", "RunFolder", "stamp", "tail"]

_DEEP = 3  # folders under a root in which runs are looked for
_MANY = 500  # runs that are listed
_CHUNK = 1 << 20  # bytes of a log that are read at once
_MOST = 500  # lines of one answer
_END = 1 << 18  # bytes of a log's end that a summary is made from
_SKIPPED = ("samples", "checkpoints", "explore", "exported")


@dataclass(frozen=True)
class Lines:
    """Lines of a log from a place on.

    Attributes:
        lines: what is complete.
        next: the place to go on from.
        anew: whether the file is another one than before, so that what was read counts no longer.
    """

    lines: list[dict[str, Any]]
    next: int
    anew: bool

    def to_json(self) -> dict[str, Any]:
        return {"lines": self.lines, "next": self.next, "anew": self.anew}


def tail(path: Path, start: int) -> Lines:
    """Complete lines of ``path`` from byte ``start`` on, at most some hundred; damaged ones are left out."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            anew = size < start
            start = 0 if anew else start
            file.seek(start)
            some = file.read(_CHUNK)
    except OSError:
        return Lines([], 0, start > 0)
    end = some.rfind(b"\n") + 1
    found: list[dict[str, Any]] = []
    place = start
    for line in some[:end].splitlines(keepends=True):
        if len(found) >= _MOST:
            break
        place += len(line)
        record = parse_line(line)
        if isinstance(record, dict):
            found.append(record)
    return Lines(found, place, anew)


class Roots:
    """Folders under which runs lie. A run is named by its root's number and the path from there.

    Nothing outside a root can be named.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = [Path(root) for root in roots]

    def path(self, name: str) -> Path:
        """The folder or file of that name. Raises RunError."""
        number, _, below = name.partition(":")
        known = {str(place): root for place, root in enumerate(self.roots)}
        try:
            root = known[number].resolve()
            path = (root / below).resolve()
            there = path.is_relative_to(root) and path.exists()
        except (KeyError, OSError, ValueError):  # also a name that no file can have
            there = False
        if not there or not below:
            raise RunError(f"there is no run {name[:80]!r}; it may have been moved or deleted")
        return known[number] / below

    def runs(self) -> list[RunFolder]:
        """Those that there are, the ones written to last first."""
        found = [
            RunFolder(self._name(number, root, folder), folder)
            for number, root in enumerate(self.roots)
            for folder in _folders(root, "run.json", _DEEP)
        ]
        found.sort(key=lambda run: -run.changed)
        return found[:_MANY]

    def models(self) -> list[tuple[str, str, Path]]:
        """Name, kind and place of what makes samples, the newest first: runs, model folders, ONNX files."""
        found: list[tuple[str, str, Path]] = []
        for number, root in enumerate(self.roots):
            if root.is_file() and root.suffix.lower() == ".onnx":
                found.append((f"{number}:.", "onnx", root))
            for kind, file in (("run", "run.json"), ("folder", "config.json")):
                for folder in _folders(root, file, _DEEP, hidden=kind == "run"):
                    if kind == "folder" and (folder / "run.json").is_file():
                        continue
                    found.append((self._name(number, root, folder), kind, folder))
            for path in _onnx(root):
                found.append((self._name(number, root, path), "onnx", path))
        return sorted(found, key=lambda one: -_changed(one[2]))[:_MANY]

    @staticmethod
    def _name(number: int, root: Path, path: Path) -> str:
        return f"{number}:{path.relative_to(root).as_posix()}"


def _folders(root: Path, file: str, deep: int, *, hidden: bool = True) -> Iterator[Path]:
    """Folders that hold ``file``; what lies within a run is not looked through, unless asked for."""
    try:
        if (root / file).is_file():
            yield root
            if hidden:
                return
        if deep:
            below = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
            for path in below:
                if path.name not in (_SKIPPED if hidden else _SKIPPED[:3]):
                    yield from _folders(path, file, deep - 1, hidden=hidden)
    except OSError:
        return


def _onnx(root: Path) -> Iterator[Path]:
    for pattern in ("*.onnx", "*/*.onnx", "*/exported/*.onnx", "exported/*.onnx"):
        try:
            yield from sorted(path for path in root.glob(pattern) if path.is_file())
        except OSError:
            continue


def _changed(place: Path) -> float:
    """When a run, a model folder or a file was last written to, in seconds since 1970; 0 where it is gone."""
    written = ("run.json", "config.json", "events.jsonl", "log.jsonl", "checkpoints", "samples")
    files = [place] if place.is_file() else [place / file for file in written]
    return max(stamp(file)[1] for file in files) / 1e9


@dataclass(frozen=True)
class RunFolder:
    """One run, as it lies on the disk.

    Attributes:
        name: see :class:`Roots`.
        path: the folder.
    """

    name: str
    path: Path

    @property
    def changed(self) -> float:
        """When it was last written to, in seconds since 1970."""
        return _changed(self.path)

    def record(self) -> dict[str, Any]:
        """``run.json``. Raises RunError."""
        try:
            found = json.loads((self.path / "run.json").read_bytes())
        except FileNotFoundError:
            raise RunError("it is no longer here: it was moved or deleted") from None
        except (OSError, ValueError, RecursionError):
            raise RunError(self._damaged("cannot be read")) from None
        if not isinstance(found, dict):
            raise RunError(self._damaged("is damaged"))
        return cast(dict[str, Any], found)

    def _damaged(self, how: str) -> str:
        return f"its run.json {how}: gan check {self.path} says what can be done"

    def trainer(self) -> Trainer | None:
        """The process that trains it now, or None."""
        return trainer_of(self.path)

    def delete(self) -> str:
        """Remove the folder and all that is in it; what was done, in words.

        Raises:
            UsageError: it is being trained, or lies behind a link.
            RunError: it could not be removed whole.
        """
        if self.trainer() is not None:
            raise UsageError("it is being trained: stop it first")
        if self.path.is_symlink():
            raise UsageError("it is a link to another place: delete it there")
        # Under a name that lists no run first: what cannot be removed whole is then no half of a run.
        gone = self.path.with_name(f".deleted-{self.path.name}")
        try:
            self.path.rename(gone)
            shutil.rmtree(gone)
        except OSError as error:
            raise RunError(f"it could not be removed: {error.strerror}") from None
        return f"{self.path.name} was deleted"

    def samples(self) -> list[dict[str, Any]]:
        """Pictures of the fixed latents, oldest first."""
        try:
            names = sorted(file.name for file in (self.path / "samples").iterdir())
        except OSError:
            return []
        plain = [name for name in names if name.endswith(".png") and name[:-4].isdecimal()]
        return [{"nimg": int(name[:-4]), "file": name} for name in plain]

    def diagnosis(self, *, known: bool = False) -> Diagnosis | None:
        """What its log shows, as `gan diagnose` says it; made once for each state. Raises RunError.

        Args:
            known: None unless it has been made already.
        """
        stamps = tuple(stamp(self.path / file) for file in ("run.json", "log.jsonl", "events.jsonl"))
        seen = _DIAGNOSED.get(self.path)
        if seen is not None and seen[0] == stamps:
            return seen[1]
        if known:
            return None
        made = Diagnosis.of(Run.open(self.path))
        _DIAGNOSED[self.path] = stamps, made
        while len(_DIAGNOSED) > _MANY:
            _DIAGNOSED.pop(next(iter(_DIAGNOSED)), None)
        return made

    def summary(self, *, quick: bool = False) -> dict[str, Any]:
        """What a list shows of it; a damaged run is listed with the reason.

        Args:
            quick: without findings, unless they are known already: hundreds of runs are listed at once.
        """
        plain: dict[str, Any] = {
            "run": self.name,
            "name": self.path.resolve().name,
            "path": str(self.path),
            "changed": self.changed,
            "state": "unknown",
            "error": None,
        }
        try:
            record = self.record()
            return {**plain, **self._summary(record, quick)}
        except (GanforgeError, KeyError, TypeError, ValueError, AttributeError) as error:
            ours = isinstance(error, GanforgeError)
            words = str(error) if ours else self._damaged("is damaged")
            return {**plain, **_NOTHING, "error": " ".join(words.split())}

    def _summary(self, record: dict[str, Any], quick: bool) -> dict[str, Any]:
        recipe, data, info = record["recipe"], record["data"], record["info"]
        lines = self._last_lines()
        last: dict[str, Any] = lines[-1] if lines else {}
        events = tail(self.path / "events.jsonl", _near_end(self.path / "events.jsonl")).lines
        budget = info.get("budget") or {}
        nimg, progress = _whole(last.get("nimg")) or 0, _number(last.get("progress"))
        trainer = self.trainer()
        samples = self.samples()
        speed = _speed(lines)
        diagnosis = self.diagnosis(known=quick)
        seconds = _number(last.get("seconds")) or 0.0
        total = round(budget["kimg"] * 1000) if budget.get("kimg") else None
        if total is None and progress:
            total = round(nimg / progress)
        return {
            "state": _state(trainer, events),
            "nimg": nimg,
            "total_nimg": total,
            "seconds": seconds,
            "seconds_left": _left(total, nimg, speed) if trainer is not None else None,
            "device": str((info.get("engine") or {}).get("device", "")),
            "recipe": str(recipe.get("name", "")),
            "data": str(data.get("source", "")),
            "space": Space.from_json(record["space"]).describe(),
            "started": str(info.get("started", "")),
            "examples_a_second": speed,
            "score": _score(lines),
            **(_UNKNOWN if diagnosis is None else _diagnosis_json(diagnosis)),
            "picture": samples[-1]["file"] if samples else None,
            "pid": None if trainer is None else trainer.pid,
        }

    def _last_lines(self) -> list[dict[str, Any]]:
        path = self.path / "log.jsonl"
        return tail(path, _near_end(path)).lines

    def details(self) -> dict[str, Any]:
        """``run.json`` beside the summary. Raises RunError."""
        record = self.record()
        parts = {name: record.get(name) for name in ("recipe", "space", "data", "info")}
        report = (self.path / "report.html").is_file()
        settings = leaves(parts["recipe"])
        return {"summary": self.summary(), **parts, "settings": settings, "has_report": report}


_DIAGNOSED: dict[Path, tuple[tuple[tuple[int, int], ...], Diagnosis]] = {}


def _diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    findings = [{**found.to_json(), "page": found.page} for found in diagnosis.findings]
    return {"findings": findings, "verdict": diagnosis.verdict._asdict()}


_UNKNOWN: dict[str, Any] = {"findings": [], "verdict": {"words": "", "severity": "notice"}}
_NOTHING: dict[str, Any] = {
    "nimg": 0,
    "total_nimg": None,
    "seconds": 0.0,
    "seconds_left": None,
    "device": "",
    "recipe": "",
    "data": "",
    "space": "",
    "started": "",
    "examples_a_second": None,
    "score": None,
    **_UNKNOWN,
    "picture": None,
    "pid": None,
}


def _near_end(path: Path) -> int:
    try:
        return max(path.stat().st_size - _END, 0)
    except OSError:
        return 0


def _state(trainer: Trainer | None, events: list[dict[str, Any]]) -> str:
    if trainer is not None:
        return "paused" if trainer.paused else "training"
    ends = {"finished": "finished", "interrupted": "stopped", "diverged": "diverged"}
    for event in reversed(events):
        if event.get("event") in ends:
            return ends[str(event["event"])]
        if event.get("event") == "resumed":
            break
    return "stopped"


def _speed(lines: list[dict[str, Any]]) -> float | None:
    """Examples a second, over the last quarter of an hour."""
    timed = [
        (n, s) for x in lines if (n := _whole(x.get("nimg"))) is not None and (s := _number(x.get("seconds")))
    ]
    recent = [pair for pair in timed if pair[1] >= timed[-1][1] - 900] if timed else []
    if len(recent) < 2 or recent[-1][1] <= recent[0][1] or recent[-1][0] <= recent[0][0]:
        return None
    return round((recent[-1][0] - recent[0][0]) / (recent[-1][1] - recent[0][1]), 1)


def _left(total: int | None, nimg: int, speed: float | None) -> float | None:
    if total is None or not speed:
        return None
    return round(max(total - nimg, 0) / speed, 1)


def _score(lines: list[dict[str, Any]]) -> dict[str, Any] | None:
    for line in reversed(lines):
        seen = line.get("examination")
        if isinstance(seen, dict):
            fields = cast(dict[str, Any], seen)
            key = str(fields.get("headline"))
            scores = fields.get("scores")
            found = cast(dict[str, Any], scores).get(key) if isinstance(scores, dict) else None
            if isinstance(found, dict):
                score = cast(dict[str, Any], found)
                return {"key": key, "value": score.get("value"), "floor": score.get("floor")}
    return None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None


def stamp(path: Path) -> tuple[int, int]:
    """What changes whenever a file does: its size and when it was written; zeros where there is none."""
    try:
        found = path.stat()
        return found.st_size, found.st_mtime_ns
    except OSError:
        return 0, 0
