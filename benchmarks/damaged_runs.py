"""A thousand damaged run folders: no traceback, nothing that hangs, no result that changes without a word.

    .venv/bin/python -m benchmarks.damaged_runs --out benchmarks/results/damaged_runs.md

Four runs are trained and used, so that every kind of file is there: points, pictures with classes, a table,
and pairs. Then one file at a time is damaged, by chance with a fixed seed, and the verbs that open a run are
called on it as `gan` is. The damage is of bytes (as in ``damaged_data``), of the whole file (gone, empty,
cut, another file of the run, a folder in its place), or of a field of a JSON file, with its checksum as it
was or made to match again, as of somebody who knew how. What may come of it:

- *the same*: the verb gives what it gives of the whole run;
- *named*: it gives something else, or goes on without, and what it says names the file;
- *refused*: one line, of the errors that a user can meet;
- *accepted*: the checksum was made to match, so that the file is what somebody wanted.

Anything else is a failure: another exception, more than ten seconds of the processor, another result without
a word, or damage that ``gan check`` passes over although a verb gives something else.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import copy
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save

import ganforge
from benchmarks.damaged_data import SECONDS, damage
from ganforge.cli import main as gan
from ganforge.core.errors import DamageWarning, GanforgeError
from ganforge.report import write_report
from ganforge.runs.files import read_sealed, sealed, sha256
from ganforge.runs.folder import Run

SEED = 16
COUNT = 1000
SHARES = {"points": 0.5, "table": 0.4, "pictures": 0.05, "pairs": 0.05}  # what is quick is done more often
_WAITED = 600  # seconds by the clock, for a process
_TOLD = 25  # mutations between two lines on how far it is
_TINY = ["--set", "generator.width=8", "discriminator.width=8", "batch=16", "--no-picture"]


# -- whole runs ------------------------------------------------------------------------------------------


def _points(path: Path) -> None:
    values = np.random.default_rng(0).normal(3, 2, (240, 2)).round(4)
    path.write_text("x,y\n" + "\n".join(",".join(map(str, row)) for row in values) + "\n")


def _pictures(path: Path, n: int = 24, shift: int = 0) -> None:
    rng = np.random.default_rng(0)
    for i in range(n):
        file = path / "ab"[i % 2] / f"p{i:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) // (1 + i % 2)
        Image.fromarray(np.roll(pixels, shift, 1)).save(file)


def _pairs(path: Path) -> None:
    _pictures(path / "photo")
    _pictures(path / "map", shift=3)


def _table(path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{int(age)},{word},2024-01-{1 + i % 28:02}"
        for i, (age, word) in enumerate(
            zip(rng.integers(18, 90, 160), rng.choice(["Ulm", "Bath"], 160), strict=True)
        )
    ]
    path.write_text("age,town,since\n" + "\n".join(rows) + "\n")


@dataclass(frozen=True)
class Kind:
    """A run of one kind of data.

    Attributes:
        data: its file or folder, and what makes it.
        train: the words after `gan train DATA`.
        use: what is done with the run before it is damaged, RUN being its folder.
    """

    data: str
    make: Callable[[Path], None]
    train: tuple[str, ...] = ()
    use: tuple[str, ...] = ("sample RUN --seeds 0-3", "explore RUN interpolate", "export RUN --to folder")


KINDS = {
    "points": Kind("points.csv", _points, ("--what", "points")),
    "pictures": Kind("photos", _pictures, ("--size", "16")),
    "table": Kind(
        "people.csv", _table, ("--what", "rows"), ("sample RUN --rows 20", "export RUN --to folder")
    ),
    "pairs": Kind(
        "both/map",
        lambda path: _pairs(path.parent),
        ("--from", "both/photo", "--recipe", "pix2pix", "--size", "16"),
        ("sample RUN --seeds 0-3", "translate RUN both/photo", "export RUN --to folder"),
    ),
}


def trained(folder: Path, name: str) -> Path:
    """A run of ``KINDS[name]`` in ``folder`` with every kind of file in it, and its data beside it."""
    kind = KINDS[name]
    kind.make(folder / kind.data)
    run = folder / f"run-{name}"
    words = ["train", kind.data, *kind.train, "--kimg", "0.2", "--out", run.name, "--quiet", *_TINY]
    evaluated = "evaluate RUN --samples 60 --only distances"
    with contextlib.chdir(folder), _quiet():
        assert gan(words) == 0
        for use in (*kind.use, evaluated):
            assert gan(use.replace("RUN", run.name).split()) == 0, use
        write_report(Run.open(run.name))
    return run


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        yield told


# -- what a verb gives -----------------------------------------------------------------------------------


def _files(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file() and file.name != "README.md":
            digest.update(file.relative_to(path).as_posix().encode() + file.read_bytes())
    return digest.hexdigest() if path.exists() else "nothing"


def _json(text: str, *without: str) -> str:
    start = text.find("{")
    fields = json.loads(text[start:]) if start >= 0 else {}
    return json.dumps({name: value for name, value in fields.items() if name not in without}, sort_keys=True)


def _weights(run: Path) -> str:
    newest = Run.open(run).checkpoint("newest")
    return str(sorted(newest.sha256.items()))


def _page(run: Path) -> str:
    """The report, with the pixels of its pictures in place of their files."""

    def pixels(found: re.Match[str]) -> str:
        with Image.open(io.BytesIO(base64.b64decode(found[1]))) as image:
            return hashlib.sha256(image.tobytes()).hexdigest()

    return re.sub(r'src="data:image/png;base64,([^"]*)"', pixels, write_report(Run.open(run)).read_text())


def _report(run: Path) -> str:
    try:
        return _page(run)
    except GanforgeError as error:
        print(error)
        return "refused"


def _model(run: Path) -> str:
    try:
        return str(ganforge.load(run / "exported" / "model").sample(3).tolist())
    except GanforgeError as error:
        print(error)
        return "refused"


@dataclass(frozen=True)
class Verb:
    """One way to open a run.

    Attributes:
        words: of `gan`; RUN and OUT are its folder and where it writes. None: ``call`` is called.
        gives: what it gave, from the run, from what it wrote and from what it printed.
    """

    words: str
    gives: Callable[[Path, Path, str], str]
    call: Callable[[Path], str] | None = None


_OUT: Callable[[Path, Path, str], str] = lambda run, out, said: _files(out)  # noqa: E731
_SAID: Callable[[Path, Path, str], str] = lambda run, out, said: ""  # noqa: E731
VERBS = {
    "sample": Verb("sample RUN --seeds 0-3 --out OUT", _OUT),
    "sample rows": Verb("sample RUN --rows 20 --out OUT", _OUT),
    "translate": Verb("translate RUN both/photo/a --out OUT", _OUT),
    "evaluate": Verb(
        "evaluate RUN --samples 60 --only distances --json",
        lambda run, out, said: _json(said, "seconds", "time", "when"),
    ),
    "diagnose": Verb("diagnose RUN --json", lambda run, out, said: _json(said)),
    "report": Verb("", _SAID, _report),
    "explore": Verb("explore RUN interpolate --out OUT", _OUT),
    "feedback": Verb("explore RUN feedback --out OUT", _OUT),
    "export": Verb("export RUN --to folder --out OUT", _OUT),
    "model": Verb("", _SAID, _model),
    "resume": Verb("train --resume RUN --kimg 0.24 --quiet", lambda run, out, said: _weights(run)),
    "check": Verb("check RUN", _SAID),
}
_WITHOUT = {
    "points": ("sample rows", "translate", "feedback"),
    "pictures": ("sample rows", "translate"),
    "table": ("sample", "translate", "explore", "feedback"),
    "pairs": ("sample rows", "explore", "feedback", "model"),
}


def verbs(kind: str) -> list[str]:
    return [name for name in VERBS if name not in _WITHOUT[kind]]


@dataclass(frozen=True)
class Found:
    """What a verb gave, with what code it ended, and all that it said."""

    gave: str
    code: int
    said: str
    failure: str = ""


class _TooLongError(BaseException):
    """No exception that a reader would catch."""


def _alarm(*_: Any) -> None:
    raise _TooLongError


def called(name: str, run: Path, out: Path, seconds: float = SECONDS) -> Found:
    """Call a verb in this process, in the folder above the run, for ``seconds`` of the processor at most."""
    verb = VERBS[name]
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
    code, gave, failure = 0, "", ""
    with _quiet() as told, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("always", DamageWarning)
        try:
            if verb.call is not None:
                gave = verb.call(run)
            else:
                words = verb.words.replace("RUN", run.name).replace("OUT", str(out)).split()
                code = gan(words)
        except _TooLongError:
            failure = f"more than {seconds:g} s"
        except BaseException as error:  # what is looked for: a traceback on a person's screen
            last = traceback.extract_tb(error.__traceback__)[-1]
            failure = f"{type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}:{last.lineno})"
        finally:
            for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
                signal.setitimer(timer, 0)
    said = told.getvalue()
    if verb.call is None and not failure:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DamageWarning)
                gave = verb.gives(run, out, said) if code in (0, 5, 6) else "refused"
        except (GanforgeError, ValueError) as error:
            gave = f"nothing that can be read: {error}"
    return Found(gave, code, said, failure)


# -- damage ----------------------------------------------------------------------------------------------

_HOSTILE: list[Any] = [
    *(None, True, -1, 0, 3, 0.5, 1e308, 10**30, "", "x" * 3000, "nan", "../../etc/passwd", "\0", "é\u202e"),
    *([], {}, [None] * 40, [[0, 1]] * 20, {"a": {"": 1}}, [0.0] * 20_000, float("nan"), float("inf")),
]


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    )
    for name, item in inner:
        yield from _places(item, (*place, name))


def _field(fields: dict[str, Any], chance: random.Random) -> tuple[dict[str, Any], str]:
    """One field replaced, left out, or another one added."""
    changed = copy.deepcopy(fields)
    place = chance.choice(list(_places(changed)))
    here: Any = changed
    for step in place[:-1]:
        here = here[step]
    what = chance.randrange(6)
    if what == 0:
        del here[place[-1]]
    elif what == 1 and isinstance(here, dict):
        here["further"] = chance.choice(_HOSTILE)
    elif what == 2 and isinstance(here[place[-1]], (int, float)):
        here[place[-1]] = here[place[-1]] * chance.choice([-1, 2, 1000]) + chance.choice([0, 1])
    else:
        here[place[-1]] = chance.choice(_HOSTILE)
    return changed, f"field {'.'.join(map(str, place))}"


def _line(record: dict[str, Any]) -> bytes:
    line = json.dumps(record).encode()
    return line[:-1] + b', "crc32": "%08x"}' % zlib.crc32(line)


def _by_field(file: Path, chance: random.Random) -> tuple[bytes, str, bool] | None:
    """A field of a JSON file or of a line of a log, or a tensor, changed; whether its checksum matches."""
    match file.suffix:
        case ".json":
            whole = json.loads(file.read_bytes())
            fields, intact = read_sealed(file)
            changed, what = _field(fields, chance)
            if intact is None or chance.random() < 0.5:
                return (json.dumps(changed) if intact is None else sealed(changed)).encode(), what, True
            seal = {"own_sha256": whole["own_sha256"]}
            return json.dumps({**changed, **seal}).encode(), what, False
        case ".jsonl":
            lines = file.read_bytes().splitlines()
            at = chance.randrange(len(lines))
            record = json.loads(lines[at])
            seal = record.pop("crc32", "")
            changed, what = _field(record, chance)
            if chance.random() < 0.5:
                lines[at] = _line(changed)
                return b"\n".join(lines) + b"\n", what, True
            lines[at] = json.dumps({**changed, "crc32": seal}).encode()
            return b"\n".join(lines) + b"\n", what, False
        case ".safetensors":
            tensors = load_file(file)
            name = chance.choice(sorted(tensors))
            match chance.randrange(6):
                case 0:
                    del tensors[name]
                case 1:
                    tensors[f"{name}.further"] = tensors[name].clone()
                case 2:
                    tensors[name] = tensors[name].reshape(-1)[:1].clone()
                case 3:
                    tensors[name] = tensors[name].to(torch.float16)
                case 4:
                    tensors[name] = torch.full_like(tensors[name].float(), float("nan"))
                case _:
                    tensors[name] = tensors[name] + 1
            return save({k: v.contiguous() for k, v in tensors.items()}), f"tensor {name}", False
        case _:
            return None


def damaged(file: Path, run: Path, chance: random.Random) -> tuple[str, bool]:
    """Damage ``file``; gives how, and whether it carries a checksum that matches what it is now."""
    content = file.read_bytes()
    how = chance.randrange(10)
    if how < 5 and content:
        file.write_bytes(damage(content, np.random.default_rng(chance.getrandbits(32))))
        return "bytes", False
    if how < 8:
        found = _by_field(file, chance)
        if found is not None:
            file.write_bytes(found[0])
            matches = found[2]
            state = file.parent / "state.json"
            if file.suffix == ".safetensors" and state.exists() and chance.random() < 0.5:
                fields, _ = read_sealed(state)
                fields["sha256"][file.stem] = sha256(found[0])
                state.write_text(sealed(fields))
                matches = True
            return found[1], matches
    match chance.randrange(5):
        case 0:
            file.unlink()
            return "gone", False
        case 1:
            file.write_bytes(b"")
            return "empty", False
        case 2:
            file.write_bytes(content[: chance.randrange(len(content) or 1)])
            return "cut", False
        case 3:
            others = [f for f in sorted(run.rglob("*")) if f.is_file() and f != file]
            same = [f for f in others if f.name == file.name]
            other = chance.choice(same or others)
            file.write_bytes(other.read_bytes())
            if not other.stat().st_size:
                return "empty", False
            return f"{other.relative_to(run)} in its place", False
        case _:
            file.unlink()
            file.mkdir()
            return "a folder in its place", False


# A list of events that ends earlier, or is not there, is one of a run that is younger; a picture or a page
# is remade or passed over; scores that are gone were never measured.
_MAY_GO = (".png", ".html", ".npy", ".csv", ".md", ".gif")
_YOUNG = ("events.jsonl", "scores.json")
_LEARNT_ANEW = ("classifier.safetensors", "classifier.json")  # which takes its time
_ANYTHING = (".lock",)


@dataclass
class Tally:
    """What came of the damage to one kind of file."""

    times: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])
    slowest: float = 0.0

    def take(self, other: Tally) -> None:
        self.times += other.times
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)


class Trial:
    """One whole run, damaged again and again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.whole = trained(folder, kind).rename(folder / "whole")
        self.run = folder / f"run-{kind}"
        self.out = folder / "out"
        self.expected: dict[str, Found] = {}
        for name in verbs(kind):
            self._fresh()
            self.expected[name] = called(name, self.run, self.out)
            assert not self.expected[name].failure, (name, self.expected[name])
            assert self.expected[name].code in (0, 5, 6), (name, self.expected[name].said)
        self._fresh()
        self.files = [f for f in sorted(self.run.rglob("*")) if f.is_file() and f.name not in _ANYTHING]

    def _fresh(self) -> None:
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.copytree(self.whole, self.run)

    def once(self, chance: random.Random, tallies: dict[str, Tally]) -> None:
        """One mutation, and the verbs on it: each on a folder of its own."""
        kinds = sorted({_named(f) for f in self.files})
        kind = chance.choice(kinds)  # kinds of files, not files: there are more pictures than runs
        file = chance.choice([f for f in self.files if _named(f) == kind])
        seed = chance.getrandbits(32)
        tally = tallies.setdefault(kind, Tally())
        tally.times += 1
        changed: list[str] = []
        sound = True
        limit = SECONDS * (10 if file.name in _LEARNT_ANEW else 1)
        for name in verbs(self.kind):
            self._fresh()
            before = file.read_bytes()
            how, matches = damaged(file, self.run, random.Random(seed))
            same = file.is_file() and file.read_bytes() == before
            began = time.process_time()
            found = called(name, self.run, self.out, limit)
            tally.slowest = max(tally.slowest, time.process_time() - began)
            where = f"{self.kind} {file.relative_to(self.run)}, {how}, seed {seed}: {name}"
            outcome = self._judged(name, file, found, matches or same, how)
            if name == "check":
                sound = found.code == 0
            elif outcome in ("named", "refused"):
                changed.append(name)
            tally.outcomes[outcome] += 1
            if outcome == "failed":
                tally.failures.append(f"{where}: {found.failure or self._difference(name, found)}")
        if changed and sound and not matches and not _may_go(file, how):
            tally.outcomes["failed"] += 1
            tally.failures.append(f"{where}: check passes over what {', '.join(changed)} names")

    def _difference(self, name: str, found: Found) -> str:
        lines = [line for line in found.said.splitlines() if line.strip()]
        return f"exit {found.code}, another result without a word: {' | '.join(lines[-3:])[:300]}"

    def _judged(self, name: str, file: Path, found: Found, matches: bool, how: str) -> str:
        expected = self.expected[name]
        if found.failure:
            return "failed"
        if found.gave == expected.gave and found.code == expected.code:
            return "the same"
        inner = file.parent.parent.name in ("checkpoints", "exported")
        names = {file.name, file.parent.name} if inner else {file.name}
        said = any(part in found.said for part in names)
        refused = found.gave == "refused" or found.code not in (0, 5, 6)
        if refused and name != "check":
            lines = [
                line for line in found.said.splitlines() if line.startswith("gan ") and "warning" not in line
            ]
            one = len(lines) == 1 or VERBS[name].call is not None
            return "refused" if one and (said or matches) else "failed"
        if matches:
            return "accepted"
        return "named" if said or _may_go(file, how) else "failed"


def _may_go(file: Path, how: str) -> bool:
    return file.suffix in _MAY_GO or (how in ("gone", "empty", "cut") and file.name in _YOUNG)


def _named(file: Path) -> str:
    """The kind of a file, in the table of results."""
    return file.name if file.suffix not in (".png", ".npy") else f"{file.parent.name}/*{file.suffix}"


def tried(folder: Path, kind: str, count: int, seed: int = SEED) -> dict[str, Tally]:
    """``count`` mutations of a run of this kind."""
    tallies: dict[str, Tally] = {}
    former = [(number, signal.signal(number, _alarm)) for number in (signal.SIGALRM, signal.SIGPROF)]
    try:
        with _environment(folder), contextlib.chdir(folder):
            trial, chance = Trial(kind, folder), random.Random(f"{seed} {kind}")
            for i in range(1, count + 1):
                before = {name: len(tally.failures) for name, tally in tallies.items()}
                trial.once(chance, tallies)
                new = [
                    line for name, tally in tallies.items() for line in tally.failures[before.get(name, 0) :]
                ]
                if new or i % _TOLD == 0:
                    print(f"{kind}: {i} of {count}", *new, sep="\n  ", flush=True)
    finally:
        for number, handler in former:
            signal.signal(number, handler)
    return tallies


def _failures(tallies: dict[str, Tally]) -> list[str]:
    return [line for tally in tallies.values() for line in tally.failures]


@contextlib.contextmanager
def _environment(folder: Path) -> Iterator[None]:
    changes = {"GANFORGE_CACHE": str(folder / "cache"), "COLUMNS": "100"}
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def as_processes(folder: Path, kind: str, count: int, seed: int = SEED) -> list[str]:
    """A few of the same as processes, as a person calls them; gives what went wrong."""
    failures: list[str] = []
    with _environment(folder), contextlib.chdir(folder):
        trial = Trial(kind, folder)
        chance = random.Random(f"{seed} {kind} processes")
        program = "import sys; from ganforge.cli import main; sys.exit(main())"
        for _ in range(count):
            trial._fresh()
            file = chance.choice(trial.files)
            how, _matches = damaged(file, trial.run, chance)
            name = chance.choice([name for name in verbs(kind) if VERBS[name].call is None])
            words = VERBS[name].words.replace("RUN", trial.run.name).replace("OUT", str(trial.out)).split()
            try:
                done = subprocess.run(
                    [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=_WAITED
                )
            except subprocess.TimeoutExpired:
                failures.append(f"{file.name} {how} {name}: more than {_WAITED} seconds")
                continue
            if "Traceback" in done.stdout + done.stderr or done.returncode not in range(7):
                failures.append(f"{file.name} {how} {name}: {done.returncode} {done.stderr[-300:]}")
    return failures


def _job(kind: str, count: int, processes: int, seed: int) -> tuple[dict[str, Tally], list[str]]:
    """All of one kind, in a process of its own."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        tallies = tried(Path(name), kind, count, seed)
    failures = _failures(tallies)
    if processes:
        with tempfile.TemporaryDirectory() as name:
            failures += as_processes(Path(name), kind, processes, seed)
    print(f"{kind}: {count} mutations, {len(failures)} failures", *failures, sep="\n  ", flush=True)
    return tallies, failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=len(KINDS))
    options = parser.parse_args()
    kinds = [options.kind] if options.kind else list(KINDS)
    counts = {kind: round(options.count * (SHARES[kind] if len(kinds) > 1 else 1)) for kind in kinds}
    each = options.processes // len(kinds)
    tallies: dict[str, Tally] = {}
    failures: list[str] = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_job, kind, count, each, options.seed) for kind, count in counts.items()]
        for job in jobs:
            found, failed = job.result()
            failures += failed
            for name, tally in found.items():
                tallies.setdefault(name, Tally()).take(tally)
    outcomes = ("the same", "named", "refused", "accepted", "failed")
    lines = [
        "# Damaged run folders",
        "",
        "```sh",
        ".venv/bin/python -m benchmarks.damaged_runs"
        f"{f' --kind {options.kind}' if options.kind else ''} --count {options.count} --seed {options.seed}"
        f" --processes {options.processes} --out benchmarks/results/damaged_runs.md",
        "```",
        "",
        f"{options.count:,} mutations, seed {options.seed}, over runs of {', '.join(kinds)}; each is opened "
        "by every verb that the kind of data has. A count is of one verb on one mutation. *Accepted*: the "
        "checksum was made to match again, so that nobody can tell it from what was meant.",
        "",
        "| file | damaged | " + " | ".join(outcomes) + " | slowest |",
        "|---|--:" + "|--:" * (len(outcomes) + 1) + "|",
    ]
    for kind, tally in sorted(tallies.items()):
        counts = " | ".join(str(tally.outcomes[outcome]) for outcome in outcomes)
        lines.append(f"| {kind} | {tally.times} | {counts} | {tally.slowest:.1f} s |")
    lines += ["", f"As processes: {options.processes}. Failures: {len(failures)}."]
    print(*lines, sep="\n")
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
